// SPDX-License-Identifier: GPL-2.0
/*
 * live.c - packets one by one while their recording is still being written.
 *
 * Hops are collected in flights, by packet; a heap has the flight that was born first on its top, and only the top is
 * given out, once it is over.  A unit holds a quarter of a second, CPU after CPU: by the time a packet has been
 * quiet for longer than that, whatever was born before it is known.
 *
 * Stacks are names and stay; what relates packets, and what was noted of packets' bytes and of namespaces, is passed over.
 *
 * Two clocks decide, whichever is first: the reader's, so that the last packet before a silence is shown, and the
 * recording's, so that a finished recording that comes through a pipe need not be held whole.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "live.h"
#include "model_private.h"
#include "spill.h"

#define CLOSED (NONE - 1)		/* in the map: was given out */
#define CLOSED_KEPT 65536		/* so many ids are remembered, for hops that come late */
#define TEXT_MAX (256u << 20)		/* bytes of names in all */
#define STACKS_MAX 65536		/* of the dictionary: later ones are not kept, and their hops have none */
#define RECORDED_FACTOR 2		/* recorded time counts half: a file comes faster than it was recorded */

struct flight {
	uint64_t id;
	uint64_t born_ns;		/* recorded, of the first hop */
	uint64_t last_ns;		/* recorded, of the last hop */
	uint64_t first_heard_ns, heard_ns;	/* on the reader's clock */
	uint64_t missing;		/* hops missing when it was born */
	struct trc_hop *hops;
	size_t nhops, room;
	uint32_t *frames;
	uint32_t nframes;
	uint32_t at;			/* in the heap */
	bool freed;
};

struct live {
	struct model *m;		/* names; and the packet that is given out */
	struct flight *given;		/* its flight, or NULL */
	uint32_t given_number;
	struct map *ids;		/* packet to flight, or CLOSED */
	size_t mapped;			/* entries since the map was made */
	struct flight **flights, **heap;	/* by number; by birth */
	size_t nflights, flights_room, nheap, heap_room;
	uint32_t *unused;		/* numbers of flights that are free */
	size_t nunused, unused_room;
	uint64_t closed[CLOSED_KEPT];
	uint64_t nclosed;
	size_t held;			/* hops in flights */
	bool functions_changed;
	uint64_t newest_ns;		/* recorded */
	struct trc_hop origin;
	bool begun;
	uint64_t *next_seq;		/* by CPU */
	uint64_t missing;		/* numbers that were left out so far */
	uint64_t missing_before, missing_now, sampled_ns;
	struct live_counts counts;
};

/* --- a heap, by birth ------------------------------------------------------------------------------------------ */

static void heap_set(struct live *l, size_t at, struct flight *f)
{
	l->heap[at] = f;
	f->at = at;
}

static bool born_before(const struct flight *a, const struct flight *b)
{
	return a->born_ns != b->born_ns ? a->born_ns < b->born_ns : a->id < b->id;
}

/* The flight at this place has changed, or is new: to where it belongs. */
static void heap_move(struct live *l, size_t at)
{
	struct flight *f = l->heap[at];
	size_t child;

	for (; at && born_before(f, l->heap[(at - 1) / 2]); at = (at - 1) / 2)
		heap_set(l, at, l->heap[(at - 1) / 2]);
	for (; (child = 2 * at + 1) < l->nheap; at = child) {
		if (child + 1 < l->nheap && born_before(l->heap[child + 1], l->heap[child]))
			child++;
		if (!born_before(l->heap[child], f))
			break;
		heap_set(l, at, l->heap[child]);
	}
	heap_set(l, at, f);
}

static void heap_pop(struct live *l)
{
	struct flight *last = l->heap[--l->nheap];

	if (!l->nheap)
		return;
	heap_set(l, 0, last);
	heap_move(l, 0);
}

/* --- flights ------------------------------------------------------------------------------------------------------ */

/* The map never forgets by itself: make it anew with what is in flight and the last that were closed. */
static int map_renew(struct live *l)
{
	struct map *ids = map_new();
	uint64_t i, kept = l->nclosed < CLOSED_KEPT ? l->nclosed : CLOSED_KEPT;
	int err = ids ? 0 : -ENOMEM;

	for (i = 0; i < kept && !err; i++)
		err = map_put(ids, l->closed[i], CLOSED);
	for (i = 0; i < l->nheap && !err; i++)
		err = map_put(ids, l->heap[i]->id, map_get(l->ids, l->heap[i]->id));
	if (err) {
		map_free(ids);
		return err;
	}
	map_free(l->ids);
	l->ids = ids;
	l->mapped = kept + l->nheap;
	return 0;
}

static int flight_new(struct live *l, uint64_t id, uint64_t now_ns, uint32_t *number)
{
	struct flight *f;

	if (grow((void **)&l->heap, l->nheap, &l->heap_room, sizeof(*l->heap)) ||
	    grow((void **)&l->unused, l->nflights, &l->unused_room, sizeof(*l->unused)))
		return -ENOMEM;
	if (l->mapped > 2 * (CLOSED_KEPT + l->nheap) && map_renew(l))
		return -ENOMEM;
	if (l->nunused) {
		*number = l->unused[--l->nunused];
		f = l->flights[*number];
	} else {
		if (grow((void **)&l->flights, l->nflights, &l->flights_room, sizeof(*l->flights)))
			return -ENOMEM;
		f = calloc(1, sizeof(*f));
		if (!f)
			return -ENOMEM;
		*number = l->nflights;
		l->flights[l->nflights++] = f;
	}
	*f = (struct flight){ .id = id, .born_ns = l->newest_ns, .last_ns = l->newest_ns, .first_heard_ns = now_ns,
			      .heard_ns = now_ns, .missing = l->missing_before };
	heap_set(l, l->nheap++, f);
	heap_move(l, f->at);
	l->mapped++;
	return map_put(l->ids, id, *number);
}

/* The packet's flight, a new one if need be; NULL in *f: it was given out already. */
static int flight_of(struct live *l, uint64_t id, uint64_t now_ns, struct flight **f)
{
	uint32_t number = map_get(l->ids, id);
	int err = number == NONE ? flight_new(l, id, now_ns, &number) : 0;

	*f = err || number == CLOSED ? NULL : l->flights[number];
	return err;
}

/* The top of the heap is over: its id is from now on that of a packet that was given out. */
static int flight_close(struct live *l)
{
	struct flight *f = l->given = l->heap[0];

	l->given_number = map_get(l->ids, f->id);
	heap_pop(l);
	l->held -= f->nhops;
	l->closed[l->nclosed++ % CLOSED_KEPT] = f->id;
	return map_put(l->ids, f->id, CLOSED);
}

/* What was closed last is the caller's until here. */
static void flight_release(struct live *l)
{
	struct flight *f = l->given;

	if (!f)
		return;
	free(f->hops);
	free(f->frames);
	f->hops = NULL;
	f->frames = NULL;
	l->unused[l->nunused++] = l->given_number;
	l->given = NULL;
}

/* --- records ------------------------------------------------------------------------------------------------------ */

/* Numbers that are left out are loss; interrupts may swap two, so a late number takes its place again. */
static void seq_see(struct live *l, const struct trc_hop *hop)
{
	uint64_t *next = &l->next_seq[hop->cpu];

	if (hop->seq >= *next) {
		l->missing += hop->seq - *next;
		*next = hop->seq + 1;
	} else {
		l->missing--;
	}
	if (hop->time_ns > l->newest_ns)
		l->newest_ns = hop->time_ns;
	/* a packet is touched by a gap of the half second before its birth: units do not come in the order of time */
	if (l->newest_ns - l->sampled_ns >= LIVE_QUIET_NS / 2) {
		l->missing_before = l->missing_now;
		l->missing_now = l->missing;
		l->sampled_ns = l->newest_ns;
	}
}

static int functions_look(struct live *l)
{
	int err = l->functions_changed ? functions_explain(l->m) : 0;

	l->functions_changed = l->functions_changed && err;
	return err;
}

/* Index 0 stands for all ids that the file has not explained. */
static uint32_t function_index(const struct live *l, uint32_t id)
{
	uint32_t index = map_get(l->m->priv->func_ids, id);

	return index == NONE ? 0 : index;
}

/* Functions come before the stacks that they are on. */
static int frames_take(struct live *l, const struct trc_frames *f)
{
	struct model *m = l->m;
	size_t before = m->nstacks;
	uint32_t *frames, k;
	int err;

	if (m->nstacks >= STACKS_MAX)
		return 0;
	err = functions_look(l) ?: frames_add(m, f);
	if (err || m->nstacks == before)
		return err;
	frames = (uint32_t *)m->stacks[before].frames;
	for (k = 0; k < m->stacks[before].count; k++)
		frames[k] = function_index(l, frames[k]);
	stacks_trim(m, before);
	return 0;
}

/* As in a model: an index, plus 1. */
static uint32_t stack_index(const struct live *l, uint32_t id)
{
	uint32_t index = id ? map_get(l->m->priv->stack_ids, id) : NONE;

	return index == NONE ? 0 : index + 1;
}

static int hop_take(struct live *l, const struct trc_hop *hop, uint64_t now_ns)
{
	struct flight *f;
	struct trc_hop *h;
	int err;

	if (!l->begun || hop->time_ns < l->origin.time_ns) {
		if (!l->counts.packets)
			l->origin = *hop;	/* others of the first unit may be earlier; what was shown stays */
		l->begun = true;
	}
	seq_see(l, hop);
	err = functions_look(l) ?: flight_of(l, hop->packet, now_ns, &f);
	if (err)
		return err;
	if (!f) {
		l->counts.late++;
		return 0;
	}
	if (grow((void **)&f->hops, f->nhops, &f->room, sizeof(*f->hops)))
		return -ENOMEM;
	h = &f->hops[f->nhops++];
	*h = *hop;
	h->func = function_index(l, hop->func);
	h->stack = stack_index(l, hop->stack);
	if (h->kind == TRC_DERIVED)	/* no file may say so */
		h->kind = UINT8_MAX;
	l->held++;
	f->heard_ns = now_ns;
	if (f->nhops == 1 || hop->time_ns > f->last_ns)
		f->last_ns = hop->time_ns;
	if (f->nhops == 1 || hop->time_ns < f->born_ns) {
		f->born_ns = hop->time_ns;
		heap_move(l, f->at);
	}
	f->freed |= hop->kind == TRC_ENTRY && strpbrk(l->m->priv->known[h->func]->flags, "de");
	return 0;
}

static int stack_take(struct live *l, const struct trc_stack *s, uint64_t now_ns)
{
	struct flight *f;
	int err;

	if (!s->count || s->count > TRC_STACK_MAX)
		return 0;
	err = functions_look(l) ?: flight_of(l, s->packet, now_ns, &f);
	if (err || !f || f->frames)
		return err;
	f->frames = calloc(s->count, sizeof(*f->frames));
	if (!f->frames)
		return -ENOMEM;
	for (f->nframes = 0; f->nframes < s->count; f->nframes++)
		f->frames[f->nframes] = function_index(l, s->frames[f->nframes]);
	return 0;
}

int live_take(struct live *l, const struct trc_record *rec, uint64_t now_ns)
{
	struct model_private *v = l->m->priv;
	int err;

	if (rec->kind == TRC_HOP)
		return hop_take(l, &rec->hop, now_ns);
	if (rec->kind == TRC_STACK)
		return stack_take(l, &rec->stack, now_ns);
	if (rec->kind == TRC_FRAMES)
		return frames_take(l, &rec->frames);
	if (rec->kind == TRC_EDGE || rec->kind == TRC_DATA || rec->kind == TRC_SNAPSHOT)
		return 0;
	err = record_add(l->m, rec) ?: name_learn(l->m, rec->kind);
	if (!err && (v->rows > MODEL_NAMES_MAX || v->arena.bytes > TEXT_MAX))
		err = -E2BIG;
	l->functions_changed |= rec->kind == TRC_FUNC;
	l->counts.ended |= rec->kind == TRC_END;
	return err;
}

/* --- what is over --------------------------------------------------------------------------------------------------- */

static bool older(uint64_t now_ns, uint64_t then_ns, uint64_t by_ns)
{
	return now_ns > then_ns && now_ns - then_ns >= by_ns;
}

static bool is_over(const struct live *l, const struct flight *f, uint64_t now_ns)
{
	uint64_t quiet = f->freed ? LIVE_SETTLE_NS : LIVE_QUIET_NS;

	/* a stack comes before its hops, and when those were recorded is not known yet */
	if (!f->nhops)
		return older(now_ns, f->first_heard_ns, 2 * LIVE_AGE_NS);
	return older(now_ns, f->heard_ns, quiet) || older(now_ns, f->first_heard_ns, LIVE_AGE_NS) ||
	       older(l->newest_ns, f->last_ns, RECORDED_FACTOR * quiet) ||
	       older(l->newest_ns, f->born_ns, RECORDED_FACTOR * LIVE_AGE_NS);
}

bool live_full(const struct live *l)
{
	return l->held >= LIVE_HOPS_MAX;
}

/* The model's only packet. */
static int model_fill(struct live *l, struct flight *f)
{
	struct model *m = l->m;
	struct packet *p = m->packets;
	int err = hops_sort(f->hops, f->nhops);

	if (err)
		return err;
	*p = (struct packet){ .id = f->id, .number = ++l->counts.packets, .frames = f->frames, .nframes = f->nframes,
			      .lossy = f->missing != l->missing,
			      .first_ns = f->hops[0].time_ns, .last_ns = f->hops[f->nhops - 1].time_ns };
	m->first_ns = l->origin.time_ns;
	m->last_ns = p->last_ns;
	m->nhops = f->nhops;
	m->npackets = 1;
	l->counts.hops += f->nhops;
	hops_store_clear(m->priv->store);
	return packet_set_hops(m, p, f->hops, f->nhops) ?: hops_store_ring(m, true) ?: hops_derive(m) ?: packets_judge(m);
}

int live_next(struct live *l, uint64_t now_ns, bool all, const struct model **m)
{
	struct flight *f;
	int err;

	for (;;) {
		flight_release(l);
		f = l->nheap ? l->heap[0] : NULL;
		if (!f || (!all && !live_full(l) && !is_over(l, f, now_ns)))
			return 0;
		*m = l->m;
		err = flight_close(l) ?: (f->nhops ? model_fill(l, f) : 0);
		if (err || f->nhops)	/* without hops: a stack whose hops were lost */
			return err ? err : 1;
	}
}

struct live_counts live_counts(const struct live *l)
{
	struct live_counts c = l->counts;
	size_t i;

	c.lost = l->m->nlosses ? 0 : l->missing;
	for (i = 0; i < l->m->nlosses; i++)
		c.lost += l->m->losses[i].lost;
	return c;
}

/* --- opening, freeing ------------------------------------------------------------------------------------------------- */

int live_open(struct live **out, const char *file)
{
	struct live *l = calloc(1, sizeof(*l));

	*out = l;
	if (!l)
		return -ENOMEM;
	l->m = model_new(file);
	l->ids = map_new();
	l->next_seq = calloc(UINT16_MAX + 1, sizeof(*l->next_seq));
	if (!l->m || !l->ids || !l->next_seq)
		goto out;
	l->m->packets = spill_array(1, sizeof(*l->m->packets));
	l->m->unpacked = spill_array(1, sizeof(*l->m->unpacked));
	if (!l->m->packets || !l->m->unpacked || grow((void **)&l->m->funcs, 0, &l->m->priv->funcs_room, sizeof(*l->m->funcs)))
		goto out;
	l->m->funcs[l->m->nfuncs++] = (struct func){ .name = "?", .module = "", .why = "" };
	l->functions_changed = true;
	return 0;
out:
	live_free(l);
	*out = NULL;
	return -ENOMEM;
}

void live_free(struct live *l)
{
	size_t i;

	if (!l)
		return;
	for (i = 0; i < l->nflights; i++) {
		free(l->flights[i]->hops);
		free(l->flights[i]->frames);
		free(l->flights[i]);
	}
	model_free(l->m);
	map_free(l->ids);
	free(l->flights);
	free(l->heap);
	free(l->unused);
	free(l->next_seq);
	free(l);
}
