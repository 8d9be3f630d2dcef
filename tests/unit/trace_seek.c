// SPDX-License-Identifier: GPL-2.0
/*
 * trace_seek.c - the index, seeking by time, surveys; and indexes that lie.
 */
#include <fcntl.h>
#include <stdio.h>

#include "index.h"
#include "trace_support.h"

#define UNITS 300
#define HOPS_A_UNIT 10

/* Hop k has the time 1000 + k; a name comes with each tenth unit. */
static struct image record_times(int units, bool finished)
{
	struct tape t = tape_start();
	struct image img = {};

	for (int i = 0; i < units; i++) {
		char key[32];

		snprintf(key, sizeof(key), "name %d", i);
		if (i % 10 == 0)
			tape_put(&t, &(struct trc_record){ .kind = TRC_FACT, .fact = { key, "" } });
		for (int k = i * HOPS_A_UNIT; k < (i + 1) * HOPS_A_UNIT; k++)
			assert_int_equal(trc_write_hop(t.w, &(struct trc_hop){ .time_ns = 1000 + k, .packet = 1 + k, .cpu = i % 3,
									      .func = k * 31 }), 0);
		assert_int_equal(trc_writer_flush(t.w), 0);
	}
	if (finished) {
		tape_put(&t, &(struct trc_record){ .kind = TRC_END, .end = { .reason = "signal" } });
		return tape_end(&t);
	}
	img.size = trc_writer_bytes(t.w);
	img.data = malloc(img.size);
	assert_int_equal(pread(t.fd, img.data, img.size, 0), img.size);
	trc_writer_free(t.w);
	close(t.fd);
	return img;
}

/* as a file, so that jumping reads by position */
static int image_file(const struct image *img)
{
	int fd = memfd_create("seek", MFD_CLOEXEC);

	assert_int_equal(write(fd, img->data, img->size), img->size);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

/* all names, and the hops from a time on, each once and in order; how many units were passed over unread */
static uint64_t assert_from(struct trc_reader *r, int units, uint64_t time_ns, bool ended)
{
	uint64_t next = time_ns < 1000 ? 1000 : time_ns;
	struct trc_record rec;
	int names = 0;

	while (trc_reader_next(r, &rec) == 1) {
		names += rec.kind == TRC_FACT;
		if (rec.kind == TRC_HOP)
			assert_true(rec.hop.time_ns == next++);
	}
	assert_string_equal(trc_reader_error(r), "");
	assert_int_equal(names, units / 10);
	assert_int_equal(trc_reader_health(r)->ended, ended);
	assert_int_equal(trc_reader_health(r)->damaged, 0);
	assert_int_equal(trc_reader_health(r)->out_of_order, 0);
	assert_int_equal(trc_reader_health(r)->bytes_bad, 0);
	assert_true(next == (time_ns > 1000u + units * HOPS_A_UNIT ? time_ns : 1000u + units * HOPS_A_UNIT));
	if (ended)
		assert_string_equal(trc_reader_trouble(r), "");
	return trc_reader_health(r)->passed;
}

static const uint64_t sought[] = { 0, 1, 1000, 1009, 1010, 1011, 2555, 3999, 1000 + UNITS * HOPS_A_UNIT - 1,
				   1000 + UNITS * HOPS_A_UNIT, 1000000 };

static void seek_everywhere(struct trc_reader *r, bool ended)
{
	for (size_t i = sizeof(sought) / sizeof(sought[0]); i--;) {
		uint64_t before = sought[i] < 1000 ? 0 : (sought[i] - 1000) / HOPS_A_UNIT;

		assert_int_equal(trc_reader_seek_time(r, sought[i]), 0);
		assert_int_equal(assert_from(r, UNITS, sought[i], ended), before > UNITS ? UNITS : before);
	}
}

static void seeking_gives_all_names_and_the_hops_from_a_time_on(void **state)
{
	for (int finished = 0; finished < 2; finished++) {
		struct image img = record_times(UNITS, finished);
		int fd = image_file(&img);
		struct trc_reader *r;

		assert_int_equal(trc_reader_open_memory(&r, img.data, img.size), 0);
		seek_everywhere(r, finished);
		trc_reader_free(r);
		assert_int_equal(trc_reader_open_fd(&r, fd), 0);
		seek_everywhere(r, finished);
		trc_reader_free(r);
		close(fd);
		free(img.data);
	}
}

static void seeking_works_in_order_of_time_too(void **state)
{
	struct image img = record_times(UNITS, true);
	struct trc_reader *r;

	assert_int_equal(trc_reader_open_memory(&r, img.data, img.size), 0);
	assert_int_equal(trc_reader_order(r, TRC_ORDER_TIME), 0);
	seek_everywhere(r, true);
	trc_reader_free(r);
	free(img.data);
}

static void a_recording_behind_something_else_is_sought_too(void **state)
{
	struct image img = record_times(UNITS, true);
	int fd = memfd_create("behind", MFD_CLOEXEC);
	struct trc_reader *r;

	assert_int_equal(pwrite(fd, img.data, img.size, 777), img.size);
	lseek(fd, 777, SEEK_SET);
	assert_int_equal(trc_reader_open_fd(&r, fd), 0);
	seek_everywhere(r, true);
	trc_reader_free(r);
	close(fd);
	free(img.data);
}

static void a_pipe_is_sought_forward_and_only_before_it_is_read(void **state)
{
	struct image img = record_times(100, true);
	struct trc_record rec;
	struct trc_reader *r;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_true(fcntl(fds[1], F_SETPIPE_SZ, 1 << 20) >= (int)img.size);
	assert_int_equal(write(fds[1], img.data, img.size), img.size);
	close(fds[1]);
	assert_int_equal(trc_reader_open_fd(&r, fds[0]), 0);
	assert_int_equal(trc_reader_seek_time(r, 1500), 0);
	assert_int_equal(assert_from(r, 100, 1500, true), 50);
	assert_int_equal(trc_reader_seek_time(r, 1000), -ESPIPE);
	assert_string_equal(trc_reader_error(r), "cannot go back in a pipe");
	assert_int_equal(trc_reader_next(r, &rec), 0);
	assert_int_equal(trc_reader_survey(r, TRC_SURVEY_HEADERS, &(struct trc_survey){}), -ESPIPE);
	trc_reader_free(r);
	close(fds[0]);
	free(img.data);
}

/* --- the index ------------------------------------------------------------------------------------------------- */

static int index_of(const struct image *img, struct index *x)
{
	struct source s;

	source_start_memory(&s, img->data, img->size);
	return index_load(x, &s, recording_tag(img->data + 28));
}

static void the_index_lists_every_unit_as_its_header_does(void **state)
{
	struct image img = record_times(2000, true);
	struct extent extents[4000];
	size_t n = image_extents(&img, extents, 4000), checkpoints = 0;
	struct index x;
	struct unit u;

	assert_int_equal(index_of(&img, &x), 1);
	assert_int_equal(x.n, n - 1);
	for (size_t i = 0; i < x.n; i++) {
		assert_true(unit_get(img.data + extents[i].start, &u));
		assert_true(x.entries[i].offset == extents[i].start);
		assert_true(index_agrees(&x.entries[i], &u));
		checkpoints += !memcmp(u.type, INDEX_TYPE, 4);
	}
	assert_in_range(checkpoints, 1, 20);
	index_free(&x);
	free(img.data);
}

/* The last unit of the image is the index: another one is put in its place, with right checksums. */
static void index_replace(struct image *img, const void *raw, size_t size, uint32_t rows)
{
	struct extent extents[1024];
	size_t n = image_extents(img, extents, 1024);
	struct unit u;

	assert_true(unit_get(img->data + extents[n - 1].start, &u));
	assert_memory_equal(u.type, INDEX_TYPE, 4);
	img->size = extents[n - 1].start;
	u.rows = rows;
	image_unit(img, u, raw, size);
}

/* the headers of all units but the index */
static size_t units_of(const struct image *img, struct unit *units)
{
	struct extent extents[1024];
	size_t n = image_extents(img, extents, 1024) - 1;

	for (size_t i = 0; i < n; i++)
		assert_true(unit_get(img->data + extents[i].start, &units[i]));
	return n;
}

/* what an index unit has that lists these units */
static struct buffer index_contents(const struct unit *units, size_t n)
{
	struct index_writer x = {};

	for (size_t i = 0; i < n; i++) {
		assert_int_equal(index_reserve(&x), 0);
		index_note_unit(&x, &units[i], PREAMBLE_SIZE);
	}
	assert_int_equal(index_build(&x), 0);
	buffer_free(&x.raw);
	return x.unit;
}

/* a copy of the recording with that index */
static struct image with_index_of(const struct image *img, const struct unit *units, size_t n)
{
	struct buffer contents = index_contents(units, n);
	struct image copy = {};

	image_append(&copy, img->data, img->size);
	index_replace(&copy, contents.data, contents.size, n);
	buffer_free(&contents);
	return copy;
}

/* what a jump lands on is compared with its header: then the walk goes by headers, and nothing is lost */
static void assert_found_out(struct image *copy)
{
	struct trc_reader *r;
	struct index x;

	assert_int_equal(index_of(copy, &x), 1);	/* it looks right */
	index_free(&x);
	for (uint64_t time = 1000; time < 1600; time += 7) {
		assert_int_equal(trc_reader_open_memory(&r, copy->data, copy->size), 0);
		assert_int_equal(trc_reader_seek_time(r, time), 0);
		assert_from(r, 60, time, true);
		trc_reader_free(r);
	}
	free(copy->data);
}

static void an_index_that_lies_is_found_out_where_a_jump_lands(void **state)
{
	struct image img = record_times(60, true), copy;
	struct unit units[100], forged[100];
	size_t n = units_of(&img, units);

	for (size_t i = 5; i < 40; i++) {
		memcpy(forged, units, sizeof(units));
		forged[i].time_last += 5;
		copy = with_index_of(&img, forged, n);
		assert_found_out(&copy);

		/* no unit begins where units from i to i + 4 are said to begin */
		memcpy(forged, units, sizeof(units));
		forged[i - 1].stored_size += 3;
		forged[i + 4].stored_size -= 3;
		copy = with_index_of(&img, forged, n);
		assert_found_out(&copy);

		if (memcmp(units[i + 10].type, "HOPS", 4))
			continue;
		assert_in_range(units[i + 10].stored_size, 100, 10000);
		/* two units are said to be one, so those behind seem to have the place of the next, until one is said to be two */
		memcpy(forged, units, sizeof(units));
		for (size_t k = i + 1; k < i + 10; k++)
			forged[k].stored_size = units[k + 1].stored_size;
		forged[i].stored_size += HEADER_SIZE + units[i + 1].stored_size;
		forged[i + 9].stored_size = 10;
		forged[i + 10].stored_size = units[i + 10].stored_size - 10 - HEADER_SIZE;
		copy = with_index_of(&img, forged, n);
		assert_found_out(&copy);
	}
	free(img.data);
}

static void a_malformed_index_is_damage_and_is_not_used(void **state)
{
	struct image img = record_times(20, true), copy;
	struct unit units[100];
	uint32_t rows = units_of(&img, units);
	struct buffer good = index_contents(units, rows);

	for (size_t size = 0; size <= good.size + 1; size++) {
		uint8_t *raw = calloc(1, good.size + 1);
		struct trc_record rec;
		struct trc_reader *r;
		struct index x;

		memcpy(raw, good.data, size < good.size ? size : good.size);
		copy = (struct image){};
		image_append(&copy, img.data, img.size);
		index_replace(&copy, raw, size, rows);
		assert_int_equal(index_of(&copy, &x), size == good.size);
		index_free(&x);
		assert_int_equal(trc_reader_open_memory(&r, copy.data, copy.size), 0);
		while (trc_reader_next(r, &rec) == 1)
			;
		assert_int_equal(trc_reader_health(r)->damaged, size != good.size);
		assert_int_equal(trc_reader_seek_time(r, 1100), 0);
		trc_reader_free(r);
		free(copy.data);
		free(raw);
	}
	/* right by itself, but its units are not where it says, or there are more, or fewer */
	for (int i = 0; i < 3; i++) {
		struct index x;

		copy = (struct image){};
		image_append(&copy, img.data, img.size);
		good.data[1] ^= i == 0;
		index_replace(&copy, good.data, good.size, i == 1 ? rows + 1 : i == 2 ? rows - 1 : rows);
		good.data[1] ^= i == 0;
		assert_int_equal(index_of(&copy, &x), 0);
		free(copy.data);
	}
	buffer_free(&good);
	/* or they do not end where it begins */
	for (int i = 0; i < 2; i++) {
		struct index x;

		units[3].stored_size += i ? -2 : 1;
		copy = with_index_of(&img, units, rows);
		assert_int_equal(index_of(&copy, &x), 0);
		free(copy.data);
	}
	free(img.data);
}

static void an_index_of_a_changed_file_is_not_used(void **state)
{
	struct image img = record_times(UNITS, true), copy = {};
	struct extent extents[1024];
	struct index x;

	image_extents(&img, extents, 1024);
	image_append(&copy, img.data, extents[5].start);
	image_append(&copy, img.data + extents[5].end, img.size - extents[5].end);
	assert_int_equal(index_of(&copy, &x), 0);
	free(copy.data);
	copy = (struct image){};
	image_append(&copy, img.data, img.size);
	image_append(&copy, "x", 1);
	assert_int_equal(index_of(&copy, &x), 0);
	free(copy.data);
	free(img.data);
}

/* --- surveys --------------------------------------------------------------------------------------------------- */

static struct trc_survey survey(const struct image *img, enum trc_depth depth)
{
	struct trc_survey s;
	struct trc_record rec;
	struct trc_reader *r;

	assert_int_equal(trc_reader_open_memory(&r, img->data, img->size), 0);
	assert_int_equal(trc_reader_next(r, &rec), 1);
	assert_int_equal(trc_reader_survey(r, depth, &s), 0);
	assert_int_equal(trc_reader_next(r, &rec), 1);	/* goes on where it was */
	assert_int_equal(rec.hop.time_ns, 1000);
	s.trouble = *s.trouble ? "some" : "";
	trc_reader_free(r);
	return s;
}

static void a_survey_says_what_is_there_without_decoding(void **state)
{
	struct image img = record_times(UNITS, true);
	struct extent extents[1024];
	size_t n = image_extents(&img, extents, 1024);

	for (int depth = TRC_SURVEY_INDEX; depth <= TRC_SURVEY_CHECKSUMS; depth++) {
		struct trc_survey s = survey(&img, depth);

		assert_int_equal(s.hops, UNITS * HOPS_A_UNIT);
		assert_int_equal(s.time_first, 1000);
		assert_int_equal(s.time_last, 1000 + UNITS * HOPS_A_UNIT - 1);
		assert_int_equal(s.health.units, n);
		assert_int_equal(s.health.bytes, img.size);
		assert_int_equal(s.health.ended, 1);
		assert_int_equal(s.indexed, depth == TRC_SURVEY_INDEX);
		assert_memory_equal(s.health.recording, img.data + 28, 16);
		assert_string_equal(s.trouble, "");
	}
	free(img.data);
	img = record_times(UNITS, false);
	assert_int_equal(survey(&img, TRC_SURVEY_INDEX).indexed, 0);
	assert_int_equal(survey(&img, TRC_SURVEY_INDEX).hops, UNITS * HOPS_A_UNIT);
	assert_int_equal(survey(&img, TRC_SURVEY_INDEX).health.ended, 0);
	free(img.data);
}

static void a_survey_of_checksums_finds_all_damage_and_one_of_headers_what_is_missing(void **state)
{
	struct image img = record_times(UNITS, true), copy = {};
	struct extent extents[1024];
	size_t n = image_extents(&img, extents, 1024);
	struct trc_survey s;

	img.data[extents[40].end - 1] ^= 1;
	assert_int_equal(survey(&img, TRC_SURVEY_HEADERS).health.damaged, 0);
	s = survey(&img, TRC_SURVEY_CHECKSUMS);
	assert_int_equal(s.health.damaged, 1);
	assert_int_equal(s.health.units, n - 1);
	assert_string_equal(s.trouble, "some");
	img.data[extents[40].end - 1] ^= 1;

	image_append(&copy, img.data, extents[50].start);
	image_append(&copy, img.data + extents[50].end, img.size - 9 - extents[50].end);
	s = survey(&copy, TRC_SURVEY_HEADERS);
	assert_int_equal(s.health.out_of_order, 1);
	assert_int_equal(s.health.cut_short, 1);
	assert_string_equal(s.trouble, "some");
	free(copy.data);
	free(img.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seeking_gives_all_names_and_the_hops_from_a_time_on),
		cmocka_unit_test(seeking_works_in_order_of_time_too),
		cmocka_unit_test(a_recording_behind_something_else_is_sought_too),
		cmocka_unit_test(a_pipe_is_sought_forward_and_only_before_it_is_read),
		cmocka_unit_test(the_index_lists_every_unit_as_its_header_does),
		cmocka_unit_test(an_index_that_lies_is_found_out_where_a_jump_lands),
		cmocka_unit_test(a_malformed_index_is_damage_and_is_not_used),
		cmocka_unit_test(an_index_of_a_changed_file_is_not_used),
		cmocka_unit_test(a_survey_says_what_is_there_without_decoding),
		cmocka_unit_test(a_survey_of_checksums_finds_all_damage_and_one_of_headers_what_is_missing),
	};

	return cmocka_run_group_tests_name("trace: seek", tests, NULL, NULL);
}
