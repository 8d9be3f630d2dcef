// SPDX-License-Identifier: GPL-2.0
/*
 * sql_output.c - results of queries as aligned table, box, tab-separated lines, CSV or JSON.
 *
 * Tables and boxes keep all rows until the end, because widths are known only then; the others stream.  Text for eyes is
 * sanitized: a database may come from a stranger.  CSV keeps text as it is, but for beginnings that a spreadsheet would
 * take for a formula: they get an apostrophe, as spreadsheets themselves write it.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model_private.h"
#include "render.h"
#include "sanitize.h"
#include "sql.h"

struct output {
	enum sql_format format;
	FILE *out;
	int ncolumns;
	char **cells;		/* headings, then rows; table and box */
	size_t ncells, room;
	bool *is_text;		/* of a column: aligned left */
};

static bool keeps(const struct output *o)
{
	return o->format == FORMAT_TABLE || o->format == FORMAT_BOX;
}

static char *sanitized(const char *text)
{
	size_t size = sanitize(NULL, 0, text) + 1;
	char *copy = malloc(size);

	if (copy)
		sanitize(copy, size, text);
	return copy;
}

/* Bytes are shown as hexadecimal text: a terminal may act on them. */
static char *blob_text(sqlite3_stmt *stmt, int column)
{
	const unsigned char *bytes = sqlite3_column_blob(stmt, column);
	int n = sqlite3_column_bytes(stmt, column), i;
	char *text = malloc(2 * (size_t)n + 1);

	for (i = 0; text && i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	if (text)
		text[2 * (size_t)n] = 0;
	return text;
}

/* A value as text, to be freed; NULL: no memory */
static char *value_text(sqlite3_stmt *stmt, int column)
{
	const char *text;

	if (sqlite3_column_type(stmt, column) == SQLITE_BLOB)
		return blob_text(stmt, column);
	text = (const char *)sqlite3_column_text(stmt, column);
	return text || sqlite3_column_type(stmt, column) == SQLITE_NULL ? strdup(text ? text : "") : NULL;
}

static int cell_keep(struct output *o, const char *text)
{
	if (grow((void **)&o->cells, o->ncells, &o->room, sizeof(*o->cells)))
		return -ENOMEM;
	o->cells[o->ncells] = sanitized(text);
	return o->cells[o->ncells++] ? 0 : -ENOMEM;
}

static bool is_formula(const char *text)
{
	size_t i;

	if (strchr("=+@\t\r", *text) && *text)
		return true;
	if (*text != '-')
		return false;
	for (i = 1; text[i]; i++)	/* "-bash" computes nothing */
		if (!isalnum((unsigned char)text[i]) && !strchr("_./-", text[i]))
			return true;
	return false;
}

static void csv_put(FILE *out, const char *text, bool is_text)
{
	bool guard = is_text && is_formula(text);

	if (!guard && !text[strcspn(text, ",\"\r\n")]) {
		fputs(text, out);
		return;
	}
	putc('"', out);
	if (guard)
		putc('\'', out);
	for (; *text; text++) {
		if (*text == '"')
			putc('"', out);
		putc(*text, out);
	}
	putc('"', out);
}

static void tabs_put(FILE *out, const char *text)
{
	char *clean = sanitized(text);

	fputs(clean ? clean : "?", out);
	free(clean);
}

static int heading(struct output *o, const char *name, bool last)
{
	if (keeps(o))
		return cell_keep(o, name);
	if (o->format == FORMAT_CSV)
		csv_put(o->out, name, true);
	else if (o->format == FORMAT_TABS)
		tabs_put(o->out, name);
	if (o->format != FORMAT_JSON)
		fputs(last ? o->format == FORMAT_CSV ? "\r\n" : "\n" : o->format == FORMAT_CSV ? "," : "\t", o->out);
	return 0;
}

static void output_free(struct output *o)
{
	size_t i;

	for (i = 0; i < o->ncells; i++)
		free(o->cells[i]);
	free(o->cells);
	free(o->is_text);
	free(o);
}

struct output *output_begin(enum sql_format format, FILE *out, sqlite3_stmt *stmt)
{
	struct output *o = calloc(1, sizeof(*o));
	int i, err = 0;

	if (!o)
		return NULL;
	o->format = format;
	o->out = out;
	o->ncolumns = sqlite3_column_count(stmt);
	o->is_text = calloc(o->ncolumns + 1, sizeof(*o->is_text));
	if (!o->is_text)
		err = -ENOMEM;
	for (i = 0; i < o->ncolumns && !err; i++)
		err = heading(o, sqlite3_column_name(stmt, i), i == o->ncolumns - 1);
	if (!err)
		return o;
	output_free(o);
	return NULL;
}

static int json_row(struct output *o, sqlite3_stmt *stmt)
{
	struct json j;
	char *blob;
	int i;

	json_begin(&j, o->out);
	for (i = 0; i < o->ncolumns; i++) {
		const char *key = sqlite3_column_name(stmt, i);

		switch (sqlite3_column_type(stmt, i)) {
		case SQLITE_NULL:
			json_null(&j, key);
			break;
		case SQLITE_INTEGER:
			json_number(&j, key, sqlite3_column_int64(stmt, i));
			break;
		case SQLITE_FLOAT:
			json_real(&j, key, sqlite3_column_double(stmt, i));
			break;
		default:
			blob = value_text(stmt, i);
			if (!blob)
				return -ENOMEM;
			json_text(&j, key, blob);
			free(blob);
		}
	}
	json_end(&j);
	return 0;
}

static int line_row(struct output *o, sqlite3_stmt *stmt)
{
	bool csv = o->format == FORMAT_CSV;
	char *text;
	int i;

	for (i = 0; i < o->ncolumns; i++) {
		text = value_text(stmt, i);
		if (!text)
			return -ENOMEM;
		if (i)
			putc(csv ? ',' : '\t', o->out);
		if (csv)
			csv_put(o->out, text, sqlite3_column_type(stmt, i) == SQLITE_TEXT);
		else
			tabs_put(o->out, text);
		free(text);
	}
	fputs(csv ? "\r\n" : "\n", o->out);
	return 0;
}

int output_row(struct output *o, sqlite3_stmt *stmt)
{
	char *text;
	int i, type, err = 0;

	if (o->format == FORMAT_JSON)
		return json_row(o, stmt);
	if (!keeps(o))
		return line_row(o, stmt);
	for (i = 0; i < o->ncolumns && !err; i++) {
		type = sqlite3_column_type(stmt, i);
		o->is_text[i] |= type == SQLITE_TEXT || type == SQLITE_BLOB;
		text = value_text(stmt, i);
		err = text ? cell_keep(o, text) : -ENOMEM;
		free(text);
	}
	return err;
}

static void spaces(FILE *out, unsigned int n, const char *what)
{
	while (n--)
		fputs(what, out);
}

static void cell_print(const struct output *o, int column, unsigned int width, const char *text, bool last)
{
	unsigned int pad = width - text_width(text);

	if (!o->is_text[column])
		spaces(o->out, pad, " ");
	fputs(text, o->out);
	if (o->is_text[column] && !last)
		spaces(o->out, pad, " ");
}

static void box_line(const struct output *o, const unsigned int *widths, const char *left, const char *middle, const char *right)
{
	int i;

	fputs(left, o->out);
	for (i = 0; i < o->ncolumns; i++) {
		spaces(o->out, widths[i] + 2, "─");
		fputs(i < o->ncolumns - 1 ? middle : right, o->out);
	}
	putc('\n', o->out);
}

static void row_print(const struct output *o, const unsigned int *widths, char *const *cells)
{
	bool box = o->format == FORMAT_BOX;
	int i;

	for (i = 0; i < o->ncolumns; i++) {
		fputs(box ? i ? " │ " : "│ " : i ? "  " : "", o->out);
		cell_print(o, i, widths[i], cells[i], !box && i == o->ncolumns - 1);
	}
	fputs(box ? " │\n" : "\n", o->out);
}

static void rows_print(const struct output *o, const unsigned int *widths)
{
	bool box = o->format == FORMAT_BOX;
	size_t i;

	if (box)
		box_line(o, widths, "┌", "┬", "┐");
	for (i = 0; i < o->ncells; i += o->ncolumns) {
		row_print(o, widths, o->cells + i);
		if (box && !i)
			box_line(o, widths, "├", "┼", "┤");
	}
	if (box)
		box_line(o, widths, "└", "┴", "┘");
}

int output_end(struct output *o)
{
	unsigned int *widths, w;
	size_t i;
	int err = 0;

	if (keeps(o) && o->ncolumns) {
		widths = calloc(o->ncolumns, sizeof(*widths));
		for (i = 0; widths && i < o->ncells; i++) {
			w = text_width(o->cells[i]);
			if (w > widths[i % o->ncolumns])
				widths[i % o->ncolumns] = w;
		}
		if (widths)
			rows_print(o, widths);
		else
			err = -ENOMEM;
		free(widths);
	}
	output_free(o);
	return err;
}
