// SPDX-License-Identifier: GPL-2.0
/*
 * trace_damage.c - whatever happens to the bytes of a recording is noticed, and costs no more than the units it hit.
 */
#include <stdio.h>

#include "trace_support.h"

#define EXTENTS_MAX 64
#define ROWS_MAX 4096

/* A good recording, and what is in it: the tests damage copies. */
static struct {
	struct image img;
	struct extent extents[EXTENTS_MAX];
	size_t n;
	uint64_t rows[ROWS_MAX];	/* a hash of each */
	size_t nrows;
} good;

/* What came out of a damaged copy. */
struct outcome {
	int open;		/* 0 or -errno */
	int end;		/* of trc_reader_next() */
	size_t rows;
	size_t units_lost;	/* whose rows are missing, as a whole */
	bool wrong;		/* rows that were never written, or half a unit */
	struct trc_health health;
	char trouble[512];
};

static uint64_t record_hash(const struct trc_record *rec)
{
	static struct buffer b;
	const uint8_t *p = (const uint8_t *)&rec->hop;
	size_t n = HOP_BYTES;

	if (rec->kind != TRC_HOP) {
		b.size = 0;
		assert_int_equal(row_encode(&b, rec), 0);
		p = b.data;
		n = b.size;
	}
	return (uint64_t)rec->kind << 32 | trc_crc32c(0, p, n);
}

/* the next row of the good recording that rec can be: the same unit's next, or the first of a later unit */
static size_t row_find(struct outcome *o, size_t next, size_t *unit, uint64_t hash)
{
	if (next < good.nrows && next < good.extents[*unit].first_row + good.extents[*unit].rows) {
		o->wrong |= good.rows[next] != hash;
		return next;
	}
	while (++*unit < good.n) {
		if (!good.extents[*unit].rows)
			continue;
		if (good.rows[good.extents[*unit].first_row] == hash)
			return good.extents[*unit].first_row;
		o->units_lost++;
	}
	o->wrong = true;
	return good.nrows;
}

/* of these units how many give rows: all but the index */
static size_t units_with_rows(size_t from, size_t to)
{
	size_t n = 0;

	for (; from < to; from++)
		n += good.extents[from].rows != 0;
	return n;
}

static struct outcome outcome_of(const struct image *img)
{
	struct outcome o = {};
	struct trc_record rec;
	struct trc_reader *r;
	size_t unit = -1, next = good.nrows;

	o.open = trc_reader_open_memory(&r, img->data, img->size);
	if (o.open) {
		assert_null(r);
		assert_string_not_equal(trc_reader_error(NULL), "");
		return o;
	}
	while ((o.end = trc_reader_next(r, &rec)) == 1) {
		if (!o.wrong)
			next = row_find(&o, next, &unit, record_hash(&rec)) + 1;
		o.rows++;
	}
	if (unit == (size_t)-1)
		o.units_lost = units_with_rows(0, good.n);
	else if (unit < good.n) {
		o.units_lost += units_with_rows(unit + 1, good.n);
		o.wrong |= next != good.extents[unit].first_row + good.extents[unit].rows;
	}
	o.health = *trc_reader_health(r);
	snprintf(o.trouble, sizeof(o.trouble), "%s", trc_reader_trouble(r));
	trc_reader_free(r);
	return o;
}

static bool noticed(const struct outcome *o)
{
	return o->open || o->end || o->health.damaged || o->health.bytes_bad || o->health.out_of_order ||
	       o->health.cut_short || o->health.skipped;
}

static struct image copy_of(const struct image *img)
{
	struct image copy = {};

	image_append(&copy, img->data, img->size);
	return copy;
}

static struct image without(size_t unit)
{
	struct image copy = {};

	image_append(&copy, good.img.data, good.extents[unit].start);
	image_append(&copy, good.img.data + good.extents[unit].end, good.img.size - good.extents[unit].end);
	return copy;
}

/* a copy made of the preamble and these units, in this order, up to -1 */
static struct image splice(const int *units)
{
	struct image copy = {};

	image_append(&copy, good.img.data, PREAMBLE_SIZE);
	for (; *units >= 0; units++)
		image_append(&copy, good.img.data + good.extents[*units].start,
			     good.extents[*units].end - good.extents[*units].start);
	return copy;
}

static int good_setup(void **state)
{
	struct trc_record rec;
	struct trc_reader *r;

	good.img = record_something(11, 1200);
	good.n = image_extents(&good.img, good.extents, EXTENTS_MAX);
	assert_int_equal(trc_reader_open_memory(&r, good.img.data, good.img.size), 0);
	while (trc_reader_next(r, &rec) == 1) {
		assert_in_range(good.nrows, 0, ROWS_MAX - 1);
		good.rows[good.nrows++] = record_hash(&rec);
	}
	trc_reader_free(r);
	return 0;
}

static int good_teardown(void **state)
{
	free(good.img.data);
	return 0;
}

static void a_good_recording_has_no_trouble(void **state)
{
	struct outcome o = outcome_of(&good.img);

	assert_true(good.img.size >= 8192);
	assert_true(good.n >= 12);
	assert_false(noticed(&o));
	assert_false(o.wrong);
	assert_int_equal(o.rows, good.nrows);
	assert_int_equal(o.units_lost, 0);
	assert_int_equal(o.health.units, good.n);
	assert_int_equal(o.health.ended, 1);
	assert_string_equal(o.trouble, "");
	assert_memory_equal(o.health.recording, good.img.data + 28, 16);
}

static void a_cut_at_every_offset_leaves_the_whole_units(void **state)
{
	for (size_t size = 0; size < good.img.size; size++) {
		/* a copy of just this size: reading beyond it is seen by the address sanitizer */
		struct image cut = { .data = malloc(size + !size), .size = size };
		size_t whole = 0, end = PREAMBLE_SIZE, rows = 0;
		struct outcome o;
		char expected[128];

		memcpy(cut.data, good.img.data, size);
		o = outcome_of(&cut);
		free(cut.data);
		if (size < PREAMBLE_SIZE) {
			assert_int_equal(o.open, -EBADMSG);
			continue;
		}
		for (; whole < good.n && good.extents[whole].end <= size; whole++) {
			rows += good.extents[whole].rows;
			end = good.extents[whole].end;
		}
		assert_int_equal(o.open, 0);
		assert_int_equal(o.end, 0);
		assert_false(o.wrong);
		assert_int_equal(o.rows, rows);
		assert_int_equal(o.health.units, whole);
		assert_int_equal(o.health.damaged, 0);
		assert_int_equal(o.health.ended, whole + 1 >= good.n);	/* only the index is missing */
		assert_int_equal(o.health.cut_short, size != end);
		assert_int_equal(o.health.bytes, size);
		assert_int_equal(o.health.bytes_bad, size - end);
		snprintf(expected, sizeof(expected), size != end ? "cut short after unit %zu (byte %zu)" :
			 "has no end: the recorder was killed, or the file was cut after unit %zu (byte %zu)",
			 whole, end);
		assert_string_equal(o.trouble, size == end && o.health.ended ? "" : expected);
	}
}

static void every_flipped_bit_is_noticed_and_costs_one_unit(void **state)
{
	struct image copy = copy_of(&good.img);

	for (size_t bit = 0; bit < copy.size * 8; bit++) {
		struct outcome o;

		copy.data[bit / 8] ^= 1 << bit % 8;
		o = outcome_of(&copy);
		copy.data[bit / 8] ^= 1 << bit % 8;
		assert_int_equal(o.open, 0);
		assert_int_equal(o.end, 0);
		assert_true(noticed(&o));
		assert_false(o.wrong);
		assert_int_equal(o.units_lost, bit / 8 < PREAMBLE_SIZE || bit / 8 >= good.extents[good.n - 1].start ? 0 : 1);
		assert_string_not_equal(o.trouble, "");
	}
	free(copy.data);
}

static void bursts_of_damage_never_change_rows(void **state)
{
	struct image copy = copy_of(&good.img);
	uint64_t seed = 5;

	for (int i = 0; i < 3000; i++) {
		size_t length = 1 + random_next(&seed) % 600;
		size_t at = random_next(&seed) % (copy.size - length);
		struct outcome o;

		for (size_t k = 0; k < length; k++)
			copy.data[at + k] ^= 1 + random_next(&seed) % 255;
		o = outcome_of(&copy);
		memcpy(copy.data, good.img.data, copy.size);
		if (at >= PREAMBLE_SIZE)
			assert_int_equal(o.open, 0);
		assert_true(noticed(&o));
		assert_false(o.wrong);
	}
	free(copy.data);
}

static void one_damaged_unit_is_counted(void **state)
{
	struct image copy = copy_of(&good.img);
	struct outcome o;
	char expected[128];

	copy.data[good.extents[4].end - 1] ^= 1;
	o = outcome_of(&copy);
	assert_int_equal(o.health.damaged, 1);
	assert_int_equal(o.health.units, good.n - 1);
	assert_int_equal(o.health.out_of_order, 0);
	assert_int_equal(o.health.cut_short, 0);
	snprintf(expected, sizeof(expected), "1 of %zu units is damaged and was skipped", good.n);
	assert_string_equal(o.trouble, expected);

	copy.data[good.extents[6].start + 20] ^= 1;	/* a header now, and the one before it is bad already */
	copy.data[good.extents[5].start] ^= 1;
	o = outcome_of(&copy);
	assert_int_equal(o.health.damaged, 3);
	assert_int_equal(o.health.units, good.n - 3);
	assert_int_equal(o.health.out_of_order, 0);
	snprintf(expected, sizeof(expected), "3 of %zu units are damaged and were skipped", good.n);
	assert_string_equal(o.trouble, expected);

	copy.data[good.extents[7].end - 1] ^= 1;	/* and what is stored, after a bad header */
	o = outcome_of(&copy);
	assert_int_equal(o.health.damaged, 4);
	assert_int_equal(o.health.out_of_order, 0);
	free(copy.data);
}

static void bytes_taken_out_of_a_unit_cost_that_unit_only(void **state)
{
	for (size_t k = 0; k < good.n; k++) {
		const struct extent *x = &good.extents[k];
		size_t hole = x->start + HEADER_SIZE + 1;
		struct image copy = {};
		struct outcome o;

		image_append(&copy, good.img.data, hole);
		image_append(&copy, good.img.data + hole + 5, good.img.size - hole - 5);
		o = outcome_of(&copy);
		assert_false(o.wrong);
		assert_int_equal(o.units_lost, units_with_rows(k, k + 1));
		if (k + 1 < good.n) {
			assert_int_equal(o.health.damaged, 1);
			assert_int_equal(o.health.cut_short, 0);
		} else {
			assert_int_equal(o.health.cut_short, 1);
		}
		free(copy.data);
	}
}

/* so many bytes are gone that the unit's length reaches beyond the end of the file */
static void a_unit_that_is_too_long_does_not_hide_those_behind_it(void **state)
{
	const struct extent *hops = &good.extents[good.n - 4];
	size_t gone = good.img.size - hops->end + 1, hole = hops->start + HEADER_SIZE + 10;
	struct image copy = {};
	struct outcome o;

	assert_true(hole + gone < hops->end);
	image_append(&copy, good.img.data, hole);
	image_append(&copy, good.img.data + hole + gone, good.img.size - hole - gone);
	o = outcome_of(&copy);
	assert_false(o.wrong);
	assert_int_equal(o.units_lost, 1);
	assert_int_equal(o.health.damaged, 1);
	assert_int_equal(o.health.cut_short, 0);
	assert_int_equal(o.health.ended, 1);
	free(copy.data);
}

static void damage_does_not_excuse_a_unit_missing_later(void **state)
{
	struct image copy = without(6);
	struct outcome o;

	copy.data[good.extents[2].start + 30] ^= 1;
	o = outcome_of(&copy);
	assert_int_equal(o.health.damaged, 1);
	assert_int_equal(o.health.out_of_order, 1);
	free(copy.data);
}

static void bytes_between_units_cost_nothing_but_themselves(void **state)
{
	for (size_t k = 0; k < good.n; k++) {
		struct image copy = {};
		struct outcome o;

		image_append(&copy, good.img.data, good.extents[k].start);
		image_append(&copy, unit_signature, SIGNATURE_SIZE);	/* and they look like a unit */
		image_append(&copy, "some garbage", 12);
		image_append(&copy, good.img.data + good.extents[k].start, good.img.size - good.extents[k].start);
		o = outcome_of(&copy);
		assert_int_equal(o.units_lost, 0);
		assert_int_equal(o.health.bytes_bad, 24);
		assert_int_equal(o.health.damaged, 0);
		assert_string_equal(o.trouble, "24 bytes are damaged and were skipped");
		free(copy.data);
	}
}

static void a_removed_unit_is_noticed(void **state)
{
	for (size_t k = 0; k + 2 < good.n; k++) {
		struct image copy = without(k);
		struct outcome o = outcome_of(&copy);

		free(copy.data);
		assert_false(o.wrong);
		assert_int_equal(o.units_lost, 1);
		assert_int_equal(o.health.out_of_order, 1);
		assert_int_equal(o.health.damaged, 0);
		assert_string_equal(o.trouble, "1 unit is missing, doubled, moved or of another recording");
	}
}

static void a_doubled_unit_is_read_once(void **state)
{
	const int twice[] = { 0, 1, 2, 2, 3, 1, -1 };
	struct image copy = splice(twice);
	struct outcome o = outcome_of(&copy);

	assert_false(o.wrong);
	assert_int_equal(o.health.units, 4);
	assert_int_equal(o.health.out_of_order, 2);
	assert_int_equal(o.units_lost, good.n - 5);
	free(copy.data);
}

static void a_damaged_copy_of_a_unit_costs_nothing_else(void **state)
{
	const int twice[] = { 0, 1, 2, 3, 1, 4, 5, -1 };
	struct image copy = splice(twice);
	struct outcome o;

	copy.data[good.extents[3].end + HEADER_SIZE] ^= 1;
	o = outcome_of(&copy);
	assert_false(o.wrong);
	assert_int_equal(o.health.units, 6);
	assert_int_equal(o.health.damaged, 1);
	assert_int_equal(o.health.out_of_order, 0);
	free(copy.data);
}

static void units_in_another_order_are_noticed(void **state)
{
	const int moved[] = { 0, 2, 1, 3, 4, -1 };
	struct image copy = splice(moved);
	struct outcome o = outcome_of(&copy);

	assert_false(o.wrong);
	assert_int_equal(o.health.units, 4);
	assert_int_equal(o.health.out_of_order, 2);	/* one is missing, one comes too late */
	free(copy.data);
}

static void another_recordings_units_are_not_merged(void **state)
{
	struct image other = record_something(99, 300), copy = {};
	struct extent extents[EXTENTS_MAX];
	size_t n = image_extents(&other, extents, EXTENTS_MAX);
	struct outcome o;

	/* its unit 3 in place of ours, and one more between two of ours */
	image_append(&copy, good.img.data, good.extents[3].start);
	image_append(&copy, other.data + extents[3].start, extents[3].end - extents[3].start);
	image_append(&copy, good.img.data + good.extents[3].end, good.img.size - good.extents[3].end);
	o = outcome_of(&copy);
	assert_false(o.wrong);
	assert_int_equal(o.health.units, good.n - 1);
	assert_int_equal(o.health.out_of_order, 2);	/* a stranger's, and ours is missing */

	copy.data[30] ^= 1;	/* without its id the recording is that of the first unit */
	o = outcome_of(&copy);
	assert_false(o.wrong);
	assert_int_equal(o.health.out_of_order, 2);
	free(copy.data);

	copy = copy_of(&good.img);
	image_append(&copy, other.data, other.size);
	o = outcome_of(&copy);
	assert_false(o.wrong);
	assert_int_equal(o.rows, good.nrows);
	assert_int_equal(o.health.units, good.n);
	assert_int_equal(o.health.out_of_order, n);
	assert_int_equal(o.health.bytes_bad, PREAMBLE_SIZE);
	free(copy.data);
	free(other.data);
}

static void a_recording_twice_in_a_file_is_read_once(void **state)
{
	struct image copy = copy_of(&good.img);
	struct outcome o;

	image_append(&copy, good.img.data, good.img.size);
	o = outcome_of(&copy);
	assert_false(o.wrong);
	assert_int_equal(o.rows, good.nrows);
	assert_int_equal(o.health.out_of_order, good.n);
	free(copy.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_recording_has_no_trouble),
		cmocka_unit_test(a_cut_at_every_offset_leaves_the_whole_units),
		cmocka_unit_test(every_flipped_bit_is_noticed_and_costs_one_unit),
		cmocka_unit_test(bursts_of_damage_never_change_rows),
		cmocka_unit_test(one_damaged_unit_is_counted),
		cmocka_unit_test(bytes_taken_out_of_a_unit_cost_that_unit_only),
		cmocka_unit_test(a_unit_that_is_too_long_does_not_hide_those_behind_it),
		cmocka_unit_test(damage_does_not_excuse_a_unit_missing_later),
		cmocka_unit_test(bytes_between_units_cost_nothing_but_themselves),
		cmocka_unit_test(a_removed_unit_is_noticed),
		cmocka_unit_test(a_doubled_unit_is_read_once),
		cmocka_unit_test(a_damaged_copy_of_a_unit_costs_nothing_else),
		cmocka_unit_test(units_in_another_order_are_noticed),
		cmocka_unit_test(another_recordings_units_are_not_merged),
		cmocka_unit_test(a_recording_twice_in_a_file_is_read_once),
	};

	return cmocka_run_group_tests_name("trace: damage", tests, good_setup, good_teardown);
}
