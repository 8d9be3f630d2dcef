// SPDX-License-Identifier: GPL-2.0
/*
 * progs.bpf.c - attached to one loaded program of XDP or TC, where it begins and where it returns.
 *
 * Loaded once for each such program, beside hop.bpf.c, whose maps it shares.  A TC program is given the packet.  An XDP
 * program is given its frame: that of an sk_buff that this CPU just worked on (generic mode, veth), of a packet that an XDP
 * program of another device sent here, or else of a packet that begins here.
 */
#include "kernel.h"
#include "frame.h"

char LICENSE[] SEC("license") = "GPL";

enum { XDP_ACTION_PASS = 2, XDP_ACTION_TX = 3, XDP_ACTION_REDIRECT = 4 };

#define PROGRAM_ADDRESS (constants.text_base + constants.program_func)
#define ETH_BYTES 14
#define VLAN_BYTES 4
enum { ETH_P_8021Q = 0x8100, ETH_P_8021AD = 0x88a8 };

/* A frame that is being looked at. */
struct frame_view {
	__u64 hard_start, data, end, dev;
};

static __always_inline void frame_open(struct frame_view *v, __u64 xdp)
{
	__u64 rxq = (__u64)member_read(xdp_buff, xdp, rxq);

	v->hard_start = (__u64)member_read(xdp_buff, xdp, data_hard_start);
	v->data = (__u64)member_read(xdp_buff, xdp, data);
	v->end = (__u64)member_read(xdp_buff, xdp, data_end);
	v->dev = (__u64)member_read(xdp_rxq_info, rxq, dev);
}

/* The frame of one of the sk_buffs that this CPU had in the last hops?  0: of none. */
static __always_inline __u64 frame_skb(const struct cpu_control *c, __u64 hard_start)
{
	struct packet_state *p;
	int i;

#pragma unroll
	for (i = 0; i < 2; i++) {
		__u64 skb = c->recent[i];

		p = skb ? packet_known(skb) : NULL;
		if (p && !p->dying_ns && (__u64)member_read(sk_buff, skb, head) == hard_start)
			return skb;
	}
	return 0;
}

/* As packet_accepted() of an sk_buff.  Frames have no mark. */
static __noinline int frame_accepted(struct frame_view *v)
{
	__u64 size = v->end - v->data;
	struct place place;

	if (constants.mark_mask && constants.mark)
		return 0;
	if (constants.netns || constants.ifindex) {
		place_find(&place, v->dev, 0);
		if (constants.netns && place.netns != constants.netns)
			return 0;
		if (constants.ifindex && place.ifindex != constants.ifindex)
			return 0;
	}
	if (constants.filter && !filter_l2(v->data, size, size))
		return 0;
	return !constants.tunnel || (size > ETH_BYTES && filter_tunnel(v->data + ETH_BYTES, size - ETH_BYTES, size - ETH_BYTES));
}

/* Where the network header is, behind at most two VLAN tags. */
static __always_inline void frame_layers(struct layers *l, const struct frame_view *v)
{
	__u64 word = 0;
	int i;

	l->head = l->l3 = v->data;
	l->end = v->end;
	l->protocol = 0;
	if (v->data + ETH_BYTES + 8 > v->end || !words_read(&word, v->data + ETH_BYTES - 2, 1))
		return;
	l->l3 += ETH_BYTES;
	l->protocol = BE16(word, 0);
#pragma unroll
	for (i = 0; i < 2; i++) {
		if (l->protocol != ETH_P_8021Q && l->protocol != ETH_P_8021AD)
			return;
		l->protocol = BE16(word, 32);
		l->l3 += VLAN_BYTES;
		words_read(&word, l->l3 - 2, 1);
	}
}

/* Functions are apart where their frames would be too large together: 512 bytes for all that are open, filters included. */
static __noinline int frame_submit(struct run *r, struct frame_view *v, __u64 packet)
{
	struct hop_event *e;
	struct layers l;
	struct place place;
	__u64 at;

	e = hop_take(r, EVENT_HOP, packet, PROGRAM_ADDRESS, 0, &at);
	if (!e)
		return 0;
	hop_blank(e);
	place_find(&place, v->dev, 0);
	e->ifindex = place.ifindex;
	e->netns = place.netns;
	e->len = v->end - v->data;
	frame_layers(&l, v);
	e->protocol = l.protocol;
	e->have = HAVE_SKB | (place.netns ? HAVE_NETNS : 0);
	headers_read(e, &l);
	slot_give(r, e, at);
	return 0;
}

static __noinline int frame_data(struct run *r, struct frame_view *v, __u64 packet)
{
	struct data_walk w = { .run = r, .packet = packet, .from = v->data, .layer = 2 };

	w.len = w.total = v->end - v->data;
	data_take(&w);
	return 0;
}

/* The packet that an XDP program of another device sent here; 0: this one begins here. */
static __noinline __u64 frame_parent(struct run *r, struct frame_view *v)
{
	struct frame *f = frame_known(v->hard_start, r->time_ns);

	/* a driver gives its program the same buffers again and again */
	return f && f->data == v->data && (f->dev != v->dev || f->func != constants.program_func) ? f->packet : 0;
}

/* A packet without an sk_buff: its id, 0 = it is not followed. */
static __always_inline __u64 frame_begin(struct run *r, struct frame_view *v)
{
	__u64 parent, id;

	run_describe(r);
	parent = frame_parent(r, v);
	if (!parent && constants.filtered && !frame_accepted(v))
		return 0;
	if (!packet_wanted())
		return 0;
	id = id_fresh(r);
	if (parent)
		edge_submit(r, PROGRAM_ADDRESS, constants.frame_edge, id, parent);
	frame_submit(r, v, id);
	if (constants.data_bytes)
		frame_data(r, v, id);
	return id;
}

/* A hop of an sk_buff that is followed already: its packet's id. */
static __noinline __u64 skb_enter(void *ctx, __u64 skb)
{
	struct hop h = { .run.ctx = ctx, .skb = skb, .func = PROGRAM_ADDRESS, .cookie = COOKIE_VERIFY };

	if (!cpu_enter(&h.run, ctx))
		return 0;
	hop_entered(&h);
	return h.packet ? h.packet->id : 0;
}

static __always_inline void return_submit(struct run *r, __u64 packet, __s32 value)
{
	struct hop_event *e;
	__u64 at;

	e = hop_take(r, EVENT_RETURN, packet, PROGRAM_ADDRESS, 0, &at);
	if (!e)
		return;
	hop_blank(e);
	e->value = value;
	slot_give(r, e, at);
}

/* Where the frame goes on, it is remembered.  Where its own sk_buff goes on, that is known. */
static __always_inline void frame_keep(struct run *r, __u64 xdp, __u32 action)
{
	struct frame f = { .packet = r->control->xdp_packet, .time_ns = r->time_ns, .func = constants.program_func };
	struct frame_view v;

	frame_open(&v, xdp);
	f.dev = v.dev;
	if (action == XDP_ACTION_TX || action == XDP_ACTION_REDIRECT)
		f.data = v.data;
	if (f.data || (action == XDP_ACTION_PASS && !r->control->xdp_skb))
		bpf_map_update_elem(&frames, &v.hard_start, &f, BPF_ANY);
	else
		bpf_map_delete_elem(&frames, &v.hard_start);
}

SEC("fentry")
int tc_enter(void *ctx)
{
	struct hop h = { .run.ctx = ctx, .func = PROGRAM_ADDRESS };

	if (bpf_get_func_arg(ctx, 0, &h.skb))
		return 0;
	return hop_record(&h);
}

SEC("fexit")
int tc_leave(void *ctx)
{
	__u64 skb = 0, action = 0;
	struct packet_state *p;
	struct run r;

	if (!state.enabled || bpf_get_func_arg(ctx, 0, &skb) || bpf_get_func_ret(ctx, &action))
		return 0;
	if (!is_kernel_pointer(skb) || !cpu_enter(&r, ctx))
		return 0;
	p = packet_known(skb);
	if (!p || p->dying_ns)
		return 0;
	run_describe(&r);
	return_submit(&r, p->id, action);
	return 0;
}

/* Of the next three each has a frame of its own: what is called from the program has most of the 512 bytes to itself. */
static __noinline int xdp_is_frame(__u64 xdp)
{
	struct frame_view v;

	frame_open(&v, xdp);
	return is_kernel_pointer(v.hard_start) && v.end >= v.data;
}

static __noinline __u64 xdp_skb(const struct cpu_control *c, __u64 xdp)
{
	return frame_skb(c, (__u64)member_read(xdp_buff, xdp, data_hard_start));
}

static __noinline __u64 xdp_begin(void *ctx, __u64 xdp)
{
	struct frame_view v;
	struct run r = {};

	if (!cpu_enter(&r, ctx))
		return 0;
	frame_open(&v, xdp);
	return frame_begin(&r, &v);
}

SEC("fentry")
int xdp_enter(void *ctx)
{
	struct cpu_control *c;
	struct run r = {};
	__u64 xdp = 0, skb, id;

	if (!state.enabled || bpf_get_func_arg(ctx, 0, &xdp) || !cpu_enter(&r, ctx))
		return 0;
	c = r.control;
	c->xdp = 0;
	if (!xdp_is_frame(xdp))
		return 0;
	skb = xdp_skb(c, xdp);
	id = skb ? skb_enter(ctx, skb) : xdp_begin(ctx, xdp);
	c->xdp_packet = id;
	c->xdp_skb = skb;
	c->xdp = id ? xdp : 0;
	return 0;
}

SEC("fexit")
int xdp_leave(void *ctx)
{
	__u64 xdp = 0, action = 0;
	struct run r;

	if (!state.enabled || bpf_get_func_arg(ctx, 0, &xdp) || bpf_get_func_ret(ctx, &action))
		return 0;
	if (!cpu_enter(&r, ctx) || !r.control->xdp || r.control->xdp != xdp)
		return 0;
	run_describe(&r);
	return_submit(&r, r.control->xdp_packet, (__s32)action);
	frame_keep(&r, xdp, action);
	r.control->xdp = 0;
	return 0;
}
