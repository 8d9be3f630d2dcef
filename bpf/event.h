/* SPDX-License-Identifier: GPL-2.0 */
/*
 * event.h - what the BPF programs hand to the recorder, and what both sides agree on.
 *
 * Private to one build: programs and recorder are always compiled together.  What a recording stores is
 * trace/pkttrace.h; record/drain.c is the one file that turns the first into the second.
 *
 * Each CPU has a ring of slots of one size in an array map that both sides map into memory.  A program takes the next
 * slots of its CPU with one atomic addition, fills them, and writes the lap last; the recorder reads a slot when its
 * lap is the expected one, and moves the tail.  No helper is called, no lock is taken, nobody is woken.
 *
 *	tail                     head
 *	 v                        v
 *	[HOP][HOP][HOP+][STACK][NAME][ old lap ... ]		HOP+: with its stack in the slots behind it
 *
 * Multi-byte fields are in host byte order unless said otherwise.
 */
#ifndef PKT_EVENT_H
#define PKT_EVENT_H

#include <linux/types.h>

enum event_kind {
	EVENT_HOP = 0,		/* a function was entered with the packet */
	EVENT_RETURN = 1,	/* a probed function returned; value is what it returned */
	EVENT_DROP = 2,		/* tracepoint kfree_skb: func is where, value is the drop reason */
	EVENT_STACK = 3,	/* the kernel stack of the hop before it */
	EVENT_NAME = 4,		/* the name of a process seen for the first time */
	EVENT_EDGE = 5,		/* how a packet came from another */
	EVENT_DATA = 6,		/* some of a packet's bytes */
};

enum event_context {
	CONTEXT_PROCESS = 0,
	CONTEXT_SOFTIRQ = 1,
	CONTEXT_HARDIRQ = 2,
	CONTEXT_NMI = 3,
	CONTEXT_UNKNOWN = 4,	/* this kernel does not let us tell */
};

/* what was really read of the packet: hop_event.have */
enum event_have {
	HAVE_SKB = 1,		/* lengths, mark, protocol, device */
	HAVE_IP4 = 2,		/* saddr[0..3], daddr[0..3], ttl, ip_id, frag, l4proto */
	HAVE_IP6 = 4,
	HAVE_L4 = 8,		/* ports, or type/code and id of ICMP */
	HAVE_ARP = 16,		/* saddr/daddr are sender and target, sport the operation */
	HAVE_HOOK = 32,		/* hook and family, from nf_hook_state */
	HAVE_NETNS = 64,
	HAVE_STACK = 128,	/* the slots behind this one hold the stack */
};

struct event_head {
	__u8 kind;
	__u8 context;
	__u16 lap;		/* of the ring, from 1: written last */
	__u32 seq;		/* of the hops of this CPU, low 32 bits; 0 in other kinds */
};

#define SLOT_BYTES 112

struct hop_event {		/* EVENT_HOP, EVENT_RETURN, EVENT_DROP */
	struct event_head head;
	__u64 time_ns;		/* CLOCK_MONOTONIC */
	__u64 packet;		/* id of this life of the sk_buff */
	__u32 func;		/* an address inside the function minus text_base, modulo 2^32 */
	__u32 pid;		/* thread group of the current task, whoever's packet it is */
	__u32 len;		/* bytes in all */
	__u32 data_len;		/* of them in pages */
	__u32 ifindex;
	__u32 netns;		/* inode number */
	__u32 mark;
	__s32 value;		/* return value or drop reason, by kind */
	__u32 tcp_seq;
	__u16 protocol;		/* ethertype; 0 when not yet set */
	__u16 sport;
	__u16 dport;
	__u16 ip_id;
	__u16 frag;		/* IPv4 frag_off with its flags; IPv6 fragment offset field */
	__u16 gso_size;
	__u16 gso_segs;
	__u8 hook;
	__u8 family;		/* NFPROTO_* of the hook */
	__u8 l4proto;
	__u8 ttl;
	__u8 tcp_flags;
	__u8 have;
	__u64 saddr[2];		/* network order, as bytes */
	__u64 daddr[2];
};

#define STACK_SLOT_FRAMES 24
#define STACK_SLOTS 2
#define STACK_FRAMES (STACK_SLOT_FRAMES * STACK_SLOTS)

struct stack_event {		/* EVENT_STACK */
	struct event_head head;
	__u32 first;		/* index of frames[0] in the stack */
	__u32 count;		/* frames of the whole stack, innermost first */
	__u32 frames[STACK_SLOT_FRAMES];	/* minus text_base, modulo 2^32 */
};

struct name_event {		/* EVENT_NAME */
	struct event_head head;
	__u32 pid;
	__u32 pad;
	__u64 name[2];		/* 16 bytes of text */
};

struct edge_event {		/* EVENT_EDGE */
	struct event_head head;
	__u64 time_ns;
	__u64 child;
	__u64 parent;
	__u32 kind;		/* enum trc_edge_kind */
	__u32 func;		/* as in hop_event */
};

#define DATA_SLOT_BYTES 72

struct data_event {		/* EVENT_DATA */
	struct event_head head;
	__u64 time_ns;
	__u64 packet;
	__u32 len;		/* of the whole packet, from the layer on */
	__u32 offset;		/* of bytes[0] */
	__u32 total;		/* bytes that are taken, in all slots */
	__u16 size;		/* of them here */
	__u16 layer;		/* 2 or 3 */
	__u8 bytes[DATA_SLOT_BYTES];
};

/* A tracepoint is no function: hop_event.func is this and its number. */
#define TRACEPOINT_FUNC 0x80000000u
#define TRACEPOINTS 64		/* at most */

enum tracepoint_flags {
	TRACEPOINT_ENDS = 1,	/* the sk_buff is freed */
	TRACEPOINT_SENDS = 2,	/* it is given to a device's queue */
	TRACEPOINT_RECEIVES = 4,	/* it comes from a device */
	TRACEPOINT_READY = 8,	/* no sk_buff, but a socket that got one: that of the event before, if the stack says so */
};

/* Nor is a loaded BPF program: this and its number. */
#define PROGRAM_FUNC 0x81000000u
#define PROGRAMS 128		/* at most */

/* set before the programs are loaded */
struct program_constants {
	__u64 text_base;	/* address of _stext */
	__u64 packet_limit;	/* follow the first so many packets, 0 = all */
	__u32 slot_shift;	/* a ring has 1 << slot_shift slots */
	__u32 filtered;		/* any of the following is set: a new packet is looked at before it is followed */
	__u32 filter;		/* filter_l2() and filter_l3() are real */
	__u32 tunnel;		/* and filter_inner_*() */
	__u32 vlan;		/* filter_l2() looks for VLAN tags */
	__u32 netns;		/* 0 = any */
	__u32 ifindex;		/* 0 = any */
	__u32 mark, mark_mask;	/* (mark & mask) must be mark */
	__u32 stacks;		/* a stack with every hop, not only the first */
	__u32 data_bytes;	/* of each packet that are kept, 0 = none */
	__u32 tracepoints;	/* there are no other probes */
	__u32 light;		/* no stack but for the first packets of each flow, and the first that are dropped at a place */
	__u64 receiving[2][2];	/* first address of a function that receives packets, and the one behind it */
	__u32 frame_edge;	/* kinship of an sk_buff with the XDP frame it was built from; 0: XDP programs are not followed */
	__u32 program_func;	/* for progs.bpf.c: hop_event.func of the one program that it is attached to */
	__u8 tracepoint_arg[TRACEPOINTS];	/* position of the sk_buff */
	__u8 tracepoint_flags[TRACEPOINTS];	/* enum tracepoint_flags */
};

/* changes while they run */
struct program_state {
	__u64 packets;		/* begun, when there is a limit */
	__u64 tracked;		/* followed now, when there is a filter */
	__u32 enabled;		/* 0: programs do nothing */
	__u32 pad;
};

/*
 * Addresses of page_offset_base and vmemmap_base; 0 = this kernel has none.  In a map of its own, which no process has in
 * its memory: who could write there could have any memory of the kernel's copied.
 */
struct page_places {
	__u64 page_offset_at, vmemmap_at;
};

/* One for each CPU; the recorder maps them.  The first part is the programs', the last the recorder's. */
struct cpu_control {
	__u64 head;		/* slots taken since the beginning */
	__u64 hops;		/* produced: the sequence numbers handed out */
	__u64 lost;		/* of them without room in the ring */
	__u64 packets;		/* ids handed out */
	__u64 untracked;	/* of the lost: the map of packets in flight was full */
	__u64 others_lost;	/* stacks, names, edges and bytes without room */
	__u64 unpaired;		/* returns whose entry was not kept: the map of open calls was full */
	__u32 last_pid;
	__u32 nest;		/* how many programs use scratch memory */
	__u64 fence;
	__u64 last_skb;		/* of the event before, where there are only tracepoints */
	__u64 recent[2];	/* sk_buffs of the last hops, where XDP programs are followed */
	__u64 xdp;		/* the xdp_buff that an XDP program works on, 0 = none */
	__u64 xdp_packet;	/* whose that is, */
	__u64 xdp_skb;		/* and its sk_buff, 0 = it has none */
	__u64 unused;
	__u64 tail;		/* slots that the recorder has read */
	__u64 apart[7];
};

_Static_assert(sizeof(struct event_head) == 8, "event head");
_Static_assert(sizeof(struct hop_event) == SLOT_BYTES, "a hop fills its slot, without padding");
_Static_assert(__builtin_offsetof(struct hop_event, tcp_seq) % 8 == 0, "headers are whole words");
_Static_assert(sizeof(struct stack_event) == SLOT_BYTES, "stack event");
_Static_assert(sizeof(struct data_event) == SLOT_BYTES, "data event");
_Static_assert(sizeof(struct name_event) <= SLOT_BYTES && sizeof(struct edge_event) <= SLOT_BYTES, "small events");
_Static_assert(sizeof(struct cpu_control) == 192, "whole cache lines");

#endif
