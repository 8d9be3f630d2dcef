// SPDX-License-Identifier: GPL-2.0
/*
 * rows_fuzz.c - arbitrary rows of each kind but hops through their decoder, and what came out back and forth again
 * (libFuzzer; make fuzz).
 *
 *     input := kind (1 byte; the newest are 0xf0 and up) rows (2 bytes, little-endian) a unit's unpacked bytes
 *
 * What the decoder gave out must survive the encoder: the same again.
 */
#include "make.h"
#include "same.h"

#define ROWS_MAX 256

/* All records of a file, copied: their number. */
static uint32_t file_read(const struct buffer *file, struct kept *kept)
{
	struct trc_record rec;
	struct trc_reader *r;
	uint32_t n = 0;
	int ret;

	CHECK(!trc_reader_open_memory(&r, file->data, file->size));
	while ((ret = trc_reader_next(r, &rec)) == 1) {
		record_use(&rec);
		CHECK(n < ROWS_MAX);
		kept_put(&kept[n++], &rec);
	}
	CHECK(!ret);
	trc_reader_free(r);
	return n;
}

static void file_again(struct buffer *file, enum trc_kind kind, const struct kept *kept, uint32_t n)
{
	struct unit u = { .rows = n, .time_last = UINT64_MAX };
	struct buffer raw = {};

	for (uint32_t i = 0; i < n; i++)
		CHECK(!row_encode(&raw, &kept[i].rec));
	memcpy(u.type, unit_type(kind), 4);
	make_preamble(file);
	make_unit(file, u, raw.data, raw.size);
	buffer_free(&raw);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct kept first[ROWS_MAX], second[ROWS_MAX];
	static struct buffer file;
	struct unit u = { .time_last = UINT64_MAX };
	enum trc_kind kind;
	uint32_t n;

	if (size < 3)
		return 0;
	kind = data[0] < 0xf0 ? TRC_FACT + data[0] % TRC_END : TRC_FRAMES + (data[0] & 3);
	if (kind == TRC_HOP)
		return 0;
	memcpy(u.type, unit_type(kind), 4);
	u.rows = (data[1] | data[2] << 8) % (ROWS_MAX + 1);
	make_preamble(&file);
	make_unit(&file, u, data + 3, size - 3);
	n = file_read(&file, first);
	CHECK(!n || n == u.rows);
	if (!n)
		return 0;
	file_again(&file, kind, first, n);
	CHECK(file_read(&file, second) == n);
	for (uint32_t i = 0; i < n; i++) {
		CHECK(record_same(&first[i].rec, &second[i].rec));
		kept_free(&first[i]);
		kept_free(&second[i]);
	}
	return 0;
}
