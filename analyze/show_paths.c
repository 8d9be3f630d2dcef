// SPDX-License-Identifier: GPL-2.0
/*
 * show_paths.c - packets by the way they took: the same functions in the same order, the most travelled first.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "explain.h"
#include "latency.h"
#include "show.h"
#include "show_table.h"
#include "ways.h"

#define NAMED_MAX 6

struct class {
	struct way way;
	uint32_t number;
	uint32_t fates[FATE_MERGED + 1];
	struct spread took;
};

struct classes {
	struct way *ways;
	size_t n;
	uint32_t *path_of;
	struct class *v;
};

static void classes_free(struct classes *c)
{
	free(c->ways);
	free(c->path_of);
	free(c->v);
}

/* Of the packets that no filter left out. */
static int class_measure(struct class *c, const struct model *m, const uint32_t *path_of)
{
	uint64_t *ns = malloc((c->way.packets + 1) * sizeof(*ns));
	size_t n = 0, seen = 0;
	size_t i = c->way.example - 1;		/* the first that took it */

	if (!ns)
		return -ENOMEM;
	c->way.example = 0;
	for (; i < m->npackets && seen < c->way.packets; i++) {
		const struct packet *p = &m->packets[i];

		seen += path_of[i] == c->number;
		if (path_of[i] != c->number || p->left_out)
			continue;
		c->way.example = c->way.example ? c->way.example : p->number;
		c->fates[p->fate]++;
		ns[n++] = packet_duration(m, p);
	}
	c->way.packets = n;
	c->took = spread_of(ns, n);
	free(ns);
	return 0;
}

static int classes_open(struct classes *c, const struct model *m)
{
	int err;

	*c = (struct classes){ .path_of = calloc(m->npackets + 1, sizeof(*c->path_of)) };
	err = c->path_of ? ways_of(m, &c->ways, &c->n, c->path_of) : -ENOMEM;
	c->v = calloc(c->n + 1, sizeof(*c->v));
	err = err ?: c->v ? 0 : -ENOMEM;
	for (size_t i = 0; i < c->n && !err; i++)
		c->v[i] = (struct class){ .way = c->ways[i], .number = i + 1 };
	return err;
}

static int by_packets(const void *va, const void *vb)
{
	const struct class *a = va, *b = vb;

	if (a->way.packets != b->way.packets)
		return a->way.packets > b->way.packets ? -1 : 1;
	return a->number < b->number ? -1 : 1;
}

static const char *fates_text(const struct model *m, const struct class *c, char *buf, size_t size)
{
	const struct packet *p = &m->packets[c->way.example - 1];
	size_t used = 0;

	if (c->fates[p->fate] == c->way.packets)
		return packet_fate_short(m, p, buf, size);
	for (enum fate f = 0; f <= FATE_MERGED; f++)
		if (c->fates[f])
			used += snprintf(buf + used, size - used, "%s%u %s", used ? ", " : "", c->fates[f], fate_name(f));
	return buf;
}

static const struct table_column columns[] = {
	{ "path", 1, SCOLS_FL_RIGHT }, { "packets", 1, SCOLS_FL_RIGHT }, { "steps", 1, SCOLS_FL_RIGHT }, { "50% took", 1, SCOLS_FL_RIGHT },
	{ "fate", 1, 0 }, { "first", 1, SCOLS_FL_RIGHT }, { "its first → last function", 0.3, SCOLS_FL_TRUNC },
};

static int class_line(struct libscols_table *tb, const struct model *m, const struct class *c)
{
	struct libscols_line *line = scols_table_new_line(tb, NULL);
	const struct packet *p = &m->packets[c->way.example - 1];
	const uint64_t numbers[] = { c->number, c->way.packets, c->way.steps };
	char text[512];
	int err = line ? 0 : -ENOMEM;

	for (size_t i = 0; i < 3 && !err; i++) {
		snprintf(text, sizeof(text), "%" PRIu64, numbers[i]);
		err = scols_line_set_data(line, i, text);
	}
	err = err ?: scols_line_set_data(line, 3, duration_text(c->took.p50_ns, text, sizeof(text)));
	err = err ?: scols_line_set_data(line, 4, fates_text(m, c, text, sizeof(text)));
	snprintf(text, sizeof(text), "%u", p->number);
	err = err ?: scols_line_set_data(line, 5, text);
	snprintf(text, sizeof(text), "%s → %s", packet_first_function(m, p), packet_last_function(m, p));
	return err ?: scols_line_set_data(line, 6, text);
}

static void class_json(const struct term *t, const struct model *m, const struct class *c)
{
	const struct packet *p = &m->packets[c->way.example - 1];
	char text[256];
	struct json j;

	json_begin(&j, t->out);
	json_number(&j, "path", c->number);
	snprintf(text, sizeof(text), "%016" PRIx64, c->way.signature);
	json_text(&j, "signature", text);
	json_number(&j, "packets", c->way.packets);
	json_number(&j, "steps", c->way.steps);
	json_text(&j, "fate", fates_text(m, c, text, sizeof(text)));
	json_number(&j, "first_packet", p->number);
	json_text(&j, "first", packet_first_function(m, p));
	json_text(&j, "last", packet_last_function(m, p));
	json_number(&j, "took_min_ns", c->took.min_ns);
	json_number(&j, "took_p50_ns", c->took.p50_ns);
	json_number(&j, "took_max_ns", c->took.max_ns);
	json_end(&j);
}

int show_paths(const struct term *t, const struct model *m, bool as_json)
{
	struct libscols_table *tb = NULL;
	struct classes c;
	int err = classes_open(&c, m);

	for (size_t i = 0; i < c.n && !err; i++)
		err = class_measure(&c.v[i], m, c.path_of);
	if (!err && c.n)
		qsort(c.v, c.n, sizeof(*c.v), by_packets);
	if (!err && !as_json) {
		tb = table_new(t);
		err = tb ? table_columns(tb, columns, sizeof(columns) / sizeof(columns[0])) : -ENOMEM;
	}
	for (size_t i = 0; i < c.n && !err && c.v[i].way.packets; i++) {
		if (as_json)
			class_json(t, m, &c.v[i]);
		else
			err = class_line(tb, m, &c.v[i]);
	}
	if (!err && tb && c.n && c.v[0].way.packets)
		err = scols_print_table(tb);
	else if (!err && tb)
		fputs(m->npackets ? "none of its packets is selected by the filter\n" : "no packets\n", t->out);
	scols_unref_table(tb);
	classes_free(&c);
	return err;
}

int path_select(struct model *m, uint32_t path)
{
	struct classes c;
	int err = classes_open(&c, m);

	if (!err && path > c.n)
		err = -ENOENT;
	for (size_t i = 0; i < m->npackets && !err; i++)
		m->packets[i].left_out |= c.path_of[i] != path;
	classes_free(&c);
	return err;
}

/* "1, 3, 5 and 7 more" */
static void numbers_print(const struct term *t, const struct model *m)
{
	uint32_t named = 0;

	for (size_t i = 0; i < m->npackets; i++) {
		if (m->packets[i].left_out)
			continue;
		if (named == NAMED_MAX)
			break;
		fprintf(t->out, named++ ? ", %u" : "%u", m->packets[i].number);
	}
	if (packets_selected(m) > named)
		fprintf(t->out, " and %zu more", packets_selected(m) - named);
}

int show_explain_path(const struct term *t, const struct model *m, uint32_t path, bool as_json)
{
	char least[32], middle[32], most[32], fates[128];
	const struct packet *p;
	struct classes c;
	int err = classes_open(&c, m);

	err = err ?: class_measure(&c.v[path - 1], m, c.path_of);
	if (!err && c.v[path - 1].way.packets) {
		const struct class *k = &c.v[path - 1];

		p = &m->packets[k->way.example - 1];
		if (!as_json) {
			term_print(t, STYLE_BOLD, "path %u", path);
			fprintf(t->out, ": %u packet%s entered the same %u functions in the same order: ", k->way.packets,
				k->way.packets == 1 ? "" : "s", k->way.steps);
			numbers_print(t, m);
			fprintf(t->out, "\nfate  %s\ntook  %s", fates_text(m, k, fates, sizeof(fates)),
				duration_text(k->took.min_ns, least, sizeof(least)));
			if (k->way.packets > 1)
				fprintf(t->out, " to %s, half of them %s or less", duration_text(k->took.max_ns, most, sizeof(most)),
					duration_text(k->took.p50_ns, middle, sizeof(middle)));
			fputs("\n\nAs the first of them shows it:\n\n", t->out);
		}
		err = show_explain(t, m, p, as_json);
	} else if (!err && !as_json) {
		fputs("none of its packets is selected by the filter\n", t->out);
	}
	classes_free(&c);
	return err;
}
