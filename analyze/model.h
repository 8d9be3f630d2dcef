/* SPDX-License-Identifier: GPL-2.0 */
/*
 * model.h - a recording in memory: hops in time order, grouped into packets, functions with what schema/ knows of them.
 *
 * model_load() is the only way from a .trc into the tools; pktshow, pktdiff and the SQL tables all stand on it.
 * Everything is owned by the model and const to others; strings are sanitized (printable, valid UTF-8) when loaded.
 */
#ifndef PKT_MODEL_H
#define PKT_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkttrace.h"

/* A kernel function, with the knowledge of schema/functions.tsv beside it. */
struct func {
	const char *name;
	const char *module;	/* "" = vmlinux */
	const char *layer;	/* "netfilter", "ip", ...; "other" when unknown */
	const char *stage;	/* the boundary it marks, "" = none: see schema/functions.tsv */
	const char *meaning;	/* one sentence without its full stop, or "" */
	int64_t offset;
	uint32_t arg;
	uint32_t flags;		/* enum trc_func_flags */
	uint32_t error;
	const char *why;
	uint64_t hits;		/* hops in this recording */
};

enum fate {
	FATE_IN_FLIGHT,		/* no end was seen: the recording ended, or began, or lost hops meanwhile */
	FATE_DELIVERED,		/* put into a socket's queue */
	FATE_SENT,		/* handed to a driver and not seen again */
	FATE_DROPPED,		/* the kernel reported a drop */
	FATE_CONSUMED,		/* used up inside the kernel: ARP, ICMP, neighbour discovery, ACKs */
};

/* Addresses and ports of a packet, from the first hop that shows them whole. */
struct tuple {
	uint16_t ethertype;	/* 0x0800, 0x86dd, 0x0806, ...; 0 = unknown */
	uint8_t l4proto;	/* 0 = unknown */
	uint8_t have;		/* enum trc_have, of the parts below */
	uint16_t sport;		/* host order; ICMP: type << 8 | code */
	uint16_t dport;		/* ICMP: echo id */
	uint8_t saddr[16];	/* network order, IPv4 in the first four */
	uint8_t daddr[16];
};

struct packet {
	uint64_t id;		/* as in the recording */
	uint32_t number;	/* 1, 2, ... in order of the first hop: what people see and type */
	uint32_t nhops;
	const uint32_t *hops;	/* indexes into model.hops, in time order */
	struct tuple tuple;
	enum fate fate;
	uint32_t fate_hop;	/* index into .hops of the hop that decided it */
	int32_t reason;		/* drop reason when FATE_DROPPED */
	bool lossy;		/* hops may be missing: it lived while hops were lost */
	uint32_t pid;		/* of the process at its birth, 0 = none (born in an interrupt) */
	uint32_t nframes;	/* of the stack at its first hop, innermost first; 0 = none */
	const uint32_t *frames;	/* function ids */
};

struct link {
	uint32_t netns, ifindex;
	const char *name, *kind, *address;
	uint32_t peer_ifindex, peer_netns, mtu, flags;
};

struct model {
	const char *file;	/* as named by the user, sanitized */
	struct trc_health health;
	const char *trouble;	/* health in a sentence, "" = all is well */

	struct trc_hop *hops;	/* in time order */
	size_t nhops;
	struct packet *packets;	/* packets[number - 1] */
	size_t npackets;
	struct func *funcs;	/* by function id; func ids in hops and frames are always < nfuncs */
	size_t nfuncs;
	struct link *links;
	size_t nlinks;
	struct trc_netns *netns;
	size_t nnetns;
	struct trc_proc *procs;
	size_t nprocs;
	struct trc_fact *facts;
	size_t nfacts;
	struct trc_enum *enums;
	size_t nenums;
	struct trc_loss *losses;	/* one for each CPU */
	size_t nlosses;
	struct trc_end end;	/* reason NULL: the recorder did not end properly */
	uint64_t lost;		/* hops, over all CPUs */
	uint64_t missed;

	struct model_private *priv;
};

/*
 * Read the whole of path ("-" = standard input).  0, or -errno with one sentence in error[size] that names the file.
 * A damaged or cut file loads as far as it goes; trouble then says so.
 */
int model_load(struct model **out, const char *path, char *error, size_t size);
void model_free(struct model *m);

const char *model_fact(const struct model *m, const char *key);		/* "" when there is none */
const char *model_enum(const struct model *m, const char *type, int64_t value);	/* NULL when unknown */
const char *model_drop_reason(const struct model *m, int32_t reason);	/* "NETFILTER_DROP"; "reason 99" when unknown */
const char *model_netns(const struct model *m, uint32_t netns);		/* name, or "netns:4026531840", or "" for 0 */
const char *model_dev(const struct model *m, uint32_t netns, uint32_t ifindex);	/* name, or "if3", or "" for 0 */
const char *model_proc(const struct model *m, uint32_t pid);		/* name, or "" */

static inline const struct trc_hop *packet_hop(const struct model *m, const struct packet *p, uint32_t i)
{
	return &m->hops[p->hops[i]];
}

/* Words shared by all renderers; each writes into buf and answers it. */
const char *tuple_text(const struct tuple *t, char *buf, size_t size);	/* "UDP 10.0.0.1:40000 > 10.0.0.2:53" */
const char *hook_name(uint8_t family, uint8_t hook);			/* "LOCAL_OUT" */
const char *family_name(uint8_t family);				/* "IPv4" */
const char *verdict_name(int32_t nf_hook_slow_value);			/* "ACCEPT", "DROP", "STOLEN" */
const char *fate_name(enum fate f);
const char *reason_meaning(const char *reason);				/* plain words, from schema/reasons.tsv; "" */
const char *reason_advice(const char *reason);				/* what to check next, ""  */

#endif
