// SPDX-License-Identifier: GPL-2.0
/*
 * latency.c - the legs of all packets by edge and by hop, with exact percentiles.
 *
 * Each number is a sample of a group: a leg of its edge; the time inside a function, of that function; a packet's sum of
 * one kind of time, of that kind.  Groups are found by a hash map while packets are walked once; then the numbers are
 * laid out group by group, the groups of one function side by side, so that its numbers are one range of the same array.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "latency.h"
#include "model_private.h"
#include "show.h"

/* A group's key: a place is 23 bits (of two million functions at most, MODEL_NAMES_MAX), a time 5. */
#define PLACE_BITS 23
#define PLACE_INSIDE ((1u << PLACE_BITS) - 1)	/* as .to: from entry to return */
#define PLACE_SUMS ((1u << PLACE_BITS) - 1)	/* as .from: sums of packets */
static_assert(2 * (uint64_t)MODEL_NAMES_MAX < PLACE_INSIDE, "every function has its places");

struct group {
	uint32_t from, to, time;
	uint32_t slowest;
	uint64_t max_ns, count, crossed;
	size_t at;		/* of its first number, then of its next */
};

struct sample {
	uint64_t ns;
	uint32_t group;
};

struct gather {
	const struct model *m;
	struct latency *l;
	struct map *ids;	/* key -> index in groups */
	struct group *groups;
	struct sample *samples;
	size_t ngroups, groups_room, nsamples, samples_room, packets_room;
	uint32_t *order;	/* indexes of groups, as they are laid out */
	uint64_t *numbers;
	struct legs legs;
};

/* --- walking the packets ------------------------------------------------------------------------------------------- */

static uint32_t place_of(const struct trc_hop *h)
{
	return 2 * h->func + (h->kind == TRC_DROP);
}

static struct group *group_at(struct gather *g, uint32_t from, uint32_t to, unsigned int time)
{
	uint64_t key = ((uint64_t)from << PLACE_BITS | to) << 5 | time;
	uint32_t index = map_get(g->ids, key);

	if (index != NONE)
		return &g->groups[index];
	if (g->ngroups == NONE || grow((void **)&g->groups, g->ngroups, &g->groups_room, sizeof(*g->groups)) ||
	    map_put(g->ids, key, g->ngroups))
		return NULL;
	g->groups[g->ngroups] = (struct group){ from, to, time };
	return &g->groups[g->ngroups++];
}

static int sample_add(struct gather *g, struct group *group, uint64_t ns, const struct packet *p)
{
	if (!group || grow((void **)&g->samples, g->nsamples, &g->samples_room, sizeof(*g->samples)))
		return -ENOMEM;
	g->samples[g->nsamples++] = (struct sample){ ns, group - g->groups };
	if (!group->count++ || ns > group->max_ns) {
		group->max_ns = ns;
		group->slowest = p->number;
	}
	return 0;
}

static int returns_gather(struct gather *g, const struct packet *p)
{
	uint32_t *returns = packet_returns(g->m, p), i;
	int err = returns ? 0 : -ENOMEM;
	const struct trc_hop *h;

	for (i = 0; i < p->nhops && !err; i++) {
		h = packet_hop(g->m, p, i);
		if (returns[i] != NO_HOP && returns[i] != i)
			err = sample_add(g, group_at(g, place_of(h), PLACE_INSIDE, 0),
					 packet_hop(g->m, p, returns[i])->time_ns - h->time_ns, p);
	}
	free(returns);
	return err;
}

static int legs_gather(struct gather *g, const struct packet *p, uint64_t *sums, uint64_t *took_ns)
{
	const struct trc_hop *from, *to;
	const struct leg *leg;
	struct group *group;
	size_t i;
	int err = 0;

	for (i = 0; i < g->legs.n && !err; i++) {
		leg = &g->legs.v[i];
		from = packet_hop(g->m, p, leg->from);
		to = packet_hop(g->m, p, leg->to);
		group = group_at(g, place_of(from), place_of(to), leg->time);
		if (group)
			group->crossed += from->cpu != to->cpu;
		err = sample_add(g, group, leg->ns, p);
		sums[leg->time] = time_add(sums[leg->time], leg->ns);
		*took_ns = time_add(*took_ns, leg->ns);
	}
	return err;
}

static int packet_gather(struct gather *g, const struct packet *p)
{
	struct latency *l = g->l;
	uint64_t sums[TIMES_MAX] = {}, took_ns = 0;
	bool used[TIMES_MAX] = {};
	unsigned int time;
	size_t i;
	int err = legs_of(&g->legs, l, g->m, p);

	err = err ?: legs_gather(g, p, sums, &took_ns);
	err = err ?: returns_gather(g, p);
	if (err || !g->legs.n) {
		l->single += !err;
		return err;
	}
	for (i = 0; i < g->legs.n; i++)
		used[g->legs.v[i].time] = true;
	for (time = 0; time < times_count() && !err; time++)
		if (used[time])
			err = sample_add(g, group_at(g, PLACE_SUMS, 0, time), sums[time], p);
	if (err || grow((void **)&l->packets, l->npackets, &g->packets_room, sizeof(*l->packets)))
		return -ENOMEM;
	l->packets[l->npackets++] = (struct latency_packet){ p->number, took_ns };
	l->legs += g->legs.n;
	l->total_ns = time_add(l->total_ns, took_ns);
	return 0;
}

static int packets_gather(struct gather *g)
{
	const struct packet *p;
	size_t i;
	int err = 0;

	for (i = 0; i < g->m->npackets && !err; i++) {
		p = &g->m->packets[i];
		if (p->left_out)
			continue;
		if (p->lossy)
			g->l->lossy++;
		else
			err = packet_gather(g, p);
	}
	return err;
}

/* --- laying out the numbers ------------------------------------------------------------------------------------------ */

static int compare_groups(const void *va, const void *vb, void *arg)
{
	const struct group *groups = arg, *a = &groups[*(const uint32_t *)va], *b = &groups[*(const uint32_t *)vb];
	bool inside_a = a->to == PLACE_INSIDE, inside_b = b->to == PLACE_INSIDE;

	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	if (inside_a != inside_b)
		return inside_a ? 1 : -1;
	return (a->to > b->to) - (a->to < b->to) ?: (a->time > b->time) - (a->time < b->time);
}

static int numbers_place(struct gather *g)
{
	struct group *group;
	size_t i, at = 0;

	g->order = malloc((g->ngroups + 1) * sizeof(*g->order));
	g->numbers = malloc((g->nsamples + 1) * sizeof(*g->numbers));
	if (!g->order || !g->numbers)
		return -ENOMEM;
	for (i = 0; i < g->ngroups; i++)
		g->order[i] = i;
	qsort_r(g->order, g->ngroups, sizeof(*g->order), compare_groups, g->groups);
	for (i = 0; i < g->ngroups; i++) {
		group = &g->groups[g->order[i]];
		group->at = at;
		at += group->count;
	}
	for (i = 0; i < g->nsamples; i++)
		g->numbers[g->groups[g->samples[i].group].at++] = g->samples[i].ns;
	for (i = 0; i < g->ngroups; i++)
		g->groups[i].at -= g->groups[i].count;
	free(g->samples);		/* a hostile file's may be as large as what is still to come */
	g->samples = NULL;
	return 0;
}

static struct latency_place place(uint32_t number)
{
	return (struct latency_place){ number / 2, number % 2 };
}

/* Edges compare by time; equal ones stay in the order of their functions, so that output is the same each time. */
static int compare_edges(const void *va, const void *vb)
{
	const struct latency_edge *a = va, *b = vb;

	if (a->spread.total_ns != b->spread.total_ns)
		return a->spread.total_ns < b->spread.total_ns ? 1 : -1;
	return (a->to.func > b->to.func) - (a->to.func < b->to.func) ?: (int)a->to.drop - (int)b->to.drop ?: (int)a->time - (int)b->time;
}

static void hop_add_edge(struct gather *g, struct latency_hop *hop, const struct group *group)
{
	struct latency_edge *e = &g->l->edges[g->l->nedges++];

	*e = (struct latency_edge){
		.from = place(group->from), .to = place(group->to), .time = group->time, .crossed = group->crossed,
		.slowest = group->slowest, .spread = spread_of(g->numbers + group->at, group->count),
	};
	if (!hop->nedges++ || e->spread.max_ns > hop->spread.max_ns) {
		hop->spread.max_ns = e->spread.max_ns;
		hop->slowest = e->slowest;
	}
	hop->time_ns[e->time] = time_add(hop->time_ns[e->time], e->spread.total_ns);
}

/* The groups of one function, which begin at order[i]; answers where the next one's do. */
static size_t hop_add(struct gather *g, size_t i)
{
	struct latency_hop *hop = &g->l->hops[g->l->nhops++];
	const struct group *first = &g->groups[g->order[i]], *group = first;
	size_t n = 0;

	*hop = (struct latency_hop){ .place = place(first->from), .first_edge = g->l->nedges };
	for (; i < g->ngroups && (group = &g->groups[g->order[i]])->from == first->from; i++) {
		if (group->to == PLACE_INSIDE) {
			hop->inside = spread_of(g->numbers + group->at, group->count);
		} else {
			hop_add_edge(g, hop, group);
			n += group->count;
		}
	}
	hop->spread = hop->nedges == 1 ? g->l->edges[hop->first_edge].spread : spread_of(g->numbers + first->at, n);
	if (hop->nedges > 1)
		qsort(g->l->edges + hop->first_edge, hop->nedges, sizeof(*g->l->edges), compare_edges);
	return i;
}

static int compare_hops(const void *va, const void *vb)
{
	const struct latency_hop *a = va, *b = vb;

	if (a->spread.total_ns != b->spread.total_ns)
		return a->spread.total_ns < b->spread.total_ns ? 1 : -1;
	return (a->place.func > b->place.func) - (a->place.func < b->place.func) ?: (int)a->place.drop - (int)b->place.drop;
}

static int compare_packets(const void *va, const void *vb)
{
	const struct latency_packet *a = va, *b = vb;

	if (a->took_ns != b->took_ns)
		return a->took_ns < b->took_ns ? 1 : -1;
	return (a->number > b->number) - (a->number < b->number);
}

static int took_spread(struct latency *l)
{
	uint64_t *ns = malloc((l->npackets + 1) * sizeof(*ns));
	size_t i;

	if (!ns)
		return -ENOMEM;
	for (i = 0; i < l->npackets; i++)
		ns[i] = l->packets[i].took_ns;
	l->took = spread_of(ns, l->npackets);
	free(ns);
	if (l->npackets)
		qsort(l->packets, l->npackets, sizeof(*l->packets), compare_packets);
	return 0;
}

static int hops_build(struct gather *g)
{
	struct latency *l = g->l;
	const struct group *group;
	size_t i, places = 0;

	for (i = 0; i < g->ngroups; i++)
		places += !i || g->groups[g->order[i]].from != g->groups[g->order[i - 1]].from;
	l->edges = malloc((g->ngroups + 1) * sizeof(*l->edges));
	l->hops = malloc((places + 1) * sizeof(*l->hops));
	if (!l->edges || !l->hops)
		return -ENOMEM;
	for (i = 0; i < g->ngroups; ) {
		group = &g->groups[g->order[i]];
		if (group->from != PLACE_SUMS)
			i = hop_add(g, i);
		else
			l->times[g->groups[g->order[i++]].time] = spread_of(g->numbers + group->at, group->count);
	}
	if (l->nhops)
		qsort(l->hops, l->nhops, sizeof(*l->hops), compare_hops);
	return took_spread(l);
}

int latency_build(struct latency **out, const struct model *m)
{
	struct gather g = { .m = m, .l = calloc(1, sizeof(*g.l)), .ids = map_new() };
	int err = -ENOMEM;
	size_t i;

	if (!g.l || !g.ids)
		goto out;
	g.l->roles = calloc(m->nfuncs + 1, sizeof(*g.l->roles));
	if (!g.l->roles)
		goto out;
	for (i = 0; i < m->nfuncs; i++)
		g.l->roles[i] = m->funcs[i].hits ? wait_role_of(m->funcs[i].name) : (struct wait_role){ .in = -1 };
	err = packets_gather(&g);
	map_free(g.ids);
	g.ids = NULL;
	err = err ?: numbers_place(&g);
	err = err ?: hops_build(&g);
out:
	map_free(g.ids);
	free(g.groups);
	free(g.samples);
	free(g.order);
	free(g.numbers);
	free(g.legs.v);
	if (err) {
		latency_free(g.l);
		g.l = NULL;
	}
	*out = g.l;
	return err;
}

void latency_free(struct latency *l)
{
	if (!l)
		return;
	free(l->hops);
	free(l->edges);
	free(l->packets);
	free(l->roles);
	free(l);
}
