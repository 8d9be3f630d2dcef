// SPDX-License-Identifier: GPL-2.0
/*
 * show_snapshot.c - what the recorder noted of network namespaces: which things of which, and their text.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "show.h"

static int by_place(const void *a, const void *b)
{
	const struct snapshot *x = *(const struct snapshot *const *)a, *y = *(const struct snapshot *const *)b;

	if (x->netns != y->netns)
		return x->netns < y->netns ? -1 : 1;
	if (x->end != y->end)
		return x->end ? 1 : -1;
	return (x > y) - (x < y);		/* as they were taken */
}

/* In the order of namespaces and moments; NULL: no memory */
static const struct snapshot **snapshots_sorted(const struct model *m)
{
	const struct snapshot **list = calloc(m->nsnapshots + 1, sizeof(*list));
	size_t i;

	for (i = 0; list && i < m->nsnapshots; i++)
		list[i] = &m->snapshots[i];
	if (list && m->nsnapshots)
		qsort(list, m->nsnapshots, sizeof(*list), by_place);
	return list;
}

static const char *place_name(const struct model *m, const struct snapshot *s)
{
	return s->netns ? model_netns(m, s->netns) : "machine";
}

static void snapshot_note(const struct term *t, const struct snapshot *s)
{
	fputs("    ", t->out);
	term_print(t, STYLE_WARN, "%s: %s%s%s", s->what, s->note, *s->note && s->broken ? "; " : "", s->broken ? "parts are missing" : "");
	putc('\n', t->out);
}

void show_snapshots(const struct term *t, const struct model *m)
{
	const struct snapshot **list = snapshots_sorted(m);
	size_t i, k, first;

	for (first = 0; list && first < m->nsnapshots; first = i) {
		fputs("  ", t->out);
		term_cell(t, STYLE_PLAIN, 16, place_name(m, list[first]));
		fprintf(t->out, "  %-5s ", list[first]->end ? "end" : "start");
		for (i = first; i < m->nsnapshots && list[i]->netns == list[first]->netns && list[i]->end == list[first]->end; i++)
			fprintf(t->out, "%s%s", i > first ? ", " : " ", list[i]->what);
		putc('\n', t->out);
		for (k = first; k < i; k++)
			if (*list[k]->note || list[k]->broken)
				snapshot_note(t, list[k]);
	}
	free(list);
}

static void snapshot_json(FILE *out, const struct model *m, const struct snapshot *s)
{
	struct json j;

	json_begin(&j, out);
	json_text(&j, "snapshot", s->what);
	json_text(&j, "netns", s->netns ? model_netns(m, s->netns) : "");
	json_text(&j, "moment", s->end ? "end" : "start");
	json_text(&j, "source", s->source);
	json_text(&j, "note", s->note);
	json_bool(&j, "whole", !s->broken);
	json_text(&j, "text", s->text);
	json_end(&j);
}

int show_snapshot(const struct term *t, const struct model *m, const char *what, bool as_json)
{
	const struct snapshot **list = snapshots_sorted(m);
	size_t i, found = 0, n;

	if (!list)
		return -ENOMEM;
	for (i = 0; i < m->nsnapshots; i++) {
		if (strcmp(list[i]->what, what))
			continue;
		if (as_json) {
			snapshot_json(t->out, m, list[i]);
			found++;
			continue;
		}
		term_print(t, STYLE_BOLD, "%s%s, %s", found++ ? "\n" : "", place_name(m, list[i]), list[i]->end ? "end" : "start");
		fprintf(t->out, "%s%s\n", *list[i]->source ? ": " : "", list[i]->source);
		if (*list[i]->note || list[i]->broken)
			snapshot_note(t, list[i]);
		n = strlen(list[i]->text);
		fputs(list[i]->text, t->out);
		if (n && list[i]->text[n - 1] != '\n')
			putc('\n', t->out);
	}
	free(list);
	return found ? 0 : -ENOENT;
}
