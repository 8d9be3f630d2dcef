// SPDX-License-Identifier: GPL-2.0
/*
 * trace_crc32c.c - the checksum is CRC32C, whichever way this machine computes it.
 */
#include "trace_support.h"

/* RFC 3720, B.4, and the check value of the catalogues */
static void known_vectors_agree(void **state)
{
	uint8_t bytes[32];
	uint32_t (*ways[])(uint32_t, const void *, size_t) = { trc_crc32c, trc_crc32c_table };

	for (int i = 0; i < 2; i++) {
		assert_int_equal(ways[i](0, "123456789", 9), 0xe3069283);
		assert_int_equal(ways[i](0, "", 0), 0);
		memset(bytes, 0, sizeof(bytes));
		assert_int_equal(ways[i](0, bytes, sizeof(bytes)), 0x8a9136aa);
		memset(bytes, 0xff, sizeof(bytes));
		assert_int_equal(ways[i](0, bytes, sizeof(bytes)), 0x62a8ab43);
		for (int k = 0; k < 32; k++)
			bytes[k] = k;
		assert_int_equal(ways[i](0, bytes, sizeof(bytes)), 0x46dd794e);
	}
}

static void machine_and_table_agree_on_every_length_and_alignment(void **state)
{
	uint8_t bytes[512];
	uint64_t seed = 1;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = random_next(&seed);
	for (size_t at = 0; at < 16; at++)
		for (size_t n = 0; n <= 300; n++)
			assert_int_equal(trc_crc32c(at * n, bytes + at, n), trc_crc32c_table(at * n, bytes + at, n));
}

static void a_checksum_may_be_computed_in_parts(void **state)
{
	const char text[] = "where did my packet go, and where does the bad one part from the good one?";
	uint32_t whole = trc_crc32c(0, text, sizeof(text));

	for (size_t i = 0; i <= sizeof(text); i++)
		assert_int_equal(trc_crc32c(trc_crc32c(0, text, i), text + i, sizeof(text) - i), whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_vectors_agree),
		cmocka_unit_test(machine_and_table_agree_on_every_length_and_alignment),
		cmocka_unit_test(a_checksum_may_be_computed_in_parts),
	};

	return cmocka_run_group_tests_name("trace: CRC32C", tests, NULL, NULL);
}
