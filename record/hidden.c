// SPDX-License-Identifier: GPL-2.0
/*
 * hidden.c - what schema/hidden.tsv says: where functions have their packet whose prototype does not show it.
 *
 * The file is part of the program, so a row that makes no sense is a defect: it ends the program at the first question.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embedded.h"
#include "functions.h"

#define FIELDS 5

static struct {
	char *text;
	struct hidden *rows;
	size_t n;
} hidden;

static const char *const ways[] = {
	[BY_POINTER] = "pointer", [BY_REFERENCE] = "reference", [BY_LIST] = "list",
};

/* name <tab> argument <tab> by <tab> trust <tab> meaning; 0 when it makes sense */
static int row_parse(char *line, struct hidden *row)
{
	char *field[FIELDS];
	size_t i;

	for (i = 0; i < FIELDS; i++) {
		field[i] = strsep(&line, "\t");
		if (!field[i] || !*field[i])
			return -1;
	}
	row->name = field[0];
	row->arg = atoi(field[1]);
	row->verify = !strcmp(field[3], "verify");
	for (i = 0; i < sizeof(ways) / sizeof(*ways) && strcmp(ways[i], field[2]); i++)
		;
	row->by = i;
	if (line || i == sizeof(ways) / sizeof(*ways) || row->arg < 1 || row->arg > 5)
		return -1;
	return row->verify || !strcmp(field[3], "known") ? 0 : -1;
}

static void hidden_load(void)
{
	char *at, *line;
	const char *c;
	size_t lines = 1;

	for (c = embedded_hidden; c < embedded_hidden_end; c++)
		lines += *c == '\n';
	hidden.text = strndup(embedded_hidden, embedded_hidden_end - embedded_hidden);
	hidden.rows = calloc(lines, sizeof(*hidden.rows));
	if (!hidden.text || !hidden.rows)
		abort();	/* a few kilobytes, at the start */
	for (at = hidden.text; (line = strsep(&at, "\n")); ) {
		if (!*line || *line == '#')
			continue;
		if (row_parse(line, &hidden.rows[hidden.n++])) {
			fprintf(stderr, "schema/hidden.tsv: a row makes no sense: %s\n", line);
			abort();
		}
	}
}

const struct hidden *hidden_rows(size_t *count)
{
	if (!hidden.text)
		hidden_load();
	*count = hidden.n;
	return hidden.rows;
}

const struct hidden *hidden_of(const char *symbol)
{
	size_t i, n;
	const struct hidden *rows = hidden_rows(&n);

	for (i = 0; i < n; i++)
		if (!fnmatch(rows[i].name, symbol, 0))
			return &rows[i];
	return NULL;
}
