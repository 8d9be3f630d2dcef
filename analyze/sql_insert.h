/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sql_insert.h - rows into tables, a prepared INSERT each.
 */
#ifndef PKT_SQL_INSERT_H
#define PKT_SQL_INSERT_H

#include <sqlite3.h>
#include <stdint.h>

struct model;
struct snapshot;

/* How the values of a row are given: i number, t text, n text or NULL when empty, N number or NULL when 0, b bytes and their number */
struct insert {
	sqlite3_stmt *stmt;
	const char *types;
	int rc;
};

void insert_open(struct insert *in, sqlite3 *db, const char *sql, const char *types);
void insert_row(struct insert *in, ...);	/* all numbers are given as sqlite3_int64 */
int insert_close(struct insert *in);		/* an SQLite result code */

#define I(n) ((sqlite3_int64)(n))

static inline sqlite3_int64 time_of(uint64_t ns)
{
	return ns < INT64_MAX ? (sqlite3_int64)ns : INT64_MAX;
}

/* --- sql_more.c: stacks, lineage, bytes, snapshots --- */
int more_load(sqlite3 *db, const struct model *m, int recording);
/* Into the table snapshot, whose namespaces may have other numbers and names than in the model. */
void snapshots_open(struct insert *in, sqlite3 *db);
void snapshot_row(struct insert *in, int recording, const struct snapshot *s, uint32_t netns, const char *name);

/* --- sql_latency.c --- */
int latency_load(sqlite3 *db, const struct model *m, int recording);

#endif
