/* SPDX-License-Identifier: GPL-2.0 */
/*
 * timeline.h - the hops of all packets in the order of time.
 */
#ifndef PKT_TIMELINE_H
#define PKT_TIMELINE_H

#include "model.h"

struct timeline;

/* Hops from from_ns to until_ns, both included.  0 or -ENOMEM; the model is borrowed. */
int timeline_open(struct timeline **out, const struct model *m, uint64_t from_ns, uint64_t until_ns);
/* 1: it is hop number *hop of *p, and *h until the next call; 0: there are no more; or -ENOMEM. */
int timeline_next(struct timeline *t, const struct packet **p, uint32_t *hop, const struct trc_hop **h);
void timeline_free(struct timeline *t);		/* NULL is fine */

#endif
