/* SPDX-License-Identifier: GPL-2.0 */
/*
 * hop.h - fill the record of a hop and what comes with it: the stack, the process's name, the packet's first bytes.
 */
#ifndef PKT_HOP_H
#define PKT_HOP_H

#include "packet.h"

struct name {
	__u64 half[2];		/* 16 bytes of text, to be compared quickly */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, struct name);
} names SEC(".maps");

/* A process is named when its first packet, or a first hop after another process on this CPU, shows a new name. */
GLOBAL int name_submit(__u64 run, __u32 pid)
{
	struct name now = {}, *known;
	struct run own = {}, *r = &own;
	struct task_struct *leader;
	struct name_event *e;
	__u64 at;

	if (!run_unpack(r, run))
		return 0;
	r->control->last_pid = pid;
	leader = BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), group_leader);
	bpf_core_read(&now, sizeof(now), &leader->comm);	/* threads have names of their own */
	known = bpf_map_lookup_elem(&names, &pid);
	if (known && known->half[0] == now.half[0] && known->half[1] == now.half[1])
		return 0;
	e = event_take(r, EVENT_NAME, &at);
	if (!e)
		return 0;
	bpf_map_update_elem(&names, &pid, &now, BPF_ANY);
	e->pid = pid;
	e->pad = 0;
	e->name[0] = now.half[0];
	e->name[1] = now.half[1];
	slot_give(r, e, at);
	return 0;
}

/* --- the stack ------------------------------------------------------------------------------------------------ */

/* Frames of the running stack in s->frames; 0 when there is none. */
static __always_inline __u32 stack_read(struct run *r, struct scratch *s)
{
	long size = bpf_get_stack(r->ctx, s->frames, sizeof(s->frames), 0);

	return size > 0 ? size / sizeof(s->frames[0]) : 0;
}

GLOBAL int stack_receives(const struct scratch *s, __u32 frames)
{
	__u64 at;
	__u32 i;

	if (!s)
		return 0;
	for (i = 0; i < STACK_FRAMES; i++) {
		if (i >= frames)
			break;
		at = s->frames[i];
		if ((at >= constants.receiving[0][0] && at < constants.receiving[0][1]) ||
		    (at >= constants.receiving[1][0] && at < constants.receiving[1][1]))
			return 1;
	}
	return 0;
}

static __always_inline __u32 stack_slots(__u32 frames)
{
	_Static_assert(STACK_SLOTS == 2, "one, or both");
	return !frames ? 0 : frames <= STACK_SLOT_FRAMES ? 1 : 2;
}

/* Into the slots from `at` on, which are taken already. */
GLOBAL int stack_put(__u64 run, const struct scratch *s, __u64 at, __u32 frames)
{
	struct run own = {}, *r = &own;
	struct stack_event *e;
	__u32 n, i;

	if (!s || !run_unpack(r, run))
		return 0;
	for (n = 0; n < STACK_SLOTS; n++) {
		if (n * STACK_SLOT_FRAMES >= frames)
			break;
		e = slot_at(r, at + n);
		if (!e)
			break;
		e->head.kind = EVENT_STACK;
		e->head.context = r->context;
		e->head.seq = 0;
		e->first = n * STACK_SLOT_FRAMES;
		e->count = frames;
		for (i = 0; i < STACK_SLOT_FRAMES; i++)
			e->frames[i] = s->frames[n * STACK_SLOT_FRAMES + i] - constants.text_base;
		slot_give(r, e, at + n);
	}
	return 0;
}

/* --- flows, in light recordings -------------------------------------------------------------------------------- */

#define FLOW_PACKETS 4		/* of each flow that get stacks */

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, __u32);
} flows SEC(".maps");

static __always_inline __u64 mix(__u64 a, __u64 b)
{
	a = (a ^ b) * 0x9e3779b97f4a7c15ULL;
	return a ^ a >> 29;
}

/* Protocol, addresses and ports as one number. */
static __always_inline __u64 flow_key(const struct view *v)
{
	struct layers l;
	__u64 w[5], ports = 0, key;

	if (!layers_find(&l, v) || (l.protocol != ETH_P_IP && l.protocol != ETH_P_IPV6))
		return l.protocol;
	if (!words_read(w, l.l3, 5))
		return l.protocol;
	if (l.protocol == ETH_P_IP) {
		if (!(BE16(w[0], 48) & 0x1fff))
			words_read(&ports, l.l3 + (w[0] & 15) * 4, 1);
		key = mix(mix(w[1] & 0xffffffff0000ff00ULL, (__u32)w[2]), (__u32)ports);
	} else {
		words_read(&ports, l.l3 + 40, 1);
		key = mix(mix(mix(mix(w[1], w[2]), w[3]), w[4]), (__u32)ports ^ (w[0] & 0xff000000000000ULL));
	}
	return key;
}

/* Is this among the first of its flow, here?  `where` tells apart what is counted for itself. */
GLOBAL int flow_is_new(__u64 skb, const struct skb_copy *copy, __u64 where)
{
	__u32 one = 1, *count;
	struct view v;
	__u64 key;

	if (!view_again(&v, skb, copy))
		return 0;
	key = mix(flow_key(&v), where);
	count = bpf_map_lookup_elem(&flows, &key);
	if (!count) {
		bpf_map_update_elem(&flows, &key, &one, BPF_ANY);
		return 1;
	}
	if (*count >= FLOW_PACKETS)
		return 0;
	__sync_fetch_and_add(count, 1);
	return 1;
}

/* --- bytes ---------------------------------------------------------------------------------------------------- */

struct data_walk {
	struct run *run;
	__u64 packet;
	__u64 from;
	__u32 len, total;
	__u32 layer;
};

static long data_step(__u32 n, struct data_walk *w)
{
	__u32 offset = n * DATA_SLOT_BYTES, size;
	struct data_event *e;
	__u64 at;

	if (offset >= w->total)
		return 1;
	size = w->total - offset;
	if (size > DATA_SLOT_BYTES)
		size = DATA_SLOT_BYTES;
	e = event_take(w->run, EVENT_DATA, &at);
	if (!e)
		return 1;
	e->time_ns = w->run->time_ns;
	e->packet = w->packet;
	e->len = w->len;
	e->offset = offset;
	e->total = w->total;
	e->size = size;
	e->layer = w->layer;
	bpf_probe_read_kernel(e->bytes, size, (void *)(w->from + offset));
	slot_give(w->run, e, at);
	return 0;
}

#define DATA_MAX 65535		/* what a recording takes in one piece */

static __always_inline void data_take(struct data_walk *w)
{
	if (w->total > constants.data_bytes)
		w->total = constants.data_bytes;
	if (w->total > w->len)
		w->total = w->len;
	if (w->total > DATA_MAX)
		w->total = DATA_MAX;
	bpf_loop((w->total + DATA_SLOT_BYTES - 1) / DATA_SLOT_BYTES, data_step, w, 0);
}

struct data_place {
	__u64 from;
	__u32 len, total;
	__u32 layer;
};

/* What is not paged of the first bytes, from the lowest layer on.  A frame of its own: those of a chain add up. */
static __noinline int data_find(struct data_place *d, __u64 skb, const struct skb_copy *copy)
{
	struct view view, *v = &view;
	__u64 head, end, data;
	__u16 mac, network;
	struct image image;

	if (!view_again(v, skb, copy))
		return 0;
	head = SKB_ADDRESS(v, head);
	end = head + SKB(v, tail);
	data = SKB_ADDRESS(v, data);
	mac = SKB(v, mac_header);
	network = SKB(v, network_header);
	d->layer = 3;
	d->from = network ? head + network : data;
	if (mac != 0xffff && (!network || network > mac)) {
		d->from = head + mac;
		d->layer = 2;
	}
	if (d->from >= end)
		return 0;
	d->len = SKB(v, len) + (__u32)(data - d->from);
	if (d->layer == 2 && end == d->from + LINK_BYTES && SKB(v, data_len) && image_find(&image, v, d->from)) {
		d->from = image.l3 - LINK_BYTES;
		end = image.end;
	}
	d->total = end - d->from;
	return 1;
}

static __noinline int data_put(__u64 run, __u64 time_ns, __u64 packet, const struct data_place *d)
{
	struct run r = { .time_ns = time_ns };
	struct data_walk w = { .run = &r, .packet = packet, .from = d->from, .len = d->len, .total = d->total, .layer = d->layer };

	if (run_unpack(&r, run))
		data_take(&w);
	return 0;
}

/* Once for each packet, when its headers are complete. */
GLOBAL int data_submit(__u64 run, __u64 time_ns, __u64 packet, __u64 skb, const struct skb_copy *copy)
{
	struct data_place d = {};

	return data_find(&d, skb, copy) ? data_put(run, time_ns, packet, &d) : 0;
}

/* --- the hop --------------------------------------------------------------------------------------------------- */

/* Nothing was read of the packet: all from tcp_seq on.  Word by word, what the compiler would do in many small steps. */
#define HEADER_WORDS ((SLOT_BYTES - __builtin_offsetof(struct hop_event, tcp_seq)) / 8)

static __always_inline void hop_blank_headers(struct hop_event *e)
{
	volatile __u64 *word = (volatile __u64 *)&e->tcp_seq;
	__u32 i;

#pragma unroll
	for (i = 0; i < HEADER_WORDS; i++)
		word[i] = 0;
}

/* Room for a hop and so many slots more, with its sequence number; NULL is counted. */
static __always_inline struct hop_event *hop_take(struct run *r, __u8 kind, __u64 packet, __u64 func, __u32 more, __u64 *at)
{
	struct cpu_control *c = r->control;
	struct hop_event *e = NULL;
	__u64 seq = __sync_fetch_and_add(&c->hops, 1);

	if (slots_take(c, 1 + more, at))
		e = slot_at(r, *at);
	if (!e) {
		__sync_fetch_and_add(&c->lost, 1);
		return NULL;
	}
	e->head.kind = kind;
	e->head.context = r->context;
	e->head.seq = seq;
	e->time_ns = r->time_ns;
	e->packet = packet;
	e->func = func - constants.text_base;
	e->pid = bpf_get_current_pid_tgid() >> 32;
	e->value = 0;
	hop_blank_headers(e);
	return e;
}

/* Nor of the sk_buff. */
static __always_inline void hop_blank(struct hop_event *e)
{
	e->len = e->data_len = e->ifindex = e->netns = e->mark = 0;
}

/* What a hop is of: filled by the programs, with view and packet by hop_find(). */
struct hop {
	struct run run;
	struct view view;
	struct packet_state *packet;
	__u64 skb;
	__u64 func;		/* an address in it */
	__u64 cookie;
	__u64 state;		/* address of a struct nf_hook_state, with COOKIE_STATE */
	__s32 value;
	__u8 kind;
	bool stack;		/* is wanted in any case */
	bool receiving;		/* it counts only if the stack shows that a packet is being received */
	bool blank;		/* there is nothing in the sk_buff yet */
};

/*
 * While nothing is followed, most of what a filter turns away is turned away at once: nothing else is looked up, filled
 * or read before.
 */
static __always_inline bool turned_away(__u64 skb)
{
	struct view v = {};

	if (!state.enabled || !is_kernel_pointer(skb))
		return true;
	if (!DIRECT || !constants.filtered || *(volatile __u64 *)&state.tracked)
		return false;
	view_open(&v, skb, NULL);
	return !packet_accepted(&v, skb);
}

/* The packet, a new one when it is to be followed; false: this is not to be recorded. */
static __always_inline bool hop_find(struct hop *h, struct skb_copy *copy)
{
	struct packet_state *p = packet_known(h->skb);
	bool born = h->cookie & COOKIE_BORN;

	if (!p && (h->cookie & COOKIE_VERIFY || (born && constants.filtered)))
		return false;
	if (!view_open(&h->view, h->skb, copy))
		return false;
	h->blank = born || h->cookie & COOKIE_BLANK;
	if (!p && constants.filtered && !packet_accepted(&h->view, h->skb))
		return false;
	run_describe(&h->run);
	if (p && !born && (!p->dying_ns || packet_is_dying(&h->run, p, h->cookie))) {
		h->packet = p;
		return true;
	}
	/* the address lives again */
	if (p && constants.filtered && (born || !packet_accepted(&h->view, h->skb))) {
		packet_forget(h->skb);
		return false;
	}
	h->packet = packet_begin(&h->run, h->skb, p, 0);
	if (h->packet && born)
		h->packet->born = TO_BORN(h->run.time_ns);
	return h->packet;
}

/* An XDP program is given the frame alone: of one of these sk_buffs. */
static __always_inline void recent_note(struct cpu_control *c, __u64 skb)
{
	if (!constants.frame_edge || c->recent[0] == skb)
		return;
	c->recent[1] = c->recent[0];
	c->recent[0] = skb;
}

/* The record, given away.  The packet's id; 0: there was no room, and that is counted. */
static __always_inline __u64 hop_submit(struct hop *h)
{
	struct run *r = &h->run;
	struct scratch *s = NULL;
	struct hop_event *e;
	__u32 frames = 0;
	__u64 at, id = h->packet->id;
	bool data;

	recent_note(r->control, h->skb);
	if (constants.light && (!h->packet->had_hop || h->kind == EVENT_DROP))
		h->packet->stacks = flow_is_new(h->skb, view_copy(&h->view), h->kind == EVENT_DROP ? h->func : 0);
	if (h->stack || constants.stacks || (constants.light ? h->packet->stacks : !h->packet->had_hop)) {
		s = scratch_take(r);
		if (s)
			frames = stack_read(r, s);
	}
	if (h->receiving && !(s && stack_receives(s, frames))) {
		id = 0;
		goto out;
	}
	e = hop_take(r, h->kind, id, h->func, stack_slots(frames), &at);
	if (!e) {
		if (frames)
			__sync_fetch_and_add(&r->control->others_lost, 1);
		id = 0;
		goto out;
	}
	e->value = h->value;
	if (h->blank)
		hop_blank(e);
	else
		skb_read(e, h->packet, &h->view);
	if (h->cookie & COOKIE_STATE)
		hook_read(e, h->state);
	data = constants.data_bytes && !h->packet->had_data && e->protocol && e->have & (HAVE_IP4 | HAVE_IP6 | HAVE_ARP);
	if (frames) {
		e->have |= HAVE_STACK;
		if (s)
			stack_put(run_pack(r), s, at + 1, frames);
	}
	if ((r->context == CONTEXT_PROCESS || r->context == CONTEXT_UNKNOWN) && e->pid && (!h->packet->had_hop || r->control->last_pid != e->pid))
		name_submit(run_pack(r), e->pid);
	slot_give(r, e, at);
	if (data) {
		h->packet->had_data = 1;
		data_submit(run_pack(r), r->time_ns, id, h->skb, view_copy(&h->view));
	}
out:
	h->packet->had_hop = 1;
	if (s)
		scratch_give(r);
	return id;
}

/* After cpu_enter(). */
static __always_inline void hop_entered(struct hop *h)
{
	struct scratch *s = NULL;

	if (!DIRECT) {
		s = scratch_take(&h->run);
		if (!s)
			goto out;
	}
	if (hop_find(h, s ? &s->skb : NULL))
		hop_submit(h);
out:
	if (s)
		scratch_give(&h->run);
}

static __always_inline int hop_record(struct hop *h)
{
	if (state.enabled && is_kernel_pointer(h->skb) && cpu_enter(&h->run, h->run.ctx))
		hop_entered(h);
	return 0;
}

#endif
