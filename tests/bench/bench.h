/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bench.h - what the measurements share.
 *
 * A figure is the median of several runs; time is CPU time of the one thread that works, so a busy machine disturbs
 * little.  Nothing is ever judged: the figures are for people.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>

#include "pkttrace.h"

#define BENCH_RUNS 7
#define BENCH_ROWS 1000000	/* held in memory; more change nothing */

/* Hops of a recording in file order, and the recording that they make by themselves. */
struct bench_rows {
	struct trc_hop *hops;
	size_t n;
	uint8_t *recording;
	size_t size;
};

/* Ends the program with one line. */
__attribute__((noreturn, format(printf, 1, 2)))
void bench_die(const char *fmt, ...);

double bench_cpu_s(void);	/* CPU time of this thread so far */
double bench_wall_s(void);

double bench_middle(double *all, size_t n);	/* their median; sorts them */

/* Runs it BENCH_RUNS times and answers the median of what it returns. */
double bench_median(double (*run)(void *arg), void *arg);

void bench_rows_load(struct bench_rows *b, const char *path);
void bench_rows_free(struct bench_rows *b);

void bench_codec(struct bench_rows *b);			/* encoding, decoding, against plain zstd */
void bench_file(const char *path);			/* size, opening, seeking */
void bench_memory(const char *program, const char *path);
int bench_memory_child(const char *what, const char *path);

#endif
