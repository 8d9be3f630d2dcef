// SPDX-License-Identifier: GPL-2.0
/*
 * index.c - write the units that list the units before them, and find and check them again.
 *
 * Each index unit lists all units since the one before it, that one included, and ends where it begins itself: the
 * list has no holes, and a file cannot claim more entries than it has room for units.
 */
#include <string.h>
#include <zstd.h>

#include "index.h"

/* --- writing ------------------------------------------------------------------------------------------------- */

static uint8_t *bits_put(uint8_t *p, const uint8_t *bits, size_t n)
{
	while (n && !bits[n - 1])
		n--;
	p = varint_put(p, n);
	memcpy(p, bits, n);
	return p + n;
}

#define ROW_MAX (VARINT_MAX + 4 + 8 * VARINT_MAX + sizeof(((struct index_writer *)NULL)->cpus) + INDEX_FUNCS)

int index_reserve(struct index_writer *x)
{
	return buffer_reserve(&x->raw, ROW_MAX);
}

void index_note_unit(struct index_writer *x, const struct unit *u, uint64_t offset)
{
	bool hops = !memcmp(u->type, unit_type(TRC_HOP), 4);
	uint8_t row[ROW_MAX], *p = row;

	memcpy(p, u->type, 4);
	p = varint_put(p + 4, u->stored_size);
	p = varint_put(p, u->rows);
	p = varint_put(p, u->time_first);
	p = varint_put(p, u->time_last - u->time_first);
	p = varint_put(p, u->lost);
	p = bits_put(p, x->cpus, hops ? x->ncpus : 0);
	p = bits_put(p, x->funcs, hops ? sizeof(x->funcs) : 0);
	if (!x->rows++) {
		x->offset = offset;
		x->sequence = u->sequence;
	}
	buffer_varint(&x->raw, p - row);
	memcpy(x->raw.data + x->raw.size, row, p - row);
	x->raw.size += p - row;
	if (!hops)
		return;
	x->hops += u->rows;
	memset(x->cpus, 0, x->ncpus);
	memset(x->funcs, 0, sizeof(x->funcs));
	x->ncpus = 0;
}

int index_build(struct index_writer *x)
{
	x->unit.size = 0;
	if (buffer_reserve(&x->unit, 3 * VARINT_MAX + x->raw.size))
		return -ENOMEM;
	buffer_varint(&x->unit, x->previous);
	buffer_varint(&x->unit, x->offset);
	buffer_varint(&x->unit, x->sequence);
	memcpy(x->unit.data + x->unit.size, x->raw.data, x->raw.size);
	x->unit.size += x->raw.size;
	return 0;
}

void index_restart(struct index_writer *x, uint64_t offset)
{
	x->raw.size = 0;
	x->rows = 0;
	x->previous = offset;
}

void index_writer_free(struct index_writer *x)
{
	buffer_free(&x->raw);
	buffer_free(&x->unit);
}

/* --- reading ------------------------------------------------------------------------------------------------- */

static bool bits_take(struct cursor *c, size_t max)
{
	uint64_t n;

	return cursor_varint_upto(c, &n, max) && cursor_take(c, n);
}

static bool entry_take(struct cursor *c, struct index_entry *e)
{
	uint64_t length, stored, rows, span;
	struct cursor row;
	uint8_t *type;

	if (!cursor_varint(c, &length) || !(row.at = cursor_take(c, length)))
		return false;
	row.end = row.at + length;
	type = cursor_take(&row, 4);
	if (!type || !cursor_varint_upto(&row, &stored, UNIT_STORED_MAX) || !cursor_varint_upto(&row, &rows, UINT32_MAX) ||
	    !cursor_varint(&row, &e->time_first) || !cursor_varint(&row, &span) || !cursor_varint(&row, &e->lost))
		return false;
	memcpy(e->type, type, sizeof(e->type));
	e->stored_size = stored;
	e->rows = rows;
	e->time_last = e->time_first + span;
	return e->time_last >= e->time_first && bits_take(&row, (UINT16_MAX + 1) / 8) && bits_take(&row, INDEX_FUNCS);
}

static int entries_room(struct index *x, size_t n)
{
	size_t cap = (x->n + n) * 2;
	struct index_entry *entries;

	if (x->cap - x->n >= n)
		return 0;
	entries = realloc(x->entries, cap * sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	x->entries = entries;
	x->cap = cap;
	return 0;
}

int index_decode(struct cursor *c, uint32_t rows, uint64_t end, uint64_t *previous, struct index *x)
{
	uint64_t offset, sequence;
	struct index_entry e;

	if (!x)
		end = INT64_MAX;
	/* each entry is a unit before this one: memory is bounded by what the file really has */
	if (!cursor_varint_upto(c, previous, end) || !cursor_varint_upto(c, &offset, end) ||
	    !cursor_varint_upto(c, &sequence, UINT32_MAX) || rows > (end - offset) / HEADER_SIZE)
		return 0;
	if (*previous ? *previous != offset : offset != PREAMBLE_SIZE)
		return 0;
	if (x && entries_room(x, rows))
		return -ENOMEM;
	for (uint32_t i = 0; i < rows; i++) {
		if (!entry_take(c, &e))
			return 0;
		e.offset = offset;
		e.sequence = sequence + i;
		offset += HEADER_SIZE + e.stored_size;
		if (x)
			x->entries[x->n + rows - 1 - i] = e;
	}
	if (x)
		x->n += rows;
	return (!x || offset == end) && sequence + rows - 1 <= UINT32_MAX && !cursor_left(c);
}

/* the unit at this offset, when it is an index unit of this recording and within the file */
static bool unit_peek(const struct source *s, uint64_t offset, uint32_t tag, struct unit *u)
{
	uint8_t header[HEADER_SIZE];

	return source_peek(s, offset, header, sizeof(header)) && unit_get(header, u) && u->tag == tag &&
	       !memcmp(u->type, INDEX_TYPE, 4) && u->version <= UNIT_VERSION && !u->flags && u->rows &&
	       u->raw_size <= INDEX_RAW_MAX && u->stored_size <= INDEX_RAW_MAX && u->stored_size <= s->size - offset - HEADER_SIZE;
}

/* the one that the file ends with: 0 when there is none */
static uint64_t last_find(const struct source *s, uint32_t tag, struct unit *u)
{
	size_t n = s->size < INDEX_TAIL ? s->size : INDEX_TAIL;
	uint64_t found = 0;
	uint8_t *tail = malloc(n + !n);

	if (tail && source_peek(s, s->size - n, tail, n))
		for (size_t i = n; i-- && !found;) {
			uint64_t at = s->size - n + i;

			if (n - i >= HEADER_SIZE && !memcmp(tail + i, unit_signature, SIGNATURE_SIZE) && unit_peek(s, at, tag, u) &&
			    at + HEADER_SIZE + u->stored_size == s->size)
				found = at;
		}
	free(tail);
	return found;
}

/* 1, 0 or -ENOMEM, as index_load() */
static int unit_load(struct index *x, const struct source *s, const struct unit *u, uint64_t offset, uint64_t *previous)
{
	uint8_t *stored = malloc(u->stored_size + 1), *raw = NULL;
	int ok = stored ? 0 : -ENOMEM;

	if (stored && source_peek(s, offset + HEADER_SIZE, stored, u->stored_size) &&
	    trc_crc32c(0, stored, u->stored_size) == u->crc_stored &&
	    ZSTD_getFrameContentSize(stored, u->stored_size) == u->raw_size) {
		raw = malloc(u->raw_size + 1);
		ok = raw ? ZSTD_decompress(raw, u->raw_size, stored, u->stored_size) == u->raw_size : -ENOMEM;
	}
	if (ok > 0)
		ok = index_decode(&(struct cursor){ raw, raw + u->raw_size }, u->rows, offset, previous, x);
	free(stored);
	free(raw);
	return ok;
}

static void entries_reverse(struct index *x)
{
	for (size_t i = 0, j = x->n - 1; i < j; i++, j--) {
		struct index_entry e = x->entries[i];

		x->entries[i] = x->entries[j];
		x->entries[j] = e;
	}
}

int index_load(struct index *x, const struct source *s, uint32_t tag)
{
	struct unit u;
	uint64_t offset = last_find(s, tag, &u), previous;
	int ok;

	*x = (struct index){};
	if (!offset)
		return 0;
	do {
		uint32_t rows = u.rows, sequence = u.sequence;

		ok = unit_load(x, s, &u, offset, &previous);
		/* what it lists are the units just before it, and the first of them is the index unit before */
		if (ok > 0 && x->entries[x->n - rows].sequence + 1 != sequence)
			ok = 0;
		if (ok > 0 && previous && (!unit_peek(s, previous, tag, &u) || !index_agrees(&x->entries[x->n - 1], &u)))
			ok = 0;
		offset = previous;
	} while (ok > 0 && previous);
	if (ok > 0)
		entries_reverse(x);
	else
		index_free(x);
	return ok;
}

bool index_agrees(const struct index_entry *e, const struct unit *u)
{
	return !memcmp(e->type, u->type, 4) && e->stored_size == u->stored_size && e->rows == u->rows &&
	       e->sequence == u->sequence && e->time_first == u->time_first && e->time_last == u->time_last && e->lost == u->lost;
}

void index_free(struct index *x)
{
	free(x->entries);
	*x = (struct index){};
}
