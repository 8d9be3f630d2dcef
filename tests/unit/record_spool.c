// SPDX-License-Identifier: GPL-2.0
/*
 * record_spool.c - what stands between the rings and the file: nothing is lost in it, and nobody waits who asked first.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "pieces.h"
#include "pkttrace.h"
#include "spool.h"

#define MANY 200000		/* more hops than all batches hold */

struct pipeline {
	int out;
	struct pieces *pieces;
	struct spool *spool;
};

static int nothing_before(struct trc_writer *w, void *data)
{
	return 0;
}

static int no_facts(struct trc_writer *w, uint32_t number, void *data)
{
	return 0;
}

static const struct invoker myself;

static int pieces_into(struct pieces **out, const char *path)
{
	struct pieces_plan plan = { .path = path, .who = &myself, .facts = no_facts, .common = nothing_before };

	return pieces_open(out, &plan);
}

/* A named pipe: what is recorded into is opened by its name. */
static void pipeline_open(struct pipeline *p)
{
	char path[] = "/tmp/record_spoolXXXXXX";

	signal(SIGPIPE, SIG_IGN);
	assert_true(close(mkstemp(path)) == 0 && !unlink(path));
	assert_int_equal(mkfifo(path, 0600), 0);
	p->out = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(p->out >= 0);
	assert_int_equal(pieces_into(&p->pieces, path), 0);
	assert_int_equal(fcntl(p->out, F_SETFL, 0), 0);
	unlink(path);
	assert_int_equal(spool_open(&p->spool, p->pieces), 0);
}

/* The end of the file, for its reader. */
static void pipeline_free(struct pipeline *p)
{
	spool_free(p->spool);
	pieces_free(p->pieces);
	p->spool = NULL;
	p->pieces = NULL;
}

/*
 * Differs in everything that does not compress, so that a pipe is soon full: even its differences from one to the next
 * differ (the mixer is that of MurmurHash3).
 */
static struct trc_hop hop_number(uint64_t i)
{
	uint64_t noise = (i + 1) * 0x9e3779b97f4a7c15;

	noise = (noise ^ noise >> 33) * 0xff51afd7ed558ccd;
	noise = (noise ^ noise >> 33) * 0xc4ceb9fe1a85ec53;
	noise ^= noise >> 33;
	struct trc_hop hop = { .time_ns = noise, .packet = noise | 1, .seq = i, .mark = noise >> 7, .tcp_seq = noise >> 11 };

	return hop;
}

/* What a reader of the pipe got; counted in a thread of its own. */
struct got {
	int fd;
	uint64_t hops, wrong, stacks, named, procs;
	struct trc_health health;
};

static void *read_all(void *data)
{
	struct got *got = data;
	struct trc_reader *r;
	struct trc_record rec;
	struct trc_hop expected;

	if (trc_reader_open_fd(&r, got->fd))
		return NULL;
	while (trc_reader_next(r, &rec) > 0) {
		if (rec.kind == TRC_FRAMES)
			got->stacks += rec.frames.count == 2 && rec.frames.frames[1] == 7;
		else if (rec.kind == TRC_PROC)
			got->procs += !strcmp(rec.proc.name, "somebody") && !strcmp(rec.proc.command, "somebody --does something");
		else if (rec.kind == TRC_FUNC)
			got->named += !strcmp(rec.func.name, "ip_rcv");
		if (rec.kind != TRC_HOP)
			continue;
		expected = hop_number(got->hops++);
		got->wrong += memcmp(&expected, &rec.hop, sizeof(expected)) || !got->named;
	}
	got->health = *trc_reader_health(r);
	trc_reader_free(r);
	close(got->fd);
	return NULL;
}

static void give_names(struct spool *s)
{
	uint32_t frames[2] = { 3, 7 };
	char name[] = "somebody", command[] = "somebody --does something";
	struct trc_record func = { .kind = TRC_FUNC, .func = { .name = "ip_rcv", .module = "", .why = "" } };
	struct trc_record stack = { .kind = TRC_FRAMES, .frames = { .id = 1, .count = 2, .frames = frames } };
	struct trc_record proc = { .kind = TRC_PROC, .proc = { .pid = 1, .name = name, .command = command } };

	assert_int_equal(spool_write(s, &func), 0);
	assert_int_equal(spool_write(s, &stack), 0);
	assert_int_equal(spool_write(s, &proc), 0);
	memset(frames, 0, sizeof(frames));	/* was copied */
	memset(name, 'x', sizeof(name) - 1);
	memset(command, 'x', sizeof(command) - 1);
}

static void spool_hands_on_everything_in_order(void **state)
{
	struct pipeline p;
	struct got got = {};
	pthread_t reader;
	uint64_t i;

	pipeline_open(&p);
	got.fd = p.out;
	assert_int_equal(pthread_create(&reader, NULL, read_all, &got), 0);
	give_names(p.spool);
	for (i = 0; i < MANY; i++) {
		struct trc_hop hop = hop_number(i);

		assert_int_equal(spool_hop(p.spool, &hop), 0);
	}
	assert_int_equal(spool_finish(p.spool), 0);
	assert_int_equal(pieces_finish(p.pieces), 0);
	pipeline_free(&p);
	pthread_join(reader, NULL);
	assert_int_equal(got.hops, MANY);
	assert_int_equal(got.wrong, 0);
	assert_int_equal(got.stacks, 1);
	assert_int_equal(got.procs, 1);
	assert_int_equal(got.health.damaged + got.health.out_of_order + got.health.cut_short, 0);
}

/* Nobody reads the pipe: whoever asks for room is told that there is none, and what was given is not lost. */
static void spool_is_bounded_and_says_when_it_is_full(void **state)
{
	struct pipeline p;
	struct got got = {};
	pthread_t reader;
	uint64_t given = 0;

	pipeline_open(&p);
	give_names(p.spool);
	while (spool_room(p.spool)) {
		struct trc_hop hop = hop_number(given++);

		assert_int_equal(spool_hop(p.spool, &hop), 0);
		assert_true(given < MANY);
	}
	assert_false(spool_flush(p.spool));
	got.fd = p.out;
	assert_int_equal(pthread_create(&reader, NULL, read_all, &got), 0);
	assert_int_equal(spool_finish(p.spool), 0);
	assert_int_equal(pieces_finish(p.pieces), 0);
	pipeline_free(&p);
	pthread_join(reader, NULL);
	assert_int_equal(got.hops, given);
	assert_int_equal(got.wrong, 0);
}

static void spool_flush_brings_it_to_the_reader(void **state)
{
	struct trc_hop hop = hop_number(0);
	struct trc_reader *r;
	struct trc_record rec;
	struct pipeline p;

	pipeline_open(&p);
	assert_int_equal(spool_hop(p.spool, &hop), 0);
	while (!spool_flush(p.spool))
		;
	/* without the flush this would wait for ever */
	assert_int_equal(trc_reader_open_fd(&r, p.out), 0);
	assert_int_equal(trc_reader_next(r, &rec), 1);
	assert_int_equal(rec.kind, TRC_HOP);
	trc_reader_free(r);
	close(p.out);
	pipeline_free(&p);
}

static void spool_tells_of_a_reader_that_left(void **state)
{
	struct trc_hop hop = hop_number(0);
	struct pipeline p;
	int i, err = 0;

	pipeline_open(&p);
	close(p.out);
	for (i = 0; i < MANY && !err; i++)
		err = spool_hop(p.spool, &hop);	/* never hangs, whoever is slower */
	assert_int_equal(spool_finish(p.spool), -EPIPE);
	assert_int_equal(spool_error(p.spool), -EPIPE);
	assert_non_null(strstr(pieces_error(p.pieces), "Broken pipe"));
	pipeline_free(&p);
}

static uint32_t random_below(uint32_t limit)
{
	static uint32_t seed = 1;

	seed = seed * 1664525 + 1013904223;
	return (uint64_t)seed * limit >> 32;
}

/* Records until it is killed. */
static void child_record(const char *path)
{
	struct pieces *p;
	struct spool *s;
	uint64_t i;

	if (pieces_into(&p, path) || spool_open(&s, p))
		_exit(1);
	give_names(s);
	for (i = 0;; i++) {
		struct trc_hop hop = hop_number(i);

		if (spool_hop(s, &hop))
			_exit(1);
		if (i % 5000 == 0)
			spool_flush(s);
	}
}

/* Units are whole, but for the last one, and nothing is missing between the first hop and the last that was written. */
static void killed_is_readable(int fd, uint64_t *hops)
{
	struct got got = { .fd = dup(fd) };

	lseek(fd, 0, SEEK_SET);
	read_all(&got);
	assert_int_equal(got.wrong, 0);
	assert_int_equal(got.health.damaged, 0);
	assert_int_equal(got.health.out_of_order, 0);
	assert_false(got.health.ended);
	*hops += got.hops;
}

/* Until there is more than the preamble; a busy machine takes its time. */
static void recording_wait(const char *path)
{
	struct stat st;
	int waited_ms;

	for (waited_ms = 0; waited_ms < 5000 && (stat(path, &st) || st.st_size <= 48); waited_ms++)
		usleep(1000);
}

static void killed_200_times_leaves_whole_units(void **state)
{
	char path[] = "/tmp/record_spoolXXXXXX";
	uint64_t hops = 0;
	pid_t pid;
	int i, fd, status;

	assert_true(close(mkstemp(path)) == 0 && !unlink(path));

	for (i = 0; i < 200; i++) {
		pid = fork();
		assert_true(pid >= 0);
		if (!pid)
			child_record(path);
		if (i & 1)
			recording_wait(path);	/* the others may be killed before they have begun */
		usleep(random_below(30000));
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (lseek(fd, 0, SEEK_END) >= 48)	/* later than the very beginning */
			killed_is_readable(fd, &hops);
		close(fd);
		unlink(path);
	}
	assert_true(hops > 0);
}

static void spool_refuses_what_it_could_not_copy(void **state)
{
	struct trc_record fact = { .kind = TRC_FACT, .fact = { "key", "value" } };
	uint32_t frames[SPOOL_FRAMES + 1] = {};
	struct trc_record stack = { .kind = TRC_FRAMES, .frames = { 1, SPOOL_FRAMES + 1, frames } };
	struct pipeline p;

	pipeline_open(&p);
	assert_int_equal(spool_write(p.spool, &fact), -EINVAL);
	assert_int_equal(spool_write(p.spool, &stack), -EINVAL);
	close(p.out);
	pipeline_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spool_hands_on_everything_in_order),
		cmocka_unit_test(spool_is_bounded_and_says_when_it_is_full),
		cmocka_unit_test(spool_flush_brings_it_to_the_reader),
		cmocka_unit_test(spool_tells_of_a_reader_that_left),
		cmocka_unit_test(killed_200_times_leaves_whole_units),
		cmocka_unit_test(spool_refuses_what_it_could_not_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
