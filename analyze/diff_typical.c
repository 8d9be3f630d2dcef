// SPDX-License-Identifier: GPL-2.0
/*
 * diff_typical.c - many packets: which of them to show, and at which function their ways part.
 *
 * The exemplar of many is one that went the most common way, not the first: that one often finds no neighbour, no route
 * cache, no connection.  Where many part is asked of all: for each place, whether what comes next depends on the
 * recording (G-test).  What comes after the first such place is its consequence.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define uthash_fatal(msg) abort()
#include <uthash.h>

#include "diff.h"

#define LOOK_MAX 64		/* packets that are looked at for the exemplar */
#define SAMPLE_MAX 4096		/* packets of each side whose ways are counted */
#define VISITS_MIN 20		/* of a place, on both sides together */
#define EFFECT_MIN 0.005		/* of the packets at a place go on otherwise */

struct seen {
	uint64_t way;
	uint32_t count, packet;
};

/* All places of the outer way, in order. */
static uint64_t way_whole(const struct path *path)
{
	uint64_t way = 1;

	for (size_t i = 0; i < path->end; i++)
		if (path->steps[i].key && !path->steps[i].inner)
			way = (way ^ path->steps[i].key) * 0x9e3779b97f4a7c15ull ^ way >> 29;
	return way;
}

uint32_t typical_packet(struct diff *d, int s, const struct tally *t)
{
	struct seen seen[LOOK_MAX];
	struct path path = {};
	size_t n = 0, best = 0;
	uint32_t at = t->first[s];

	for (int i = 0; at && i < LOOK_MAX; i++, at = d->side[s].next[at - 1]) {
		uint64_t way;
		size_t j;

		path_build(d, s, &d->side[s].m->packets[at - 1], &path);
		way = way_whole(&path);
		for (j = 0; j < n && seen[j].way != way; j++)
			;
		if (j == n)
			seen[n++] = (struct seen){ .way = way, .packet = at };
		seen[j].count++;
	}
	path_free(&path);
	for (size_t j = 1; j < n; j++)
		if (seen[j].count > seen[best].count)
			best = j;
	return n ? seen[best].packet : 0;
}

/* --- where many part ------------------------------------------------------------------------------------------------ */

struct place {			/* hashed as bytes: no padding */
	uint64_t key;		/* of a step, 0 = the beginning */
	uint64_t netns;		/* label */
};

struct turn_key {
	struct place from, to;
};

struct turn {
	struct turn_key key;
	uint32_t count[2];
	uint32_t packet[2], step[2];	/* one that took it: packet index + 1, and the step it came to */
	UT_hash_handle hh;
};

/* Ends are nodes too: their fate, above all keys of functions. */
#define NODE_END (1ull << 62)

static void turn_add(struct diff *d, struct turn **turns, int s, struct place from, struct place to, uint32_t packet, size_t step)
{
	struct turn_key key = { from, to };
	struct turn *t;

	HASH_FIND(hh, *turns, &key, sizeof(key), t);
	if (!t) {
		t = diff_alloc(d, 1, sizeof(*t));
		t->key = key;
		HASH_ADD(hh, *turns, key, sizeof(key), t);
	}
	t->count[s]++;
	if (!t->packet[s]) {
		t->packet[s] = packet;
		t->step[s] = step;
	}
}

static void turns_of_packet(struct diff *d, struct turn **turns, int s, const struct path *path, uint32_t packet)
{
	struct place from = {}, to = {};

	for (size_t i = 0; i <= path->end; i++) {
		bool last = i == path->end;
		const struct step *st = last ? NULL : &path->steps[i];
		const struct trc_hop *h = last ? NULL : step_hop(path, i);

		if (!last && (!st->key || st->inner || !(st->core || st->hook) || h->kind == TRC_DERIVED))
			continue;
		if (last)
			to = (struct place){ NODE_END | (uint64_t)path->last->fate << 32 | side_reason(d, s, path->last->reason), 0 };
		else
			to = (struct place){ st->key, h->have & TRC_HAVE_NETNS ? side_netns(d, s, h->netns) : 0 };
		turn_add(d, turns, s, from, to, packet, i);
		from = to;
	}
}

static void turns_collect(struct diff *d, const struct class *c, struct turn **turns)
{
	struct path path = {};

	for (int s = 0; s < 2; s++) {
		uint32_t all = 0, every, k = 0;

		for (size_t i = 0; i < c->ntallies; i++)
			all += c->tallies[i]->count[s];
		every = all / SAMPLE_MAX + 1;
		for (size_t i = 0; i < c->ntallies; i++) {
			for (uint32_t at = c->tallies[i]->first[s]; at; at = d->side[s].next[at - 1]) {
				if (k++ % every)
					continue;
				path_build(d, s, &d->side[s].m->packets[at - 1], &path);
				turns_of_packet(d, turns, s, &path, at);
			}
		}
	}
	path_free(&path);
}

static int by_from(const void *a, const void *b)
{
	const struct turn *x = *(struct turn *const *)a, *y = *(struct turn *const *)b;

	return memcmp(&x->key, &y->key, sizeof(x->key));
}

/* log Q(a, x) of the upper regularized incomplete gamma function: a series or a continued fraction, whichever converges. */
static double log_gamma_q(double a, double x)
{
	double sum, term, b, c, h, e, scale = -x + a * log(x) - lgamma(a);

	if (x <= 0)
		return 0;
	if (x < a + 1) {
		term = sum = 1 / a;
		for (int n = 1; n < 1000 && fabs(term) > fabs(sum) * 1e-14; n++)
			sum += term *= x / (a + n);
		return log1p(-fmin(sum * exp(scale), 1 - 1e-16));
	}
	b = x + 1 - a;
	c = 1e300;
	h = e = 1 / b;
	for (int n = 1; n < 1000; n++) {
		double an = -n * (n - a), delta;

		b += 2;
		e = 1 / (an * e + b);
		c = b + an / c;
		delta = e * c;
		h *= delta;
		if (fabs(delta - 1) < 1e-14)
			break;
	}
	return scale + log(h);
}

double g_test_log(const uint32_t (*cells)[2], size_t n)
{
	double sum[2] = {}, g = 0;
	size_t kinds = 0;

	for (size_t i = 0; i < n; i++) {
		sum[0] += cells[i][0];
		sum[1] += cells[i][1];
		kinds += cells[i][0] || cells[i][1];
	}
	if (kinds < 2 || !sum[0] || !sum[1])
		return 0;
	for (size_t i = 0; i < n; i++)
		for (int s = 0; s < 2; s++)
			if (cells[i][s])
				g += 2 * cells[i][s] * log(cells[i][s] * (sum[0] + sum[1]) / (sum[s] * ((double)cells[i][0] + cells[i][1])));
	return log_gamma_q((kinds - 1) / 2.0, g / 2);
}

/* What comes after one place: does it depend on the recording?  Two ways with small numbers are Fisher's. */
static double place_log_p(struct turn **t, size_t n, double *effect)
{
	uint32_t sum[2] = {}, cells[64][2];
	bool small = false;

	*effect = 0;
	for (size_t i = 0; i < n && i < 64; i++)
		for (int s = 0; s < 2; s++)
			sum[s] += cells[i][s] = t[i]->count[s];
	if (n < 2 || n > 64 || !sum[0] || !sum[1] || sum[0] + sum[1] < VISITS_MIN)
		return 0;
	for (size_t i = 0; i < n; i++) {
		double shift = fabs(cells[i][0] / (double)sum[0] - cells[i][1] / (double)sum[1]);

		*effect = shift > *effect ? shift : *effect;
		small |= cells[i][0] + cells[i][1] < 10;
	}
	return n == 2 && small ? log(fisher_exact(cells[0][0], sum[0], cells[0][1], sum[1])) : g_test_log(cells, n);
}

static void parting_say(struct diff *d, const struct finding *f, struct turn **t, size_t n, struct parting *out)
{
	uint32_t sum[2] = {};
	size_t best = 0;
	double most = -1;

	for (size_t i = 0; i < n; i++)
		for (int s = 0; s < 2; s++)
			sum[s] += t[i]->count[s];
	/* where more of the worse side go */
	for (size_t i = 0; i < n; i++) {
		double shift = t[i]->count[f->bad] / (double)sum[f->bad] - t[i]->count[!f->bad] / (double)sum[!f->bad];

		if (shift > most) {
			most = shift;
			best = i;
		}
	}
	out->from = t[best]->key.from.key;
	out->netns = t[best]->key.from.netns;
	out->packet = t[best]->packet[f->bad];
	out->step = t[best]->step[f->bad];
	out->to_end = t[best]->key.to.key & NODE_END;
	for (int s = 0; s < 2; s++) {
		out->hits[s] = t[best]->count[s];
		out->total[s] = sum[s];
	}
}

void parting_find(struct diff *d, const struct finding *f, struct parting *out)
{
	struct turn *turns = NULL, *t, **sorted;
	double best = 0;
	size_t n = 0, places = 0;

	memset(out, 0, sizeof(*out));
	if (f->kind == FINDING_MISSING || f->total[0] + f->total[1] < VISITS_MIN)
		return;
	turns_collect(d, f->class, &turns);
	sorted = diff_alloc(d, HASH_COUNT(turns) + 1, sizeof(*sorted));
	for (t = turns; t; t = t->hh.next)
		sorted[n++] = t;
	if (n)
		qsort(sorted, n, sizeof(*sorted), by_from);
	for (size_t i = 0, j; i < n; i = j) {
		double p, effect;

		for (j = i; j < n && !memcmp(&sorted[j]->key.from, &sorted[i]->key.from, sizeof(sorted[i]->key.from)); j++)
			;
		p = place_log_p(&sorted[i], j - i, &effect);
		places++;
		if (effect < EFFECT_MIN || p >= best)
			continue;
		best = p;
		parting_say(d, f, &sorted[i], j - i, out);
	}
	out->p = exp(best) * places;	/* one of so many, the cautious way */
	if (!out->total[0] || out->p >= SIGNIFICANT)
		memset(out, 0, sizeof(*out));
	HASH_CLEAR(hh, turns);
}
