// SPDX-License-Identifier: GPL-2.0
/*
 * trace_columns.c - units of hops from newer and older writers, and units of hops made to do harm.
 */
#include "trace_between.h"

/* a HOPS unit by hand: what is given is written, right or wrong */
struct sheet {
	struct buffer b;
	struct buffer streams;
};

static void sheet_numbers(struct sheet *s, int n, ...)
{
	va_list args;

	va_start(args, n);
	assert_int_equal(buffer_reserve(&s->b, n * VARINT_MAX), 0);
	while (n--)
		buffer_varint(&s->b, va_arg(args, int));
	va_end(args);
}

static void sheet_column(struct sheet *s, int id, int kind, const char *name, const void *stream, int length)
{
	sheet_numbers(s, 3, id, kind, (int)strlen(name));
	assert_int_equal(buffer_reserve(&s->b, strlen(name)), 0);
	memcpy(s->b.data + s->b.size, name, strlen(name));
	s->b.size += strlen(name);
	sheet_numbers(s, 1, length);
	assert_int_equal(buffer_reserve(&s->streams, length + 1), 0);
	memcpy(s->streams.data + s->streams.size, stream, length);
	s->streams.size += length;
}

/* the masks, one byte each, then the streams */
static void sheet_masks(struct sheet *s, const void *masks, int n)
{
	sheet_numbers(s, 1, n);
	assert_int_equal(buffer_reserve(&s->b, n + s->streams.size), 0);
	memcpy(s->b.data + s->b.size, masks, n);
	if (s->streams.size)
		memcpy(s->b.data + s->b.size + n, s->streams.data, s->streams.size);
	s->b.size += n + s->streams.size;
}

static struct outcome sheet_read(struct sheet *s, int rows)
{
	struct outcome o = between(unit_of("HOPS", rows, 1), s->b.data, s->b.size);

	buffer_free(&s->b);
	buffer_free(&s->streams);
	return o;
}

static void sheet_damaged(struct sheet *s, int rows)
{
	struct outcome o = sheet_read(s, rows);

	assert_int_equal(o.end, 0);
	assert_int_equal(o.damaged, 1);
	assert_int_equal(o.rows, 0);
}

#define U64_KIND 8
#define U8_KIND 1
#define COUNTER_KIND 0x28

static void columns_of_a_newer_writer_are_ignored(void **state)
{
	struct sheet s = {};
	struct outcome o;

	sheet_numbers(&s, 4, 1, 5, 2, 3);	/* one run, CPU 5, 2 rows; 3 columns */
	sheet_column(&s, 3, U64_KIND, "packet", "\x12\2", 2);
	sheet_column(&s, 99, 77, "colour", "\xff\xff\xff", 3);
	sheet_column(&s, 14, COUNTER_KIND, "seq", "\x10", 1);
	sheet_masks(&s, "\7\3", 2);
	o = sheet_read(&s, 2);
	assert_int_equal(o.units, 3);
	assert_int_equal(o.rows, 2);
	assert_int_equal(o.first.hop.cpu, 5);
	assert_int_equal(o.first.hop.packet, 9);
	assert_int_equal(o.first.hop.seq, 9);
}

static void columns_that_an_older_writer_had_not_are_zero(void **state)
{
	static const struct trc_hop expected = { .packet = 9, .cpu = 5 };
	struct sheet s = {};
	struct outcome o;

	sheet_numbers(&s, 4, 1, 5, 2, 1);
	sheet_column(&s, 3, U64_KIND, "packet", "\x12", 1);
	sheet_masks(&s, "\1\0", 2);
	o = sheet_read(&s, 2);
	assert_int_equal(o.rows, 2);
	assert_memory_equal(&o.first.hop, &expected, HOP_BYTES);
}

/* a stack comes with one hop and is gone with the next: wherever a unit lists the column */
static void a_hop_names_its_stack_by_number(void **state)
{
	struct sheet s = {};
	struct outcome o;

	sheet_numbers(&s, 4, 1, 5, 2, 2);
	sheet_column(&s, 36, 4, "stack", "\xfe\xff\xff\xff\x1f\xfd\xff\xff\xff\x1f", 10);
	sheet_column(&s, 3, U64_KIND, "packet", "\x12", 1);
	sheet_masks(&s, "\3\1", 2);
	o = sheet_read(&s, 2);
	assert_int_equal(o.rows, 2);
	assert_int_equal(o.first.hop.stack, UINT32_MAX);
	assert_int_equal(o.first.hop.packet, 9);
}

static void an_unknown_context_reads_as_unknown(void **state)
{
	struct sheet s = {};
	struct outcome o;

	sheet_numbers(&s, 4, 1, 0, 1, 2);
	sheet_column(&s, 3, U64_KIND, "packet", "\2", 1);
	sheet_column(&s, 8, U8_KIND, "context", "\x12", 1);
	sheet_masks(&s, "\3", 1);
	o = sheet_read(&s, 1);
	assert_int_equal(o.rows, 1);
	assert_int_equal(o.first.hop.context, TRC_CONTEXT_UNKNOWN);
}

/* one row with the packet and one more column */
static struct sheet sheet_with(int id, int kind, const char *stream, int length)
{
	struct sheet s = {};

	sheet_numbers(&s, 4, 1, 0, 1, 2);
	sheet_column(&s, 3, U64_KIND, "packet", "\2", 1);
	sheet_column(&s, id, kind, "x", stream, length);
	sheet_masks(&s, "\3", 1);
	return s;
}

static void malformed_columns_cost_their_unit(void **state)
{
	struct sheet good = sheet_with(4, U8_KIND, "\2", 1);
	struct sheet bad[] = {
		sheet_with(4, U8_KIND, "\6", 1),		/* a hop of kind 3 */
		sheet_with(4, U8_KIND, "\x80\4", 2),		/* a byte of 256 */
		sheet_with(4, U8_KIND, "\1", 1),		/* or of -1 */
		sheet_with(4, 4, "\2", 1),			/* known, but of another kind */
		sheet_with(3, U64_KIND, "\2", 1),		/* the same column twice */
		sheet_with(4, U8_KIND, "", 0),			/* a change that is not there */
		sheet_with(4, U8_KIND, "\2\2", 2),		/* one more than is used */
		sheet_with(4, U8_KIND, "\x80", 1),		/* a number that does not end */
		sheet_with(3, U8_KIND, "\2", 1),
		sheet_with(5, 0x14, "\x80\x80\x80\x80\x20", 5),	/* an int of 2^32 */
		sheet_with(36, 4, "\x80\x80\x80\x80\x20", 5),	/* a stack of 2^32 */
		sheet_with(36, 4, "\1", 1),			/* or of -1 */
		sheet_with(36, U64_KIND, "\2", 1),
	};

	assert_int_equal(sheet_read(&good, 1).rows, 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		sheet_damaged(&bad[i], 1);
}

static void bytes_behind_the_last_stream_cost_their_unit(void **state)
{
	struct sheet s = sheet_with(4, U8_KIND, "\2", 1);

	sheet_numbers(&s, 1, 0);
	sheet_damaged(&s, 1);
}

static void a_hop_without_packet_costs_its_unit(void **state)
{
	struct sheet s = {};

	sheet_numbers(&s, 4, 1, 0, 1, 1);
	sheet_column(&s, 3, U64_KIND, "packet", "", 0);
	sheet_masks(&s, "\0", 1);
	sheet_damaged(&s, 1);
}

/* each mask has a change of its own; the rest is right for the rows in the header */
static void runs_damaged(uint32_t rows, int n, const int *runs, const char *masks)
{
	struct sheet s = {};

	for (int i = 0; i < n; i++)
		sheet_numbers(&s, 1, runs[i]);
	sheet_numbers(&s, 1, 1);
	sheet_column(&s, 3, U64_KIND, "packet", "\2\2\2\2\2", strlen(masks));
	sheet_masks(&s, masks, strlen(masks));
	sheet_damaged(&s, rows);
}

static void malformed_runs_cost_their_unit(void **state)
{
	static const int backwards[] = { 2, 1, 2, 0, 2 }, twice[] = { 2, 1, 2, 1, 2 }, empty[] = { 2, 0, 0, 1, 4 },
			 few[] = { 2, 0, 1, 1, 2 }, many[] = { 2, 0, 2, 1, 3 }, high[] = { 2, 0, 2, 65536, 2 };
	static const int good[] = { 1, 0, 4 };

	runs_damaged(4, 5, backwards, "\1\1\1\1");
	runs_damaged(4, 5, twice, "\1\1\1\1");
	runs_damaged(4, 5, empty, "\1\1\1\1");
	runs_damaged(4, 5, few, "\1\1\1\1");
	runs_damaged(4, 5, few, "\1\1\1");
	runs_damaged(4, 5, many, "\1\1\1\1");
	runs_damaged(4, 5, high, "\1\1\1\1");
	runs_damaged(4, 3, good, "\1\1\1\3");	/* a bit without column */
	runs_damaged(4, 3, good, "\1\1\1");
	runs_damaged(4, 3, good, "\1\1\1\1\1");
	runs_damaged(UINT32_MAX, 3, good, "\1\1\1\1");
	runs_damaged(UNIT_HOPS_MAX + 1, 3, (const int[]){ 1, 0, UNIT_HOPS_MAX + 1 }, "\1");
}

/* so that the times of a header can be believed without a look at its hops */
static void a_hop_outside_the_times_of_its_header_costs_its_unit(void **state)
{
	static const struct { uint64_t first, last; int damaged; } spans[] = {
		{ 6, 6, 0 }, { 0, UINT64_MAX, 0 }, { 7, 9, 1 }, { 0, 5, 1 }, { 7, 5, 1 },
	};

	for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
		struct sheet s = sheet_with(1, U64_KIND, "\x0c", 1);
		struct unit u = unit_of("HOPS", 1, 1);

		u.time_first = spans[i].first;
		u.time_last = spans[i].last;
		assert_int_equal(between(u, s.b.data, s.b.size).damaged, spans[i].damaged);
		buffer_free(&s.b);
		buffer_free(&s.streams);
	}
}

static void more_columns_than_bits_cost_their_unit(void **state)
{
	struct sheet s = {};

	sheet_numbers(&s, 4, 1, 0, 1, 65);
	sheet_column(&s, 3, U64_KIND, "packet", "\2", 1);
	for (int i = 0; i < 64; i++)
		sheet_column(&s, 100 + i, U8_KIND, "new", "", 0);
	sheet_masks(&s, "\1", 1);
	sheet_damaged(&s, 1);
}

static void a_unit_without_anything_after_its_runs_is_damaged(void **state)
{
	struct sheet s = {};

	sheet_numbers(&s, 3, 1, 0, 1);
	sheet_damaged(&s, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_of_a_newer_writer_are_ignored),
		cmocka_unit_test(columns_that_an_older_writer_had_not_are_zero),
		cmocka_unit_test(a_hop_names_its_stack_by_number),
		cmocka_unit_test(an_unknown_context_reads_as_unknown),
		cmocka_unit_test(malformed_columns_cost_their_unit),
		cmocka_unit_test(bytes_behind_the_last_stream_cost_their_unit),
		cmocka_unit_test(a_hop_without_packet_costs_its_unit),
		cmocka_unit_test(malformed_runs_cost_their_unit),
		cmocka_unit_test(a_hop_outside_the_times_of_its_header_costs_its_unit),
		cmocka_unit_test(more_columns_than_bits_cost_their_unit),
		cmocka_unit_test(a_unit_without_anything_after_its_runs_is_damaged),
	};

	return cmocka_run_group_tests_name("trace: columns", tests, NULL, NULL);
}
