// SPDX-License-Identifier: GPL-2.0
/*
 * diff_latency.c - where packets became slower or faster: the time between boundaries, compared by the medians of bursts.
 *
 * A segment is a class's way from one boundary to the next (to the qdisc, to the driver, ...): boundaries are crossed in
 * both recordings whatever functions lie between.  Packets of one burst wait for each other, so that a burst is one
 * observation, not its packets; a rank test (exact where bursts are few) asks whether the two recordings' bursts differ, and
 * Benjamini's and Hochberg's procedure which of all segments.  A shift must also be large: Cliff's delta, a share of the time
 * itself, more than the machine as a whole became slower, and more than each recording varies within itself.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define uthash_fatal(msg) abort()
#include <uthash.h>

#include "diff.h"
#include "latency.h"

#define BURST_GAP_NS 1000000ull		/* a longer pause ends a burst */
#define BURST_MAX_NS 20000000ull	/* and so does its length */
#define BURSTS_MIN 5
#define BURSTS_MAX 400			/* of each side: more are thinned out */
#define SAMPLES_MAX 4000000		/* of both sides together */
#define PARTS 4				/* a recording is cut into so many to see how it varies */

struct sample {
	uint32_t segment, burst;
	uint8_t side;
	uint32_t packet;		/* index + 1 */
	uint64_t ns, waiting_ns;
};

struct segment_key {
	uint64_t class;
	uint32_t from, to;		/* names of boundaries; to 0 = the end */
};

struct segment {
	struct segment_key key;
	uint32_t id;
	UT_hash_handle hh;
};

struct work {
	struct diff *d;
	struct latency roles[2];	/* only the roles are used */
	uint32_t *class_of[2];		/* by packet: class number + 1, 0 = not compared */
	struct segment *table, **by_id;
	size_t nsegments, segments_room;
	struct sample *samples;
	size_t nsamples, samples_room;
	struct legs legs;
};

/* --- gathering ------------------------------------------------------------------------------------------------------ */

static void roles_find(struct work *w, int s)
{
	const struct model *m = w->d->side[s].m;

	w->roles[s].roles = diff_alloc(w->d, m->nfuncs + 1, sizeof(struct wait_role));
	for (size_t i = 0; i < m->nfuncs; i++)
		w->roles[s].roles[i] = m->funcs[i].hits ? wait_role_of(m->funcs[i].name) : (struct wait_role){ .in = -1 };
}

/* Of packets that ended well in both. */
static void classes_mark(struct work *w)
{
	struct diff *d = w->d;

	for (int s = 0; s < 2; s++)
		w->class_of[s] = diff_alloc(d, d->side[s].m->npackets + 1, sizeof(uint32_t));
	for (size_t i = 0; i < d->nclasses; i++) {
		const struct class *c = d->classes[i];

		if (!c->all[0] || !c->all[1] || key_is_background(&c->key))
			continue;
		for (size_t j = 0; j < c->ntallies; j++) {
			const struct tally *t = c->tallies[j];

			if (t->outcome.fate == FATE_DROPPED || t->outcome.fate == FATE_IN_FLIGHT)
				continue;
			for (int s = 0; s < 2; s++)
				for (uint32_t at = t->first[s]; at; at = d->side[s].next[at - 1])
					w->class_of[s][at - 1] = c->number + 1;
		}
	}
}

static uint32_t segment_id(struct work *w, uint32_t class, uint32_t from, uint32_t to)
{
	struct segment_key key = { class, from, to };
	struct segment *g;

	HASH_FIND(hh, w->table, &key, sizeof(key), g);
	if (g)
		return g->id;
	g = diff_alloc(w->d, 1, sizeof(*g));
	g->key = key;
	g->id = w->nsegments;
	HASH_ADD(hh, w->table, key, sizeof(key), g);
	w->by_id = diff_grow(w->by_id, &w->segments_room, w->nsegments + 1, sizeof(struct segment *));
	w->by_id[w->nsegments++] = g;
	return g->id;
}

/* The legs between two hops, as a sample of their segment. */
static void segment_add(struct work *w, int s, uint32_t segment, uint32_t burst, uint32_t packet, uint32_t from, uint32_t to)
{
	struct sample *x;

	if (w->nsamples >= SAMPLES_MAX)
		return;
	w->samples = diff_grow(w->samples, &w->samples_room, w->nsamples + 1, sizeof(*w->samples));
	x = &w->samples[w->nsamples++];
	*x = (struct sample){ .segment = segment, .burst = burst, .side = s, .packet = packet };
	for (size_t i = 0; i < w->legs.n; i++) {
		const struct leg *leg = &w->legs.v[i];

		if (leg->from < from || leg->to > to)
			continue;
		x->ns = time_add(x->ns, leg->ns);
		if (leg->time != TIME_RUNNING)
			x->waiting_ns = time_add(x->waiting_ns, leg->ns);
	}
}

static void packet_gather(struct work *w, int s, uint32_t index, uint32_t class, uint32_t burst, struct path *path)
{
	const struct packet *p = &w->d->side[s].m->packets[index];
	uint32_t before = 0, from = 0;

	if (legs_of(&w->legs, &w->roles[s], w->d->side[s].m, p))
		return;
	path_build_alone(w->d, s, p, path);
	for (size_t i = 0; i < path->end; i++) {
		const struct step *st = &path->steps[i];

		if (!st->core || st->core == before)
			continue;
		if (before)
			segment_add(w, s, segment_id(w, class, before, st->core), burst, index + 1, from, st->hop);
		before = st->core;
		from = st->hop;
	}
}

static void side_gather(struct work *w, int s)
{
	struct diff *d = w->d;
	const struct model *m = d->side[s].m;
	struct burst { uint64_t first, last; uint32_t number; } *bursts = diff_alloc(d, d->nclasses + 1, sizeof(*bursts));
	struct path path = {};

	for (size_t i = 0; i < m->npackets; i++) {
		uint32_t class = w->class_of[s][i];
		uint64_t born;

		if (!class || m->packets[i].lossy)
			continue;
		born = packet_hop(m, &m->packets[i], 0)->time_ns;
		if (!bursts[class].number || born > bursts[class].last + BURST_GAP_NS || born > bursts[class].first + BURST_MAX_NS) {
			bursts[class].number++;
			bursts[class].first = born;
		}
		bursts[class].last = born;
		packet_gather(w, s, i, class, bursts[class].number, &path);
	}
	path_free(&path);
}

/* --- testing -------------------------------------------------------------------------------------------------------- */

static int by_place(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;

	if (x->segment != y->segment)
		return x->segment < y->segment ? -1 : 1;
	if (x->side != y->side)
		return x->side - y->side;
	if (x->burst != y->burst)
		return x->burst < y->burst ? -1 : 1;
	return (x->ns > y->ns) - (x->ns < y->ns);
}

static int by_number(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_number);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static double median_of(const double *v, size_t n)
{
	double copy[BURSTS_MAX];

	memcpy(copy, v, n * sizeof(*v));
	return median(copy, n);
}

/* Medians of the bursts of one side of one segment; more than BURSTS_MAX are thinned out evenly.  Answers how many. */
static size_t bursts_collect(const struct sample *x, size_t n, double *ns, double *waiting)
{
	size_t bursts = 0, every, k = 0, out = 0;

	for (size_t i = 0; i < n; i++)
		bursts += !i || x[i].burst != x[i - 1].burst;
	every = (bursts + BURSTS_MAX - 1) / BURSTS_MAX;
	for (size_t i = 0, j; i < n; i = j) {
		const struct sample *middle;

		for (j = i; j < n && x[j].burst == x[i].burst; j++)
			;
		if (k++ % every)
			continue;
		middle = &x[i + (j - i) / 2];
		ns[out] = middle->ns;
		waiting[out++] = middle->waiting_ns;
	}
	return out;
}

/* How much the medians of a recording's parts differ. */
static double within(const double *v, size_t n)
{
	double low = INFINITY, high = 0;

	if (n < 2 * PARTS)
		return 0;
	for (int i = 0; i < PARTS; i++) {
		size_t from = n * i / PARTS, to = n * (i + 1) / PARTS;
		double m = median_of(v + from, to - from);

		low = fmin(low, m);
		high = fmax(high, m);
	}
	return high - low;
}

/* How many ways there are to choose n0 of n0 + n1 ranks so that U is at most u: exact, for few. */
static double exact_p(size_t n0, size_t n1, double u)
{
	size_t most = n0 * n1;
	double *ways = calloc((n0 + 1) * (most + 1), sizeof(*ways)), sum = 0, all = 0;

	if (!ways)
		return 1;
	ways[0] = 1;
	for (size_t r = 1; r <= n0 + n1; r++)		/* each rank, taken or not; taking it as the i-th adds r - i */
		for (size_t i = n0 < r ? n0 : r; i >= 1; i--)
			for (size_t x = r - i; x <= most && r - i <= n1; x++)
				ways[i * (most + 1) + x] += ways[(i - 1) * (most + 1) + x - (r - i)];
	for (size_t x = 0; x <= most; x++) {
		all += ways[n0 * (most + 1) + x];
		if (x <= u)
			sum += ways[n0 * (most + 1) + x];
	}
	free(ways);
	return fmin(1, 2 * sum / all);
}

double rank_test(const double *a, size_t na, const double *b, size_t nb, double *delta)
{
	double more = 0, less = 0, u, mean = na * nb / 2.0;

	for (size_t i = 0; i < na; i++)
		for (size_t j = 0; j < nb; j++) {
			more += b[j] > a[i];
			less += b[j] < a[i];
		}
	*delta = (more - less) / (na * nb);
	u = fmin(more, less) + (na * nb - more - less) / 2;
	if (na <= 20 && nb <= 20)
		return exact_p(na, nb, u);
	return erfc(fmax(0, fabs(u - mean) - 0.5) / sqrt(na * nb * (na + nb + 1) / 12.0) / sqrt(2));
}

/* The shift that fits best (Hodges and Lehmann), and the interval that holds it with 95 %. */
static void shift_find(struct diff *d, const double *a, size_t na, const double *b, size_t nb, struct shift *out)
{
	size_t n = na * nb, k;
	double *v = malloc(n * sizeof(*v)), cut;

	if (!v)
		return;
	for (size_t i = 0; i < na; i++)
		for (size_t j = 0; j < nb; j++)
			v[i * nb + j] = b[j] - a[i];
	out->ns = median(v, n);
	cut = n / 2.0 - 1.96 * sqrt(n * (na + nb + 1) / 12.0);
	k = cut > 0 ? cut : 0;
	out->low_ns = v[k];
	out->high_ns = v[n - 1 - k];
	free(v);
}

/* The function in which the slower one's packet spends most of the segment, and how. */
static void shift_place(struct work *w, struct shift *x, const struct segment *g, uint32_t packet)
{
	int slow = x->ns > 0;
	const struct model *m = w->d->side[slow].m;
	const struct packet *p = &m->packets[packet - 1];
	struct path path = {};
	uint32_t from = UINT32_MAX, to = UINT32_MAX;
	const struct leg *longest = NULL;

	path_build_alone(w->d, slow, p, &path);
	for (size_t i = 0; i < path.end; i++) {
		if (from == UINT32_MAX && path.steps[i].core == g->key.from)
			from = path.steps[i].hop;
		if (from != UINT32_MAX && to == UINT32_MAX && path.steps[i].core == g->key.to)
			to = path.steps[i].hop;
	}
	if (to != UINT32_MAX && !legs_of(&w->legs, &w->roles[slow], m, p))
		for (size_t i = 0; i < w->legs.n; i++)
			if (w->legs.v[i].from >= from && w->legs.v[i].to <= to && (!longest || w->legs.v[i].ns > longest->ns))
				longest = &w->legs.v[i];
	x->packet[slow] = packet;
	if (longest) {
		x->from = &m->funcs[packet_hop(m, p, longest->from)->func];
		x->to = &m->funcs[packet_hop(m, p, longest->to)->func];
		x->time = longest->time;
		x->boundary[0] = &m->funcs[packet_hop(m, p, from)->func];
		x->boundary[1] = &m->funcs[packet_hop(m, p, to)->func];
		x->hop = *packet_hop(m, p, longest->from);
	}
	path_free(&path);
}

/* A packet of the middle burst, of about the median. */
static uint32_t middle_packet(const struct sample *x, size_t n, double ns)
{
	size_t best = 0;

	for (size_t i = 1; i < n; i++)
		if (fabs(x[i].ns - ns) < fabs(x[best].ns - ns))
			best = i;
	return x[best].packet;
}

static void segment_test(struct work *w, const struct sample *x, size_t n, double *ratios, size_t *nratios)
{
	struct diff *d = w->d;
	const struct segment *g = w->by_id[x->segment];
	size_t split = 0, count[2];
	double ns[2][BURSTS_MAX], waiting[2][BURSTS_MAX], delta, p, base;
	struct shift *out;

	while (split < n && !x[split].side)
		split++;
	if (!split || split == n)
		return;
	count[0] = bursts_collect(x, split, ns[0], waiting[0]);
	count[1] = bursts_collect(x + split, n - split, ns[1], waiting[1]);
	if (count[0] < BURSTS_MIN || count[1] < BURSTS_MIN) {
		d->shifts_untested++;
		return;
	}
	d->shifts_tested++;
	p = rank_test(ns[0], count[0], ns[1], count[1], &delta);
	d->shifts = diff_grow(d->shifts, &d->shifts_room, d->nshifts + 1, sizeof(*d->shifts));
	out = &d->shifts[d->nshifts++];
	*out = (struct shift){ .class = d->classes[g->key.class - 1], .p = p, .delta = delta };
	shift_find(d, ns[0], count[0], ns[1], count[1], out);
	for (int s = 0; s < 2; s++) {
		out->within_ns[s] = within(ns[s], count[s]);
		out->bursts[s] = count[s];
		out->median_ns[s] = median_of(ns[s], count[s]);
		out->waiting_ns[s] = median_of(waiting[s], count[s]);
		out->packets[s] = s ? n - split : split;
		out->packet[s] = middle_packet(s ? x + split : x, s ? n - split : split, out->median_ns[s]);
	}
	base = fmin(out->median_ns[0], out->median_ns[1]);
	if (base > 0)
		ratios[(*nratios)++] = fabs(log(out->median_ns[1] / out->median_ns[0]));
	out->large = fabs(delta) >= CLIFF_MIN && fabs(out->ns) >= fmax(SHIFT_SHARE * base, SHIFT_NS) &&
		     fabs(out->ns) > 2 * fmax(out->within_ns[0], out->within_ns[1]);
	if (out->large)
		shift_place(w, out, g, out->packet[out->ns > 0]);
}

static int by_shift_p(const void *a, const void *b)
{
	const struct shift *x = a, *y = b;

	return (x->p > y->p) - (x->p < y->p);
}

static int by_size(const void *a, const void *b)
{
	const struct shift *x = a, *y = b;

	return (fabs(x->ns) < fabs(y->ns)) - (fabs(x->ns) > fabs(y->ns));
}

/* Keep what is significant among all, large, and more than the whole machine's change of pace. */
static void shifts_choose(struct diff *d, double *ratios, size_t nratios)
{
	double pace = 0;
	size_t keep = 0, n = 0;

	/* one cause shifts few stretches; when a quarter of them shifted, the machine did */
	if (nratios) {
		qsort(ratios, nratios, sizeof(*ratios), by_number);
		pace = exp(2 * ratios[nratios * 3 / 4]) - 1;
	}

	if (d->nshifts)
		qsort(d->shifts, d->nshifts, sizeof(*d->shifts), by_shift_p);
	for (size_t i = 0; i < d->nshifts; i++)
		if (d->shifts[i].p <= SIGNIFICANT * (i + 1) / d->nshifts)
			keep = i + 1;
	for (size_t i = 0; i < keep; i++) {
		const struct shift *x = &d->shifts[i];
		double base = fmin(x->median_ns[0], x->median_ns[1]);

		/* of few segments the slow one may be the median itself: a shift that large is none of pace */
		if (x->large && x->from && (fabs(x->ns) > pace * base || fabs(x->ns) > 10 * base))
			d->shifts[n++] = *x;
	}
	d->nshifts = n;
	if (n)
		qsort(d->shifts, n, sizeof(*d->shifts), by_size);
}

void latency_compare(struct diff *d)
{
	struct work w = { .d = d };
	double *ratios;
	size_t nratios = 0;

	classes_mark(&w);
	for (int s = 0; s < 2; s++) {
		roles_find(&w, s);
		side_gather(&w, s);
	}
	ratios = diff_alloc(d, w.nsegments + 1, sizeof(*ratios));
	if (w.nsamples)
		qsort(w.samples, w.nsamples, sizeof(*w.samples), by_place);
	for (size_t i = 0, j; i < w.nsamples; i = j) {
		for (j = i; j < w.nsamples && w.samples[j].segment == w.samples[i].segment; j++)
			;
		segment_test(&w, &w.samples[i], j - i, ratios, &nratios);
	}
	shifts_choose(d, ratios, nratios);
	d->latency = true;
	HASH_CLEAR(hh, w.table);
	free(w.by_id);
	free(w.samples);
	free(w.legs.v);
}
