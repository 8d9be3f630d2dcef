/* SPDX-License-Identifier: GPL-2.0 */
/*
 * contents.h - the rows of one unit, unpacked and checked, to be given out one by one.
 *
 * Internal to trace/.
 */
#ifndef TRC_CONTENTS_H
#define TRC_CONTENTS_H

#include <zstd.h>

#include "unit.h"

struct contents {
	enum trc_kind kind;
	uint32_t left;			/* rows to give out */
	struct cursor rows;		/* all kinds but hops */
	struct trc_hop *hops;		/* of a unit of hops */
	uint32_t hops_cap;
	uint32_t hop;			/* the next of hops[] */
	uint64_t unwanted;		/* columns of hops, a bit for each id */
	uint64_t from_ns;		/* hops before it are not wanted */
	uint32_t cpu_wanted;		/* plus one; 0: all */
	uint8_t *raw;			/* the unpacked unit */
	size_t raw_cap;
	ZSTD_DCtx *zstd;
	uint32_t frames[TRC_STACK_MAX];	/* of the stack given out last */
};

/* 1: all rows are sound and wait; 0: malformed; or -ENOMEM.  frame has u->stored_size bytes. */
int contents_load(struct contents *c, const struct unit *u, enum trc_kind kind, const uint8_t *frame);
/* while c->left; valid until the next call of either */
void contents_next(struct contents *c, struct trc_record *rec);
/* an index unit gives no rows: only whether it is sound; as contents_load() */
int contents_index(struct contents *c, const struct unit *u, const uint8_t *frame);
/* the hops that were loaded, and the room they are in, for others */
void contents_swap(struct contents *c, struct trc_hop **hops, uint32_t *cap);
void contents_free(struct contents *c);

#endif
