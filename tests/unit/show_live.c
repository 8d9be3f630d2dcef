// SPDX-License-Identifier: GPL-2.0
/*
 * show_live.c - packets of a recording that is still being written: when each is given out, in which order, and once.
 *
 * Both clocks are the test's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "live.h"

#define MS 1000000ULL
#define START (1000000 * MS)

enum { IP_RCV = 1, KFREE_SKBMEM };

static void take(struct live *l, const struct trc_record *rec, uint64_t now_ns)
{
	assert_int_equal(live_take(l, rec, now_ns), 0);
}

static struct live *live_new(void)
{
	static const char *const names[] = { [IP_RCV] = "ip_rcv", [KFREE_SKBMEM] = "kfree_skbmem" };
	struct live *l;

	assert_int_equal(live_open(&l, "test"), 0);
	for (uint32_t i = IP_RCV; i <= KFREE_SKBMEM; i++) {
		struct trc_record rec = { .kind = TRC_FUNC, .func = { .id = i, .name = names[i], .module = "", .why = "" } };

		take(l, &rec, START);
	}
	return l;
}

struct at {
	uint64_t recorded_ns, now_ns;
};

static uint64_t next_seq;

static void hop(struct live *l, uint64_t packet, uint32_t func, struct at at)
{
	struct trc_record rec = { .kind = TRC_HOP, .hop = { .packet = packet, .func = func, .time_ns = at.recorded_ns, .seq = next_seq++ } };

	take(l, &rec, at.now_ns);
}

/* Id of the next packet, 0 = none yet. */
static uint64_t next(struct live *l, uint64_t now_ns, bool all)
{
	const struct model *m;
	int got = live_next(l, now_ns, all, &m);

	assert_true(got >= 0);
	return got ? m->packets[0].id : 0;
}

static int begin(void **state)
{
	next_seq = 0;
	*state = live_new();
	return 0;
}

static int end(void **state)
{
	live_free(*state);
	return 0;
}

static void packet_comes_soon_after_its_end(void **state)
{
	struct live *l = *state;

	hop(l, 7, IP_RCV, (struct at){ START, START });
	hop(l, 7, KFREE_SKBMEM, (struct at){ START + 1, START });
	assert_int_equal(next(l, START + LIVE_SETTLE_NS - 1, false), 0);
	assert_int_equal(next(l, START + LIVE_SETTLE_NS, false), 7);
	assert_int_equal(next(l, START + LIVE_SETTLE_NS, false), 0);
	assert_int_equal(live_counts(l).hops, 2);
}

static void packet_without_an_end_comes_when_it_is_quiet(void **state)
{
	struct live *l = *state;

	hop(l, 7, IP_RCV, (struct at){ START, START });
	assert_int_equal(next(l, START + LIVE_QUIET_NS - 1, false), 0);
	assert_int_equal(next(l, START + LIVE_QUIET_NS, false), 7);
}

static void packet_that_never_rests_comes_when_it_is_old(void **state)
{
	struct live *l = *state;
	uint64_t t;

	for (t = 0; t < LIVE_AGE_NS; t += 100 * MS) {
		assert_int_equal(next(l, START + t, false), 0);
		hop(l, 7, IP_RCV, (struct at){ START + t, START + t });
	}
	assert_int_equal(next(l, START + LIVE_AGE_NS, false), 7);
}

/* A file through a pipe: the reader's clock stands still, the recorded one runs. */
static void recorded_time_counts_too(void **state)
{
	struct live *l = *state;

	hop(l, 7, IP_RCV, (struct at){ START, START });
	hop(l, 8, IP_RCV, (struct at){ START + 1900 * MS, START });
	assert_int_equal(next(l, START, false), 0);
	hop(l, 8, IP_RCV, (struct at){ START + 2100 * MS, START });
	assert_int_equal(next(l, START, false), 7);
	assert_int_equal(next(l, START, false), 0);
}

static void packets_come_in_order_of_birth(void **state)
{
	struct live *l = *state;
	uint64_t id;

	/* as a unit has them: one CPU after the other */
	for (id = 20; id < 30; id++) {
		hop(l, id, IP_RCV, (struct at){ START + id * MS, START });
		hop(l, id, KFREE_SKBMEM, (struct at){ START + id * MS + 1, START });
	}
	for (id = 10; id < 20; id++)
		hop(l, id, IP_RCV, (struct at){ START + id * MS, START });
	/* the first ones have no end yet: the others wait for them */
	assert_int_equal(next(l, START + LIVE_SETTLE_NS, false), 0);
	for (id = 10; id < 30; id++)
		assert_int_equal(next(l, START + LIVE_QUIET_NS, false), id);
	assert_int_equal(next(l, START + LIVE_QUIET_NS, false), 0);
}

static void earlier_packet_may_come_while_another_is_shown(void **state)
{
	struct live *l = *state;

	hop(l, 2, IP_RCV, (struct at){ START + 2, START });
	assert_int_equal(next(l, START + LIVE_QUIET_NS, false), 2);
	hop(l, 1, IP_RCV, (struct at){ START + 1, START + LIVE_QUIET_NS });
	assert_int_equal(next(l, START + LIVE_QUIET_NS, false), 0);
	assert_int_equal(next(l, START + 2 * LIVE_QUIET_NS, false), 1);
	assert_int_equal(live_counts(l).packets, 2);
}

static void late_hop_is_counted_and_makes_no_packet(void **state)
{
	struct live *l = *state;

	hop(l, 7, IP_RCV, (struct at){ START, START });
	assert_int_equal(next(l, START + LIVE_QUIET_NS, false), 7);
	hop(l, 7, KFREE_SKBMEM, (struct at){ START + 1, START + LIVE_QUIET_NS });
	assert_int_equal(next(l, START + LIVE_QUIET_NS, true), 0);
	assert_int_equal(live_counts(l).late, 1);
	assert_int_equal(live_counts(l).packets, 1);
}

/* Many times as many packets as are remembered: places are used again, and nobody is mixed up with another. */
static void closed_packets_are_forgotten_but_not_soon(void **state)
{
	struct live *l = *state;
	uint64_t id, t;

	for (id = 1; id <= 500000; id++) {
		t = START + id * MS;
		hop(l, id, IP_RCV, (struct at){ t, t });
		hop(l, id, KFREE_SKBMEM, (struct at){ t + 1, t });
		if (id > 1000)
			assert_int_equal(next(l, t, false), id - 300);
		else
			while (next(l, t, false))
				;
		if (id > 2000 && id % 1000 == 0)
			hop(l, id - 1500, KFREE_SKBMEM, (struct at){ t + 2, t });
	}
	assert_int_equal(live_counts(l).late, 500000 / 1000 - 2);
}

static void memory_is_bounded(void **state)
{
	struct live *l = *state;
	uint64_t i;

	for (i = 0; !live_full(l); i++) {
		assert_true(i <= LIVE_HOPS_MAX);
		hop(l, 1 + i / 1000, IP_RCV, (struct at){ START, START });
	}
	assert_int_equal(next(l, START, false), 1);
	assert_int_equal(next(l, START, false), 0);	/* there is room again, so the others may stay */
	assert_false(live_full(l));
}

static void one_endless_packet_is_bounded_too(void **state)
{
	struct live *l = *state;

	while (!live_full(l))
		hop(l, 1, IP_RCV, (struct at){ START, START });
	assert_int_equal(next(l, START, false), 1);
	assert_false(live_full(l));
}

static bool lossy(struct live *l)
{
	const struct model *m;

	assert_int_equal(live_next(l, START, true, &m), 1);
	return m->packets[0].lossy;
}

static void packet_around_a_gap_is_marked(void **state)
{
	struct live *l = *state;

	hop(l, 1, IP_RCV, (struct at){ START, START });
	assert_false(lossy(l));
	hop(l, 2, IP_RCV, (struct at){ START + 1, START });
	next_seq += 5;
	hop(l, 3, IP_RCV, (struct at){ START + 2, START });
	assert_true(lossy(l));
	assert_true(lossy(l));
	assert_int_equal(live_counts(l).lost, 5);
	/* a second later that is past */
	hop(l, 4, IP_RCV, (struct at){ START + 1000 * MS, START });
	hop(l, 5, IP_RCV, (struct at){ START + 2000 * MS, START });
	hop(l, 6, IP_RCV, (struct at){ START + 2001 * MS, START });
	lossy(l);
	lossy(l);
	assert_false(lossy(l));
}

static void numbers_that_an_interrupt_swapped_are_no_gap(void **state)
{
	struct live *l = *state;

	next_seq = 1;
	hop(l, 1, IP_RCV, (struct at){ START, START });
	next_seq = 0;
	hop(l, 1, IP_RCV, (struct at){ START, START });
	assert_false(lossy(l));
	assert_int_equal(live_counts(l).lost, 0);
}

static void stack_without_hops_is_no_packet(void **state)
{
	uint32_t frames[] = { IP_RCV };
	struct trc_record rec = { .kind = TRC_STACK, .stack = { .packet = 9, .count = 1, .frames = frames } };
	struct live *l = *state;

	take(l, &rec, START);
	hop(l, 7, IP_RCV, (struct at){ START, START });
	assert_int_equal(next(l, START, true), 7);
	assert_int_equal(next(l, START, true), 0);
}

/* The stacks of a unit come first; the hops of one packet must not make another one, whose hops follow, look old. */
static void stack_waits_for_its_hops(void **state)
{
	struct live *l = *state;
	const uint32_t frames[] = { IP_RCV };
	struct trc_record stack = { .kind = TRC_STACK, .stack = { .packet = 7, .count = 1, .frames = frames } };

	take(l, &stack, START);
	hop(l, 8, IP_RCV, (struct at){ START, START });
	hop(l, 8, KFREE_SKBMEM, (struct at){ START + 1, START });
	assert_int_equal(next(l, START + LIVE_QUIET_NS, false), 0);
	hop(l, 7, IP_RCV, (struct at){ START - 5, START + LIVE_QUIET_NS });
	hop(l, 7, KFREE_SKBMEM, (struct at){ START - 4, START + LIVE_QUIET_NS });
	assert_int_equal(next(l, START + LIVE_QUIET_NS + LIVE_SETTLE_NS, false), 7);
	assert_int_equal(next(l, START + LIVE_QUIET_NS + LIVE_SETTLE_NS, false), 8);
	assert_int_equal(live_counts(l).late, 0);
}

/* Functions turn up as stacks name them, long after the first hops. */
static void function_that_comes_late_is_known(void **state)
{
	struct trc_record func = { .kind = TRC_FUNC, .func = { .id = 9, .name = "__x64_sys_sendto", .module = "", .why = "" } };
	uint32_t frames[] = { IP_RCV, 9 };
	struct trc_record stack = { .kind = TRC_STACK, .stack = { .packet = 8, .count = 2, .frames = frames } };
	struct trc_record first = { .kind = TRC_HOP, .hop = { .packet = 8, .func = IP_RCV, .time_ns = START + 1, .seq = 1, .pid = 55,
							      .context = TRC_CONTEXT_UNKNOWN } };
	struct live *l = *state;
	const struct model *m;

	hop(l, 7, IP_RCV, (struct at){ START, START });
	assert_int_equal(next(l, START, true), 7);
	take(l, &func, START);
	take(l, &stack, START);
	take(l, &first, START);
	assert_int_equal(live_next(l, START, true, &m), 1);
	assert_int_equal(m->packets[0].pid, 55);
	assert_string_equal(m->funcs[m->packets[0].frames[1]].name, "__x64_sys_sendto");
}

/* The whole of a recording, piece by piece, says of its packets what the model says of them. */
static void sample_agrees(const char *path)
{
	char error[512];
	struct trc_reader *r;
	struct trc_record rec;
	const struct model *m;
	struct model *whole;
	struct live *l;
	size_t i;

	if (model_load(&whole, path, error, sizeof(error)))
		skip();		/* no samples here */
	assert_int_equal(live_open(&l, path), 0);
	assert_int_equal(trc_reader_open(&r, path), 0);
	while (trc_reader_next(r, &rec) > 0)
		take(l, &rec, START);
	trc_reader_free(r);
	for (i = 0; live_next(l, START, true, &m) > 0; i++) {
		const struct packet *a = &m->packets[0], *b = &whole->packets[i];

		assert_true(i < whole->npackets);
		assert_int_equal(a->id, b->id);
		assert_int_equal(a->number, b->number);
		assert_int_equal(a->nhops, b->nhops);
		assert_int_equal(a->fate, b->fate);
		assert_int_equal(a->fate_hop, b->fate_hop);
		assert_int_equal(a->reason, b->reason);
		assert_int_equal(a->pid, b->pid);
		assert_int_equal(a->lossy, b->lossy);
		assert_memory_equal(&a->tuple, &b->tuple, sizeof(a->tuple));
		assert_int_equal(packet_hop(m, a, 0)->time_ns - m->first_ns,
				 packet_hop(whole, b, 0)->time_ns - whole->first_ns);
		assert_string_equal(m->funcs[packet_hop(m, a, 0)->func].name, whole->funcs[packet_hop(whole, b, 0)->func].name);
	}
	assert_int_equal(i, whole->npackets);
	assert_true(live_counts(l).ended);
	live_free(l);
	model_free(whole);
}

static void samples_agree_with_the_whole_model(void **state)
{
	const char *folder = getenv("SAMPLES") ?: "samples";
	char path[256];

	snprintf(path, sizeof(path), "%s/ok.trc", folder);
	sample_agrees(path);
	snprintf(path, sizeof(path), "%s/dropped.trc", folder);
	sample_agrees(path);
}

int main(void)
{
#define LIVE_TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		LIVE_TEST(packet_comes_soon_after_its_end),
		LIVE_TEST(packet_without_an_end_comes_when_it_is_quiet),
		LIVE_TEST(packet_that_never_rests_comes_when_it_is_old),
		LIVE_TEST(recorded_time_counts_too),
		LIVE_TEST(packets_come_in_order_of_birth),
		LIVE_TEST(earlier_packet_may_come_while_another_is_shown),
		LIVE_TEST(late_hop_is_counted_and_makes_no_packet),
		LIVE_TEST(closed_packets_are_forgotten_but_not_soon),
		LIVE_TEST(memory_is_bounded),
		LIVE_TEST(one_endless_packet_is_bounded_too),
		LIVE_TEST(packet_around_a_gap_is_marked),
		LIVE_TEST(numbers_that_an_interrupt_swapped_are_no_gap),
		LIVE_TEST(stack_without_hops_is_no_packet),
		LIVE_TEST(stack_waits_for_its_hops),
		LIVE_TEST(function_that_comes_late_is_known),
		cmocka_unit_test(samples_agree_with_the_whole_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
