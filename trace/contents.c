// SPDX-License-Identifier: GPL-2.0
/*
 * contents.c - the rows of one unit, unpacked and checked, to be given out one by one.
 *
 * A unit is checked whole before its first row is given out: it is read altogether or not at all.
 */
#include <string.h>

#include "contents.h"
#include "index.h"

static const uint8_t zstd_magic[4] = { 0x28, 0xb5, 0x2f, 0xfd };

/* The header said raw_size, which is no more than UNIT_RAW_MAX, and the frame must say the same. */
static bool frame_plausible(const struct unit *u, const uint8_t *frame)
{
	/* libzstd may also know older formats: not ours */
	return u->stored_size >= sizeof(zstd_magic) && !memcmp(frame, zstd_magic, sizeof(zstd_magic)) &&
	       ZSTD_findFrameCompressedSize(frame, u->stored_size) == u->stored_size &&
	       ZSTD_getFrameContentSize(frame, u->stored_size) == u->raw_size;
}

static int unpack(struct contents *c, const struct unit *u, const uint8_t *frame)
{
	if (!frame_plausible(u, frame))
		return 0;
	if (!c->zstd)
		c->zstd = ZSTD_createDCtx();
	if (!c->raw || c->raw_cap < u->raw_size) {
		uint8_t *raw = realloc(c->raw, u->raw_size + VARINT_SLACK);

		if (!raw)
			return -ENOMEM;
		c->raw = raw;
		c->raw_cap = u->raw_size;
	}
	if (!c->zstd)
		return -ENOMEM;
	return ZSTD_decompressDCtx(c->zstd, c->raw, u->raw_size, frame, u->stored_size) == u->raw_size;
}

static int hops_room(struct contents *c, uint32_t rows)
{
	struct trc_hop *hops;

	if (rows <= c->hops_cap)
		return 0;
	hops = realloc(c->hops, rows * sizeof(*hops));
	if (!hops)
		return -ENOMEM;
	c->hops = hops;
	c->hops_cap = rows;
	return 0;
}

/* those that are not wanted go, the others move up */
static uint32_t hops_filter(const struct contents *c, uint32_t rows)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < rows; i++)
		if (c->hops[i].time_ns >= c->from_ns && (!c->cpu_wanted || c->hops[i].cpu == c->cpu_wanted - 1))
			c->hops[kept++] = c->hops[i];
	return kept;
}

static int hops_load(struct contents *c, struct cursor raw, const struct unit *u)
{
	if (u->rows > UNIT_HOPS_MAX)
		return 0;
	if (hops_room(c, u->rows))
		return -ENOMEM;
	if (!hops_decode(&raw, c->hops, u, ~c->unwanted))
		return 0;
	c->left = u->time_first < c->from_ns || c->cpu_wanted ? hops_filter(c, u->rows) : u->rows;
	c->hop = 0;
	return 1;
}

static int rows_check(struct contents *c, struct cursor raw, const struct unit *u)
{
	bool timed = unit_timed(u->type);
	struct trc_record rec;
	uint64_t t;

	c->rows = raw;
	for (uint32_t i = 0; i < u->rows; i++) {
		if (!row_decode(&raw, c->kind, &rec, c->frames, false))
			return 0;
		if (timed && row_time(&rec, &t) && (t < u->time_first || t > u->time_last))
			return 0;
	}
	return !cursor_left(&raw);
}

int contents_load(struct contents *c, const struct unit *u, enum trc_kind kind, const uint8_t *frame)
{
	struct cursor raw;
	int ok;

	c->left = 0;
	if (!u->rows)
		return 0;
	ok = unpack(c, u, frame);
	if (ok <= 0)
		return ok;
	c->kind = kind;
	raw = (struct cursor){ .at = c->raw, .end = c->raw + u->raw_size };
	if (kind == TRC_HOP)
		return hops_load(c, raw, u);
	ok = rows_check(c, raw, u);
	if (ok > 0)
		c->left = u->rows;
	return ok;
}

int contents_index(struct contents *c, const struct unit *u, const uint8_t *frame)
{
	struct cursor raw;
	uint64_t previous;
	int ok = u->rows ? unpack(c, u, frame) : 0;

	if (ok <= 0)
		return ok;
	raw = (struct cursor){ .at = c->raw, .end = c->raw + u->raw_size };
	return index_decode(&raw, u->rows, 0, &previous, NULL);
}

void contents_swap(struct contents *c, struct trc_hop **hops, uint32_t *cap)
{
	struct trc_hop *h = c->hops;
	uint32_t n = c->hops_cap;

	c->hops = *hops;
	c->hops_cap = *cap;
	*hops = h;
	*cap = n;
}

void contents_next(struct contents *c, struct trc_record *rec)
{
	c->left--;
	if (c->kind == TRC_HOP) {
		rec->kind = TRC_HOP;
		rec->hop = c->hops[c->hop++];
	} else {
		row_decode(&c->rows, c->kind, rec, c->frames, true);	/* was checked, cannot fail */
	}
}

void contents_free(struct contents *c)
{
	ZSTD_freeDCtx(c->zstd);
	free(c->hops);
	free(c->raw);
}
