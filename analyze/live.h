/* SPDX-License-Identifier: GPL-2.0 */
/*
 * live.h - packets of a recording that is still being written, each as soon as it is over.
 *
 * Records go in, models of one packet each come out, in the order of birth.  Memory holds the packets in flight.
 */
#ifndef PKT_LIVE_H
#define PKT_LIVE_H

#include "model.h"

struct live;

/* Over is a packet that was freed and then quiet for a moment, or quiet for LIVE_QUIET_NS, or LIVE_AGE_NS old. */
#define LIVE_SETTLE_NS 300000000ULL	/* longer than a recorder keeps a unit open: hops of other CPUs have come by then */
#define LIVE_QUIET_NS 1000000000ULL
#define LIVE_AGE_NS 2000000000ULL

int live_open(struct live **out, const char *file);			/* 0 or -ENOMEM */
/* now_ns is a clock of the reader's own.  0, -ENOMEM, or -E2BIG: it claims more names than any machine has. */
int live_take(struct live *l, const struct trc_record *rec, uint64_t now_ns);
/* More hops are held than LIVE_HOPS_MAX: take nothing until live_next() has answered NULL again. */
bool live_full(const struct live *l);
#define LIVE_HOPS_MAX (1u << 20)
/*
 * 1: *m has the next packet, as m->packets[0], until the next call; m->first_ns is the time of the first hop of all.  0: not yet.
 * all: the recording has ended, none need wait.  Negative: -ENOMEM.
 */
int live_next(struct live *l, uint64_t now_ns, bool all, const struct model **m);

struct live_counts {
	uint64_t packets, hops;		/* given out */
	uint64_t late;			/* hops of packets that were given out before */
	uint64_t lost;			/* as far as the recording says */
	bool ended;			/* properly */
};

struct live_counts live_counts(const struct live *l);
void live_free(struct live *l);		/* NULL is fine */

#endif
