// SPDX-License-Identifier: GPL-2.0
/*
 * hops_decode.c - columns back into hops.
 *
 * The unit lists its columns, so those that are not known here, or not wanted, are skipped, and those that an older
 * writer did not have read as zero.  A row is a copy of the one before it with the changes on top; what changes with
 * nearly every row (time, function, counter) is kept beside, because copying what was only just written is slow.
 */
#include <endian.h>
#include <string.h>

#include "columns.h"

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
	uint64_t wanted;		/* of those listed, a bit each */
	uint64_t time_bit, func_bit;	/* of these two: nearly every row has both */
	struct cursor *times, *funcs;
	struct cursor masks;
	uint64_t count;			/* what the counter grows by with each row: 1, or 0 when it is not wanted */
	uint64_t time_first, time_last;
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

static bool columns_take(struct cursor *c, struct hop_decoder *d, uint64_t ids)
{
	uint64_t mask_length, seen = 0;

	if (!cursor_varint_upto(c, &d->nlisted, COLUMNS_MAX))
		return false;
	for (uint64_t i = 0; i < d->nlisted; i++) {
		struct listed *l = &d->listed[i];

		if (!listed_take(c, l))
			return false;
		if (!l->known)
			continue;
		if (seen & 1ull << l->known->id)
			return false;
		seen |= 1ull << l->known->id;
		if (!(ids & 1ull << l->known->id))
			continue;
		d->wanted |= 1ull << i;
		d->count += l->known->kind == COLUMN_COUNTER;
		if (l->known == &columns[AT_TIME]) {
			d->time_bit = 1ull << i;
			d->times = &l->stream;
		} else if (l->known == &columns[AT_FUNC]) {
			d->func_bit = 1ull << i;
			d->funcs = &l->stream;
		}
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

/* --- rows ---------------------------------------------------------------------------------------------------- */

/* What changes with nearly every row, and a row with all the rest. */
struct row {
	uint64_t time_ns;
	uint64_t seq;
	uint32_t func;
	struct trc_hop rest;
};

/* false: the number does not fit */
static bool rest_change(const struct column *col, struct trc_hop *hop, uint64_t delta)
{
	uint8_t *p = (uint8_t *)hop + col->offset;
	uint64_t v;
	uint32_t word;

	switch (col->kind) {
	case COLUMN_U8:
		v = *p + delta;
		*p = v;
		return v <= UINT8_MAX;
	case COLUMN_U16:
		v = *(uint16_t *)p + delta;
		*(uint16_t *)p = v;
		return v <= UINT16_MAX;
	case COLUMN_U32:
		memcpy(&word, p, sizeof(word));
		v = (col->network ? be32toh(word) : word) + delta;
		word = col->network ? htobe32(v) : v;
		memcpy(p, &word, sizeof(word));
		return v <= UINT32_MAX;
	case COLUMN_I32:
		v = (uint64_t)(int64_t)*(int32_t *)p + delta;
		*(int32_t *)p = (int32_t)(uint32_t)v;
		return (uint64_t)(int64_t)(int32_t)(uint32_t)v == v;
	default:
		*(uint64_t *)p += delta;
		return true;
	}
}

/* row holds the row before it and becomes this row */
static inline bool row_take(struct hop_decoder *d, struct row *row)
{
	uint64_t mask, v;

	if (!cursor_varint_fast(&d->masks, &mask) || (d->nlisted < COLUMNS_MAX && mask >> d->nlisted))
		return false;
	row->seq += d->count;
	mask &= d->wanted;
	if (mask & d->time_bit) {
		if (!cursor_varint_fast(d->times, &v))
			return false;
		row->time_ns += unzigzag(v);
	}
	if (mask & d->func_bit) {
		if (!cursor_varint_fast(d->funcs, &v) || (v = row->func + unzigzag(v)) > UINT32_MAX)
			return false;
		row->func = v;
	}
	for (mask &= ~(d->time_bit | d->func_bit); mask; mask &= mask - 1) {
		struct listed *l = &d->listed[__builtin_ctzll(mask)];

		if (!cursor_varint_fast(&l->stream, &v))
			return false;
		if (l->known == &columns[AT_SEQ])
			row->seq += unzigzag(v);
		else if (!rest_change(l->known, &row->rest, unzigzag(v)))
			return false;
	}
	return true;
}

/* What the fields of a hop, and the times of a header, promise to those who use them. */
static inline bool row_sound(const struct hop_decoder *d, const struct row *row)
{
	return row->rest.packet && row->rest.kind <= TRC_DROP && row->time_ns >= d->time_first && row->time_ns <= d->time_last;
}

static bool run_rows_take(struct hop_decoder *d, const struct run *run, struct trc_hop *hops)
{
	struct row row = { .rest.cpu = run->cpu };

	for (uint32_t i = 0; i < run->rows; i++) {
		if (!row_take(d, &row) || !row_sound(d, &row))
			return false;
		hops[i] = row.rest;
		hops[i].time_ns = row.time_ns;
		hops[i].seq = row.seq;
		hops[i].func = row.func;
		if (row.rest.context > TRC_CONTEXT_UNKNOWN)
			hops[i].context = TRC_CONTEXT_UNKNOWN;
	}
	return true;
}

bool hops_decode(struct cursor *c, struct trc_hop *hops, const struct unit *u, uint64_t ids)
{
	struct hop_decoder d = { .time_first = u->time_first, .time_last = u->time_last };
	struct run run;

	ids |= TRC_COLUMNS_ALWAYS;
	if (u->rows > UNIT_HOPS_MAX || !runs_take(c, &d, u->rows) || !columns_take(c, &d, ids) || !streams_take(c, &d))
		return false;
	for (uint64_t i = 0; i < d.nruns; i++) {
		if (!run_take(&d.runs, &run) || !run_rows_take(&d, &run, hops))
			return false;
		hops += run.rows;
	}
	for (uint64_t i = 0; i < d.nlisted; i++)
		if (d.wanted & 1ull << i && cursor_left(&d.listed[i].stream))
			return false;
	return !cursor_left(&d.masks);
}
