// SPDX-License-Identifier: GPL-2.0
/*
 * filter.bpf.c - programs with every stub of bpf/filter.h, to see them replaced (tests/unit/record_filter.c).
 *
 * Calls and a callback lead over the stubs in both directions: they go wrong when something was moved wrongly.
 */
#include "filter.h"

char LICENSE[] SEC("license") = "GPL";

enum { ASK_L2, ASK_L3, ASK_TUNNEL, ASK_TAGGED };	/* the tag is in the upper half of question.ask */

struct question {
	__u64 ask, base, readable, length;
};

/* what the kprobe is asked, and what it answered */
struct {
	struct question q;
	__u64 hits, passed;
} probed;

static long count(__u32 i, void *sum)
{
	*(__u64 *)sum += i;
	return 0;
}

static __attribute__((noinline)) __u64 sum_to(__u32 n)
{
	__u64 sum = 0;

	bpf_loop(n, count, &sum, 0);
	return sum;
}

/* behind the stubs, with the same callback before them */
static __attribute__((noinline)) __u64 sum_twice(__u32 n)
{
	__u64 sum = 0;

	bpf_loop(n, count, &sum, 0);
	bpf_loop(n, count, &sum, 0);
	return sum;
}

static __attribute__((noinline)) int ask_tagged(const struct question *q)
{
	__u64 copy = beginning_copy(q->base, q->readable, q->length, q->ask >> 32, 0), length;
	__u32 readable;

	if (!copy)
		return filter_l2(q->base, q->readable, q->length);
	bpf_probe_read_kernel(&readable, sizeof(readable), (void *)(copy - 16));
	bpf_probe_read_kernel(&length, sizeof(length), (void *)(copy - 8));
	return filter_l2(copy, readable, length);
}

/* 0 rejected, 1 passed; other numbers: functions are not where they were */
static __attribute__((noinline)) int answer(const struct question *q)
{
	int passes = 0;

	if (sum_to(5) != 10)
		return 100;
	if (q->ask == ASK_L2)
		passes = filter_l2(q->base, q->readable, q->length) != 0;
	else if (q->ask == ASK_L3)
		passes = filter_l3(q->base, q->readable, q->length) != 0;
	else if (q->ask == ASK_TUNNEL)
		passes = filter_tunnel(q->base, q->readable, q->length) != 0;
	else if ((__u32)q->ask == ASK_TAGGED)
		passes = ask_tagged(q) != 0;
	if (sum_twice(4) != 12 || sum_to(3) != 3)
		return 101;
	return passes;
}

SEC("raw_tp/fib_table_lookup")	/* it has four arguments, and the first is none of enum ASK */
int run(struct bpf_raw_tracepoint_args *ctx)
{
	struct question q = { ctx->args[0], ctx->args[1], ctx->args[2], ctx->args[3] };

	return answer(&q);
}

SEC("kprobe")
int hit(void *ctx)
{
	struct question q = probed.q;
	int passed = answer(&q);

	__sync_fetch_and_add(&probed.hits, 1);
	__sync_fetch_and_add(&probed.passed, passed);
	return 0;
}
