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

/* keys[from..to) are one CPU's hops by number. */
static int cpu_gaps(const struct model *m, struct gaps *g, const struct sort_key *keys, size_t from, size_t to)
{
	uint32_t loss = map_get(m->priv->cpus, keys[from].first);
	uint64_t expected = 0, before_ns = 0, time_ns;
	size_t i;
	int err = 0;

	for (i = from; i < to && !err; i++) {
		time_ns = m->hops[keys[i].index].time_ns;
		if (keys[i].second > expected) {
			err = gap_add(g, before_ns, time_ns);
			g->missing += loss == NONE ? keys[i].second - expected : 0;
		}
		before_ns = time_ns;
		expected = keys[i].second + 1;
	}
	if (!err && loss != NONE && m->losses[loss].produced > expected)
		err = gap_add(g, before_ns, UINT64_MAX);
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

static int gaps_find(const struct model *m, struct gaps *g)
{
	struct sort_key *keys = malloc((m->nhops ? m->nhops : 1) * sizeof(*keys));
	struct map *heard = map_new();
	size_t i, from;
	int err = keys && heard ? 0 : -ENOMEM;

	for (i = 0; i < m->nhops && !err; i++)
		keys[i] = (struct sort_key){ m->hops[i].cpu, m->hops[i].seq, i };
	err = err ?: sort_keys(keys, m->nhops);
	for (from = 0; from < m->nhops && !err; from = i) {
		for (i = from + 1; i < m->nhops && keys[i].first == keys[from].first; )
			i++;
		err = cpu_gaps(m, g, keys, from, i) ?: map_put(heard, keys[from].first, 0);
	}
	err = err ?: silent_gaps(m, g, heard);
	map_free(heard);
	free(keys);
	return err;
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

int losses_place(struct model *m)
{
	struct gaps g = {};
	struct packet *p;
	uint64_t last_ns;
	size_t i;
	int err = gaps_find(m, &g);

	if (err)
		goto out;
	m->lost = g.missing;
	for (i = 0; i < m->nlosses; i++) {
		m->lost += m->losses[i].lost;
		m->missed += m->losses[i].missed;
	}
	gaps_unite(&g);
	for (i = 0; i < m->npackets; i++) {
		p = &m->packets[i];
		/* a packet without an end may have lived on in any later gap */
		last_ns = p->fate == FATE_IN_FLIGHT ? UINT64_MAX : packet_hop(m, p, p->nhops - 1)->time_ns;
		p->lossy = gap_touches(&g, packet_hop(m, p, 0)->time_ns, last_ns);
	}
out:
	free(g.v);
	return err;
}
