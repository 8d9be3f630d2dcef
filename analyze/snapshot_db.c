// SPDX-License-Identifier: GPL-2.0
/*
 * snapshot_db.c - fill that database, and ask of it what a file of schema/ asks by name.
 */
#include <string.h>

#include "embedded.h"
#include "snapshot_db.h"
#include "sql.h"
#include "sql_insert.h"

int snapshot_db_open(sqlite3 **db, const struct model *m, bool (*wants)(const struct snapshot *s))
{
	struct insert in;
	int rc = sqlite3_open(":memory:", db);

	rc = rc ?: functions_add(*db);
	rc = rc ?: sqlite3_exec(*db, "PRAGMA temp_store = MEMORY; BEGIN", NULL, NULL, NULL);
	rc = rc ?: sqlite3_exec(*db, embedded_tables, NULL, NULL, NULL);
	if (rc)
		return rc;
	snapshots_open(&in, *db);
	for (size_t i = 0; i < m->nsnapshots; i++)
		if (wants(&m->snapshots[i]))
			snapshot_row(&in, 1, &m->snapshots[i], m->snapshots[i].netns, model_netns(m, m->snapshots[i].netns));
	return insert_close(&in);
}

int snapshot_db_each(sqlite3 *db, const char *sql, const char *name, void (*read)(void *data, sqlite3_stmt *q), void *data)
{
	size_t len = strlen(name);
	const char *at = sql;
	sqlite3_stmt *q = NULL;
	int rc = SQLITE_ERROR;

	while ((at = strstr(at, "\n-- ")) && (at += 4, memcmp(at, name, len) || at[len] != '\n'))
		;
	if (at)
		rc = sqlite3_prepare_v2(db, at + len, -1, &q, NULL);
	if (rc == SQLITE_OK) {
		/* what a stranger wrote may end the rows early: then those count that came */
		while ((rc = sqlite3_step(q)) == SQLITE_ROW)
			read(data, q);
		rc = rc == SQLITE_NOMEM ? rc : SQLITE_OK;
	}
	sqlite3_finalize(q);
	return rc;
}
