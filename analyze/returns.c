// SPDX-License-Identifier: GPL-2.0
/*
 * returns.c - what schema/returns.tsv says of a function's answer.
 *
 * The file is part of the program and is split into rows at the first question.  A function's rows are few and the
 * functions some dozens, so they are walked.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embedded.h"
#include "model.h"
#include "returns.h"

#define FIELDS 5

struct answer_row {
	const char *name;	/* of a function or of a type, which begins with @ */
	const char *value, *word, *so, *meaning;
};

static struct {
	char *text;
	struct answer_row *rows;
	size_t n;
} answers;

static void row_split(char *line, struct answer_row *row)
{
	const char *field[FIELDS];
	int i;

	for (i = 0; i < FIELDS; i++)
		field[i] = line ? strsep(&line, "\t") : "";
	*row = (struct answer_row){ field[0], field[1], field[2], field[3], field[4] };
}

static void answers_load(void)
{
	size_t lines = 1;
	const char *c;
	char *at, *line;

	for (c = embedded_returns; *c; c++)
		lines += *c == '\n';
	answers.text = strdup(embedded_returns);
	answers.rows = calloc(lines, sizeof(*answers.rows));
	if (!answers.text || !answers.rows)
		abort();	/* a few kilobytes */
	for (at = answers.text; (line = strsep(&at, "\n")); )
		if (*line && *line != '#')
			row_split(line, &answers.rows[answers.n++]);
}

static bool value_fits(const char *text, int32_t value)
{
	uint32_t mask = UINT32_MAX;
	char *end;
	long long number;

	if (*text == '*')
		return true;
	if (*text == '<' || *text == '>')
		return *text == '<' ? value < 0 : value > 0;
	number = strtoll(text, &end, 10);
	if (*end == '/')
		mask = strtoul(end + 1, NULL, 10);
	return end != text && ((uint32_t)value & mask) == (uint32_t)number;
}

static void answer_fill(const struct model *m, const struct answer_row *row, int32_t value, struct answer *out)
{
	const char *name;

	out->so = *row->so == '+' ? SO_ON : *row->so == '-' ? SO_BAD : SO_ASIDE;
	out->meaning = row->meaning;
	if (!strcmp(row->word, "errno")) {
		name = value < 0 && value > -4096 ? strerrorname_np(-value) : NULL;
		if (name)
			snprintf(out->word, sizeof(out->word), "-%s", name);
		else
			snprintf(out->word, sizeof(out->word), "%d", value);
	} else if (!strcmp(row->word, "reason")) {
		snprintf(out->word, sizeof(out->word), "%s", model_drop_reason(m, value));
	} else {
		snprintf(out->word, sizeof(out->word), "%s", row->word);
	}
}

static bool is_name(const struct answer_row *row, const char *name, size_t length)
{
	return !strncmp(row->name, name, length) && !row->name[length];
}

/* The rows of a name; a row that names a type goes on with the rows of that, which name no other. */
static void answer_look(const struct model *m, const char *name, size_t length, int32_t value, struct answer *out)
{
	const struct answer_row *row;
	size_t i;

	for (i = 0; i < answers.n && !*out->word; i++) {
		row = &answers.rows[i];
		if (!is_name(row, name, length))
			continue;
		if (*row->value == '@' && *name != '@')
			answer_look(m, row->value, strlen(row->value), value, out);
		else if (value_fits(row->value, value))
			answer_fill(m, row, value, out);
	}
}

void answer_of(const struct model *m, const char *function, int32_t value, struct answer *out)
{
	*out = (struct answer){ .meaning = "" };
	if (!answers.text)
		answers_load();
	answer_look(m, function, strcspn(function, "."), value, out);
}
