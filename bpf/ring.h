/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ring.h - the programs' side of the rings: take slots, fill them, give them away.  event.h has the picture.
 *
 * A program may be interrupted by another one of its CPU anywhere: slots are taken by atomic additions, and the ring
 * keeps some room for those that come between looking at it and taking.
 */
#ifndef PKT_RING_H
#define PKT_RING_H

#include "kernel.h"
#include "event.h"
#include "memory.h"

#define MAX_CPUS 4096
#define NESTED 4		/* process, softirq, hardirq, NMI */
#define SLACK 64		/* slots that nested programs may take at once */

struct slot {
	__u8 bytes[SLOT_BYTES];
};

/* sizes are set by the recorder */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct slot);
} slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cpu_control);
} cpus SEC(".maps");

#define SKB_BYTES 240		/* of an sk_buff that are copied: all members used are inside */

struct skb_copy {
	__u8 bytes[SKB_BYTES];
};

/* A call whose return is waited for. */
struct call_state {
	__u64 packet;		/* 0: the entry was not recorded, nor will be the return */
	__u64 child, parent;	/* of a kinship that the return decides, 0 = none; see kin_wait() */
	__u16 kin, when;
	__u8 hook, family, have, pad;
};

/* room that is too much for the stack; which one of a CPU depends on the nesting */
struct scratch {
	__u64 frames[STACK_FRAMES];
	__u64 arguments[8];	/* by position, 1 to 5; the others are 0 */
	struct skb_copy skb;
	struct call_state call;	/* here because the verifier does not tell apart what is in a map */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

/* What runs, and where: filled by cpu_enter(), which each program calls first. */
struct run {
	void *ctx;
	struct cpu_control *control;
	__u64 time_ns;
	__u32 cpu;
	__u8 context;
};

/* A copy: of what has its address taken the compiler keeps all the rest of it in memory, too, and knows no value. */
static __always_inline struct cpu_control *control_of(__u32 cpu)
{
	return bpf_map_lookup_elem(&cpus, &cpu);
}

/* So many slots side by side; room is there for all or none.  *at is the number of the first. */
static __always_inline bool slots_take(struct cpu_control *c, __u32 n, __u64 *at)
{
	__u64 used = *(volatile __u64 *)&c->head - *(volatile __u64 *)&c->tail;

	if (used + n + SLACK > 1u << constants.slot_shift)
		return false;
	*at = __sync_fetch_and_add(&c->head, n);
	return true;
}

static __always_inline void *slot_at(const struct run *r, __u64 at)
{
	__u32 index = r->cpu << constants.slot_shift | (at & ((1u << constants.slot_shift) - 1));

	return bpf_map_lookup_elem(&slots, &index);
}

/* The lap makes a slot the recorder's: everything else is written before. */
static __always_inline void slot_give(const struct run *r __attribute__((unused)), void *slot, __u64 at)
{
#if defined(__TARGET_ARCH_x86)
	asm volatile("" ::: "memory");		/* stores are seen in their order */
#else
	__sync_fetch_and_add(&r->control->fence, 1);
#endif
	*(volatile __u16 *)&((struct event_head *)slot)->lap = (at >> constants.slot_shift) + 1;
}

/* A slot of one of the small kinds, its head filled; NULL is counted. */
static __always_inline void *event_take(const struct run *r, __u8 kind, __u64 *at)
{
	struct event_head *head = NULL;

	if (slots_take(r->control, 1, at))
		head = slot_at(r, *at);
	if (!head) {
		__sync_fetch_and_add(&r->control->others_lost, 1);
		return NULL;
	}
	head->kind = kind;
	head->context = r->context;
	head->seq = 0;
	return head;
}

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

static __always_inline bool cpu_enter(struct run *r, void *ctx)
{
	r->ctx = ctx;
	r->cpu = bpf_get_smp_processor_id();
	r->control = control_of(r->cpu);
	return r->control;
}

/*
 * A function that is not static is verified once in a program, not at each call with all that is known there; but no
 * pointer to what is not plain memory can be given to it.  A run goes there as a number.
 */
#define GLOBAL __attribute__((noinline, unused))

static __always_inline __u64 run_pack(const struct run *r)
{
	return (__u64)r->cpu << 8 | r->context;
}

static __always_inline bool run_unpack(struct run *r, __u64 packed)
{
	r->cpu = packed >> 8;
	r->context = packed;
	r->control = control_of(r->cpu);
	return r->control;
}

/* What is not needed to turn a packet away. */
static __always_inline void run_describe(struct run *r)
{
	r->context = context_now();
	r->time_ns = bpf_ktime_get_ns();
}

/* A nested program comes and goes between two instructions of this one: plain arithmetic will do. */
static __always_inline struct scratch *scratch_take(struct run *r)
{
	__u32 index = r->control->nest++;

	index = r->cpu * NESTED + (index & (NESTED - 1));
	return bpf_map_lookup_elem(&scratches, &index);
}

static __always_inline void scratch_give(struct run *r)
{
	r->control->nest--;
}

#endif
