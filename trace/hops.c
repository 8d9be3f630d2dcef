// SPDX-License-Identifier: GPL-2.0
/*
 * hops.c - a unit of hops as columns: sorted by CPU, and of each row only what changed.
 *
 * Consecutive hops of one CPU are mostly of one packet, so most fields stay as they were: a bit mask for each row
 * says which changed, and each column's changes lie together as zigzag varints.  The unit lists its columns, so a
 * reader skips those it does not know, and those that an older writer did not have read as zero.
 */
#include <endian.h>
#include <string.h>

#include "unit.h"

/* How a column's numbers are stored in memory and which change is expected. */
enum column_kind {
	COLUMN_U8 = 1,
	COLUMN_U16 = 2,
	COLUMN_U32 = 4,
	COLUMN_U64 = 8,
	COLUMN_I32 = 0x14,
	COLUMN_COUNTER = 0x28,	/* 64 bits, grows by one with each row: then it did not change */
	COLUMN_WIDTH = 0x0f,	/* bytes of it */
};

#define COLUMNS_MAX 64		/* bits of a mask */
#define COLUMN_NAME_MAX 64

struct column {
	uint8_t id;		/* for ever */
	uint8_t kind;
	bool network;		/* in memory in network order, in the file a number */
	uint16_t offset;	/* in struct trc_hop */
	const char *name;
};

#define COLUMN(number, type, member) \
	{ .id = number, .kind = COLUMN_##type, .offset = offsetof(struct trc_hop, member), .name = #member }
#define WORD(number, member, index) \
	{ .id = number, .kind = COLUMN_U32, .network = true, .name = #member #index, \
	  .offset = offsetof(struct trc_hop, member) + 4 * index }

/* What changes most comes first: its bits make short masks. */
static const struct column columns[] = {
	COLUMN(1, U64, time_ns),
	COLUMN(2, U32, func),
	COLUMN(3, U64, packet),
	COLUMN(4, U8, kind),
	COLUMN(5, I32, value),
	COLUMN(6, U8, have),
	COLUMN(7, U32, len_bytes),
	COLUMN(8, U8, context),
	COLUMN(9, U32, pid),
	COLUMN(10, U32, ifindex),
	COLUMN(11, U32, netns),
	COLUMN(12, U8, hook),
	COLUMN(13, U8, family),
	COLUMN(14, COUNTER, seq),
	COLUMN(15, U32, paged_bytes),
	COLUMN(16, U32, mark),
	COLUMN(17, U32, tcp_seq),
	COLUMN(18, U16, ethertype),
	COLUMN(19, U16, sport),
	COLUMN(20, U16, dport),
	COLUMN(21, U16, ip_id),
	COLUMN(22, U16, frag),
	COLUMN(23, U16, gso_size),
	COLUMN(24, U16, gso_segs),
	COLUMN(25, U8, l4proto),
	COLUMN(26, U8, ttl),
	COLUMN(27, U8, tcp_flags),
	WORD(28, saddr, 0),
	WORD(29, saddr, 1),
	WORD(30, saddr, 2),
	WORD(31, saddr, 3),
	WORD(32, daddr, 0),
	WORD(33, daddr, 1),
	WORD(34, daddr, 2),
	WORD(35, daddr, 3),
};

#define NCOLUMNS (sizeof(columns) / sizeof(columns[0]))

static_assert(NCOLUMNS <= COLUMNS_MAX, "each column has a bit");

static uint64_t column_load(const struct column *col, const struct trc_hop *hop)
{
	const uint8_t *p = (const uint8_t *)hop + col->offset;
	uint32_t word;

	switch (col->kind) {
	case COLUMN_U8:
		return *p;
	case COLUMN_U16:
		return *(const uint16_t *)p;
	case COLUMN_U32:
		memcpy(&word, p, sizeof(word));
		return col->network ? be32toh(word) : word;
	case COLUMN_I32:
		return (uint64_t)(int64_t)*(const int32_t *)p;
	default:
		return *(const uint64_t *)p;
	}
}

/* false: the number does not fit */
static bool column_store(const struct column *col, struct trc_hop *hop, uint64_t v)
{
	uint8_t *p = (uint8_t *)hop + col->offset;
	uint32_t word = v;

	switch (col->kind) {
	case COLUMN_U8:
		*p = v;
		return v <= UINT8_MAX;
	case COLUMN_U16:
		*(uint16_t *)p = v;
		return v <= UINT16_MAX;
	case COLUMN_U32:
		word = col->network ? htobe32(word) : word;
		memcpy(p, &word, sizeof(word));
		return v <= UINT32_MAX;
	case COLUMN_I32:
		*(int32_t *)p = (int32_t)word;
		return (uint64_t)(int64_t)(int32_t)word == v;
	default:
		*(uint64_t *)p = v;
		return true;
	}
}

/* What the column is expected to be after the row before it. */
static uint64_t column_expect(const struct column *col, const struct trc_hop *before)
{
	return column_load(col, before) + (col->kind == COLUMN_COUNTER);
}

/* the longest change of a column, in bytes as a varint: the sign is one bit more */
static size_t column_bound(const struct column *col)
{
	unsigned int width = col->kind & COLUMN_WIDTH;

	return width == 8 ? VARINT_MAX : (width * 8 + 1 + 6) / 7;
}

/* --- writing ----------------------------------------------------------------------------------------------- */

struct hop_encoder {
	uint32_t start[UINT16_MAX + 2];		/* of each CPU's rows in order[] */
	uint32_t order[UNIT_HOPS_MAX];		/* row numbers, by CPU */
	uint32_t ncpus;				/* the highest CPU of this unit, plus one */
	uint8_t *streams[1 + NCOLUMNS];		/* of the masks, and of each column; in one allocation */
	uint8_t *ends[1 + NCOLUMNS];
};

struct hop_encoder *hop_encoder_new(void)
{
	struct hop_encoder *e = calloc(1, sizeof(*e));
	size_t offsets[1 + NCOLUMNS] = {};
	size_t size = (size_t)UNIT_HOPS_MAX * VARINT_MAX;

	if (!e)
		return NULL;
	for (size_t i = 0; i < NCOLUMNS; i++) {
		offsets[1 + i] = size;
		size += UNIT_HOPS_MAX * column_bound(&columns[i]);
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

/* Counting sort: rows of one CPU keep their order. */
static void hops_sort(struct hop_encoder *e, const struct trc_hop *hops, uint32_t n)
{
	e->ncpus = 0;
	for (uint32_t i = 0; i < n; i++)
		if (hops[i].cpu >= e->ncpus)
			e->ncpus = hops[i].cpu + 1;
	memset(e->start, 0, (e->ncpus + 1) * sizeof(e->start[0]));
	for (uint32_t i = 0; i < n; i++)
		e->start[hops[i].cpu + 1]++;
	for (uint32_t cpu = 0; cpu < e->ncpus; cpu++)
		e->start[cpu + 1] += e->start[cpu];
	/* start[cpu] moves to where the next CPU starts ... */
	for (uint32_t i = 0; i < n; i++)
		e->order[e->start[hops[i].cpu]++] = i;
	/* ... so it is moved back by one */
	memmove(e->start + 1, e->start, e->ncpus * sizeof(e->start[0]));
	e->start[0] = 0;
}

static void row_put(struct hop_encoder *e, const struct trc_hop *before, const struct trc_hop *hop)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < NCOLUMNS; i++) {
		uint64_t delta = column_load(&columns[i], hop) - column_expect(&columns[i], before);

		if (!delta)
			continue;
		mask |= 1ull << i;
		e->ends[1 + i] = varint_put(e->ends[1 + i], zigzag(delta));
	}
	e->ends[0] = varint_put(e->ends[0], mask);
}

static void rows_put(struct hop_encoder *e, const struct trc_hop *hops)
{
	static const struct trc_hop zero;

	memcpy(e->ends, e->streams, sizeof(e->ends));
	for (uint32_t cpu = 0; cpu < e->ncpus; cpu++) {
		const struct trc_hop *before = &zero;

		for (uint32_t i = e->start[cpu]; i < e->start[cpu + 1]; i++) {
			row_put(e, before, &hops[e->order[i]]);
			before = &hops[e->order[i]];
		}
	}
}

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

int hops_encode(struct hop_encoder *e, const struct trc_hop *hops, uint32_t n, struct buffer *b)
{
	size_t size = 2 * VARINT_MAX * (size_t)n + (NCOLUMNS + 1) * (COLUMN_NAME_MAX + 4 * VARINT_MAX);
	int err;

	hops_sort(e, hops, n);
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

/* --- reading ----------------------------------------------------------------------------------------------- */

struct run {
	uint16_t cpu;
	uint32_t rows;
};

/* A column as the unit lists it. */
struct listed {
	const struct column *known;	/* NULL: not known here, skipped */
	uint64_t length;
	struct cursor stream;
};

struct hop_decoder {
	struct cursor runs;		/* checked once, then read again while rows are rebuilt */
	uint64_t nruns;
	struct listed listed[COLUMNS_MAX];
	uint64_t nlisted;
	struct cursor masks;
	bool counts;			/* the counter is among the columns */
};

static bool run_take(struct cursor *c, struct run *run)
{
	uint64_t cpu, rows;

	if (!cursor_varint_upto(c, &cpu, UINT16_MAX) || !cursor_varint_upto(c, &rows, UNIT_HOPS_MAX))
		return false;
	*run = (struct run){ .cpu = cpu, .rows = rows };
	return true;
}

/* CPUs go up, and their rows are all the rows there are */
static bool runs_take(struct cursor *c, struct hop_decoder *d, uint32_t n)
{
	uint32_t total = 0;
	struct run run;
	int64_t cpu = -1;

	if (!cursor_varint_upto(c, &d->nruns, n))
		return false;
	d->runs.at = c->at;
	for (uint64_t i = 0; i < d->nruns; i++) {
		if (!run_take(c, &run) || run.cpu <= cpu || !run.rows || run.rows > n - total)
			return false;
		cpu = run.cpu;
		total += run.rows;
	}
	d->runs.end = c->at;
	return total == n;
}

static const struct column *column_find(uint64_t id)
{
	for (size_t i = 0; i < NCOLUMNS; i++)
		if (columns[i].id == id)
			return &columns[i];
	return NULL;
}

static bool listed_take(struct cursor *c, struct listed *l)
{
	uint64_t id, kind, length;

	if (!cursor_varint(c, &id) || !cursor_varint(c, &kind))
		return false;
	if (!cursor_varint_upto(c, &length, COLUMN_NAME_MAX) || !cursor_take(c, length))
		return false;
	if (!cursor_varint(c, &l->length))
		return false;
	l->known = column_find(id);
	return !l->known || l->known->kind == kind;
}

static bool columns_take(struct cursor *c, struct hop_decoder *d)
{
	uint64_t mask_length;

	if (!cursor_varint_upto(c, &d->nlisted, COLUMNS_MAX))
		return false;
	for (uint64_t i = 0; i < d->nlisted; i++) {
		if (!listed_take(c, &d->listed[i]))
			return false;
		if (d->listed[i].known && d->listed[i].known->kind == COLUMN_COUNTER)
			d->counts = true;
		for (uint64_t j = 0; j < i; j++)
			if (d->listed[j].known && d->listed[j].known == d->listed[i].known)
				return false;
	}
	return cursor_varint(c, &mask_length) && (d->masks.at = cursor_take(c, mask_length)) &&
	       (d->masks.end = d->masks.at + mask_length);
}

static bool streams_take(struct cursor *c, struct hop_decoder *d)
{
	for (uint64_t i = 0; i < d->nlisted; i++) {
		struct listed *l = &d->listed[i];

		l->stream.at = cursor_take(c, l->length);
		if (!l->stream.at)
			return false;
		l->stream.end = l->stream.at + l->length;
	}
	return !cursor_left(c);
}

/* hop holds the row before it and becomes this row */
static bool row_take(struct hop_decoder *d, struct trc_hop *hop)
{
	uint64_t mask, v;

	if (!cursor_varint(&d->masks, &mask) || (d->nlisted < COLUMNS_MAX && mask >> d->nlisted))
		return false;
	hop->seq += d->counts;
	for (; mask; mask &= mask - 1) {
		struct listed *l = &d->listed[__builtin_ctzll(mask)];

		if (!l->known)
			continue;
		if (!cursor_varint(&l->stream, &v))
			return false;
		if (!column_store(l->known, hop, column_load(l->known, hop) + unzigzag(v)))
			return false;
	}
	return true;
}

/* What the fields of a hop promise to those who use it. */
static bool hop_settle(struct trc_hop *hop)
{
	if (hop->context > TRC_CONTEXT_UNKNOWN)
		hop->context = TRC_CONTEXT_UNKNOWN;
	return hop->packet && hop->kind <= TRC_DROP;
}

static bool run_rows_take(struct hop_decoder *d, const struct run *run, struct trc_hop *hops)
{
	struct trc_hop before = { .cpu = run->cpu };

	for (uint32_t i = 0; i < run->rows; i++) {
		if (!row_take(d, &before))
			return false;
		hops[i] = before;
		if (!hop_settle(&hops[i]))
			return false;
	}
	return true;
}

bool hops_decode(struct cursor *c, struct trc_hop *hops, uint32_t n)
{
	struct hop_decoder d = {};
	struct run run;

	if (n > UNIT_HOPS_MAX || !runs_take(c, &d, n) || !columns_take(c, &d) || !streams_take(c, &d))
		return false;
	for (uint64_t i = 0; i < d.nruns; i++) {
		if (!run_take(&d.runs, &run) || !run_rows_take(&d, &run, hops))
			return false;
		hops += run.rows;
	}
	for (uint64_t i = 0; i < d.nlisted; i++)
		if (d.listed[i].known && cursor_left(&d.listed[i].stream))
			return false;
	return !cursor_left(&d.masks);
}
