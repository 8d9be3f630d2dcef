/* SPDX-License-Identifier: GPL-2.0 */
/*
 * latency.h - where the time of packets goes: from the entry of one function to the entry of the next.
 *
 * A leg is one packet's way from one entry to its next; legs between the same two functions, spent the same way, are an
 * edge; all legs that begin at one function are its hop.  Tracepoints that were met and drops are entries too; returns
 * and derived hops are not: they have no time of their own.  Packets that may lack hops are left out.
 */
#ifndef PKT_LATENCY_H
#define PKT_LATENCY_H

#include "model.h"
#include "waits.h"

/* How the time of a leg was spent. */
enum {
	TIME_RUNNING,		/* one context of one CPU went on */
	TIME_CROSSING,		/* another CPU went on, and no queue is known between */
	TIME_SWITCHING,		/* another process or an interrupt went on on this CPU, and no queue is known between */
	TIME_QUEUES,		/* plus the number of a queue: in it */
	TIMES_MAX = TIME_QUEUES + QUEUES_MAX
};

unsigned int times_count(void);
const char *time_name(unsigned int time);	/* "running", "socket" */
const char *time_meaning(unsigned int time);

/* Percentiles are of the nearest rank: the smallest value that so many of all values do not exceed. */
struct spread {
	uint64_t count, min_ns, p50_ns, p90_ns, p99_ns, max_ns, total_ns;
};

/* A function, or a drop that was reported in it. */
struct latency_place {
	uint32_t func;
	bool drop;
};

struct latency_edge {
	struct latency_place from, to;
	unsigned int time;
	uint64_t crossed;	/* so many changed the CPU */
	struct spread spread;
	uint32_t slowest;	/* number of the packet that took longest */
};

struct latency_hop {
	struct latency_place place;
	size_t first_edge, nedges;	/* in .edges */
	struct spread spread;		/* to the next entry; count 0: none followed */
	struct spread inside;		/* from entry to return; count 0: no return was recorded */
	uint64_t time_ns[TIMES_MAX];
	uint32_t slowest;
};

struct latency_packet {
	uint32_t number;
	uint64_t took_ns;	/* from its first entry to its last */
};

struct latency {
	struct latency_hop *hops;	/* by total time, longest first; and so the edges of each */
	size_t nhops;
	struct latency_edge *edges;
	size_t nedges;
	struct latency_packet *packets;	/* slowest first: those with a leg */
	size_t npackets;
	size_t lossy, single;		/* packets left out: hops may be missing; only one entry */
	uint64_t legs, total_ns;
	struct spread times[TIMES_MAX];	/* of the packets that spent time so, each one's sum; count 0: none did */
	struct spread took;		/* of .packets */
	struct wait_role *roles;	/* beside model.funcs */
};

/* 0 or -ENOMEM */
int latency_build(struct latency **out, const struct model *m);
void latency_free(struct latency *l);

/* A packet's legs.  from and to are indexes into packet.hops. */
struct leg {
	uint32_t from, to;
	unsigned int time;
	uint64_t ns;
};

struct legs {
	struct leg *v;
	size_t n, room;
};

/* Those of one packet replace what is in legs, which starts zeroed and ends with free(legs.v).  0 or -ENOMEM. */
int legs_of(struct legs *legs, const struct latency *l, const struct model *m, const struct packet *p);

/* Numbers become a spread; they are sorted. */
struct spread spread_of(uint64_t *ns, size_t n);

static inline uint64_t time_add(uint64_t a, uint64_t b)	/* times of hostile files are any numbers */
{
	return a + b < a ? UINT64_MAX : a + b;
}

/* How long packets took, in steps of 1, 2, 5, 10, ... from the fastest to the slowest. */
struct bucket {
	uint64_t from_ns, to_ns;	/* less than to_ns */
	uint64_t packets;
};

#define BUCKETS_MAX 64
size_t histogram_of(const struct latency *l, struct bucket *buckets);	/* buckets[BUCKETS_MAX]; how many */

#endif
