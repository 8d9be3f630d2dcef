/* SPDX-License-Identifier: GPL-2.0 */
/*
 * packet.h - which packet is this sk_buff?  Identity, kinship, and whether a new one is to be followed.
 *
 * Each sk_buff gets an id at first sight.  The id ends with the sk_buff: when its release begins it is `dying`, only
 * functions of the release still belong to it, and whatever else comes along at the same address afterwards is another
 * packet.  So is what comes fresh from an allocator.  A packet that was accepted once is followed whatever its headers
 * become, and so is what is made of it.
 */
#ifndef PKT_PACKET_H
#define PKT_PACKET_H

#include "cookie.h"
#include "event.h"
#include "filter.h"
#include "memory.h"
#include "ring.h"
#include "skb.h"

#define TO_BORN(time_ns) ((__u32)((time_ns) >> 20) | 1)
#define BORN_LATELY 32			/* units of packet_state.born: an allocation is followed by its use */
#define DYING_NS 100000000ULL		/* a release that took longer than this is over */

struct program_state state;

/*
 * The packets in flight, by the address of their sk_buff, which never leaves the kernel.  Every hop looks here, so this
 * is no map of the kernel's but two arrays: a bucket is one cache line of keys, the states lie beside it.  Where a
 * bucket is full the kernel's hash map takes the rest, and more than that are counted as lost.
 */
#define BUCKET_BITS 14
#define BUCKET_WAYS 7
#define KEY_TAKEN 1			/* by a program that is filling the state */

struct bucket {
	__u64 key[BUCKET_WAYS];
	__u64 beyond;			/* how many of this bucket are in the other map */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << BUCKET_BITS);
	__type(key, __u32);
	__type(value, struct bucket);
} buckets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8 << BUCKET_BITS);
	__type(key, __u32);
	__type(value, struct packet_state);
} states SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, struct packet_state);
} beyond SEC(".maps");

static __always_inline __u32 bucket_of(__u64 skb)
{
	return skb * 0x9e3779b97f4a7c15ULL >> (64 - BUCKET_BITS);
}

static __always_inline struct packet_state *state_at(__u32 bucket, __u32 way)
{
	__u32 index = bucket * 8 + way;

	return bpf_map_lookup_elem(&states, &index);
}

static __always_inline struct packet_state *table_find(__u64 skb)
{
	__u32 index = bucket_of(skb), way;
	struct bucket *b = bpf_map_lookup_elem(&buckets, &index);

	if (!b)
		return NULL;
#pragma unroll
	for (way = 0; way < BUCKET_WAYS; way++)
		if (b->key[way] == skb)
			return state_at(index, way);
	return b->beyond ? bpf_map_lookup_elem(&beyond, &skb) : NULL;
}

static __always_inline void tracked_add(__s64 n)
{
	if (constants.filtered)
		__sync_fetch_and_add(&state.tracked, n);
}

static __always_inline void state_begin(struct packet_state *p, __u64 id, __u64 parent)
{
	__builtin_memset(p, 0, sizeof(*p));
	p->id = id;
	p->parent = parent;
}

/*
 * 0: there is no room.  Not every release is seen to its end; a place of what was released long ago is as good as a
 * free one.
 */
GLOBAL int table_add(__u64 skb, __u64 id, __u64 parent, __u64 now_ns)
{
	__u32 index = bucket_of(skb), way;
	struct bucket *b = bpf_map_lookup_elem(&buckets, &index);
	struct packet_state *p;
	__u64 key;

	if (!b)
		return 0;
	for (way = 0; way < BUCKET_WAYS; way++) {
		key = b->key[way];
		p = state_at(index, way);
		if (!p || key == KEY_TAKEN || (key && (!p->dying_ns || now_ns - p->dying_ns < DYING_NS)))
			continue;
		if (__sync_val_compare_and_swap(&b->key[way], key, KEY_TAKEN) != key)
			continue;
		if (key)
			tracked_add(-1);
		state_begin(p, id, parent);
		b->key[way] = skb;
		return 1;
	}
	p = state_at(index, BUCKET_WAYS);	/* nobody's: zeros that need no room here */
	if (!p || bpf_map_update_elem(&beyond, &skb, p, BPF_ANY))
		return 0;
	__sync_fetch_and_add(&b->beyond, 1);
	p = bpf_map_lookup_elem(&beyond, &skb);
	if (p)
		state_begin(p, id, parent);
	return 1;
}

static __always_inline bool table_remove(__u64 skb)
{
	__u32 index = bucket_of(skb), way;
	struct bucket *b = bpf_map_lookup_elem(&buckets, &index);

	if (!b)
		return false;
#pragma unroll
	for (way = 0; way < BUCKET_WAYS; way++) {
		if (b->key[way] == skb) {
			b->key[way] = 0;
			return true;
		}
	}
	if (!b->beyond || bpf_map_delete_elem(&beyond, &skb))
		return false;
	__sync_fetch_and_add(&b->beyond, -1);
	return true;
}

static __always_inline __u64 id_fresh(const struct run *r)
{
	return (__sync_fetch_and_add(&r->control->packets, 1) + 1) << 12 | (r->cpu & (MAX_CPUS - 1));
}

/* With -c N only the first N packets are followed. */
static __always_inline bool packet_wanted(void)
{
	if (!constants.packet_limit)
		return true;
	return state.packets < constants.packet_limit &&
	       __sync_fetch_and_add(&state.packets, 1) < constants.packet_limit;
}

static __always_inline struct packet_state *packet_known(__u64 skb)
{
	/* when none is followed, none needs to be looked for */
	if (constants.filtered && !*(volatile __u64 *)&state.tracked)
		return NULL;
	return table_find(skb);
}

static __always_inline void packet_forget(__u64 skb)
{
	if (table_remove(skb))
		tracked_add(-1);
}

/* The tag beside the packet, as it would stand in it; 0 = there is none. */
static __noinline __u32 tag_beside(struct view *v)
{
	const struct sk_buff___before_6_2 *before = (const void *)v->copy;
	__u32 tag = SKB(v, vlan_proto) | (__u32)__builtin_bswap16(SKB(v, vlan_tci)) << 16;

	if (DIRECT || bpf_core_field_exists(struct sk_buff, vlan_all))
		return SKB(v, vlan_all) ? tag : 0;
	return BPF_CORE_READ_BITFIELD_PROBED(before, vlan_present) ? tag : 0;
}

/* Is the frame not in one piece, as expressions want it? */
static __always_inline bool is_in_pieces(struct view *v, __u64 l2, __u64 end)
{
	return (end == l2 + LINK_BYTES && SKB(v, data_len)) || (constants.vlan && tag_beside(v));
}

/* A copy that is; 0: there is none. */
static __noinline __u64 filter_copy(struct view *v)
{
	__u64 l2 = SKB_ADDRESS(v, head) + SKB(v, mac_header), base = l2;
	struct image image = { .end = SKB_ADDRESS(v, head) + SKB(v, tail) };
	__u32 tag = constants.vlan ? tag_beside(v) : 0;

	if (image.end == l2 + LINK_BYTES && image_find(&image, v, l2))
		base = image.l3 - LINK_BYTES;
	if (!tag && base == l2)
		return 0;
	return beginning_copy(base, image.end - base, SKB(v, len) + (__u32)(SKB_ADDRESS(v, data) - l2), tag, context_now());
}

/* What lies before it, as words: a function, for stack frames are dear here. */
static __noinline __u64 copy_word(__u64 copy, int n)
{
	__u64 word = 0;

	words_read(&word, copy + n * sizeof(word), 1);
	return word;
}

static __always_inline int copy_accepted(__u64 copy)
{
	__u64 readable = copy_word(copy, -2), length = copy_word(copy, -1), l3 = LINK_BYTES + (readable >> 32);

	readable = (__u32)readable;
	if (constants.filter && !filter_l2(copy, readable, length))
		return 0;
	return !constants.tunnel || (readable > l3 && filter_tunnel(copy + l3, readable - l3, length - l3));
}

/*
 * The expressions: on the link layer where there is one, else on the network layer; and on the packet inside a tunnel.
 * Frames of these functions are small: the filters' own need room.
 */
GLOBAL int filter_accepts(__u64 skb, const struct skb_copy *copy)
{
	__u64 head, end, data, l2, l3, joined;
	struct view view, *v = &view;
	__u16 mac, network;
	bool has_l2;
	__u32 len;

	if (!view_again(v, skb, copy))
		return 0;
	head = SKB_ADDRESS(v, head);
	end = head + SKB(v, tail);
	data = SKB_ADDRESS(v, data);
	mac = SKB(v, mac_header);
	network = SKB(v, network_header);
	l2 = head + mac;
	l3 = head + network;
	len = SKB(v, len);
	has_l2 = mac != 0xffff && (!network || network >= mac + 14);
	if (!is_kernel_pointer(head) || (has_l2 ? l2 : l3) >= end || (!has_l2 && !network))
		return 0;
	if (has_l2 && is_in_pieces(v, l2, end)) {
		joined = filter_copy(v);
		if (joined)
			return copy_accepted(joined);
	}
	if (constants.filter && has_l2 && !filter_l2(l2, end - l2, len + (__u32)(data - l2)))
		return 0;
	if (constants.filter && !has_l2 && !filter_l3(l3, end - l3, len + (__u32)(data - l3)))
		return 0;
	if (!constants.tunnel)
		return 1;
	return network && l3 < end && filter_tunnel(l3, end - l3, len + (__u32)(data - l3));
}

static __always_inline bool packet_accepted(const struct view *v, __u64 skb)
{
	struct place place;

	if (constants.mark_mask && (SKB(v, mark) & constants.mark_mask) != constants.mark)
		return false;
	if (constants.netns || constants.ifindex) {
		place_find(&place, SKB_ADDRESS(v, dev), SKB_ADDRESS(v, sk));
		if (constants.netns && place.netns != constants.netns)
			return false;
		if (constants.ifindex && place.ifindex != constants.ifindex)
			return false;
	}
	return !(constants.filter || constants.tunnel) || filter_accepts(skb, view_copy(v));
}

static __always_inline void hop_untracked(struct run *r)
{
	__sync_fetch_and_add(&r->control->hops, 1);
	__sync_fetch_and_add(&r->control->lost, 1);
	__sync_fetch_and_add(&r->control->untracked, 1);
}

/* A new life at this address, whatever was there before.  NULL: it is not followed. */
static __always_inline struct packet_state *packet_begin(struct run *r, __u64 skb, struct packet_state *before, __u64 parent)
{
	__u64 id;

	if (!packet_wanted())
		return NULL;
	id = id_fresh(r);
	if (before) {
		state_begin(before, id, parent);
		return before;
	}
	if (!table_add(skb, id, parent, r->time_ns)) {
		hop_untracked(r);
		return NULL;
	}
	tracked_add(1);
	return table_find(skb);
}

/* Does what happens now still belong to the packet that is being released? */
static __always_inline bool packet_is_dying(const struct run *r, const struct packet_state *p, __u64 cookie)
{
	return cookie & (COOKIE_TAIL | COOKIE_END) && !(cookie & COOKIE_BEGIN) && r->time_ns - p->dying_ns < DYING_NS;
}

static __always_inline void packet_release(struct run *r, __u64 skb, struct packet_state *p, __u64 cookie)
{
	if (cookie & COOKIE_END)
		packet_forget(skb);
	else if (cookie & COOKIE_BEGIN)
		p->dying_ns = r->time_ns;
}

static __always_inline void edge_submit(struct run *r, __u64 func, __u32 kind, __u64 child, __u64 parent)
{
	struct edge_event *e;
	__u64 at;

	e = event_take(r, EVENT_EDGE, &at);
	if (!e)
		return;
	e->time_ns = r->time_ns;
	e->child = child;
	e->parent = parent;
	e->kind = kind;
	e->func = func - constants.text_base;
	slot_give(r, e, at);
}

#endif
