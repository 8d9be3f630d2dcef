// SPDX-License-Identifier: GPL-2.0
/*
 * trace_passed.c - who seeks a time is not made to read what was recorded of packets before it, and misses nothing else.
 */
#include "trace_support.h"

/* with an index: names are few, stacks as many as packets */
static void stacks_before_the_time_sought_are_not_read(void **state)
{
	static const uint32_t frames[] = { 1, 2 };
	struct tape t = tape_start();
	struct trc_record rec;
	struct trc_reader *r;
	struct image img;
	uint64_t packet = 71;

	for (uint64_t i = 1; i <= 100; i++) {
		tape_put(&t, &(struct trc_record){ .kind = TRC_STACK, .stack = { i, 2, frames } });
		assert_int_equal(trc_write_hop(t.w, &(struct trc_hop){ .time_ns = i, .packet = i }), 0);
		assert_int_equal(trc_writer_flush(t.w), 0);
	}
	img = tape_end(&t);
	assert_int_equal(trc_reader_open_memory(&r, img.data, img.size), 0);
	assert_int_equal(trc_reader_seek_time(r, packet), 0);
	for (; trc_reader_next(r, &rec) == 1; packet++) {
		assert_int_equal(rec.kind, TRC_STACK);
		assert_int_equal(rec.stack.packet, packet);
		assert_int_equal(trc_reader_next(r, &rec), 1);
		assert_int_equal(rec.hop.packet, packet);
	}
	assert_int_equal(packet, 101);
	assert_int_equal(trc_reader_health(r)->passed, 140);
	assert_int_equal(trc_reader_health(r)->out_of_order, 0);
	trc_reader_free(r);
	free(img.data);
}

/* A flush each: an edge and bytes of this time, and hops; of every tenth a stack, which later hops may name. */
static struct image record_kin(void)
{
	static const uint32_t frames[] = { 1, 2 };
	struct tape t = tape_start();

	for (uint64_t i = 1; i <= 100; i++) {
		if (i % 10 == 1)
			tape_put(&t, &(struct trc_record){ .kind = TRC_FRAMES, .frames = { i, 2, frames } });
		tape_put(&t, &(struct trc_record){ .kind = TRC_EDGE, .edge = { i, i + 1, i, TRC_EDGE_CLONE, 0 } });
		tape_put(&t, &(struct trc_record){ .kind = TRC_DATA, .data = { i, i, 2, 0, 0, NULL } });
		assert_int_equal(trc_write_hop(t.w, &(struct trc_hop){ .time_ns = i, .packet = i }), 0);
		assert_int_equal(trc_writer_flush(t.w), 0);
	}
	return tape_end(&t);
}

/* with an index and without: from 71 on all, and of what was before all stacks, for hops may name them */
static void edges_and_bytes_before_the_time_sought_are_passed(void **state)
{
	struct image img = record_kin();
	struct extent extents[400];
	size_t n = image_extents(&img, extents, 400);

	for (int indexed = 1; indexed >= 0; indexed--) {
		uint64_t seen[KIND_LAST + 1] = {}, late = 71;
		struct trc_reader *r;
		struct trc_record rec;

		img.size = indexed ? img.size : extents[n - 1].start;
		assert_int_equal(trc_reader_open_memory(&r, img.data, img.size), 0);
		assert_int_equal(trc_reader_seek_time(r, late), 0);
		while (trc_reader_next(r, &rec) == 1) {
			seen[rec.kind]++;
			assert_true(rec.kind != TRC_EDGE || rec.edge.time_ns >= late);
			assert_true(rec.kind != TRC_DATA || rec.data.time_ns >= late);
			assert_true(rec.kind != TRC_HOP || rec.hop.time_ns >= late);
		}
		assert_int_equal(seen[TRC_FRAMES], 10);
		assert_int_equal(seen[TRC_EDGE], 30);
		assert_int_equal(seen[TRC_DATA], 30);
		assert_int_equal(seen[TRC_HOP], 30);
		assert_int_equal(trc_reader_health(r)->passed, 210);
		assert_int_equal(trc_reader_health(r)->out_of_order, 0);
		trc_reader_free(r);
	}
	free(img.data);
}

/* An edge may lie before hops that are older than it: the ring of another CPU was drained first. */
static void an_edge_newer_than_the_hops_behind_it_is_found(void **state)
{
	struct tape t = tape_start();
	struct trc_record rec;
	struct trc_reader *r;
	struct image img;
	int edges = 0;

	for (uint64_t i = 1; i <= 20; i++) {
		tape_put(&t, &(struct trc_record){ .kind = TRC_EDGE, .edge = { i + 5, i + 1, i, TRC_EDGE_CLONE, 0 } });
		assert_int_equal(trc_write_hop(t.w, &(struct trc_hop){ .time_ns = i, .packet = i }), 0);
		assert_int_equal(trc_writer_flush(t.w), 0);
	}
	img = tape_end(&t);
	assert_int_equal(trc_reader_open_memory(&r, img.data, img.size), 0);
	assert_int_equal(trc_reader_seek_time(r, 11), 0);
	while (trc_reader_next(r, &rec) == 1)
		edges += rec.kind == TRC_EDGE && rec.edge.time_ns >= 11;
	assert_int_equal(edges, 15);
	trc_reader_free(r);
	free(img.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stacks_before_the_time_sought_are_not_read),
		cmocka_unit_test(edges_and_bytes_before_the_time_sought_are_passed),
		cmocka_unit_test(an_edge_newer_than_the_hops_behind_it_is_found),
	};

	return cmocka_run_group_tests_name("trace: passed", tests, NULL, NULL);
}
