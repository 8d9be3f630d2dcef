// SPDX-License-Identifier: GPL-2.0
/*
 * roundtrip_fuzz.c - records made of arbitrary bytes, written and read: the same, in the order that is promised
 * (libFuzzer; make fuzz).
 *
 * Between two flushes, the writer's own included, kinds come in the order that FORMAT.md says, and hops by CPU.
 */
#include "make.h"
#include "random.h"
#include "same.h"

#define RECORDS_MAX (RANDOM_HOPS_MAX + 8192)

/* What was written, in the order in which it is to be read. */
struct expected {
	struct kept records[RECORDS_MAX];
	uint32_t order[RECORDS_MAX];
	uint32_t n, sorted;		/* records, and of them in order */
	uint32_t hops;			/* since the last flush */
};

static struct expected expected;

static const uint8_t kind_rank[KIND_LAST + 1] = {
	[TRC_FACT] = 1, [TRC_ENUM] = 2, [TRC_FUNC] = 3, [TRC_NETNS] = 4, [TRC_LINK] = 5, [TRC_PROC] = 6, [TRC_SNAPSHOT] = 7,
	[TRC_STACK] = 8, [TRC_FRAMES] = 9, [TRC_EDGE] = 10, [TRC_DATA] = 11, [TRC_HOP] = 12, [TRC_LOSS] = 13, [TRC_END] = 14,
};

static uint64_t rank(uint32_t i)
{
	const struct trc_record *rec = &expected.records[i].rec;

	return (uint64_t)kind_rank[rec->kind] << 48 | (rec->kind == TRC_HOP ? (uint64_t)rec->hop.cpu << 32 : 0) | i;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = rank(*(const uint32_t *)a), y = rank(*(const uint32_t *)b);

	return (x > y) - (x < y);
}

static void flushed(void *arg)
{
	qsort(expected.order + expected.sorted, expected.n - expected.sorted, sizeof(expected.order[0]), compare);
	expected.sorted = expected.n;
	expected.hops = 0;
}

static void written(void *arg, const struct trc_record *rec)
{
	CHECK(expected.n < RECORDS_MAX);
	kept_put(&expected.records[expected.n], rec);
	expected.order[expected.n] = expected.n;
	expected.n++;
	if (rec->kind == TRC_HOP && ++expected.hops == UNIT_HOPS_MAX)
		flushed(NULL);
}

static void read_all(int fd)
{
	struct trc_record rec;
	struct trc_reader *r;
	uint32_t n = 0;
	int ret;

	CHECK(!lseek(fd, 0, SEEK_SET) && !trc_reader_open_fd(&r, fd));
	while ((ret = trc_reader_next(r, &rec)) == 1) {
		CHECK(n < expected.n);
		CHECK(record_same(&rec, &expected.records[expected.order[n]].rec));
		n++;
	}
	CHECK(!ret && n == expected.n);
	CHECK(!trc_reader_health(r)->damaged && !trc_reader_health(r)->bytes_bad && !trc_reader_health(r)->out_of_order);
	trc_reader_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct random_told told = { written, flushed, NULL };
	struct trc_writer *w;
	int fd = make_empty_fd();

	size = size > 8192 ? 8192 : size;	/* each record takes a byte at least */
	expected.n = expected.sorted = expected.hops = 0;
	CHECK(!trc_writer_open(&w, fd));
	random_write(w, data, size, &told);
	flushed(NULL);
	trc_writer_free(w);
	read_all(fd);
	while (expected.n)
		kept_free(&expected.records[--expected.n]);
	return 0;
}
