// SPDX-License-Identifier: GPL-2.0
/*
 * trace_strangers.c - files that are no recordings, recordings of newer writers, and units made to do harm.
 *
 * The units here have right checksums: whoever writes a hostile file can compute them.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "trace_between.h"

/* --- opening --------------------------------------------------------------------------------------------------- */

static void assert_refused(const void *data, size_t size, int err, const char *words)
{
	struct trc_reader *r = (struct trc_reader *)-1;

	assert_int_equal(trc_reader_open_memory(&r, data, size), err);
	assert_null(r);
	if (!strstr(trc_reader_error(NULL), words))
		fail_msg("\"%s\" does not say \"%s\"", trc_reader_error(NULL), words);
}

static void what_is_no_recording_is_refused(void **state)
{
	static const char text[] = "To be, or not to be, that is the question: whether tis nobler in the mind to\n";
	static const uint8_t zeros[4096];

	assert_refused(text, strlen(text), -EBADMSG, "is not a packet recording");
	assert_refused(text, 5, -EBADMSG, "is not a packet recording");
	assert_refused(zeros, sizeof(zeros), -EBADMSG, "is not a packet recording");
	assert_refused(text, 0, -EBADMSG, "is empty");
	assert_refused(NULL, 0, -EBADMSG, "is empty");
}

static void paths_that_cannot_be_read_are_refused(void **state)
{
	struct trc_reader *r;

	assert_int_equal(trc_reader_open(&r, "/"), -EISDIR);
	assert_non_null(strstr(trc_reader_error(NULL), "is a directory"));
	assert_null(r);
	assert_int_equal(trc_reader_open(&r, "/no/such/file"), -ENOENT);
	assert_non_null(strstr(trc_reader_error(NULL), "No such file"));
	assert_null(r);
	assert_int_equal(trc_reader_open(&r, "/dev/null"), -EBADMSG);
	assert_non_null(strstr(trc_reader_error(NULL), "is empty"));
	assert_int_equal(trc_reader_open_fd(&r, -1), -EBADF);
	trc_reader_free(NULL);
}

static void a_recording_without_its_preamble_says_that_it_was_cut(void **state)
{
	struct image img = {};

	image_begin(&img, &today);
	for (size_t size = 1; size < img.size; size++)
		assert_refused(img.data, size, -EBADMSG, "is cut short within its first 48 bytes");
	free(img.data);
}

static void a_text_transfer_is_named(void **state)
{
	static const struct { const char *magic; size_t size; } changed[] = {
		{ "\x8bTRC\n\x1a\n", 7 },
		{ "\x8bTRC\r\r\n\x1a\r\n", 10 },
	};
	struct image img = {};

	image_begin(&img, &today);
	image_append(&img, "enough behind it", 16);
	for (int i = 0; i < 2; i++) {
		struct image copy = {};

		image_append(&copy, img.data, 8);
		image_append(&copy, changed[i].magic, changed[i].size);
		image_append(&copy, img.data + 16, img.size - 16);
		assert_refused(copy.data, copy.size, -EBADMSG, "as text");
		free(copy.data);
	}
	free(img.data);
}

static void a_newer_format_is_refused_and_a_new_feature_only_when_it_must(void **state)
{
	struct preamble p = today;
	struct trc_reader *r;
	struct trc_record rec;
	struct image img = {};

	p.version = FORMAT_VERSION + 1;
	image_begin(&img, &p);
	assert_refused(img.data, img.size, -EPROTONOSUPPORT, "version 2");

	img.size = 0;
	p = today;
	p.incompatible = 4;
	image_begin(&img, &p);
	assert_refused(img.data, img.size, -EPROTONOSUPPORT, "features (0x4)");

	img.size = 0;
	p = today;
	p.compatible = 4;
	image_begin(&img, &p);
	assert_int_equal(trc_reader_open_memory(&r, img.data, img.size), 0);
	assert_int_equal(trc_reader_next(r, &rec), 0);
	trc_reader_free(r);
	free(img.data);
}

/* --- unknown types ------------------------------------------------------------------------------------------------- */

static void unknown_units_are_skipped_when_their_type_allows(void **state)
{
	struct unit newer = unit_of("link", 1, 1), flagged = unit_of("link", 1, 1);
	struct outcome o = between(unit_of("qdis", 3, 1), "whatever", 8);

	assert_int_equal(o.end, 0);
	assert_int_equal(o.skipped, 1);
	assert_int_equal(o.units, 2);
	assert_int_equal(between(unit_of("qDIS", 3, 1), "whatever", 8).skipped, 1);

	newer.version = UNIT_VERSION + 1;
	flagged.flags = 1;
	assert_int_equal(between(newer, "whatever", 8).skipped, 1);
	assert_int_equal(between(flagged, "whatever", 8).skipped, 1);
}

static void unknown_units_that_are_required_stop_the_reader_by_name(void **state)
{
	struct unit newer = unit_of("HOPS", 1, 1);
	struct outcome o = between(unit_of("QDIS", 3, 1), "whatever", 8);

	assert_int_equal(o.end, -EPROTONOSUPPORT);
	assert_non_null(strstr(o.error, "QDIS"));

	assert_int_equal(between(unit_of("Qdis", 3, 1), "whatever", 8).end, -EPROTONOSUPPORT);

	newer.version = 7;
	o = between(newer, "whatever", 8);
	assert_int_equal(o.end, -EPROTONOSUPPORT);
	assert_non_null(strstr(o.error, "HOPS, version 7"));

	o = between(unit_of("\x1b[2J", 3, 1), "whatever", 8);
	assert_int_equal(o.end, -EPROTONOSUPPORT);
	assert_null(strchr(o.error, 0x1b));
	assert_non_null(strstr(o.error, "?[2J"));
}

/* --- rows ---------------------------------------------------------------------------------------------------------- */

#define RAW(bytes) (bytes), sizeof(bytes) - 1

static void fields_of_a_newer_writer_are_ignored(void **state)
{
	struct outcome o = between(unit_of("nets", 2, 1), RAW("\x09\7\2cl\5extra" "\2\1\0"));

	assert_int_equal(o.units, 2);	/* 5extra has no room in 9 bytes: that row is malformed */
	o = between(unit_of("nets", 2, 1), RAW("\x0a\7\2cl\5extra" "\2\1\0"));
	assert_int_equal(o.units, 3);
	assert_int_equal(o.rows, 2);
	assert_int_equal(o.first.netns.netns, 7);
}

static void fields_that_an_older_writer_had_not_are_empty(void **state)
{
	struct outcome o = between(unit_of("FUNC", 1, 1), RAW("\4\x05\2ip"));

	assert_int_equal(o.units, 3);
	assert_int_equal(o.rows, 1);
	assert_int_equal(o.first.func.id, 5);
	assert_int_equal(o.first.func.offset, 0);
	assert_int_equal(o.first.func.flags, 0);
	assert_string_equal(o.name, "ip//");
	assert_int_equal(between(unit_of("LOSS", 2, 1), RAW("\0\0")).rows, 2);
}

static void malformed_rows_cost_their_unit(void **state)
{
	assert_damaged(unit_of("fact", 1, 1), RAW("\4\1a\2A"));		/* a string beyond its row */
	assert_damaged(unit_of("fact", 2, 1), RAW("\3\1a\2" "\4\1b\1B"));	/* the same, and the next row has bytes */
	assert_damaged(unit_of("fact", 1, 1), RAW("\x05\1a\1A"));	/* a row beyond the unit */
	assert_damaged(unit_of("fact", 2, 1), RAW("\4\1a\1A"));		/* fewer rows than promised */
	assert_damaged(unit_of("fact", 1, 1), RAW("\4\1a\1A" "\4\1b\1B"));	/* more */
	assert_damaged(unit_of("fact", 0, 1), RAW("\4\1a\1A"));
	assert_damaged(unit_of("fact", 0, 1), NULL, 0);
	assert_damaged(unit_of("fact", UINT32_MAX, 1), RAW("\4\1a\1A"));
	assert_damaged(unit_of("fact", 1, 1), RAW("\x80"));		/* a number that does not end */
	assert_damaged(unit_of("proc", 1, 1), RAW("\6\x80\x80\x80\x80\x10\0"));	/* a pid of 33 bits */
	assert_damaged(unit_of("LOSS", 1, 1), RAW("\x0b\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"));	/* 65 bits */
	assert_damaged(unit_of("LOSS", 1, 1), RAW("\x0c\0\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\0"));
	assert_damaged(unit_of("stac", 1, 1), RAW("\3\1\2\7"));		/* fewer frames than promised */
	assert_damaged(unit_of("stac", 1, 1), RAW("\3\0\1\7"));		/* packet 0 */
	assert_damaged(unit_of("stac", 1, 1), RAW("\3\1\xff\x7f"));	/* 16,383 frames */
	assert_damaged(unit_of("frms", 1, 1), RAW("\3\0\1\7"));		/* stack 0 */
	assert_damaged(unit_of("frms", 1, 1), RAW("\3\1\2\7"));		/* fewer frames than promised */
	assert_damaged(unit_of("frms", 1, 1), RAW("\3\1\x81\1"));	/* 129 */
	assert_damaged(unit_of("frms", 1, 1), RAW("\7\1\1\x80\x80\x80\x80\x10"));	/* a function of 33 bits */
	assert_damaged(unit_of("frms", 1, 1), RAW("\0"));
	/* a good row does not come out of a bad unit */
	assert_damaged(unit_of("fact", 2, 1), RAW("\4\1a\1A" "\4\1a\2A"));
}

/* header times are 0 here, and so are the rows' */
static void edges_of_nothing_cost_their_unit(void **state)
{
	struct outcome o = between(unit_of("edge", 2, 1), RAW("\3\0\2\1" "\6\0\2\1\x7f\3\4"));

	assert_int_equal(o.rows, 2);	/* of a kind that an older writer had not, or that a newer one has */
	assert_true(o.first.edge.child == 2 && o.first.edge.parent == 1 && !o.first.edge.kind);
	assert_damaged(unit_of("edge", 1, 1), RAW("\4\0\0\1\1"));	/* no child */
	assert_damaged(unit_of("edge", 1, 1), RAW("\4\0\1\0\1"));	/* no parent */
	assert_damaged(unit_of("edge", 1, 1), RAW("\4\0\1\1\1"));	/* its own parent */
	assert_damaged(unit_of("edge", 1, 1), RAW("\2\0\1"));
	assert_damaged(unit_of("edge", 1, 1), RAW("\x0a\0\2\1\1\x80\x80\x80\x80\x10\0"));	/* a function of 33 bits */
}

static void bytes_of_no_packet_cost_their_unit(void **state)
{
	struct outcome o = between(unit_of("data", 2, 1), RAW("\7\1\0\3\5\2\0\xff" "\4\1\0\2\5"));

	assert_int_equal(o.rows, 2);
	assert_int_equal(o.first.data.layer, 3);
	assert_int_equal(o.first.data.len_bytes, 5);
	assert_int_equal(o.first.data.size, 2);
	assert_damaged(unit_of("data", 1, 1), RAW("\7\0\0\3\5\2\0\xff"));	/* packet 0 */
	assert_damaged(unit_of("data", 1, 1), RAW("\7\1\0\4\5\2\0\xff"));	/* layer 4 */
	assert_damaged(unit_of("data", 1, 1), RAW("\2\1\0"));			/* none */
	assert_damaged(unit_of("data", 1, 1), RAW("\7\1\0\3\1\2\0\xff"));	/* more than the packet has */
	assert_damaged(unit_of("data", 1, 1), RAW("\6\1\0\3\5\2\0"));		/* fewer than promised */
	assert_damaged(unit_of("data", 2, 1), RAW("\6\1\0\3\5\2\0" "\4\1\0\2\5"));	/* and the next row has bytes */
	assert_damaged(unit_of("data", 1, 1), RAW("\x0a\1\0\3\x80\x80\x04\x80\x80\x04\0"));	/* 65,536 */
}

static void snapshots_of_another_moment_cost_their_unit(void **state)
{
	struct outcome o = between(unit_of("snap", 2, 1), RAW("\x0b\1\7\2rt\1s\0\2\1\0" "\0"));

	assert_int_equal(o.rows, 2);
	assert_int_equal(o.first.snapshot.end, 1);
	assert_int_equal(o.first.snapshot.netns, 7);
	assert_int_equal(o.first.snapshot.part, 2);
	assert_int_equal(o.first.snapshot.last, 1);
	assert_damaged(unit_of("snap", 1, 1), RAW("\x0b\2\7\2rt\1s\0\2\1\0"));
	assert_damaged(unit_of("snap", 1, 1), RAW("\x0b\1\7\2rt\1s\0\2\2\0"));	/* neither the last nor not */
	assert_damaged(unit_of("snap", 1, 1), RAW("\x0b\1\7\2rt\1s\0\2\1\1"));	/* a text that is not there */
}

/* so that the times of a header can be believed without a look at its rows */
static void rows_outside_the_times_of_their_header_cost_their_unit(void **state)
{
	static const struct { uint64_t first, last; int damaged; } spans[] = {
		{ 6, 6, 0 }, { 0, UINT64_MAX, 0 }, { 7, 9, 1 }, { 0, 5, 1 }, { 7, 5, 1 },
	};

	for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
		struct unit u = unit_of("edge", 1, 1), v = unit_of("data", 1, 1);

		u.time_first = v.time_first = spans[i].first;
		u.time_last = v.time_last = spans[i].last;
		assert_int_equal(between(u, RAW("\4\6\2\1\1")).damaged, spans[i].damaged);
		assert_int_equal(between(v, RAW("\4\1\6\2\5")).damaged, spans[i].damaged);
	}
}

/* a reader that does not know them goes on: that is why their first letter is small */
static void the_newest_kinds_may_be_skipped(void **state)
{
	static const enum trc_kind kinds[] = { TRC_FRAMES, TRC_EDGE, TRC_DATA, TRC_SNAPSHOT };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct unit newer = unit_of(unit_type(kinds[i]), 1, 1);

		assert_int_equal(unit_kind(unit_type(kinds[i])), kinds[i]);
		assert_true(unit_skippable(unit_type(kinds[i])));
		newer.version = UNIT_VERSION + 1;
		assert_int_equal(between(newer, "whatever", 8).skipped, 1);
	}
}

static void a_string_longer_than_the_limit_costs_its_unit(void **state)
{
	struct buffer b = {};

	assert_int_equal(buffer_reserve(&b, TRC_STRING_MAX + 32), 0);
	buffer_varint(&b, TRC_STRING_MAX + 1 + 3);
	buffer_varint(&b, TRC_STRING_MAX + 1);
	memset(b.data + b.size, 'x', TRC_STRING_MAX + 1);
	assert_damaged(unit_of("fact", 1, 1), b.data, b.size + TRC_STRING_MAX + 1);
	/* packet bytes have the same one */
	b.size = 0;
	buffer_varint(&b, 6 + 3 + TRC_STRING_MAX + 1);
	memcpy(b.data + b.size, "\1\0\2\xff\xff\x7f", 6);
	b.size += 6;
	buffer_varint(&b, TRC_STRING_MAX + 1);
	memset(b.data + b.size, 'x', TRC_STRING_MAX + 1);
	assert_damaged(unit_of("data", 1, 1), b.data, b.size + TRC_STRING_MAX + 1);
	buffer_free(&b);
}

/* --- frames ---------------------------------------------------------------------------------------------------------- */

/* a unit whose stored bytes and sizes are given */
static struct outcome stored(struct unit u, const void *frame, size_t size, uint32_t raw_size)
{
	struct image img = between_begin();
	uint8_t header[HEADER_SIZE];

	u.raw_size = raw_size;
	u.stored_size = size;
	u.crc_stored = trc_crc32c(0, frame, size);
	unit_put(header, &u);
	image_append(&img, header, sizeof(header));
	image_append(&img, frame, size);
	return between_end(&img);
}

static void a_frame_is_exactly_what_the_header_says(void **state)
{
	uint8_t frame[256], twice[512];
	const char raw[] = "\4\1a\1A";
	size_t n = ZSTD_compress(frame, sizeof(frame), raw, 5, 1);
	struct unit u = unit_of("fact", 1, 1);

	memcpy(twice, frame, n);
	memcpy(twice + n, frame, n);
	assert_int_equal(stored(u, frame, n, 5).units, 3);
	assert_int_equal(stored(u, frame, n, 6).damaged, 1);
	assert_int_equal(stored(u, frame, n, 4).damaged, 1);
	assert_int_equal(stored(u, frame, n - 1, 5).damaged, 1);
	assert_int_equal(stored(u, twice, 2 * n, 5).damaged, 1);
	memcpy(twice + n, "\x50\x2a\x4d\x18\0\0\0\0", 8);	/* a frame that unpacks to nothing */
	assert_int_equal(stored(u, twice, n + 8, 5).damaged, 1);
	assert_int_equal(stored(u, raw, 5, 5).damaged, 1);
	assert_int_equal(stored(u, "", 0, 5).damaged, 1);
	assert_int_equal(stored(u, "\x50\x2a\x4d\x18\0\0\0\0", 8, 0).damaged, 1);
}

static void a_frame_without_its_size_costs_its_unit(void **state)
{
	ZSTD_CCtx *zstd = ZSTD_createCCtx();
	uint8_t frame[256];
	size_t n;

	ZSTD_CCtx_setParameter(zstd, ZSTD_c_contentSizeFlag, 0);
	n = ZSTD_compress2(zstd, frame, sizeof(frame), "\4\1a\1A", 5);
	ZSTD_freeCCtx(zstd);
	assert_int_equal(stored(unit_of("fact", 1, 1), frame, n, 5).damaged, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_recording_is_refused),
		cmocka_unit_test(paths_that_cannot_be_read_are_refused),
		cmocka_unit_test(a_recording_without_its_preamble_says_that_it_was_cut),
		cmocka_unit_test(a_text_transfer_is_named),
		cmocka_unit_test(a_newer_format_is_refused_and_a_new_feature_only_when_it_must),
		cmocka_unit_test(unknown_units_are_skipped_when_their_type_allows),
		cmocka_unit_test(unknown_units_that_are_required_stop_the_reader_by_name),
		cmocka_unit_test(fields_of_a_newer_writer_are_ignored),
		cmocka_unit_test(fields_that_an_older_writer_had_not_are_empty),
		cmocka_unit_test(malformed_rows_cost_their_unit),
		cmocka_unit_test(edges_of_nothing_cost_their_unit),
		cmocka_unit_test(bytes_of_no_packet_cost_their_unit),
		cmocka_unit_test(snapshots_of_another_moment_cost_their_unit),
		cmocka_unit_test(rows_outside_the_times_of_their_header_cost_their_unit),
		cmocka_unit_test(the_newest_kinds_may_be_skipped),
		cmocka_unit_test(a_string_longer_than_the_limit_costs_its_unit),
		cmocka_unit_test(a_frame_is_exactly_what_the_header_says),
		cmocka_unit_test(a_frame_without_its_size_costs_its_unit),
	};

	return cmocka_run_group_tests_name("trace: strangers", tests, NULL, NULL);
}
