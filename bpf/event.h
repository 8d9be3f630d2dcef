/* SPDX-License-Identifier: GPL-2.0 */
/*
 * event.h - the records that the BPF programs put into the ring buffers, and what both sides agree on.
 *
 * Private to one build: programs and recorder are always compiled together.  What a recording stores is
 * trace/pkttrace.h; record/drain.c is the one file that turns the first into the second.
 * Every record starts with struct event_head.  Multi-byte fields are in host byte order unless said otherwise.
 */
#ifndef PKT_EVENT_H
#define PKT_EVENT_H

#include <linux/types.h>

enum event_kind {
	EVENT_HOP = 0,		/* a function was entered with the packet */
	EVENT_RETURN = 1,	/* a probed function returned; value is what it returned */
	EVENT_DROP = 2,		/* tracepoint kfree_skb: func is where, value is the drop reason */
	EVENT_STACK = 3,	/* the kernel stack at a packet's first hop */
	EVENT_NAME = 4,		/* the name of a process seen for the first time */
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
};

struct event_head {
	__u8 kind;
	__u8 context;
	__u16 cpu;
	__u32 seq;		/* of the hops of this CPU, low 32 bits; 0 in other kinds */
};

struct hop_event {		/* EVENT_HOP, EVENT_RETURN, EVENT_DROP */
	struct event_head head;
	__u64 time_ns;		/* CLOCK_MONOTONIC */
	__u64 packet;		/* id of this life of the sk_buff */
	__u32 func;		/* address minus text_base, modulo 2^32 */
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
	__u8 saddr[16];		/* network order */
	__u8 daddr[16];
};

#define STACK_FRAMES 32

struct stack_event {
	struct event_head head;
	__u64 packet;
	__s64 size;		/* bytes of frames in use, or negative errno */
	__u64 frames[STACK_FRAMES];
};

struct name_event {
	struct event_head head;
	__u32 pid;
	__u32 pad;
	char name[16];
};

/* set before the programs are loaded */
struct program_constants {
	__u64 text_base;	/* address of _stext */
	__u64 packet_limit;	/* follow the first so many packets, 0 = all */
};

/* changes while they run */
struct program_state {
	__u64 packets;		/* begun, when there is a limit */
	__u32 enabled;		/* 0: programs do nothing */
	__u32 pad;
};

/* one for each CPU, in a per-CPU array: read by the recorder at the end */
struct cpu_counters {
	__u64 hops;		/* produced: the sequence numbers handed out */
	__u64 lost;		/* of them without room in the ring */
	__u64 packets;		/* ids handed out */
	__u64 untracked;	/* of the lost: the map of packets in flight was full */
	__u64 others_lost;	/* stacks and names without room */
	__u64 unpaired;		/* returns whose entry was not kept: the map of open calls was full */
};

_Static_assert(sizeof(struct event_head) == 8, "event head");
_Static_assert(sizeof(struct hop_event) == 112, "a hop is 112 bytes in the ring, without padding");
_Static_assert(sizeof(struct stack_event) == 24 + 8 * STACK_FRAMES, "stack event");
_Static_assert(sizeof(struct name_event) == 32, "name event");

#endif
