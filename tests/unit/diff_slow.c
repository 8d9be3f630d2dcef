// SPDX-License-Identifier: GPL-2.0
/*
 * diff_slow.c - pktdiff --latency: shifts that are there are found where they are, and none is that are not.
 */
#include <math.h>

#include "diff_pair.h"

static uint32_t lot = 7;

static uint32_t draw(uint32_t n)
{
	lot = lot * 1664525 + 1013904223;
	return (lot >> 8) % n;
}

static void compare_times(struct pair_of_worlds *p)
{
	world_model(&p->w[0], true);
	world_model(&p->w[1], true);
	p->status = diff_run_latency(&p->d, p->w[0].model, p->w[1].model, p->error, sizeof(p->error));
	assert_true(p->status >= 0);
	say_verdict(&p->d, p->verdict, sizeof(p->verdict));
}

/* Queries that take so long before the device's queue, in it, and after it, each more or less by a fifth and a little. */
static void play_slow(struct world *w, int packets, uint32_t before_us, uint32_t queue_us, uint32_t after_us, bool bursts)
{
	char script[3000];

	for (int i = 0; i < packets; i++) {
		uint32_t noise = 5 + draw(10);

		snprintf(script, sizeof(script), "#1 " UDP_BIRTH "*%u " IP_OUT "__dev_queue_xmit qdisc_enqueue *%u netdev_core_pick_tx validate_xmit_skb "
			 "dev_hard_start_xmit *%u veth_xmit __dev_forward_skb #2 " UDP_IN UDP_QUEUE "skb_consume_udp",
			 before_us + noise + draw(before_us / 5 + 1), queue_us + noise + draw(queue_us / 5 + 1), after_us + noise + draw(after_us / 5 + 1));
		world_play(w, &query, script);
		if (!bursts || i % 10 == 9)
			w->time_ns += 5000000;
	}
}

static void begin_queue(struct pair_of_worlds *p)
{
	begin(p);
	for (int s = 0; s < 2; s++)
		world_func(&p->w[s], "qdisc_enqueue", 13, TRC_FUNC_PROBED | TRC_FUNC_ATTACHED);
}

static void time_in_a_queue_is_named(int slow)
{
	struct pair_of_worlds p;

	begin_queue(&p);
	play_slow(&p.w[!slow], 30, 10, 1, 10, false);
	play_slow(&p.w[slow], 30, 10, 20000, 10, false);
	compare_times(&p);
	assert_int_equal(p.status, 1);
	assert_int_equal(p.d.nfindings, 0);
	assert_int_equal(p.d.nshifts, 1);
	assert_says(p.verdict, "Slower after __dev_queue_xmit: in ");
	assert_says(p.verdict, "from __dev_queue_xmit to dev_hard_start_xmit");
	assert_says(p.verdict, "they wait there (in the queue of a device, until that takes it)");
	assert_true((p.d.shifts[0].ns > 0) == slow);
	assert_true(fabs(p.d.shifts[0].ns) > 20e6 && fabs(p.d.shifts[0].ns) < 24e6);
	assert_true(p.d.shifts[0].low_ns <= p.d.shifts[0].ns && p.d.shifts[0].high_ns >= p.d.shifts[0].ns);
	end(&p);
}

static void a_queue_that_delays_is_named(void **state)
{
	time_in_a_queue_is_named(1);
	time_in_a_queue_is_named(0);
}

static void a_slower_function_runs_longer(void **state)
{
	struct pair_of_worlds p;

	begin_queue(&p);
	play_slow(&p.w[0], 30, 10, 1, 10, false);
	play_slow(&p.w[1], 30, 300, 1, 10, false);
	compare_times(&p);
	assert_int_equal(p.status, 1);
	assert_says(p.verdict, "they run longer");
	end(&p);
}

static void equal_times_raise_no_alarm(void **state)
{
	for (int round = 0; round < 30; round++) {
		struct pair_of_worlds p;

		begin_queue(&p);
		for (int s = 0; s < 2; s++)
			play_slow(&p.w[s], 30 + draw(60), 10, 200, 10, round % 2);
		compare_times(&p);
		assert_int_equal(p.status, 0);
		end(&p);
	}
}

static void a_machine_that_is_slower_as_a_whole_is_none(void **state)
{
	struct pair_of_worlds p;

	begin_queue(&p);
	play_slow(&p.w[0], 30, 100, 100, 100, false);
	play_slow(&p.w[1], 30, 125, 125, 125, false);
	compare_times(&p);
	assert_int_equal(p.d.nshifts, 0);
	end(&p);
}

static void packets_of_one_burst_are_one_observation(void **state)
{
	struct pair_of_worlds p;

	begin_queue(&p);
	play_slow(&p.w[0], 40, 10, 1, 10, true);
	play_slow(&p.w[1], 40, 10, 900, 10, true);
	compare_times(&p);
	assert_int_equal(p.d.nshifts, 0);	/* four bursts each */
	assert_true(p.d.shifts_untested > 0);
	end(&p);
}

static void a_recording_that_varies_as_much_within_is_no_evidence(void **state)
{
	struct pair_of_worlds p;

	begin_queue(&p);
	play_slow(&p.w[0], 40, 10, 1, 10, false);
	play_slow(&p.w[1], 10, 10, 1, 10, false);
	play_slow(&p.w[1], 30, 10, 400, 10, false);
	compare_times(&p);
	assert_int_equal(p.d.nshifts, 0);
	end(&p);
}

static void rank_test_agrees_with_known_values(void **state)
{
	const double a[] = { 1, 2, 3, 4, 5 }, b[] = { 6, 7, 8, 9, 10 }, c[] = { 1.5, 2.5, 3.5, 4.5, 5.5 };
	double delta, many[60], more[60];

	assert_true(fabs(rank_test(a, 5, b, 5, &delta) - 2.0 / 252) < 1e-12);
	assert_true(delta == 1);
	/* U = 10: of R, wilcox.test(1:5, 1:5 + 0.5): 0.6905 */
	assert_true(fabs(rank_test(a, 5, c, 5, &delta) - 0.6905) < 1e-4);
	for (int i = 0; i < 60; i++) {
		many[i] = i;
		more[i] = i + 0.5;
	}
	assert_true(rank_test(many, 60, more, 60, &delta) > 0.8);
	assert_true(fabs(delta) < 0.05);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_queue_that_delays_is_named),
		cmocka_unit_test(a_slower_function_runs_longer),
		cmocka_unit_test(equal_times_raise_no_alarm),
		cmocka_unit_test(a_machine_that_is_slower_as_a_whole_is_none),
		cmocka_unit_test(packets_of_one_burst_are_one_observation),
		cmocka_unit_test(a_recording_that_varies_as_much_within_is_no_evidence),
		cmocka_unit_test(rank_test_agrees_with_known_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
