// SPDX-License-Identifier: GPL-2.0
/*
 * model_knowledge.c - what the tables of schema/ say about a function, a tracepoint, a BPF program's answer or a drop reason.
 *
 * The files are part of the program.  They are split into rows at the first question and kept.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embedded.h"
#include "model_private.h"

#define FIELDS 5
#define NAME_MAX_BYTES 256	/* the kernel's own limit is 512; longer names fit no row */

struct row {
	const char *field[FIELDS];	/* "" when missing */
	struct known known;
	size_t prefix, suffix;		/* bytes before the first wildcard and after the last: they rule out most names */
};

struct table {
	char *text;
	struct row *rows;
	size_t n;
	size_t exact;			/* of them, sorted, before the patterns */
};

static bool is_pattern(const char *name)
{
	return name[strcspn(name, "*?[")] != 0;
}

static int compare_rows(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->field[0], ((const struct row *)b)->field[0]);
}

static void row_split(struct row *row, char *line)
{
	int i;

	for (i = 0; i < FIELDS; i++)
		row->field[i] = line ? strsep(&line, "\t") : "";
	row->prefix = strcspn(row->field[0], "*?[");
	for (i = strlen(row->field[0]); i > 0 && !strchr("*?]", row->field[0][i - 1]); i--)
		row->suffix++;
}

static bool pattern_fits(const struct row *row, const char *name, size_t length)
{
	const char *pattern = row->field[0];

	return length >= row->suffix && !strncmp(pattern, name, row->prefix) &&
	       !strcmp(pattern + strlen(pattern) - row->suffix, name + length - row->suffix) && !fnmatch(pattern, name, 0);
}

/* Rows of a text; comments and empty lines are none.  Without memory for a few kilobytes there is nothing to save. */
static void table_load(struct table *t, const char *source)
{
	const char *c;
	char *at, *line;
	size_t lines = 1;

	for (c = source; *c; c++)
		lines += *c == '\n';
	t->text = strdup(source);
	t->rows = calloc(lines, sizeof(*t->rows));
	if (!t->text || !t->rows)
		abort();
	for (at = t->text; (line = strsep(&at, "\n")); )
		if (*line && *line != '#')
			row_split(&t->rows[t->n++], line);
	while (t->exact < t->n && !is_pattern(t->rows[t->exact].field[0]))
		t->exact++;
	qsort(t->rows, t->exact, sizeof(*t->rows), compare_rows);
}

static const struct row *table_find(const struct table *t, const char *name)
{
	const struct row key = { .field = { name } }, *row;
	size_t length = strlen(name), i;

	row = bsearch(&key, t->rows, t->exact, sizeof(key), compare_rows);
	for (i = t->exact; !row && i < t->n; i++)
		if (pattern_fits(&t->rows[i], name, length))
			row = &t->rows[i];
	return row;
}

static void known_load(struct table *t, const char *source)
{
	struct row *r;
	size_t i;

	table_load(t, source);
	for (i = 0; i < t->n; i++) {
		r = &t->rows[i];
		r->known = (struct known){
			.layer = r->field[1],
			.stage = strcmp(r->field[2], "-") ? r->field[2] : "",
			.flags = strcmp(r->field[3], "-") ? r->field[3] : "",
			.meaning = strcmp(r->field[4], "-") ? r->field[4] : "",
		};
	}
}

static const struct known *known_find(struct table *t, const char *source, const char *text)
{
	static const struct known nothing = { "other", "", "", "" };
	const struct row *row;
	char name[NAME_MAX_BYTES];
	size_t n = strcspn(text, ".");	/* .isra.0, .constprop.0, .part.0, .cold are the compiler's */

	if (!t->text)
		known_load(t, source);
	if (n >= sizeof(name))
		return &nothing;
	memcpy(name, text, n);
	name[n] = 0;
	row = table_find(t, name);
	return row ? &row->known : &nothing;
}

const struct known *knowledge_of(const char *function)
{
	static struct table functions;

	return known_find(&functions, embedded_functions, function);
}

const struct known *knowledge_of_func(const struct func *f)
{
	static const struct known xdp = { "xdp", "", "", "A BPF program of this machine, at XDP" };
	static const struct known tc = { "tc", "", "", "A BPF program of this machine, at TC" };
	static struct table tracepoints;

	if (f->flags & TRC_FUNC_TRACEPOINT)
		return known_find(&tracepoints, embedded_tracepoints, f->name);
	if (f->flags & TRC_FUNC_XDP)
		return &xdp;
	return f->flags & TRC_FUNC_TC ? &tc : knowledge_of(f->name);
}

/* A row of actions.tsv: name, effect, meaning; NULL: f is no BPF program, or the value is not known. */
static const struct row *action_row(const struct func *f, int32_t value)
{
	static struct table actions;
	char key[32];

	if (!(f->flags & (TRC_FUNC_XDP | TRC_FUNC_TC)) || f->flags & TRC_FUNC_TRACEPOINT)
		return NULL;
	if (!actions.text)
		table_load(&actions, embedded_actions);
	snprintf(key, sizeof(key), "%s/%d", f->flags & TRC_FUNC_XDP ? "xdp" : "tc", value);
	return table_find(&actions, key);
}

const char *action_name(const struct func *f, int32_t value)
{
	const struct row *row = action_row(f, value);

	if (row)
		return row->field[1];
	return f->flags & (TRC_FUNC_XDP | TRC_FUNC_TC) ? "unknown action" : NULL;
}

enum effect action_effect(const struct func *f, int32_t value)
{
	const struct row *row = action_row(f, value);
	const char *effect = row ? row->field[2] : "-";

	return !strcmp(effect, "drop") ? EFFECT_DROP : !strcmp(effect, "send") ? EFFECT_SEND :
	       !strcmp(effect, "keep") ? EFFECT_KEEP : EFFECT_NONE;
}

bool action_drops(const struct func *f, int32_t value)
{
	return action_effect(f, value) == EFFECT_DROP;
}

static const char *reason_field(const char *reason, int field)
{
	static struct table reasons;
	const struct row *row;

	if (!reasons.text)
		table_load(&reasons, embedded_reasons);
	row = table_find(&reasons, reason);
	return row && strcmp(row->field[field], "-") ? row->field[field] : "";
}

const char *reason_meaning(const char *reason)
{
	return reason_field(reason, 1);
}

const char *reason_advice(const char *reason)
{
	return reason_field(reason, 2);
}
