/* SPDX-License-Identifier: GPL-2.0 */
/*
 * snapshot_db.h - the snapshots of a recording in an SQLite database in memory, for those who ask of them in SQL.
 */
#ifndef PKT_SNAPSHOT_DB_H
#define PKT_SNAPSHOT_DB_H

#include <sqlite3.h>

#include "model.h"

/* The tables of schema/, empty but for the wanted snapshots; *db is to be closed even on failure.  An SQLite result code */
int snapshot_db_open(sqlite3 **db, const struct model *m, bool (*wants)(const struct snapshot *s));
/* read() for each row of the statement in sql that begins with the comment "-- name".  An SQLite result code */
int snapshot_db_each(sqlite3 *db, const char *sql, const char *name, void (*read)(void *data, sqlite3_stmt *q), void *data);

#endif
