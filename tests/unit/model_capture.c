// SPDX-License-Identifier: GPL-2.0
/*
 * model_capture.c - packets' bytes and snapshots of namespaces: whole, where they belong, harmless; and what BPF programs
 * answered.
 */
#include <stdlib.h>

#include "model_private.h"
#include "model_support.h"

static void part(struct tape *t, uint32_t netns, const char *what, uint32_t number, uint32_t last, const char *text)
{
	const struct trc_record rec = { TRC_SNAPSHOT, .snapshot = {
		.netns = netns, .what = what, .source = "a command", .note = "", .part = number, .last = last, .text = text } };

	tape_put(t, &rec);
}

static void parts_are_joined_though_others_lie_between(void **state)
{
	struct tape t;
	struct model *m;

	tape_open(&t);
	part(&t, 1, "routes", 0, 0, "one\ntw");
	part(&t, 2, "routes", 0, 0, "other ");
	part(&t, 1, "rules", 0, 1, "whole");
	part(&t, 1, "routes", 1, 0, "o\nth");
	part(&t, 2, "routes", 1, 1, "end");
	part(&t, 1, "routes", 2, 1, "ree\n");
	m = tape_load(&t);
	assert_int_equal(m->nsnapshots, 3);
	assert_string_equal(m->snapshots[0].text, "one\ntwo\nthree\n");
	assert_string_equal(m->snapshots[1].text, "other end");
	assert_string_equal(m->snapshots[2].text, "whole");
	assert_false(m->snapshots[0].broken || m->snapshots[1].broken || m->snapshots[2].broken);
	tape_close(&t, m);
}

static void a_first_part_begins_another(void **state)
{
	struct tape t;
	struct model *m;

	tape_open(&t);
	part(&t, 1, "routes", 0, 1, "one");
	part(&t, 1, "routes", 0, 1, "again");
	m = tape_load(&t);
	assert_int_equal(m->nsnapshots, 2);
	assert_string_equal(m->snapshots[1].text, "again");
	assert_false(m->snapshots[0].broken || m->snapshots[1].broken);
	tape_close(&t, m);
}

static void missing_parts_are_noticed(void **state)
{
	struct tape t;
	struct model *m;
	size_t i;

	tape_open(&t);
	part(&t, 1, "no end", 0, 0, "a");
	part(&t, 1, "no middle", 0, 0, "a");
	part(&t, 1, "no middle", 2, 1, "c");
	part(&t, 1, "no start", 1, 1, "b");
	part(&t, 1, "goes on", 0, 1, "a");
	part(&t, 1, "goes on", 1, 1, "b");
	m = tape_load(&t);
	assert_int_equal(m->nsnapshots, 4);
	for (i = 0; i < 4; i++)
		assert_true(m->snapshots[i].broken);
	tape_close(&t, m);
}

static void lines_stay_and_all_else_is_harmless(void **state)
{
	struct tape t;
	struct model *m;

	tape_open(&t);
	part(&t, 1, "ro\033utes", 0, 0, "a\033[31m\nb\rc \xc3");
	part(&t, 1, "ro\033utes", 1, 1, "\xa4\n\xff");	/* a letter in two parts */
	m = tape_load(&t);
	assert_string_equal(m->snapshots[0].what, "ro\\x1butes");
	assert_string_equal(m->snapshots[0].text, "a\\x1b[31m\nb\\x0dc ä\n\\xff");
	tape_close(&t, m);
}

static void bytes_find_their_packet(void **state)
{
	uint8_t bytes[] = { 0x45, 0, 1, 2 };
	struct trc_record rec = { TRC_DATA, .data = { 7, 5, 3, 1500, sizeof(bytes), bytes } };
	struct tape t;
	struct model *m;

	tape_open(&t);
	tape_put(&t, &rec);		/* before its hops, and of a packet without any */
	rec.data.packet = 8;
	rec.data.size = 0;
	tape_put(&t, &rec);
	PATH(&t, 6, "ip_rcv");
	PATH(&t, 7, "ip_rcv");
	m = tape_load(&t);
	assert_int_equal(m->ndatas, 2);
	assert_int_equal(m->datas[0].packet, 2);
	assert_int_equal(m->datas[0].len_bytes, 1500);
	assert_memory_equal(m->datas[0].bytes, bytes, sizeof(bytes));
	assert_int_equal(m->datas[1].packet, 0);
	tape_close(&t, m);
}

static void program(struct tape *t, uint32_t id, uint32_t flag)
{
	const struct trc_record rec = { TRC_FUNC, .func = { .id = id, .name = "my_prog", .module = "bpf", .why = "",
		.flags = TRC_FUNC_PROBED | TRC_FUNC_ATTACHED | TRC_FUNC_RETURN | flag } };

	tape_put(t, &rec);
}

static void answer(struct tape *t, uint64_t packet, uint32_t id, int32_t value)
{
	struct trc_hop h = tape_hop(t, packet, "ip_rcv");

	h.func = id;
	tape_write(t, &h);
	h = tape_hop(t, packet, "ip_rcv");
	h.func = id;
	h.kind = TRC_RETURN;
	h.value = value;
	h.have = 0;
	tape_write(t, &h);
}

static void what_a_bpf_program_drops_is_dropped_there(void **state)
{
	struct tape t;
	struct model *m;

	tape_open(&t);
	tape_names(&t);
	program(&t, 100, TRC_FUNC_XDP);
	program(&t, 101, TRC_FUNC_TC);
	answer(&t, 1, 100, 1);			/* XDP_DROP */
	PATH(&t, 1, "skb_release_head_state");
	answer(&t, 2, 101, 2);			/* TC_ACT_SHOT */
	answer(&t, 3, 100, 2);			/* XDP_PASS */
	PATH(&t, 3, "ip_rcv", "__udp_enqueue_schedule_skb");
	answer(&t, 4, 100, 3);			/* XDP_TX */
	answer(&t, 5, 100, 1);			/* and yet it goes on: it was another's answer */
	PATH(&t, 5, "ip_rcv");
	answer(&t, 6, 100, 77);
	answer(&t, 7, 101, 2);
	tape_drop(&t, 7, "sch_handle_ingress", 11);	/* the kernel says it itself */
	answer(&t, 8, 100, 1);
	tape_drop(&t, 8, "veth_xdp_rcv_skb", 2);	/* it says that, but not why */
	m = tape_load(&t);
	assert_int_equal(m->packets[0].fate, FATE_DROPPED);
	assert_int_equal(m->packets[0].fate_hop, 1);
	assert_string_equal(packet_reason(m, &m->packets[0]), "XDP_DROP");
	assert_string_equal(packet_reason(m, &m->packets[1]), "TC_ACT_SHOT");
	assert_int_equal(m->packets[2].fate, FATE_DELIVERED);
	assert_int_equal(m->packets[3].fate, FATE_SENT);
	assert_int_equal(m->packets[4].fate, FATE_IN_FLIGHT);
	assert_int_equal(m->packets[5].fate, FATE_IN_FLIGHT);
	assert_string_equal(packet_reason(m, &m->packets[6]), "NETFILTER_DROP");
	assert_string_equal(packet_reason(m, &m->packets[7]), "XDP_DROP");
	assert_int_equal(m->packets[7].fate_hop, 1);
	assert_string_equal(m->funcs[packet_hop(m, &m->packets[0], 0)->func].layer, "xdp");
	assert_string_equal(m->funcs[packet_hop(m, &m->packets[1], 0)->func].layer, "tc");
	assert_string_equal(action_name(&m->funcs[packet_hop(m, &m->packets[5], 1)->func], 77), "unknown action");
	assert_true(*reason_meaning("XDP_DROP") && *reason_advice("TC_ACT_SHOT"));
	tape_close(&t, m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_are_joined_though_others_lie_between),
		cmocka_unit_test(a_first_part_begins_another),
		cmocka_unit_test(missing_parts_are_noticed),
		cmocka_unit_test(lines_stay_and_all_else_is_harmless),
		cmocka_unit_test(bytes_find_their_packet),
		cmocka_unit_test(what_a_bpf_program_drops_is_dropped_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
