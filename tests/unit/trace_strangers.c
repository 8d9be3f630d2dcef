// SPDX-License-Identifier: GPL-2.0
/*
 * trace_strangers.c - files that are no recordings, recordings of newer writers, and units made to do harm.
 *
 * The units here have right checksums: whoever writes a hostile file can compute them.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "trace_support.h"

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

static const struct preamble today = { .version = FORMAT_VERSION, .recording = "0123456789abcde" };

static void a_text_transfer_is_named(void **state)
{
	static const struct { const char *magic; size_t size; } changed[] = {
		{ "\x8bTRC\n\x1a\n", 7 },
		{ "\x8bTRC\r\r\n\x1a\r\n", 10 },
	};
	struct image img = {};

	image_begin(&img, &today);
	image_append(&img, img.data, 16);	/* enough bytes behind */
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

/* --- one unit between two good ones ------------------------------------------------------------------------------ */

/* What the reader made of: fact "a", the unit, fact "z". */
struct outcome {
	int end;
	int units;
	int damaged;
	int skipped;
	int rows;			/* of the unit in the middle */
	struct trc_record first;	/* of them; its strings are gone */
	char name[64];			/* of a function */
	char error[256];
};

static struct unit unit_of(const char *type, uint32_t rows, uint32_t sequence)
{
	struct unit u = { .version = UNIT_VERSION, .rows = rows, .sequence = sequence };

	u.tag = recording_tag(today.recording);
	memcpy(u.type, type, 4);
	return u;
}

static struct image between_begin(void)
{
	struct image img = {};

	image_begin(&img, &today);
	image_unit(&img, unit_of("fact", 1, 0), "\4\1a\1A", 5);
	return img;
}

static struct outcome between_end(struct image *img)
{
	struct outcome o = {};
	struct trc_record rec;
	struct trc_reader *r;
	bool last = false;

	image_unit(img, unit_of("fact", 1, 2), "\4\1z\1Z", 5);
	assert_int_equal(trc_reader_open_memory(&r, img->data, img->size), 0);
	assert_int_equal(trc_reader_next(r, &rec), 1);
	assert_string_equal(rec.fact.key, "a");
	assert_string_equal(rec.fact.value, "A");
	while ((o.end = trc_reader_next(r, &rec)) == 1) {
		last = rec.kind == TRC_FACT && !strcmp(rec.fact.key, "z");
		if (last)
			continue;
		if (!o.rows++)
			o.first = rec;
		if (rec.kind == TRC_FUNC)
			snprintf(o.name, sizeof(o.name), "%s/%s/%s", rec.func.name, rec.func.module, rec.func.why);
	}
	assert_true(last || o.end < 0);
	o.units = trc_reader_health(r)->units;
	o.damaged = trc_reader_health(r)->damaged;
	o.skipped = trc_reader_health(r)->skipped;
	assert_int_equal(trc_reader_health(r)->out_of_order, 0);
	snprintf(o.error, sizeof(o.error), "%s", trc_reader_error(r));
	if (o.end < 0)
		assert_int_equal(trc_reader_next(r, &rec), o.end);
	trc_reader_free(r);
	free(img->data);
	return o;
}

static struct outcome between(struct unit u, const void *raw, size_t size)
{
	struct image img = between_begin();

	image_unit(&img, u, raw, size);
	return between_end(&img);
}

static void assert_damaged(struct unit u, const void *raw, size_t size)
{
	struct outcome o = between(u, raw, size);

	assert_int_equal(o.end, 0);
	assert_int_equal(o.damaged, 1);
	assert_int_equal(o.units, 2);
	assert_int_equal(o.rows, 0);
}

static void unknown_units_are_skipped_when_their_type_allows(void **state)
{
	struct unit newer = unit_of("link", 1, 1), flagged = unit_of("link", 1, 1);
	struct outcome o = between(unit_of("qdis", 3, 1), "whatever", 8);

	assert_int_equal(o.end, 0);
	assert_int_equal(o.skipped, 1);
	assert_int_equal(o.units, 2);

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
	/* a good row does not come out of a bad unit */
	assert_damaged(unit_of("fact", 2, 1), RAW("\4\1a\1A" "\4\1a\2A"));
}

static void a_string_longer_than_the_limit_costs_its_unit(void **state)
{
	struct buffer b = {};

	assert_int_equal(buffer_reserve(&b, TRC_STRING_MAX + 32), 0);
	buffer_varint(&b, TRC_STRING_MAX + 1 + 3);
	buffer_varint(&b, TRC_STRING_MAX + 1);
	memset(b.data + b.size, 'x', TRC_STRING_MAX + 1);
	assert_damaged(unit_of("fact", 1, 1), b.data, b.size + TRC_STRING_MAX + 1);
	buffer_free(&b);
}

/* --- hops ------------------------------------------------------------------------------------------------------------ */

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
	assert_int_equal(buffer_reserve(&s->streams, length), 0);
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
	};

	assert_int_equal(sheet_read(&good, 1).rows, 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		sheet_damaged(&bad[i], 1);
}

static void a_hop_without_packet_costs_its_unit(void **state)
{
	struct sheet s = {};

	sheet_numbers(&s, 4, 1, 0, 1, 1);
	sheet_column(&s, 3, U64_KIND, "packet", "", 0);
	sheet_masks(&s, "\0", 1);
	sheet_damaged(&s, 1);
}

/* runs, rows in the header: the rest is right for the rows in the header */
static void runs_damaged(uint32_t rows, int n, const int *runs, const char *masks)
{
	struct sheet s = {};

	for (int i = 0; i < n; i++)
		sheet_numbers(&s, 1, runs[i]);
	sheet_numbers(&s, 1, 1);
	sheet_column(&s, 3, U64_KIND, "packet", "\2\2\2\2", 4);
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
	runs_damaged(4, 5, many, "\1\1\1\1");
	runs_damaged(4, 5, high, "\1\1\1\1");
	runs_damaged(4, 3, good, "\1\1\1\3");	/* a bit without column */
	runs_damaged(4, 3, good, "\1\1\1");
	runs_damaged(4, 3, good, "\1\1\1\1\1");
	runs_damaged(UNIT_HOPS_MAX + 1, 3, (const int[]){ 1, 0, UNIT_HOPS_MAX + 1 }, "\1");
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
		cmocka_unit_test(a_text_transfer_is_named),
		cmocka_unit_test(a_newer_format_is_refused_and_a_new_feature_only_when_it_must),
		cmocka_unit_test(unknown_units_are_skipped_when_their_type_allows),
		cmocka_unit_test(unknown_units_that_are_required_stop_the_reader_by_name),
		cmocka_unit_test(fields_of_a_newer_writer_are_ignored),
		cmocka_unit_test(fields_that_an_older_writer_had_not_are_empty),
		cmocka_unit_test(malformed_rows_cost_their_unit),
		cmocka_unit_test(a_string_longer_than_the_limit_costs_its_unit),
		cmocka_unit_test(columns_of_a_newer_writer_are_ignored),
		cmocka_unit_test(columns_that_an_older_writer_had_not_are_zero),
		cmocka_unit_test(an_unknown_context_reads_as_unknown),
		cmocka_unit_test(malformed_columns_cost_their_unit),
		cmocka_unit_test(a_hop_without_packet_costs_its_unit),
		cmocka_unit_test(malformed_runs_cost_their_unit),
		cmocka_unit_test(more_columns_than_bits_cost_their_unit),
		cmocka_unit_test(a_unit_without_anything_after_its_runs_is_damaged),
		cmocka_unit_test(a_frame_is_exactly_what_the_header_says),
		cmocka_unit_test(a_frame_without_its_size_costs_its_unit),
	};

	return cmocka_run_group_tests_name("trace: strangers", tests, NULL, NULL);
}
