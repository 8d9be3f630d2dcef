// SPDX-License-Identifier: GPL-2.0
/*
 * model_loss.c - where in time hops are missing, and which packets lived then.
 *
 * Each CPU numbers its hops.  A jump in the numbers is a gap between the times of its neighbours: numbers are compared
 * in their own order, because an interrupt may put a later number before an earlier time.  What the recorder counted
 * and the file does not hold is a gap after the last hop (or, with none at all, everywhere).
 */
#include <errno.h>
#include <stdlib.h>

#include "model_private.h"
#include "spill.h"

struct gaps {
	struct gap *v;
	size_t n, room;
	uint64_t missing;	/* hops, on CPUs of which the recorder told no count */
};

static int gap_add(struct gaps *g, uint64_t start_ns, uint64_t end_ns)
{
	if (grow((void **)&g->v, g->n, &g->room, sizeof(*g->v)))
		return -ENOMEM;
	g->v[g->n++] = start_ns < end_ns ? (struct gap){ start_ns, end_ns } : (struct gap){ end_ns, start_ns };
	return 0;
}

/* A number that came before one that is less: it waits until those between come, or do not come any more. */
#define AHEAD_MAX 256

struct ahead {
	uint64_t seq, time_ns;
};

struct cpu_seen {
	uint64_t expected, before_ns;	/* the next number; the time of the one before */
	uint64_t missing;		/* hops */
	uint32_t cpu;
	uint32_t first, n;		/* of ahead, which is a ring ordered by number */
	struct ahead *ahead;
};

struct losses {
	struct gaps gaps;
	struct map *cpus;		/* -> index in seen */
	struct cpu_seen *seen;
	size_t nseen, seen_room;
	uint32_t last_cpu, last;	/* index of the CPU met last */
};

static struct ahead *ahead_at(struct cpu_seen *c, uint32_t i)
{
	return &c->ahead[(c->first + i) % AHEAD_MAX];
}

static void number_pass(struct cpu_seen *c, uint64_t seq, uint64_t time_ns)
{
	if (seq < c->expected)
		return;		/* said twice, or given up */
	c->before_ns = time_ns;
	c->expected = seq + 1;
}

/* The least number ahead is the next one. */
static int ahead_take(struct gaps *g, struct cpu_seen *c)
{
	const struct ahead *a = ahead_at(c, 0);
	int err = 0;

	if (a->seq > c->expected) {
		err = gap_add(g, c->before_ns, a->time_ns);
		c->missing += a->seq - c->expected;
	}
	number_pass(c, a->seq, a->time_ns);
	c->first = (c->first + 1) % AHEAD_MAX;
	c->n--;
	return err;
}

/* And those that follow it without a gap. */
static int ahead_catch_up(struct gaps *g, struct cpu_seen *c)
{
	int err = 0;

	while (c->n && ahead_at(c, 0)->seq <= c->expected && !err)
		err = ahead_take(g, c);
	return err;
}

static int ahead_add(struct gaps *g, struct cpu_seen *c, const struct trc_hop *h)
{
	uint32_t i;
	int err = 0;

	if (!c->ahead && !(c->ahead = malloc(AHEAD_MAX * sizeof(*c->ahead))))
		return -ENOMEM;
	if (c->n == AHEAD_MAX) {	/* those between do not come any more */
		err = ahead_take(g, c) ?: ahead_catch_up(g, c);
		if (h->seq <= c->expected) {
			number_pass(c, h->seq, h->time_ns);
			return err;
		}
	}
	for (i = c->n++; i && ahead_at(c, i - 1)->seq > h->seq; i--)
		*ahead_at(c, i) = *ahead_at(c, i - 1);
	*ahead_at(c, i) = (struct ahead){ h->seq, h->time_ns };
	return err;
}

static struct cpu_seen *cpu_of(struct losses *l, uint32_t cpu)
{
	uint32_t index;

	if (l->nseen && l->last_cpu == cpu)
		return &l->seen[l->last];
	index = map_get(l->cpus, cpu);
	if (index == NONE) {
		if (grow((void **)&l->seen, l->nseen, &l->seen_room, sizeof(*l->seen)) || map_put(l->cpus, cpu, l->nseen))
			return NULL;
		index = l->nseen++;
		l->seen[index] = (struct cpu_seen){ .cpu = cpu };
	}
	l->last_cpu = cpu;
	l->last = index;
	return &l->seen[index];
}

int loss_see(struct model *m, const struct trc_hop *h)
{
	struct losses *l = m->priv->losses;
	struct cpu_seen *c;

	if (!l) {
		l = m->priv->losses = calloc(1, sizeof(*l));
		if (!l || !(l->cpus = map_new()))
			return -ENOMEM;
	}
	c = cpu_of(l, h->cpu);
	if (!c)
		return -ENOMEM;
	if (h->seq > c->expected)
		return ahead_add(&l->gaps, c, h);
	number_pass(c, h->seq, h->time_ns);
	return ahead_catch_up(&l->gaps, c);
}

void losses_free(struct losses *l)
{
	size_t i;

	if (!l)
		return;
	for (i = 0; i < l->nseen; i++)
		free(l->seen[i].ahead);
	free(l->seen);
	free(l->gaps.v);
	map_free(l->cpus);
	free(l);
}

static int cpu_gaps(const struct model *m, struct gaps *g, struct cpu_seen *c)
{
	uint32_t loss = map_get(m->priv->cpus, c->cpu);
	int err = 0;

	while (c->n && !err)
		err = ahead_take(g, c);
	if (loss == NONE)
		g->missing += c->missing;
	if (!err && loss != NONE && m->losses[loss].produced > c->expected)
		err = gap_add(g, c->before_ns, UINT64_MAX);
	return err;
}

/* CPUs that produced hops and have none in the file. */
static int silent_gaps(const struct model *m, struct gaps *g, const struct map *heard)
{
	size_t i;
	int err = 0;

	for (i = 0; i < m->nlosses && !err; i++)
		if (m->losses[i].produced && map_get(heard, m->losses[i].cpu) == NONE)
			err = gap_add(g, 0, UINT64_MAX);
	return err;
}

static int gaps_find(const struct model *m, struct losses *l)
{
	size_t i;
	int err = 0;

	for (i = 0; i < l->nseen && !err; i++)
		err = cpu_gaps(m, &l->gaps, &l->seen[i]);
	return err ?: silent_gaps(m, &l->gaps, l->cpus);
}

static int compare_gaps(const void *a, const void *b)
{
	const struct gap *x = a, *y = b;

	return (x->start_ns > y->start_ns) - (x->start_ns < y->start_ns);
}

/* Sorted, and those that touch made one, so that one search answers for a packet. */
static void gaps_unite(struct gaps *g)
{
	size_t i, n = 0;

	if (!g->n)
		return;
	qsort(g->v, g->n, sizeof(*g->v), compare_gaps);
	for (i = 1; i < g->n; i++) {
		if (g->v[i].start_ns > g->v[n].end_ns)
			g->v[++n] = g->v[i];
		else if (g->v[i].end_ns > g->v[n].end_ns)
			g->v[n].end_ns = g->v[i].end_ns;
	}
	g->n = n + 1;
}

/* Does a gap touch the time from first to last?  Touching counts: the hop beside a gap may not be the first or last. */
static bool gap_touches(const struct gaps *g, uint64_t first_ns, uint64_t last_ns)
{
	size_t low = 0, high = g->n, middle;

	while (low < high) {	/* the first gap that ends at or after first_ns */
		middle = low + (high - low) / 2;
		if (g->v[middle].end_ns < first_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low < g->n && g->v[low].start_ns <= last_ns;
}

static void packets_mark(struct model *m, const struct gaps *g)
{
	struct packet *p;
	size_t i;

	for (i = 0; i < m->npackets; i++) {
		p = &m->packets[i];
		/* a packet without an end may have lived on in any later gap */
		p->lossy = gap_touches(g, p->first_ns, p->fate == FATE_IN_FLIGHT ? UINT64_MAX : p->last_ns);
		spill_look(sizeof(*p));
	}
}

int losses_place(struct model *m)
{
	struct losses *l = m->priv->losses;
	size_t i;
	int err = l ? gaps_find(m, l) : 0;

	if (err)
		return err;
	m->lost = l ? l->gaps.missing : 0;
	for (i = 0; i < m->nlosses; i++) {
		m->lost += m->losses[i].lost;
		m->missed += m->losses[i].missed;
	}
	if (l) {
		gaps_unite(&l->gaps);
		packets_mark(m, &l->gaps);
	}
	losses_free(l);
	m->priv->losses = NULL;
	return 0;
}
