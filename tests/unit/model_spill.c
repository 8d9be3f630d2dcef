// SPDX-License-Identifier: GPL-2.0
/*
 * model_spill.c - a recording that memory does not hold: the same answers from a temporary file, in bounded memory, and no
 * other end than a sentence when the disk is full or breaks.
 */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "latency.h"
#include "memory.h"
#include "model_support.h"
#include "spill.h"

static const struct spill_limits all_in_file = { .held = 0, .least = 4096, .resident = 1 << 16 };
static struct spill_limits usual;

/* The temporary file, -1: there is none. */
static int file_find(void)
{
	char name[64], to[256];
	ssize_t n;

	for (int fd = 3; fd < 64; fd++) {
		snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
		n = readlink(name, to, sizeof(to) - 1);
		if (n < 0)
			continue;
		to[n] = 0;
		if (strstr(to, "(deleted)") && !strstr(to, "memfd"))
			return fd;
	}
	return -1;
}

static size_t mappings_of_file(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	char line[512];
	size_t n = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		n += strstr(line, "(deleted)") && !strstr(line, "memfd");
	fclose(f);
	return n;
}

static uint64_t mix_in(uint64_t sum, uint64_t n)
{
	return (sum ^ n) * 0x100000001b3;
}

/* Of all that the model and its latency say. */
static uint64_t sum_of(const struct model *m)
{
	uint64_t sum = m->nhops;
	struct latency *l;

	for (size_t i = 0; i < m->npackets; i++) {
		const struct packet *p = &m->packets[i];

		sum = mix_in(mix_in(mix_in(mix_in(sum, p->id), p->fate), p->journey), p->nkin);
		for (uint32_t k = 0; k < p->nhops; k++)
			sum = mix_in(mix_in(sum, packet_hop(m, p, k)->time_ns), packet_hop(m, p, k)->func);
	}
	for (size_t i = 0; i < m->nedges; i++)
		sum = mix_in(mix_in(sum, m->edges[i].child), m->edges[i].parent);
	for (size_t i = 0; i < m->ndatas; i++)
		sum = mix_in(mix_in(sum, m->datas[i].packet), m->datas[i].size ? m->datas[i].bytes[0] : 0);
	assert_int_equal(latency_build(&l, m), 0);
	for (size_t i = 0; i < l->nedges; i++)
		sum = mix_in(mix_in(sum, l->edges[i].spread.p90_ns), l->edges[i].spread.total_ns);
	latency_free(l);
	return sum;
}

static uint64_t load_sum(const char *path)
{
	struct model *m;
	char error[512] = "";
	uint64_t sum;

	if (model_load(&m, path, error, sizeof(error)))
		fail_msg("%s", error);
	sum = sum_of(m);
	model_free(m);
	return sum;
}

static void what_is_in_the_file_is_the_same(void **state)
{
	static const char *const files[] = { "samples/tcp.trc", "samples/router.trc", "tests/cases/show-tracepoints/tp.trc" };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		uint64_t sum = load_sum(files[i]);

		spill_limits = all_in_file;
		assert_true(load_sum(files[i]) == sum);
		spill_limits = usual;
	}
	assert_true(file_find() >= 0);
	assert_int_equal(mappings_of_file(), 0);
}

static void the_file_has_no_name_and_is_nobody_elses(void **state)
{
	struct stat st;

	assert_int_equal(fstat(file_find(), &st), 0);
	assert_int_equal(st.st_nlink, 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_true(st.st_size > 0);
	assert_int_equal(st.st_blocks, 0);	/* all was given back */
}

static void arrays_keep_what_they_had(void **state)
{
	uint32_t *v = NULL;
	size_t room = 0;

	spill_limits = (struct spill_limits){ .held = 64 << 10, .least = 1024, .resident = 8192 };	/* small, plain, in the file */
	for (uint32_t i = 0; i < 100000; i++) {
		assert_int_equal(spill_grow((void **)&v, i, &room, sizeof(*v)), 0);
		v[i] = i * 3;
		spill_look(4);
	}
	for (uint32_t i = 0; i < 100000; i++)
		assert_int_equal(v[i], i * 3);
	spill_free(v);
	v = spill_array(50000, sizeof(*v));
	for (uint32_t i = 0; i < 50000; i++)
		assert_int_equal(v[i], 0);
	spill_free(v);
	assert_null(spill_array(SIZE_MAX / 2, 4));
	assert_null(spill_alloc(SIZE_MAX - 3));
	spill_limits = usual;
}

/* Four hops a packet; with such, memory is not of the hops alone. */
static void many_packets(struct tape *t, uint64_t packets)
{
	tape_open(t);
	tape_names(t);
	for (uint64_t i = 1; i <= packets; i++)
		PATH(t, i, "ip_rcv", "ip_local_deliver", "udp_rcv", "consume_skb");
	assert_int_equal(trc_writer_finish(t->w), 0);
	trc_writer_free(t->w);
	t->w = NULL;
}

/* KiB that a process of its own takes to load it, beside what it had. */
static long peak_of_load(const char *path, struct spill_limits limits)
{
	struct rusage before, after;
	int fds[2], status;
	long kib = -1;

	assert_int_equal(pipe(fds), 0);
	if (!fork()) {
		getrusage(RUSAGE_SELF, &before);
		spill_limits = limits;
		load_sum(path);
		getrusage(RUSAGE_SELF, &after);
		kib = after.ru_maxrss - before.ru_maxrss;
		_exit(write(fds[1], &kib, sizeof(kib)) != sizeof(kib));
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &kib, sizeof(kib)), sizeof(kib));
	close(fds[0]);
	wait(&status);
	assert_int_equal(status, 0);
	return kib;
}

static void memory_does_not_grow_with_the_recording(void **state)
{
	const struct spill_limits little = { .held = 8 << 20, .least = 64 << 10, .resident = 4 << 20 };
	struct tape t;
	long plain, bounded, twice;

	if (SANITIZED)
		skip();		/* its memory is another's */
	many_packets(&t, 150000);
	plain = peak_of_load(t.path, usual);
	bounded = peak_of_load(t.path, little);
	tape_close(&t, NULL);
	many_packets(&t, 300000);
	twice = peak_of_load(t.path, little);
	tape_close(&t, NULL);
	if (getenv("MEMORY_FIGURES"))
		print_message("%ld KiB in memory, %ld with a file, %ld of twice as much\n", plain, bounded, twice);
	assert_true(plain > 48 << 10);
	assert_true(bounded < plain / 2);
	assert_true(twice < bounded / 4 * 7);
}

/* --- trouble ------------------------------------------------------------------------------------------------------- */

static void a_full_disk_is_said_in_a_sentence(void **state)
{
	struct rlimit limit, less;
	struct model *m = (struct model *)-1;
	char error[512];
	int err = -1, failed = 0;
	struct stat st;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	spill_limits = all_in_file;
	while (err) {
		assert_int_equal(fstat(file_find(), &st), 0);	/* room that was given back is not used again */
		less = (struct rlimit){ st.st_size + failed * 65536, limit.rlim_max };
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &less), 0);
		*error = 0;
		err = model_load(&m, "samples/tcp.trc", error, sizeof(error));
		setrlimit(RLIMIT_FSIZE, &limit);
		if (!err)
			break;
		failed++;
		assert_null(m);
		assert_non_null(strstr(error, "what memory does not hold goes to a temporary file in /"));
		assert_non_null(strstr(error, ": File too large (TMPDIR names another folder)"));
		assert_null(strchr(error, '\n'));
		assert_true(failed < 1000);
	}
	spill_limits = usual;
	model_free(m);
	assert_true(failed > 5);
	assert_int_equal(mappings_of_file(), 0);
}

static void on_loss(void)
{
	fputs("cleaned up; ", stderr);
}

/* What a process says that is over when its temporary file is cut under it. */
static void a_file_that_breaks_ends_the_program_with_a_sentence(void **state)
{
	char said[256] = "";
	int fds[2], status;
	struct model *m;
	ssize_t n;

	assert_int_equal(pipe(fds), 0);
	if (!fork()) {
		dup2(fds[1], STDERR_FILENO);
		setvbuf(stderr, NULL, _IONBF, 0);
		spill_limits = all_in_file;
		spill_on_loss(on_loss);
		if (model_load(&m, "samples/tcp.trc", said, sizeof(said)) || ftruncate(file_find(), 0))
			_exit(7);
		sum_of(m);
		_exit(8);	/* a wrong answer */
	}
	close(fds[1]);
	n = read(fds[0], said, sizeof(said) - 1);
	for (ssize_t more; n > 0 && (more = read(fds[0], said + n, sizeof(said) - 1 - n)) > 0; )
		n += more;
	close(fds[0]);
	wait(&status);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 2);
	assert_non_null(strstr(said, "cleaned up; "));
	assert_non_null(strstr(said, "model_spill: the temporary file cannot be read any more\n"));
}

static int folder_taken(const char *sqlite, const char *tmp)
{
	char name[64], to[256] = "";
	int status;

	if (!fork()) {
		sqlite ? setenv("SQLITE_TMPDIR", sqlite, 1) : unsetenv("SQLITE_TMPDIR");
		tmp ? setenv("TMPDIR", tmp, 1) : unsetenv("TMPDIR");
		spill_limits = all_in_file;
		spill_alloc(10000);
		snprintf(name, sizeof(name), "/proc/self/fd/%d", file_find());
		if (readlink(name, to, sizeof(to) - 1) < 0)
			_exit(9);
		_exit(!strncmp(to, "/dev/shm/", 9) ? 1 : !strncmp(to, "/tmp/", 5) ? 2 : !strncmp(to, "/var/tmp/", 9) ? 3 : 4);
	}
	wait(&status);
	return WEXITSTATUS(status);
}

static void the_folder_is_the_one_that_sqlite_takes(void **state)
{
	assert_int_equal(folder_taken(NULL, NULL), 3);
	assert_int_equal(folder_taken(NULL, "/tmp"), 2);
	assert_int_equal(folder_taken("/dev/shm", "/tmp"), 1);
	assert_int_equal(folder_taken("/nowhere", "/tmp"), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* in processes of their own, which have no file yet */
		cmocka_unit_test(the_folder_is_the_one_that_sqlite_takes),
		cmocka_unit_test(a_file_that_breaks_ends_the_program_with_a_sentence),
		cmocka_unit_test(memory_does_not_grow_with_the_recording),
		cmocka_unit_test(what_is_in_the_file_is_the_same),
		cmocka_unit_test(the_file_has_no_name_and_is_nobody_elses),
		cmocka_unit_test(arrays_keep_what_they_had),
		cmocka_unit_test(a_full_disk_is_said_in_a_sentence),
	};

	usual = spill_limits;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
