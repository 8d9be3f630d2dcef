// SPDX-License-Identifier: GPL-2.0
/*
 * diff_system.c - in what the two systems differ: their snapshots, taken apart and compared by schema/things.sql.
 *
 * Only here does pktdiff use SQLite: snapshots are text and JSON, and their rows are few.
 */
#include <stdlib.h>
#include <string.h>

#include "diff.h"
#include "embedded.h"
#include "sql.h"
#include "sql_insert.h"

/* A namespace without a counterpart has nothing to be compared with; the machine's own things have none. */
static void snapshots_insert(struct diff *d, int s, struct insert *in)
{
	const struct model *m = d->side[s].m;

	for (size_t i = 0; i < m->nsnapshots; i++) {
		const struct snapshot *snap = &m->snapshots[i];
		uint32_t label = snap->netns ? side_netns(d, s, snap->netns) : 0;

		if (!snap->netns || label)
			snapshot_row(in, s + 1, snap, label, name_text(d, label));
	}
}

static int tables_fill(struct diff *d, sqlite3 *db)
{
	struct insert in;
	int rc = sqlite3_exec(db, embedded_tables, NULL, NULL, NULL);

	if (rc)
		return rc;
	snapshots_open(&in, db);
	for (int s = 0; s < 2; s++)
		snapshots_insert(d, s, &in);
	rc = insert_close(&in);
	rc = rc ?: sqlite3_exec(db, embedded_snapshots, NULL, NULL, NULL);
	return rc ?: sqlite3_exec(db, embedded_things, NULL, NULL, NULL);
}

/* A column's text, kept; NULL where the database has none. */
static const char *text_of(struct diff *d, sqlite3_stmt *stmt, int column)
{
	const char *text = (const char *)sqlite3_column_text(stmt, column);

	return text ? diff_text(d, text) : NULL;
}

static const char *text_or(struct diff *d, sqlite3_stmt *stmt, int column)
{
	return text_of(d, stmt, column) ?: "";
}

static void change_add(struct diff *d, sqlite3_stmt *stmt, size_t *room)
{
	struct change *c;

	d->changes = diff_grow(d->changes, room, d->nchanges + 1, sizeof(*d->changes));
	c = &d->changes[d->nchanges++];
	*c = (struct change){
		.kind = text_or(d, stmt, 0), .netns = name_id(d, text_or(d, stmt, 1)), .name = text_or(d, stmt, 2),
		.say = text_or(d, stmt, 3), .device = text_or(d, stmt, 8), .prefix = text_or(d, stmt, 9), .hook = text_or(d, stmt, 10),
		.counts = sqlite3_column_int(stmt, 15),
	};
	for (int s = 0; s < 2; s++) {
		c->value[s] = text_of(d, stmt, 4 + s);
		c->was[s] = text_of(d, stmt, 6 + s);
		c->action[s] = text_or(d, stmt, 11 + s);
		c->moved[s] = sqlite3_column_int64(stmt, 13 + s);
	}
}

void system_compare(struct diff *d)
{
	sqlite3_stmt *stmt = NULL;
	sqlite3 *db = NULL;
	size_t room = 0;
	int rc;

	if (!d->side[0].m->nsnapshots || !d->side[1].m->nsnapshots)
		return;
	rc = sqlite3_open(":memory:", &db);
	rc = rc ?: functions_add(db);
	rc = rc ?: sqlite3_exec(db, "PRAGMA temp_store = MEMORY; BEGIN", NULL, NULL, NULL);
	rc = rc ?: tables_fill(d, db);
	rc = rc ?: sqlite3_prepare_v2(db, "SELECT * FROM temp.difference", -1, &stmt, NULL);
	while (!rc && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		change_add(d, stmt, &room);
		rc = 0;
	}
	if (rc != SQLITE_DONE)
		d->system_trouble = diff_text(d, db ? sqlite3_errmsg(db) : "out of memory");
	sqlite3_finalize(stmt);
	sqlite3_close(db);
}
