// SPDX-License-Identifier: GPL-2.0
/*
 * hops_encode.c - hops into columns: sorted by CPU, and of each row only what changed.
 *
 * Consecutive hops of one CPU are mostly of one packet, so most fields stay as they were: a bit mask for each row
 * says which changed, and each column's changes lie together as zigzag varints.
 *
 * A row is compared with the one before it eight bytes at a time, and only the fields of words that differ are
 * looked at.  That relies on the layout of struct trc_hop, which is asserted here.
 */
#include <endian.h>
#include <string.h>

#include "columns.h"

/* the longest change of a column, in bytes as a varint: the sign is one bit more */
static size_t column_bound(const struct column *col)
{
	unsigned int width = col->kind & COLUMN_WIDTH;

	return width == 8 ? VARINT_MAX : (width * 8 + 1 + 6) / 7;
}

struct hop_encoder {
	uint32_t n;				/* rows added */
	bool sorted;
	uint16_t cpus[UNIT_HOPS_MAX];		/* of each row, so that sorting need not look at rows again */
	uint32_t start[UINT16_MAX + 2];		/* of each CPU's rows in order[]; before: [cpu + 1] is their number */
	uint32_t order[UNIT_HOPS_MAX];		/* row numbers, by CPU */
	uint32_t ncpus;				/* the highest CPU of this unit, plus one */
	uint8_t *streams[1 + NCOLUMNS];		/* of the masks, and of each column; in one allocation */
	uint8_t *ends[1 + NCOLUMNS];
};

/* Each stream has room for the worst case, so that nothing need be checked while rows are put. */
struct hop_encoder *hop_encoder_new(void)
{
	struct hop_encoder *e = calloc(1, sizeof(*e));
	size_t offsets[1 + NCOLUMNS] = {};
	size_t size = (size_t)UNIT_HOPS_MAX * VARINT_MAX + VARINT_SLACK;

	if (!e)
		return NULL;
	for (size_t i = 0; i < NCOLUMNS; i++) {
		offsets[1 + i] = size;
		size += UNIT_HOPS_MAX * column_bound(&columns[i]) + VARINT_SLACK;
	}
	e->streams[0] = malloc(size);
	if (!e->streams[0]) {
		free(e);
		return NULL;
	}
	for (size_t i = 1; i <= NCOLUMNS; i++)
		e->streams[i] = e->streams[0] + offsets[i];
	return e;
}

void hop_encoder_free(struct hop_encoder *e)
{
	if (e)
		free(e->streams[0]);
	free(e);
}

void hop_encoder_add(struct hop_encoder *e, const struct trc_hop *hop)
{
	if (hop->cpu >= e->ncpus) {
		memset(e->start + 1 + e->ncpus, 0, (hop->cpu + 1 - e->ncpus) * sizeof(e->start[0]));
		e->ncpus = hop->cpu + 1;
	}
	e->start[1 + hop->cpu]++;
	e->cpus[e->n++] = hop->cpu;
}

void hop_encoder_reset(struct hop_encoder *e)
{
	e->n = e->ncpus = 0;
	e->sorted = false;
}

/* Counting sort, the counts are there: rows of one CPU keep their order. */
static void hops_sort(struct hop_encoder *e)
{
	e->start[0] = 0;
	for (uint32_t cpu = 0; cpu < e->ncpus; cpu++)
		e->start[cpu + 1] += e->start[cpu];
	/* start[cpu] moves to where the next CPU starts ... */
	for (uint32_t i = 0; i < e->n; i++)
		e->order[e->start[e->cpus[i]]++] = i;
	/* ... so it is moved back by one */
	memmove(e->start + 1, e->start, e->ncpus * sizeof(e->start[0]));
	e->start[0] = 0;
	e->sorted = true;
}

/* --- rows ---------------------------------------------------------------------------------------------------- */

#define WORD_OF(member) (offsetof(struct trc_hop, member) / 8)

/* rest_put() looks for fields in these words: whoever moves one must move it there too */
static_assert(WORD_OF(time_ns) == 0 && WORD_OF(packet) == 1 && WORD_OF(seq) == 2, "words of a hop");
static_assert(WORD_OF(func) == 3 && WORD_OF(pid) == 3 && WORD_OF(len_bytes) == 4 && WORD_OF(paged_bytes) == 4, "words of a hop");
static_assert(WORD_OF(ifindex) == 5 && WORD_OF(netns) == 5 && WORD_OF(mark) == 6 && WORD_OF(value) == 6, "words of a hop");
static_assert(WORD_OF(tcp_seq) == 7 && WORD_OF(cpu) == 7 && WORD_OF(ethertype) == 7, "words of a hop");
static_assert(WORD_OF(sport) == 8 && WORD_OF(dport) == 8 && WORD_OF(ip_id) == 8 && WORD_OF(frag) == 8, "words of a hop");
static_assert(WORD_OF(gso_size) == 9 && WORD_OF(gso_segs) == 9 && WORD_OF(kind) == 9 && WORD_OF(context) == 9 &&
	      WORD_OF(hook) == 9 && WORD_OF(family) == 9, "words of a hop");
static_assert(WORD_OF(l4proto) == 10 && WORD_OF(ttl) == 10 && WORD_OF(tcp_flags) == 10 && WORD_OF(have) == 10, "words of a hop");
static_assert(offsetof(struct trc_hop, saddr) == 84 && offsetof(struct trc_hop, daddr) == 100, "words of a hop");
static_assert(offsetof(struct trc_hop, stack) == 116 && sizeof(struct trc_hop) == 120, "words of a hop: no padding");

static inline uint64_t words_differ(const struct trc_hop *a, const struct trc_hop *b, unsigned int word)
{
	uint64_t x, y;

	memcpy(&x, (const uint8_t *)a + 8 * word, sizeof(x));
	memcpy(&y, (const uint8_t *)b + 8 * word, sizeof(y));
	return x ^ y;
}

static inline uint64_t change_put(struct hop_encoder *e, enum column_place place, uint64_t delta)
{
	if (!delta)
		return 0;
	e->ends[1 + place] = varint_put_fast(e->ends[1 + place], zigzag(delta));
	return 1ull << place;
}

#define CHANGE(place, member) change_put(e, place, (uint64_t)(int64_t)hop->member - (uint64_t)(int64_t)before->member)

static uint64_t address_put(struct hop_encoder *e, enum column_place place, const uint8_t *before, const uint8_t *hop)
{
	uint64_t mask = 0;

	for (int i = 0; i < 4; i++) {
		uint32_t a, b;

		memcpy(&a, before + 4 * i, sizeof(a));
		memcpy(&b, hop + 4 * i, sizeof(b));
		mask |= change_put(e, place + i, (uint64_t)be32toh(b) - be32toh(a));
	}
	return mask;
}

/* the fields that are mostly the same: the words 8 to 14 */
static uint64_t headers_put(struct hop_encoder *e, const struct trc_hop *before, const struct trc_hop *hop)
{
	uint64_t mask = 0;

	if (words_differ(before, hop, 8))
		mask |= CHANGE(AT_SPORT, sport) | CHANGE(AT_DPORT, dport) | CHANGE(AT_IP_ID, ip_id) | CHANGE(AT_FRAG, frag);
	if (words_differ(before, hop, 9))
		mask |= CHANGE(AT_GSO_SIZE, gso_size) | CHANGE(AT_GSO_SEGS, gso_segs) | CHANGE(AT_KIND, kind) |
			CHANGE(AT_CONTEXT, context) | CHANGE(AT_HOOK, hook) | CHANGE(AT_FAMILY, family);
	if (words_differ(before, hop, 10))
		mask |= CHANGE(AT_L4PROTO, l4proto) | CHANGE(AT_TTL, ttl) | CHANGE(AT_TCP_FLAGS, tcp_flags) | CHANGE(AT_HAVE, have);
	if (words_differ(before, hop, 10) | words_differ(before, hop, 11) | words_differ(before, hop, 12))
		mask |= address_put(e, AT_SADDR, before->saddr, hop->saddr);
	if (words_differ(before, hop, 12) | words_differ(before, hop, 13) | words_differ(before, hop, 14))
		mask |= address_put(e, AT_DADDR, before->daddr, hop->daddr);
	return mask;
}

/* the words 4 to 7 */
static uint64_t packet_put(struct hop_encoder *e, const struct trc_hop *before, const struct trc_hop *hop)
{
	uint64_t mask = 0;

	if (words_differ(before, hop, 4))
		mask |= CHANGE(AT_LEN, len_bytes) | CHANGE(AT_PAGED, paged_bytes);
	if (words_differ(before, hop, 5))
		mask |= CHANGE(AT_IFINDEX, ifindex) | CHANGE(AT_NETNS, netns);
	if (words_differ(before, hop, 6))
		mask |= CHANGE(AT_MARK, mark) | CHANGE(AT_VALUE, value);
	if (words_differ(before, hop, 7))
		mask |= CHANGE(AT_TCP_SEQ, tcp_seq) | CHANGE(AT_ETHERTYPE, ethertype);
	return mask;
}

static inline void row_put(struct hop_encoder *e, const struct trc_hop *before, const struct trc_hop *hop)
{
	uint64_t packets, headers, mask, last = le64toh(words_differ(before, hop, 14));

	packets = words_differ(before, hop, 4) | words_differ(before, hop, 5) | words_differ(before, hop, 6) |
		  words_differ(before, hop, 7);
	/* of word 14 only the address: a stack comes and goes while all headers stay */
	headers = words_differ(before, hop, 8) | words_differ(before, hop, 9) | words_differ(before, hop, 10) |
		  words_differ(before, hop, 11) | words_differ(before, hop, 12) | words_differ(before, hop, 13) |
		  (uint32_t)last;
	mask = CHANGE(AT_TIME, time_ns) | CHANGE(AT_FUNC, func) | CHANGE(AT_PACKET, packet) | CHANGE(AT_PID, pid) |
	       change_put(e, AT_SEQ, hop->seq - before->seq - 1);
	if (last >> 32)
		mask |= CHANGE(AT_STACK, stack);
	if (packets)
		mask |= packet_put(e, before, hop);
	if (headers)
		mask |= headers_put(e, before, hop);
	e->ends[0] = varint_put_fast(e->ends[0], mask);
}

#define AHEAD 8	/* rows: by then they are in the cache */

static void rows_put(struct hop_encoder *e, const struct trc_hop *hops)
{
	static const struct trc_hop zero;

	memcpy(e->ends, e->streams, sizeof(e->ends));
	for (uint32_t cpu = 0; cpu < e->ncpus; cpu++) {
		const struct trc_hop *before = &zero;

		for (uint32_t i = e->start[cpu]; i < e->start[cpu + 1]; i++) {
			const struct trc_hop *hop = &hops[e->order[i]];

			if (i + AHEAD < e->n) {
				const struct trc_hop *ahead = &hops[e->order[i + AHEAD]];

				__builtin_prefetch(ahead);
				__builtin_prefetch((const uint8_t *)ahead + 64);
			}
			row_put(e, before, hop);
			before = hop;
		}
	}
}

/* --- the unit ------------------------------------------------------------------------------------------------ */

/* the runs of rows by CPU, and the list of columns with the length of each stream */
static void directory_put(struct hop_encoder *e, struct buffer *b)
{
	uint32_t runs = 0;

	for (uint32_t cpu = 0; cpu < e->ncpus; cpu++)
		runs += e->start[cpu] != e->start[cpu + 1];
	buffer_varint(b, runs);
	for (uint32_t cpu = 0; cpu < e->ncpus; cpu++) {
		if (e->start[cpu] == e->start[cpu + 1])
			continue;
		buffer_varint(b, cpu);
		buffer_varint(b, e->start[cpu + 1] - e->start[cpu]);
	}
	buffer_varint(b, NCOLUMNS);
	for (size_t i = 0; i < NCOLUMNS; i++) {
		size_t length = strlen(columns[i].name);

		buffer_varint(b, columns[i].id);
		buffer_varint(b, columns[i].kind);
		buffer_varint(b, length);
		memcpy(b->data + b->size, columns[i].name, length);
		b->size += length;
		buffer_varint(b, e->ends[1 + i] - e->streams[1 + i]);
	}
	buffer_varint(b, e->ends[0] - e->streams[0]);
}

int hops_encode(struct hop_encoder *e, const struct trc_hop *hops, struct buffer *b)
{
	size_t size = 2 * VARINT_MAX * (size_t)e->n + (NCOLUMNS + 1) * (COLUMN_NAME_MAX + 4 * VARINT_MAX);
	int err;

	if (!e->sorted)		/* it is when memory was short the last time */
		hops_sort(e);
	rows_put(e, hops);
	for (size_t i = 0; i <= NCOLUMNS; i++)
		size += e->ends[i] - e->streams[i];
	err = buffer_reserve(b, size);
	if (err)
		return err;
	directory_put(e, b);
	for (size_t i = 0; i <= NCOLUMNS; i++) {
		size_t length = e->ends[i] - e->streams[i];

		memcpy(b->data + b->size, e->streams[i], length);
		b->size += length;
	}
	return 0;
}
