// SPDX-License-Identifier: GPL-2.0
/*
 * record_pieces.c - a recording in several files: each stands alone, and together they are what one would have been.
 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "pieces.h"

#define PIECE (64 << 10)
#define UNIT_MOST (2 << 20)
#define HOPS 100000
#define LOSE 1000		/* every so many hops one is lost */

static char dir[64], path[128];
static const struct invoker myself;

static int setup(void **state)
{
	strcpy(dir, "/tmp/record_piecesXXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/x.trc", dir);
	return 0;
}

static int teardown(void **state)
{
	char name[512];
	struct dirent *entry;
	DIR *d = opendir(dir);

	while (d && (entry = readdir(d))) {
		snprintf(name, sizeof(name), "%s/%s", dir, entry->d_name);
		unlink(name);
	}
	closedir(d);
	return rmdir(dir);
}

static int facts(struct trc_writer *w, uint32_t number, void *data)
{
	char value[16];
	struct trc_record rec = { .kind = TRC_FACT, .fact = { "recorder.piece", value } };

	snprintf(value, sizeof(value), "%u", number);
	return trc_write(w, &rec);
}

static int common(struct trc_writer *w, void *data)
{
	struct trc_record rec = { .kind = TRC_ENUM, .enumeration = { "skb_drop_reason", "SOMETHING", 3 } };

	(*(int *)data)++;
	return trc_write(w, &rec);
}

static int asked;	/* how often for what is common */

static struct pieces_plan plan_of(uint64_t bytes, uint32_t keep)
{
	asked = 0;
	return (struct pieces_plan){ .path = path, .who = &myself, .bytes = bytes, .keep = keep, .facts = facts,
		.common = common, .data = &asked };
}

/* A function, hops of two CPUs that do not compress, a name in the middle; every LOSE-th number of a CPU is missing. */
static int record(struct pieces *p, uint64_t hops)
{
	struct trc_record func = { .kind = TRC_FUNC, .func = { .name = "ip_rcv", .module = "", .why = "" } };
	struct trc_record proc = { .kind = TRC_PROC, .proc = { 1, "somebody" } };
	uint64_t seq[2] = {}, i, noise;
	struct trc_hop hop;
	int err = pieces_write(p, &func);

	for (i = 0; i < hops && !err; i++) {
		noise = (i + 1) * 0x9e3779b97f4a7c15;
		noise = (noise ^ noise >> 31) * 0xbf58476d1ce4e5b9;	/* or deltas would all be the same */
		seq[i & 1] += seq[i & 1] % LOSE == LOSE - 1;
		hop = (struct trc_hop){ .time_ns = i + 1, .packet = i / 100 + 1, .seq = seq[i & 1]++, .cpu = i & 1,
			.mark = noise >> 7, .tcp_seq = noise >> 11 };
		err = pieces_hop(p, &hop);
		if (!err && i == hops / 2)
			err = pieces_write(p, &proc);
		pieces_packets(p, hop.packet);
	}
	return err;
}

/* The books of the kernel, and the end. */
static void finish(struct pieces *p, uint64_t hops)
{
	struct trc_record loss = { .kind = TRC_LOSS }, end = { .kind = TRC_END, .end.reason = "signal" };
	uint64_t each = hops / 2;

	for (loss.loss.cpu = 0; loss.loss.cpu < 2; loss.loss.cpu++) {
		loss.loss.recorded = each;
		loss.loss.lost = (each - 1) / (LOSE - 1) + 5;	/* 5 at the very end: no gap tells of them */
		loss.loss.produced = loss.loss.recorded + loss.loss.lost;
		assert_int_equal(pieces_write(p, &loss), 0);
	}
	assert_int_equal(pieces_write(p, &end), 0);
	assert_int_equal(pieces_finish(p), 0);
}

struct sums {
	uint64_t hops, lost, recorded, next_time, packets;
	uint64_t next_seq[2], gaps;	/* gaps are counted from one piece to the next */
	unsigned int enums, funcs, procs, ends;
	long number;
};

/* One piece is sound and complete in itself, and goes on where the one before ended. */
static void piece_read(const char *name, struct sums *s)
{
	uint64_t seen[2] = {}, recorded[2] = {};
	unsigned int names = 0;
	struct trc_record rec;
	struct trc_reader *r;
	int got;

	s->enums = s->funcs = s->procs = s->ends = 0;
	assert_int_equal(trc_reader_open(&r, name), 0);
	assert_int_equal(trc_reader_order(r, TRC_ORDER_TIME), 0);
	while ((got = trc_reader_next(r, &rec)) > 0) {
		s->enums += rec.kind == TRC_ENUM;
		s->funcs += rec.kind == TRC_FUNC && !strcmp(rec.func.name, "ip_rcv");
		s->procs += rec.kind == TRC_PROC && !strcmp(rec.proc.name, "somebody");
		s->ends += rec.kind == TRC_END;
		names += rec.kind == TRC_FUNC;
		if (rec.kind == TRC_FACT)
			s->number = atol(rec.fact.value);
		if (rec.kind == TRC_END)
			s->packets = rec.end.packets;
		if (rec.kind == TRC_LOSS) {
			assert_int_equal(rec.loss.produced, rec.loss.recorded + rec.loss.lost);
			recorded[rec.loss.cpu] = rec.loss.recorded;
			s->recorded += rec.loss.recorded;
			s->lost += rec.loss.lost;
		}
		if (rec.kind != TRC_HOP)
			continue;
		assert_true(names > 0);
		assert_int_equal(rec.hop.time_ns, s->next_time++);
		s->gaps += rec.hop.seq - s->next_seq[rec.hop.cpu];
		s->next_seq[rec.hop.cpu] = rec.hop.seq + 1;
		seen[rec.hop.cpu]++;
		s->hops++;
	}
	assert_int_equal(got, 0);
	assert_string_equal(trc_reader_trouble(r), "");
	assert_memory_equal(seen, recorded, sizeof(seen));
	trc_reader_free(r);
}

static bool exists(const char *name)
{
	return !access(name, F_OK);
}

static void pieces_stand_alone_and_make_one_whole(void **state)
{
	struct pieces_plan plan = plan_of(PIECE, 0);
	struct sums s = { .next_time = 1 };
	char name[512], names[1024];
	struct pieces *p;
	struct stat st;
	int n;

	assert_int_equal(pieces_open(&p, &plan), 0);
	assert_int_equal(record(p, HOPS), 0);
	finish(p, HOPS);
	assert_int_equal(pieces_hops(p), HOPS);
	pieces_names(p, names, sizeof(names));
	pieces_free(p);
	assert_int_equal(asked, 1);
	for (n = 0; snprintf(name, sizeof(name), n ? "%s%d" : "%s", path, n), exists(name); n++) {
		piece_read(name, &s);
		assert_int_equal(s.number, n + 1);
		assert_int_equal(s.enums, 1);
		assert_int_equal(s.funcs, 1);
		assert_int_equal(s.procs, s.next_time > HOPS / 2 + 1);
		assert_int_equal(s.ends, 1);
		assert_int_equal(s.packets > 0, s.next_time <= HOPS);
		assert_int_equal(s.lost, s.gaps + (s.next_time <= HOPS ? 0 : 10));
		assert_int_equal(stat(name, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
		assert_true(st.st_size < PIECE + UNIT_MOST);
	}
	assert_true(n > 3);
	assert_int_equal(s.hops, HOPS);
	assert_int_equal(s.recorded, HOPS);
	assert_int_equal(s.lost, 2 * ((HOPS / 2 - 1) / (LOSE - 1) + 5));
	snprintf(name, sizeof(name), "%s to %s%d: %d files", path, path, n - 1, n);
	assert_string_equal(names, name);
}

static uint64_t first_time(const char *name)
{
	struct trc_record rec;
	struct trc_reader *r;
	uint64_t first = UINT64_MAX;

	assert_int_equal(trc_reader_open(&r, name), 0);
	while (trc_reader_next(r, &rec) > 0)
		if (rec.kind == TRC_HOP && rec.hop.time_ns < first)
			first = rec.hop.time_ns;
	trc_reader_free(r);
	return first;
}

static void ring_of_pieces_keeps_the_last(void **state)
{
	struct pieces_plan plan = plan_of(PIECE, 3);
	char name[512], names[1024];
	uint64_t kept = 0, overwritten;
	struct pieces *p;
	struct sums s;
	int n;

	assert_int_equal(pieces_open(&p, &plan), 0);
	assert_int_equal(record(p, HOPS), 0);
	finish(p, HOPS);
	overwritten = pieces_hops_overwritten(p);
	pieces_names(p, names, sizeof(names));
	pieces_free(p);
	for (n = 0; n < 3; n++) {
		snprintf(name, sizeof(name), "%s%d.old", path, n);
		assert_false(exists(name));
		snprintf(name, sizeof(name), "%s%d", path, n);
		s = (struct sums){ .next_time = first_time(name) };
		piece_read(name, &s);
		assert_int_equal(s.funcs, 1);
		kept += s.hops;
	}
	assert_false(exists(path));
	snprintf(name, sizeof(name), "%s3", path);
	assert_false(exists(name));
	assert_true(overwritten > 0);
	assert_int_equal(kept + overwritten, HOPS);
	assert_non_null(strstr(names, ": 3 files, the last of "));
}

static void names_have_leading_zeros_in_a_ring(void **state)
{
	struct pieces_plan plan = plan_of(PIECE, 11);
	char name[512];
	struct pieces *p;

	assert_int_equal(pieces_open(&p, &plan), 0);
	pieces_free(p);
	snprintf(name, sizeof(name), "%s00", path);
	assert_true(exists(name));
}

static void precious_put(const char *number)
{
	char name[512], fresh[512];
	FILE *f;

	snprintf(name, sizeof(name), "%s%s", path, number);
	snprintf(fresh, sizeof(fresh), "%s.fresh", path);
	f = fopen(fresh, "w");
	fputs("precious", f);
	fclose(f);
	assert_int_equal(rename(fresh, name), 0);
}

static void precious_is_kept(const char *number)
{
	char old[512];
	struct stat st;

	snprintf(old, sizeof(old), "%s%s.old", path, number);
	assert_int_equal(stat(old, &st), 0);
	assert_int_equal(st.st_size, 8);
}

/* What is there from earlier is no piece of ours, whether it was there before or came since. */
static void ring_of_pieces_spares_what_is_not_its_own(void **state)
{
	struct pieces_plan plan = plan_of(PIECE, 2);
	struct pieces *p;

	precious_put("1");
	assert_int_equal(pieces_open(&p, &plan), 0);
	assert_int_equal(record(p, HOPS / 4), 0);
	precious_put("0");
	assert_int_equal(record(p, HOPS), 0);
	pieces_free(p);
	precious_is_kept("1");
	precious_is_kept("0");
}

static void one_file_is_asked_for_everything_itself(void **state)
{
	struct pieces_plan plan = plan_of(0, 0);
	struct sums s = { .next_time = 1 };
	char names[1024];
	struct pieces *p;

	assert_int_equal(pieces_open(&p, &plan), 0);
	assert_int_equal(record(p, HOPS), 0);
	finish(p, HOPS);
	pieces_names(p, names, sizeof(names));
	assert_string_equal(names, path);
	pieces_free(p);
	piece_read(path, &s);
	assert_int_equal(s.hops, HOPS);
	assert_int_equal(s.lost, 2 * ((HOPS / 2 - 1) / (LOSE - 1) + 5));
	snprintf(names, sizeof(names), "%s1", path);
	assert_false(exists(names));
}

static void a_next_piece_that_cannot_be_made_ends_it_with_its_name(void **state)
{
	struct pieces_plan plan = plan_of(PIECE, 0);
	char name[512];
	struct pieces *p;

	snprintf(name, sizeof(name), "%s1", path);
	assert_int_equal(symlink("/etc/passwd", name), 0);
	assert_int_equal(pieces_open(&p, &plan), 0);
	assert_true(record(p, HOPS) < 0);
	assert_non_null(strstr(pieces_error(p), "x.trc1: is a symbolic link"));
	assert_true(pieces_flush(p) < 0);
	assert_true(pieces_hops(p) > 0);
	pieces_free(p);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pieces_stand_alone_and_make_one_whole),
		TEST(ring_of_pieces_keeps_the_last),
		TEST(names_have_leading_zeros_in_a_ring),
		TEST(ring_of_pieces_spares_what_is_not_its_own),
		TEST(one_file_is_asked_for_everything_itself),
		TEST(a_next_piece_that_cannot_be_made_ends_it_with_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
