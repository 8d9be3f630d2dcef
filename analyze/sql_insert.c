// SPDX-License-Identifier: GPL-2.0
/*
 * sql_insert.c - rows into tables: values are bound by their types, and the first error stays.
 */
#include <stdarg.h>
#include <stddef.h>

#include "sql_insert.h"

void insert_open(struct insert *in, sqlite3 *db, const char *sql, const char *types)
{
	in->stmt = NULL;
	in->types = types;
	in->rc = sqlite3_prepare_v2(db, sql, -1, &in->stmt, NULL);
}

static void insert_bind(struct insert *in, int i, char type, va_list *args)
{
	sqlite3_int64 n;
	const void *bytes;
	const char *text;

	if (type == 'i' || type == 'N') {
		n = va_arg(*args, sqlite3_int64);
		in->rc = type == 'N' && !n ? sqlite3_bind_null(in->stmt, i) : sqlite3_bind_int64(in->stmt, i, n);
	} else if (type == 'b') {
		bytes = va_arg(*args, const void *);
		n = va_arg(*args, sqlite3_int64);
		in->rc = n ? sqlite3_bind_blob64(in->stmt, i, bytes, n, SQLITE_STATIC) : sqlite3_bind_zeroblob(in->stmt, i, 0);
	} else {
		text = va_arg(*args, const char *);
		in->rc = type == 'n' && (!text || !*text) ? sqlite3_bind_null(in->stmt, i) :
			 sqlite3_bind_text(in->stmt, i, text ? text : "", -1, SQLITE_STATIC);
	}
}

void insert_row(struct insert *in, ...)
{
	va_list args;
	int i;

	if (in->rc != SQLITE_OK)
		return;
	va_start(args, in);
	for (i = 0; in->types[i] && in->rc == SQLITE_OK; i++)
		insert_bind(in, i + 1, in->types[i], &args);
	va_end(args);
	if (in->rc != SQLITE_OK)
		return;
	sqlite3_step(in->stmt);
	in->rc = sqlite3_reset(in->stmt);
}

int insert_close(struct insert *in)
{
	sqlite3_finalize(in->stmt);
	return in->rc;
}
