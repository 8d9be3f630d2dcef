// SPDX-License-Identifier: GPL-2.0
/*
 * file.c - a big file: what it takes to open it and to go to a time in it, and how much memory reading it needs.
 *
 * Times here are of the clock on the wall, with the file in the page cache.  Memory is the peak of a process of its own.
 */
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "bench/bench.h"

extern char **environ;

static struct trc_reader *open_or_die(const char *path)
{
	struct trc_reader *r;

	if (trc_reader_open(&r, path))
		bench_die("%s: %s", path, trc_reader_error(NULL));
	return r;
}

/* to the first record */
static double open_s(void *arg)
{
	struct trc_record rec;
	double start = bench_wall_s();
	struct trc_reader *r = open_or_die(arg);
	int got = trc_reader_next(r, &rec);
	double took = bench_wall_s() - start;

	trc_reader_free(r);
	if (got <= 0)
		bench_die("%s: no records", (const char *)arg);
	return took;
}

/* to what is in it: with an index that is all, without one every header is read */
static double survey_s(void *arg)
{
	double start = bench_wall_s();
	struct trc_reader *r = open_or_die(arg);
	struct trc_survey found;
	int err = trc_reader_survey(r, TRC_SURVEY_INDEX, &found);
	double took = bench_wall_s() - start;

	if (err || !found.hops)
		bench_die("%s: %s", (const char *)arg, err ? trc_reader_error(r) : "nothing found");
	trc_reader_free(r);
	return took;
}

struct seek {
	const char *path;
	uint64_t first_ns, span_ns;
	unsigned int step;
};

/* From opening to the first hop of a time anywhere in the file. */
static double seek_s(void *arg)
{
	struct seek *s = arg;
	uint64_t to_ns = s->first_ns + s->span_ns / 100 * (7 + s->step++ * 31 % 90);
	double start = bench_wall_s(), took;
	struct trc_reader *r = open_or_die(s->path);
	struct trc_record rec;
	int got;

	if (trc_reader_seek_time(r, to_ns))
		bench_die("%s: %s", s->path, trc_reader_error(r));
	while ((got = trc_reader_next(r, &rec)) > 0 && rec.kind != TRC_HOP)
		;
	took = bench_wall_s() - start;
	if (got <= 0 || rec.hop.time_ns < to_ns)
		bench_die("%s: the seek went elsewhere", s->path);
	trc_reader_free(r);
	return took;
}

static void survey_and_seek(const char *path)
{
	struct trc_reader *r = open_or_die(path);
	struct seek s = { .path = path };
	struct trc_survey found;

	if (trc_reader_survey(r, TRC_SURVEY_INDEX, &found))
		bench_die("%s: %s", path, trc_reader_error(r));
	printf("%-36s %9.2f ms, %s\n", "open, what is in it", 1e3 * bench_median(survey_s, (void *)path),
	       found.indexed ? "from its index" : "without an index");
	s.first_ns = found.time_first;
	s.span_ns = found.time_last - found.time_first;
	trc_reader_free(r);
	printf("%-36s %9.2f ms\n", "open, seek, first hop", 1e3 * bench_median(seek_s, &s));
}

static void read_all(struct trc_reader *r, uint64_t *hops)
{
	struct trc_record rec;
	int got;

	*hops = 0;
	while ((got = trc_reader_next(r, &rec)) > 0)
		*hops += rec.kind == TRC_HOP;
	if (got < 0)
		bench_die("%s", trc_reader_error(r));
}

void bench_file(const char *path)
{
	struct trc_reader *r = open_or_die(path);
	double start = bench_wall_s(), took;
	struct stat st;
	uint64_t hops;

	read_all(r, &hops);
	took = bench_wall_s() - start;
	if (*trc_reader_trouble(r))
		bench_die("%s %s", path, trc_reader_trouble(r));
	trc_reader_free(r);
	if (!hops || stat(path, &st))
		bench_die("%s: no hops to measure with", path);
	printf("%-36s %.1f MB, %.1f M hops: %.2f bytes a hop, with names and stacks\n", "file", st.st_size / 1e6, hops / 1e6,
	       (double)st.st_size / hops);
	printf("%-36s %9.2f s, once\n", "read whole", took);
	printf("%-36s %9.2f ms\n", "open, first record", 1e3 * bench_median(open_s, (void *)path));
	survey_and_seek(path);
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

static const char *const children[] = { "nothing", "read", "read in order of time", "seek" };

int bench_memory_child(const char *what, const char *path)
{
	struct trc_reader *r;
	uint64_t hops;

	if (!strcmp(what, "nothing"))
		return 0;
	r = open_or_die(path);
	if (!strcmp(what, "seek") && trc_reader_seek_time(r, UINT64_MAX))
		bench_die("%s: %s", path, trc_reader_error(r));
	if (strstr(what, "time") && trc_reader_order(r, TRC_ORDER_TIME))
		bench_die("%s: %s", path, trc_reader_error(r));
	read_all(r, &hops);
	if (*trc_reader_trouble(r) || (!hops && strcmp(what, "seek")))
		bench_die("%s: %s", path, hops ? trc_reader_trouble(r) : "no hops");
	trc_reader_free(r);
	return 0;
}

/* Called while this process is small: the peak of a child begins with what its parent had. */
void bench_memory(const char *program, const char *path)
{
	for (size_t i = 0; i < sizeof(children) / sizeof(children[0]); i++) {
		char *argv[] = { "trc-bench", "-m", (char *)children[i], (char *)path, NULL };
		struct rusage used;
		char label[64];
		int status;
		pid_t pid;

		if (posix_spawn(&pid, program, NULL, NULL, argv, environ) || wait4(pid, &status, 0, &used) != pid || status)
			bench_die("%s -m %s failed", program, children[i]);
		snprintf(label, sizeof(label), "peak memory, %s", children[i]);
		printf("%-36s %9.1f MB\n", label, used.ru_maxrss / 1024.0);
	}
}
