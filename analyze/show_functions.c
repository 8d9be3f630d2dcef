// SPDX-License-Identifier: GPL-2.0
/*
 * show_functions.c - what was probed: hit, never hit, refused and why.
 *
 * "Not called" and "not probed" look alike in a path; this is where they are told apart.  The last line says how much of it
 * schema/functions.tsv knows.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "show.h"
#include "show_table.h"

#define REFUSALS_MAX 10		/* different reasons named at the top; all are in the table */

struct counts {
	size_t asked, attached, refused, hit, never;
	size_t known;			/* of those asked for, or hit: have a layer */
	uint64_t hops, hops_known;
};

static int func_order(const void *va, const void *vb)
{
	const struct func *const *a = va, *const *b = vb;
	uint32_t attached_a = (*a)->flags & TRC_FUNC_ATTACHED, attached_b = (*b)->flags & TRC_FUNC_ATTACHED;

	if ((*a)->hits != (*b)->hits)
		return (*a)->hits > (*b)->hits ? -1 : 1;
	if (attached_a != attached_b)
		return attached_a ? -1 : 1;
	return strcmp((*a)->name, (*b)->name) ?: strcmp((*a)->module, (*b)->module);
}

/* Functions that are only names in a stack were never meant to be probed. */
static const struct func **funcs_sorted(const struct model *m, size_t *n, struct counts *c)
{
	const struct func **list = calloc(m->nfuncs + 1, sizeof(*list));

	*n = 0;
	*c = (struct counts){};
	for (size_t i = 0; list && i < m->nfuncs; i++) {
		const struct func *f = &m->funcs[i];

		if (!(f->flags & (TRC_FUNC_PROBED | TRC_FUNC_ATTACHED)) && !f->hits)
			continue;
		list[(*n)++] = f;
		c->asked += !!(f->flags & TRC_FUNC_PROBED);
		c->attached += !!(f->flags & TRC_FUNC_ATTACHED);
		c->refused += f->flags & TRC_FUNC_PROBED && !(f->flags & TRC_FUNC_ATTACHED);
		c->hit += f->hits > 0;
		c->never += f->flags & TRC_FUNC_ATTACHED && !f->hits;
		c->known += strcmp(f->layer, "other") != 0;
		c->hops += f->hits;
		c->hops_known += strcmp(f->layer, "other") ? f->hits : 0;
	}
	if (*n)
		qsort(list, *n, sizeof(*list), func_order);
	return list;
}

static const char *refusal(const struct func *f)
{
	return *f->why ? f->why : f->error ? strerror(f->error) : "reason not recorded";
}

/* Not by the text of refusal(): strerror() may give the words of an unknown number back at its next call. */
static int refusal_order(const void *va, const void *vb)
{
	const struct func *a = *(const struct func *const *)va, *b = *(const struct func *const *)vb;
	int order = strcmp(a->why, b->why);

	if (order || *a->why)
		return order;
	return (a->error > b->error) - (a->error < b->error);
}

/* How many were refused for which reason: "not traceable" is the kernel's choice, anything else deserves a look. */
static int refusals_print(const struct term *t, const struct func *const *list, size_t n)
{
	const struct func **refused = calloc(n + 1, sizeof(*refused));
	size_t nrefused = 0, groups = 0;

	if (!refused)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (list[i]->flags & TRC_FUNC_PROBED && !(list[i]->flags & TRC_FUNC_ATTACHED))
			refused[nrefused++] = list[i];
	if (nrefused)
		qsort(refused, nrefused, sizeof(*refused), refusal_order);
	for (size_t i = 0, same; i < nrefused && groups < REFUSALS_MAX; i += same, groups++) {
		for (same = 1; i + same < nrefused && !refusal_order(&refused[i], &refused[i + same]); same++)
			;
		term_print(t, STYLE_WARN, "  %zu refused: %s\n", same, refusal(refused[i]));
	}
	free(refused);
	return 0;
}

/* Rounded down: what is not known must not look like nothing */
static void known_print(const struct term *t, const struct counts *c, size_t n)
{
	if (n)
		fprintf(t->out, "\nknown: the layer of %.1f %% of the functions", floor(1000.0 * c->known / n) / 10);
	if (n && c->hops)
		fprintf(t->out, ", of %.1f %% of the hops", floor(1000.0 * c->hops_known / c->hops) / 10);
	if (n)
		putc('\n', t->out);
}

static const char *probe_text(const struct func *f, char *buf, size_t size)
{
	if (f->flags & TRC_FUNC_ATTACHED)
		snprintf(buf, size, "argument %u%s", f->arg, f->flags & TRC_FUNC_RETURN ? ", return" : "");
	else if (!(f->flags & TRC_FUNC_PROBED))
		snprintf(buf, size, "not asked for");
	else
		snprintf(buf, size, "refused: %s", refusal(f));
	return buf;
}

static const struct table_column columns[] = {
	{ "hops", 1, SCOLS_FL_RIGHT }, { "layer", 1, 0 }, { "function", 0.35, SCOLS_FL_TRUNC }, { "module", 0.1, SCOLS_FL_TRUNC },
	{ "boundary", 1, 0 }, { "probe", 0.3, SCOLS_FL_TRUNC },
};

static int funcs_line(struct libscols_table *tb, const struct term *t, const struct func *f)
{
	struct libscols_line *line = scols_table_new_line(tb, NULL);
	char word[256];
	int err;

	if (!line)
		return -ENOMEM;
	snprintf(word, sizeof(word), "%" PRIu64, f->hits);
	err = scols_line_set_data(line, 0, word);
	err = err ?: scols_line_set_data(line, 1, f->layer);
	err = err ?: scols_line_set_data(line, 2, f->name);
	err = err ?: scols_line_set_data(line, 3, f->module);
	err = err ?: scols_line_set_data(line, 4, f->stage);
	err = err ?: scols_line_set_data(line, 5, probe_text(f, word, sizeof(word)));
	if (!err && t->color)
		err = scols_cell_set_color(scols_line_get_cell(line, 1), style_code(t, layer_style(f->layer)));
	if (!err && t->color && !(f->flags & TRC_FUNC_ATTACHED))
		err = scols_cell_set_color(scols_line_get_cell(line, 5), style_code(t, STYLE_WARN));
	return err;
}

static void func_json(FILE *out, const struct func *f)
{
	struct json j;

	json_begin(&j, out);
	json_text(&j, "function", f->name);
	json_text(&j, "module", f->module);
	json_text(&j, "layer", f->layer);
	json_text(&j, "stage", f->stage);
	json_text(&j, "meaning", f->meaning);
	json_number(&j, "hops", f->hits);
	json_bool(&j, "probed", f->flags & TRC_FUNC_PROBED);
	json_bool(&j, "attached", f->flags & TRC_FUNC_ATTACHED);
	json_bool(&j, "return", f->flags & TRC_FUNC_ATTACHED && f->flags & TRC_FUNC_RETURN);
	if (f->flags & TRC_FUNC_ATTACHED)
		json_number(&j, "argument", f->arg);
	else if (f->flags & TRC_FUNC_PROBED)
		json_text(&j, "refused", refusal(f));
	json_end(&j);
}

int show_functions_json(const struct term *t, const struct model *m)
{
	struct counts c;
	size_t n;
	const struct func **list = funcs_sorted(m, &n, &c);

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		func_json(t->out, list[i]);
	free(list);
	return 0;
}

int show_functions(const struct term *t, const struct model *m)
{
	struct libscols_table *tb = table_new(t);
	struct counts c;
	size_t n;
	const struct func **list = funcs_sorted(m, &n, &c);
	int err = tb && list ? table_columns(tb, columns, sizeof(columns) / sizeof(columns[0])) : -ENOMEM;

	if (!err)
		fprintf(t->out, "%zu functions: %zu probed (%zu hit, %zu never), %zu refused\n", c.asked, c.attached, c.hit, c.never,
			c.refused);
	err = err ?: refusals_print(t, list, n);
	if (!err)
		putc('\n', t->out);
	for (size_t i = 0; i < n && !err; i++)
		err = funcs_line(tb, t, list[i]);
	if (!err && n)
		err = scols_print_table(tb);
	if (!err)
		known_print(t, &c, n);
	scols_unref_table(tb);
	free(list);
	return err;
}
