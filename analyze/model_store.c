// SPDX-License-Identifier: GPL-2.0
/*
 * model_store.c - memory of the model: an arena for text, a hash map from numbers to indexes, growing arrays.
 *
 * Keys of the map come from untrusted files, so that hashing is seeded: nobody can choose keys that collide.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "model_private.h"
#include "sanitize.h"

#define BLOCK_BYTES 65536

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	char data[];
};

void *arena_alloc(struct arena *a, size_t size)
{
	struct arena_block *b = a->blocks;
	size_t room;
	void *p;

	size = (size + 7) & ~(size_t)7;
	if (!b || b->size - b->used < size) {
		room = size > BLOCK_BYTES ? size : BLOCK_BYTES;
		b = malloc(sizeof(*b) + room);
		if (!b)
			return NULL;
		*b = (struct arena_block){ .next = a->blocks, .size = room };
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
		free(b);
	}
	*a = (struct arena){};
}

struct slot {
	uint64_t key;
	uint32_t value;		/* NONE = free */
};

struct map {
	struct slot *slots;
	size_t size, used;	/* size is a power of two */
	uint64_t seed;
};

static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static struct slot *slots_new(size_t n)
{
	struct slot *s = malloc(n * sizeof(*s));
	size_t i;

	for (i = 0; s && i < n; i++)
		s[i].value = NONE;
	return s;
}

struct map *map_new(void)
{
	struct map *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->size = 64;
	m->slots = slots_new(m->size);
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
	size_t i = mix(mix(key ^ m->seed) + m->seed) & (m->size - 1);

	while (m->slots[i].value != NONE && m->slots[i].key != key)
		i = (i + 1) & (m->size - 1);
	return &m->slots[i];
}

uint32_t map_get(const struct map *m, uint64_t key)
{
	return slot_find(m, key)->value;
}

static int map_grow(struct map *m)
{
	struct slot *old = m->slots;
	size_t n = m->size, i;

	m->slots = slots_new(2 * n);
	if (!m->slots) {
		m->slots = old;
		return -ENOMEM;
	}
	m->size = 2 * n;
	for (i = 0; i < n; i++)
		if (old[i].value != NONE)
			*slot_find(m, old[i].key) = old[i];
	free(old);
	return 0;
}

int map_put(struct map *m, uint64_t key, uint32_t value)
{
	struct slot *s;

	if (2 * m->used >= m->size && map_grow(m))
		return -ENOMEM;
	s = slot_find(m, key);
	m->used += s->value == NONE;
	*s = (struct slot){ key, value };
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
	free(m->slots);
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
