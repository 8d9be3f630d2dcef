// SPDX-License-Identifier: GPL-2.0
/*
 * model_store.c - memory of the model: an arena for text, a hash map from numbers to indexes, growing arrays.
 *
 * Arenas and maps may be as large as a recording: see spill.c.
 *
 * Keys of the map come from untrusted files, so that hashing is seeded: nobody can choose keys that collide.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "model_private.h"
#include "sanitize.h"
#include "spill.h"

#define BLOCK_LEAST 65536
#define BLOCK_MOST (16u << 20)

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	char data[];
};

/* Blocks grow with the arena, so that there are few. */
static struct arena_block *block_new(const struct arena *a, size_t least)
{
	size_t room = a->bytes / 8 < BLOCK_LEAST ? BLOCK_LEAST : a->bytes / 8 > BLOCK_MOST ? BLOCK_MOST : a->bytes / 8;
	struct arena_block *b;

	room = room < least ? least : room;
	b = spill_alloc(sizeof(*b) + room);
	if (!b)
		return NULL;
	spill_look(room);
	*b = (struct arena_block){ .next = a->blocks, .size = room };
	return b;
}

void *arena_alloc(struct arena *a, size_t size)
{
	struct arena_block *b = a->blocks;
	void *p;

	size = (size + 7) & ~(size_t)7;
	if (!b || b->size - b->used < size) {
		b = block_new(a, size);
		if (!b)
			return NULL;
		a->blocks = b;
	}
	p = b->data + b->used;
	b->used += size;
	a->bytes += size;
	return p;
}

const char *arena_text(struct arena *a, const char *text)
{
	size_t size;
	char *copy;

	if (!text || !*text)
		return "";
	size = sanitize(NULL, 0, text) + 1;
	copy = arena_alloc(a, size);
	if (copy)
		sanitize(copy, size, text);
	return copy;
}

void arena_free(struct arena *a)
{
	struct arena_block *b, *next;

	for (b = a->blocks; b; b = next) {
		next = b->next;
		spill_free(b);
	}
	*a = (struct arena){};
}

struct slot {
	uint64_t key;
	uint32_t value;		/* plus 1; 0 = free */
};

struct map {
	struct slot *slots;
	size_t size, used;	/* size is a power of two */
	unsigned int shift;	/* its complement: the first bits of a hash are a place, so that a map is doubled front to back */
	uint64_t seed;
};

static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

struct map *map_new(void)
{
	struct map *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->size = 64;
	m->shift = 58;
	m->slots = spill_array(m->size, sizeof(*m->slots));
	if (!m->slots) {
		free(m);
		return NULL;
	}
	if (getrandom(&m->seed, sizeof(m->seed), GRND_NONBLOCK) != sizeof(m->seed))
		m->seed = mix((uintptr_t)m);	/* early at boot: the address must do */
	return m;
}

static struct slot *slot_find(const struct map *m, uint64_t key)
{
	size_t i = mix(mix(key ^ m->seed) + m->seed) >> m->shift;

	while (m->slots[i].value && m->slots[i].key != key)
		i = (i + 1) & (m->size - 1);
	return &m->slots[i];
}

uint32_t map_get(const struct map *m, uint64_t key)
{
	return slot_find(m, key)->value - 1;
}

static int map_grow(struct map *m)
{
	struct slot *old = m->slots;
	size_t n = m->size, i;

	m->slots = spill_array(2 * n, sizeof(*m->slots));
	if (!m->slots) {
		m->slots = old;
		return -ENOMEM;
	}
	m->size = 2 * n;
	m->shift--;
	for (i = 0; i < n; i++) {
		if (old[i].value)
			*slot_find(m, old[i].key) = old[i];
		spill_look(3 * sizeof(*old));
	}
	spill_free(old);
	return 0;
}

int map_put(struct map *m, uint64_t key, uint32_t value)
{
	struct slot *s;

	if (2 * m->used >= m->size && map_grow(m))
		return -ENOMEM;
	s = slot_find(m, key);
	m->used += !s->value;
	*s = (struct slot){ key, value + 1 };
	return 0;
}

size_t map_bytes(const struct map *m)
{
	return m->size * sizeof(*m->slots);
}

void map_free(struct map *m)
{
	if (!m)
		return;
	spill_free(m->slots);
	free(m);
}

int grow(void **v, size_t n, size_t *room, size_t size)
{
	size_t wanted = *room ? 2 * *room : 64;
	void *p;

	if (n < *room)
		return 0;
	p = reallocarray(*v, wanted, size);
	if (!p)
		return -ENOMEM;
	*v = p;
	*room = wanted;
	return 0;
}
