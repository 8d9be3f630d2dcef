// SPDX-License-Identifier: GPL-2.0
/*
 * diff_cause.c - what pktdiff says is the cause: the difference of the systems that touches the packet, and no other.
 */
#include "diff_pair.h"

#define CHAIN(hook, policy) "{\"chain\":{\"family\":\"inet\",\"table\":\"t\",\"name\":\"c\",\"handle\":1,\"type\":\"filter\",\"hook\":\"" hook \
	"\",\"prio\":0,\"policy\":\"" policy "\"}}"
#define DPORT(port) "{\"match\":{\"op\":\"==\",\"left\":{\"payload\":{\"protocol\":\"udp\",\"field\":\"dport\"}},\"right\":" port "}}"
#define COUNTER(n) "{\"counter\":{\"packets\":" n ",\"bytes\":1}}"
#define RULE(exprs) "{\"rule\":{\"family\":\"inet\",\"table\":\"t\",\"chain\":\"c\",\"handle\":2,\"expr\":[" exprs "]}}"
#define NFT(objects) "{\"nftables\":[" objects "]}"
#define DROPS_DNS(n) NFT(CHAIN("output", "accept") "," RULE(DPORT("53") "," COUNTER(n) ",{\"drop\":null}"))

static void snapshot_from(struct world *w, uint32_t netns, bool at_end, const char *what, const char *source, const char *text)
{
	const struct trc_record rec = { TRC_SNAPSHOT, .snapshot = { at_end, netns, what, source, "", 0, 1, text } };

	assert_int_equal(trc_write(w->writer, &rec), 0);
}

static void snapshot(struct world *w, uint32_t netns, bool at_end, const char *what, const char *text)
{
	snapshot_from(w, netns, at_end, what, "test", text);
}

/* The same at both moments. */
static void state_of(struct world *w, uint32_t netns, const char *what, const char *text)
{
	snapshot(w, netns, false, what, text);
	snapshot(w, netns, true, what, text);
}

static void counted(struct world *w, uint32_t netns, const char *what, const char *before, const char *after)
{
	snapshot(w, netns, false, what, before);
	snapshot(w, netns, true, what, after);
}

/* A query that got out, and one that was dropped by a hook of LOCAL_OUT. */
static void drop_begin(struct pair_of_worlds *p)
{
	begin(p);
	play(&p->w[0], &query, QUERY_OK, 1);
	play(&p->w[1], &query, QUERY_NFT, 3);
}

static void a_rule_that_counted_the_drops_is_the_cause(void **state)
{
	struct pair_of_worlds p;

	drop_begin(&p);
	state_of(&p.w[0], p.w[0].cl, "nftables", NFT(""));
	counted(&p.w[1], p.w[1].cl, "nftables", DROPS_DNS("2"), DROPS_DNS("5"));
	compare(&p);
	assert_int_equal(p.status, 1);
	assert_says(p.verdict, "Cause: rule \"udp dport 53 drop\" of nftables chain inet t c in netns cl is only in ");
	assert_says(p.verdict, "; its counter moved by 3.");
	end(&p);
}

static void a_rule_that_counted_nothing_is_not_the_cause(void **state)
{
	struct pair_of_worlds p;

	drop_begin(&p);
	state_of(&p.w[0], p.w[0].cl, "nftables", NFT(""));
	state_of(&p.w[1], p.w[1].cl, "nftables", DROPS_DNS("2"));
	compare(&p);
	assert_null(strstr(p.verdict, "udp dport 53"));
	end(&p);
}

/* What a rule has ever counted is not what it counted meanwhile. */
static void without_both_moments_nothing_is_said_to_have_been_counted(void **state)
{
	struct pair_of_worlds p;

	drop_begin(&p);
	state_of(&p.w[0], p.w[0].cl, "nftables", NFT(""));
	snapshot(&p.w[1], p.w[1].cl, true, "nftables", DROPS_DNS("1000"));
	compare(&p);
	assert_says(p.verdict, "Cause: rule \"udp dport 53 drop\" of nftables chain inet t c in netns cl is only in ");
	assert_null(strstr(p.verdict, "counter moved"));
	end(&p);
}

/* That one recorder did not see the start is no difference of the systems. */
static void a_start_that_was_not_seen_is_no_difference(void **state)
{
	struct pair_of_worlds p;

	drop_begin(&p);
	state_of(&p.w[0], p.w[0].cl, "sysctls", "net.ipv4.conf.veth0.rp_filter = 1\n");
	snapshot(&p.w[1], p.w[1].cl, true, "sysctls", "net.ipv4.conf.veth0.rp_filter = 1\n");
	compare(&p);
	assert_int_equal(p.d.nchanges, 0);
	end(&p);
}

static void a_rule_of_another_namespace_is_not_the_cause(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	play(&p.w[0], &query, QUERY_ALLOWED, 1);
	play(&p.w[1], &query, QUERY_LEGACY, 3);
	for (int s = 0; s < 2; s++)
		state_of(&p.w[s], p.w[s].sv, "nftables", NFT(""));
	world_netns(&p.w[0], 77, "other", "x0");
	world_netns(&p.w[1], 78, "other", "x0");
	state_of(&p.w[0], 77, "nftables", NFT(""));
	counted(&p.w[1], 78, "nftables", DROPS_DNS("2"), DROPS_DNS("5"));
	compare(&p);
	assert_null(strstr(p.verdict, "Cause"));
	assert_int_equal(p.d.causes.n, 0);
	assert_true(p.d.nchanges > 0);
	end(&p);
}

static void a_rule_of_another_hook_is_not_the_cause(void **state)
{
	struct pair_of_worlds p;

	drop_begin(&p);
	state_of(&p.w[0], p.w[0].cl, "nftables", NFT(""));
	state_of(&p.w[1], p.w[1].cl, "nftables", NFT(CHAIN("input", "accept") "," RULE(DPORT("53") ",{\"drop\":null}")));
	state_of(&p.w[0], p.w[0].cl, "iptables", "*filter\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n");
	counted(&p.w[1], p.w[1].cl, "iptables", "*filter\n:OUTPUT ACCEPT [0:0]\n[0:0] -A OUTPUT -p udp -j DROP\nCOMMIT\n",
		"*filter\n:OUTPUT ACCEPT [0:0]\n[3:90] -A OUTPUT -p udp -j DROP\nCOMMIT\n");
	compare(&p);
	assert_says(p.verdict, "Cause: rule \"-p udp -j DROP\" of iptables chain filter OUTPUT in netns cl is only in ");
	end(&p);
}

static void a_policy_is_the_cause(void **state)
{
	struct pair_of_worlds p;

	drop_begin(&p);
	state_of(&p.w[0], p.w[0].cl, "nftables", NFT(CHAIN("output", "accept")));
	state_of(&p.w[1], p.w[1].cl, "nftables", NFT(CHAIN("output", "drop")));
	compare(&p);
	assert_says(p.verdict, "Cause: chain inet t c in netns cl is hook output, priority 0, policy drop in ");
	end(&p);
}

#define QUERY_RPF "#1 " UDP_BIRTH IP_OUT DEV_OUT "#2 __netif_rx netif_rx_internal enqueue_to_backlog ~ __netif_receive_skb " \
	"__netif_receive_skb_one_core ip_rcv ip_rcv_core ip_rcv_finish_core ip_route_input_noref !ip_rcv_finish_core=15" FREED

static void rp_begin(struct pair_of_worlds *p)
{
	begin(p);
	world_func(&p->w[0], "ip_rcv_finish_core", 18, TRC_FUNC_PROBED | TRC_FUNC_ATTACHED);
	world_func(&p->w[1], "ip_rcv_finish_core", 18, TRC_FUNC_PROBED | TRC_FUNC_ATTACHED);
	play(&p->w[0], &query, QUERY_OK, 1);
	play(&p->w[1], &query, QUERY_RPF, 1);
}

static void a_setting_is_the_cause(void **state)
{
	struct pair_of_worlds p;

	rp_begin(&p);
	state_of(&p.w[0], p.w[0].sv, "sysctls", "net.ipv4.ip_forward = 0\nnet.core.somaxconn = 1\n");
	state_of(&p.w[1], p.w[1].sv, "sysctls", "net.ipv4.ip_forward = 0\nnet.core.somaxconn = 2\nnet.ipv4.conf.all.rp_filter = 1\n");
	compare(&p);
	assert_says(p.verdict, "Cause: net.ipv4.conf.all.rp_filter in netns sv is 1 in ");
	assert_int_equal(p.d.nchanges, 2);
	end(&p);
}

static void a_setting_of_a_device_elsewhere_is_not_the_cause(void **state)
{
	struct pair_of_worlds p;

	rp_begin(&p);
	state_of(&p.w[0], p.w[0].sv, "sysctls", "net.ipv4.conf.veth1.rp_filter = 0\n");
	state_of(&p.w[1], p.w[1].sv, "sysctls", "net.ipv4.conf.veth1.rp_filter = 1\nnet.ipv4.conf.eth7.rp_filter = 1\n");
	compare(&p);
	assert_says(p.verdict, "Cause: net.ipv4.conf.veth1.rp_filter in netns sv is 1 in ");
	end(&p);
}

#define ADDRESSES(flags) "[{\"ifname\":\"veth0\",\"flags\":[" flags "],\"mtu\":1500,\"addr_info\":[]}]"

static void a_device_that_is_down_comes_before_the_routes_that_went_with_it(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	play(&p.w[0], &query, QUERY_OK, 1);
	state_of(&p.w[0], p.w[0].cl, "addresses", ADDRESSES("\"UP\",\"LOWER_UP\""));
	state_of(&p.w[1], p.w[1].cl, "addresses", ADDRESSES(""));
	state_of(&p.w[0], p.w[0].cl, "routes", "[{\"dst\":\"10.0.0.0/24\",\"dev\":\"veth0\"}]");
	state_of(&p.w[1], p.w[1].cl, "routes", "[]");
	compare(&p);
	assert_int_equal(p.status, 1);
	assert_says(p.verdict, "Cause: device veth0 state in netns cl is down in ");
	assert_true(p.d.causes.n >= 2);
	end(&p);
}

/* Where a tool was too slow the recorder asks netlink, and writes what it hears in another shape. */
static void what_netlink_tells_is_not_compared_with_what_a_tool_tells(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	play(&p.w[0], &query, QUERY_OK, 1);
	state_of(&p.w[0], p.w[0].cl, "addresses", ADDRESSES("\"UP\",\"LOWER_UP\""));
	snapshot_from(&p.w[1], p.w[1].cl, false, "addresses", "netlink addresses", ADDRESSES(""));
	snapshot_from(&p.w[1], p.w[1].cl, true, "addresses", "netlink addresses", ADDRESSES(""));
	compare(&p);
	assert_int_equal(p.status, 1);
	assert_int_equal(p.d.causes.n, 0);
	end(&p);
}

static void a_route_to_elsewhere_is_not_the_cause(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	play(&p.w[0], &query, QUERY_OK, 1);
	state_of(&p.w[0], p.w[0].cl, "routes", "[{\"dst\":\"10.0.0.0/24\",\"dev\":\"veth0\"},{\"dst\":\"192.168.7.0/24\",\"dev\":\"veth0\"}]");
	state_of(&p.w[1], p.w[1].cl, "routes", "[]");
	compare(&p);
	assert_says(p.verdict, "Cause: route 10.0.0.0/24 in netns cl (dev veth0) is missing in ");
	end(&p);
}

static void a_reason_that_says_all_is_the_cause_when_no_difference_is(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	play(&p.w[0], &query, QUERY_OK, 1);
	play(&p.w[1], &query, QUERY_NO_SOCKET, 1);
	state_of(&p.w[0], p.w[0].sv, "sysctls", "net.core.somaxconn = 1\n");
	state_of(&p.w[1], p.w[1].sv, "sysctls", "net.core.somaxconn = 2\n");
	compare(&p);
	assert_says(p.verdict, "Cause: no socket listens on UDP port 53 of 10.0.0.2 in netns sv.");
	end(&p);
}

static void few_drops_are_no_chance_when_a_new_rule_counted_them(void **state)
{
	for (int rule = 0; rule < 2; rule++) {
		struct pair_of_worlds p;

		begin(&p);
		play(&p.w[0], &query, QUERY_OK, 30);
		play(&p.w[1], &query, QUERY_OK, 28);
		play(&p.w[1], &query, QUERY_NFT, 2);
		state_of(&p.w[0], p.w[0].cl, "nftables", NFT(""));
		if (rule)
			counted(&p.w[1], p.w[1].cl, "nftables", DROPS_DNS("2"), DROPS_DNS("4"));
		else
			state_of(&p.w[1], p.w[1].cl, "nftables", NFT(""));
		compare(&p);
		assert_int_equal(p.status, rule);
		assert_int_equal(p.d.nfindings, rule);
		end(&p);
	}
}

#define QUERY_QDISC "#1 " UDP_BIRTH IP_OUT "__dev_queue_xmit sk_skb_reason_drop !__dev_queue_xmit=50" FREED
#define QUERY_TC "#1 " UDP_BIRTH IP_OUT "__dev_queue_xmit sk_skb_reason_drop !__dev_queue_xmit=51" FREED
#define QUEUE(kind, drops) "[{\"kind\":\"" kind "\",\"dev\":\"veth0\",\"root\":true,\"options\":{},\"drops\":" drops "}]"

/* But one that is the same on both sides may lose more at one time than at another. */
static void few_drops_are_no_chance_when_a_new_queue_counted_them(void **state)
{
	for (int new = 0; new < 2; new++) {
		struct pair_of_worlds p;

		begin(&p);
		play(&p.w[0], &query, QUERY_OK, 30);
		play(&p.w[1], &query, QUERY_OK, 28);
		play(&p.w[1], &query, QUERY_QDISC, 2);
		if (new)
			state_of(&p.w[0], p.w[0].cl, "qdiscs", QUEUE("noqueue", "0"));
		else
			state_of(&p.w[0], p.w[0].cl, "qdiscs", QUEUE("netem", "0"));
		counted(&p.w[1], p.w[1].cl, "qdiscs", QUEUE("netem", "1"), QUEUE("netem", "3"));
		compare(&p);
		assert_int_equal(p.status, new);
		if (new)
			assert_says(p.verdict, "; it dropped 2 packets.");
		end(&p);
	}
}

#define FILTER(packets, verdict) "[{\"dev\":\"veth0\",\"parent\":\"ingress\"},{\"dev\":\"veth0\",\"parent\":\"egress\"}]\n[]\n" \
	"[{\"protocol\":\"ip\",\"pref\":10,\"kind\":\"flower\",\"chain\":0},{\"protocol\":\"ip\",\"pref\":10,\"kind\":\"flower\",\"chain\":0," \
	"\"options\":{\"handle\":1,\"keys\":{\"eth_type\":\"ipv4\",\"dst_port\":53},\"not_in_hw\":true,\"actions\":[{\"order\":1,\"kind\":\"gact\"," \
	"\"control_action\":{\"type\":\"" verdict "\"},\"index\":1,\"stats\":{\"bytes\":9,\"packets\":" packets ",\"drops\":0}}]}}]\n"

static void a_filter_that_counted_the_drops_is_the_cause(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	play(&p.w[0], &query, QUERY_OK, 1);
	play(&p.w[1], &query, QUERY_TC, 3);
	state_of(&p.w[0], p.w[0].cl, "filters", "[]\n");
	counted(&p.w[1], p.w[1].cl, "filters", FILTER("4", "drop"), FILTER("7", "drop"));
	compare(&p);
	assert_says(p.verdict, "Cause: tc filter \"pref 10 protocol ip flower dst_port 53 action drop\" at the egress of veth0 in netns cl is only in ");
	assert_says(p.verdict, "; its counter moved by 3.");
	end(&p);
}

static void a_filter_that_lets_pass_is_not_the_cause(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	play(&p.w[0], &query, QUERY_OK, 1);
	play(&p.w[1], &query, QUERY_TC, 3);
	state_of(&p.w[0], p.w[0].cl, "filters", "[]\n");
	counted(&p.w[1], p.w[1].cl, "filters", FILTER("4", "drop"), FILTER("4", "drop"));
	compare(&p);
	assert_says(p.verdict, "Cause: a tc filter at the egress of ");
	end(&p);
}

/* iptables-nft-save leaves out what is not of its making, though the table has the name of one of its own. */
static void rules_of_nft_are_seen_in_tables_that_iptables_would_make(void **state)
{
	static const char rule[] = "{\"nftables\":[{\"chain\":{\"family\":\"ip\",\"table\":\"filter\",\"name\":\"mine\",\"hook\":\"output\",\"prio\":0,"
		"\"policy\":\"accept\"}},{\"rule\":{\"family\":\"ip\",\"table\":\"filter\",\"chain\":\"mine\",\"handle\":2,\"expr\":["
		DPORT("53") ",{\"drop\":null}]}}]}";
	struct pair_of_worlds p;

	drop_begin(&p);
	for (int s = 0; s < 2; s++)
		state_of(&p.w[s], p.w[s].cl, "iptables-nft", "*filter\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n");
	state_of(&p.w[0], p.w[0].cl, "nftables", NFT(""));
	state_of(&p.w[1], p.w[1].cl, "nftables", rule);
	compare(&p);
	assert_says(p.verdict, "Cause: rule \"udp dport 53 drop\" of nftables chain ip filter mine in netns cl is only in ");
	end(&p);
}

#define SET(elements) "{\"set\":{\"family\":\"inet\",\"table\":\"t\",\"name\":\"blocked\",\"type\":\"ipv4_addr\"" elements "}}"
#define DROPS_SET(elements, n) NFT(CHAIN("output", "accept") "," SET(elements) "," RULE("{\"match\":{\"op\":\"==\",\"left\":{\"payload\":" \
	"{\"protocol\":\"ip\",\"field\":\"saddr\"}},\"right\":\"@blocked\"}}," COUNTER(n) ",{\"drop\":null}"))

static void the_set_that_changed_is_told_with_its_rule(void **state)
{
	struct pair_of_worlds p;

	begin(&p);
	play(&p.w[0], &query, QUERY_ALLOWED, 1);
	play(&p.w[1], &query, QUERY_NFT, 3);
	state_of(&p.w[0], p.w[0].cl, "nftables", DROPS_SET("", "5"));
	counted(&p.w[1], p.w[1].cl, "nftables", DROPS_SET(",\"elem\":[\"10.0.0.1\"]", "5"), DROPS_SET(",\"elem\":[\"10.0.0.1\"]", "8"));
	compare(&p);
	assert_says(p.verdict, "Cause: rule \"ip saddr @blocked drop\" of nftables chain inet t c in netns cl; its counter moved by 3, and by 0 in ");
	assert_says(p.verdict, "; set inet t blocked in netns cl is 10.0.0.1 in ");
	end(&p);
}

static void what_one_side_did_not_note_is_no_difference(void **state)
{
	const struct trc_record failed = { TRC_SNAPSHOT, .snapshot = { 1, 0, "nftables", "nft", "nft is not installed", 0, 1, "" } };
	struct pair_of_worlds p;
	struct trc_record rec = failed;

	drop_begin(&p);
	rec.snapshot.netns = p.w[0].cl;
	assert_int_equal(trc_write(p.w[0].writer, &rec), 0);
	counted(&p.w[1], p.w[1].cl, "nftables", DROPS_DNS("2"), DROPS_DNS("5"));
	compare(&p);
	assert_int_equal(p.d.nchanges, 0);
	end(&p);
}

/* Whatever a stranger writes into snapshots, the verdict is the same. */
static void hostile_snapshots_do_no_harm(void **state)
{
	static const char *const texts[] = {
		"", "[", "[1,null,\"x\",[],{}]", "{\"nftables\":{\"a\":1}}", "{\"nftables\":[{\"rule\":[]},{\"chain\":{}},{\"set\":{\"elem\":5}}]}",
		"[{\"dst\":{},\"dev\":[],\"ifname\":{\"a\":1},\"addr_info\":7,\"flags\":\"UP\",\"kind\":[1]}]", " = \n = 1\na = \n", "*filter\n[ -A\n:\n",
		"[{\"dev\":{},\"parent\":[]},{\"dev\":\"x\"},5]\n[{\"options\":{\"actions\":{\"a\":1}}},{\"options\":{\"actions\":[1,{\"kind\":[]}]}}]\n{}\n",
		"src  dst\n\tdir\nsrc\nsrc 1\\n", "[{\"ifname\":\"\\u001b[2J\",\"mtu\":1,\"flags\":[{}],\"addr_info\":[{\"local\":5}]}]",
	};
	static const char *const whats[] = { "nftables", "iptables", "routes", "rules", "addresses", "neighbours", "qdiscs", "sysctls", "snmp", "filters", "fdb",
		"xfrm-policies", "xfrm" };

	for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]); t++) {
		struct pair_of_worlds p;

		drop_begin(&p);
		for (size_t i = 0; i < sizeof(whats) / sizeof(whats[0]); i++) {
			state_of(&p.w[0], p.w[0].cl, whats[i], texts[t]);
			state_of(&p.w[1], p.w[1].cl, whats[i], "[]");
		}
		compare(&p);
		assert_int_equal(p.status, 1);
		assert_null(p.d.system_trouble);
		assert_null(strchr(p.verdict, '\033'));
		end(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rule_that_counted_the_drops_is_the_cause),
		cmocka_unit_test(a_rule_that_counted_nothing_is_not_the_cause),
		cmocka_unit_test(without_both_moments_nothing_is_said_to_have_been_counted),
		cmocka_unit_test(a_start_that_was_not_seen_is_no_difference),
		cmocka_unit_test(a_rule_of_another_namespace_is_not_the_cause),
		cmocka_unit_test(a_rule_of_another_hook_is_not_the_cause),
		cmocka_unit_test(a_policy_is_the_cause),
		cmocka_unit_test(a_setting_is_the_cause),
		cmocka_unit_test(a_setting_of_a_device_elsewhere_is_not_the_cause),
		cmocka_unit_test(a_device_that_is_down_comes_before_the_routes_that_went_with_it),
		cmocka_unit_test(what_netlink_tells_is_not_compared_with_what_a_tool_tells),
		cmocka_unit_test(a_route_to_elsewhere_is_not_the_cause),
		cmocka_unit_test(a_reason_that_says_all_is_the_cause_when_no_difference_is),
		cmocka_unit_test(few_drops_are_no_chance_when_a_new_rule_counted_them),
		cmocka_unit_test(few_drops_are_no_chance_when_a_new_queue_counted_them),
		cmocka_unit_test(a_filter_that_counted_the_drops_is_the_cause),
		cmocka_unit_test(a_filter_that_lets_pass_is_not_the_cause),
		cmocka_unit_test(rules_of_nft_are_seen_in_tables_that_iptables_would_make),
		cmocka_unit_test(the_set_that_changed_is_told_with_its_rule),
		cmocka_unit_test(what_one_side_did_not_note_is_no_difference),
		cmocka_unit_test(hostile_snapshots_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
