// SPDX-License-Identifier: GPL-2.0
/*
 * main.c - trc-bench: what recordings cost in bytes, time and memory.  `make bench` runs it on a generated one.
 *
 *   trc-bench FILE
 */
#include <stdio.h>
#include <string.h>

#include "bench/bench.h"

int main(int argc, char **argv)
{
	struct bench_rows rows;

	if (argc == 4 && !strcmp(argv[1], "-m"))
		return bench_memory_child(argv[2], argv[3]);
	if (argc != 2)
		bench_die("usage: trc-bench FILE");
	setvbuf(stdout, NULL, _IOLBF, 0);
	bench_memory("/proc/self/exe", argv[1]);
	bench_file(argv[1]);
	bench_rows_load(&rows, argv[1]);
	printf("%zu rows of %zu bytes, one core, medians of %d runs:\n", rows.n, sizeof(struct trc_hop), BENCH_RUNS);
	bench_codec(&rows);
	bench_rows_free(&rows);
	return 0;
}
