// SPDX-License-Identifier: GPL-2.0
/*
 * hop.bpf.c - notice that a kernel function handles a packet, record it.  No policy.
 *
 * Most functions need nothing but the sk_buff: one program for each common argument position is attached to them, hop1
 * ... hop3, or hop_filtered1 ... hop_filtered3 where there is a filter.  What is special about a function comes in its
 * attach cookie (cookie.h), to the program hop_special.  Where the sk_buff is the first argument, as it mostly is, small
 * programs of their own turn packets away before, and go on to the others.
 */
#include "kernel.h"
#include "frame.h"
#include "kin.h"

char LICENSE[] SEC("license") = "GPL";

/* Where there is a filter: not inlined, who is turned away shall not pay for the room that all this needs. */
static __noinline int hop_found(struct pt_regs *ctx, __u64 skb)
{
	struct hop h = { .run.ctx = ctx, .skb = skb, .func = PT_REGS_IP(ctx) };

	return hop_record(&h);
}

/* Two for each position, the recorder takes one: a call costs what twenty instructions do. */
#define HOP(position)									\
SEC("kprobe")										\
int hop##position(struct pt_regs *ctx)							\
{											\
	struct hop h = { .run.ctx = ctx, .skb = PT_REGS_PARM##position(ctx), .func = PT_REGS_IP(ctx) };	\
											\
	return hop_record(&h);								\
}											\
SEC("kprobe")										\
int hop_filtered##position(struct pt_regs *ctx)						\
{											\
	__u64 skb = PT_REGS_PARM##position(ctx);					\
											\
	return turned_away(skb) ? 0 : hop_found(ctx, skb);				\
}

HOP(1)
HOP(2)
HOP(3)

static __always_inline void arguments_read(__u64 *a, struct pt_regs *ctx)
{
	a[0] = 0;
	a[1] = PT_REGS_PARM1(ctx);
	a[2] = PT_REGS_PARM2(ctx);
	a[3] = PT_REGS_PARM3(ctx);
	a[4] = PT_REGS_PARM4(ctx);
	a[5] = PT_REGS_PARM5(ctx);
	a[6] = 0;
	a[7] = 0;
}

/*
 * Where one probe has entry and return (6.10), eight bytes go from one to the other: what is told of most calls fits
 * into them, the packet's id and the hook.
 */
#define CARRIED_IN_MAP 1		/* the rest is in the map of open calls */
#define CARRIED_HOOK 2
#define CARRIED_HOOK_SHIFT 2
#define CARRIED_FAMILY_SHIFT 6
#define CARRIED_ID_SHIFT 10

static __always_inline __u64 call_pack(const struct call_state *call)
{
	__u64 hook = call->have ? CARRIED_HOOK | (call->hook & 15) << CARRIED_HOOK_SHIFT | (call->family & 15) << CARRIED_FAMILY_SHIFT : 0;

	return call->packet << CARRIED_ID_SHIFT | hook;
}

static __always_inline void call_unpack(struct call_state *call, __u64 carried)
{
	call->packet = carried >> CARRIED_ID_SHIFT;
	call->hook = carried >> CARRIED_HOOK_SHIFT & 15;
	call->family = carried >> CARRIED_FAMILY_SHIFT & 15;
	call->have = carried & CARRIED_HOOK ? HAVE_HOOK : 0;
}

/*
 * Remember an open call whose return is recorded too: by then the sk_buff may be gone.  A call that is not recorded
 * must not leave an older one of the same place behind, whose return was missed.
 */
static __always_inline void call_open(struct hop *h, struct call_state *call, __u64 *carried)
{
	struct call_key key = { .sp = PT_REGS_SP((struct pt_regs *)h->run.ctx), .func = h->func };

	if (!call->packet && !call->child) {
		if (!carried)
			bpf_map_delete_elem(&calls, &key);
		return;
	}
	if (h->cookie & COOKIE_STATE && is_kernel_pointer(h->state)) {
		call->hook = member_read(nf_hook_state, h->state, hook);
		call->family = member_read(nf_hook_state, h->state, pf);
		call->have = HAVE_HOOK;
	}
	if (carried) {
		*carried = call->child ? CARRIED_IN_MAP : call_pack(call);
		if (!call->child)
			return;
	}
	if (bpf_map_update_elem(&calls, &key, call, BPF_ANY))
		__sync_fetch_and_add(&h->run.control->unpaired, 1);
}

/*
 * The kernel searches for a cookie among all functions of a link: what it said is kept, function and cookie in one word
 * because another CPU may write the same place.
 */
#define COOKIES_BITS 9

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << COOKIES_BITS);
	__type(key, __u32);
	__type(value, __u64);
} cookies SEC(".maps");

static __always_inline __u32 cookie_of(struct pt_regs *ctx)
{
	__u32 func = PT_REGS_IP(ctx) - constants.text_base, index = func * 0x9e3779b9u >> (32 - COOKIES_BITS), cookie;
	__u64 *kept = bpf_map_lookup_elem(&cookies, &index);

	if (kept && *kept >> 32 == func)
		return *kept;
	cookie = bpf_get_attach_cookie(ctx);
	if (kept)
		*kept = (__u64)func << 32 | cookie;
	return cookie;
}

/* Whether something waits for the return. */
static __always_inline bool special_record(struct hop *h, struct scratch *s, __u64 *carried)
{
	struct call_state *call = &s->call;
	bool found;

	__builtin_memset(call, 0, sizeof(*call));
	call->when = COOKIE_WHEN(h->cookie);
	if (COOKIE_KIN(h->cookie) && kin_enter(s, run_pack(&h->run), h->func, h->cookie, h->skb))
		h->cookie |= COOKIE_BLANK;
	if (constants.frame_edge && h->cookie & COOKIE_AROUND) {
		run_describe(&h->run);
		if (frame_rebuilt(run_pack(&h->run), h->run.time_ns, h->skb, h->func, h->state))
			h->cookie = (h->cookie & ~(__u64)COOKIE_BORN) | COOKIE_BLANK;
	}
	found = hop_find(h, &s->skb);
	if (found)
		call->packet = hop_submit(h);
	if (h->cookie & COOKIE_RETURN)
		call_open(h, call, carried);
	if (found)
		packet_release(&h->run, h->skb, h->packet, h->cookie);
	return call->packet || call->child;
}

static __always_inline bool special_enter(struct pt_regs *ctx, __u64 *carried)
{
	struct hop h = { .run.ctx = ctx };
	struct scratch *s = NULL;
	bool waits = false;
	__u32 arg;

	if (!state.enabled || !cpu_enter(&h.run, ctx))
		return false;
	s = scratch_take(&h.run);
	if (!s)
		goto out;
	h.cookie = cookie_of(ctx);
	h.func = bpf_get_func_ip(ctx);
	arg = COOKIE_POSITION(h.cookie, COOKIE_ARG_SHIFT);
	arguments_read(s->arguments, ctx);
	h.skb = s->arguments[arg];
	h.state = s->arguments[(arg + 1) & 7];
	if (h.cookie & COOKIE_REFERENCE && is_kernel_pointer(h.skb))
		words_read(&h.skb, h.skb, 1);
	if (is_kernel_pointer(h.skb))
		waits = special_record(&h, s, carried);
out:
	scratch_give(&h.run);
	return waits;
}

SEC("kprobe")
int hop_special(struct pt_regs *ctx)
{
	special_enter(ctx, NULL);
	return 0;
}

struct one_program {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
};

/* the recorder puts hop_special here, */
struct one_program special_next SEC(".maps");

SEC("kprobe")
int hop_special1(struct pt_regs *ctx)
{
	if (!turned_away(PT_REGS_PARM1(ctx)))
		bpf_tail_call(ctx, &special_next, 0);
	return 0;
}

/* --- lists of sk_buffs, each linked by its first member ----------------------------------------------------------- */

#define LIST_MAX 256		/* members that are followed; drivers and GRO make lists of 64 at most */

struct list_walk {
	void *ctx;
	__u64 list;
	__u64 skb;
	__u64 func;
	__u64 cookie;
};

static long list_step(__u32 n __attribute__((unused)), struct list_walk *w)
{
	struct hop h = { .run.ctx = w->ctx, .skb = w->skb, .func = w->func, .cookie = w->cookie };

	if (w->skb == w->list || !is_kernel_pointer(w->skb))
		return 1;
	hop_record(&h);
	w->skb = 0;
	words_read(&w->skb, h.skb, 1);
	return 0;
}

SEC("kprobe")
int hop_list(struct pt_regs *ctx)
{
	__u64 first = PT_REGS_PARM1(ctx), second = PT_REGS_PARM2(ctx), cookie;
	struct list_walk w = { .ctx = ctx };

	if (!state.enabled)
		return 0;
	asm volatile("" : "+r"(first), "+r"(second));	/* two loads, not one at a chosen address */
	cookie = cookie_of(ctx);
	w.list = COOKIE_POSITION(cookie, COOKIE_ARG_SHIFT) == 2 ? second : first;
	w.func = bpf_get_func_ip(ctx);
	w.cookie = cookie & COOKIE_VERIFY;
	if (!is_kernel_pointer(w.list))
		return 0;
	words_read(&w.skb, w.list, 1);
	bpf_loop(LIST_MAX, list_step, &w, 0);
	return 0;
}

/* --- returns ---------------------------------------------------------------------------------------------------- */

static __always_inline void return_record(struct run *r, __u64 func, const struct call_state *call, __u64 value)
{
	struct hop_event *e;
	__u64 at;

	run_describe(r);
	if (call->child)
		kin_returned(r, func, call, value);
	e = call->packet ? hop_take(r, EVENT_RETURN, call->packet, func, 0, &at) : NULL;
	if (!e)
		return;
	hop_blank(e);
	e->value = value;
	e->hook = call->hook;
	e->family = call->family;
	e->have = call->have;
	slot_give(r, e, at);
}

/* A return: the packet is known from the entry at the same place of the stack; its sk_buff may be gone. */
static __always_inline int return_find(struct pt_regs *ctx)
{
	struct call_key key = {};
	struct call_state *call;
	struct run r = {};

	if (!state.enabled || !cpu_enter(&r, ctx))
		return 0;
	key.func = bpf_get_func_ip(ctx);
	key.sp = PT_REGS_SP(ctx) - RETURN_SP_SHIFT;
	call = bpf_map_lookup_elem(&calls, &key);
	if (!call)
		return 0;
	return_record(&r, key.func, call, PT_REGS_RC(ctx));
	bpf_map_delete_elem(&calls, &key);
	return 0;
}

static __always_inline int return_carried(struct pt_regs *ctx, __u64 carried)
{
	struct call_state call = {};
	struct run r = {};

	if (carried & CARRIED_IN_MAP)
		return return_find(ctx);
	if (!state.enabled || !cpu_enter(&r, ctx))
		return 0;
	call_unpack(&call, carried);
	return_record(&r, bpf_get_func_ip(ctx), &call, PT_REGS_RC(ctx));
	return 0;
}

SEC("kprobe")
int hop_return(struct pt_regs *ctx)
{
	return return_find(ctx);
}

/*
 * Where one probe can have both (6.10): the return only comes when the entry wants it, and the function is not one of
 * two users of ftrace, which would cost more than the probe.
 */
extern bool bpf_session_is_return(void) __ksym __weak;
extern __u64 *bpf_session_cookie(void) __ksym __weak;

SEC("kprobe")
int hop_session(struct pt_regs *ctx)
{
	__u64 *carried = bpf_session_cookie();

	if (bpf_session_is_return())
		return return_carried(ctx, *carried);
	return !special_enter(ctx, carried);
}

/* and hop_session here */
struct one_program session_next SEC(".maps");

SEC("kprobe")
int hop_session1(struct pt_regs *ctx)
{
	if (bpf_session_is_return() || !turned_away(PT_REGS_PARM1(ctx)))
		bpf_tail_call(ctx, &session_next, 0);
	return 1;
}

/* --- without kprobes: tracepoints that have an sk_buff ---------------------------------------------------------- */

static __always_inline bool has_network(const struct hop *h)
{
	return member_read(sk_buff, h->skb, network_header);
}

/*
 * Not every way to free an sk_buff has a tracepoint.  Two things a packet does not do twice: being queued by its sender
 * after it was received, and coming from the same device.  And it does not lose its network header: what has none is new.
 */
static __always_inline void tracepoint_life(struct hop *h, __u8 flags)
{
	struct packet_state *p = packet_known(h->skb);
	__u64 sk;

	if (!p)
		return;
	if (p->had_network && !has_network(h)) {
		packet_forget(h->skb);
		return;
	}
	if (flags & TRACEPOINT_SENDS && p->received) {
		sk = (__u64)member_read(sk_buff, h->skb, sk);
		if (sk)
			packet_forget(h->skb);
	}
	if (flags & TRACEPOINT_RECEIVES && p->received && p->received == p->ifindex)
		packet_forget(h->skb);
}

/* kfree_skb(skb, location, reason): the reason is there since 5.17 */
SEC("raw_tp/kfree_skb")
int hop_drop(struct bpf_raw_tracepoint_args *ctx)
{
	struct hop h = { .run.ctx = ctx, .skb = ctx->args[0], .func = ctx->args[1], .kind = EVENT_DROP, .value = ctx->args[2] };

	h.stack = constants.tracepoints && !constants.light;
	if (constants.tracepoints && state.enabled)
		tracepoint_life(&h, 0);
	hop_record(&h);
	if (constants.tracepoints)	/* nothing else would tell */
		packet_forget(h.skb);
	return 0;
}

/*
 * The flags are looked up wherever they are asked for: a copy of them the verifier would remember what it knows of, and
 * go through everything between for each combination.
 */
#define FLAGS(number) (constants.tracepoint_flags[number])

static __noinline int tracepoint_record(struct bpf_raw_tracepoint_args *ctx, __u64 skb, __u32 number, bool ready)
{
	struct hop h = { .run.ctx = ctx, .skb = skb, .func = constants.text_base + TRACEPOINT_FUNC + number };
	struct packet_state *p;

	if (!state.enabled || !cpu_enter(&h.run, ctx))
		return 0;
	if (ready) {
		h.skb = h.run.control->last_skb;
		p = h.skb ? packet_known(h.skb) : NULL;
		if (!p || (constants.light && !p->stacks))
			return 0;
		h.cookie = COOKIE_VERIFY;
		h.stack = h.receiving = true;
	}
	if (!is_kernel_pointer(h.skb))
		return 0;
	if (FLAGS(number) & TRACEPOINT_ENDS)	/* that one of which nothing else was seen has served its purpose says nothing */
		h.cookie = COOKIE_VERIFY;
	tracepoint_life(&h, FLAGS(number));
	hop_entered(&h);
	if (h.packet && FLAGS(number) & TRACEPOINT_RECEIVES)
		h.packet->received = h.packet->ifindex;
	if (h.packet && !h.packet->had_network)
		h.packet->had_network = has_network(&h);
	h.run.control->last_skb = FLAGS(number) & TRACEPOINT_ENDS || !h.packet ? 0 : h.skb;
	if (FLAGS(number) & TRACEPOINT_ENDS)
		packet_forget(h.skb);
	return 0;
}

/* Where a tracepoint can have a cookie (6.10) it is its number, and one program serves all with the sk_buff at one place. */
#define TRACEPOINTS_AT(position, argument)						\
SEC("raw_tp")										\
int tracepoints_at##position(struct bpf_raw_tracepoint_args *ctx)			\
{											\
	__u32 number = bpf_get_attach_cookie(ctx) & (TRACEPOINTS - 1);			\
											\
	return tracepoint_record(ctx, argument, number, !position);			\
}

TRACEPOINTS_AT(0, 0)
TRACEPOINTS_AT(1, ctx->args[0])
TRACEPOINTS_AT(2, ctx->args[1])
TRACEPOINTS_AT(3, ctx->args[2])
TRACEPOINTS_AT(4, ctx->args[3])
TRACEPOINTS_AT(5, ctx->args[4])

/* The verifier wants each load at a place of its own: the compiler would make one of them at a chosen address. */
#define TRACEPOINT_ARGUMENT(n, position)							\
	if (constants.tracepoint_arg[n] == position)					\
		asm volatile("%0 = *(u64 *)(%1 + %2)" : "=r"(skb) : "r"(ctx), "i"(8 * (position - 1)));

#define TRACEPOINT(n)									\
SEC("raw_tp")										\
int tracepoint##n(struct bpf_raw_tracepoint_args *ctx)					\
{											\
	__u64 skb = 0;									\
											\
	TRACEPOINT_ARGUMENT(n, 1)							\
	TRACEPOINT_ARGUMENT(n, 2)							\
	TRACEPOINT_ARGUMENT(n, 3)							\
	TRACEPOINT_ARGUMENT(n, 4)							\
	TRACEPOINT_ARGUMENT(n, 5)							\
	return tracepoint_record(ctx, skb, n, FLAGS(n) & TRACEPOINT_READY);		\
}

#define TRACEPOINT_8(m)									\
	TRACEPOINT(m##0) TRACEPOINT(m##1) TRACEPOINT(m##2) TRACEPOINT(m##3)		\
	TRACEPOINT(m##4) TRACEPOINT(m##5) TRACEPOINT(m##6) TRACEPOINT(m##7)

/* numbers are octal */
TRACEPOINT_8(00)
TRACEPOINT_8(01)
TRACEPOINT_8(02)
TRACEPOINT_8(03)
TRACEPOINT_8(04)
TRACEPOINT_8(05)
TRACEPOINT_8(06)
TRACEPOINT_8(07)
