// SPDX-License-Identifier: GPL-2.0
/*
 * lineage.c - what schema/lineage.tsv says: at which functions one packet is made of another.
 *
 * The file is part of the program, so a row that makes no sense is a defect: it ends the program at the first question.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embedded.h"
#include "functions.h"
#include "pkttrace.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const kinds[] = {
	[TRC_EDGE_CLONE] = "clone", [TRC_EDGE_COPY] = "copy", [TRC_EDGE_SEGMENT] = "segment",
	[TRC_EDGE_FRAGMENT] = "fragment", [TRC_EDGE_MERGE] = "merge", [TRC_EDGE_COALESCE] = "coalesce",
	[TRC_EDGE_REASSEMBLE] = "reassemble", [TRC_EDGE_SPLIT] = "split", [TRC_EDGE_REBUILD] = "rebuild",
	[TRC_EDGE_ENCAPSULATE] = "encapsulate",
};

static const char *const whens[] = {
	[LINEAGE_ENTRY] = "entry", [LINEAGE_TRUE] = "true", [LINEAGE_NONZERO] = "nonzero", [LINEAGE_ZERO] = "zero",
	[LINEAGE_AFTER] = "after", [LINEAGE_CHAINED] = "chained", [LINEAGE_INSIDE] = "inside",
};

static struct {
	char *text;
	struct lineage *rows;
	size_t n;
} lineage;

/* Index of a word, 0 when it is none of them. */
static uint32_t word_index(const char *const *words, size_t n, const char *word)
{
	size_t i;

	for (i = 1; i < n; i++)
		if (words[i] && !strcmp(words[i], word))
			return i;
	return 0;
}

/* A position: "1".."5", or 0 for "-" */
static int position(const char *text, uint32_t *out)
{
	if (!strcmp(text, "-"))
		return *out = 0, 0;
	if (text[0] < '1' || text[0] > '5' || text[1])
		return -1;
	return *out = text[0] - '0', 0;
}

/* function <tab> kind <tab> child <tab> parent <tab> when <tab> meaning; 0 when it makes sense */
static int row_parse(char *line, struct lineage *row)
{
	char *field[6];
	size_t i;

	for (i = 0; i < COUNT(field); i++) {
		field[i] = strsep(&line, "\t");
		if (!field[i] || !*field[i])
			return -1;
	}
	row->function = field[0];
	row->kind = word_index(kinds, COUNT(kinds), field[1]);
	row->when = word_index(whens, COUNT(whens), field[4]);
	if (line || !row->kind || (!row->when && strcmp(field[4], whens[LINEAGE_ENTRY])))
		return -1;
	if (position(field[2], &row->child) || position(field[3], &row->parent))
		return -1;
	if (!row->parent != (row->when == LINEAGE_CHAINED))
		return -1;
	return !row->child == (row->when == LINEAGE_INSIDE) ? 0 : -1;
}

static void lineage_load(void)
{
	char *at, *line;
	const char *c;
	size_t lines = 1;

	for (c = embedded_lineage; c < embedded_lineage_end; c++)
		lines += *c == '\n';
	lineage.text = strndup(embedded_lineage, embedded_lineage_end - embedded_lineage);
	lineage.rows = calloc(lines, sizeof(*lineage.rows));
	if (!lineage.text || !lineage.rows)
		abort();	/* a few kilobytes, at the start */
	for (at = lineage.text; (line = strsep(&at, "\n")); ) {
		if (!*line || *line == '#')
			continue;
		if (row_parse(line, &lineage.rows[lineage.n++])) {
			fprintf(stderr, "schema/lineage.tsv: a row makes no sense: %s\n", line);
			abort();
		}
	}
}

const struct lineage *lineage_rows(size_t *count)
{
	if (!lineage.text)
		lineage_load();
	*count = lineage.n;
	return lineage.rows;
}

const struct lineage *lineage_of(const char *function)
{
	size_t i, n;
	const struct lineage *rows = lineage_rows(&n);

	for (i = 0; i < n; i++)
		if (!strcmp(rows[i].function, function))
			return &rows[i];
	return NULL;
}
