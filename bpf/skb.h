/* SPDX-License-Identifier: GPL-2.0 */
/*
 * skb.h - what is read of a packet: one copy of the sk_buff, its device and namespace, its headers, GSO, the hook.
 *
 * Every pointer of the kernel's is suspect: members lie in unions, headers are not there yet or not any more.  A group
 * of fields that was really read is marked in hop_event.have; what is not plausible is left out.
 */
#ifndef PKT_SKB_H
#define PKT_SKB_H

#include "kernel.h"
#include "event.h"

#define SKB_BYTES 240			/* of an sk_buff that are read: all members used are inside */
#define KERNEL_INUM_MIN 0xefffff00u	/* inode numbers of namespaces begin here: include/linux/proc_ns.h */

enum { ETH_P_IP = 0x0800, ETH_P_ARP = 0x0806, ETH_P_IPV6 = 0x86dd };
enum { IP_ICMP = 1, IP_TCP = 6, IP_UDP = 17, IP_DCCP = 33, IP_ICMPV6 = 58, IP_SCTP = 132, IP_UDPLITE = 136 };

struct packet_state {
	__u64 id;
	__u64 dying_ns;		/* when its release began, 0 = alive */
	__u64 dev;		/* ifindex and netns are of this device or this socket */
	__u64 sk;
	__u32 ifindex;
	__u32 netns;
};

static __always_inline bool is_kernel_pointer(__u64 p)
{
	return (__s64)p < 0 && p < -4096ULL;
}

static __always_inline __u32 net_inum(struct net *net)
{
	__u32 inum = 0;

	if (!is_kernel_pointer((__u64)net))
		return 0;
	bpf_core_read(&inum, sizeof(inum), &net->ns.inum);
	return inum >= KERNEL_INUM_MIN ? inum : 0;
}

/* Device and namespace, kept with the packet: they are read once for each device that it meets. */
static __always_inline void place_read(struct packet_state *p, __u64 dev, __u64 sk)
{
	struct net *net = NULL;

	if (p->dev == dev && p->sk == sk)
		return;
	p->ifindex = 0;
	p->netns = 0;
	if (is_kernel_pointer(dev)) {
		bpf_core_read(&net, sizeof(net), &((struct net_device *)dev)->nd_net.net);
		p->netns = net_inum(net);
		if (p->netns)
			bpf_core_read(&p->ifindex, sizeof(p->ifindex), &((struct net_device *)dev)->ifindex);
	}
	if (!p->netns && is_kernel_pointer(sk)) {
		bpf_core_read(&net, sizeof(net), &((struct sock *)sk)->__sk_common.skc_net.net);
		p->netns = net_inum(net);
	}
	p->dev = dev;
	p->sk = sk;
}

static __always_inline __u16 be16(const __u8 *p)
{
	return (__u16)p[0] << 8 | p[1];
}

static __always_inline __u32 be32(const __u8 *p)
{
	return (__u32)be16(p) << 16 | be16(p + 2);
}

/* Words are taken before it is known which are meant: chosen addresses on the stack do not pass the verifier. */
static __always_inline void l4_read(struct hop_event *e, __u64 l4, __u64 end)
{
	__u16 first, second, third;
	__u8 proto = e->l4proto;
	__u8 b[16];

	if (l4 + 8 > end || bpf_probe_read_kernel(b, 8, (void *)l4))
		return;
	first = be16(b);
	second = be16(b + 2);
	third = be16(b + 4);
	if (proto == IP_ICMP || proto == IP_ICMPV6) {
		e->sport = first;	/* type and code */
		e->dport = third;	/* echo id */
		e->have |= HAVE_L4;
		return;
	}
	if (proto != IP_TCP && proto != IP_UDP && proto != IP_DCCP && proto != IP_SCTP && proto != IP_UDPLITE)
		return;
	e->sport = first;
	e->dport = second;
	e->have |= HAVE_L4;
	if (proto != IP_TCP || l4 + 16 > end || bpf_probe_read_kernel(b, 16, (void *)l4))
		return;
	e->tcp_seq = be32(b + 4);
	e->tcp_flags = b[13];
}

static __always_inline void ip4_read(struct hop_event *e, __u64 l3, __u64 end)
{
	__u8 b[20];
	__u32 ihl;

	if (l3 + sizeof(b) > end || bpf_probe_read_kernel(b, sizeof(b), (void *)l3))
		return;
	ihl = (b[0] & 15) * 4;
	if (b[0] >> 4 != 4 || ihl < 20)
		return;
	e->ip_id = be16(b + 4);
	e->frag = be16(b + 6);
	e->ttl = b[8];
	e->l4proto = b[9];
	__builtin_memcpy(e->saddr, b + 12, 4);
	__builtin_memcpy(e->daddr, b + 16, 4);
	e->have |= HAVE_IP4;
	if (!(e->frag & 0x1fff))
		l4_read(e, l3 + ihl, end);
}

static __always_inline void ip6_read(struct hop_event *e, __u64 l3, __u64 end)
{
	__u64 at = l3 + 40;
	__u8 b[40], next;
	int i;

	if (at > end || bpf_probe_read_kernel(b, sizeof(b), (void *)l3) || b[0] >> 4 != 6)
		return;
	e->ttl = b[7];
	__builtin_memcpy(e->saddr, b + 8, 16);
	__builtin_memcpy(e->daddr, b + 24, 16);
	e->have |= HAVE_IP6;
	next = b[6];
	/* hop-by-hop 0, routing 43, fragment 44, destination options 60: RFC 8200 */
#pragma unroll
	for (i = 0; i < 4; i++) {
		if (next != 0 && next != 43 && next != 44 && next != 60)
			break;
		if (at + 8 > end || bpf_probe_read_kernel(b, 4, (void *)at))
			return;
		if (next == 44) {
			e->frag = be16(b + 2);
			at += 8;
		} else {
			at += 8 + b[1] * 8;
		}
		next = b[0];
	}
	e->l4proto = next;
	if (!(e->frag & 0xfff8))
		l4_read(e, at, end);
}

static __always_inline void arp_read(struct hop_event *e, __u64 l3, __u64 end)
{
	__u8 b[28];

	if (l3 + sizeof(b) > end || bpf_probe_read_kernel(b, sizeof(b), (void *)l3))
		return;
	if (b[4] != 6 || b[5] != 4)	/* Ethernet and IPv4 only */
		return;
	e->sport = be16(b + 6);
	__builtin_memcpy(e->saddr, b + 14, 4);
	__builtin_memcpy(e->daddr, b + 24, 4);
	e->have |= HAVE_ARP;
}

#define SKB_MEMBER(copy, member, type) (*(type *)((copy) + bpf_core_field_offset(struct sk_buff, member)))

/*
 * Where does the network header begin?  On output network_header is set when IP builds the header, before
 * skb->protocol is (ip_local_out sets that); then the transport header tells whether what is there is a header.
 * On input it is set by __netif_receive_skb_core, but after eth_type_trans() data is at the same place.
 */
static __always_inline void headers_read(struct hop_event *e, const __u8 *copy)
{
	__u64 head = SKB_MEMBER(copy, head, __u64), data = SKB_MEMBER(copy, data, __u64);
	__u16 network = SKB_MEMBER(copy, network_header, __u16);
	__u16 transport = SKB_MEMBER(copy, transport_header, __u16);
	__u64 end = head + SKB_MEMBER(copy, tail, __u32), l3 = head + network;
	__u16 protocol = e->protocol;
	__u8 first = 0;

	if (!is_kernel_pointer(head))
		return;
	if (!network && protocol)
		l3 = data;
	else if (!network || network == 0xffff)
		return;
	if (!protocol) {
		if (transport == 0xffff || transport < network + 20 || bpf_probe_read_kernel(&first, 1, (void *)l3))
			return;
		if (first >> 4 == 4 && transport == network + (first & 15) * 4)
			protocol = ETH_P_IP;
		else if (first >> 4 == 6 && transport >= network + 40)
			protocol = ETH_P_IPV6;
	}
	if (protocol == ETH_P_IP)
		ip4_read(e, l3, end);
	else if (protocol == ETH_P_IPV6)
		ip6_read(e, l3, end);
	else if (protocol == ETH_P_ARP)
		arp_read(e, l3, end);
}

static __always_inline void gso_read(struct hop_event *e, const __u8 *copy)
{
	__u64 head = SKB_MEMBER(copy, head, __u64);
	struct skb_shared_info *info = (void *)(head + SKB_MEMBER(copy, end, __u32));

	if (!is_kernel_pointer(head))
		return;
	bpf_core_read(&e->gso_size, sizeof(e->gso_size), &info->gso_size);
	bpf_core_read(&e->gso_segs, sizeof(e->gso_segs), &info->gso_segs);
}

static __always_inline void skb_read(struct hop_event *e, struct packet_state *p, const __u8 *copy)
{
	__u16 protocol = SKB_MEMBER(copy, protocol, __u16);

	e->len = SKB_MEMBER(copy, len, __u32);
	e->data_len = SKB_MEMBER(copy, data_len, __u32);
	e->mark = SKB_MEMBER(copy, mark, __u32);
	e->protocol = __builtin_bswap16(protocol);
	e->have = HAVE_SKB;
	if (!p->dying_ns)
		place_read(p, SKB_MEMBER(copy, dev, __u64), SKB_MEMBER(copy, sk, __u64));
	e->ifindex = p->ifindex;
	e->netns = p->netns;
	if (p->netns)
		e->have |= HAVE_NETNS;
	if (p->dying_ns)
		return;		/* the data may be gone already */
	headers_read(e, copy);
	gso_read(e, copy);
}

static __always_inline void hook_read(struct hop_event *e, __u64 state)
{
	struct nf_hook_state *s = (void *)state;

	if (!is_kernel_pointer(state))
		return;
	if (bpf_core_read(&e->hook, 1, &s->hook) || bpf_core_read(&e->family, 1, &s->pf))
		return;
	e->have |= HAVE_HOOK;
}

#endif
