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
#include "skb.h"

char LICENSE[] SEC("license") = "GPL";

#define MAX_CPUS 4096
#define DYING_NS 100000000ULL		/* a release that took longer than this is over */

const volatile struct program_constants constants;
struct program_state state;

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
	__uint(max_entries, 65536);	/* in flight at once; more are counted as lost */
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

/* The sk_buff that an argument leads to; 0: there is none, or it is not certain that it is one. */
static __always_inline __u64 argument_follow(__u64 argument, __u64 cookie)
{
	__u64 skb = argument;

	if (cookie & COOKIE_LIST)
		return 0;
	if (cookie & COOKIE_REFERENCE && bpf_probe_read_kernel(&skb, sizeof(skb), (void *)argument))
		return 0;
	if (cookie & COOKIE_VERIFY && !bpf_map_lookup_elem(&packets, &skb))
		return 0;
	return skb;
}

static __always_inline int hop_record(struct pt_regs *ctx, __u64 argument, __u64 next_arg)
{
	struct packet_state *p = NULL;
	struct hop h = {};
	struct hop_event *e;
	bool fresh = false;
	__u64 cookie, id;

	if (!hop_begin(&h, ctx))
		return 0;
	cookie = bpf_get_attach_cookie(ctx);
	h.skb = argument_follow(argument, cookie);
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
