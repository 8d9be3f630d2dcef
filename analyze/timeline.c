// SPDX-License-Identifier: GPL-2.0
/*
 * timeline.c - the hops of all packets in the order of time: a heap of the packets that live at a moment.
 *
 * Packets are numbered by their first hops, so that one is opened when its time has come, and given up after its last.
 * What is unpacked of them is kept by the timeline, for it needs many at once.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "timeline.h"
#include "model_private.h"

struct living {
	struct trc_hop *hops;
	const struct packet *p;
	uint32_t at;
};

struct timeline {
	const struct model *m;
	struct living *heap;
	size_t n, room;
	size_t next;			/* packet that is not opened yet */
	uint64_t from_ns, until_ns;
	bool moved;			/* the top was given out: go on from it */
};

int timeline_open(struct timeline **out, const struct model *m, uint64_t from_ns, uint64_t until_ns)
{
	struct timeline *t = *out = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->m = m;
	t->from_ns = from_ns;
	t->until_ns = until_ns;
	return 0;
}

void timeline_free(struct timeline *t)
{
	size_t i;

	for (i = 0; t && i < t->n; i++)
		free(t->heap[i].hops);
	if (t)
		free(t->heap);
	free(t);
}

/* The order of the recording: by time, CPU, number; of the same event, derived hops are in their packet's order. */
static bool before(const struct living *a, const struct living *b)
{
	const struct trc_hop *x = &a->hops[a->at], *y = &b->hops[b->at];

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns;
	if (x->cpu != y->cpu)
		return x->cpu < y->cpu;
	return x->seq != y->seq ? x->seq < y->seq : a->p->slot < b->p->slot;
}

static void sift_down(struct timeline *t)
{
	struct living top = t->heap[0];
	size_t i = 0, child;

	for (; (child = 2 * i + 1) < t->n; i = child) {
		if (child + 1 < t->n && before(&t->heap[child + 1], &t->heap[child]))
			child++;
		if (!before(&t->heap[child], &top))
			break;
		t->heap[i] = t->heap[child];
	}
	t->heap[i] = top;
}

static int packet_open(struct timeline *t, const struct packet *p)
{
	struct living l = { .p = p };
	const struct trc_hop *hops = packet_hop(t->m, p, 0);
	size_t i;

	if (hops[p->nhops - 1].time_ns < t->from_ns)
		return 0;
	while (hops[l.at].time_ns < t->from_ns)
		l.at++;
	if (hops[l.at].time_ns > t->until_ns)
		return 0;
	if (grow((void **)&t->heap, t->n, &t->room, sizeof(*t->heap)))
		return -ENOMEM;
	l.hops = malloc(p->nhops * sizeof(*l.hops));
	if (!l.hops)
		return -ENOMEM;
	memcpy(l.hops, hops, p->nhops * sizeof(*l.hops));
	for (i = t->n++; i && before(&l, &t->heap[(i - 1) / 2]); i = (i - 1) / 2)
		t->heap[i] = t->heap[(i - 1) / 2];
	t->heap[i] = l;
	return 0;
}

static void top_leave(struct timeline *t)
{
	struct living *top = &t->heap[0];

	t->moved = false;
	if (++top->at == top->p->nhops || top->hops[top->at].time_ns > t->until_ns) {
		free(top->hops);
		*top = t->heap[--t->n];
	}
	if (t->n)
		sift_down(t);
}

int timeline_next(struct timeline *t, const struct packet **p, uint32_t *hop, const struct trc_hop **h)
{
	const struct packet *next;
	int err;

	if (t->moved)
		top_leave(t);
	while (t->next < t->m->npackets) {
		next = &t->m->packets[t->next];
		if (next->first_ns > t->until_ns || (t->n && next->first_ns > t->heap[0].hops[t->heap[0].at].time_ns))
			break;
		t->next++;
		err = next->last_ns < t->from_ns ? 0 : packet_open(t, next);
		if (err)
			return err;
	}
	if (!t->n)
		return 0;
	t->moved = true;
	*p = t->heap[0].p;
	*hop = t->heap[0].at;
	*h = &t->heap[0].hops[t->heap[0].at];
	return 1;
}
