// SPDX-License-Identifier: GPL-2.0
/*
 * trace_memory.c - memory that fails gives an error and no wrong recording; what a file claims allocates nothing.
 *
 * This program's own malloc() counts, notes the largest request, and fails on command.
 */
#include <stdio.h>

#define MEMORY_FAILS
#include "memory.h"
#include "trace_support.h"

#if SANITIZED

int main(void)
{
	puts("skipped: the address sanitizer has its own malloc()");
	return 77;
}

#else

/* --- failing ------------------------------------------------------------------------------------------------------- */

#define HOPS (UNIT_HOPS_MAX + 100)
#define EARLY 5		/* records of kinds that come before */
#define ROWS (EARLY + HOPS + 2)

/* 0 or the first error; what is written must be whole in both cases */
static int write_all(int fd)
{
	static const uint32_t frames[TRC_STACK_MAX];
	static const uint8_t bytes[6000];	/* more than a buffer begins with */
	const struct trc_record early[] = {
		{ .kind = TRC_FACT, .fact = { "key", "value" } },
		{ .kind = TRC_FRAMES, .frames = { 1, TRC_STACK_MAX, frames } },
		{ .kind = TRC_EDGE, .edge = { 1, 2, 1, TRC_EDGE_CLONE, 0 } },
		{ .kind = TRC_DATA, .data = { 1, 1, 2, 9000, sizeof(bytes), bytes } },
		{ .kind = TRC_SNAPSHOT, .snapshot = { 0, 0, "routes", "ip route", "", 0, 1, "default" } },
	};
	static_assert(sizeof(early) / sizeof(early[0]) == EARLY, "EARLY says how many");
	struct trc_record loss = { .kind = TRC_LOSS, .loss = { .cpu = 3, .lost = 5 } };
	struct trc_record end = { .kind = TRC_END, .end = { .reason = "signal" } };
	struct trc_hop hop = { .packet = 1 };
	struct trc_writer *w;
	uint64_t seed = 1;
	int err = trc_writer_open(&w, fd);

	if (err)
		return err;
	for (size_t i = 0; i < EARLY && !err; i++)
		err = trc_write(w, &early[i]);
	for (int i = 0; i < HOPS && !err; i++) {
		hop_step(&hop, &seed);
		err = trc_write_hop(w, &hop);
	}
	if (!err)
		err = trc_write(w, &loss);
	if (!err)
		err = trc_write(w, &end);
	if (!err)
		err = trc_writer_finish(w);
	memory.on = false;
	if (err)
		assert_string_not_equal(trc_writer_error(w), "");
	trc_writer_free(w);
	return err;
}

/* 0 or the error; *rows were read before it */
static int read_all(int fd, uint32_t *rows)
{
	struct trc_record rec;
	struct trc_reader *r;
	int ret;

	*rows = 0;
	lseek(fd, 0, SEEK_SET);
	ret = trc_reader_open_fd(&r, fd);
	if (ret)
		return ret;
	while ((ret = trc_reader_next(r, &rec)) == 1)
		++*rows;
	memory.on = false;
	if (!ret) {
		assert_string_equal(trc_reader_trouble(r), "");
		assert_int_equal(trc_reader_health(r)->damaged, 0);
	}
	trc_reader_free(r);
	return ret;
}

static void writer_without_memory(bool once)
{
	long n = 0;
	int err;

	memory.once = once;
	do {
		int fd = memfd_create("tape", MFD_CLOEXEC);
		uint32_t rows;

		memory_watch(n++);
		err = write_all(fd);
		memory.on = false;
		assert_true(!err || err == -ENOMEM);
		if (!err) {
			assert_int_equal(read_all(fd, &rows), 0);
			assert_int_equal(rows, ROWS);
		}
		close(fd);
		assert_in_range(n, 0, 1000);
	} while (err);
	assert_in_range(n, 10, 1000);
}

static void a_writer_without_memory_says_so(void **state)
{
	writer_without_memory(false);
	writer_without_memory(true);
}

static void reader_without_memory(bool once)
{
	int fd = memfd_create("tape", MFD_CLOEXEC), err;
	uint32_t rows;
	long n = 0;

	assert_int_equal(write_all(fd), 0);
	memory.once = once;
	do {
		memory_watch(n++);
		err = read_all(fd, &rows);
		memory.on = false;
		assert_true(!err || err == -ENOMEM);
		assert_in_range(n, 0, 1000);
	} while (err);
	assert_int_equal(rows, ROWS);
	assert_in_range(n, 4, 1000);
	close(fd);
}

static void a_reader_without_memory_says_so_and_calls_no_unit_damaged(void **state)
{
	reader_without_memory(false);
	reader_without_memory(true);
}

/* --- claims -------------------------------------------------------------------------------------------------------- */

static struct unit claim(uint32_t raw_size, uint32_t stored_size)
{
	return (struct unit){ .type = "fact", .version = UNIT_VERSION, .rows = UINT32_MAX, .raw_size = raw_size,
			      .stored_size = stored_size };
}

/* the file, with so many zeros behind, is read from a descriptor: the reader must hold what it reads */
static size_t memory_to_read(const struct image *img, size_t zeros, struct trc_health *health)
{
	int fd = memfd_create("claim", MFD_CLOEXEC);
	struct trc_record rec;
	struct trc_reader *r;

	assert_int_equal(write(fd, img->data, img->size), img->size);
	assert_int_equal(ftruncate(fd, img->size + zeros), 0);
	lseek(fd, 0, SEEK_SET);
	memory_watch(1000000);
	assert_int_equal(trc_reader_open_fd(&r, fd), 0);
	while (trc_reader_next(r, &rec) == 1)
		;
	memory.on = false;
	*health = *trc_reader_health(r);
	trc_reader_free(r);
	close(fd);
	return memory.largest;
}

#define CLAIM_LARGEST (UNIT_HOPS_MAX * sizeof(struct trc_hop))	/* the reader has this anyway */

static void a_unit_that_claims_gigabytes_allocates_nothing(void **state)
{
	static const struct { uint32_t raw, stored; } claims[] = {
		{ UINT32_MAX, 900 }, { UNIT_RAW_MAX + 1, 900 }, { UNIT_RAW_MAX, 900 }, { 900, UINT32_MAX },
		{ UINT32_MAX, UINT32_MAX }, { 900, UNIT_STORED_MAX }, { 900, 901 },
	};
	struct preamble p = { .version = FORMAT_VERSION };
	uint8_t header[HEADER_SIZE], garbage[900] = {};

	for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
		struct unit u = claim(claims[i].raw, claims[i].stored);
		struct image img = {};
		struct trc_health health;

		u.tag = recording_tag(p.recording);
		u.crc_stored = trc_crc32c(0, garbage, sizeof(garbage));
		unit_put(header, &u);
		image_begin(&img, &p);
		image_append(&img, header, sizeof(header));
		image_append(&img, garbage, sizeof(garbage));
		assert_in_range(memory_to_read(&img, 0, &health), 1, CLAIM_LARGEST);
		assert_int_equal(health.units, 0);
		assert_true(health.damaged == 1 || health.cut_short);
		free(img.data);
	}
}

static void a_unit_that_claims_the_rest_of_a_large_file_is_not_collected(void **state)
{
	static const uint32_t claims[] = { UINT32_MAX, UNIT_STORED_MAX + 1, 60u << 20 };
	struct preamble p = { .version = FORMAT_VERSION };
	uint8_t header[HEADER_SIZE];

	for (int i = 0; i < 3; i++) {
		struct unit u = claim(900, claims[i]);
		struct trc_health health;
		struct image img = {};

		u.tag = recording_tag(p.recording);
		unit_put(header, &u);
		image_begin(&img, &p);
		image_append(&img, header, sizeof(header));
		assert_in_range(memory_to_read(&img, 64u << 20, &health), 1, CLAIM_LARGEST);
		assert_int_equal(health.damaged, 1);
		free(img.data);
	}
}

/* one kilobyte that unpacks to 17 MiB, and says so */
/* Rows that claim more frames and bytes than there are, and four thousand million of them. */
static void rows_that_claim_more_than_there_is_allocate_nothing(void **state)
{
	static const struct { const char type[5], *raw; size_t size; } claims[] = {
		{ "frms", "\x06\1\xff\xff\xff\xff\x0f", 7 },		/* frames */
		{ "data", "\x0b\1\0\2\xff\xff\x7f\xff\xff\xff\x7f\0", 12 },	/* bytes */
		{ "data", "\xff\xff\xff\xff\x0f\1\0\2\5\0", 10 },		/* a row's length */
		{ "snap", "\x07\0\0\xff\xff\xff\x7f\0", 8 },		/* a text */
		{ "edge", "\4\0\2\1\1", 5 },
	};

	for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
		struct preamble p = { .version = FORMAT_VERSION };
		struct unit u = claim(0, 0);
		struct trc_health health;
		struct image img = {};

		memcpy(u.type, claims[i].type, sizeof(u.type));
		u.tag = recording_tag(p.recording);
		image_begin(&img, &p);
		image_unit(&img, u, claims[i].raw, claims[i].size);
		assert_in_range(memory_to_read(&img, 0, &health), 1, CLAIM_LARGEST);
		assert_int_equal(health.damaged, 1);
		free(img.data);
	}
}

static void a_unit_beyond_the_limit_is_not_unpacked(void **state)
{
	struct preamble p = { .version = FORMAT_VERSION };
	size_t size = UNIT_RAW_MAX + (1u << 20);
	struct trc_health health;
	struct image img = {};
	struct unit u = claim(0, 0);
	uint8_t *raw = calloc(1, size);

	assert_non_null(raw);
	u.tag = recording_tag(p.recording);
	image_begin(&img, &p);
	image_unit(&img, u, raw, size);
	free(raw);
	assert_in_range(img.size, 1, 4096);
	assert_in_range(memory_to_read(&img, 0, &health), 1, CLAIM_LARGEST);
	assert_int_equal(health.damaged, 1);
	free(img.data);
}

/* a zstd frame header by hand: a window of 2 GiB, and a content size that the unit agrees with, or not */
static void a_frame_with_a_huge_window_allocates_nothing(void **state)
{
	static const uint8_t frame[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x80, 0xa8, 5, 0, 0, 0,	/* window 2^31, size 5 */
					 0x29, 0, 0, 4, 1, 'a', 1, 'A' };		/* last block, raw, 5 bytes */
	struct preamble p = { .version = FORMAT_VERSION };
	struct unit u = claim(5, sizeof(frame));
	uint8_t header[HEADER_SIZE];
	struct trc_health health;
	struct image img = {};

	u.rows = 1;
	u.tag = recording_tag(p.recording);
	u.crc_stored = trc_crc32c(0, frame, sizeof(frame));
	unit_put(header, &u);
	image_begin(&img, &p);
	image_append(&img, header, sizeof(header));
	image_append(&img, frame, sizeof(frame));
	assert_in_range(memory_to_read(&img, 0, &health), 1, CLAIM_LARGEST);
	assert_int_equal(health.units, 1);	/* the window is not needed: the rows are read in place */
	free(img.data);
}

static void a_large_file_needs_no_more_memory_than_a_unit(void **state)
{
	struct tape t = tape_start();
	struct trc_hop hop = { .packet = 1 };
	struct trc_health health;
	uint64_t seed = 9;
	struct image img;

	for (int i = 0; i < 20 * UNIT_HOPS_MAX; i++) {
		hop_noise(&hop, &seed);
		assert_int_equal(trc_write_hop(t.w, &hop), 0);
	}
	img = tape_end(&t);
	assert_true(img.size > 32u << 20);
	memory_to_read(&img, 0, &health);
	assert_in_range(health.units, 20, 30);	/* and the index */
	assert_in_range(memory.total, 1, 28u << 20);
	free(img.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_writer_without_memory_says_so),
		cmocka_unit_test(a_reader_without_memory_says_so_and_calls_no_unit_damaged),
		cmocka_unit_test(a_unit_that_claims_gigabytes_allocates_nothing),
		cmocka_unit_test(a_unit_that_claims_the_rest_of_a_large_file_is_not_collected),
		cmocka_unit_test(rows_that_claim_more_than_there_is_allocate_nothing),
		cmocka_unit_test(a_unit_beyond_the_limit_is_not_unpacked),
		cmocka_unit_test(a_frame_with_a_huge_window_allocates_nothing),
		cmocka_unit_test(a_large_file_needs_no_more_memory_than_a_unit),
	};

	return cmocka_run_group_tests_name("trace: memory", tests, NULL, NULL);
}

#endif
