/* SPDX-License-Identifier: GPL-2.0 */
/*
 * routes.h - routes, neighbours and queues of the snapshots beside the packets: by which route one went, and to whom.
 *
 * A snapshot shows what was there at the start and at the end; a lookup is done as the kernel does it: policy rules in
 * order, and in a table the longest prefix, then the least metric.  Where a policy rule or a route asks for what no hop
 * shows, and it would make a difference, the answer is that it is not known.
 */
#ifndef PKT_ROUTES_H
#define PKT_ROUTES_H

#include "model.h"
#include "prefix.h"

struct route {
	uint32_t netns;
	bool end;			/* of the snapshot at the end */
	uint8_t family;			/* AF_INET, AF_INET6 */
	struct prefix dst;
	struct prefix from;		/* of IPv6: for these senders only; bits 0: for all */
	const char *table, *type;	/* "main", "unicast" */
	const char *dev, *gateway, *source;	/* "" = none; one of several next hops is a route of its own */
	int64_t metric;
	bool by_tos;			/* for one type of service only */
	bool dead, linkdown;
};

/* What a lookup is given. */
struct route_ask {
	uint32_t netns;
	uint8_t family;
	uint8_t saddr[16], daddr[16];
	uint32_t mark;
	const char *in;		/* device that received it; NULL: this machine sends it */
	const char *out;	/* device by which it was seen to leave; NULL: not known */
};

enum route_found {
	ROUTE_NOT_NOTED,	/* the snapshot is missing or not whole */
	ROUTE_UNSURE,		/* why says what it depends on */
	ROUTE_NONE,		/* nothing leads there */
	ROUTE_ONE,
};

struct route_answer {
	enum route_found found;
	const struct route *route;	/* of ROUTE_ONE */
	const char *policy;		/* the policy rule that led to its table, in words; "" = one of those that are always there */
	const char *why;
};

struct routebook;

/* 0 or -ENOMEM; a recording without snapshots has nothing in it. */
int routebook_open(struct routebook **out, const struct model *m);
void routebook_close(struct routebook *b);	/* NULL is fine, here and below: then nothing is noted */

struct route_answer route_find(const struct routebook *b, const struct route_ask *ask, bool end);
bool route_same(const struct route *a, const struct route *b);
const char *route_text(const struct route *r, char *buf, size_t size);	/* "10.0.0.0/24 dev c0 src 10.0.0.1 (table main)" */

struct neighbour {
	uint32_t netns;
	bool end;
	struct prefix address;
	const char *dev, *lladdr, *state;	/* lladdr "" = not known */
};

/* NULL: none, or not noted */
const struct neighbour *neighbour_find(const struct routebook *b, uint32_t netns, const char *dev, const char *address, bool end);
bool neighbours_noted(const struct routebook *b, uint32_t netns, bool end);

struct queue {
	uint32_t netns;
	bool end;
	const char *dev, *kind;		/* of the root: "noqueue", "fq_codel" */
	const char *below;		/* "4 fq_codel", "" = nothing */
};

const struct queue *queue_find(const struct routebook *b, uint32_t netns, const char *dev, bool end);
const char *qdisc_meaning(const char *kind, char *buf, size_t size);	/* "gives each flow its turn ...", from schema/qdiscs.tsv; "" */

#endif
