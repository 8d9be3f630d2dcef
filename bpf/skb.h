/* SPDX-License-Identifier: GPL-2.0 */
/*
 * skb.h - what is read of a packet: the sk_buff, its device and namespace, its headers, GSO, the hook.
 *
 * Every pointer of the kernel's is suspect: members lie in unions, headers are not there yet or not any more.  A group
 * of fields that was really read is marked in hop_event.have; what is not plausible is left out.
 */
#ifndef PKT_SKB_H
#define PKT_SKB_H

#include "kernel.h"
#include "event.h"
#include "memory.h"
#include "ring.h"

#define KERNEL_INUM_MIN 0xefffff00u	/* inode numbers of namespaces begin here: include/linux/proc_ns.h */

enum { ETH_P_IP = 0x0800, ETH_P_ARP = 0x0806, ETH_P_IPV6 = 0x86dd };
enum { IP_ICMP = 1, IP_TCP = 6, IP_UDP = 17, IP_DCCP = 33, IP_ICMPV6 = 58, IP_SCTP = 132, IP_UDPLITE = 136 };

struct packet_state {
	__u64 id;
	__u64 dying_ns;		/* when its release began, 0 = alive */
	__u64 dev;		/* ifindex and netns are of this device or this socket */
	__u64 sk;
	__u64 parent;		/* id of the packet that it was made of, 0 = none */
	__u32 ifindex;
	__u32 netns;
	__u32 received;		/* ifindex it last came from, where there are only tracepoints */
	__u32 born;		/* when it came from an allocator, in units of 2^20 ns; 0: that was not seen */
	__u8 had_hop;		/* and its birth's stack with it */
	__u8 had_data;		/* its bytes were taken */
	__u8 kin;		/* what is made of it now is of this kind of kinship, 0 = not known */
	__u8 stacks;		/* a stack is wanted with each hop: among the first of its flow */
	__u8 had_network;	/* its network header was known, where there are only tracepoints */
};

/* An sk_buff that is being looked at. */
struct view {
	struct sk_buff *typed;	/* when memory is read directly */
	const struct skb_copy *copy;	/* else */
};

#define SKB(v, member)										\
	(DIRECT ? (v)->typed->member :						\
	 *(typeof(((struct sk_buff *)0)->member) *)((v)->copy->bytes + bpf_core_field_offset(struct sk_buff, member)))

/* A pointer as a number: what the verifier knows to be a pointer cannot be given to a function as an address. */
#define SKB_ADDRESS(v, member)									\
	(DIRECT ? *words_at((__u64)(v)->typed + bpf_core_field_offset(struct sk_buff, member)) : (__u64)SKB(v, member))

/* What goes to a function that opens it again; the verifier wants to know that it is nothing. */
static __always_inline const struct skb_copy *view_copy(const struct view *v)
{
	return DIRECT ? NULL : v->copy;
}

/* One that was opened before.  The copy is used only where memory cannot be read directly. */
static __always_inline bool view_again(struct view *v, __u64 skb, const struct skb_copy *copy)
{
	asm volatile("" : : "r"(skb), "r"(copy));	/* else the compiler passes anything where it is not used */
	if (DIRECT)
		v->typed = struct_at(sk_buff, skb);
	else
		v->copy = copy;
	return DIRECT || copy;
}

static __always_inline bool view_open(struct view *v, __u64 skb, struct skb_copy *copy)
{
	__u32 size = bpf_core_type_size(struct sk_buff);

	if (!view_again(v, skb, copy))
		return false;
	if (size > SKB_BYTES)
		size = SKB_BYTES;
	return DIRECT || !bpf_probe_read_kernel(copy, size, (void *)skb);
}

/* One member right behind another: read together where a load has its price (little-endian). */
#define IS_PAIR(type, a, b)								\
	(bpf_core_field_offset(struct type, b) == bpf_core_field_offset(struct type, a) + sizeof(((struct type *)0)->a))

static __always_inline __u32 net_inum(struct net *net)
{
	__u32 inum;

	if (!is_kernel_pointer((__u64)net))
		return 0;
	inum = member_read(net, net, ns.inum);
	return inum >= KERNEL_INUM_MIN ? inum : 0;
}

struct place {
	__u32 ifindex;
	__u32 netns;
};

static __always_inline void place_find(struct place *p, __u64 dev, __u64 sk)
{
	p->ifindex = 0;
	p->netns = 0;
	if (is_kernel_pointer(dev)) {
		p->netns = net_inum(member_read(net_device, dev, nd_net.net));
		if (p->netns)
			p->ifindex = member_read(net_device, dev, ifindex);
	}
	if (!p->netns && is_kernel_pointer(sk))
		p->netns = net_inum(member_read(sock, sk, __sk_common.skc_net.net));
}

/* Device and namespace, kept with the packet: they are read once for each device that it meets. */
static __always_inline void place_read(struct packet_state *p, __u64 dev, __u64 sk)
{
	struct place place;

	if (p->dev == dev && p->sk == sk)
		return;
	place_find(&place, dev, sk);
	p->ifindex = place.ifindex;
	p->netns = place.netns;
	p->dev = dev;
	p->sk = sk;
}

#define BE16(word, shift) __builtin_bswap16((word) >> (shift))
#define BE32(word, shift) __builtin_bswap32((word) >> (shift))

/*
 * Those for each kind of header are functions of their own, for the verifier: at their return it forgets the ways that led
 * there, and what comes after is gone through once and not for each.
 */

/* Words hold the bytes in the order of memory: byte n is at bit 8 * n.  (These programs are for little-endian CPUs.) */
static __always_inline void l4_read(struct hop_event *e, __u64 l4, __u64 end)
{
	__u8 proto = e->l4proto;
	__u64 w[2];

	if (l4 + 8 > end || !words_read(w, l4, 1))
		return;
	if (proto == IP_ICMP || proto == IP_ICMPV6) {
		e->sport = BE16(w[0], 0);	/* type and code */
		e->dport = BE16(w[0], 32);	/* echo id */
		e->have |= HAVE_L4;
		return;
	}
	if (proto != IP_TCP && proto != IP_UDP && proto != IP_DCCP && proto != IP_SCTP && proto != IP_UDPLITE)
		return;
	e->sport = BE16(w[0], 0);
	e->dport = BE16(w[0], 16);
	e->have |= HAVE_L4;
	if (proto != IP_TCP || l4 + 16 > end || !words_read(w + 1, l4 + 8, 1))
		return;
	e->tcp_seq = BE32(w[0], 32);
	e->tcp_flags = w[1] >> 40;
}

static __always_inline int ip4_read(struct hop_event *e, __u64 l3, __u64 end)
{
	__u64 w[3];
	__u32 ihl;

	if (l3 + 20 > end || !words_read(w, l3, 3))
		return 0;
	ihl = (w[0] & 15) * 4;
	if ((w[0] & 0xf0) != 0x40 || ihl < 20)
		return 0;
	e->ip_id = BE16(w[0], 32);
	e->frag = BE16(w[0], 48);
	e->ttl = w[1];
	e->l4proto = w[1] >> 8;
	e->saddr[0] = w[1] >> 32;
	e->daddr[0] = (__u32)w[2];
	e->have |= HAVE_IP4;
	if (!(e->frag & 0x1fff))
		l4_read(e, l3 + ihl, end);
	return 0;
}

GLOBAL int ip6_read(struct hop_event *e, __u64 l3, __u64 end)
{
	__u64 w[5], x, at = l3 + 40;
	__u8 next;
	int i;

	if (!e || at > end || !words_read(w, l3, 5) || (w[0] & 0xf0) != 0x60)
		return 0;
	e->ttl = w[0] >> 56;
	e->saddr[0] = w[1];
	e->saddr[1] = w[2];
	e->daddr[0] = w[3];
	e->daddr[1] = w[4];
	e->have |= HAVE_IP6;
	next = w[0] >> 48;
	/* hop-by-hop 0, routing 43, fragment 44, destination options 60: RFC 8200 */
#pragma unroll
	for (i = 0; i < 4; i++) {
		if (next != 0 && next != 43 && next != 44 && next != 60)
			break;
		if (at + 8 > end || !words_read(&x, at, 1))
			return 0;
		if (next == 44) {
			e->frag = BE16(x, 16);
			at += 8;
		} else {
			at += 8 + (x >> 8 & 0xff) * 8;
		}
		next = x;
	}
	e->l4proto = next;
	if (!(e->frag & 0xfff8))
		l4_read(e, at, end);
	return 0;
}

GLOBAL int arp_read(struct hop_event *e, __u64 l3, __u64 end)
{
	__u64 w[4];

	if (!e || l3 + 28 > end || !words_read(w, l3, 4))
		return 0;
	if ((w[0] >> 32 & 0xffff) != 0x0406)	/* Ethernet and IPv4 only */
		return 0;
	e->sport = BE16(w[0], 48);
	e->saddr[0] = w[1] >> 48 | (w[2] & 0xffff) << 16;
	e->daddr[0] = (__u32)w[3];
	e->have |= HAVE_ARP;
	return 0;
}

/*
 * Some drivers (virtio_net's larger packets) leave all behind the Ethernet header in pages, and headers are pulled out of
 * them when somebody asks.  The packet is whole there: the header was copied from right before the first piece.
 */
#define LINK_BYTES 14
#define PAGE_SHIFT 12

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct page_places);
} pages SEC(".maps");

struct image {
	__u64 l3;	/* the Ethernet header is before it */
	__u64 end;
};

static __noinline int image_find(struct image *image, const struct view *v, __u64 l2)
{
	__u64 info = SKB_ADDRESS(v, head) + SKB(v, end), w[2], first, second;
	const struct page_places *places;
	__u32 zero = 0;

	places = bpf_map_lookup_elem(&pages, &zero);
	if (!places || !places->page_offset_at || !is_kernel_pointer(info) || !member_read(skb_shared_info, info, nr_frags))
		return 0;
	if (!words_read(w, info + bpf_core_field_offset(struct skb_shared_info, frags), 2) || w[0] & 1)
		return 0;
	image->l3 = w[0];
	image->end = (__u32)w[1];
	second = w[1] >> 32;
	if (!words_read(w, places->vmemmap_at, 1))
		return 0;
	first = (image->l3 - w[0]) / bpf_core_type_size(struct page) << PAGE_SHIFT;
	if (!words_read(w, places->page_offset_at, 1))
		return 0;
	image->l3 = first + w[0] + second;
	image->end += image->l3;
	if (!is_kernel_pointer(image->l3) || !words_read(w, image->l3 - LINK_BYTES, 2))
		return 0;
	first = w[0];
	second = w[1];
	return words_read(w, l2, 2) && w[0] == first && !((w[1] ^ second) << 16);
}

/* Where the headers of an sk_buff are. */
struct layers {
	__u64 head;
	__u64 end;		/* of what is not paged */
	__u64 l3;		/* 0: there is none */
	__u16 protocol;		/* ethertype, 0: not known yet */
};

/*
 * Where does the network header begin?  On output network_header is set when IP builds the header, before
 * skb->protocol is (ip_local_out sets that); then the transport header tells whether what is there is a header.
 * On input it is set by __netif_receive_skb_core, but after eth_type_trans() data is at the same place.
 */
static __always_inline bool layers_find(struct layers *l, const struct view *v)
{
	__u16 network = SKB(v, network_header), transport;
	__u64 first;

	l->head = SKB_ADDRESS(v, head);
	l->end = l->head + SKB(v, tail);
	l->protocol = __builtin_bswap16(SKB(v, protocol));
	l->l3 = l->head + network;
	if (!is_kernel_pointer(l->head))
		return false;
	if (!network && l->protocol)
		l->l3 = SKB_ADDRESS(v, data);
	else if (!network || network == 0xffff)
		return false;
	if (l->protocol)
		return true;
	transport = SKB(v, transport_header);
	if (transport == 0xffff || transport < network + 20 || !words_read(&first, l->l3, 1))
		return false;
	if ((first & 0xf0) == 0x40 && transport == network + (first & 15) * 4)
		l->protocol = ETH_P_IP;
	else if ((first & 0xf0) == 0x60 && transport >= network + 40)
		l->protocol = ETH_P_IPV6;
	return true;
}

static __noinline int layers_paged(struct layers *l, const struct view *v)
{
	struct image image;

	if (!image_find(&image, v, l->l3 - LINK_BYTES))
		return 0;
	l->l3 = image.l3;
	l->end = image.end;
	return 0;
}

static __always_inline void headers_read(struct hop_event *e, const struct layers *l)
{
	if (l->protocol == ETH_P_IP)
		ip4_read(e, l->l3, l->end);
	else if (l->protocol == ETH_P_IPV6)
		ip6_read(e, l->l3, l->end);
	else if (l->protocol == ETH_P_ARP)
		arp_read(e, l->l3, l->end);
}

static __always_inline void gso_read(struct hop_event *e, const struct view *v, __u64 head)
{
	__u64 info = head + SKB(v, end), words;

	if (IS_PAIR(skb_shared_info, gso_size, gso_segs)) {
		words_read(&words, info + bpf_core_field_offset(struct skb_shared_info, gso_size), 1);
		e->gso_size = words;
		e->gso_segs = words >> 16;
		return;
	}
	e->gso_size = member_read(skb_shared_info, info, gso_size);
	e->gso_segs = member_read(skb_shared_info, info, gso_segs);
}

static __always_inline void skb_read(struct hop_event *e, struct packet_state *p, const struct view *v)
{
	struct layers l;
	__u64 lengths;

	if (DIRECT && IS_PAIR(sk_buff, len, data_len)) {
		words_read(&lengths, (__u64)v->typed + bpf_core_field_offset(struct sk_buff, len), 1);
		e->len = lengths;
		e->data_len = lengths >> 32;
	} else {
		e->len = SKB(v, len);
		e->data_len = SKB(v, data_len);
	}
	e->mark = SKB(v, mark);
	e->protocol = __builtin_bswap16(SKB(v, protocol));
	e->have = HAVE_SKB;
	if (!p->dying_ns)
		place_read(p, SKB_ADDRESS(v, dev), SKB_ADDRESS(v, sk));
	e->ifindex = p->ifindex;
	e->netns = p->netns;
	if (p->netns)
		e->have |= HAVE_NETNS;
	if (p->dying_ns)
		return;		/* the data may be gone already */
	if (layers_find(&l, v)) {
		if (l.l3 == l.end && e->data_len)
			layers_paged(&l, v);
		headers_read(e, &l);
	}
	if (is_kernel_pointer(l.head))
		gso_read(e, v, l.head);
}

static __always_inline void hook_read(struct hop_event *e, __u64 state)
{
	if (!is_kernel_pointer(state))
		return;
	e->hook = member_read(nf_hook_state, state, hook);
	e->family = member_read(nf_hook_state, state, pf);
	e->have |= HAVE_HOOK;
}

#endif
