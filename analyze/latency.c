// SPDX-License-Identifier: GPL-2.0
/*
 * latency.c - the legs of all packets by edge and by hop, with exact percentiles.
 *
 * Each number is a sample of a group: a leg of its edge; the time inside a function, of that function; a packet's sum of
 * one kind of time, of that kind.  Groups are found by a hash map while packets are walked once, and each has a list of
 * its numbers; those of a function are the lists of its edges.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "latency.h"
#include "numbers.h"
#include "show.h"
#include "spill.h"

/* A group's key: a place is 23 bits (of two million functions at most, MODEL_NAMES_MAX), a time 5. */
#define PLACE_BITS 23
#define PLACE_INSIDE ((1u << PLACE_BITS) - 1)	/* as .to: from entry to return */
#define PLACE_SUMS ((1u << PLACE_BITS) - 1)	/* as .from: sums of packets */
static_assert(2 * (uint64_t)MODEL_NAMES_MAX < PLACE_INSIDE, "every function has its places");

struct group {
	uint32_t from, to, time;
	uint32_t slowest;
	uint64_t crossed;
	struct numbers ns;
};

struct gather {
	const struct model *m;
	struct latency *l;
	struct map *ids;	/* key -> index in groups */
	struct group *groups;
	size_t ngroups, groups_room, packets_room;
	uint32_t *order;	/* indexes of groups: those of one function side by side */
	const struct numbers **lists;	/* beside order: of what follows one another */
	struct arena arena;
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
	if (!group)
		return -ENOMEM;
	if (!group->ns.count || ns > group->ns.max)
		group->slowest = p->number;
	return numbers_add(&g->arena, &group->ns, ns);
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
	if (err || spill_grow((void **)&l->packets, l->npackets, &g->packets_room, sizeof(*l->packets)))
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

/* --- what their numbers are ------------------------------------------------------------------------------------------ */

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

static int groups_order(struct gather *g)
{
	size_t i;

	g->order = malloc((g->ngroups + 1) * sizeof(*g->order));
	g->lists = malloc((g->ngroups + 1) * sizeof(*g->lists));
	if (!g->order || !g->lists)
		return -ENOMEM;
	for (i = 0; i < g->ngroups; i++)
		g->order[i] = i;
	qsort_r(g->order, g->ngroups, sizeof(*g->order), compare_groups, g->groups);
	for (i = 0; i < g->ngroups; i++)
		g->lists[i] = &g->groups[g->order[i]].ns;
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

static int hop_add_edge(struct gather *g, struct latency_hop *hop, const struct group *group)
{
	struct latency_edge *e = &g->l->edges[g->l->nedges++];
	const struct numbers *list = &group->ns;
	int err;

	*e = (struct latency_edge){
		.from = place(group->from), .to = place(group->to), .time = group->time, .crossed = group->crossed,
		.slowest = group->slowest,
	};
	err = numbers_spread(&list, 1, &e->spread);
	if (!hop->nedges++ || e->spread.max_ns > hop->spread.max_ns) {
		hop->spread.max_ns = e->spread.max_ns;
		hop->slowest = e->slowest;
	}
	hop->time_ns[e->time] = time_add(hop->time_ns[e->time], e->spread.total_ns);
	return err;
}

/* The groups of one function, which begin at order[*i]; then *i is where the next one's do. */
static int hop_add(struct gather *g, size_t *i)
{
	struct latency_hop *hop = &g->l->hops[g->l->nhops++];
	const struct group *first = &g->groups[g->order[*i]], *group;
	const struct numbers *const *lists = &g->lists[*i];	/* time inside comes last */
	int err = 0;

	*hop = (struct latency_hop){ .place = place(first->from), .first_edge = g->l->nedges };
	for (; !err && *i < g->ngroups && (group = &g->groups[g->order[*i]])->from == first->from; (*i)++)
		err = group->to == PLACE_INSIDE ? numbers_spread(&g->lists[*i], 1, &hop->inside) : hop_add_edge(g, hop, group);
	if (err)
		return err;
	if (hop->nedges == 1) {
		hop->spread = g->l->edges[hop->first_edge].spread;
		return 0;
	}
	qsort(g->l->edges + hop->first_edge, hop->nedges, sizeof(*g->l->edges), compare_edges);
	return numbers_spread(lists, hop->nedges, &hop->spread);
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

/* The slowest are first. */
static uint64_t took_percentile(const struct latency *l, unsigned int percent)
{
	return l->packets[l->npackets - (l->npackets * percent + 99) / 100].took_ns;
}

static void took_spread(struct latency *l)
{
	struct spread *s = &l->took;

	s->count = l->npackets;
	if (!l->npackets)
		return;
	qsort(l->packets, l->npackets, sizeof(*l->packets), compare_packets);
	s->min_ns = l->packets[l->npackets - 1].took_ns;
	s->p50_ns = took_percentile(l, 50);
	s->p90_ns = took_percentile(l, 90);
	s->p99_ns = took_percentile(l, 99);
	s->max_ns = l->packets[0].took_ns;
	s->total_ns = l->total_ns;
}

static int hops_build(struct gather *g)
{
	struct latency *l = g->l;
	const struct group *group;
	size_t i, places = 0;
	int err = 0;

	for (i = 0; i < g->ngroups; i++)
		places += !i || g->groups[g->order[i]].from != g->groups[g->order[i - 1]].from;
	l->edges = malloc((g->ngroups + 1) * sizeof(*l->edges));
	l->hops = malloc((places + 1) * sizeof(*l->hops));
	if (!l->edges || !l->hops)
		return -ENOMEM;
	for (i = 0; i < g->ngroups && !err; ) {
		group = &g->groups[g->order[i]];
		if (group->from != PLACE_SUMS)
			err = hop_add(g, &i);
		else
			err = numbers_spread(&g->lists[i++], 1, &l->times[group->time]);
	}
	if (l->nhops)
		qsort(l->hops, l->nhops, sizeof(*l->hops), compare_hops);
	took_spread(l);
	return err;
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
	err = err ?: groups_order(&g);
	err = err ?: hops_build(&g);
out:
	map_free(g.ids);
	free(g.groups);
	free(g.order);
	free(g.lists);
	arena_free(&g.arena);
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
	spill_free(l->packets);
	free(l->roles);
	free(l);
}
