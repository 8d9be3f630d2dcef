// SPDX-License-Identifier: GPL-2.0
/*
 * diff_many.c - pktdiff of many packets against many: shares, chance, bursts, several divergences, exemplars.
 */
#include <math.h>

#include "diff_pair.h"

#define TCP_DROP "#1 __ip_queue_xmit __ip_local_out nf_hook_slow@3 ipt_do_table sk_skb_reason_drop !nf_hook_slow=11" FREED " <nf_hook_slow=-1"

static uint32_t lot = 1;

static uint32_t draw(uint32_t n)
{
	lot = lot * 1664525 + 1013904223;
	return (lot >> 8) % n;
}

/* Packets of which each is dropped with a chance of so many in a thousand. */
static void play_shares(struct world *w, const struct flow *f, const char *good, const char *bad, int packets, uint32_t per_mille)
{
	for (int i = 0; i < packets; i++)
		world_play(w, f, draw(1000) < per_mille ? bad : good);
}

static void three_percent_of_ten_thousand_are_found(void **state)
{
	struct pair_of_worlds p;
	double low, high;

	begin(&p);
	play_shares(&p.w[0], &query, QUERY_OK, QUERY_LEGACY, 10000, 0);
	play_shares(&p.w[1], &query, QUERY_OK, QUERY_LEGACY, 10000, 30);
	compare(&p);
	assert_int_equal(p.status, 1);
	assert_int_equal(p.d.nfindings, 1);
	assert_int_equal(p.d.findings[0].bad, 1);
	assert_int_equal(p.d.findings[0].total[1], 10000);
	wilson(p.d.findings[0].hits[1], 10000, &low, &high);
	assert_true(low < 0.03 && high > 0.03);
	assert_says(p.verdict, "of 10000 packets like UDP 10.0.0.1:40000 > 10.0.0.2:53 on veth0 in netns cl at hook LOCAL_OUT (IPv4), drop reason NETFILTER_DROP");
	assert_true(p.d.parting.packet && p.d.parting.p < 1e-6);
	assert_string_equal(name_text(&p.d, p.d.parting.from >> 17), "ip_send_skb");
	end(&p);
}

static void equal_shares_are_the_same(void **state)
{
	for (int round = 0; round < 20; round++) {
		struct pair_of_worlds p;

		begin(&p);
		for (int s = 0; s < 2; s++)
			play_shares(&p.w[s], &query, QUERY_OK, QUERY_LEGACY, 1000, 30);
		compare(&p);
		assert_int_equal(p.status, 0);
		end(&p);
	}
}

static void one_burst_of_drops_is_one_event(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	play(&p.w[0], &query, QUERY_OK, 2000);
	play(&p.w[1], &query, QUERY_OK, 900);
	play(&p.w[1], &query, QUERY_NO_SOCKET, 40);
	play(&p.w[1], &query, QUERY_OK, 1060);
	compare(&p);
	assert_true(fisher_exact(0, 2000, 40, 2000) < 1e-6);
	assert_int_equal(p.status, 0);
	assert_true(noted(&p.d, "40 of 2000"));
	end(&p);
}

static void drops_from_some_time_on_are_a_difference(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	play(&p.w[0], &query, QUERY_OK, 2000);
	play(&p.w[1], &query, QUERY_OK, 1200);
	play(&p.w[1], &query, QUERY_LEGACY, 800);
	compare(&p);
	assert_int_equal(p.status, 1);
	end(&p);
}

static void a_few_that_took_another_way_are_no_difference(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	play(&p.w[0], &query, QUERY_OK, 1000);
	play_shares(&p.w[1], &query, QUERY_OK, "#1 " UDP_BIRTH IP_OUT DEV_OUT "#2 ip_forward " UDP_IN UDP_QUEUE READ, 1000, 60);
	compare(&p);
	assert_int_equal(p.status, 0);
	end(&p);
}

static void divergences_come_in_the_order_of_packets(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	for (int s = 0; s < 2; s++) {
		play(&p.w[s], &web, s ? TCP_DROP : WEB_OK, 40);
		play_shares(&p.w[s], &query, QUERY_OK, QUERY_NO_SOCKET, 3000, s ? 300 : 0);
		play_shares(&p.w[s], &answer, ANSWER_OK, "#2 " UDP_BIRTH "nf_hook_slow@3 ipt_do_table sk_skb_reason_drop !nf_hook_slow=11" FREED, 2000, 0);
	}
	compare(&p);
	assert_int_equal(p.d.nfindings, 2);
	assert_int_equal(p.d.findings[0].class->key.l4proto, 17);
	assert_int_equal(p.d.findings[1].class->key.l4proto, 6);
	assert_non_null(p.d.findings[1].cause);
	end(&p);
}

static void many_classes_raise_no_false_alarm(void **state)
{
	int alarms = 0;

	for (int round = 0; round < 10; round++) {
		struct pair_of_worlds p;

		begin(&p);
		for (int s = 0; s < 2; s++)
			for (uint16_t port = 1; port <= 40; port++) {
				struct flow f = query;

				f.dport = 1000 + port;
				play_shares(&p.w[s], &f, QUERY_OK, QUERY_NO_SOCKET, 60, 500);
			}
		compare(&p);
		alarms += p.status;
		end(&p);
	}
	assert_true(alarms <= 1);
}

static void most_of_a_few_are_a_difference_and_one_of_them_is_none(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	play(&p.w[0], &query, QUERY_OK, 5);
	play(&p.w[1], &query, QUERY_OK, 2);
	play(&p.w[1], &query, QUERY_LEGACY, 6);
	compare(&p);
	assert_int_equal(p.status, 1);
	assert_says(p.verdict, "drops 6 of 8 packets");
	end(&p);
	begin(&p);
	play(&p.w[0], &query, QUERY_OK, 5);
	play(&p.w[1], &query, QUERY_OK, 5);
	play(&p.w[1], &query, QUERY_LEGACY, 1);
	compare(&p);
	assert_int_equal(p.status, 0);
	end(&p);
}

#define SYN_IN "#1 __ip_queue_xmit __ip_local_out " IP_OUT DEV_OUT "#2 " UDP_IN "tcp_v4_rcv tcp_conn_request "

static void a_syn_without_room_is_refused(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	for (int s = 0; s < 2; s++) {
		world_func(&p.w[s], "tcp_conn_request", 16, TRC_FUNC_PROBED | TRC_FUNC_ATTACHED);
		world_func(&p.w[s], "tcp_try_fastopen", 16, TRC_FUNC_PROBED | TRC_FUNC_ATTACHED);
	}
	play(&p.w[0], &web, SYN_IN "tcp_try_fastopen consume_skb" FREED, 2);
	play(&p.w[1], &web, SYN_IN "consume_skb" FREED, 3);
	compare(&p);
	assert_int_equal(p.status, 1);
	assert_says(p.verdict, "Cause: the listener on TCP port 80 takes no more connections");
	end(&p);
}

static void the_exemplar_is_typical(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	play(&p.w[0], &query, QUERY_UNCACHED, 1);
	play(&p.w[0], &query, QUERY_OK, 30);
	play(&p.w[1], &query, QUERY_LEGACY, 30);
	compare(&p);
	assert_int_equal(p.d.findings[0].packet[0], 2);
	end(&p);
}

static void g_test_agrees_with_known_values(void **state)
{
	const uint32_t even[2][2] = { { 50, 50 }, { 50, 50 } }, odd[2][2] = { { 60, 40 }, { 40, 60 } }, three[3][2] = { { 10, 30 }, { 20, 20 }, { 30, 10 } };
	const uint32_t huge[2][2] = { { 100000, 0 }, { 0, 100000 } };

	assert_true(fabs(exp(g_test_log(even, 2)) - 1) < 1e-9);
	/* G = 8.0542, one degree of freedom: 0.004541; G = 20.9305, two: exp(-G / 2) = 2.85e-5 */
	assert_true(fabs(exp(g_test_log(odd, 2)) - 0.004541) < 1e-5);
	assert_true(fabs(exp(g_test_log(three, 3)) / 2.8509e-5 - 1) < 1e-2);
	assert_true(g_test_log(huge, 2) < -100000);
}

static void wilson_agrees_with_known_values(void **state)
{
	double low, high;

	wilson(0, 10, &low, &high);
	assert_true(low == 0 && fabs(high - 0.2775) < 1e-4);
	wilson(5, 10, &low, &high);
	assert_true(fabs(low - 0.2366) < 1e-4 && fabs(high - 0.7634) < 1e-4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_percent_of_ten_thousand_are_found),
		cmocka_unit_test(equal_shares_are_the_same),
		cmocka_unit_test(one_burst_of_drops_is_one_event),
		cmocka_unit_test(drops_from_some_time_on_are_a_difference),
		cmocka_unit_test(a_few_that_took_another_way_are_no_difference),
		cmocka_unit_test(divergences_come_in_the_order_of_packets),
		cmocka_unit_test(many_classes_raise_no_false_alarm),
		cmocka_unit_test(most_of_a_few_are_a_difference_and_one_of_them_is_none),
		cmocka_unit_test(a_syn_without_room_is_refused),
		cmocka_unit_test(the_exemplar_is_typical),
		cmocka_unit_test(g_test_agrees_with_known_values),
		cmocka_unit_test(wilson_agrees_with_known_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
