// SPDX-License-Identifier: GPL-2.0
/*
 * walk.c - go from unit to unit of a recording.
 *
 * Every byte is suspect.  Whatever is wrong with a unit costs that unit: it is counted, and the walk goes on at the
 * next place that has the signature and a header with a right checksum.
 */
#include <string.h>

#include "reader.h"

/*
 * A unit with a bad checksum may have lost bytes, so the next one is looked for inside of it.  After so many the
 * lengths are believed instead: a file made of nothing but such units would be read over and over.
 */
#define RESCAN_MAX 64

int walk_source_failed(struct trc_reader *r)
{
	int err = r->source.error;

	if (err == -ENOMEM)
		return reader_fail(r, err, "out of memory");
	if (err == -EISDIR)
		return reader_fail(r, err, "is a directory, not a packet recording");
	return reader_fail(r, err, "cannot read after byte %llu: %s",
			   (unsigned long long)(r->source.offset + r->source.left), strerror(-err));
}

static void bad_bytes(struct trc_reader *r, size_t n)
{
	r->health.bytes_bad += n;
	r->gap_explained = true;
	source_skip(&r->source, n);
}

/* There is no unit here: go to the next place that has the signature of one, or to the end. */
static int resync(struct trc_reader *r)
{
	struct source *s = &r->source;
	const uint8_t *p;

	s->sparse = false;
	bad_bytes(r, 1);
	while ((p = source_need(s, SIGNATURE_SIZE))) {
		const uint8_t *found = memmem(p, s->left, unit_signature, SIGNATURE_SIZE);

		if (found) {
			bad_bytes(r, found - p);
			break;
		}
		bad_bytes(r, s->left - (SIGNATURE_SIZE - 1));
	}
	return 0;
}

/* Fewer bytes are left than a header has. */
static int tail(struct trc_reader *r)
{
	struct source *s = &r->source;
	size_t n = s->left;

	if (s->error)
		return walk_source_failed(r);
	if (n && (preamble_begins(s->data, n) ||
		  !memcmp(s->data, unit_signature, n < SIGNATURE_SIZE ? n : SIGNATURE_SIZE)))
		r->cut_pending = true;
	bad_bytes(r, n);
	r->health.cut_short = r->cut_pending;
	r->done = true;
	return 0;
}

/* The walk has come to this unit of the recording: those between the last one and it are missing. */
static void sequence_reach(struct trc_reader *r, uint32_t sequence)
{
	uint64_t missing = sequence - r->expected;

	if (r->gap_explained) {
		r->health.damaged += missing;
		r->units_seen += missing;
	} else {
		r->health.out_of_order += missing;
	}
	r->expected = (uint64_t)sequence + 1;
	r->gap_explained = false;
}

/* false: another recording's unit, or one that was passed */
static bool in_order(const struct trc_reader *r, const struct unit *u)
{
	return (!r->tag_known || u->tag == r->tag) && u->sequence >= r->expected;
}

/* The header is good, what follows is not what it says: perhaps bytes are gone, and the next unit is inside. */
static int bad_stored(struct trc_reader *r, const struct unit *u, bool length_plausible)
{
	if (r->tag_known && in_order(r, u))
		sequence_reach(r, u->sequence);
	r->health.damaged++;
	r->units_seen++;
	if (length_plausible && r->rescans++ >= RESCAN_MAX)
		bad_bytes(r, HEADER_SIZE + u->stored_size);
	else
		bad_bytes(r, HEADER_SIZE);
	return 0;
}

static int unknown_unit(struct trc_reader *r, const struct unit *u)
{
	char type[5] = {};

	for (int i = 0; i < 4; i++)	/* a stranger's bytes on their way to a terminal */
		type[i] = u->type[i] > ' ' && u->type[i] < 0x7f ? u->type[i] : '?';
	return reader_fail(r, -EPROTONOSUPPORT, "has units of type %s, version %u, that this program does not know; "
		    "read it with a newer one", type, u->version);
}

/* enum trc_kind, or 0 when this library does not know it, or not this version of it */
static int kind_of(const struct unit *u)
{
	return u->version <= UNIT_VERSION && !u->flags ? unit_kind(u->type) : 0;
}

static bool is_index(const struct unit *u)
{
	return u->version <= UNIT_VERSION && !u->flags && !memcmp(u->type, INDEX_TYPE, 4);
}

/* The walk goes behind this whole unit: 1 when it is the recording's next, 0 when it must not be used, or an error. */
static int unit_met(struct trc_reader *r, const struct unit *u)
{
	struct totals *t = &r->totals;

	r->units_seen++;
	r->whole_end = r->source.offset + HEADER_SIZE + u->stored_size;
	if (!in_order(r, u)) {
		r->health.out_of_order++;
		return 0;
	}
	sequence_reach(r, u->sequence);
	r->tag = u->tag;
	r->tag_known = true;
	if (!kind_of(u) && !unit_skippable(u->type))
		return unknown_unit(r, u);
	t->lost = u->lost;
	t->ended |= kind_of(u) == TRC_END;
	if (kind_of(u) == TRC_HOP) {
		if (!t->hops || u->time_first < t->time_first)
			t->time_first = u->time_first;
		if (u->time_last > t->time_last)
			t->time_last = u->time_last;
		t->hops += u->rows;
	}
	return 1;
}

/* 1: the contents are sound, 0: malformed, 2: with the merge, which will see; or -ENOMEM */
static int unit_contents(struct trc_reader *r, const struct unit *u, const uint8_t *frame)
{
	int kind = kind_of(u), ok;

	if (r->look != LOOK_CONTENTS)
		return 1;
	if (is_index(u))
		return contents_index(&r->contents, u, frame);
	if (kind != TRC_HOP || !r->merge)
		return contents_load(&r->contents, u, kind, frame);
	ok = merge_add(r->merge, u, frame);
	return ok ? ok : 2;
}

/* Header and frame are what they were when they were written. */
static int unit_open(struct trc_reader *r, const struct unit *u, const uint8_t *frame)
{
	bool known = kind_of(u) || is_index(u);
	int ok = unit_met(r, u);

	if (ok < 0)
		return ok;
	if (ok > 0) {
		ok = known ? unit_contents(r, u, frame) : 2;
		if (ok < 0)
			return reader_fail(r, ok, "out of memory");
		r->health.units += ok == 1;
		r->health.skipped += !known;
		r->health.damaged += !ok;
		r->health.bytes_bad += ok ? 0 : HEADER_SIZE + u->stored_size;
	}
	r->source.sparse = false;
	source_skip(&r->source, HEADER_SIZE + u->stored_size);
	return 0;
}

/* The unit says that it reaches beyond the end of the file. */
static int unit_beyond(struct trc_reader *r)
{
	if (r->source.error)
		return walk_source_failed(r);
	r->cut_pending = true;
	bad_bytes(r, HEADER_SIZE);
	return 0;
}

/* Nothing but the header is looked at. */
static int unit_pass(struct trc_reader *r, const struct unit *u)
{
	struct source *s = &r->source;
	int ok;

	if (s->fd < 0 || !s->seekable ? !source_need(s, HEADER_SIZE + u->stored_size) :
					s->size - s->offset < HEADER_SIZE + (uint64_t)u->stored_size)
		return unit_beyond(r);
	ok = unit_met(r, u);
	if (ok < 0)
		return ok;
	if (ok > 0 && r->look != LOOK_HEADERS)
		r->health.passed++;
	else if (ok > 0 && (kind_of(u) || is_index(u)))
		r->health.units++;
	else if (ok > 0)
		r->health.skipped++;
	s->sparse = true;
	source_jump(s, HEADER_SIZE + u->stored_size);
	return 0;
}

static int unit_next(struct trc_reader *r)
{
	const uint8_t *p;
	struct unit u;

	p = source_need(&r->source, HEADER_SIZE);
	if (!p)
		return r->jump.done && !seek_landed(r, NULL) ? 0 : tail(r);
	if (!unit_get(p, &u))
		return r->jump.done && !seek_landed(r, NULL) ? 0 : resync(r);
	if (r->jump.done && !seek_landed(r, &u))
		return 0;
	r->cut_pending = false;	/* the unit before was not cut, it only said that it is so long */
	if (u.raw_size > UNIT_RAW_MAX || u.stored_size > UNIT_STORED_MAX)
		return bad_stored(r, &u, false);
	if (r->look == LOOK_HEADERS || (seek_passes(r, &u) && in_order(r, &u)))
		return unit_pass(r, &u);
	p = source_need(&r->source, HEADER_SIZE + u.stored_size);
	if (!p)
		return unit_beyond(r);
	if (trc_crc32c(0, p + HEADER_SIZE, u.stored_size) != u.crc_stored)
		return bad_stored(r, &u, true);
	return unit_open(r, &u, p + HEADER_SIZE);
}

int walk_next(struct trc_reader *r)
{
	const uint8_t *p;
	struct preamble other;
	int err = 0;

	seek_jump(r);
	p = source_need(&r->source, PREAMBLE_SIZE);
	if (p && preamble_get(p, &other) == PREAMBLE_GOOD) {	/* a second recording: its units carry another tag */
		r->health.bytes_bad += PREAMBLE_SIZE;
		source_skip(&r->source, PREAMBLE_SIZE);
	} else {
		err = unit_next(r);
	}
	if (!err)
		r->health.bytes = r->source.offset;
	return err;
}
