// SPDX-License-Identifier: GPL-2.0
/*
 * trace_faults.c - full disks, limits, pipes: the writer leaves whole units, the reader takes bytes as they come.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "trace_support.h"

/* rows that do not compress, so that limits are reached soon */
static int write_noise(struct trc_writer *w, int hops, uint64_t seed)
{
	struct trc_hop hop = {};
	int err = 0;

	for (int i = 0; i < hops && !err; i++) {
		hop_noise(&hop, &seed);
		err = trc_write_hop(w, &hop);
		if (!err && i % 100 == 99)
			err = trc_writer_flush(w);
	}
	return err;
}

/* of the times in it */
static uint64_t noise_sum(int hops, uint64_t seed)
{
	struct trc_hop hop = {};
	uint64_t sum = 0;

	while (hops--) {
		hop_noise(&hop, &seed);
		sum += hop.time_ns;
	}
	return sum;
}

static void the_full_device_is_reported(void **state)
{
	struct trc_writer *w = (struct trc_writer *)-1;
	int fd = open("/dev/full", O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(trc_writer_open(&w, fd), -ENOSPC);
	assert_null(w);
	assert_string_equal(trc_writer_error(NULL), "cannot write after byte 0: No space left on device");
	close(fd);
	assert_int_equal(trc_writer_open(&w, fd), -EBADF);
	trc_writer_free(NULL);
}

/* the file must be a recording without damage, of so many units */
static void assert_whole(int fd, uint64_t *units)
{
	struct trc_record rec;
	struct trc_reader *r;

	assert_int_equal(trc_reader_open_fd(&r, fd), 0);
	while (trc_reader_next(r, &rec) == 1)
		;
	assert_int_equal(trc_reader_health(r)->cut_short, 0);
	assert_int_equal(trc_reader_health(r)->bytes_bad, 0);
	*units = trc_reader_health(r)->units;
	trc_reader_free(r);
}

/* A file may grow to limit bytes; it begins at offset, behind something else. */
static void limit_reached(rlim_t limit, off_t offset, int flags)
{
	char path[] = "/tmp/trace_faults.XXXXXX";
	struct rlimit before, small;
	struct trc_writer *w;
	uint64_t bytes, units;
	struct stat st;
	int fd = mkstemp(path), err;

	assert_true(fd >= 0);
	close(fd);
	fd = open(path, O_RDWR | flags);
	unlink(path);
	assert_int_equal(ftruncate(fd, offset), 0);
	if (!flags)
		lseek(fd, offset, SEEK_SET);
	getrlimit(RLIMIT_FSIZE, &before);
	small = (struct rlimit){ .rlim_cur = limit, .rlim_max = before.rlim_max };
	assert_int_equal(trc_writer_open(&w, fd), 0);
	setrlimit(RLIMIT_FSIZE, &small);
	err = write_noise(w, 100000, 1);
	setrlimit(RLIMIT_FSIZE, &before);

	assert_int_equal(err, -EFBIG);
	bytes = trc_writer_bytes(w);
	assert_non_null(strstr(trc_writer_error(w), "File too large"));
	/* there would be room again, but a recording with a hole in its middle is not wanted */
	assert_int_equal(trc_writer_flush(w), -EFBIG);
	assert_int_equal(trc_write(w, &(struct trc_record){ .kind = TRC_FACT }), -EFBIG);
	assert_int_equal(trc_write_hop(w, &(struct trc_hop){ .packet = 1 }), -EFBIG);
	assert_int_equal(trc_writer_finish(w), -EFBIG);
	assert_int_equal(trc_writer_bytes(w), bytes);
	trc_writer_free(w);

	fstat(fd, &st);
	assert_int_equal(st.st_size, offset + bytes);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), offset + bytes);
	lseek(fd, offset, SEEK_SET);
	assert_whole(fd, &units);
	assert_true(units > 1 && bytes < limit);
	close(fd);
}

static void a_full_file_ends_with_its_last_whole_unit(void **state)
{
	for (rlim_t limit = 100000; limit < 100500; limit += 97)
		limit_reached(limit, 0, 0);
}

static void a_full_file_keeps_what_was_before_the_recording(void **state)
{
	limit_reached(100000, 777, 0);
	limit_reached(100000, 777, O_APPEND);
}

static void a_reader_that_leaves_is_reported(void **state)
{
	struct trc_writer *w;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(trc_writer_open(&w, fds[1]), 0);
	close(fds[0]);
	assert_int_equal(write_noise(w, 1000, 1), -EPIPE);
	assert_int_equal(trc_writer_finish(w), -EPIPE);
	assert_non_null(strstr(trc_writer_error(w), "Broken pipe"));
	assert_int_equal(trc_writer_bytes(w), PREAMBLE_SIZE);
	trc_writer_free(w);
	close(fds[1]);
}

static void nothing(int sig)
{
}

/* interrupt every system call of this process that takes a while */
static void interrupt_all(void)
{
	struct sigaction act = { .sa_handler = nothing };
	struct itimerval often = { { 0, 500 }, { 0, 500 } };

	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
}

#define PIPE_HOPS 20000

/* A child writes into a narrow pipe, this process reads; both with what fcntl() flags, both interrupted. */
static void through_a_pipe(int flags)
{
	struct itimerval never = {};
	uint64_t seed = 4, sum = 0;
	struct trc_record rec;
	struct trc_reader *r;
	int fds[2], status, n = 0;
	pid_t child;

	assert_int_equal(pipe2(fds, flags), 0);
	fcntl(fds[1], F_SETPIPE_SZ, 4096);
	child = fork();
	if (!child) {
		struct trc_writer *w;

		close(fds[0]);
		interrupt_all();
		_exit(trc_writer_open(&w, fds[1]) || write_noise(w, PIPE_HOPS, seed) || trc_writer_finish(w));
	}
	close(fds[1]);
	usleep(20000);	/* the pipe is full now, and the child's write() interrupted without a byte written */
	interrupt_all();
	assert_int_equal(trc_reader_open_fd(&r, fds[0]), 0);
	for (; trc_reader_next(r, &rec) == 1; n++)
		sum += rec.hop.time_ns;
	setitimer(ITIMER_REAL, &never, NULL);
	assert_int_equal(n, PIPE_HOPS);
	assert_int_equal(trc_reader_health(r)->bytes_bad, 0);
	assert_in_range(trc_reader_health(r)->units, PIPE_HOPS / 100 + 1, PIPE_HOPS / 60);	/* and the index */
	assert_true(sum == noise_sum(PIPE_HOPS, seed));
	trc_reader_free(r);
	close(fds[0]);
	while (waitpid(child, &status, 0) < 0)
		;
	assert_int_equal(status, 0);
}

static void short_writes_and_interrupted_calls_lose_nothing(void **state)
{
	through_a_pipe(0);
}

static void descriptors_that_do_not_block_lose_nothing(void **state)
{
	through_a_pipe(O_NONBLOCK);
}

/* what comes out of a pipe is known while it is open */
static void a_reader_of_a_live_pipe_need_not_wait_for_more(void **state)
{
	struct trc_writer *w;
	struct trc_record rec;
	struct trc_reader *r;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(trc_writer_open(&w, fds[1]), 0);
	alarm(10);
	assert_int_equal(trc_reader_open_fd(&r, fds[0]), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(trc_write_hop(w, &(struct trc_hop){ .packet = 1 + i }), 0);
		assert_int_equal(trc_writer_flush(w), 0);
		assert_int_equal(trc_reader_next(r, &rec), 1);
		assert_int_equal(rec.hop.packet, 1 + i);
	}
	assert_int_equal(trc_writer_finish(w), 0);
	close(fds[1]);
	assert_int_equal(trc_reader_next(r, &rec), 0);
	alarm(0);
	trc_writer_free(w);
	trc_reader_free(r);
	close(fds[0]);
}

/* 256 KiB are read at a time: the signature of the next good unit is cut there in each way */
static void a_good_unit_is_found_wherever_the_reading_stops(void **state)
{
	struct tape t = tape_start();
	struct image img;

	tape_put(&t, &(struct trc_record){ .kind = TRC_FACT, .fact = { "key", "value" } });
	img = tape_end(&t);
	for (int split = 0; split <= 13; split++) {
		off_t at = (256 << 10) - split;
		struct trc_record rec;
		struct trc_reader *r;
		int fd = memfd_create("gap", MFD_CLOEXEC);

		assert_int_equal(pwrite(fd, img.data, PREAMBLE_SIZE, 0), PREAMBLE_SIZE);
		assert_int_equal(pwrite(fd, img.data + PREAMBLE_SIZE, img.size - PREAMBLE_SIZE, at),
				 img.size - PREAMBLE_SIZE);
		assert_int_equal(trc_reader_open_fd(&r, fd), 0);
		assert_int_equal(trc_reader_next(r, &rec), 1);
		assert_string_equal(rec.fact.value, "value");
		assert_int_equal(trc_reader_next(r, &rec), 0);
		assert_int_equal(trc_reader_health(r)->bytes_bad, at - PREAMBLE_SIZE);
		trc_reader_free(r);
		close(fd);
	}
	free(img.data);
}

static void zstd_understands_a_recording(void **state)
{
	char path[] = "/tmp/trace_faults.XXXXXX", command[128];
	struct trc_writer *w;
	int fd = mkstemp(path), test, list;

	assert_true(fd >= 0);
	assert_int_equal(trc_writer_open(&w, fd), 0);
	assert_int_equal(write_noise(w, 1000, 1), 0);
	assert_int_equal(trc_write(w, &(struct trc_record){ .kind = TRC_FACT, .fact = { "key", "value" } }), 0);
	assert_int_equal(trc_writer_finish(w), 0);
	trc_writer_free(w);
	close(fd);
	if (system("command -v zstd >/dev/null")) {
		unlink(path);
		skip();
	}
	snprintf(command, sizeof(command), "zstd -q -t %s", path);
	test = system(command);
	snprintf(command, sizeof(command), "zstd -q -l %s >/dev/null", path);
	list = system(command);
	unlink(path);
	assert_int_equal(test, 0);
	assert_int_equal(list, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_full_device_is_reported),
		cmocka_unit_test(a_full_file_ends_with_its_last_whole_unit),
		cmocka_unit_test(a_full_file_keeps_what_was_before_the_recording),
		cmocka_unit_test(a_reader_that_leaves_is_reported),
		cmocka_unit_test(short_writes_and_interrupted_calls_lose_nothing),
		cmocka_unit_test(descriptors_that_do_not_block_lose_nothing),
		cmocka_unit_test(a_reader_of_a_live_pipe_need_not_wait_for_more),
		cmocka_unit_test(a_good_unit_is_found_wherever_the_reading_stops),
		cmocka_unit_test(zstd_understands_a_recording),
	};

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	return cmocka_run_group_tests_name("trace: faults", tests, NULL, NULL);
}
