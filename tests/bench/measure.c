// SPDX-License-Identifier: GPL-2.0
/*
 * measure.c - clocks, medians, and the rows that are measured with.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench/bench.h"

void bench_die(const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	fputs("trc-bench: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	exit(2);
}

static double clock_s(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

double bench_cpu_s(void)
{
	return clock_s(CLOCK_THREAD_CPUTIME_ID);
}

double bench_wall_s(void)
{
	return clock_s(CLOCK_MONOTONIC);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

double bench_middle(double *all, size_t n)
{
	qsort(all, n, sizeof(all[0]), by_size);
	return all[n / 2];
}

double bench_median(double (*run)(void *arg), void *arg)
{
	double all[BENCH_RUNS];

	for (int i = 0; i < BENCH_RUNS; i++)
		all[i] = run(arg);
	return bench_middle(all, BENCH_RUNS);
}

void bench_rows_load(struct bench_rows *b, const char *path)
{
	struct trc_reader *r;
	struct trc_record rec;

	*b = (struct bench_rows){ .hops = malloc(BENCH_ROWS * sizeof(*b->hops)) };
	if (!b->hops)
		bench_die("out of memory");
	if (trc_reader_open(&r, path))
		bench_die("%s: %s", path, trc_reader_error(NULL));
	while (b->n < BENCH_ROWS && trc_reader_next(r, &rec) > 0)
		if (rec.kind == TRC_HOP)
			b->hops[b->n++] = rec.hop;
	trc_reader_free(r);
	if (!b->n)
		bench_die("%s: no hops to measure with", path);
}

void bench_rows_free(struct bench_rows *b)
{
	free(b->hops);
	free(b->recording);
}
