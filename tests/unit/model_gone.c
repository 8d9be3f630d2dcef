// SPDX-License-Identifier: GPL-2.0
/*
 * model_gone.c - packets are marked that passed a module, or ended in a network namespace, that went while recording.
 */
#include "model_support.h"

static void snapshot(struct tape *t, uint32_t netns, bool end)
{
	const struct trc_record rec = { TRC_SNAPSHOT, .snapshot = {
		.netns = netns, .end = end, .what = "routes", .source = "a command", .note = "", .last = true, .text = "" } };

	tape_put(t, &rec);
}

static void hop_in(struct tape *t, uint64_t packet, uint32_t netns, const char *func)
{
	struct trc_hop h = tape_hop(t, packet, func);

	h.netns = netns;
	tape_write(t, &h);
}

/* Packet 1 is stuck in the server's namespace, 2 in the client's, 3 was delivered in the server's. */
static struct model *three_packets(struct tape *t, bool server_at_end)
{
	tape_open(t);
	tape_names(t);
	snapshot(t, NS_CLIENT, false);
	snapshot(t, NS_SERVER, false);
	hop_in(t, 1, NS_CLIENT, "ip_output");
	hop_in(t, 1, NS_SERVER, "ip_rcv");
	hop_in(t, 2, NS_CLIENT, "ip_output");
	hop_in(t, 3, NS_SERVER, "ip_rcv");
	hop_in(t, 3, NS_SERVER, "__udp_enqueue_schedule_skb");
	hop_in(t, 3, NS_SERVER, "skb_consume_udp");
	snapshot(t, NS_CLIENT, true);
	if (server_at_end)
		snapshot(t, NS_SERVER, true);
	return tape_load(t);
}

static void packet_stuck_in_a_namespace_that_went_is_marked(void **state)
{
	struct tape t;
	struct model *m = three_packets(&t, false);

	assert_int_equal(m->npackets, 3);
	assert_string_equal(m->packets[0].gone, "network namespace server");
	assert_null(m->packets[1].gone);
	assert_int_equal(m->packets[2].fate, FATE_DELIVERED);
	assert_null(m->packets[2].gone);
	tape_close(&t, m);
}

static void namespaces_that_stayed_mark_nothing(void **state)
{
	struct tape t;
	struct model *m = three_packets(&t, true);
	size_t i;

	for (i = 0; i < m->npackets; i++)
		assert_null(m->packets[i].gone);
	tape_close(&t, m);
}

/* A recording that was killed has no snapshots of its end. */
static void without_an_end_nothing_went(void **state)
{
	struct tape t;
	struct model *m;

	tape_open(&t);
	tape_names(&t);
	snapshot(&t, NS_SERVER, false);
	hop_in(&t, 1, NS_SERVER, "ip_rcv");
	m = tape_load(&t);
	assert_null(m->packets[0].gone);
	tape_close(&t, m);
}

static void packet_that_passed_an_unloaded_module_is_marked(void **state)
{
	const struct trc_record func = { TRC_FUNC, .func = {
		.id = 100, .name = "dummy_xmit", .module = "dummy", .arg = 1, .flags = TRC_FUNC_PROBED | TRC_FUNC_ATTACHED, .why = "" } };
	const struct trc_record fact = { TRC_FACT, .fact = { "modules.unloaded", "dummy_hcd dummy" } };
	struct trc_hop h;
	struct tape t;
	struct model *m;

	tape_open(&t);
	tape_names(&t);
	tape_put(&t, &func);
	PATH(&t, 1, "ip_output", "kfree_skbmem");
	h = tape_hop(&t, 2, "ip_output");
	tape_write(&t, &h);
	h.time_ns += 10;
	h.seq = t.seq[0]++;
	h.func = 100;
	tape_write(&t, &h);
	tape_put(&t, &fact);
	m = tape_load(&t);
	assert_int_equal(m->npackets, 2);
	assert_null(m->packets[0].gone);
	assert_string_equal(m->packets[1].gone, "module dummy");
	tape_close(&t, m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packet_stuck_in_a_namespace_that_went_is_marked),
		cmocka_unit_test(namespaces_that_stayed_mark_nothing),
		cmocka_unit_test(without_an_end_nothing_went),
		cmocka_unit_test(packet_that_passed_an_unloaded_module_is_marked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
