/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kin.h - one packet is made of another, or goes on in another: what schema/lineage.tsv says of functions, done.
 *
 * Most kinships are seen as a function is entered.  Some hold only by what it returns, and some concern packets that
 * are known only then: those wait in the map of open calls.
 */
#ifndef PKT_KIN_H
#define PKT_KIN_H

#include "hop.h"

struct call_key {
	__u64 sp;		/* where the return address is: no two open calls share it */
	__u64 func;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, struct call_key);
	__type(value, struct call_state);
} calls SEC(".maps");

struct kin {
	__u64 cookie;
	__u64 child_skb, parent_skb;
	__u64 child, parent;	/* found: ids; 0: there is nothing to tell */
	__u32 kind;
	bool begins;		/* the child's life began just now */
};

/*
 * The function makes a packet of another, or adds one to another.  The child of a packet that is followed is followed
 * too; what is made of one that is not, is not what was at its address before.
 */
static __always_inline void kin_find(struct run *r, struct kin *kin)
{
	/* what is NULL is no packet; nor would the table know: its free places have that key */
	struct packet_state *from = is_kernel_pointer(kin->parent_skb) ? packet_known(kin->parent_skb) : NULL;
	struct packet_state *to = is_kernel_pointer(kin->child_skb) ? packet_known(kin->child_skb) : NULL;
	bool joins = kin->cookie & COOKIE_KIN_JOINS;
	__u64 id;

	if (!from || from->dying_ns) {
		if (to && !joins)
			packet_forget(kin->child_skb);
		return;
	}
	id = from->id;
	kin->kind = COOKIE_KIN(kin->cookie);
	if (kin->cookie & COOKIE_KIN_INSIDE) {
		from->kin = kin->kind;
		return;
	}
	if (!is_kernel_pointer(kin->child_skb))
		return;
	if (!joins && from->kin)
		kin->kind = from->kin;
	if (to && !to->dying_ns && to->parent == id && !joins)
		return;		/* that is known already: one such function calls another */
	if (to && !to->dying_ns && !to->parent && to->born && TO_BORN(r->time_ns) - to->born < BORN_LATELY) {
		to->parent = id;	/* it was allocated for this */
	} else if (!to || to->dying_ns || !joins) {
		to = packet_begin(r, kin->child_skb, to, id);
		kin->begins = !joins;
	}
	if (!to || to->id == id)
		return;
	kin->child = to->id;
	kin->parent = id;
}

#define CHAIN_MAX 256		/* packets that hang in another: 64 KiB in fragments of 256 bytes */

/*
 * Two kinships wait for the return with the child's address instead of its id: what is there as the function is entered
 * is not yet the child.
 */
static __always_inline void kin_wait(const struct kin *kin, struct call_state *call)
{
	struct packet_state *from;

	if (!is_kernel_pointer(kin->child_skb) || (call->when == KIN_AFTER && !is_kernel_pointer(kin->parent_skb)))
		return;
	from = packet_known(call->when == KIN_AFTER ? kin->parent_skb : kin->child_skb);
	if (!from || from->dying_ns)
		return;
	call->child = kin->child_skb;
	call->parent = from->id;
	call->kin = COOKIE_KIN(kin->cookie);
}

/* What is to wait for the return is in s->call.  Does the packet begin here? */
GLOBAL int kin_enter(struct scratch *s, __u64 run, __u64 func, __u64 cookie, __u64 skb)
{
	struct kin kin = { .cookie = cookie };
	struct run r = {};

	if (!s || !run_unpack(&r, run))
		return 0;
	kin.child_skb = s->arguments[COOKIE_POSITION(cookie, COOKIE_CHILD_SHIFT)];
	kin.parent_skb = s->arguments[COOKIE_POSITION(cookie, COOKIE_PARENT_SHIFT)];
	if (cookie & COOKIE_REFERENCE && cookie & COOKIE_KIN_INSIDE)
		kin.parent_skb = skb;
	run_describe(&r);
	if (s->call.when >= KIN_AFTER) {
		kin_wait(&kin, &s->call);
		return 0;
	}
	kin_find(&r, &kin);
	if (kin.child && s->call.when) {
		s->call.child = kin.child;
		s->call.parent = kin.parent;
		s->call.kin = kin.kind;
	} else if (kin.child) {
		edge_submit(&r, func, kin.kind, kin.child, kin.parent);
	}
	return kin.begins && kin.child_skb == skb;
}

struct chain_walk {
	struct run *run;
	__u64 skb;
	__u64 func;
	__u64 child;
	__u32 kin;
};

static long chain_step(__u32 n __attribute__((unused)), struct chain_walk *w)
{
	struct packet_state *p;

	if (!is_kernel_pointer(w->skb))
		return 1;
	p = packet_known(w->skb);
	if (p && !p->dying_ns)
		edge_submit(w->run, w->func, w->kin, w->child, p->id);
	return !words_read(&w->skb, w->skb, 1);	/* a list is linked by the first member */
}

/* The sk_buff is still its caller's, who goes on with it. */
GLOBAL int kin_after(__u64 run, __u64 time_ns, __u64 func, const struct call_state *call)
{
	struct run r = { .time_ns = time_ns };
	struct chain_walk w = { .run = &r, .func = func };
	struct packet_state *p;
	__u64 skb, info;

	if (!call || !run_unpack(&r, run))
		return 0;
	w.kin = call->kin;
	skb = call->child;
	p = packet_known(skb);
	if (!p || p->dying_ns)
		return 0;
	w.child = p->id;
	if (call->when == KIN_AFTER) {
		if (p->id != call->parent)
			edge_submit(&r, func, call->kin, p->id, call->parent);
		return 0;
	}
	info = (__u64)member_read(sk_buff, skb, head) + member_read(sk_buff, skb, end);
	if (!is_kernel_pointer(info))
		return 0;
	/* as a number: a typed pointer could not be looked up */
	if (!words_read(&w.skb, info + bpf_core_field_offset(struct skb_shared_info, frag_list), 1))
		return 0;
	bpf_loop(CHAIN_MAX, chain_step, &w, 0);
	return 0;
}

static __always_inline bool kin_holds(__u32 when, __u64 value)
{
	if (when == KIN_TRUE)
		return value & 0xff;	/* of a bool the rest of the register is undefined */
	return when == KIN_NONZERO ? (__u32)value : !(__u32)value;
}

static __always_inline void kin_returned(struct run *r, __u64 func, const struct call_state *call, __u64 value)
{
	if (call->when >= KIN_AFTER)
		kin_after(run_pack(r), r->time_ns, func, call);
	else if (kin_holds(call->when, value))
		edge_submit(r, func, call->kin, call->child, call->parent);
}

#endif
