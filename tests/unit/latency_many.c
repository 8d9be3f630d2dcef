// SPDX-License-Identifier: GPL-2.0
/*
 * latency_many.c - percentiles of many numbers without sorting them are those that sorting gives.
 */
#include "model_support.h"
#include "numbers.h"

static uint64_t state;

static uint64_t draw(void)
{
	uint64_t x = state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

/* n numbers of so many bits at most, dealt out to some lists; what is asked of them is compared with the sorted ones. */
static void same_as_sorted(size_t n, unsigned int bits, size_t nlists, uint64_t base)
{
	struct arena arena = {};
	struct numbers lists[8] = {};
	const struct numbers *all[8];
	uint64_t *copy = calloc(n + 1, sizeof(*copy));
	struct spread got, right;

	assert_non_null(copy);
	for (size_t i = 0; i < nlists; i++)
		all[i] = &lists[i];
	for (size_t i = 0; i < n; i++) {
		/* short ones are as frequent as long ones */
		copy[i] = base + (bits ? draw() >> (64 - 1 - draw() % bits) : 0);
		assert_int_equal(numbers_add(&arena, &lists[draw() % nlists], copy[i]), 0);
	}
	assert_int_equal(numbers_spread(all, nlists, &got), 0);
	right = spread_of(copy, n);
	assert_memory_equal(&got, &right, sizeof(got));
	arena_free(&arena);
	free(copy);
}

static void many_numbers_have_the_percentiles_of_sorted_ones(void **unused)
{
	static const size_t counts[] = { 0, 1, 2, 99, 100, 101, 4095, 4096, 4097, 10000, 30001 };

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		for (unsigned int bits = 0; bits < 64; bits += 1 + bits / 4)
			for (size_t lists = 1; lists <= 8; lists += 7)
				same_as_sorted(counts[i], bits, lists, 0);
}

static void numbers_that_are_all_the_same_or_the_largest_are_found_too(void **unused)
{
	same_as_sorted(5000, 0, 3, 0);
	same_as_sorted(5000, 0, 3, 4095);
	same_as_sorted(5000, 0, 3, 4096);
	same_as_sorted(5000, 0, 3, UINT64_MAX);
	same_as_sorted(5000, 12, 2, UINT64_MAX - 4096);
}

static void a_number_takes_few_bytes(void **unused)
{
	struct arena arena = {};
	struct numbers list = {};

	for (size_t i = 0; i < 100000; i++)
		assert_int_equal(numbers_add(&arena, &list, 100 + draw() % 10000), 0);
	assert_true(arena.bytes < 215000);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_numbers_have_the_percentiles_of_sorted_ones),
		cmocka_unit_test(numbers_that_are_all_the_same_or_the_largest_are_found_too),
		cmocka_unit_test(a_number_takes_few_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
