// SPDX-License-Identifier: GPL-2.0
/*
 * hops_store.c - hops in memory: packed, packet by packet, some ten bytes each, and unpacked a packet at a time.
 *
 * From one hop of a packet to its next little changes, so that only what changed is kept: a number that says which words
 * of struct trc_hop did, and these.  Returns, of which nothing of the packet was read, are compared with returns.  What a
 * packet's last hop was is remembered for those seen lately; a hop of another is kept whole.
 *
 * Who asks for a hop gets its packet unpacked into a ring.  It stays there until RING_HOPS more were unpacked, and in any
 * case until two other packets were.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "model_private.h"
#include "spill.h"

#define WORDS (sizeof(struct trc_hop) / sizeof(uint32_t))
#define WORD(field) (offsetof(struct trc_hop, field) / sizeof(uint32_t))
#define PACKED_MAX 160			/* no packed hop has more bytes */
#define CHUNK_LEAST 112
#define CHUNK_MOST 4080
#define RECENT 4096			/* packets whose last hops are remembered; a power of two */
#define RING_HOPS 131072		/* 15 MiB */
#define RING_LOADING 2048		/* while loading: a cache holds it */

static_assert(sizeof(struct trc_hop) == 120, "a hop is 30 words without padding");
static_assert(offsetof(struct trc_hop, func) == 24, "what is packed by itself comes first");

/* Words of a hop that are kept when they change; what changes most comes first, which makes short numbers. */
static const uint8_t words[] = {
	WORD(kind), WORD(value), WORD(l4proto), WORD(len_bytes), WORD(ifindex), WORD(pid), WORD(cpu), WORD(netns), WORD(stack),
	WORD(sport), WORD(tcp_seq), WORD(paged_bytes), WORD(mark), WORD(ip_id), WORD(gso_size),
	WORD(saddr), WORD(saddr) + 1, WORD(saddr) + 2, WORD(saddr) + 3, WORD(daddr), WORD(daddr) + 1, WORD(daddr) + 2, WORD(daddr) + 3,
};

#define NWORDS (sizeof(words) / sizeof(words[0]))
static_assert(NWORDS + WORD(func) + 1 == WORDS, "every word is kept");

/* How a packed hop begins: above these bits, a bit for each word that changed. */
enum { HEAD_WHOLE = 1, HEAD_RETURN = 2, HEAD_BITS = 2 };

struct hop_chunk {
	struct hop_chunk *next;
	uint32_t used, size;
	uint8_t bytes[];
};

/* What the next hop of a packet is compared with. */
struct context {
	uint64_t time_ns, seq;
	uint32_t last[2][WORDS];	/* an entry or drop; a return */
};

struct recent {
	uint32_t slot;			/* of the packet, plus 1; 0 = none */
	struct context c;
};

struct hops_store {
	struct arena arena;
	struct recent recent[RECENT];
	uint32_t largest;		/* hops of one packet */
	struct trc_hop *ring;
	uint32_t *owner;		/* beside ring: slot + 1 of the packet that begins there, else 0 */
	size_t room, limit, head;	/* the ring is used up to the limit */
	size_t unpackings;
};

struct hops_store *hops_store_new(void)
{
	return calloc(1, sizeof(struct hops_store));
}

static void ring_free(struct hops_store *s)
{
	if (s->ring)
		munmap(s->ring, s->room * sizeof(*s->ring));
	if (s->owner)
		munmap(s->owner, s->room * sizeof(*s->owner));
	s->ring = NULL;
	s->owner = NULL;
	s->room = s->limit = s->head = 0;
}

void hops_store_free(struct hops_store *s)
{
	if (!s)
		return;
	ring_free(s);
	arena_free(&s->arena);
	free(s);
}

size_t hops_store_bytes(const struct hops_store *s)
{
	return s->arena.bytes;
}

size_t hops_store_unpackings(const struct hops_store *s)
{
	return s->unpackings;
}

uint32_t hops_store_largest(const struct hops_store *s)
{
	return s->largest;
}

/* --- packing --------------------------------------------------------------------------------------------------- */

static inline uint8_t *put(uint8_t *to, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		*to++ = v | 0x80;
	*to++ = v;
	return to;
}

static inline uint64_t zigzag(uint64_t delta)
{
	return delta << 1 ^ -(delta >> 63);
}

static size_t hop_pack(uint8_t *bytes, struct context *c, const struct trc_hop *h, bool whole)
{
	bool is_return = h->kind == TRC_RETURN;
	uint32_t now[WORDS], *last = c->last[is_return], changed = 0;
	uint8_t *to = bytes;
	size_t i;

	memcpy(now, h, sizeof(now));
#pragma GCC unroll 32
	for (i = 0; i < NWORDS; i++)
		changed |= (uint32_t)(now[words[i]] != last[words[i]]) << i;
	to = put(to, (uint64_t)changed << HEAD_BITS | (is_return ? HEAD_RETURN : 0) | (whole ? HEAD_WHOLE : 0));
	to = put(to, zigzag(h->time_ns - c->time_ns));
	to = put(to, zigzag(h->seq - c->seq));
	to = put(to, h->func);
	for (; changed; changed &= changed - 1) {
		uint8_t w = words[__builtin_ctz(changed)];

		to = put(to, now[w] ^ last[w]);
		last[w] = now[w];
	}
	c->time_ns = h->time_ns;
	c->seq = h->seq;
	return to - bytes;
}

static int bytes_add(struct hops_store *s, struct packet *p, const uint8_t *bytes, size_t n)
{
	struct hop_chunk *c = p->packed_end;
	size_t size;

	if (!c || c->size - c->used < n) {
		size = c ? c->size / 2 * 3 : n;		/* many packets have but one hop */
		if (c)
			size = size < CHUNK_LEAST ? CHUNK_LEAST : size > CHUNK_MOST ? CHUNK_MOST : size;
		if (size < n)
			size = PACKED_MAX;
		size += -(sizeof(*c) + size) & 7;
		c = arena_alloc(&s->arena, sizeof(*c) + size);
		if (!c)
			return -ENOMEM;
		*c = (struct hop_chunk){ .size = size };
		*(p->packed ? &p->packed_end->next : &p->packed) = c;
		p->packed_end = c;
	}
	memcpy(c->bytes + c->used, bytes, n);
	c->used += n;
	return 0;
}

int packet_add_hop(struct model *m, struct packet *p, const struct trc_hop *h)
{
	struct hops_store *s = m->priv->store;
	struct recent *r = &s->recent[p->slot % RECENT];
	bool whole = r->slot != p->slot + 1;
	uint8_t bytes[PACKED_MAX];
	int err;

	if (whole)
		*r = (struct recent){ .slot = p->slot + 1 };
	err = bytes_add(s, p, bytes, hop_pack(bytes, &r->c, h, whole));
	p->nhops += !err;
	if (p->nhops > s->largest)
		s->largest = p->nhops;
	return err;
}

int packet_set_hops(struct model *m, struct packet *p, const struct trc_hop *hops, uint32_t n)
{
	struct recent *r = &m->priv->store->recent[p->slot % RECENT];
	uint32_t i;
	int err = 0;

	r->slot = 0;
	p->packed = p->packed_end = NULL;
	p->nhops = 0;
	p->resolved = true;
	if (m->unpacked)
		m->unpacked[p->slot] = NULL;
	for (i = 0; i < n && !err; i++)
		err = packet_add_hop(m, p, &hops[i]);
	return err;
}

void hops_store_clear(struct hops_store *s)
{
	arena_free(&s->arena);
	s->largest = 0;
}

/* --- unpacking ------------------------------------------------------------------------------------------------- */

static inline uint64_t take(const uint8_t **at)
{
	const uint8_t *p = *at;
	uint64_t v = *p & 0x7f;
	unsigned int shift = 7;

	for (; *p++ & 0x80; shift += 7)
		v |= (uint64_t)(*p & 0x7f) << shift;
	*at = p;
	return v;
}

static inline uint64_t unzigzag(uint64_t v)
{
	return v >> 1 ^ -(v & 1);
}

static const uint8_t *hop_unpack(const uint8_t *at, struct context *c, struct trc_hop *h)
{
	uint64_t head = take(&at);
	uint32_t changed = head >> HEAD_BITS, *last;

	if (head & HEAD_WHOLE)
		*c = (struct context){};
	last = c->last[!!(head & HEAD_RETURN)];
	c->time_ns += unzigzag(take(&at));
	c->seq += unzigzag(take(&at));
	last[WORD(func)] = take(&at);
	for (; changed; changed &= changed - 1)
		last[words[__builtin_ctz(changed)]] ^= take(&at);
	memcpy(h, last, sizeof(*h));
	h->time_ns = c->time_ns;
	h->seq = c->seq;
	return at;
}

/* Numbers of the file into indexes. */
static void hop_resolve(const struct model_private *v, struct trc_hop *h)
{
	h->func = v->func_uses[h->func].index;
	if (h->stack) {
		uint32_t index = map_get(v->stack_ids, h->stack);

		h->stack = index == NONE ? 0 : index + 1;
	}
}

static void hops_unpack(const struct model *m, const struct packet *p, struct trc_hop *to)
{
	const struct hop_chunk *chunk;
	const uint8_t *at;
	struct context c = {};

	for (chunk = p->packed; chunk; chunk = chunk->next)
		for (at = chunk->bytes; at < chunk->bytes + chunk->used; to++) {
			at = hop_unpack(at, &c, to);
			to->packet = p->id;
			if (!p->resolved)
				hop_resolve(m->priv, to);
		}
}

/* With room for three of the largest packet, the last two that were asked for are there. */
static size_t ring_limit(const struct model *m, size_t usual)
{
	size_t largest = m->priv->store->largest, limit = usual < 3 * largest ? 3 * largest : usual;

	limit = limit < m->nhops ? limit : m->nhops;
	return limit > largest ? limit : largest;
}

size_t hops_store_ring_hops(const struct model *m)
{
	return ring_limit(m, RING_HOPS);
}

int hops_store_ring(struct model *m, bool loading)
{
	struct hops_store *s = m->priv->store;
	size_t limit = ring_limit(m, loading ? RING_LOADING : RING_HOPS);

	if (!limit)
		limit = 1;
	if (s->room < limit) {
		ring_free(s);
		if (m->unpacked)
			memset(m->unpacked, 0, m->npackets * sizeof(*m->unpacked));
		s->ring = mmap(NULL, limit * sizeof(*s->ring), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		s->owner = mmap(NULL, limit * sizeof(*s->owner), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		s->ring = s->ring == MAP_FAILED ? NULL : s->ring;
		s->owner = s->owner == MAP_FAILED ? NULL : s->owner;
		s->room = limit;
		if (!s->ring || !s->owner) {
			ring_free(s);
			return -ENOMEM;
		}
	}
	s->limit = limit;
	return 0;
}

/* Room for n hops; what was there is unpacked no more.  An old packet always begins where one is overwritten first. */
static size_t ring_take(const struct model *m, struct hops_store *s, uint32_t n)
{
	size_t start = s->head + n <= s->limit ? s->head : 0, i;

	for (i = start; i < start + n; i++)
		if (s->owner[i]) {
			m->unpacked[s->owner[i] - 1] = NULL;
			s->owner[i] = 0;
		}
	s->head = start + n;
	return start;
}

const struct trc_hop *packet_unpack(const struct model *m, const struct packet *p)
{
	struct hops_store *s = m->priv->store;
	size_t start = ring_take(m, s, p->nhops);

	s->unpackings++;
	spill_look(sizeof(*p) + 16 * (size_t)p->nhops);	/* what a hop takes packed, or less */
	hops_unpack(m, p, s->ring + start);
	s->owner[start] = p->slot + 1;
	m->unpacked[p->slot] = s->ring + start;
	return s->ring + start;
}
