// SPDX-License-Identifier: GPL-2.0
/*
 * codec.c - rows a second, written and read, and what plain zstd makes of the same rows in the same run.
 *
 * Ours is the whole way through the library: sorting, columns, zstd, checksums, a write() for each unit; and back,
 * checksums, zstd, columns, checks, a call for each row.  Plain zstd has only to compress the rows as they lie in memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

#include "bench/bench.h"

#define PLAIN_ROWS 16384	/* as many as a unit has */

static double encode(void *arg)
{
	struct bench_rows *b = arg;
	int fd = memfd_create("bench", MFD_CLOEXEC);
	struct trc_writer *w;
	double start, took;
	int err = 0;

	if (fd < 0 || trc_writer_open(&w, fd))
		bench_die("cannot write to memory");
	start = bench_cpu_s();
	for (size_t i = 0; i < b->n && !err; i++)
		err = trc_write_hop(w, &b->hops[i]);
	if (err || trc_writer_finish(w))
		bench_die("%s", trc_writer_error(w));
	took = bench_cpu_s() - start;
	if (!b->recording) {
		b->size = trc_writer_bytes(w);
		b->recording = malloc(b->size);
		if (!b->recording || pread(fd, b->recording, b->size, 0) != (ssize_t)b->size)
			bench_die("cannot read back");
	}
	trc_writer_free(w);
	close(fd);
	return took;
}

static uint64_t wanted_columns = TRC_COLUMNS_ALL;
static enum trc_order wanted_order = TRC_ORDER_FILE;

static double decode(void *arg)
{
	struct bench_rows *b = arg;
	struct trc_reader *r;
	struct trc_record rec;
	uint64_t sum = 0;
	size_t n = 0;
	double start = bench_cpu_s(), took;

	if (trc_reader_open_memory(&r, b->recording, b->size))
		bench_die("%s", trc_reader_error(NULL));
	if (trc_reader_select(r, wanted_columns) || trc_reader_order(r, wanted_order))
		bench_die("%s", trc_reader_error(r));
	while (trc_reader_next(r, &rec) > 0) {
		sum += rec.hop.time_ns;
		n++;
	}
	took = bench_cpu_s() - start;
	if (n != b->n || !sum || *trc_reader_trouble(r) == 'c')
		bench_die("%zu of %zu rows came back", n, b->n);
	trc_reader_free(r);
	return took;
}

struct plain {
	const struct bench_rows *rows;
	uint8_t *packed;
	size_t *sizes;
	size_t total, chunk_bound;
};

static size_t chunk_rows(const struct bench_rows *b, size_t first)
{
	return b->n - first < PLAIN_ROWS ? b->n - first : PLAIN_ROWS;
}

static double plain_pack(void *arg)
{
	struct plain *p = arg;
	ZSTD_CCtx *z = ZSTD_createCCtx();
	double start = bench_cpu_s(), took;

	p->total = 0;
	for (size_t i = 0, k = 0; i < p->rows->n; i += PLAIN_ROWS, k++) {
		p->sizes[k] = ZSTD_compressCCtx(z, p->packed + k * p->chunk_bound, p->chunk_bound, &p->rows->hops[i],
						chunk_rows(p->rows, i) * sizeof(struct trc_hop), 1);
		if (ZSTD_isError(p->sizes[k]))
			bench_die("zstd: %s", ZSTD_getErrorName(p->sizes[k]));
		p->total += p->sizes[k];
	}
	took = bench_cpu_s() - start;
	ZSTD_freeCCtx(z);
	return took;
}

static double plain_unpack(void *arg)
{
	static struct trc_hop out[PLAIN_ROWS];
	struct plain *p = arg;
	ZSTD_DCtx *z = ZSTD_createDCtx();
	uint64_t sum = 0;
	double start = bench_cpu_s(), took;

	for (size_t i = 0, k = 0; i < p->rows->n; i += PLAIN_ROWS, k++) {
		size_t n = ZSTD_decompressDCtx(z, out, sizeof(out), p->packed + k * p->chunk_bound, p->sizes[k]);

		if (ZSTD_isError(n))
			bench_die("zstd: %s", ZSTD_getErrorName(n));
		for (size_t j = 0; j < n / sizeof(out[0]); j++)
			sum += out[j].time_ns;
	}
	took = bench_cpu_s() - start;
	ZSTD_freeDCtx(z);
	if (!sum)
		bench_die("plain rows came back empty");
	return took;
}

/* --- all of it, in turns, so that what disturbs a while disturbs all alike ------------------------------------------ */

enum { PACK, UNPACK, ENCODE, DECODE, DECODE_SORTED, DECODE_SOME, MEASURES };

static const struct {
	const char *name;
	int against;		/* what plain zstd does instead */
} measures[MEASURES] = {
	[ENCODE] = { "encode", PACK },
	[DECODE] = { "decode", UNPACK },
	[DECODE_SORTED] = { "decode in order of time", UNPACK },
	[DECODE_SOME] = { "decode time, packet, func", UNPACK },
	[PACK] = { "zstd -1 of raw rows", PACK },
	[UNPACK] = { "unzstd of raw rows", UNPACK },
};

static double measure(int what, struct bench_rows *b, struct plain *p)
{
	wanted_order = what == DECODE_SORTED ? TRC_ORDER_TIME : TRC_ORDER_FILE;
	wanted_columns = what == DECODE_SOME ? TRC_COLUMN_FUNC : TRC_COLUMNS_ALL;
	switch (what) {
	case PACK:
		return plain_pack(p);
	case UNPACK:
		return plain_unpack(p);
	case ENCODE:
		return encode(b);
	default:
		return decode(b);
	}
}

static void report(const struct bench_rows *b, const struct plain *p, const double s[MEASURES])
{
	static const int order[] = { ENCODE, DECODE, DECODE_SORTED, DECODE_SOME, PACK, UNPACK };

	printf("%-36s %9s %9s %11s\n", "", "M rows/s", "MB/s raw", "plain zstd");
	for (size_t i = 0; i < MEASURES; i++) {
		int m = order[i];
		double rows = b->n / s[m] / 1e6;

		printf("%-36s %9.1f %9.0f", measures[m].name, rows, rows * sizeof(struct trc_hop));
		if (measures[m].against != m)
			printf(" %9.2f x", s[measures[m].against] / s[m]);
		putchar('\n');
	}
	printf("%-36s %9.2f, plain zstd %.2f: %.2f x as small\n", "bytes a hop", (double)b->size / b->n,
	       (double)p->total / b->n, (double)p->total / b->size);
}

void bench_codec(struct bench_rows *b)
{
	size_t chunks = (b->n + PLAIN_ROWS - 1) / PLAIN_ROWS;
	struct plain p = { .rows = b, .chunk_bound = ZSTD_compressBound(PLAIN_ROWS * sizeof(struct trc_hop)) };
	double all[MEASURES][BENCH_RUNS], medians[MEASURES];

	p.packed = malloc(chunks * p.chunk_bound);
	p.sizes = calloc(chunks, sizeof(*p.sizes));
	if (!p.packed || !p.sizes)
		bench_die("out of memory");
	for (int run = 0; run < BENCH_RUNS; run++)
		for (int m = 0; m < MEASURES; m++)
			all[m][run] = measure(m, b, &p);
	for (int m = 0; m < MEASURES; m++)
		medians[m] = bench_middle(all[m], BENCH_RUNS);
	report(b, &p, medians);
	free(p.packed);
	free(p.sizes);
}
