// SPDX-License-Identifier: GPL-2.0
/*
 * diff_verdict.c - pktdiff's verdict on pairs of small recordings: what must differ, what must not, and the words.
 */
#include <math.h>

#include "diff_world.h"

struct pair_of_worlds {
	struct world w[2];
	struct diff d;
	int status;
	char verdict[1600];
	char error[700];
};

static void begin(struct pair_of_worlds *p)
{
	world_open(&p->w[0], 0);
	world_open(&p->w[1], 3);
}

static void compare_ended(struct pair_of_worlds *p, bool ended)
{
	p->error[0] = p->verdict[0] = '\0';
	world_model(&p->w[0], true);
	world_model(&p->w[1], ended);
	p->status = diff_run(&p->d, p->w[0].model, p->w[1].model, p->error, sizeof(p->error));
	if (p->status >= 0)
		say_verdict(&p->d, p->verdict, sizeof(p->verdict));
}

static void compare(struct pair_of_worlds *p)
{
	compare_ended(p, true);
}

static void end(struct pair_of_worlds *p)
{
	diff_free(&p->d);
	world_close(&p->w[0]);
	world_close(&p->w[1]);
}

static void assert_says(const char *verdict, const char *words)
{
	if (!strstr(verdict, words))
		fail_msg("\"%s\" is not in: %s", words, verdict);
}

static void play(struct world *w, const struct flow *f, const char *script, int times)
{
	while (times-- > 0)
		world_play(w, f, script);
}

static bool noted(const struct diff *d, const char *words)
{
	for (size_t i = 0; i < d->nnotes; i++)
		if (strstr(d->notes[i], words))
			return true;
	return false;
}

/* --- the main job ------------------------------------------------------------------------------------------------ */

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

static const struct flow web = { 6, 40000, 80, 1, 2, 100, .tcp_flags = 2 };
#define WEB_OK "#1 __ip_queue_xmit __ip_local_out " IP_OUT DEV_OUT "#2 " UDP_IN "tcp_v4_rcv consume_skb" FREED

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

/* --- the same ------------------------------------------------------------------------------------------------------ */

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

/* --- other differences --------------------------------------------------------------------------------------------- */

static void a_share_of_drops_is_a_difference_when_chance_is_excluded(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	play(&p.w[0], &query, QUERY_OK, 30);
	play(&p.w[1], &query, QUERY_OK, 15);
	play(&p.w[1], &query, QUERY_LEGACY, 15);
	compare(&p);
	assert_int_equal(p.status, 1);
	assert_says(p.verdict, "netfilter drops 15 of 30 packets like UDP 10.0.0.1:40000 > 10.0.0.2:53");
	end(&p);
}

static void no_listener_is_named(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	play(&p.w[0], &query, QUERY_OK, 1);
	play(&p.w[1], &query, QUERY_NO_SOCKET, 1);
	compare(&p);
	assert_int_equal(p.status, 1);
	assert_says(p.verdict, "Diverges at __udp4_lib_rcv: in ");
	assert_says(p.verdict, "drop reason NO_SOCKET; ");
	assert_says(p.verdict, "it goes on from __udp4_lib_rcv to ");
	assert_says(p.verdict, "and is delivered");
	end(&p);
}

/* The place says where it was dropped; how far it still went like the other is said too. */
static void the_way_is_compared_up_to_the_drop(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	play(&p.w[0], &query, QUERY_OK, 1);
	play(&p.w[1], &query, "#1 " UDP_BIRTH IP_OUT DEV_OUT "#2 " UDP_IN "inet_lookup_reuseport udp_unicast_rcv_skb udp_queue_rcv_skb "
	     "udp_queue_rcv_one_skb sk_skb_reason_drop !__udp4_lib_rcv=3" FREED, 1);
	compare(&p);
	assert_says(p.verdict, "Diverges at __udp4_lib_rcv: ");
	assert_says(p.verdict, "it goes on from udp_queue_rcv_one_skb to ");
	end(&p);
}

static void the_place_of_a_drop_counts_on_one_kernel_only(void **state)
{
	for (int kernels = 1; kernels <= 2; kernels++) {
		struct pair_of_worlds p;

		world_open(&p.w[0], 0);
		world_kernel = kernels == 1 ? "6.12.1" : "6.1.9";
		world_open(&p.w[1], 1);
		world_kernel = "6.12.1";
		play(&p.w[0], &query, QUERY_NO_SOCKET, 1);
		play(&p.w[1], &query, "#1 " UDP_BIRTH IP_OUT DEV_OUT "#2 " UDP_IN "sk_skb_reason_drop !udp_rcv=3" FREED, 1);
		compare(&p);
		assert_int_equal(p.status, kernels == 1);
		end(&p);
	}
}

/* TCP has its route in the socket; another time it is looked up. */
static void a_cached_route_does_not_hide_the_divergence(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	play(&p.w[0], &web, "#1 __ip_queue_xmit __ip_local_out " IP_OUT DEV_OUT "#2 __netif_rx ~ __netif_receive_skb ip_rcv ip_rcv_core "
	     "ip_local_deliver ip_local_deliver_finish ip_protocol_deliver_rcu tcp_v4_rcv consume_skb" FREED, 1);
	play(&p.w[1], &web, "#1 __ip_queue_xmit __ip_local_out " IP_OUT DEV_OUT "#2 __netif_rx ~ __netif_receive_skb ip_rcv ip_rcv_core "
	     "ip_route_input_noref ip_route_input_slow ip_local_deliver nf_hook_slow@1 ipt_do_table sk_skb_reason_drop !nf_hook_slow=11" FREED
	     " <nf_hook_slow=-1", 1);
	compare(&p);
	assert_says(p.verdict, "netfilter drops the TCP SYN packet 10.0.0.1:40000 > 10.0.0.2:80 at hook LOCAL_IN (IPv4)");
	assert_says(p.verdict, "it goes on from ip_local_deliver to ip_local_deliver_finish and reaches TCP");
	end(&p);
}

static void forward_drop_is_named(void **state)
{
	static const char ok[] = "#1 __netif_receive_skb ip_rcv nf_hook_slow@0 <nf_hook_slow=1 ip_route_input_noref ip_forward "
		"nf_hook_slow@2 ipt_do_table <nf_hook_slow=1 ip_forward_finish " IP_OUT DEV_OUT "#2 " UDP_IN UDP_QUEUE READ;
	static const char bad[] = "#1 __netif_receive_skb ip_rcv nf_hook_slow@0 <nf_hook_slow=1 ip_route_input_noref ip_forward "
		"nf_hook_slow@2 ipt_do_table sk_skb_reason_drop !nf_hook_slow=11" FREED " <nf_hook_slow=-1";
	static const struct flow passing = { 17, 40000, 53, 1, 2, 0 };
	struct pair_of_worlds p;

	begin(&p);
	play(&p.w[0], &passing, ok, 1);
	play(&p.w[1], &passing, bad, 2);
	compare(&p);
	assert_int_equal(p.status, 1);
	assert_says(p.verdict, "Diverges at nf_hook_slow: ");
	assert_says(p.verdict, "hook FORWARD (IPv4)");
	assert_says(p.verdict, "the same hook lets it pass and it goes on to ip_forward_finish");
	end(&p);
}

static void the_drops_place_counts_when_it_is_not_netfilters(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	play(&p.w[0], &query, QUERY_OK, 1);
	play(&p.w[1], &query, "#1 " UDP_BIRTH IP_OUT DEV_OUT "#2 __netif_rx netif_rx_internal enqueue_to_backlog ~ __netif_receive_skb "
	     "__netif_receive_skb_one_core ip_rcv ip_rcv_core ip_route_input_noref sk_skb_reason_drop !ip_rcv_finish_core=15" FREED, 1);
	compare(&p);
	assert_int_equal(p.status, 1);
	assert_says(p.verdict, "Diverges at ip_rcv_finish_core: ");
	assert_says(p.verdict, "drop reason IP_RPFILTER");
	assert_says(p.verdict, "it goes on from ip_route_input_noref to ip_local_deliver");
	end(&p);
}

static void a_query_that_was_never_sent_is_a_difference(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	for (int s = 0; s < 2; s++)
		play(&p.w[s], &web, WEB_OK, 1);
	play(&p.w[0], &query, QUERY_OK, 1);
	compare(&p);
	assert_int_equal(p.status, 1);
	assert_says(p.verdict, "Diverges before the first hop: in ");
	assert_says(p.verdict, "no UDP packets to port 53 in netns cl are seen");
	assert_says(p.verdict, "dig (pid 100) sends the UDP packet");
	end(&p);
}

static void nothing_is_missing_from_a_recording_that_is_not_whole(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	for (int s = 0; s < 2; s++)
		play(&p.w[s], &web, WEB_OK, 1);
	play(&p.w[0], &query, QUERY_OK, 1);
	compare_ended(&p, false);
	assert_int_equal(p.status, 0);
	assert_true(noted(&p.d, "proves nothing"));
	end(&p);
}

#define QUERY_DETOUR "#1 " UDP_BIRTH IP_OUT DEV_OUT "#2 __netif_rx netif_rx_internal enqueue_to_backlog ~ __netif_receive_skb " \
	"__netif_receive_skb_one_core ip_rcv ip_rcv_core sock_wfree ip_route_input_noref ip_forward ip_forward_finish " IP_OUT DEV_OUT \
	UDP_IN UDP_QUEUE READ

static void another_way_to_the_same_end_is_a_difference(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	play(&p.w[0], &query, QUERY_OK, 1);
	play(&p.w[1], &query, QUERY_DETOUR, 1);
	compare(&p);
	assert_int_equal(p.status, 1);
	assert_int_equal(p.d.findings[0].kind, FINDING_WAY);
	assert_says(p.verdict, "Diverges after ip_route_input_noref: ");
	assert_says(p.verdict, "goes on to ip_forward on veth1 in netns sv and is delivered");
	assert_says(p.verdict, "it goes on to ip_local_deliver ");
	end(&p);
}

static void ways_are_not_compared_when_probes_were_skipped(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	play(&p.w[0], &query, QUERY_OK, 1);
	play(&p.w[1], &query, QUERY_DETOUR, 1);
	p.w[1].missed = 7;
	compare(&p);
	assert_int_equal(p.status, 0);
	assert_true(noted(&p.d, "lacks 7 probe hits"));
	end(&p);
}

static void devices_are_part_of_the_way(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	for (int s = 0; s < 2; s++) {
		struct trc_record eth1 = { .kind = TRC_LINK, .link = { .netns = p.w[s].cl, .ifindex = 3, .name = "eth1", .kind = "",
								       .address = "", .mtu = 1500, .flags = 1 } };

		assert_int_equal(trc_write(p.w[s].writer, &eth1), 0);
	}
	play(&p.w[0], &query, QUERY_OK, 1);
	play(&p.w[1], &query, "#1 " UDP_BIRTH "%3 " IP_OUT DEV_OUT "%2 #2 " UDP_IN UDP_QUEUE READ, 1);
	compare(&p);
	assert_int_equal(p.status, 1);
	assert_says(p.verdict, "dev_hard_start_xmit on eth1 in netns cl");
	assert_says(p.verdict, "dev_hard_start_xmit on veth0 in netns cl");
	end(&p);
}

static void a_packet_that_is_stuck_is_a_difference(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	play(&p.w[0], &query, QUERY_OK, 1);
	play(&p.w[1], &query, "#1 " UDP_BIRTH IP_OUT "neigh_resolve_output", 1);
	p.w[1].time_ns += 2000000000;
	compare(&p);
	assert_int_equal(p.status, 1);
	assert_says(p.verdict, "is not seen again for the last 2.00 s of the recording");
	end(&p);
}

/* --- what cannot be compared ---------------------------------------------------------------------------------------- */

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

static void an_empty_recording_cannot_be_compared(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	play(&p.w[0], &query, QUERY_OK, 2);
	compare(&p);
	assert_true(p.status < 0);
	assert_says(p.error, "holds no packets");
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
		cmocka_unit_test(equal_recordings_are_the_same),
		cmocka_unit_test(optional_hops_and_noise_are_no_difference),
		cmocka_unit_test(another_first_function_is_no_difference),
		cmocka_unit_test(the_same_drop_twice_is_no_difference),
		cmocka_unit_test(one_stray_drop_among_many_proves_nothing),
		cmocka_unit_test(packets_under_way_at_the_end_are_no_evidence),
		cmocka_unit_test(a_share_of_drops_is_a_difference_when_chance_is_excluded),
		cmocka_unit_test(no_listener_is_named),
		cmocka_unit_test(forward_drop_is_named),
		cmocka_unit_test(the_drops_place_counts_when_it_is_not_netfilters),
		cmocka_unit_test(a_query_that_was_never_sent_is_a_difference),
		cmocka_unit_test(nothing_is_missing_from_a_recording_that_is_not_whole),
		cmocka_unit_test(another_way_to_the_same_end_is_a_difference),
		cmocka_unit_test(ways_are_not_compared_when_probes_were_skipped),
		cmocka_unit_test(devices_are_part_of_the_way),
		cmocka_unit_test(a_packet_that_is_stuck_is_a_difference),
		cmocka_unit_test(packets_that_lost_hops_prove_nothing),
		cmocka_unit_test(an_empty_recording_cannot_be_compared),
		cmocka_unit_test(no_common_probe_cannot_be_compared),
		cmocka_unit_test(functions_probed_in_one_only_are_not_compared),
		cmocka_unit_test(the_last_chain_that_ran_is_named),
		cmocka_unit_test(another_hook_drops_is_a_difference),
		cmocka_unit_test(the_earlier_divergence_is_the_verdict),
		cmocka_unit_test(hooks_on_the_way_are_optional),
		cmocka_unit_test(repeated_work_does_not_hide_the_divergence),
		cmocka_unit_test(a_class_that_is_all_under_way_is_not_compared),
		cmocka_unit_test(both_ports_ephemeral_are_one_class),
		cmocka_unit_test(namespaces_without_names_are_known_by_their_interfaces),
		cmocka_unit_test(another_name_of_a_device_is_no_difference),
		cmocka_unit_test(a_drop_that_lost_hops_proves_nothing),
		cmocka_unit_test(what_ended_differently_comes_before_what_is_missing),
		cmocka_unit_test(an_answer_of_failure_is_not_the_cause),
		cmocka_unit_test(the_way_is_compared_up_to_the_drop),
		cmocka_unit_test(the_place_of_a_drop_counts_on_one_kernel_only),
		cmocka_unit_test(segments_that_tcp_took_are_alike),
		cmocka_unit_test(a_cached_route_does_not_hide_the_divergence),
		cmocka_unit_test(fisher_agrees_with_known_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
