// SPDX-License-Identifier: GPL-2.0
/*
 * numbers.c - lists of many numbers, two or three bytes each, and what they spread over: exactly, in little memory.
 *
 * The number of a rank is found without sorting: numbers are counted by their first twelve bits, which tells those of the
 * one that is looked for; then, of those that begin so, by the next twelve, until none are left.  The list is read from
 * front to back each time, so that it may lie in a file (spill.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "numbers.h"
#include "spill.h"

#define CHUNK_LEAST 48
#define CHUNK_MOST 4080
#define VARINT_MAX 10
#define FEW 4096		/* are sorted */
#define DIGIT_BITS 12

struct numbers_chunk {
	struct numbers_chunk *next;
	uint32_t used, size;
	uint8_t bytes[];
};

int numbers_add(struct arena *a, struct numbers *list, uint64_t number)
{
	struct numbers_chunk *c = list->last;
	size_t size;

	if (!c || c->size - c->used < VARINT_MAX) {
		size = c ? c->size * 2 : CHUNK_LEAST;
		size = size > CHUNK_MOST ? CHUNK_MOST : size;
		c = arena_alloc(a, sizeof(*c) + size);
		if (!c)
			return -ENOMEM;
		*c = (struct numbers_chunk){ .size = size };
		*(list->last ? &list->last->next : &list->first) = c;
		list->last = c;
	}
	list->count++;
	if (number > list->max)
		list->max = number;
	for (; number >= 0x80; number >>= 7)
		c->bytes[c->used++] = number | 0x80;
	c->bytes[c->used++] = number;
	return 0;
}

/* Reads lists from front to back. */
struct walk {
	const struct numbers *const *lists;
	size_t n;
	const struct numbers_chunk *chunk;
	const uint8_t *at, *end;
};

static bool walk_more(struct walk *w)
{
	w->chunk = w->chunk ? w->chunk->next : NULL;
	while (!w->chunk && w->n) {
		w->chunk = (*w->lists++)->first;
		w->n--;
	}
	if (!w->chunk)
		return false;
	spill_look(w->chunk->size);
	w->at = w->chunk->bytes;
	w->end = w->at + w->chunk->used;
	return true;
}

static inline bool walk_next(struct walk *w, uint64_t *number)
{
	unsigned int shift;

	if (w->at == w->end && !walk_more(w))
		return false;
	*number = *w->at & 0x7f;
	for (shift = 7; *w->at++ & 0x80; shift += 7)
		*number |= (uint64_t)(*w->at & 0x7f) << shift;
	return true;
}

/* The number of a rank, as far as it is known: all but its last bits. */
struct rank {
	uint64_t left;			/* it is the so-many-eth, from 1 on, of those that begin so */
	uint64_t begins;		/* its known bits, shifted down */
	uint64_t counts[1 << DIGIT_BITS];
};

#define RANKS 3

static void rank_narrow(struct rank *r, unsigned int bits)
{
	uint64_t digit = 0;

	while (r->counts[digit] < r->left)
		r->left -= r->counts[digit++];
	r->begins = r->begins << bits | digit;
	memset(r->counts, 0, sizeof(r->counts));
}

/* One reading of the lists: which digit comes next, of each rank; sums on the way. */
static void ranks_read(struct rank *ranks, struct walk w, unsigned int known, unsigned int bits, struct spread *out)
{
	uint64_t number, begin, mask = ((uint64_t)1 << bits) - 1, least = UINT64_MAX, total = 0;
	size_t i;

	while (walk_next(&w, &number)) {
		total = time_add(total, number);
		least = number < least ? number : least;
		begin = known < 64 ? number >> known : 0;
		for (i = 0; i < RANKS; i++)
			if (begin == ranks[i].begins)
				ranks[i].counts[number >> (known - bits) & mask]++;
	}
	for (i = 0; i < RANKS; i++)
		rank_narrow(&ranks[i], bits);
	out->min_ns = least;
	out->total_ns = total;
}

static int many_spread(const struct numbers *const *lists, size_t n, struct spread *out)
{
	static const unsigned int percents[RANKS] = { 50, 90, 99 };
	struct rank *ranks = calloc(RANKS, sizeof(*ranks));
	unsigned int known = out->max_ns ? 64 - __builtin_clzll(out->max_ns) : 1, bits;
	size_t i;

	if (!ranks)
		return -ENOMEM;
	for (i = 0; i < RANKS; i++)
		ranks[i].left = (out->count * percents[i] + 99) / 100;
	for (; known; known -= bits) {
		bits = known < DIGIT_BITS ? known : DIGIT_BITS;
		ranks_read(ranks, (struct walk){ lists, n }, known, bits, out);
	}
	out->p50_ns = ranks[0].begins;
	out->p90_ns = ranks[1].begins;
	out->p99_ns = ranks[2].begins;
	free(ranks);
	return 0;
}

int numbers_spread(const struct numbers *const *lists, size_t n, struct spread *out)
{
	struct walk w = { lists, n };
	uint64_t few[FEW];
	size_t i;

	*out = (struct spread){};
	for (i = 0; i < n; i++) {
		out->count += lists[i]->count;
		out->max_ns = lists[i]->max > out->max_ns ? lists[i]->max : out->max_ns;
	}
	if (out->count > FEW)
		return many_spread(lists, n, out);
	for (i = 0; i < out->count; i++)
		walk_next(&w, &few[i]);
	*out = spread_of(few, out->count);
	return 0;
}
