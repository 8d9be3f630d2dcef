// SPDX-License-Identifier: GPL-2.0
/*
 * diff_other.c - pktdiff's verdict on pairs of small recordings: differences that are no netfilter drop: shares, ways, missing and stuck packets.
 */
#include "diff_pair.h"

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
	assert_says(p.verdict, "netfilter drops the TCP SYN packet 10.0.0.1:40000 > 10.0.0.2:80 on veth1 in netns sv at hook LOCAL_IN (IPv4)");
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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
		cmocka_unit_test(the_way_is_compared_up_to_the_drop),
		cmocka_unit_test(the_place_of_a_drop_counts_on_one_kernel_only),
		cmocka_unit_test(a_cached_route_does_not_hide_the_divergence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
