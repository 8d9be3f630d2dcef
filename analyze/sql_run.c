// SPDX-License-Identifier: GPL-2.0
/*
 * sql_run.c - run queries: what the user typed or a named one; list the tables, views, functions and named queries.
 */
#include <stdlib.h>
#include <string.h>

#include "embedded.h"
#include "sanitize.h"
#include "spill.h"
#include "sql.h"

const char *sql_named(const char *name)
{
	const struct embedded_query *q;

	for (q = embedded_queries; q->name; q++)
		if (!strcmp(q->name, name))
			return q->sql;
	return NULL;
}

static int fail(char *error, const char *format, const char *why)
{
	char raw[DB_ERROR_MAX];

	snprintf(raw, sizeof(raw), format, why);
	sanitize(error, DB_ERROR_MAX, raw);
	return -1;
}

static int no_such_query(const char *name, char *error)
{
	char names[400] = "";
	const struct embedded_query *q;
	size_t n = 0;

	for (q = embedded_queries; q->name; q++)
		n += snprintf(names + n, sizeof(names) - n, " @%s", q->name);
	snprintf(names + n, sizeof(names) - n, " (asked for: @%.60s)", name);
	return fail(error, "no such named query; there are%s", names);
}

static int statement_run(sqlite3_stmt *stmt, enum sql_format format, FILE *out)
{
	struct output *o = output_begin(format, out, stmt);
	int rc = o ? sqlite3_step(stmt) : SQLITE_NOMEM;

	while (rc == SQLITE_ROW) {
		rc = output_row(o, stmt) ? SQLITE_NOMEM : sqlite3_step(stmt);
		if (ferror(out))
			break;
	}
	if (o && output_end(o))
		rc = SQLITE_NOMEM;
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

/* "packets" is asked for, and "packet" is there. */
static int no_such_table(sqlite3 *db, const char *name, char *error)
{
	static const char sql[] = "SELECT 'no such table: ' || ?1 || iif(name IS NULL, '; ', '; did you mean ' || name || '? ') || 'pktsql "
		"--schema lists what there is' FROM (SELECT 1) LEFT JOIN (SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND "
		"(name = rtrim(?1, 's') OR name LIKE substr(?1, 1, 4) || '%') ORDER BY name = rtrim(?1, 's') DESC, length(name) LIMIT 1)";
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

	rc = rc ?: sqlite3_bind_text(stmt, 1, name, -1, SQLITE_TRANSIENT);
	rc = rc ?: sqlite3_step(stmt);
	fail(error, "%s", rc == SQLITE_ROW ? (const char *)sqlite3_column_text(stmt, 0) : "no such table; pktsql --schema lists what there is");
	sqlite3_finalize(stmt);
	return -1;
}

/* SQLite's own words, with a hint where they leave people alone. */
static int query_failed(sqlite3 *db, int rc, char *error)
{
	if (rc == SQLITE_AUTH)
		return fail(error, "%s: queries here only read; make a database with -o and change that", sqlite3_errmsg(db));
	if (!strncmp(sqlite3_errmsg(db), "no such table: ", 15))
		return no_such_table(db, sqlite3_errmsg(db) + 15, error);
	if (!strncmp(sqlite3_errmsg(db), "no such column", 14))
		return fail(error, "%s; pktsql --schema NAME lists a table's columns", sqlite3_errmsg(db));
	if (rc == SQLITE_FULL || (rc & 0xff) == SQLITE_IOERR)
		return fail(error, "%s: the folder for temporary files, which TMPDIR names, has no room for what is sorted", sqlite3_errmsg(db));
	return fail(error, "%s", rc == SQLITE_NOMEM ? spill_trouble() ?: "out of memory" : sqlite3_errmsg(db));
}

int sql_run(sqlite3 *db, const char *query, enum sql_format format, FILE *out, char *error)
{
	const char *sql = *query == '@' ? sql_named(query + 1) : query, *rest;
	sqlite3_stmt *stmt;
	int rc = SQLITE_OK;

	if (!sql)
		return no_such_query(query + 1, error);
	for (; *sql && rc == SQLITE_OK; sql = rest) {
		rc = sqlite3_prepare_v2(db, sql, -1, &stmt, &rest);
		if (rc == SQLITE_OK && stmt)
			rc = statement_run(stmt, format, out);
		if (rc != SQLITE_OK)
			query_failed(db, rc, error);
		sqlite3_finalize(stmt);
	}
	return rc == SQLITE_OK ? 0 : -1;
}

/* The comment at the end of a definition's first line says what the table holds, or what the query answers. */
static void description_print(const char *name, const char *sql, FILE *out)
{
	const char *comment = sql ? strstr(sql, "-- ") : NULL;
	char text[160];
	size_t n = comment ? strcspn(comment + 3, "\n") : 0;

	snprintf(text, sizeof(text), "%.*s", (int)(n < sizeof(text) ? n : sizeof(text) - 1), comment ? comment + 3 : "");
	fprintf(out, "%-16s %s\n", name, text);
}

void sql_list(FILE *out)
{
	const struct embedded_query *q;
	char name[32];

	for (q = embedded_queries; q->name; q++) {
		snprintf(name, sizeof(name), "@%s", q->name);
		description_print(name, q->sql, out);
	}
}

static int describe_all(sqlite3_stmt *stmt, FILE *out)
{
	char name[64], sql[256];
	const char *text;
	int rc;

	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		text = (const char *)sqlite3_column_text(stmt, 0);
		sanitize(name, sizeof(name), text ? text : "");
		text = (const char *)sqlite3_column_text(stmt, 1);
		snprintf(sql, sizeof(sql), "%.200s", text ? text : "");
		description_print(name, sql, out);
	}
	return rc;
}

/* The definition with its comments; only our own text keeps its line breaks. */
static int describe_one(sqlite3_stmt *stmt, FILE *out)
{
	char raw[256], line[4 * sizeof(raw)], *tab;
	const char *sql;
	size_t n;
	int rc = sqlite3_step(stmt);

	if (rc != SQLITE_ROW)
		return rc == SQLITE_DONE ? SQLITE_NOTFOUND : rc;
	for (sql = (const char *)sqlite3_column_text(stmt, 1); sql && *sql; sql += n + (sql[n] == '\n')) {
		n = strcspn(sql, "\n");
		snprintf(raw, sizeof(raw), "%.*s", (int)(n < sizeof(raw) ? n : sizeof(raw) - 1), sql);
		while ((tab = strchr(raw, '\t')))
			*tab = ' ';
		sanitize(line, sizeof(line), raw);
		fprintf(out, "%s\n", line);
	}
	return SQLITE_DONE;
}

static int describe_query(const char *name, FILE *out, char *error)
{
	const char *sql = sql_named(name);

	if (!sql)
		return no_such_query(name, error);
	fputs(sql, out);
	return 0;
}

int sql_describe(sqlite3 *db, const char *name, FILE *out, char *error)
{
	const char *all = "SELECT name, iif(name = 'hop_row', ?2, sql) FROM sqlite_schema WHERE type IN ('table', 'view') "
			  "AND name NOT LIKE 'sqlite_%' ORDER BY type DESC, name";
	const char *one = "SELECT name, iif(name = 'hop_row', ?2, sql) FROM sqlite_schema WHERE type IN ('table', 'view') "
			  "AND name = ?1";
	sqlite3_stmt *stmt = NULL;
	int rc;

	if (name && *name == '@')
		return describe_query(name + 1, out, error);
	rc = sqlite3_prepare_v2(db, name ? one : all, -1, &stmt, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
		sqlite3_bind_text(stmt, 2, strstr(embedded_hop, "CREATE"), -1, SQLITE_STATIC);
		rc = name ? describe_one(stmt, out) : describe_all(stmt, out);
	}
	if (rc == SQLITE_NOTFOUND)
		fail(error, "no such table: %s; pktsql --schema lists what there is", name);
	else if (rc != SQLITE_DONE)
		query_failed(db, rc, error);
	sqlite3_finalize(stmt);
	if (rc == SQLITE_DONE && !name) {
		putc('\n', out);
		functions_list(out);
		putc('\n', out);
		sql_list(out);
	}
	return rc == SQLITE_DONE ? 0 : -1;
}
