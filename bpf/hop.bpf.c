// SPDX-License-Identifier: GPL-2.0
/*
 * hop.bpf.c - notice that a kernel function handles a packet, fill one record, submit it.  No policy.
 *
 * One program for each argument position of the sk_buff, attached to many functions; what is special about a
 * function comes in its attach cookie (cookie.h).  Each sk_buff gets an id at first sight.  The id ends with the
 * sk_buff: when its release begins it is `dying`, only functions of the release still belong to it, and whatever
 * else comes along at the same address afterwards is another packet.
 */
#include "kernel.h"
#include "cookie.h"
#include "event.h"

char LICENSE[] SEC("license") = "GPL";

#define MAX_CPUS 4096
#define DYING_NS 100000000ULL		/* a release that took longer than this is over */
#define SKB_BYTES 240			/* of an sk_buff that are read: all the members above are inside */
#define KERNEL_INUM_MIN 0xefffff00u	/* inode numbers of namespaces begin here: include/linux/proc_ns.h */

enum { ETH_P_IP = 0x0800, ETH_P_ARP = 0x0806, ETH_P_IPV6 = 0x86dd };
enum { IP_ICMP = 1, IP_TCP = 6, IP_UDP = 17, IP_DCCP = 33, IP_ICMPV6 = 58, IP_SCTP = 132, IP_UDPLITE = 136 };

const volatile struct program_constants constants;
struct program_state state;

struct packet_state {
	__u64 id;
	__u64 dying_ns;		/* when its release began, 0 = alive */
	__u64 dev;		/* ifindex and netns are of this device or this socket */
	__u64 sk;
	__u32 ifindex;
	__u32 netns;
};

struct call_key {
	__u64 sp;		/* where the return address is: no two open calls share it */
	__u64 func;
};

struct call_state {
	__u64 packet;
	__u8 hook, family, have, pad[5];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);	/* the recorder may change it */
	__type(key, __u64);		/* address of the sk_buff: never leaves the kernel */
	__type(value, struct packet_state);
} packets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, struct call_key);
	__type(value, struct call_state);
} calls SEC(".maps");

struct name {
	__u64 half[2];		/* 16 bytes of text, to be compared quickly */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, struct name);
} names SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cpu_counters);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} last_pid SEC(".maps");

/* a ring for each CPU, put in by the recorder */
struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, MAX_CPUS);
	__type(key, __u32);
	__array(values, struct ring);
} rings SEC(".maps");

/* what is known of the hop while it is being recorded */
struct hop {
	void *ctx;
	__u64 skb;
	__u64 func;		/* address */
	__u64 time_ns;
	struct cpu_counters *counters;
	void *ring;
	__u32 cpu;
	__u8 context;
};

static __always_inline __u8 context_now(void)
{
	bool known;
	int count = preempt_count(&known);

	if (!known)
		return CONTEXT_UNKNOWN;
	if (count & 0xf00000)
		return CONTEXT_NMI;
	if (count & 0x0f0000)
		return CONTEXT_HARDIRQ;
	return count & 0x100 ? CONTEXT_SOFTIRQ : CONTEXT_PROCESS;
}

static __always_inline bool is_kernel_pointer(__u64 p)
{
	return (__s64)p < 0 && p < -4096ULL;
}

static __always_inline bool hop_begin(struct hop *h, void *ctx)
{
	__u32 zero = 0;

	if (!state.enabled)
		return false;
	h->ctx = ctx;
	h->cpu = bpf_get_smp_processor_id();
	h->counters = bpf_map_lookup_elem(&counters, &zero);
	h->ring = bpf_map_lookup_elem(&rings, &h->cpu);
	if (!h->counters || !h->ring)
		return false;
	h->context = context_now();
	h->time_ns = bpf_ktime_get_ns();
	return true;
}

static __always_inline void head_fill(struct event_head *head, const struct hop *h, __u8 kind)
{
	head->kind = kind;
	head->context = h->context;
	head->cpu = h->cpu;
}

/* Room for a hop with its sequence number, all zero; NULL is counted.  Interrupts may nest: hence atomics. */
static __always_inline struct hop_event *hop_reserve(struct hop *h, __u8 kind, __u64 packet)
{
	struct hop_event *e;
	__u64 seq;

	seq = __sync_fetch_and_add(&h->counters->hops, 1);
	e = bpf_ringbuf_reserve(h->ring, sizeof(*e), 0);
	if (!e) {
		__sync_fetch_and_add(&h->counters->lost, 1);
		return NULL;
	}
	__builtin_memset(e, 0, sizeof(*e));
	head_fill(&e->head, h, kind);
	e->head.seq = seq;
	e->time_ns = h->time_ns;
	e->packet = packet;
	e->func = h->func - constants.text_base;
	e->pid = bpf_get_current_pid_tgid() >> 32;
	return e;
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

static __always_inline __u64 id_fresh(struct hop *h)
{
	return (__sync_fetch_and_add(&h->counters->packets, 1) + 1) << 12 | (h->cpu & (MAX_CPUS - 1));
}

/* With -c N only the first N packets are followed. */
static __always_inline bool packet_wanted(void)
{
	if (!constants.packet_limit)
		return true;
	return state.packets < constants.packet_limit &&
	       __sync_fetch_and_add(&state.packets, 1) < constants.packet_limit;
}

static __always_inline void hop_untracked(struct hop *h)
{
	__sync_fetch_and_add(&h->counters->hops, 1);
	__sync_fetch_and_add(&h->counters->lost, 1);
	__sync_fetch_and_add(&h->counters->untracked, 1);
}

/* The state of the packet that this sk_buff is now, with a fresh id if it is new; NULL: it is not followed. */
static __always_inline struct packet_state *packet_find(struct hop *h, __u64 cookie, bool *fresh)
{
	struct packet_state *p = bpf_map_lookup_elem(&packets, &h->skb), new = {};

	if (p) {
		if (!p->dying_ns)
			return p;
		/* a second beginning, or anything that is no part of a release: the address lives again */
		if (cookie & (COOKIE_TAIL | COOKIE_END) && !(cookie & COOKIE_BEGIN) && h->time_ns - p->dying_ns < DYING_NS)
			return p;
		if (!packet_wanted())
			return NULL;
		new.id = id_fresh(h);
		*p = new;
		*fresh = true;
		return p;
	}
	if (!packet_wanted())
		return NULL;
	new.id = id_fresh(h);
	if (bpf_map_update_elem(&packets, &h->skb, &new, BPF_ANY)) {
		hop_untracked(h);	/* the map is full */
		return NULL;
	}
	*fresh = true;
	return bpf_map_lookup_elem(&packets, &h->skb);
}

static __always_inline void stack_submit(struct hop *h, __u64 packet)
{
	struct stack_event *e = bpf_ringbuf_reserve(h->ring, sizeof(*e), 0);

	if (!e) {
		__sync_fetch_and_add(&h->counters->others_lost, 1);
		return;
	}
	head_fill(&e->head, h, EVENT_STACK);
	e->head.seq = 0;
	e->packet = packet;
	e->size = bpf_get_stack(h->ctx, e->frames, sizeof(e->frames), 0);
	bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
}

/* A process is named when its first packet, or a first hop after another process on this CPU, shows a new name. */
static __always_inline void name_submit(struct hop *h, bool fresh)
{
	__u32 zero = 0, pid = bpf_get_current_pid_tgid() >> 32, *last;
	struct name now = {}, *known;
	struct task_struct *leader;
	struct name_event *e;

	last = bpf_map_lookup_elem(&last_pid, &zero);
	if (!last || !pid || (*last == pid && !fresh))
		return;
	*last = pid;
	leader = BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), group_leader);
	bpf_core_read(&now, sizeof(now), &leader->comm);	/* threads have names of their own */
	known = bpf_map_lookup_elem(&names, &pid);
	if (known && known->half[0] == now.half[0] && known->half[1] == now.half[1])
		return;
	e = bpf_ringbuf_reserve(h->ring, sizeof(*e), 0);
	if (!e) {
		__sync_fetch_and_add(&h->counters->others_lost, 1);
		return;
	}
	bpf_map_update_elem(&names, &pid, &now, BPF_ANY);
	head_fill(&e->head, h, EVENT_NAME);
	e->head.seq = 0;
	e->pid = pid;
	e->pad = 0;
	__builtin_memcpy(e->name, &now, sizeof(e->name));
	bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
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

/*
 * Remember an open call whose return is recorded too: by then the sk_buff may be gone.  A call that is not recorded
 * (e is NULL) must not leave an older one of the same place behind, whose return was missed.
 */
static __always_inline void call_open(struct hop *h, const struct hop_event *e, __u64 sp)
{
	struct call_key key = { .sp = sp, .func = h->func };
	struct call_state call = {};

	if (!e) {
		bpf_map_delete_elem(&calls, &key);
		return;
	}
	call.packet = e->packet;
	call.hook = e->hook;
	call.family = e->family;
	call.have = e->have & HAVE_HOOK;
	if (bpf_map_update_elem(&calls, &key, &call, BPF_ANY))
		__sync_fetch_and_add(&h->counters->unpaired, 1);
}

static __always_inline void packet_release(struct hop *h, struct packet_state *p, __u64 cookie)
{
	if (cookie & COOKIE_END)
		bpf_map_delete_elem(&packets, &h->skb);
	else if (cookie & COOKIE_BEGIN)
		p->dying_ns = h->time_ns;
}

/* The whole of a hop but for what its kind adds; NULL when there is nothing to submit. */
static __always_inline struct hop_event *hop_fill(struct hop *h, __u8 kind, __u64 cookie, bool *fresh,
						  struct packet_state **found)
{
	__u8 copy[SKB_BYTES] __attribute__((aligned(8)));
	__u32 size = bpf_core_type_size(struct sk_buff);
	struct packet_state *p;
	struct hop_event *e;

	if (!is_kernel_pointer(h->skb))
		return NULL;
	if (size > sizeof(copy))
		size = sizeof(copy);
	if (bpf_probe_read_kernel(copy, size, (void *)h->skb))
		return NULL;
	*found = p = packet_find(h, cookie, fresh);
	if (!p)
		return NULL;
	e = hop_reserve(h, kind, p->id);
	if (e)
		skb_read(e, p, copy);
	return e;
}

static __always_inline int hop_record(struct pt_regs *ctx, __u64 skb, __u64 next_arg)
{
	struct packet_state *p = NULL;
	struct hop h = { .skb = skb };
	struct hop_event *e;
	bool fresh = false;
	__u64 cookie, id;

	if (!hop_begin(&h, ctx))
		return 0;
	cookie = bpf_get_attach_cookie(ctx);
	h.func = bpf_get_func_ip(ctx);
	e = hop_fill(&h, EVENT_HOP, cookie, &fresh, &p);
	if (e && cookie & COOKIE_STATE)
		hook_read(e, next_arg);
	if (cookie & COOKIE_RETURN)
		call_open(&h, e, PT_REGS_SP(ctx));
	if (e) {
		id = e->packet;
		bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
		if (fresh)
			stack_submit(&h, id);
		if (h.context == CONTEXT_PROCESS)
			name_submit(&h, fresh);
	}
	if (p)
		packet_release(&h, p, cookie);
	return 0;
}

SEC("kprobe")
int hop1(struct pt_regs *ctx)
{
	return hop_record(ctx, PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx));
}

SEC("kprobe")
int hop2(struct pt_regs *ctx)
{
	return hop_record(ctx, PT_REGS_PARM2(ctx), PT_REGS_PARM3(ctx));
}

SEC("kprobe")
int hop3(struct pt_regs *ctx)
{
	return hop_record(ctx, PT_REGS_PARM3(ctx), PT_REGS_PARM4(ctx));
}

SEC("kprobe")
int hop4(struct pt_regs *ctx)
{
	return hop_record(ctx, PT_REGS_PARM4(ctx), PT_REGS_PARM5(ctx));
}

SEC("kprobe")
int hop5(struct pt_regs *ctx)
{
	return hop_record(ctx, PT_REGS_PARM5(ctx), 0);
}

/* A return: the packet is known from the entry at the same place of the stack; the sk_buff is not touched. */
SEC("kprobe")
int hop_return(struct pt_regs *ctx)
{
	struct call_key key = {};
	struct call_state *call;
	struct hop_event *e;
	struct hop h = {};

	if (!hop_begin(&h, ctx))
		return 0;
	h.func = bpf_get_func_ip(ctx);
	key.sp = PT_REGS_SP(ctx) - RETURN_SP_SHIFT;
	key.func = h.func;
	call = bpf_map_lookup_elem(&calls, &key);
	if (!call)
		return 0;
	e = hop_reserve(&h, EVENT_RETURN, call->packet);
	if (e) {
		e->value = PT_REGS_RC(ctx);
		e->hook = call->hook;
		e->family = call->family;
		e->have = call->have;
		bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
	}
	bpf_map_delete_elem(&calls, &key);
	return 0;
}

/* kfree_skb(skb, location, reason): the reason is there since 5.17 */
SEC("raw_tp/kfree_skb")
int hop_drop(struct bpf_raw_tracepoint_args *ctx)
{
	struct packet_state *p = NULL;
	struct hop h = { .skb = ctx->args[0], .func = ctx->args[1] };
	struct hop_event *e;
	bool fresh = false;
	__u64 id;

	if (!hop_begin(&h, ctx))
		return 0;
	e = hop_fill(&h, EVENT_DROP, 0, &fresh, &p);
	if (!e)
		return 0;
	id = e->packet;
	e->value = ctx->args[2];
	bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
	if (fresh)
		stack_submit(&h, id);
	return 0;
}
