// SPDX-License-Identifier: GPL-2.0
/*
 * reader_fuzz.c - arbitrary bytes, and arbitrary units in sound frames, through the reader (libFuzzer; make fuzz).
 *
 * What the reader says of the whole must fit what it gave out.
 */
#include "make.h"

volatile uint64_t sink;	/* so that nothing of record_use() is left out */

static void file_read(const uint8_t *data, size_t size)
{
	const struct trc_health *h;
	struct trc_record rec;
	struct trc_reader *r;
	int ret;

	if (trc_reader_open_memory(&r, data, size)) {
		CHECK(*trc_reader_error(NULL));
		return;
	}
	while ((ret = trc_reader_next(r, &rec)) == 1)
		sink += record_use(&rec);
	h = trc_reader_health(r);
	CHECK(ret || (h->bytes == size && h->bytes_bad <= size));
	CHECK(ret >= 0 || *trc_reader_error(r));
	CHECK(ret || h->ended || *trc_reader_trouble(r));
	trc_reader_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buffer file = {};

	if (size)
		make_file(&file, data, size);
	if (file.size)
		file_read(file.data, file.size);
	buffer_free(&file);
	return 0;
}
