// SPDX-License-Identifier: GPL-2.0
/*
 * lineage.c - which packet came from which: clones, segments, fragments, packets merged into others.
 *
 * Edges come from a file: they may name packets that were never seen, form cycles, be millions.  So nothing here walks from
 * parent to parent: journeys are united, tuples spread from packet to neighbour and each takes one once.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model_private.h"
#include "spill.h"

int edge_add(struct model *m, const struct trc_edge *e)
{
	if (e->child == e->parent)
		return 0;	/* the sk_buff itself went on */
	if (spill_grow((void **)&m->edges, m->nedges, &m->priv->edges_room, sizeof(*m->edges)))
		return -ENOMEM;
	m->edges[m->nedges++] = (struct edge){
		.time_ns = e->time_ns, .child_id = e->child, .parent_id = e->parent, .kind = e->kind, .func = e->func,
	};
	return 0;
}

const char *edge_name(uint32_t kind)
{
	static const char *const names[] = {
		[TRC_EDGE_CLONE] = "clone", [TRC_EDGE_COPY] = "copy", [TRC_EDGE_SEGMENT] = "segment",
		[TRC_EDGE_FRAGMENT] = "fragment", [TRC_EDGE_MERGE] = "merge", [TRC_EDGE_COALESCE] = "coalesce",
		[TRC_EDGE_REASSEMBLE] = "reassemble", [TRC_EDGE_SPLIT] = "split", [TRC_EDGE_REBUILD] = "rebuild",
		[TRC_EDGE_ENCAPSULATE] = "encapsulate",
	};

	return kind && kind <= TRC_EDGE_LAST ? names[kind] : "kin";
}

/* Edges that name a packet of this recording, in time order. */
static int edges_sort(struct model *m)
{
	struct sort_key *keys = spill_array(m->nedges, sizeof(*keys));
	struct edge *sorted = spill_array(m->nedges, sizeof(*sorted)), *e;
	size_t i, n = 0;
	uint32_t child, parent;
	int err = keys && sorted ? 0 : -ENOMEM;

	for (i = 0; i < m->nedges && !err; i++) {
		e = &m->edges[i];
		spill_look(4096);
		child = map_get(m->priv->packet_ids, e->child_id);
		parent = map_get(m->priv->packet_ids, e->parent_id);
		e->child = child == NONE ? 0 : child + 1;
		e->parent = parent == NONE ? 0 : parent + 1;
		if (e->child || e->parent)
			keys[n++] = (struct sort_key){ e->time_ns, 0, i };
	}
	err = err ?: sort_keys(keys, n);
	for (i = 0; i < n && !err; i++) {
		sorted[i] = m->edges[keys[i].index];
		spill_look(4 * sizeof(*sorted));
	}
	spill_free(keys);
	if (err) {
		spill_free(sorted);
		return err;
	}
	spill_free(m->edges);
	m->edges = sorted;
	m->nedges = n;
	return 0;
}

static struct packet *packet_of(struct model *m, uint32_t number)
{
	spill_look(4 * sizeof(*m->packets));	/* neighbours come with it */
	return number ? &m->packets[number - 1] : NULL;
}

/* Each packet's edges, in one list for all. */
static int kin_place(struct model *m)
{
	uint32_t *list = m->priv->kin_lists = spill_array(2 * m->nedges + 1, sizeof(*list)), k;
	struct packet *p;
	size_t i;

	if (!list)
		return -ENOMEM;
	for (i = 0; i < 2 * m->nedges; i++) {
		p = packet_of(m, i % 2 ? m->edges[i / 2].child : m->edges[i / 2].parent);
		if (p)
			p->nkin++;
	}
	for (i = 0; i < m->npackets; i++) {
		m->packets[i].kin = list;
		list += m->packets[i].nkin;
		spill_look(sizeof(*m->packets));
		m->packets[i].nkin = 0;
	}
	for (i = 0; i < 2 * m->nedges; i++) {
		p = packet_of(m, i % 2 ? m->edges[i / 2].child : m->edges[i / 2].parent);
		if (!p)
			continue;
		k = (p->kin - m->priv->kin_lists) + p->nkin++;
		m->priv->kin_lists[k] = i / 2;
	}
	return 0;
}

/* The first packet of the journey that packet i belongs to. */
static uint32_t journey_root(uint32_t *first, uint32_t i)
{
	while (first[i] != i)
		i = first[i] = first[first[i]];
	return i;
}

static int journeys_number(struct model *m)
{
	uint32_t *first = spill_array(m->npackets + 1, sizeof(*first)), a, b, n = 0;
	size_t i;

	if (!first)
		return -ENOMEM;
	for (i = 0; i < m->npackets; i++)
		first[i] = i;
	for (i = 0; i < m->nedges; i++) {
		spill_look(sizeof(*m->edges));
		if (!m->edges[i].child || !m->edges[i].parent)
			continue;
		a = journey_root(first, m->edges[i].child - 1);
		b = journey_root(first, m->edges[i].parent - 1);
		first[a > b ? a : b] = a > b ? b : a;
	}
	for (i = 0; i < m->npackets; i++) {
		a = journey_root(first, i);
		m->packets[i].journey = a == i ? ++n : m->packets[a].journey;	/* the first comes first */
		spill_look(sizeof(*m->packets));
	}
	spill_free(first);
	return 0;
}

static bool has_addresses(const struct packet *p)
{
	return p->tuple.have & (TRC_HAVE_IP4 | TRC_HAVE_IP6 | TRC_HAVE_ARP);
}

/* To all neighbours without addresses that have the same headers: not what travels inside another. */
static void tuple_spread(struct model *m, struct packet *p, uint32_t *queue, size_t *n)
{
	const struct edge *e;
	struct packet *other;
	uint32_t k;

	for (k = 0; k < p->nkin; k++) {
		e = &m->edges[p->kin[k]];
		other = packet_of(m, e->child == p->number ? e->parent : e->child);
		if (!other || has_addresses(other) || e->kind == TRC_EDGE_ENCAPSULATE)
			continue;
		other->tuple = p->tuple;
		other->tuple_of = p->tuple_of ? p->tuple_of : p->number;
		queue[(*n)++] = other->number;
	}
}

/* The nearest first: a queue that begins with all packets that have addresses and kin. */
static int tuples_inherit(struct model *m)
{
	uint32_t *queue = spill_array(m->npackets + 1, sizeof(*queue));
	size_t i, n = 0;

	if (!queue)
		return -ENOMEM;
	for (i = 0; i < m->npackets; i++) {
		if (m->packets[i].nkin && has_addresses(&m->packets[i]))
			queue[n++] = m->packets[i].number;
		spill_look(sizeof(*m->packets));
	}
	for (i = 0; i < n; i++)
		tuple_spread(m, &m->packets[queue[i] - 1], queue, &n);
	spill_free(queue);
	return 0;
}

static bool goes_on(const struct edge *e)
{
	return e->kind == TRC_EDGE_MERGE || e->kind == TRC_EDGE_COALESCE || e->kind == TRC_EDGE_REASSEMBLE ||
	       e->kind == TRC_EDGE_REBUILD;
}

/*
 * A packet that nothing is said of but that it was freed, or not even that, and whose data is in another.  What
 * hangs in another, a fragment or what GRO took, has no fate of its own any more: it is read, or freed as dropped, as
 * part of the whole.
 */
static void merges_judge(struct model *m)
{
	const struct edge *e;
	struct packet *p;
	size_t i;

	for (i = 0; i < m->nedges; i++) {
		e = &m->edges[i];
		if (!e->parent || !e->child || !goes_on(e))
			continue;
		p = packet_of(m, e->parent);
		p->into = e->child;
		if (p->fate == FATE_CONSUMED || p->fate == FATE_IN_FLIGHT || (p->fate == FATE_SENT && e->kind == TRC_EDGE_REBUILD) ||
		    (e->kind != TRC_EDGE_COALESCE && packet_hop(m, p, p->fate_hop)->time_ns > e->time_ns))
			p->fate = FATE_MERGED;
	}
}

const char *packet_became(const struct model *m, const struct packet *p)
{
	const struct edge *e;
	uint32_t k;

	for (k = 0; k < p->nkin; k++) {
		e = &m->edges[p->kin[k]];
		if (e->parent == p->number && e->child == p->into && e->kind == TRC_EDGE_REBUILD)
			return "rebuilt as";	/* the same frame in an sk_buff of its own: XDP on a veth */
	}
	return "merged into";
}

int lineage_place(struct model *m)
{
	int err = 0;

	if (m->nedges)
		err = edges_sort(m) ?: kin_place(m) ?: journeys_number(m) ?: tuples_inherit(m);
	else
		err = journeys_number(m);
	if (!err)
		merges_judge(m);
	return err;
}
