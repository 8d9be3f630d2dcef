/* SPDX-License-Identifier: GPL-2.0 */
/*
 * merge.h - hops of all CPUs in the order of their times.
 *
 * Internal to trace/.
 */
#ifndef TRC_MERGE_H
#define TRC_MERGE_H

#include "contents.h"

/*
 * A hop is given out when hops so much newer were seen.  Units are at most 250 ms old when they are written, so
 * one twice as old does not come any more, but from a recorder that was held up: then it is given late, and counted.
 */
#define MERGE_WINDOW_NS 500000000ull
#define MERGE_IDLE_MS 300		/* and when a pipe had nothing for so long, for the recorder flushes more often */
#define MERGE_UNITS_MAX 256		/* held at once, packed; with more the window ends earlier */
#define MERGE_BYTES_MAX (32u << 20)
#define MERGE_OPEN_MAX 32		/* of them unpacked; with more that overlap, hops are late */

struct merge;

struct merge *merge_new(void);
void merge_free(struct merge *m);
void merge_clear(struct merge *m);
/* a unit of hops, whose frame is copied: 0 or -ENOMEM */
int merge_add(struct merge *m, const struct unit *u, const uint8_t *frame);
bool merge_holds(const struct merge *m);
/* nothing more comes, or not soon: all may be given out, until a unit is added */
void merge_drain(struct merge *m);
/*
 * 1: *hop is the next; 0: more units are needed; or -ENOMEM.  c unpacks and says which hops are wanted; h counts
 * units that were opened, or were malformed, and hops that came late.
 */
int merge_next(struct merge *m, struct contents *c, struct trc_health *h, struct trc_hop *hop);

#endif
