// SPDX-License-Identifier: GPL-2.0
/*
 * model_lineage.c - packets that came from others: journeys, inherited addresses, data that goes on in another; and edges
 * as no kernel makes them.
 */
#include <time.h>

#include "model_private.h"
#include "model_support.h"

static void edge(struct tape *t, uint64_t child, uint64_t parent, uint32_t kind)
{
	const struct trc_record rec = { TRC_EDGE, .edge = { t->now_ns, child, parent, kind, tape_func(t, "skb_clone") } };

	tape_put(t, &rec);
}

static void bare(struct tape *t, uint64_t packet, const char *func)
{
	struct trc_hop h = tape_hop(t, packet, func);

	h.have = TRC_HAVE_SKB;
	h.ethertype = 0;
	tape_write(t, &h);
}

/* 1 shows no headers; 2, its clone, does; 4 and 5 are segments of 2; 3 is a stranger. */
static struct model *family(struct tape *t)
{
	tape_open(t);
	tape_names(t);
	bare(t, 1, "tcp_skb_entail");
	edge(t, 2, 1, TRC_EDGE_CLONE);
	PATH(t, 2, "__tcp_transmit_skb", "__ip_queue_xmit");
	PATH(t, 3, "ip_rcv");
	edge(t, 4, 2, TRC_EDGE_SEGMENT);
	bare(t, 4, "veth_xmit");
	edge(t, 5, 2, TRC_EDGE_SEGMENT);
	bare(t, 5, "veth_xmit");
	return tape_load(t);
}

static void packets_of_one_origin_are_one_journey(void **state)
{
	struct tape t;
	struct model *m = family(&t);

	assert_int_equal(m->packets[0].journey, 1);
	assert_int_equal(m->packets[1].journey, 1);
	assert_int_equal(m->packets[2].journey, 2);
	assert_int_equal(m->packets[3].journey, 1);
	assert_int_equal(m->packets[4].journey, 1);
	assert_int_equal(m->packets[1].nkin, 3);
	assert_int_equal(m->edges[m->packets[1].kin[0]].parent, 1);
	assert_int_equal(m->edges[m->packets[1].kin[2]].child, 5);
	assert_int_equal(m->packets[2].nkin, 0);
	tape_close(&t, m);
}

/* What XDP on a veth does with a packet that was sent to it. */
static void packet_that_was_rebuilt_goes_on_in_the_other(void **state)
{
	struct tape t;
	struct model *m;

	tape_open(&t);
	tape_names(&t);
	PATH(&t, 1, "ip_output", "dev_hard_start_xmit", "veth_xmit");
	edge(&t, 2, 1, TRC_EDGE_REBUILD);
	PATH(&t, 1, "kfree_skbmem");
	PATH(&t, 2, "ip_rcv");
	m = tape_load(&t);
	assert_int_equal(m->npackets, 2);
	assert_int_equal(m->packets[0].fate, FATE_MERGED);
	assert_int_equal(m->packets[0].into, 2);
	assert_string_equal(packet_became(m, &m->packets[0]), "rebuilt as");
	tape_close(&t, m);
}

static void addresses_are_inherited_from_kin_and_said_to_be(void **state)
{
	struct tape t;
	struct model *m = family(&t);
	char text[160];

	assert_string_equal(tuple_text(&m->packets[0].tuple, text, sizeof(text)), "UDP 10.0.0.1:40000 > 10.0.0.2:53");
	assert_int_equal(m->packets[0].tuple_of, 2);
	assert_int_equal(m->packets[1].tuple_of, 0);
	assert_int_equal(m->packets[3].tuple_of, 2);
	tape_close(&t, m);
}

static void what_travels_inside_another_has_other_addresses(void **state)
{
	struct tape t;
	struct model *m;

	tape_open(&t);
	tape_names(&t);
	bare(&t, 1, "tcp_skb_entail");
	PATH(&t, 2, "ip_rcv");
	edge(&t, 2, 1, TRC_EDGE_ENCAPSULATE);
	m = tape_load(&t);
	assert_int_equal(m->packets[0].tuple_of, 0);
	assert_int_equal(m->packets[0].tuple.have, 0);
	assert_int_equal(m->packets[0].journey, m->packets[1].journey);
	tape_close(&t, m);
}

static void data_that_goes_on_is_merged_and_not_consumed(void **state)
{
	static const uint32_t kinds[] = { TRC_EDGE_MERGE, TRC_EDGE_COALESCE, TRC_EDGE_REASSEMBLE };
	struct tape t;
	struct model *m;
	size_t i;

	tape_open(&t);
	tape_names(&t);
	PATH(&t, 1, "ip_rcv");
	for (i = 0; i < 3; i++) {
		PATH(&t, 2 + i, "ip_rcv", "skb_release_head_state");
		edge(&t, 1, 2 + i, kinds[i]);
	}
	PATH(&t, 5, "ip_rcv", "skb_release_head_state");
	edge(&t, 1, 5, TRC_EDGE_CLONE);
	PATH(&t, 6, "ip_rcv");
	tape_drop(&t, 6, "ip_rcv_core", 3);
	edge(&t, 1, 6, TRC_EDGE_MERGE);
	m = tape_load(&t);
	for (i = 1; i < 4; i++) {
		assert_int_equal(m->packets[i].fate, FATE_MERGED);
		assert_int_equal(m->packets[i].into, 1);
	}
	assert_int_equal(m->packets[0].fate, FATE_IN_FLIGHT);
	assert_int_equal(m->packets[4].fate, FATE_CONSUMED);
	assert_int_equal(m->packets[5].fate, FATE_DROPPED);	/* what the kernel reported stays */
	tape_close(&t, m);
}

/* 2 is dropped before 1 takes it; 3 and 4 are read and dropped as parts of it; of 5 but the data went. */
static void what_hangs_in_another_has_no_fate_of_its_own(void **state)
{
	struct model *m;
	struct tape t;

	tape_open(&t);
	tape_names(&t);
	PATH(&t, 1, "ip_rcv");
	PATH(&t, 2, "ip_rcv");
	tape_drop(&t, 2, "ip_rcv_core", 3);
	edge(&t, 1, 2, TRC_EDGE_REASSEMBLE);
	PATH(&t, 3, "ip_rcv");
	edge(&t, 1, 3, TRC_EDGE_REASSEMBLE);
	PATH(&t, 3, "__skb_datagram_iter");
	PATH(&t, 4, "ip_rcv");
	edge(&t, 1, 4, TRC_EDGE_MERGE);
	tape_drop(&t, 4, "ip_rcv_core", 3);
	PATH(&t, 5, "ip_rcv");
	edge(&t, 1, 5, TRC_EDGE_COALESCE);
	tape_drop(&t, 5, "ip_rcv_core", 3);
	m = tape_load(&t);
	assert_int_equal(m->packets[1].fate, FATE_DROPPED);
	assert_int_equal(m->packets[2].fate, FATE_MERGED);
	assert_int_equal(m->packets[3].fate, FATE_MERGED);
	assert_int_equal(m->packets[3].into, 1);
	assert_int_equal(m->packets[4].fate, FATE_DROPPED);
	tape_close(&t, m);
}

static void edges_to_packets_that_were_not_recorded_stay_half(void **state)
{
	struct tape t;
	struct model *m;

	tape_open(&t);
	PATH(&t, 1, "ip_rcv");
	edge(&t, 1, 1000, TRC_EDGE_CLONE);
	edge(&t, 2000, 1, TRC_EDGE_CLONE);
	edge(&t, 2000, 1000, TRC_EDGE_CLONE);
	edge(&t, 1000, 1, 4000000000u);
	m = tape_load(&t);
	assert_int_equal(m->nedges, 3);
	assert_int_equal(m->packets[0].nkin, 3);
	assert_int_equal(m->edges[0].child, 1);
	assert_int_equal(m->edges[0].parent, 0);
	assert_string_equal(edge_name(m->edges[2].kind), "kin");
	tape_close(&t, m);
}

static void an_edge_to_itself_is_none(void **state)
{
	struct model *m = model_new("test");
	struct trc_record rec = { TRC_EDGE, .edge = { .child = 1, .parent = 1, .kind = TRC_EDGE_MERGE } };

	assert_int_equal(record_add(m, &rec), 0);	/* the writer refuses it */
	assert_int_equal(m->nedges, 0);
	model_free(m);
}

static void cycles_end(void **state)
{
	struct tape t;
	struct model *m;
	uint64_t i;

	tape_open(&t);
	for (i = 1; i <= 50; i++)
		bare(&t, i, "ip_rcv");
	PATH(&t, 51, "ip_rcv");
	for (i = 1; i <= 51; i++)
		edge(&t, i, i % 51 + 1, i % 2 ? TRC_EDGE_MERGE : TRC_EDGE_CLONE);
	m = tape_load(&t);
	for (i = 0; i < 51; i++) {
		assert_int_equal(m->packets[i].journey, 1);
		assert_int_equal(m->packets[i].tuple_of, i < 50 ? 51 : 0);
	}
	tape_close(&t, m);
}

enum shape { CHAIN, STAR, LADDER };	/* the last: built from its end, and then climbed from there again and again */

static void shape_put(struct tape *t, enum shape shape, uint64_t i, uint64_t npackets)
{
	uint64_t at = i % npackets;

	if (shape == CHAIN)
		edge(t, 1 + at, 1 + (at + 1) % npackets, TRC_EDGE_CLONE);
	else if (shape == STAR && at)
		edge(t, 1 + at, 1, TRC_EDGE_CLONE);
	else if (shape == LADDER && i < npackets - 1)
		edge(t, npackets - i, npackets - i - 1, TRC_EDGE_CLONE);
	else if (shape == LADDER)
		edge(t, npackets, npackets - 1, TRC_EDGE_CLONE);
}

static double seconds(struct tape *t, uint32_t nedges, enum shape shape)
{
	struct timespec a, b;
	struct model *m;
	uint64_t i;

	tape_open(t);
	for (i = 1; i <= nedges / 8; i++)
		bare(t, i, "ip_rcv");
	for (i = 0; i < nedges; i++)
		shape_put(t, shape, i, nedges / 8);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	m = tape_load(t);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	tape_close(t, m);
	return b.tv_sec - a.tv_sec + (b.tv_nsec - a.tv_nsec) / 1e9;
}

/* Eight times the edges must not take much more than eight times as long. */
static void a_million_edges_take_a_moment(void **state)
{
	struct tape t;
	double small, large;
	enum shape shape;

	for (shape = CHAIN; shape <= LADDER; shape++) {
		small = seconds(&t, 100000, shape);
		large = seconds(&t, 800000, shape);
		if (large > 0.5 + 40 * small)
			fail_msg("shape %d: %.3f s for 100,000 edges, %.3f s for 800,000", shape, small, large);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_of_one_origin_are_one_journey),
		cmocka_unit_test(packet_that_was_rebuilt_goes_on_in_the_other),
		cmocka_unit_test(addresses_are_inherited_from_kin_and_said_to_be),
		cmocka_unit_test(what_travels_inside_another_has_other_addresses),
		cmocka_unit_test(data_that_goes_on_is_merged_and_not_consumed),
		cmocka_unit_test(what_hangs_in_another_has_no_fate_of_its_own),
		cmocka_unit_test(edges_to_packets_that_were_not_recorded_stay_half),
		cmocka_unit_test(an_edge_to_itself_is_none),
		cmocka_unit_test(cycles_end),
		cmocka_unit_test(a_million_edges_take_a_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
