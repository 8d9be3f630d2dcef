/* SPDX-License-Identifier: GPL-2.0 */
/* show_latency.h - what the tables and the JSON of pktshow --latency share. */
#ifndef PKT_SHOW_LATENCY_H
#define PKT_SHOW_LATENCY_H

#include "latency.h"
#include "show.h"

#define SLOWEST_DEFAULT 5

/* Where a packet's time went. */
struct packet_time {
	uint64_t ns[TIMES_MAX];
	uint64_t queued_ns;	/* of all queues */
	struct leg longest;
};

/* legs is a buffer.  0 or -ENOMEM */
int packet_time_of(struct packet_time *t, struct legs *legs, const struct latency *l, const struct model *m, const struct packet *p);

size_t derived_hops(const struct model *m, const struct latency *l);
int show_latency_json(const struct term *t, const struct model *m, const struct latency *l, uint32_t slowest);

#endif
