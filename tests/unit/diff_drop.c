// SPDX-License-Identifier: GPL-2.0
/*
 * diff_drop.c - pktdiff's verdict on pairs of small recordings: that a dropped packet is named: hook, chain, reason, and what only follows from it.
 */
#include "diff_pair.h"

static void drop_is_named(const char *script, const char *chain, int bad)
{
	struct pair_of_worlds p;

	begin(&p);
	world_play(&p.w[!bad], &query, QUERY_OK);
	world_play(&p.w[!bad], &answer, ANSWER_OK);
	for (int retry = 0; retry < 3; retry++)
		world_play(&p.w[bad], &query, script);
	compare(&p);
	assert_int_equal(p.status, 1);
	assert_int_equal(p.d.findings[0].bad, bad);
	assert_says(p.verdict, "Diverges at nf_hook_slow: in ");
	assert_says(p.verdict, "netfilter drops the UDP packet 10.0.0.1:40000 > 10.0.0.2:53 (and 2 like it)");
	assert_says(p.verdict, "hook LOCAL_OUT (IPv4)");
	assert_says(p.verdict, "drop reason NETFILTER_DROP");
	assert_says(p.verdict, chain);
	assert_says(p.verdict, "it goes on from __ip_local_out to ip_output and is delivered");
	assert_null(strchr(p.verdict, '\n'));
	end(&p);
}

static void legacy_drop_is_named_with_its_table(void **state)
{
	drop_is_named(QUERY_LEGACY, ", by ipt_do_table;", 1);
}

static void nft_drop_is_the_hooks_verdict_not_the_chains_place(void **state)
{
	drop_is_named(QUERY_NFT, ", by nft_do_chain_ipv4;", 1);
}

static void drop_is_named_whichever_file_comes_first(void **state)
{
	drop_is_named(QUERY_LEGACY, ", by ipt_do_table;", 0);
	drop_is_named(QUERY_NFT, ", by nft_do_chain_ipv4;", 0);
}

static void chain_is_where_the_drop_was_reported_when_no_chain_was_probed(void **state)
{
	drop_is_named("#1 " UDP_BIRTH "nf_hook_slow@3 sk_skb_reason_drop !nft_do_chain=11" FREED " <nf_hook_slow=-1", ", by nft_do_chain;", 1);
}

static void drop_is_named_without_return_probes(void **state)
{
	drop_is_named("#1 " UDP_BIRTH "nf_hook_slow@3 ipt_do_table udp_mt sk_skb_reason_drop !nf_hook_slow=11" FREED, ", by ipt_do_table;", 1);
}

static void a_rule_that_accepts_is_passed_at_the_same_hook(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	world_play(&p.w[0], &query, QUERY_ALLOWED);
	world_play(&p.w[1], &query, QUERY_LEGACY);
	compare(&p);
	assert_int_equal(p.status, 1);
	assert_says(p.verdict, "the same hook lets it pass and it goes on to ip_output");
	end(&p);
}

static void the_missing_answer_is_a_consequence(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	world_play(&p.w[0], &query, QUERY_OK);
	world_play(&p.w[0], &answer, ANSWER_OK);
	world_play(&p.w[1], &query, QUERY_LEGACY);
	compare(&p);
	assert_int_equal(p.d.nfindings, 2);
	assert_false(finding_is_consequence(&p.d, &p.d.findings[0]));
	assert_true(finding_is_consequence(&p.d, &p.d.findings[1]));
	end(&p);
}

static void the_last_chain_that_ran_is_named(void **state)
{
	drop_is_named("#1 " UDP_BIRTH "nf_hook_slow@3 nf_conntrack_in nft_do_chain_ipv4 ipt_do_table udp_mt sk_skb_reason_drop "
		      "!nf_hook_slow=11" FREED " <nf_hook_slow=-1", ", by ipt_do_table;", 1);
}

static void another_hook_drops_is_a_difference(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	world_play(&p.w[0], &query, QUERY_LEGACY);
	world_play(&p.w[1], &query, "#1 " UDP_BIRTH "ip_output nf_hook_slow@4 apparmor_ip_postroute ipt_do_table sk_skb_reason_drop "
		   "!nf_hook_slow=11" FREED " <nf_hook_slow=-1");
	compare(&p);
	assert_int_equal(p.status, 1);
	assert_says(p.verdict, "at hook POST_ROUTING (IPv4)");
	assert_says(p.verdict, "is dropped by netfilter at hook LOCAL_OUT (IPv4), NETFILTER_DROP");
	end(&p);
}

static void the_earlier_divergence_is_the_verdict(void **state)
{
	for (int first = 0; first < 2; first++) {
		struct pair_of_worlds p;

		begin(&p);
		for (int i = 0; i < 2; i++) {
			bool is_web = i == first;

			world_play(&p.w[0], is_web ? &web : &query, is_web ? WEB_OK : QUERY_OK);
			world_play(&p.w[1], is_web ? &web : &query, is_web ? "#1 __ip_queue_xmit __ip_local_out sk_skb_reason_drop "
				   "!__ip_queue_xmit=2" FREED : QUERY_LEGACY);
		}
		compare(&p);
		assert_int_equal(p.d.nfindings, 2);
		assert_says(p.verdict, first ? "Diverges at nf_hook_slow" : "Diverges at __ip_queue_xmit");
		assert_false(finding_is_consequence(&p.d, &p.d.findings[1]));
		end(&p);
	}
}

static void what_ended_differently_comes_before_what_is_missing(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	world_play(&p.w[0], &web, WEB_OK);
	world_play(&p.w[0], &query, QUERY_OK);
	world_play(&p.w[1], &query, QUERY_LEGACY);
	compare(&p);
	assert_int_equal(p.d.nfindings, 2);
	assert_says(p.verdict, "Diverges at nf_hook_slow");
	end(&p);
}

static void an_answer_of_failure_is_not_the_cause(void **state)
{
	static const struct flow reset = { 6, 80, 40000, 2, 1, 0, .tcp_flags = 4 };
	struct pair_of_worlds p;

	begin(&p);
	world_play(&p.w[0], &reset, WEB_OK);
	world_play(&p.w[0], &query, QUERY_OK);
	world_play(&p.w[1], &reset, QUERY_LEGACY);
	world_play(&p.w[1], &query, QUERY_NFT);
	compare(&p);
	assert_int_equal(p.d.nfindings, 2);
	assert_says(p.verdict, "UDP packet 10.0.0.1:40000 > 10.0.0.2:53");
	end(&p);
}

static void segments_that_tcp_took_are_alike(void **state)
{
	static const struct flow ack = { 6, 40000, 80, 1, 2, 100, .tcp_flags = 16 };
	static const struct flow reset = { 6, 80, 40000, 2, 1, 200, .tcp_flags = 4 };
	struct pair_of_worlds p;

	begin(&p);
	world_play(&p.w[0], &ack, WEB_OK);
	world_play(&p.w[1], &ack, "#1 __ip_queue_xmit __ip_local_out " IP_OUT DEV_OUT "#2 " UDP_IN "tcp_v4_rcv sk_skb_reason_drop "
		   "!tcp_rcv_state_process=2" FREED);
	world_play(&p.w[1], &reset, WEB_OK);
	compare(&p);
	assert_int_equal(p.status, 0);
	assert_int_equal(p.d.compared, 1);
	assert_true(noted(&p.d, "1 TCP RST packets from port 80"));
	end(&p);
}

/* Up to the decisive hook one of the two passed another hook that accepted. */
static void hooks_on_the_way_are_optional(void **state)
{
	static const char *const late_drop = "#1 " UDP_BIRTH "nf_hook_slow@3 ipt_do_table <nf_hook_slow=1 ip_output nf_hook_slow@4 ipt_do_table "
		"sk_skb_reason_drop !nf_hook_slow=11" FREED " <nf_hook_slow=-1";
	static const char *const plain_drop = "#1 " UDP_BIRTH "ip_output nf_hook_slow@4 ipt_do_table sk_skb_reason_drop !nf_hook_slow=11" FREED
		" <nf_hook_slow=-1";
	static const char *const no_hooks = "#1 " UDP_BIRTH "ip_output ip_finish_output __ip_finish_output ip_finish_output2 " DEV_OUT
		"#2 " UDP_IN UDP_QUEUE READ;
	static const char *const one_hook = "#1 " UDP_BIRTH "nf_hook_slow@3 <nf_hook_slow=1 ip_output ip_finish_output __ip_finish_output "
		"ip_finish_output2 " DEV_OUT "#2 " UDP_IN UDP_QUEUE READ;

	for (int i = 0; i < 2; i++) {
		struct pair_of_worlds p;

		begin(&p);
		world_play(&p.w[0], &query, i ? no_hooks : one_hook);
		world_play(&p.w[1], &query, i ? late_drop : plain_drop);
		compare(&p);
		assert_says(p.verdict, "goes on from ip_output to ip_finish_output and is delivered");
		end(&p);
	}
}

static void repeated_work_does_not_hide_the_divergence(void **state)
{
	char script[4000] = "#1 " UDP_BIRTH "ip_output ";
	struct pair_of_worlds p;

	for (int i = 0; i < 60; i++)
		strcat(script, "skb_network_protocol netif_skb_features ");
	strcat(script, "ip_finish_output2 neigh_resolve_output sk_skb_reason_drop !ip_finish_output2=2" FREED);
	begin(&p);
	world_play(&p.w[0], &query, "#1 " UDP_BIRTH "ip_output skb_network_protocol netif_skb_features ip_finish_output2 " DEV_OUT "#2 " UDP_IN
		   UDP_QUEUE READ);
	world_play(&p.w[1], &query, script);
	compare(&p);
	assert_says(p.verdict, "Diverges at ip_finish_output2: ");
	assert_says(p.verdict, "it goes on from ip_finish_output2 to __dev_queue_xmit");
	end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(legacy_drop_is_named_with_its_table),
		cmocka_unit_test(nft_drop_is_the_hooks_verdict_not_the_chains_place),
		cmocka_unit_test(drop_is_named_whichever_file_comes_first),
		cmocka_unit_test(chain_is_where_the_drop_was_reported_when_no_chain_was_probed),
		cmocka_unit_test(drop_is_named_without_return_probes),
		cmocka_unit_test(a_rule_that_accepts_is_passed_at_the_same_hook),
		cmocka_unit_test(the_missing_answer_is_a_consequence),
		cmocka_unit_test(the_last_chain_that_ran_is_named),
		cmocka_unit_test(another_hook_drops_is_a_difference),
		cmocka_unit_test(the_earlier_divergence_is_the_verdict),
		cmocka_unit_test(hooks_on_the_way_are_optional),
		cmocka_unit_test(repeated_work_does_not_hide_the_divergence),
		cmocka_unit_test(what_ended_differently_comes_before_what_is_missing),
		cmocka_unit_test(an_answer_of_failure_is_not_the_cause),
		cmocka_unit_test(segments_that_tcp_took_are_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
