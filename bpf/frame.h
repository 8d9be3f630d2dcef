/* SPDX-License-Identifier: GPL-2.0 */
/*
 * frame.h - packets that have no sk_buff: frames at XDP, known by the beginning of their buffer.
 *
 *	driver, or another device by XDP_TX       data_hard_start                data
 *	and XDP_REDIRECT ──> XDP program               v                         v
 *	   XDP_PASS ──> an sk_buff is built around     [xdp_frame ...  headroom  |packet ...]
 *
 * What an XDP program lets live is remembered until the next one gets it, or an sk_buff is put around it.  Buffers are
 * used again: between devices the kernel keeps a struct xdp_frame at the buffer's head, whose first member says where
 * the data is; that and the time tell the packet that we know from a later one at its place.
 */
#ifndef PKT_FRAME_H
#define PKT_FRAME_H

#include "hop.h"

#define FRAME_NS 1000000000ULL		/* no frame is on its way between two devices for longer */

struct frame {
	__u64 packet;
	__u64 time_ns;
	__u64 data;		/* what the xdp_frame says; 0: the driver builds the sk_buff itself, without one */
	__u64 dev;		/* where the program ran */
	__u32 func;		/* and which */
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct frame);
} frames SEC(".maps");

/* The packet whose frame was in this buffer, if it still is. */
static __always_inline struct frame *frame_known(__u64 buffer, __u64 now_ns)
{
	struct frame *f = bpf_map_lookup_elem(&frames, &buffer);
	__u64 data = 0;

	if (!f || now_ns - f->time_ns > FRAME_NS)
		return NULL;
	return !f->data || (words_read(&data, buffer, 1) && data == f->data) ? f : NULL;
}

/* A new sk_buff is put around a buffer: around a frame it is that packet's child, followed as it was.  Was it? */
GLOBAL int frame_rebuilt(__u64 run, __u64 time_ns, __u64 skb, __u64 func, __u64 buffer)
{
	struct run r = { .time_ns = time_ns };
	struct packet_state *p;
	struct frame *f;
	__u64 parent;

	if (!run_unpack(&r, run))
		return 0;
	f = frame_known(buffer, time_ns);
	if (!f)
		return 0;
	parent = f->packet;
	bpf_map_delete_elem(&frames, &buffer);
	p = packet_begin(&r, skb, packet_known(skb), parent);
	if (!p)
		return 0;
	edge_submit(&r, func, constants.frame_edge, p->id, parent);
	return 1;
}

#endif
