// SPDX-License-Identifier: GPL-2.0
/*
 * diff_same.c - pktdiff's verdict on pairs of small recordings: what must not differ: the same thing twice, incidental hops, chance.
 */
#include "diff_pair.h"

static void equal_recordings_are_the_same(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	for (int s = 0; s < 2; s++) {
		world_play(&p.w[s], &query, QUERY_OK);
		world_play(&p.w[s], &answer, ANSWER_OK);
	}
	compare(&p);
	assert_int_equal(p.status, 0);
	assert_says(p.verdict, "No difference: 2 packets in ");
	assert_says(p.verdict, ", of 2 classes, end alike and cross the same boundaries.");
	end(&p);
}

static void optional_hops_and_noise_are_no_difference(void **state)
{
	static const struct flow arp = { .from = 1, .to = 2, .ethertype = 0x0806 };
	static const struct flow solicit = { .l4proto = 58, .sport = 135 << 8, .from = 1, .to = 2, .v6 = true };
	static const struct flow igmp = { .l4proto = 2, .from = 1, .to = 22 };
	static const struct flow other_port = { 17, 51234, 53, 1, 2, 300 };
	struct pair_of_worlds p;

	begin(&p);
	world_play(&p.w[0], &arp, ARP_SEEN);
	world_play(&p.w[0], &query, QUERY_UNCACHED);
	world_play(&p.w[0], &solicit, "#1 ip6_output " DEV_OUT "sk_skb_reason_drop !ip6_output=2" FREED);
	world_play(&p.w[1], &other_port, QUERY_OK);
	world_play(&p.w[0], &igmp, QUERY_OK);
	world_play(&p.w[1], &igmp, QUERY_LEGACY);
	compare(&p);
	assert_int_equal(p.status, 0);
	assert_true(noted(&p.d, "were not compared"));
	end(&p);
}

static void another_first_function_is_no_difference(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	world_play(&p.w[0], &query, QUERY_OK);
	world_play(&p.w[1], &query, "#1 ip_send_skb __ip_local_out " IP_OUT DEV_OUT "#2 " UDP_IN UDP_QUEUE READ);
	compare(&p);
	assert_int_equal(p.status, 0);
	assert_int_equal(p.d.compared, 1);
	end(&p);
}

static void the_same_drop_twice_is_no_difference(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	play(&p.w[0], &query, QUERY_LEGACY, 1);
	play(&p.w[1], &query, QUERY_NFT, 3);
	compare(&p);
	assert_int_equal(p.status, 0);
	end(&p);
}

static void one_stray_drop_among_many_proves_nothing(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	play(&p.w[0], &query, QUERY_OK, 20);
	play(&p.w[1], &query, QUERY_OK, 19);
	play(&p.w[1], &query, QUERY_LEGACY, 1);
	compare(&p);
	assert_int_equal(p.status, 0);
	assert_true(noted(&p.d, "chance may explain"));
	end(&p);
}

static void packets_under_way_at_the_end_are_no_evidence(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	play(&p.w[0], &query, QUERY_OK, 2);
	play(&p.w[1], &query, QUERY_OK, 1);
	play(&p.w[1], &query, "#1 " UDP_BIRTH IP_OUT "__dev_queue_xmit", 1);
	compare(&p);
	assert_int_equal(p.status, 0);
	assert_int_equal(p.d.side[1].compared, 1);
	end(&p);
}

static void a_class_that_is_all_under_way_is_not_compared(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	play(&p.w[0], &query, QUERY_OK, 1);
	play(&p.w[1], &query, "#1 " UDP_BIRTH IP_OUT "__dev_queue_xmit", 1);
	compare(&p);
	assert_int_equal(p.status, 0);
	assert_true(noted(&p.d, "were still under way at the end"));
	end(&p);
}

static void both_ports_ephemeral_are_one_class(void **state)
{
	static const struct flow one = { 17, 40000, 50000, 1, 2, 100 }, other = { 17, 41000, 33000, 1, 2, 100 };
	struct pair_of_worlds p;

	begin(&p);
	play(&p.w[0], &one, QUERY_OK, 1);
	play(&p.w[1], &other, QUERY_OK, 1);
	compare(&p);
	assert_int_equal(p.status, 0);
	assert_int_equal(p.d.compared, 1);
	end(&p);
}

static void namespaces_without_names_are_known_by_their_interfaces(void **state)
{
	static const struct flow back = { 17, 40000, 53, 2, 1, 100 };
	struct pair_of_worlds p;

	world_named = false;
	begin(&p);
	world_named = true;
	play(&p.w[0], &query, QUERY_OK, 1);
	play(&p.w[0], &back, ANSWER_OK, 1);
	play(&p.w[1], &back, ANSWER_OK, 1);
	play(&p.w[1], &query, QUERY_LEGACY, 1);
	compare(&p);
	assert_int_equal(p.status, 1);
	assert_int_equal(p.d.compared, 2);	/* the query back is not mixed with the one that was dropped */
	assert_string_equal(name_text(&p.d, p.d.findings[0].class->key.netns), "the netns with veth0");
	end(&p);
}

static void another_name_of_a_device_is_no_difference(void **state)
{
	struct pair_of_worlds p;

	world_open(&p.w[0], 0);
	world_device = "veth7";
	world_open(&p.w[1], 1);
	world_device = "veth0";
	play(&p.w[0], &query, QUERY_OK, 1);
	play(&p.w[1], &query, QUERY_OK, 1);
	compare(&p);
	assert_int_equal(p.status, 0);
	assert_true(noted(&p.d, "interface veth7 in netns cl"));
	end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_recordings_are_the_same),
		cmocka_unit_test(optional_hops_and_noise_are_no_difference),
		cmocka_unit_test(another_first_function_is_no_difference),
		cmocka_unit_test(the_same_drop_twice_is_no_difference),
		cmocka_unit_test(one_stray_drop_among_many_proves_nothing),
		cmocka_unit_test(packets_under_way_at_the_end_are_no_evidence),
		cmocka_unit_test(a_class_that_is_all_under_way_is_not_compared),
		cmocka_unit_test(both_ports_ephemeral_are_one_class),
		cmocka_unit_test(namespaces_without_names_are_known_by_their_interfaces),
		cmocka_unit_test(another_name_of_a_device_is_no_difference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
