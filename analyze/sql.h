/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sql.h - recordings as a database: the tables and views of schema/, filled from models.
 *
 * In memory, hop_row is a virtual table over the models: nothing is copied.  In a file it is a table like the others.
 */
#ifndef PKT_SQL_H
#define PKT_SQL_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "model.h"

/* The recordings that a database is made of, in the order of their numbers; models are borrowed. */
struct recordings {
	struct model **models;
	size_t n;
};

#define DB_ERROR_MAX 512
#define DB_APPLICATION_ID 0x706b7472	/* "pktr" */
#define DB_VERSION 1

/* --- sql_db.c: databases; 0, or -1 with one sentence in error[DB_ERROR_MAX] --- */
int db_open_live(sqlite3 **out, const struct recordings *recs, char *error);	/* recs must outlive it */
int db_open_file(sqlite3 **out, const char *path, char *error);			/* one that -o made; read only */
bool db_is_file(const char *path);						/* does it look like one? */
int db_write(const struct recordings *recs, const char *path, char *error);	/* under its final name only when whole */
int db_write_to(const struct recordings *recs, const char *path, char *error);	/* into path itself, an empty file */
void db_forbid(sqlite3 *db);	/* from now on nothing but reading */

/* --- sql_load.c, sql_path.c: rows of one recording into the tables --- */
int rows_load(sqlite3 *db, const struct model *m, int recording);	/* an SQLite result code */
int paths_load(sqlite3 *db, const struct model *m, int recording, uint32_t *path_of);	/* path_of[number - 1] */

/* --- sql_same.c: packets seen in several recordings --- */
int same_load(sqlite3 *db, const struct recordings *recs);	/* an SQLite result code */

/* --- sql_hop.c: the virtual table --- */
int hop_module_add(sqlite3 *db, const struct recordings *recs);	/* as "pkt_hops" */

/* --- sql_functions.c: percentile() and the like --- */
int functions_add(sqlite3 *db);
void functions_list(FILE *out);		/* one line each */

/* --- sql_run.c, sql_output.c: queries and their results --- */
enum sql_format { FORMAT_TABLE, FORMAT_TABS, FORMAT_CSV, FORMAT_JSON, FORMAT_BOX };

/* Runs one or more statements; results go to out.  "@name" is a query of schema/queries.  0, or -1 with error. */
int sql_run(sqlite3 *db, const char *query, enum sql_format format, FILE *out, char *error);
void sql_list(FILE *out);							/* the named queries, one line each */
int sql_describe(sqlite3 *db, const char *name, FILE *out, char *error);	/* one line each; or all of one, by name */
const char *sql_named(const char *name);					/* NULL: there is none */

struct output;
struct output *output_begin(enum sql_format format, FILE *out, sqlite3_stmt *stmt);	/* NULL: no memory */
int output_row(struct output *o, sqlite3_stmt *stmt);				/* 0, or -ENOMEM */
int output_end(struct output *o);						/* frees it */

#endif
