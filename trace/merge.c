// SPDX-License-Identifier: GPL-2.0
/*
 * merge.c - hops of all CPUs in the order of their times, in bounded memory.
 *
 * Units wait packed (some 60 KB each), in order of their first time, and are unpacked when that is reached.  An open
 * unit is a lane for each of its CPUs, whose hops are in order already; a heap of lanes has the earliest on top.
 */
#include <string.h>

#include "merge.h"

struct waiting {
	struct unit u;
	uint8_t *frame;
};

struct opened {
	struct trc_hop *hops;	/* NULL: free */
	uint32_t cap;
	uint32_t lanes;		/* that are not at their end */
};

struct lane {
	const struct trc_hop *at, *end;
	uint32_t unit;		/* of two equal times, that of the earlier unit and the lower CPU comes first */
	struct opened *of;
};

struct merge {
	struct waiting waiting[MERGE_UNITS_MAX];	/* by first time, the next one last */
	size_t nwaiting;
	size_t bytes;			/* of their frames */
	struct opened opened[MERGE_OPEN_MAX];
	size_t nopened;
	struct lane *heap;
	size_t nlanes, cap;
	uint64_t newest;		/* time seen */
	uint64_t given;			/* time given out last */
	bool draining;
};

struct merge *merge_new(void)
{
	return calloc(1, sizeof(struct merge));
}

void merge_clear(struct merge *m)
{
	while (m->nwaiting)
		free(m->waiting[--m->nwaiting].frame);
	for (int i = 0; i < MERGE_OPEN_MAX; i++)
		m->opened[i].lanes = 0;
	m->bytes = m->nopened = m->nlanes = 0;
	m->newest = m->given = 0;
	m->draining = false;
}

void merge_free(struct merge *m)
{
	if (!m)
		return;
	merge_clear(m);
	for (int i = 0; i < MERGE_OPEN_MAX; i++)
		free(m->opened[i].hops);
	free(m->heap);
	free(m);
}

static bool merge_full(const struct merge *m)
{
	return m->nwaiting == MERGE_UNITS_MAX || m->bytes >= MERGE_BYTES_MAX;
}

bool merge_holds(const struct merge *m)
{
	return m->nwaiting || m->nlanes;
}

void merge_drain(struct merge *m)
{
	m->draining = true;
}

int merge_add(struct merge *m, const struct unit *u, const uint8_t *frame)
{
	struct waiting w = { .u = *u, .frame = malloc(u->stored_size) };
	size_t i = m->nwaiting;

	if (!w.frame)
		return -ENOMEM;
	memcpy(w.frame, frame, u->stored_size);
	for (; i && m->waiting[i - 1].u.time_first <= u->time_first; i--)
		;
	memmove(&m->waiting[i + 1], &m->waiting[i], (m->nwaiting - i) * sizeof(w));
	m->waiting[i] = w;
	m->nwaiting++;
	m->bytes += u->stored_size;
	if (u->time_last > m->newest)
		m->newest = u->time_last;
	m->draining = false;
	return 0;
}

/* --- lanes ----------------------------------------------------------------------------------------------------- */

static inline bool lane_before(const struct lane *a, const struct lane *b)
{
	if (a->at->time_ns != b->at->time_ns)
		return a->at->time_ns < b->at->time_ns;
	return a->unit != b->unit ? a->unit < b->unit : a->at->cpu < b->at->cpu;
}

static void heap_down(struct merge *m, size_t i)
{
	struct lane lane = m->heap[i];

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= m->nlanes)
			break;
		if (child + 1 < m->nlanes && lane_before(&m->heap[child + 1], &m->heap[child]))
			child++;
		if (!lane_before(&m->heap[child], &lane))
			break;
		m->heap[i] = m->heap[child];
		i = child;
	}
	m->heap[i] = lane;
}

static int heap_add(struct merge *m, const struct lane *lane)
{
	size_t i = m->nlanes;

	if (m->nlanes == m->cap) {
		size_t cap = m->cap ? m->cap * 2 : 64;
		struct lane *heap = realloc(m->heap, cap * sizeof(*heap));

		if (!heap)
			return -ENOMEM;
		m->heap = heap;
		m->cap = cap;
	}
	m->nlanes++;
	for (; i && lane_before(lane, &m->heap[(i - 1) / 2]); i = (i - 1) / 2)
		m->heap[i] = m->heap[(i - 1) / 2];
	m->heap[i] = *lane;
	return 0;
}

static int hop_order(const void *a, const void *b)
{
	const struct trc_hop *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* Each CPU's hops are a lane.  A hop that was interrupted between its clock and its number lies behind a later one. */
static int lanes_add(struct merge *m, struct opened *o, uint32_t n, uint32_t unit)
{
	for (uint32_t i = 0, end; i < n; i = end) {
		bool sorted = true;
		struct lane lane = { .at = o->hops + i, .unit = unit, .of = o };

		for (end = i + 1; end < n && o->hops[end].cpu == o->hops[i].cpu; end++)
			sorted &= o->hops[end].time_ns >= o->hops[end - 1].time_ns;
		if (!sorted)
			qsort(o->hops + i, end - i, sizeof(*o->hops), hop_order);
		lane.end = o->hops + end;
		if (heap_add(m, &lane))
			return -ENOMEM;
		o->lanes++;
	}
	m->nopened += o->lanes != 0;
	return 0;
}

/* Unpack the waiting unit that begins first. */
static int unit_open(struct merge *m, struct contents *c, struct trc_health *h)
{
	struct waiting *w = &m->waiting[m->nwaiting - 1];
	int ok = contents_load(c, &w->u, TRC_HOP, w->frame);
	struct opened *o = m->opened;
	uint32_t n = c->left;

	if (ok < 0)
		return ok;
	m->nwaiting--;
	m->bytes -= w->u.stored_size;
	free(w->frame);
	if (!ok) {
		h->damaged++;
		h->bytes_bad += HEADER_SIZE + w->u.stored_size;
		return 0;
	}
	h->units++;
	while (o->lanes)
		o++;
	/* the hops go one way and the old room the other */
	c->left = 0;
	contents_swap(c, &o->hops, &o->cap);
	return lanes_add(m, o, n, w->u.sequence);
}

/* --- hops ------------------------------------------------------------------------------------------------------ */

static void hop_give(struct merge *m, struct trc_health *h, struct trc_hop *hop)
{
	struct lane *top = m->heap;

	*hop = *top->at++;
	h->late += hop->time_ns < m->given;
	if (hop->time_ns > m->given)
		m->given = hop->time_ns;
	if (top->at == top->end) {
		m->nopened -= !--top->of->lanes;
		*top = m->heap[--m->nlanes];
		if (!m->nlanes)
			return;
	}
	heap_down(m, 0);
}

int merge_next(struct merge *m, struct contents *c, struct trc_health *h, struct trc_hop *hop)
{
	for (;;) {
		uint64_t first = m->nlanes ? m->heap[0].at->time_ns : UINT64_MAX;
		bool opens = m->nwaiting && m->nopened < MERGE_OPEN_MAX &&
			     (!m->nlanes || m->waiting[m->nwaiting - 1].u.time_first <= first);
		int err;

		if (opens)
			first = m->waiting[m->nwaiting - 1].u.time_first;
		else if (!m->nlanes)
			return 0;
		if (!m->draining && !merge_full(m) && (m->newest < first || m->newest - first < MERGE_WINDOW_NS))
			return 0;
		if (!opens) {
			hop_give(m, h, hop);
			return 1;
		}
		err = unit_open(m, c, h);
		if (err)
			return err;
	}
}
