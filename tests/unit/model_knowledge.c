// SPDX-License-Identifier: GPL-2.0
/*
 * model_knowledge.c - schema/functions.tsv and reasons.tsv keep what their headers promise; words are right.
 */
#include <arpa/inet.h>
#include <stdlib.h>

#include "embedded.h"
#include "model_private.h"
#include "model_support.h"

static bool is_word(const char *list, const char *word)
{
	size_t n = strlen(word);
	const char *at;

	for (at = strstr(list, word); at; at = strstr(at + 1, word))
		if ((at == list || at[-1] == ' ') && (at[n] == ' ' || !at[n]))
			return n > 0;
	return false;
}

/* Calls see() for each row; fields past the last are NULL. */
static size_t rows(const char *text, int fields, void (*see)(char **field))
{
	char *copy = strdup(text), *at = copy, *line, *field[6];
	size_t n = 0;
	int i;

	while ((line = strsep(&at, "\n"))) {
		if (!*line || *line == '#')
			continue;
		for (i = 0; i < fields; i++) {
			field[i] = strsep(&line, "\t");
			if (!field[i] || !*field[i])
				fail_msg("%s: field %d is missing", field[0], i + 1);
		}
		if (line)
			fail_msg("%s: more than %d fields", field[0], fields);
		see(field);
		n++;
	}
	free(copy);
	return n;
}

static size_t npath, npatterns;
static char seen[2048][64];
static size_t nseen;

static void seen_once(const char *name)
{
	size_t i;

	for (i = 0; i < nseen; i++)
		if (!strcmp(seen[i], name))
			fail_msg("%s has two rows", name);
	snprintf(seen[nseen++], sizeof(seen[0]), "%s", name);
}

static void function_row(char **field)
{
	bool pattern = strpbrk(field[0], "*?[");

	seen_once(field[0]);
	npatterns += pattern;
	if (npatterns && !pattern)
		fail_msg("%s: exact names come before patterns", field[0]);
	if (!is_word("syscall socket transport ip netfilter routing neighbour qdisc device driver bridge tunnel xfrm xdp tc packet "
		     "netlink other", field[1]))
		fail_msg("%s: no such layer: %s", field[0], field[1]);
	if (!is_word("- send to_ip netfilter route neigh to_qdisc to_driver receive from_ip_rcv to_transport forward to_socket "
		     "read free", field[2]))
		fail_msg("%s: no such stage: %s", field[0], field[2]);
	if (strcmp(field[3], "-") && field[3][strspn(field[3], "petdrcxbaqos")])
		fail_msg("%s: no such flag: %s", field[0], field[3]);
	if (strchr(field[3], 'p')) {
		npath++;
		if (pattern || !strcmp(field[4], "-"))
			fail_msg("%s: of the path profile, so it needs a name and a meaning", field[0]);
	}
	if (field[4][strlen(field[4]) - 1] == '.')
		fail_msg("%s: the meaning ends without a full stop", field[0]);
}

static void reasons_of_subsystems_have_names(void **state)
{
	struct trc_enum enums[] = {
		{ "skb_drop_reason", "SKB_DROP_REASON_NO_SOCKET", 3 },
		{ "skb_drop_reason", "OVS_DROP_METER", 0x30005 },
		{ "skb_drop_reason_subsys", "SKB_DROP_REASON_SUBSYS_OPENVSWITCH", 3 },
	};
	const struct model m = { .enums = enums, .nenums = sizeof(enums) / sizeof(*enums) };

	assert_string_equal(model_drop_reason(&m, 3), "NO_SOCKET");
	assert_string_equal(model_drop_reason(&m, 0x30005), "OVS_DROP_METER");
	assert_string_equal(model_drop_reason(&m, 0x30009), "OPENVSWITCH reason 9");
	assert_string_equal(model_drop_reason(&m, 0x50009), "reason 0x50009");
	assert_string_equal(model_drop_reason(&m, 99), "reason 99");
	assert_non_null(strstr(reason_meaning("OVS_DROP_METER"), "meter"));
	assert_non_null(strstr(reason_meaning("RX_DROP_U_REPLAY"), "Wi-Fi"));
}

static void functions_keep_what_their_header_promises(void **state)
{
	npath = npatterns = nseen = 0;
	assert_true(rows(embedded_functions, 5, function_row) > 500);
	assert_in_range(npath, 150, 300);
	assert_true(npatterns > 100);
}

static bool patterns_began;

static void tracepoint_row(char **field)
{
	seen_once(field[0]);
	patterns_began |= strpbrk(field[0], "*?[") != NULL;
	if (patterns_began && !strpbrk(field[0], "*?["))
		fail_msg("%s: exact names come before patterns", field[0]);
	if (!is_word("socket transport ip netfilter routing neighbour qdisc device driver bridge xdp packet", field[1]))
		fail_msg("%s: no such layer: %s", field[0], field[1]);
	if (!is_word("- send route to_qdisc to_driver receive read free", field[2]))
		fail_msg("%s: no such stage: %s", field[0], field[2]);
	if (strcmp(field[3], "-") && field[3][strspn(field[3], "dh")])
		fail_msg("%s: no such flag: %s", field[0], field[3]);
	if (!patterns_began && !strcmp(field[4], "-"))
		fail_msg("%s has no meaning", field[0]);
}

static void action_row(char **field)
{
	int32_t value;
	char kind[8], c;

	seen_once(field[0]);
	if (sscanf(field[0], "%7[^/]/%d%c", kind, &value, &c) != 2 || !is_word("xdp tc", kind))
		fail_msg("%s: kind and value, such as xdp/1", field[0]);
	if (!is_word("drop send keep -", field[2]))
		fail_msg("%s: no such effect: %s", field[0], field[2]);
	if (!strcmp(field[2], "drop") && !*reason_advice(field[1]))
		fail_msg("%s drops, and reasons.tsv has no row for it", field[1]);
}

static void tracepoints_and_actions_keep_what_their_headers_promise(void **state)
{
	const struct func point = { .name = "netif_rx", .flags = TRC_FUNC_TRACEPOINT }, function = { .name = "netif_rx" };

	nseen = 0;
	patterns_began = false;
	assert_true(rows(embedded_tracepoints, 5, tracepoint_row) > 40);
	nseen = 0;
	assert_true(rows(embedded_actions, 4, action_row) == 15);
	assert_string_equal(knowledge_of_func(&point)->flags, "h");
	assert_ptr_equal(knowledge_of_func(&function), knowledge_of("netif_rx"));
}

static void reason_row(char **field)
{
	seen_once(field[0]);
	if (!strcmp(field[1], "-"))
		fail_msg("%s has no meaning", field[0]);
	if (!strncmp(field[0], "SKB_DROP_REASON_", 16))
		fail_msg("%s: names have no prefix", field[0]);
}

static void reasons_keep_what_their_header_promises(void **state)
{
	nseen = 0;
	assert_true(rows(embedded_reasons, 3, reason_row) > 120);
	assert_non_null(strstr(reason_meaning("NETFILTER_DROP"), "firewall"));
	assert_non_null(strstr(reason_advice("NO_SOCKET"), "ss -lnp"));
	assert_string_equal(reason_advice("CONSUMED"), "");
	assert_string_equal(reason_meaning("FROM_A_NEWER_KERNEL"), "");
}

static void exact_name_wins_over_pattern_and_compiler_suffix_is_ignored(void **state)
{
	assert_string_equal(knowledge_of("ip_rcv")->stage, "from_ip_rcv");
	assert_string_equal(knowledge_of("ip_some_new_function")->layer, "ip");
	assert_string_equal(knowledge_of("ip_some_new_function")->stage, "");
	assert_string_equal(knowledge_of("ip_some_new_function")->meaning, "");
	assert_string_equal(knowledge_of("__netif_receive_skb_core.constprop.0")->layer, "device");
	assert_string_equal(knowledge_of("ip_rcv.isra.0")->stage, "from_ip_rcv");
	assert_string_equal(knowledge_of("zz_never_heard_of")->layer, "other");
	assert_string_equal(knowledge_of("")->layer, "other");
}

static void first_pattern_wins(void **state)
{
	assert_string_equal(knowledge_of("ip_vs_in")->layer, "netfilter");	/* before ip_* */
	assert_string_equal(knowledge_of("inet_gro_complete")->layer, "ip");	/* before *_gro_complete */
	assert_string_equal(knowledge_of("ip_tunnel_rcv_anything")->layer, "tunnel");
	assert_string_equal(knowledge_of("zz_tg_v12")->layer, "netfilter");	/* *_tg_v[0-9]* */
	assert_string_equal(knowledge_of("zz_xmit")->layer, "driver");		/* *_xmit */
	assert_string_equal(knowledge_of("xmit")->layer, "other");
}

/* Names that a file makes up cost no more than the length of the list. */
static void very_long_name_fits_nothing(void **state)
{
	char name[5000];

	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = 0;
	assert_string_equal(knowledge_of(name)->layer, "other");
}

static void says(const struct tuple *t, const char *expected)
{
	char text[160];

	assert_string_equal(tuple_text(t, text, sizeof(text)), expected);
}

static void tuples_are_written_as_people_write_them(void **state)
{
	struct tuple t = {
		.have = TRC_HAVE_IP4 | TRC_HAVE_L4, .l4proto = 17, .ethertype = 0x0800, .sport = 40000, .dport = 53,
		.saddr = { 10, 0, 0, 1 }, .daddr = { 10, 0, 0, 2 },
	};

	says(&t, "UDP 10.0.0.1:40000 > 10.0.0.2:53");
	t.have = TRC_HAVE_IP4;
	says(&t, "UDP 10.0.0.1 > 10.0.0.2");
	t.l4proto = 200;
	says(&t, "IPv4 protocol 200 10.0.0.1 > 10.0.0.2");
	t.have = TRC_HAVE_IP4 | TRC_HAVE_L4;
	t.l4proto = 1;
	t.sport = 8 << 8;
	says(&t, "ICMP echo request 10.0.0.1 > 10.0.0.2");
	t.sport = 99 << 8;
	says(&t, "ICMP type 99 10.0.0.1 > 10.0.0.2");
	t.have = TRC_HAVE_ARP;
	t.sport = 1;
	says(&t, "ARP who has 10.0.0.2, asks 10.0.0.1");
	t.sport = 2;
	says(&t, "ARP reply 10.0.0.1 > 10.0.0.2");
}

static void ipv6_tuples_have_brackets_only_with_ports(void **state)
{
	struct tuple t = { .have = TRC_HAVE_IP6 | TRC_HAVE_L4, .l4proto = 6, .sport = 40000, .dport = 443 };

	inet_pton(AF_INET6, "fd00::1", t.saddr);
	inet_pton(AF_INET6, "fd00::2", t.daddr);
	says(&t, "TCP [fd00::1]:40000 > [fd00::2]:443");
	t.l4proto = 58;
	t.sport = 135 << 8;
	says(&t, "ICMPv6 neighbour solicitation fd00::1 > fd00::2");
}

static void tuples_of_the_unknown_say_so(void **state)
{
	struct tuple t = {};

	says(&t, "no header seen");
	t.ethertype = 0x88cc;
	says(&t, "ethertype 0x88cc");
	t.ethertype = 0x86dd;
	says(&t, "IPv6, no header seen");
}

static void hooks_and_verdicts_have_their_names(void **state)
{
	assert_string_equal(hook_name(2, 3), "LOCAL_OUT");
	assert_string_equal(hook_name(10, 4), "POST_ROUTING");
	assert_string_equal(hook_name(3, 1), "OUT");
	assert_string_equal(hook_name(5, 1), "EGRESS");
	assert_string_equal(hook_name(7, 5), "BROUTING");
	assert_string_equal(hook_name(2, 77), "unknown hook");
	assert_string_equal(family_name(2), "IPv4");
	assert_string_equal(family_name(10), "IPv6");
	assert_string_equal(verdict_name(1), "ACCEPT");
	assert_string_equal(verdict_name(-1), "DROP");
	assert_string_equal(verdict_name(0), "STOLEN");
	assert_string_equal(fate_name(FATE_DELIVERED), "delivered");
	assert_string_equal(fate_name((enum fate)99), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reasons_of_subsystems_have_names),
		cmocka_unit_test(functions_keep_what_their_header_promises),
		cmocka_unit_test(tracepoints_and_actions_keep_what_their_headers_promise),
		cmocka_unit_test(reasons_keep_what_their_header_promises),
		cmocka_unit_test(exact_name_wins_over_pattern_and_compiler_suffix_is_ignored),
		cmocka_unit_test(first_pattern_wins),
		cmocka_unit_test(very_long_name_fits_nothing),
		cmocka_unit_test(tuples_are_written_as_people_write_them),
		cmocka_unit_test(ipv6_tuples_have_brackets_only_with_ports),
		cmocka_unit_test(tuples_of_the_unknown_say_so),
		cmocka_unit_test(hooks_and_verdicts_have_their_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
