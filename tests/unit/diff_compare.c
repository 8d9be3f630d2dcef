// SPDX-License-Identifier: GPL-2.0
/*
 * diff_compare.c - pktdiff's verdict on pairs of small recordings: what is no evidence, or cannot be compared at all.
 */
#include <math.h>

#include "diff_pair.h"

static void a_drop_that_lost_hops_proves_nothing(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	play(&p.w[0], &web, WEB_OK, 1);
	play(&p.w[0], &query, QUERY_OK, 1);
	play(&p.w[1], &web, WEB_OK, 1);
	play(&p.w[1], &query, "#1 " UDP_BIRTH "^5 nf_hook_slow@3 ipt_do_table sk_skb_reason_drop !nf_hook_slow=11" FREED, 1);
	compare(&p);
	assert_int_equal(p.status, 0);
	assert_int_equal(p.d.side[1].censored, 1);
	assert_true(noted(&p.d, "may lack hops"));
	end(&p);
}

static void packets_that_lost_hops_prove_nothing(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	play(&p.w[0], &query, QUERY_OK, 2);
	play(&p.w[1], &query, QUERY_OK, 1);
	p.w[1].time_ns += 1000000;
	play(&p.w[1], &query, "#1 " UDP_BIRTH, 1);
	p.w[1].seq += 10;
	play(&p.w[1], &query, "#1 consume_skb" FREED, 1);
	p.w[1].packet--;
	compare(&p);
	assert_int_equal(p.status, 0);
	assert_true(p.d.side[1].censored > 0);
	assert_true(noted(&p.d, "lost 10 hops"));
	end(&p);
}

static void what_an_empty_recording_lacks_is_missing(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	play(&p.w[0], &query, QUERY_OK, 2);
	compare(&p);
	assert_int_equal(p.status, 1);
	assert_int_equal(p.d.findings[0].bad, 1);
	assert_says(p.verdict, "Diverges before the first hop");
	end(&p);
}

static void an_empty_recording_that_is_not_whole_cannot_be_compared(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	play(&p.w[0], &query, QUERY_OK, 2);
	compare_ended(&p, false);
	assert_true(p.status < 0);
	assert_says(p.error, "holds no packets");
	end(&p);
}

static void an_empty_recording_with_another_filter_cannot_be_compared(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	world_fact(&p.w[1], "recorder.filter", "tcp");
	play(&p.w[0], &query, QUERY_OK, 2);
	compare(&p);
	assert_true(p.status < 0);
	assert_says(p.error, "holds no packets");
	end(&p);
}

static void two_empty_recordings_cannot_be_compared(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	compare(&p);
	assert_true(p.status < 0);
	end(&p);
}

static void no_common_probe_cannot_be_compared(void **state)
{
	struct pair_of_worlds p;

	world_open(&p.w[0], 0);
	world_open_bare(&p.w[1], 1);
	world_probe(&p.w[1], "somewhere_else");
	play(&p.w[0], &query, QUERY_OK, 1);
	play(&p.w[1], &query, "somewhere_else", 1);
	compare(&p);
	assert_true(p.status < 0);
	assert_says(p.error, "no probed function in common");
	end(&p);
}

static void functions_probed_in_one_only_are_not_compared(void **state)
{
	struct pair_of_worlds p;

	world_open(&p.w[0], 0);
	world_open_bare(&p.w[1], 1);
	world_fact(&p.w[1], "host.kernel", "6.1.9");
	world_probe(&p.w[1], UDP_BIRTH "ip_output nf_hook_slow __dev_queue_xmit dev_hard_start_xmit __netif_rx ip_rcv udp_rcv __udp_enqueue_schedule_skb kfree_skbmem skb_release_head_state");
	play(&p.w[0], &query, QUERY_OK, 1);
	play(&p.w[1], &query, "#1 " UDP_BIRTH "ip_output __dev_queue_xmit dev_hard_start_xmit #2 __netif_rx ~ ip_rcv udp_rcv "
	     "__udp_enqueue_schedule_skb kfree_skbmem", 1);
	compare(&p);
	assert_int_equal(p.status, 0);
	assert_true(noted(&p.d, "kernel differs"));
	assert_true(noted(&p.d, "are common to both"));
	end(&p);
}

static void fisher_agrees_with_known_values(void **state)
{
	assert_true(fabs(fisher_exact(3, 4, 1, 4) - 0.48571428) < 1e-6);	/* the lady tasting tea */
	assert_true(fabs(fisher_exact(0, 10, 10, 10) - 1.0825e-5) < 1e-8);
	assert_true(fabs(fisher_exact(1, 1, 0, 1) - 1) < 1e-9);
	assert_true(fabs(fisher_exact(0, 10000, 300, 10000) - 0) < 1e-50);
}

static void nothing_is_missing_where_the_filters_differ(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	world_fact(&p.w[0], "recorder.command", "pktrec -q -o a.trc -- dig");
	world_fact(&p.w[1], "recorder.command", "/bin/pktrec -B 1M -w b.trc udp dst port 53 -- dig");
	play(&p.w[0], &query, QUERY_OK, 1);
	play(&p.w[0], &answer, ANSWER_OK, 1);
	play(&p.w[1], &query, QUERY_OK, 1);
	compare(&p);
	assert_int_equal(p.status, 0);
	assert_true(noted(&p.d, "the filters differ (none in "));
	assert_true(noted(&p.d, "udp dst port 53 in "));
	end(&p);
	begin(&p);
	world_fact(&p.w[0], "recorder.command", "pktrec -q -o a.trc udp -- dig");
	world_fact(&p.w[1], "recorder.command", "pktrec -B 1M -wb.trc --duration=3s udp -- ls");
	play(&p.w[0], &query, QUERY_OK, 1);
	play(&p.w[0], &answer, ANSWER_OK, 1);
	play(&p.w[1], &query, QUERY_OK, 1);
	compare(&p);
	assert_int_equal(p.status, 1);
	end(&p);
}

static void different_filters_without_common_packets_cannot_be_compared(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	world_fact(&p.w[0], "recorder.command", "pktrec tcp");
	world_fact(&p.w[1], "recorder.command", "pktrec udp");
	play(&p.w[0], &web, WEB_OK, 1);
	play(&p.w[1], &query, QUERY_OK, 1);
	compare(&p);
	assert_true(p.status < 0);
	assert_says(p.error, "different filters (tcp; udp)");
	end(&p);
}

static void a_renamed_function_is_the_same_on_another_kernel(void **state)
{
	struct pair_of_worlds p;

	world_open(&p.w[0], 0);
	world_kernel = "6.1.9";
	world_open(&p.w[1], 1);
	world_kernel = "6.12.1";
	world_func(&p.w[0], "inet_lookup_run_sk_lookup", 25, TRC_FUNC_PROBED | TRC_FUNC_ATTACHED);
	world_func(&p.w[1], "udp4_lookup_run_bpf", 19, TRC_FUNC_PROBED | TRC_FUNC_ATTACHED);
	play(&p.w[0], &query, "inet_lookup_run_sk_lookup " QUERY_OK, 1);
	play(&p.w[1], &query, "udp4_lookup_run_bpf " QUERY_OK, 1);
	compare(&p);
	assert_int_equal(p.status, 0);
	for (int s = 0; s < 2; s++)
		for (size_t i = 0; i < p.w[s].model->nfuncs; i++)
			if (strstr(p.w[s].model->funcs[i].name, "_lookup_run_"))
				assert_int_not_equal(p.d.side[s].shared[i], 0);
	end(&p);
}

static void another_reason_on_another_kernel_is_no_difference(void **state)
{
	struct pair_of_worlds p;

	world_open(&p.w[0], 0);
	world_kernel = "6.1.9";
	world_open(&p.w[1], 1);
	world_kernel = "6.12.1";
	play(&p.w[0], &query, QUERY_NO_SOCKET, 1);
	play(&p.w[1], &query, "#1 " UDP_BIRTH IP_OUT DEV_OUT "#2 " UDP_IN "sk_skb_reason_drop !__udp4_lib_rcv=2" FREED, 1);
	compare(&p);
	assert_int_equal(p.status, 0);
	end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_missing_where_the_filters_differ),
		cmocka_unit_test(different_filters_without_common_packets_cannot_be_compared),
		cmocka_unit_test(a_renamed_function_is_the_same_on_another_kernel),
		cmocka_unit_test(another_reason_on_another_kernel_is_no_difference),
		cmocka_unit_test(packets_that_lost_hops_prove_nothing),
		cmocka_unit_test(what_an_empty_recording_lacks_is_missing),
		cmocka_unit_test(an_empty_recording_that_is_not_whole_cannot_be_compared),
		cmocka_unit_test(an_empty_recording_with_another_filter_cannot_be_compared),
		cmocka_unit_test(two_empty_recordings_cannot_be_compared),
		cmocka_unit_test(no_common_probe_cannot_be_compared),
		cmocka_unit_test(functions_probed_in_one_only_are_not_compared),
		cmocka_unit_test(a_drop_that_lost_hops_proves_nothing),
		cmocka_unit_test(fisher_agrees_with_known_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
