// SPDX-License-Identifier: GPL-2.0
/*
 * knowledge.c - the flags that schema/functions.tsv gives a function; the recorder needs nothing else of it.
 *
 * Exact names are in a sorted index, patterns in a list.  The file promises that exact names come first.
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "embedded.h"
#include "functions.h"

struct row {
	const char *name;
	const char *flags;
	size_t prefix, suffix;	/* bytes before the first wildcard and after the last: they rule out most names */
};

static struct {
	char *text;
	struct row *exact, *patterns;
	size_t nexact, npatterns;
} knowledge;

static int compare_rows(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->name, ((const struct row *)b)->name);
}

/* name <tab> layer <tab> stage <tab> flags <tab> meaning */
static void row_add(char *line)
{
	struct row row = { .name = strsep(&line, "\t") };
	size_t i;

	strsep(&line, "\t");
	strsep(&line, "\t");
	row.flags = strsep(&line, "\t");
	if (!row.flags || row.name[0] == '#')
		return;
	row.prefix = strcspn(row.name, "*?[");
	for (i = strlen(row.name); i > 0 && !strchr("*?]", row.name[i - 1]); i--)
		row.suffix++;
	if (row.name[row.prefix])
		knowledge.patterns[knowledge.npatterns++] = row;
	else
		knowledge.exact[knowledge.nexact++] = row;
}

static void knowledge_load(void)
{
	size_t size = embedded_functions_end - embedded_functions, lines = 1;
	char *at, *line;
	const char *c;

	for (c = embedded_functions; c < embedded_functions_end; c++)
		lines += *c == '\n';
	knowledge.text = strndup(embedded_functions, size);
	knowledge.exact = calloc(lines, sizeof(struct row));
	knowledge.patterns = calloc(lines, sizeof(struct row));
	if (!knowledge.text || !knowledge.exact || !knowledge.patterns)
		abort();	/* a few kilobytes, at the start */
	at = knowledge.text;
	while ((line = strsep(&at, "\n")))
		row_add(line);
	qsort(knowledge.exact, knowledge.nexact, sizeof(struct row), compare_rows);
}

static bool pattern_fits(const struct row *row, const char *name, size_t length)
{
	const char *pattern = row->name;

	return length >= row->suffix && !strncmp(pattern, name, row->prefix) &&
	       !strcmp(pattern + strlen(pattern) - row->suffix, name + length - row->suffix) && !fnmatch(pattern, name, 0);
}

static const struct row *exact_find(const char *name)
{
	const struct row key = { .name = name };

	if (!knowledge.text)
		knowledge_load();
	return bsearch(&key, knowledge.exact, knowledge.nexact, sizeof(key), compare_rows);
}

bool knowledge_names(const char *name)
{
	return exact_find(name);
}

const char *knowledge_flags(const char *name)
{
	const struct row *row = exact_find(name);
	size_t length = strlen(name), i;

	if (row)
		return row->flags;
	for (i = 0; i < knowledge.npatterns; i++)
		if (pattern_fits(&knowledge.patterns[i], name, length))
			return knowledge.patterns[i].flags;
	return "";
}
