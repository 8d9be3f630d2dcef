// SPDX-License-Identifier: GPL-2.0
/*
 * trace_bits.c - every single flipped bit of a recording of more than 64 KiB is noticed, and costs its unit only.
 *
 * By checksums alone, which makes it fast; that the rows of other units are what they were is in trace_damage.c, for a
 * smaller recording.  Here every 5th bit and 2,000 bursts; with TEST_LONG set every bit and 10,000 bursts.
 */
#include <stdio.h>

#include "trace_support.h"

#define EXTENTS_MAX 256

static struct {
	struct image img;
	struct extent extents[EXTENTS_MAX];
	size_t n;
} good;

static bool all_of_it(void)
{
	const char *wanted = getenv("TEST_LONG");

	return wanted && *wanted;
}

/* one reader for all: only the bytes change */
static struct trc_survey look(struct trc_reader *r)
{
	struct trc_survey s;

	assert_int_equal(trc_reader_survey(r, TRC_SURVEY_CHECKSUMS, &s), 0);
	return s;
}

static bool noticed(const struct trc_health *h)
{
	return h->damaged || h->bytes_bad || h->out_of_order || h->cut_short;
}

static int good_setup(void **state)
{
	good.img = record_something(21, 12000);
	good.n = image_extents(&good.img, good.extents, EXTENTS_MAX);
	assert_true(good.img.size >= 64 << 10);
	return 0;
}

static int good_teardown(void **state)
{
	free(good.img.data);
	return 0;
}

static void every_flipped_bit_of_a_large_file_is_noticed_and_costs_one_unit(void **state)
{
	uint8_t *data = good.img.data;
	struct trc_reader *r;
	struct trc_survey whole;

	assert_int_equal(trc_reader_open_memory(&r, data, good.img.size), 0);
	whole = look(r);
	assert_false(noticed(&whole.health));
	assert_int_equal(whole.health.units, good.n);
	for (size_t bit = 0; bit < good.img.size * 8; bit += all_of_it() ? 1 : 5) {
		struct trc_survey s;

		data[bit / 8] ^= 1 << bit % 8;
		s = look(r);
		data[bit / 8] ^= 1 << bit % 8;
		assert_true(noticed(&s.health));
		assert_int_equal(s.health.units, good.n - (bit / 8 >= PREAMBLE_SIZE));
		assert_string_not_equal(s.trouble, "");
	}
	trc_reader_free(r);
}

/* the units that hold any of these bytes */
static size_t units_hit(size_t at, size_t length)
{
	size_t hit = 0;

	for (size_t i = 0; i < good.n; i++)
		hit += at < good.extents[i].end && at + length > good.extents[i].start;
	return hit;
}

static void every_burst_in_a_large_file_is_noticed_and_costs_the_units_it_hit(void **state)
{
	struct image copy = {};
	struct trc_reader *r;
	uint64_t seed = 77;

	image_append(&copy, good.img.data, good.img.size);
	assert_int_equal(trc_reader_open_memory(&r, copy.data, copy.size), 0);
	for (int i = 0; i < (all_of_it() ? 10000 : 2000); i++) {
		size_t length = 1 + random_next(&seed) % (i % 10 ? 64 : 5000);
		size_t at = PREAMBLE_SIZE + random_next(&seed) % (copy.size - PREAMBLE_SIZE - length);
		struct trc_survey s;

		for (size_t k = 0; k < length; k++)
			copy.data[at + k] ^= 1 + random_next(&seed) % 255;
		s = look(r);
		memcpy(copy.data + at, good.img.data + at, length);
		assert_true(noticed(&s.health));
		assert_int_equal(s.health.units, good.n - units_hit(at, length));
	}
	trc_reader_free(r);
	free(copy.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_flipped_bit_of_a_large_file_is_noticed_and_costs_one_unit),
		cmocka_unit_test(every_burst_in_a_large_file_is_noticed_and_costs_the_units_it_hit),
	};

	return cmocka_run_group_tests_name("trace: bits", tests, good_setup, good_teardown);
}
