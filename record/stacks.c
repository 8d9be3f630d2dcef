// SPDX-License-Identifier: GPL-2.0
/*
 * stacks.c - which stack is this?  Twice: by the addresses, as the kernel gives them, so that what comes again and again
 * is found at once; and by the functions, as the recording has them, for calls from two places of one function.
 *
 * Stacks are compared whole, never by a hash alone.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "event.h"
#include "stacks.h"

#define KNOWN_MAX 65536		/* by address; then that table starts again */

struct entry {
	UT_hash_handle hh;
	uint32_t number;
	uint32_t size;		/* of the key, in words */
	uint32_t key[];		/* frames; by address: whether in a process, then frames */
};

struct stacks {
	struct functable *functions;
	struct spool *spool;
	struct entry *by_address, *by_function;
	uint32_t last;
};

int stacks_open(struct stacks **out, struct functable *functions, struct spool *spool)
{
	struct stacks *s = calloc(1, sizeof(*s));

	*out = s;
	if (!s)
		return -ENOMEM;
	s->functions = functions;
	s->spool = spool;
	return 0;
}

static void table_free(struct entry **table)
{
	struct entry *e, *next;

	HASH_ITER(hh, *table, e, next) {
		HASH_DEL(*table, e);
		free(e);
	}
}

static struct entry *entry_find(struct entry *table, const uint32_t *key, uint32_t size)
{
	struct entry *e;

	HASH_FIND(hh, table, key, size * sizeof(*key), e);
	return e;
}

static int entry_add(struct entry **table, const uint32_t *key, uint32_t size, uint32_t number)
{
	struct entry *e = malloc(sizeof(*e) + size * sizeof(*key));

	if (!e)
		return -ENOMEM;
	e->number = number;
	e->size = size;
	memcpy(e->key, key, size * sizeof(*key));
	HASH_ADD_KEYPTR(hh, *table, e->key, size * sizeof(*key), e);
	return 0;
}

/* By its functions; a new one is written. */
static int frames_number(struct stacks *s, const uint32_t *frames, uint32_t count, uint32_t *number)
{
	struct trc_record rec = { .kind = TRC_FRAMES, .frames = { .count = count, .frames = frames } };
	struct entry *e = entry_find(s->by_function, frames, count);
	int err;

	if (e) {
		*number = e->number;
		return 0;
	}
	*number = rec.frames.id = ++s->last;
	err = entry_add(&s->by_function, frames, count, *number);
	return err ? err : spool_write(s->spool, &rec);
}

int stacks_number(struct stacks *s, const uint32_t *offsets, uint32_t count, bool process, uint32_t *number)
{
	uint32_t key[1 + STACK_FRAMES], frames[STACK_FRAMES], kept;
	struct entry *e;
	int err;

	*number = 0;
	if (!count || count > STACK_FRAMES)
		return 0;
	key[0] = process;
	memcpy(key + 1, offsets, count * sizeof(*offsets));
	e = entry_find(s->by_address, key, 1 + count);
	if (e) {
		*number = e->number;
		return 0;
	}
	err = functable_stack(s->functions, offsets, count, process, frames, &kept);
	if (!err && kept)
		err = frames_number(s, frames, kept, number);
	if (!err && HASH_COUNT(s->by_address) >= KNOWN_MAX)
		table_free(&s->by_address);
	return err ? err : entry_add(&s->by_address, key, 1 + count, *number);
}

void stacks_free(struct stacks *s)
{
	if (!s)
		return;
	table_free(&s->by_address);
	table_free(&s->by_function);
	free(s);
}
