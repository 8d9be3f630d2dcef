// SPDX-License-Identifier: GPL-2.0
/*
 * trace_roundtrip.c - what is written to a recording is what is read from it.
 */
#include <stdio.h>

#include "index.h"
#include "trace_support.h"

static struct trc_reader *image_open(const struct image *img)
{
	struct trc_reader *r;

	assert_int_equal(trc_reader_open_memory(&r, img->data, img->size), 0);
	return r;
}

static void image_expect(const struct image *img, const struct trc_record *expected, size_t n)
{
	struct trc_reader *r = image_open(img);
	struct trc_record rec;

	for (size_t i = 0; i < n; i++) {
		assert_int_equal(trc_reader_next(r, &rec), 1);
		assert_record_equal(&expected[i], &rec);
	}
	assert_int_equal(trc_reader_next(r, &rec), 0);
	assert_int_equal(trc_reader_next(r, &rec), 0);
	assert_int_equal(trc_reader_health(r)->bytes, img->size);
	assert_int_equal(trc_reader_health(r)->damaged, 0);
	assert_int_equal(trc_reader_health(r)->bytes_bad, 0);
	assert_int_equal(trc_reader_health(r)->out_of_order, 0);
	trc_reader_free(r);
}

static const uint32_t many_frames[TRC_STACK_MAX] = { 0, UINT32_MAX, 1, 127, 128, [TRC_STACK_MAX - 1] = 7 };

static const uint8_t many_bytes[TRC_STRING_MAX] = { 0, 255, 0x80, [TRC_STRING_MAX - 1] = 9 };

/* in the order in which kinds are written */
static const struct trc_record extremes[] = {
	{ .kind = TRC_FACT, .fact = { "host.kernel", "6.12.0" } },
	{ .kind = TRC_FACT, .fact = { "", "" } },
	{ .kind = TRC_FACT, .fact = { NULL, NULL } },
	{ .kind = TRC_FACT, .fact = { "\xff\x80\x1b[2J", "two\nlines" } },
	{ .kind = TRC_ENUM, .enumeration = { "skb_drop_reason", "NETFILTER_DROP", 11 } },
	{ .kind = TRC_ENUM, .enumeration = { "e", "least", INT64_MIN } },
	{ .kind = TRC_ENUM, .enumeration = { "e", "most", INT64_MAX } },
	{ .kind = TRC_ENUM, .enumeration = { "e", "minus one", -1 } },
	{ .kind = TRC_FUNC, .func = { 0, "ip_rcv", "", 0, 1, TRC_FUNC_PROBED | TRC_FUNC_ATTACHED, 0, "" } },
	{ .kind = TRC_FUNC, .func = { UINT32_MAX, "f", "nf_tables", INT64_MIN, UINT32_MAX, UINT32_MAX, UINT32_MAX, "no" } },
	{ .kind = TRC_FUNC, .func = { 2, "g", "m", INT64_MAX, 5, 0, 22, "invalid" } },
	{ .kind = TRC_NETNS, .netns = { UINT32_MAX, "cl" } },
	{ .kind = TRC_NETNS, .netns = { 0, "" } },
	{ .kind = TRC_LINK, .link = { 1, 2, "veth0", "veth", "aa:bb:cc:dd:ee:ff", 3, 4, 1500, 0x1043 } },
	{ .kind = TRC_LINK, .link = { UINT32_MAX, UINT32_MAX, "", "", "", UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX } },
	{ .kind = TRC_PROC, .proc = { 1, "init", "/sbin/init splash" } },
	{ .kind = TRC_PROC, .proc = { UINT32_MAX, "", "" } },
	{ .kind = TRC_SNAPSHOT, .snapshot = { 0, 0, "routes", "ip route show table all", "", 0, 0, "a\nb\n" } },
	{ .kind = TRC_SNAPSHOT, .snapshot = { 1, UINT32_MAX, NULL, NULL, "no such command", UINT32_MAX, 1, NULL } },
	{ .kind = TRC_STACK, .stack = { 1, 0, NULL } },
	{ .kind = TRC_STACK, .stack = { UINT64_MAX, TRC_STACK_MAX, many_frames } },
	{ .kind = TRC_FRAMES, .frames = { 1, 0, NULL } },
	{ .kind = TRC_FRAMES, .frames = { UINT32_MAX, TRC_STACK_MAX, many_frames } },
	{ .kind = TRC_EDGE, .edge = { 0, 1, UINT64_MAX, 0, 0 } },
	{ .kind = TRC_EDGE, .edge = { UINT64_MAX, UINT64_MAX, 1, UINT32_MAX, UINT32_MAX } },
	{ .kind = TRC_DATA, .data = { 1, 0, 2, 0, 0, NULL } },
	{ .kind = TRC_DATA, .data = { UINT64_MAX, UINT64_MAX, 3, UINT32_MAX, TRC_STRING_MAX, many_bytes } },
	{ .kind = TRC_DATA, .data = { 2, 7, 3, 5, 5, (const uint8_t *)"\0\xff\0\n\0" } },
	{ .kind = TRC_HOP, .hop = { .packet = 1 } },
	{ .kind = TRC_HOP, .hop = {
		.time_ns = UINT64_MAX, .packet = UINT64_MAX, .seq = UINT64_MAX, .func = UINT32_MAX, .pid = UINT32_MAX,
		.len_bytes = UINT32_MAX, .paged_bytes = UINT32_MAX, .ifindex = UINT32_MAX, .netns = UINT32_MAX,
		.mark = UINT32_MAX, .value = INT32_MIN, .tcp_seq = UINT32_MAX, .ethertype = UINT16_MAX,
		.sport = UINT16_MAX, .dport = UINT16_MAX, .ip_id = UINT16_MAX, .frag = UINT16_MAX,
		.gso_size = UINT16_MAX, .gso_segs = UINT16_MAX, .kind = TRC_DROP, .context = TRC_CONTEXT_UNKNOWN,
		.hook = 255, .family = 255, .l4proto = 255, .ttl = 255, .tcp_flags = 255, .have = 255,
		.saddr = { 255, 254, 253, 252, 251, 250, 249, 248, 247, 246, 245, 244, 243, 242, 241, 240 },
		.daddr = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 }, .stack = UINT32_MAX } },
	{ .kind = TRC_HOP, .hop = { .packet = 1, .stack = 1 } },
	{ .kind = TRC_HOP, .hop = { .packet = 1, .value = INT32_MAX, .kind = TRC_RETURN } },
	{ .kind = TRC_HOP, .hop = { .packet = 2, .cpu = UINT16_MAX, .seq = 1 } },
	{ .kind = TRC_LOSS, .loss = { 0, 1, 2, 3, 4, 5 } },
	{ .kind = TRC_LOSS, .loss = { UINT32_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX } },
	{ .kind = TRC_END, .end = { "command ended", UINT64_MAX, UINT64_MAX, UINT64_MAX } },
};

#define NEXTREMES (sizeof(extremes) / sizeof(extremes[0]))

static void every_kind_survives_with_extreme_values(void **state)
{
	struct tape t = tape_start();
	struct image img;

	for (size_t i = 0; i < NEXTREMES; i++)
		tape_put(&t, &extremes[i]);
	img = tape_end(&t);
	image_expect(&img, extremes, NEXTREMES);
	free(img.data);
}

static void kinds_are_written_in_order_whatever_the_order_of_calls(void **state)
{
	struct tape t = tape_start();
	struct image img;

	/* kinds backwards, rows of a kind forwards */
	for (int kind = KIND_LAST; kind >= TRC_FACT; kind--)
		for (size_t i = 0; i < NEXTREMES; i++)
			if ((int)extremes[i].kind == kind)
				tape_put(&t, &extremes[i]);
	img = tape_end(&t);
	image_expect(&img, extremes, NEXTREMES);
	free(img.data);
}

static void each_flush_is_readable_alone(void **state)
{
	struct tape t = tape_start();
	struct image img;

	for (size_t i = 0; i < NEXTREMES; i++) {
		tape_put(&t, &extremes[i]);
		assert_int_equal(trc_writer_flush(t.w), 0);
	}
	img = tape_end(&t);
	image_expect(&img, extremes, NEXTREMES);
	free(img.data);
}

static void long_strings_are_cut(void **state)
{
	struct tape t = tape_start();
	char *text = malloc(TRC_STRING_MAX + 2);
	struct trc_record rec = { .kind = TRC_FACT, .fact = { text, "after" } };
	struct image img;

	memset(text, 'x', TRC_STRING_MAX + 1);
	text[TRC_STRING_MAX + 1] = 0;
	tape_put(&t, &rec);
	img = tape_end(&t);
	text[TRC_STRING_MAX] = 0;
	image_expect(&img, &rec, 1);
	free(img.data);
	free(text);
}

static void an_empty_recording_is_a_recording(void **state)
{
	struct tape t = tape_start();
	struct image img = tape_end(&t);

	assert_int_equal(img.size, PREAMBLE_SIZE);
	image_expect(&img, NULL, 0);
	free(img.data);
}

#define RANDOM_CPUS 5

/* Rows of several CPUs mixed, and every CPU's rows come back in their order, the next of that CPU each time. */
static void random_rows(size_t n, void (*next)(struct trc_hop *hop, uint64_t *state), uint64_t seed)
{
	struct trc_hop *written[RANDOM_CPUS];
	struct trc_hop last[RANDOM_CPUS] = {};
	size_t count[RANDOM_CPUS] = {}, seen[RANDOM_CPUS] = {};
	struct tape t = tape_start();
	struct trc_record rec;
	struct trc_reader *r;
	struct image img;

	for (int cpu = 0; cpu < RANDOM_CPUS; cpu++)
		written[cpu] = malloc(n * sizeof(struct trc_hop));
	for (size_t i = 0; i < n; i++) {
		int cpu = random_next(&seed) % RANDOM_CPUS;

		last[cpu].packet |= 1;
		next(&last[cpu], &seed);
		last[cpu].cpu = cpu * 13;
		last[cpu].seq += 1 + (random_next(&seed) % 100 == 0);
		assert_int_equal(trc_write_hop(t.w, &last[cpu]), 0);
		written[cpu][count[cpu]++] = last[cpu];
		if (random_next(&seed) % 7000 == 0)
			assert_int_equal(trc_writer_flush(t.w), 0);
	}
	img = tape_end(&t);
	r = image_open(&img);
	for (size_t i = 0; i < n; i++) {
		int cpu;

		assert_int_equal(trc_reader_next(r, &rec), 1);
		assert_int_equal(rec.kind, TRC_HOP);
		cpu = rec.hop.cpu / 13;
		assert_in_range(cpu, 0, RANDOM_CPUS - 1);
		assert_in_range(seen[cpu], 0, count[cpu] - 1);
		assert_memory_equal(&written[cpu][seen[cpu]++], &rec.hop, HOP_BYTES);
	}
	assert_int_equal(trc_reader_next(r, &rec), 0);
	trc_reader_free(r);
	free(img.data);
	for (int cpu = 0; cpu < RANDOM_CPUS; cpu++)
		free(written[cpu]);
}

static void likely_hops_of_many_cpus_survive(void **state)
{
	random_rows(40000, hop_step, 1);
}

static void hops_of_noise_survive(void **state)
{
	random_rows(40000, hop_noise, 2);
}

static void likely_hops_are_small(void **state)
{
	struct tape t = tape_start();
	struct trc_hop hop = { .packet = 1 };
	uint64_t seed = 3;
	struct image img;

	for (int i = 0; i < UNIT_HOPS_MAX; i++) {
		hop_step(&hop, &seed);
		hop.seq++;
		assert_int_equal(trc_write_hop(t.w, &hop), 0);
	}
	img = tape_end(&t);
	/* of the 7 or so bytes, five are the random time and function */
	assert_in_range(img.size / UNIT_HOPS_MAX, 1, 9);
	free(img.data);
}

/* a writer's row is refused, the recording goes on */
static void wrong_arguments_are_refused(void **state)
{
	struct tape t = tape_start();
	const struct trc_record wrong[] = {
		{ .kind = 0 },
		{ .kind = KIND_LAST + 1 },
		{ .kind = TRC_HOP, .hop = { .packet = 0 } },
		{ .kind = TRC_HOP, .hop = { .packet = 1, .kind = TRC_DROP + 1 } },
		{ .kind = TRC_HOP, .hop = { .packet = 1, .context = TRC_CONTEXT_UNKNOWN + 1 } },
		{ .kind = TRC_STACK, .stack = { .packet = 0 } },
		{ .kind = TRC_STACK, .stack = { .packet = 1, .count = 1, .frames = NULL } },
		{ .kind = TRC_STACK, .stack = { .packet = 1, .count = TRC_STACK_MAX + 1, .frames = many_frames } },
		{ .kind = TRC_FRAMES, .frames = { 0, 1, many_frames } },
		{ .kind = TRC_FRAMES, .frames = { 1, 1, NULL } },
		{ .kind = TRC_FRAMES, .frames = { 1, TRC_STACK_MAX + 1, many_frames } },
		{ .kind = TRC_EDGE, .edge = { .child = 1, .kind = TRC_EDGE_CLONE } },
		{ .kind = TRC_EDGE, .edge = { .parent = 1, .kind = TRC_EDGE_CLONE } },
		{ .kind = TRC_EDGE, .edge = { .child = 1, .parent = 1, .kind = TRC_EDGE_CLONE } },
		{ .kind = TRC_DATA, .data = { 0, 1, 2, 1, 1, many_bytes } },
		{ .kind = TRC_DATA, .data = { 1, 1, 4, 1, 1, many_bytes } },
		{ .kind = TRC_DATA, .data = { 1, 1, 0, 1, 1, many_bytes } },
		{ .kind = TRC_DATA, .data = { 1, 1, 2, 1, 2, many_bytes } },	/* more than the packet has */
		{ .kind = TRC_DATA, .data = { 1, 1, 2, 1, 1, NULL } },
		{ .kind = TRC_DATA, .data = { 1, 1, 2, UINT32_MAX, TRC_STRING_MAX + 1, many_bytes } },
		{ .kind = TRC_SNAPSHOT, .snapshot = { .end = 2 } },
		{ .kind = TRC_SNAPSHOT, .snapshot = { .last = 2 } },
	};
	struct image img;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(trc_write(t.w, &wrong[i]), -EINVAL);
		assert_string_not_equal(trc_writer_error(t.w), "");
	}
	tape_put(&t, &extremes[0]);
	img = tape_end(&t);
	image_expect(&img, extremes, 1);
	free(img.data);
}

/* the n-th unit's header */
static struct unit header_of(const struct image *img, size_t n)
{
	struct extent extents[32];
	struct unit u = {};

	assert_in_range(n, 0, image_extents(img, extents, 32) - 1);
	assert_true(unit_get(img->data + extents[n].start, &u));
	return u;
}

static void headers_tell_time_and_loss_of_all_cpus(void **state)
{
	static const uint64_t times[] = { 50, 40, 70 };
	struct tape t = tape_start();
	struct trc_record loss = { .kind = TRC_LOSS, .loss = { .cpu = 3, .lost = 5 } };
	struct trc_record end = { .kind = TRC_END, .end = { .time_ns = 99 } };
	struct image img;
	struct unit u;

	tape_put(&t, &loss);
	loss.loss.cpu = 9;
	tape_put(&t, &loss);
	loss.loss.lost = 7;	/* in all, not since */
	tape_put(&t, &loss);
	for (int i = 0; i < 3; i++)
		assert_int_equal(trc_write_hop(t.w, &(struct trc_hop){ .packet = 1, .time_ns = times[i] }), 0);
	tape_put(&t, &end);
	img = tape_end(&t);
	u = header_of(&img, 0);
	assert_string_equal(u.type, "HOPS");
	assert_int_equal(u.rows, 3);
	assert_int_equal(u.sequence, 0);
	assert_int_equal(u.time_first, 40);
	assert_int_equal(u.time_last, 70);
	assert_int_equal(u.lost, 12);
	u = header_of(&img, 2);
	assert_string_equal(u.type, "DONE");
	assert_int_equal(u.sequence, 2);
	assert_int_equal(u.time_first, 99);
	assert_int_equal(u.time_last, 99);
	free(img.data);
}

/* edges and data, like hops, so that who seeks can pass them; and a unit begins anew */
static void headers_tell_the_times_of_edges_and_data(void **state)
{
	static const uint64_t times[] = { 50, 40, 70 };
	struct tape t = tape_start();
	struct image img;
	struct unit u;

	for (int i = 0; i < 3; i++) {
		tape_put(&t, &(struct trc_record){ .kind = TRC_EDGE, .edge = { times[i], 2, 1, TRC_EDGE_COPY, 0 } });
		tape_put(&t, &(struct trc_record){ .kind = TRC_DATA, .data = { 1, times[i] + 100, 2, 0, 0, NULL } });
	}
	assert_int_equal(trc_writer_flush(t.w), 0);
	tape_put(&t, &(struct trc_record){ .kind = TRC_EDGE, .edge = { 60, 2, 1, TRC_EDGE_COPY, 0 } });
	img = tape_end(&t);
	u = header_of(&img, 0);
	assert_string_equal(u.type, "edge");
	assert_int_equal(u.time_first, 40);
	assert_int_equal(u.time_last, 70);
	u = header_of(&img, 1);
	assert_string_equal(u.type, "data");
	assert_int_equal(u.time_first, 140);
	assert_int_equal(u.time_last, 170);
	u = header_of(&img, 2);
	assert_int_equal(u.time_first, 60);
	assert_int_equal(u.time_last, 60);
	free(img.data);
}

static void nothing_is_written_after_the_finish(void **state)
{
	struct tape t = tape_start();

	assert_int_equal(trc_writer_finish(t.w), 0);
	assert_int_equal(trc_write(t.w, &extremes[0]), -EINVAL);
	assert_int_equal(trc_write_hop(t.w, &(struct trc_hop){ .packet = 1 }), -EINVAL);
	assert_int_equal(trc_writer_flush(t.w), -EINVAL);
	assert_int_equal(trc_writer_finish(t.w), 0);
	trc_writer_free(t.w);
	close(t.fd);
}

/* many rows of one kind make several units, and the rows they refer to stay before them */
static void a_full_kind_flushes_the_names_first(void **state)
{
	struct tape t = tape_start();
	struct trc_record func = { .kind = TRC_FUNC, .func = { .name = "early" } }, rec;
	struct trc_reader *r;
	struct image img;
	int hops = 0;

	for (int i = 0; i < UNIT_HOPS_MAX; i++) {
		if (i == 100)
			tape_put(&t, &func);
		assert_int_equal(trc_write_hop(t.w, &(struct trc_hop){ .packet = 1, .seq = i }), 0);
	}
	assert_true(trc_writer_bytes(t.w) > PREAMBLE_SIZE);
	img = tape_end(&t);
	r = image_open(&img);
	assert_int_equal(trc_reader_next(r, &rec), 1);
	assert_int_equal(rec.kind, TRC_FUNC);
	while (trc_reader_next(r, &rec) == 1)
		hops++;
	assert_int_equal(hops, UNIT_HOPS_MAX);
	trc_reader_free(r);
	free(img.data);
}

static void a_hundred_thousand_functions_take_bounded_units(void **state)
{
	struct tape t = tape_start();
	char name[32];
	struct trc_record rec = { .kind = TRC_FUNC, .func = { .name = name } };
	uint32_t seen = 0, n = 100000;
	struct trc_reader *r;
	struct image img;

	for (uint32_t i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "function_number_%u", i);
		rec.func.id = i;
		tape_put(&t, &rec);
	}
	img = tape_end(&t);
	r = image_open(&img);
	while (trc_reader_next(r, &rec) == 1) {
		snprintf(name, sizeof(name), "function_number_%u", seen);
		assert_int_equal(rec.func.id, seen++);
		assert_string_equal(rec.func.name, name);
	}
	assert_int_equal(seen, n);
	assert_in_range(trc_reader_health(r)->units, 2, 4);
	trc_reader_free(r);
	free(img.data);
}

static void an_index_names_the_cpus_and_functions_of_a_unit(void **state)
{
	struct index_writer x = {};
	struct unit u = { .type = "HOPS", .rows = 3 }, fact = { .type = "fact", .rows = 1 };
	static const uint8_t expected[] = {
		0, 0x30, 0,					/* none before, from offset 48 and unit 0 on */
		11, 'f', 'a', 'c', 't', 0, 1, 0, 0, 0, 0, 0,
		15, 'H', 'O', 'P', 'S', 0, 3, 0, 0, 0, 2, 0x01, 0x04, 2, 0x01, 0x80,	/* CPUs 0, 10; functions 0, 15, 1024 */
	};

	assert_int_equal(index_reserve(&x), 0);
	index_note_hop(&x, &(struct trc_hop){ .cpu = 0, .func = 15 });
	index_note_hop(&x, &(struct trc_hop){ .cpu = 10, .func = 1024 });
	index_note_hop(&x, &(struct trc_hop){ .cpu = 10, .func = 0 });
	index_note_unit(&x, &fact, PREAMBLE_SIZE);
	index_note_unit(&x, &u, PREAMBLE_SIZE + HEADER_SIZE);
	assert_int_equal(index_build(&x), 0);
	assert_int_equal(x.unit.size, sizeof(expected));
	assert_memory_equal(x.unit.data, expected, sizeof(expected));
	index_writer_free(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_survives_with_extreme_values),
		cmocka_unit_test(kinds_are_written_in_order_whatever_the_order_of_calls),
		cmocka_unit_test(each_flush_is_readable_alone),
		cmocka_unit_test(long_strings_are_cut),
		cmocka_unit_test(an_empty_recording_is_a_recording),
		cmocka_unit_test(likely_hops_of_many_cpus_survive),
		cmocka_unit_test(hops_of_noise_survive),
		cmocka_unit_test(likely_hops_are_small),
		cmocka_unit_test(wrong_arguments_are_refused),
		cmocka_unit_test(headers_tell_time_and_loss_of_all_cpus),
		cmocka_unit_test(headers_tell_the_times_of_edges_and_data),
		cmocka_unit_test(nothing_is_written_after_the_finish),
		cmocka_unit_test(a_full_kind_flushes_the_names_first),
		cmocka_unit_test(an_index_names_the_cpus_and_functions_of_a_unit),
		cmocka_unit_test(a_hundred_thousand_functions_take_bounded_units),
	};

	return cmocka_run_group_tests_name("trace: round trip", tests, NULL, NULL);
}
