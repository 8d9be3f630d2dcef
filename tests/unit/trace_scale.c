// SPDX-License-Identifier: GPL-2.0
/*
 * trace_scale.c - long recordings, large numbers, and files that unpack to very much: memory stays bounded.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "memory.h"
#include "trace_support.h"

#define MINUTE 60000000000ull

/* microseconds in 32 bits wrap after 71 minutes; ids and numbers that share their low half are different ones */
static void three_hours_and_numbers_of_64_bits_survive(void **state)
{
	uint64_t start = 5ull << 32, n = 0;
	struct tape t = tape_start();
	struct trc_record rec;
	struct trc_reader *r;
	struct image img;

	for (uint64_t minute = 0; minute < 180; minute++) {
		for (uint64_t cpu = 0; cpu < 2; cpu++) {
			struct trc_hop hop = { .time_ns = start + minute * MINUTE + !cpu, .packet = (minute + 1) << 32 | 7, .cpu = cpu,
					       .seq = (cpu + 1) << 40 | minute };

			assert_int_equal(trc_write_hop(t.w, &hop), 0);
		}
		if (minute % 3 == 0)
			assert_int_equal(trc_writer_flush(t.w), 0);
	}
	img = tape_end(&t);
	for (int sought = 0; sought < 2; sought++) {
		uint64_t from = sought ? start + 100 * MINUTE : 0;

		assert_int_equal(trc_reader_open_memory(&r, img.data, img.size), 0);
		assert_int_equal(trc_reader_order(r, TRC_ORDER_TIME), 0);
		assert_int_equal(trc_reader_seek_time(r, from), 0);
		for (n = sought ? 200 : 0; trc_reader_next(r, &rec) == 1; n++) {
			assert_true(rec.hop.time_ns == start + n / 2 * MINUTE + n % 2);
			assert_true(rec.hop.packet == ((n / 2 + 1) << 32 | 7));
			assert_true(rec.hop.seq == (((uint64_t)rec.hop.cpu + 1) << 40 | n / 2));
			assert_int_equal(rec.hop.cpu, n % 2 ? 0 : 1);
		}
		assert_int_equal(n, 360);
		trc_reader_free(r);
	}
	free(img.data);
}

/* of a child that reads the image: kilobytes, or 0 when something was wrong */
static long peak_to_read(const struct image *img, enum trc_order order, uint64_t expected)
{
	struct rusage usage;
	pid_t child = fork();
	int status;

	if (!child) {
		struct trc_record rec;
		struct trc_reader *r;
		uint64_t n = 0;

		if (trc_reader_open_memory(&r, img->data, img->size) || trc_reader_order(r, order))
			_exit(1);
		while (trc_reader_next(r, &rec) == 1)
			n++;
		_exit(n != expected);
	}
	assert_int_equal(wait4(child, &status, 0, &usage), child);
	assert_int_equal(status, 0);
	return usage.ru_maxrss;
}

static void a_million_hops_of_one_packet_are_read_in_little_memory(void **state)
{
	struct tape t = tape_start();
	struct trc_hop hop = { .packet = 1ull << 33 };
	uint64_t seed = 5, n = 1000000;
	struct image img;
	long image_kb;

	for (uint64_t i = 0; i < n; i++) {
		hop.time_ns += random_next(&seed) % 3000;
		hop.func = random_next(&seed) % 1500;
		hop.cpu = random_next(&seed) % 8;
		assert_int_equal(trc_write_hop(t.w, &hop), 0);
	}
	img = tape_end(&t);
	image_kb = img.size / 1024;
	assert_in_range(peak_to_read(&img, TRC_ORDER_FILE, n), 1, SANITIZED ? 1000000 : image_kb + 30000);
	assert_in_range(peak_to_read(&img, TRC_ORDER_TIME, n), 1, SANITIZED ? 1000000 : image_kb + 90000);
	free(img.data);
}

static void a_million_functions_are_read_one_by_one(void **state)
{
	struct tape t = tape_start();
	struct trc_record rec = { .kind = TRC_FUNC, .func = { .name = "skb_something" } };
	struct image img;

	for (uint32_t i = 0; i < 1000000; i++) {
		rec.func.id = i;
		tape_put(&t, &rec);
	}
	img = tape_end(&t);
	assert_in_range(peak_to_read(&img, TRC_ORDER_TIME, 1000000), 1, SANITIZED ? 1000000 : (long)img.size / 1024 + 30000);
	free(img.data);
}

/* Less than a mebibyte that unpacks to 200 MiB of hops, all units at the same time, and none can be given out before. */
static void hops_that_unpack_to_very_much_need_no_more_than_256_MiB(void **state)
{
	struct preamble p = { .version = FORMAT_VERSION };
	struct unit u = { .type = "HOPS", .version = UNIT_VERSION, .rows = UNIT_HOPS_MAX, .time_last = 1 };
	struct hop_encoder *e = hop_encoder_new();
	struct trc_hop *hops = calloc(UNIT_HOPS_MAX, sizeof(*hops));
	struct buffer raw = {};
	struct image img = {};
	uint64_t units = 0;

	for (int i = 0; i < UNIT_HOPS_MAX; i++) {
		hops[i].packet = 1;
		hop_encoder_add(e, &hops[i]);
	}
	assert_int_equal(hops_encode(e, hops, &raw), 0);
	u.tag = recording_tag(p.recording);
	image_begin(&img, &p);
	while (img.size < 1000 << 10 && units < 1000) {
		u.sequence = units++;
		image_unit(&img, u, raw.data, raw.size);
	}
	assert_true(img.size <= 1 << 20 && units >= 100);
	assert_in_range(peak_to_read(&img, TRC_ORDER_FILE, units * UNIT_HOPS_MAX), 1, SANITIZED ? 2000000 : 256 << 10);
	assert_in_range(peak_to_read(&img, TRC_ORDER_TIME, units * UNIT_HOPS_MAX), 1, SANITIZED ? 2000000 : 256 << 10);
	hop_encoder_free(e);
	buffer_free(&raw);
	free(hops);
	free(img.data);
}

/* each of many units says that it has the rest of the file: the work stays linear */
static void units_inside_of_units_are_not_read_over_and_over(void **state)
{
	struct preamble p = { .version = FORMAT_VERSION };
	struct image copy = {};
	size_t n = 20000, size = n * HEADER_SIZE;
	struct trc_record rec;
	struct trc_reader *r;

	image_begin(&copy, &p);
	for (size_t i = 0; i < n; i++) {
		struct unit u = { .type = "HOPS", .version = 1, .rows = 1, .raw_size = 1, .sequence = i };
		uint8_t header[HEADER_SIZE];

		u.stored_size = size - (i + 1) * HEADER_SIZE;
		u.tag = recording_tag(p.recording);
		unit_put(header, &u);
		image_append(&copy, header, sizeof(header));
	}
	assert_int_equal(trc_reader_open_memory(&r, copy.data, copy.size), 0);
	assert_int_equal(trc_reader_next(r, &rec), 0);
	assert_in_range(trc_reader_health(r)->damaged, 1, 100);
	trc_reader_free(r);
	free(copy.data);
}

static void compression_levels_make_the_same_rows(void **state)
{
	static const int levels[] = { TRC_LEVEL_MIN, 3, 9, TRC_LEVEL_MAX };
	size_t sizes[4];

	for (int i = 0; i < 4; i++) {
		struct tape t = tape_start();
		struct trc_hop hop = { .packet = 1 }, expected = { .packet = 1 };
		uint64_t seed = 12, again = 12;
		struct trc_record rec;
		struct trc_reader *r;
		struct image img;

		assert_int_equal(trc_writer_level(t.w, TRC_LEVEL_MIN - 1), -EINVAL);
		assert_int_equal(trc_writer_level(t.w, TRC_LEVEL_MAX + 1), -EINVAL);
		assert_string_equal(trc_writer_error(t.w), "compression levels are 1 to 19");
		assert_int_equal(trc_writer_level(t.w, levels[i]), 0);
		for (int k = 0; k < 5000; k++) {
			hop_step(&hop, &seed);
			assert_int_equal(trc_write_hop(t.w, &hop), 0);
		}
		img = tape_end(&t);
		sizes[i] = img.size;
		assert_int_equal(trc_reader_open_memory(&r, img.data, img.size), 0);
		for (int k = 0; k < 5000; k++) {
			hop_step(&expected, &again);
			assert_int_equal(trc_reader_next(r, &rec), 1);
			assert_memory_equal(&rec.hop, &expected, HOP_BYTES);
		}
		trc_reader_free(r);
		free(img.data);
	}
	assert_true(sizes[3] < sizes[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_hours_and_numbers_of_64_bits_survive),
		cmocka_unit_test(a_million_hops_of_one_packet_are_read_in_little_memory),
		cmocka_unit_test(a_million_functions_are_read_one_by_one),
		cmocka_unit_test(hops_that_unpack_to_very_much_need_no_more_than_256_MiB),
		cmocka_unit_test(units_inside_of_units_are_not_read_over_and_over),
		cmocka_unit_test(compression_levels_make_the_same_rows),
	};

	return cmocka_run_group_tests_name("trace: scale", tests, NULL, NULL);
}
