/* SPDX-License-Identifier: GPL-2.0 */
/*
 * model.h - a recording in memory: packets with their hops, in time order; functions with what schema/ knows of them.
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

/* trc_hop.kind, in memory only: not recorded, but on the kernel stack of the event behind it, so that it was entered. */
#define TRC_DERIVED 3

enum fate {
	FATE_IN_FLIGHT,		/* no end was seen: the recording ended, or began, or lost hops meanwhile */
	FATE_DELIVERED,		/* put into a socket's queue */
	FATE_SENT,		/* handed to a driver and not seen again */
	FATE_DROPPED,		/* the kernel reported a drop */
	FATE_CONSUMED,		/* used up inside the kernel: ARP, ICMP, neighbour discovery, ACKs */
	FATE_MERGED,		/* its data goes on in another packet: GRO, a queue that appended it, reassembly */
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
	uint64_t first_ns, last_ns;	/* times of its first and last hop */
	struct tuple tuple;
	enum fate fate;
	uint32_t fate_hop;	/* index of the hop that decided it: see packet_hop() */
	int32_t reason;		/* drop reason when FATE_DROPPED */
	bool lossy;		/* hops may be missing: it lived while hops were lost */
	const char *gone;	/* "module x": it passed it, or was stuck in it, and it went while recording; NULL = no */
	bool left_out;		/* by a filter: views do not show it */
	uint32_t pid;		/* of the process at its birth, 0 = none (born in an interrupt) */
	uint32_t nframes;	/* of the stack at its first hop, innermost first; 0 = none */
	const uint32_t *frames;	/* function ids */
	uint32_t stack;		/* number of that stack: index into stacks, plus 1, or beyond them of an old file's; 0 = none */
	uint32_t nderived;	/* of its hops */
	uint32_t like;		/* number of the packet whose functions it shares but does not show: derive.c; 0 = none */
	uint32_t nkin;
	const uint32_t *kin;	/* indexes into model.edges of those that begin or end here, in time order */
	uint32_t journey;	/* 1, 2, ...: packets that came from each other have one number */
	uint32_t tuple_of;	/* number of the kin that its tuple was taken from; 0 = it showed its own */
	uint32_t into;		/* number of the packet that has its data when FATE_MERGED */

	/* of hops_store.c */
	uint32_t slot;		/* index into model.packets and model.unpacked */
	bool resolved, unsorted;
	uint64_t first_order, last_order;	/* what orders hops of one time: CPU and number */
	struct hop_chunk *packed, *packed_end;
};

/* A device that hops mention: 0 is unknown. */
struct hop_place {
	uint32_t netns, ifindex;
};

/* A kernel stack, innermost frame first, as function ids. */
struct stack {
	uint32_t count;
	uint32_t call;		/* so many frames are of the call that met the packet; the others are what it interrupted */
	const uint32_t *frames;
};

/* How a packet came from another. */
struct edge {
	uint64_t time_ns;
	uint64_t child_id, parent_id;
	uint32_t child, parent;	/* packet numbers; 0 = of this one no hop was recorded */
	uint32_t kind;		/* enum trc_edge_kind, or unknown */
	uint32_t func;		/* where it was noticed */
};

/* The first bytes of a packet. */
struct data {
	uint64_t packet_id, time_ns;
	uint32_t packet;	/* number, 0 = of it no hop was recorded */
	uint32_t layer;		/* 2 or 3: what it begins with */
	uint32_t len_bytes;	/* of the whole packet from there */
	uint32_t size;
	const uint8_t *bytes;
};

struct snapshot {
	bool end;		/* taken when the recording ended, not when it began */
	uint32_t netns;		/* 0: of the whole machine */
	const char *what, *source, *note;
	const char *text;	/* whole; lines end in line feeds, all else is sanitized */
	bool broken;		/* parts are missing */
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

	const struct trc_hop **unpacked;	/* hops of packets[i], NULL = packed: ask packet_hop() */
	size_t nhops;
	uint64_t first_ns, last_ns;	/* times of the first and last hop of all */
	size_t nderived;	/* of them; the recording holds the others */
	uint32_t underived;	/* packets from this number on got no derived hops: they would be too many; 0 = all did */
	struct packet *packets;	/* packets[number - 1] */
	size_t npackets;
	struct func *funcs;	/* by function id; func ids in hops and frames are always < nfuncs */
	size_t nfuncs;
	struct hop_place *places;
	size_t nplaces;
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
	struct stack *stacks;
	size_t nstacks;
	struct edge *edges;	/* in time order */
	size_t nedges;
	struct data *datas;
	size_t ndatas;
	struct snapshot *snapshots;	/* in the order of their first parts */
	size_t nsnapshots;
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
const char *model_command(const struct model *m, uint32_t pid);		/* with its arguments, or "" */
bool model_proc_is_last(const struct model *m, size_t i);		/* procs[i]: no later one says more of the same */

const struct trc_hop *packet_unpack(const struct model *m, const struct packet *p);

/*
 * A packet's i-th hop, in time order; .func is an index into funcs, .stack one into stacks, plus 1.  Good until a hundred
 * thousand hops of other packets were asked for: hold packets and numbers of hops, not hops.
 */
static inline const struct trc_hop *packet_hop(const struct model *m, const struct packet *p, uint32_t i)
{
	const struct trc_hop *hops = m->unpacked[p->slot];

	return (hops ? hops : packet_unpack(m, p)) + i;
}

/* The stack of a hop, NULL = none was taken. */
static inline const struct stack *hop_stack(const struct model *m, const struct trc_hop *h)
{
	return h->stack && h->stack <= m->nstacks ? &m->stacks[h->stack - 1] : NULL;
}

bool function_is_softirq(const char *name);	/* on a stack: what lies beyond was interrupted */

/* Was a function entered here, recorded or derived? */
static inline bool hop_enters(const struct trc_hop *h)
{
	return h->kind == TRC_ENTRY || h->kind == TRC_DERIVED;
}

/* Is this a tracepoint that was met? */
static inline bool hop_is_tracepoint(const struct model *m, const struct trc_hop *h)
{
	return h->kind != TRC_DERIVED && m->funcs[h->func].flags & TRC_FUNC_TRACEPOINT;
}

/* Why a dropped packet was dropped: the kernel's drop reason, or what a BPF program decided: "XDP_DROP". */
const char *packet_reason(const struct model *m, const struct packet *p);
/* What a BPF program's return means: "XDP_PASS", "TC_ACT_SHOT"; NULL when f is none. */
const char *action_name(const struct func *f, int32_t value);

uint32_t packet_drop_hop(const struct model *m, const struct packet *p);	/* of FATE_DROPPED: whose doing it was; fate_hop is where it was reported */
const char *packet_became(const struct model *m, const struct packet *p);	/* of FATE_MERGED: "merged into", "rebuilt as" */
bool action_drops(const struct func *f, int32_t value);		/* does that end a packet? */

/* Words shared by all renderers; each writes into buf and answers it. */
const char *tuple_text(const struct tuple *t, char *buf, size_t size);	/* "UDP 10.0.0.1:40000 > 10.0.0.2:53" */
const char *tuple_protocol(const struct tuple *t);			/* "UDP"; "" when it has no name */
const char *hook_name(uint8_t family, uint8_t hook);			/* "LOCAL_OUT" */
const char *family_name(uint8_t family);				/* "IPv4" */
const char *verdict_name(int32_t nf_hook_slow_value);			/* "ACCEPT", "DROP", "STOLEN" */
const char *fate_name(enum fate f);
const char *edge_name(uint32_t kind);					/* "clone", "segment"; "kin" when unknown */
const char *reason_meaning(const char *reason);				/* plain words, from schema/reasons.tsv; "" */
const char *reason_advice(const char *reason);				/* what to check next, ""  */

#endif
