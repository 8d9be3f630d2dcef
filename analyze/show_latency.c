// SPDX-License-Identifier: GPL-2.0
/*
 * show_latency.c - where the time of packets went: running, waiting, crossing; function by function; the slowest ones.
 *
 * On a narrow terminal a function's next one is on a line below it, in a wide one beside it.  Durations have no space
 * before their unit here, so that all percentiles fit 80 columns.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "show_latency.h"
#include "show_table.h"

#define WIDE 120
#define BAR_MAX 16
#define HOPS_FOLDED 16		/* functions, and the ways from each, that are shown without --all */
#define EDGES_FOLDED 4
#define EDGES_ENOUGH 0.95	/* of a function's time */

struct view {
	const struct term *t;
	const struct model *m;
	const struct latency *l;
	struct libscols_table *tb;
	bool wide, every;
	int err;
};

/* --- cells: the first error stays ---------------------------------------------------------------------------------- */

static struct libscols_line *line_new(struct view *v, struct libscols_line *parent)
{
	struct libscols_line *line = v->err ? NULL : scols_table_new_line(v->tb, parent);

	if (!line && !v->err)
		v->err = -ENOMEM;
	return line;
}

static void put(struct view *v, struct libscols_line *line, int column, enum style style, const char *text)
{
	const char *code = style_code(v->t, style);

	if (!v->err)
		v->err = scols_line_set_data(line, column, text);
	if (!v->err && *code)
		v->err = scols_cell_set_color(scols_line_get_cell(line, column), code);
}

static void put_number(struct view *v, struct libscols_line *line, int column, uint64_t n)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, n);
	put(v, line, column, STYLE_PLAIN, text);
}

/* "16.5ms" */
static const char *short_text(uint64_t ns, char *buf, size_t size)
{
	char *space = strchr(duration_text(ns, buf, size), ' ');

	if (space)
		memmove(space, space + 1, strlen(space));
	return buf;
}

static void put_time(struct view *v, struct libscols_line *line, int column, uint64_t ns)
{
	char text[32];

	put(v, line, column, STYLE_PLAIN, short_text(ns, text, sizeof(text)));
}

static double share_of(const struct view *v, uint64_t ns)
{
	return v->l->total_ns ? (double)ns / (double)v->l->total_ns : 0;
}

static void put_share(struct view *v, struct libscols_line *line, int column, uint64_t ns)
{
	double percent = 100 * share_of(v, ns);
	char text[16];

	snprintf(text, sizeof(text), "%.1f%%", percent);
	put(v, line, column, STYLE_PLAIN, percent && percent < 0.05 ? "<0.1%" : text);
}

/* Eighths of a column, and something for everything that is not nothing. */
static const char *bar_text(double share, unsigned int width, char *buf, size_t size)
{
	static const char *const part[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█" };
	unsigned int eighths = share * width * 8 + 0.5;
	size_t used = 0;

	if (!eighths && share > 0)
		eighths = 1;
	*buf = 0;
	for (; eighths && used + 4 < size; eighths -= eighths > 8 ? 8 : eighths)
		used += snprintf(buf + used, size - used, "%s", part[eighths > 8 ? 8 : eighths]);
	return buf;
}

static void put_bar(struct view *v, struct libscols_line *line, int column, enum style style, double share)
{
	char text[3 * BAR_MAX + 8];

	put(v, line, column, style, bar_text(share, BAR_MAX, text, sizeof(text)));
}

static enum style time_style(unsigned int time)
{
	return time == TIME_RUNNING ? STYLE_GOOD : time < TIME_QUEUES ? STYLE_MARK : STYLE_WARN;
}

static void put_spread(struct view *v, struct libscols_line *line, int column, const struct spread *s)
{
	put_number(v, line, column, s->count);
	put_time(v, line, column + 1, s->min_ns);
	put_time(v, line, column + 2, s->p50_ns);
	put_time(v, line, column + 3, s->p90_ns);
	put_time(v, line, column + 4, s->p99_ns);
	put_time(v, line, column + 5, s->max_ns);
}

static void table_begin(struct view *v, const struct table_column *columns, size_t n)
{
	v->tb = v->err ? NULL : table_new(v->t);
	if (v->tb && !v->wide)
		scols_table_set_column_separator(v->tb, " ");
	if (!v->err)
		v->err = v->tb ? table_columns(v->tb, columns, n) : -ENOMEM;
}

static void table_end(struct view *v)
{
	v->err = v->err ?: scols_print_table(v->tb);
	scols_unref_table(v->tb);
	v->tb = NULL;
}

/* --- how the time was spent --------------------------------------------------------------------------------------- */

#define SPREAD_COLUMNS(what) { what, 1, SCOLS_FL_RIGHT }, { "min", 6, SCOLS_FL_RIGHT }, { "50%", 6, SCOLS_FL_RIGHT }, \
	{ "90%", 6, SCOLS_FL_RIGHT }, { "99%", 6, SCOLS_FL_RIGHT }, { "max", 6, SCOLS_FL_RIGHT }

static const struct table_column time_columns[] = {
	{ "time", 7, 0 }, { "share", 5, SCOLS_FL_RIGHT }, SPREAD_COLUMNS("packets"), { "", 1, 0 }, { "", 0.3, SCOLS_FL_TRUNC },
};

static void times_table(struct view *v)
{
	struct libscols_line *line;

	table_begin(v, time_columns, sizeof(time_columns) / sizeof(time_columns[0]) - !v->wide);
	for (unsigned int time = 0; time < times_count(); time++) {
		const struct spread *s = &v->l->times[time];

		line = s->count ? line_new(v, NULL) : NULL;
		if (!line)
			continue;
		put(v, line, 0, time_style(time), time_name(time));
		put_share(v, line, 1, s->total_ns);
		put_spread(v, line, 2, s);
		put_bar(v, line, 8, time_style(time), share_of(v, s->total_ns));
		if (v->wide)
			put(v, line, 9, STYLE_DIM, time_meaning(time));
	}
	line = line_new(v, NULL);
	if (line) {
		put(v, line, 0, STYLE_BOLD, "in all");
		put_spread(v, line, 2, &v->l->took);
	}
	table_end(v);
}

/* --- functions and the ways from each ------------------------------------------------------------------------------ */

enum { H_NAME, H_COUNT, H_MIN, H_P50, H_P90, H_P99, H_MAX, H_SHARE, H_TIME, H_NEXT, H_BAR, NCOLUMNS };

static const struct table_column hop_columns[NCOLUMNS] = {
	{ "function", 0.2, SCOLS_FL_TRUNC }, SPREAD_COLUMNS("count"), { "share", 5, SCOLS_FL_RIGHT }, { "time", 7, 0 },
	{ "next", 0.2, SCOLS_FL_TRUNC }, { "", 1, 0 },
};

static void put_place(struct view *v, struct libscols_line *line, int column, const struct latency_place *p, const char *before)
{
	const struct func *f = &v->m->funcs[p->func];
	char text[512];

	snprintf(text, sizeof(text), "%s%s%s", before, p->drop ? "✗ " : "", f->name);
	put(v, line, column, p->drop ? STYLE_BAD : layer_style(f->layer), text);
}

static void edge_line(struct view *v, struct libscols_line *parent, const struct latency_hop *h, const struct latency_edge *e)
{
	struct libscols_line *line = v->wide && h->nedges == 1 ? parent : line_new(v, NULL);

	if (!line)
		return;
	put_place(v, line, v->wide ? H_NEXT : H_NAME, &e->to, v->wide ? "" : "→ ");
	put(v, line, H_TIME, time_style(e->time), time_name(e->time));
	if (h->nedges == 1)
		return;
	put_spread(v, line, H_COUNT, &e->spread);
	put_share(v, line, H_SHARE, e->spread.total_ns);
	if (v->wide)
		put_bar(v, line, H_BAR, time_style(e->time), share_of(v, e->spread.total_ns));
}

static void rest_line(struct view *v, size_t n)
{
	struct libscols_line *line = line_new(v, NULL);
	char text[64];

	if (!line)
		return;
	snprintf(text, sizeof(text), "%s%zu more", v->wide ? "" : "→ ", n);
	put(v, line, v->wide ? H_NEXT : H_NAME, STYLE_DIM, text);
}

/* The ways from a function that have nearly all of its time; one more is shown rather than spoken of. */
static size_t edges_shown(const struct view *v, const struct latency_hop *h)
{
	double sum = 0, enough = EDGES_ENOUGH * (double)h->spread.total_ns;
	size_t n = 0;

	if (v->every)
		return h->nedges;
	while (n < h->nedges && n < EDGES_FOLDED && (!n || sum < enough))
		sum += (double)v->l->edges[h->first_edge + n++].spread.total_ns;
	return n + 1 == h->nedges ? h->nedges : n;
}

static void hop_lines(struct view *v, const struct latency_hop *h)
{
	struct libscols_line *line = line_new(v, NULL);
	size_t shown = edges_shown(v, h);

	if (!line)
		return;
	put_place(v, line, H_NAME, &h->place, "");
	if (h->nedges) {
		put_spread(v, line, H_COUNT, &h->spread);
		put_share(v, line, H_SHARE, h->spread.total_ns);
	}
	if (v->wide && h->nedges == 1)
		put_bar(v, line, H_BAR, time_style(v->l->edges[h->first_edge].time), share_of(v, h->spread.total_ns));
	for (size_t i = 0; i < shown; i++)
		edge_line(v, line, h, &v->l->edges[h->first_edge + i]);
	if (shown < h->nedges)
		rest_line(v, h->nedges - shown);
}

static void hops_table(struct view *v)
{
	size_t n = v->every || v->l->nhops <= HOPS_FOLDED ? v->l->nhops : HOPS_FOLDED;
	uint64_t rest = 0;

	fprintf(v->t->out, "\nFrom entering a function to entering the next, longest in all first:\n");
	table_begin(v, hop_columns, v->wide ? NCOLUMNS : H_NEXT);
	for (size_t i = 0; i < n; i++)
		hop_lines(v, &v->l->hops[i]);
	table_end(v);
	for (size_t i = n; i < v->l->nhops; i++)
		rest = time_add(rest, v->l->hops[i].spread.total_ns);
	if (n < v->l->nhops)
		term_print(v->t, STYLE_DIM, "… %zu more functions with %.1f%% of the time: --all\n", v->l->nhops - n, 100 * share_of(v, rest));
}

/* What return probes saw.  The columns are those above, as far as they go. */
static void inside_table(struct view *v)
{
	size_t i, n = 0;
	struct libscols_line *line;

	for (i = 0; i < v->l->nhops; i++)
		n += v->l->hops[i].inside.count > 0;
	if (!n || v->err)
		return;
	fprintf(v->t->out, "\nFrom entering a function to its return, where returns were recorded:\n");
	table_begin(v, hop_columns, H_SHARE);
	for (i = 0; i < v->l->nhops && !v->err; i++) {
		line = v->l->hops[i].inside.count ? line_new(v, NULL) : NULL;
		if (!line)
			continue;
		put_place(v, line, H_NAME, &v->l->hops[i].place, "");
		put_spread(v, line, H_COUNT, &v->l->hops[i].inside);
	}
	table_end(v);
}

/* --- packets ------------------------------------------------------------------------------------------------------- */

static const struct table_column histogram_columns[] = { { "took", 1, SCOLS_FL_RIGHT }, { "packets", 1, SCOLS_FL_RIGHT }, { "", 1, 0 } };

static void histogram_table(struct view *v)
{
	struct bucket buckets[BUCKETS_MAX];
	size_t n = histogram_of(v->l, buckets);
	uint64_t most = 0;

	if (v->l->npackets < 2)
		return;
	for (size_t i = 0; i < n; i++)
		most = buckets[i].packets > most ? buckets[i].packets : most;
	putc('\n', v->t->out);
	table_begin(v, histogram_columns, sizeof(histogram_columns) / sizeof(histogram_columns[0]));
	for (size_t i = 0; i < n && !v->err; i++) {
		struct libscols_line *line = line_new(v, NULL);
		char text[72], from[32], to[32];

		if (!line)
			break;
		snprintf(text, sizeof(text), "%s – %s", short_text(buckets[i].from_ns, from, sizeof(from)),
			 short_text(buckets[i].to_ns, to, sizeof(to)));
		put(v, line, 0, STYLE_PLAIN, text);
		put_number(v, line, 1, buckets[i].packets);
		put_bar(v, line, 2, STYLE_IP, (double)buckets[i].packets / (double)most);
	}
	table_end(v);
}

static const struct table_column slowest_columns[] = {
	{ "#", 1, SCOLS_FL_RIGHT }, { "took", 6, SCOLS_FL_RIGHT }, { "running", 7, SCOLS_FL_RIGHT }, { "queued", 6, SCOLS_FL_RIGHT },
	{ "crossing", 6, SCOLS_FL_RIGHT }, { "packet", 0.3, SCOLS_FL_TRUNC }, { "longest", 7, SCOLS_FL_RIGHT }, { "time", 7, 0 },
	{ "from → to", 0.3, SCOLS_FL_TRUNC },
};

static void slowest_line(struct view *v, const struct latency_packet *s, struct legs *legs)
{
	const struct packet *p = &v->m->packets[s->number - 1];
	struct libscols_line *line = line_new(v, NULL);
	struct packet_time time;
	char text[1100];

	v->err = v->err ?: packet_time_of(&time, legs, v->l, v->m, p);
	if (v->err)
		return;
	put_number(v, line, 0, p->number);
	put_time(v, line, 1, s->took_ns);
	put_time(v, line, 2, time.ns[TIME_RUNNING]);
	put_time(v, line, 3, time.queued_ns);
	put_time(v, line, 4, time_add(time.ns[TIME_CROSSING], time.ns[TIME_SWITCHING]));
	put(v, line, 5, STYLE_PLAIN, packet_text(v->m, p, text, sizeof(text)));
	if (!v->wide)
		return;
	put_time(v, line, 6, time.longest.ns);
	put(v, line, 7, time_style(time.longest.time), time_name(time.longest.time));
	snprintf(text, sizeof(text), "%s → %s", hop_func(v->m, packet_hop(v->m, p, time.longest.from))->name,
		 hop_func(v->m, packet_hop(v->m, p, time.longest.to))->name);
	put(v, line, 8, STYLE_PLAIN, text);
}

static void slowest_table(struct view *v, uint32_t slowest)
{
	size_t n = slowest < v->l->npackets ? slowest : v->l->npackets;
	struct legs legs = {};
	char text[160];

	if (!n)
		return;
	snprintf(text, sizeof(text), "The slowest of %zu packets (crossing: to another CPU or context, with no known queue between):", v->l->npackets);
	putc('\n', v->t->out);
	term_wrap(v->t, STYLE_PLAIN, 0, 2, text);
	table_begin(v, slowest_columns, v->wide ? sizeof(slowest_columns) / sizeof(slowest_columns[0]) : 6);
	for (size_t i = 0; i < n && !v->err; i++)
		slowest_line(v, &v->l->packets[i], &legs);
	table_end(v);
	free(legs.v);
}

/* --- all of it ----------------------------------------------------------------------------------------------------- */

static void counts(const struct view *v)
{
	const struct latency *l = v->l;
	char text[512], took[32];
	size_t derived = derived_hops(v->m, l);

	snprintf(text, sizeof(text), "%zu of %zu packets, %" PRIu64 " steps from one function's entry to the next, %s in all",
		 l->npackets, v->m->npackets, l->legs, duration_text(l->total_ns, took, sizeof(took)));
	term_wrap(v->t, STYLE_PLAIN, 0, 2, text);
	if (l->single) {
		snprintf(text, sizeof(text), "%zu packets entered one function only", l->single);
		term_wrap(v->t, STYLE_DIM, 0, 2, text);
	}
	if (l->lossy) {
		snprintf(text, sizeof(text), "%zu packets are left out: hops were lost while they lived", l->lossy);
		term_wrap(v->t, STYLE_WARN, 0, 2, text);
	}
	if (derived) {
		snprintf(text, sizeof(text), "%zu derived hops (~) have no time of their own: what follows is measured between tracepoints", derived);
		term_wrap(v->t, STYLE_DIM, 0, 2, text);
	}
	putc('\n', v->t->out);
}

int show_latency(const struct term *t, const struct model *m, const struct show_options *o)
{
	struct view v = { .t = t, .m = m, .wide = !t->width || t->width >= WIDE, .every = o->every };
	uint32_t slowest = o->slowest ? o->slowest : SLOWEST_DEFAULT;
	struct latency *l;
	int err = latency_build(&l, m);

	if (err)
		return err;
	v.l = l;
	if (o->json) {
		v.err = show_latency_json(t, m, l, slowest);
	} else {
		counts(&v);
		if (l->npackets) {
			times_table(&v);
			hops_table(&v);
			inside_table(&v);
			histogram_table(&v);
			slowest_table(&v, slowest);
		}
	}
	latency_free(l);
	return v.err;
}
