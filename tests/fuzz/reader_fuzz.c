// SPDX-License-Identifier: GPL-2.0
/*
 * reader_fuzz.c - arbitrary bytes through the reader (libFuzzer; make fuzz).
 *
 * An input's first byte says how to take the rest.  'F': it is the file as it stands.  Anything else: it is a
 * sequence of units, and what a mutation cannot hit (compression, sequence numbers, checksums) is put around each
 * here, so that the decoders behind the checksums are reached:
 *
 *     unit := type (a kind, or four letters after 0) rows (2 bytes, little-endian) length (2 bytes) bytes[length]
 */
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "pkttrace.h"
#include "unit.h"

static const struct preamble preamble = { .version = FORMAT_VERSION, .recording = "fuzz" };

/* the reader's promises; a breach is a finding */
static uint64_t record_use(const struct trc_record *rec)
{
	uint64_t sum = rec->kind;

	switch (rec->kind) {
	case TRC_FACT:
		return sum + strlen(rec->fact.key) + strlen(rec->fact.value);
	case TRC_ENUM:
		return sum + strlen(rec->enumeration.type) + strlen(rec->enumeration.name);
	case TRC_FUNC:
		return sum + strlen(rec->func.name) + strlen(rec->func.module) + strlen(rec->func.why);
	case TRC_NETNS:
		return sum + strlen(rec->netns.name);
	case TRC_LINK:
		return sum + strlen(rec->link.name) + strlen(rec->link.kind) + strlen(rec->link.address);
	case TRC_PROC:
		return sum + strlen(rec->proc.name);
	case TRC_STACK:
		if (!rec->stack.packet || rec->stack.count > TRC_STACK_MAX)
			abort();
		for (uint32_t i = 0; i < rec->stack.count; i++)
			sum += rec->stack.frames[i];
		return sum;
	case TRC_HOP:
		if (!rec->hop.packet || rec->hop.kind > TRC_DROP || rec->hop.context > TRC_CONTEXT_UNKNOWN)
			abort();
		return sum + rec->hop.seq;
	case TRC_LOSS:
		return sum + rec->loss.lost;
	case TRC_END:
		return sum + strlen(rec->end.reason);
	}
	abort();
}

volatile uint64_t sink;	/* so that nothing of record_use() is left out */

static void file_read(const uint8_t *data, size_t size)
{
	const struct trc_health *h;
	struct trc_record rec;
	struct trc_reader *r;
	int ret;

	if (trc_reader_open_memory(&r, data, size)) {
		if (!strlen(trc_reader_error(NULL)))
			abort();
		return;
	}
	while ((ret = trc_reader_next(r, &rec)) == 1)
		sink += record_use(&rec);
	h = trc_reader_health(r);
	if (ret == 0 && (h->bytes != size || h->bytes_bad > size))
		abort();
	if (ret < 0 ? !strlen(trc_reader_error(r)) : !h->ended && !strlen(trc_reader_trouble(r)))
		abort();
	trc_reader_free(r);
}

/* one unit from the input, 0 when there is none */
static int unit_make(struct cursor *in, uint32_t sequence, struct buffer *out)
{
	struct unit u = { .version = UNIT_VERSION, .sequence = sequence, .time_last = UINT64_MAX };
	const uint8_t *p = cursor_take(in, 1), *raw;
	size_t length, bound;

	u.tag = recording_tag(preamble.recording);
	if (!p)
		return 0;
	memcpy(u.type, unit_type(TRC_HOP), 4);
	if (*p >= TRC_FACT && *p <= TRC_END)
		memcpy(u.type, unit_type(*p), 4);
	else if (*p == 0 && (p = cursor_take(in, 4)))
		memcpy(u.type, p, 4);
	p = cursor_take(in, 4);
	if (!p)
		return 0;
	u.rows = p[0] | p[1] << 8;
	length = p[2] | p[3] << 8;
	if (length > cursor_left(in))
		length = cursor_left(in);
	raw = cursor_take(in, length);
	bound = ZSTD_compressBound(length);
	if (buffer_reserve(out, HEADER_SIZE + bound))
		return 0;
	u.raw_size = length;
	u.stored_size = ZSTD_compress(out->data + out->size + HEADER_SIZE, bound, raw, length, 1);
	u.crc_stored = trc_crc32c(0, out->data + out->size + HEADER_SIZE, u.stored_size);
	unit_put(out->data + out->size, &u);
	out->size += HEADER_SIZE + u.stored_size;
	return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buffer file = {};
	struct cursor in = { .at = (uint8_t *)data, .end = (uint8_t *)data + size };
	uint32_t sequence = 0;

	if (!size)
		return 0;
	if (*cursor_take(&in, 1) == 'F') {
		file_read(in.at, cursor_left(&in));
		return 0;
	}
	if (buffer_reserve(&file, PREAMBLE_SIZE))
		return 0;
	preamble_put(file.data, &preamble);
	file.size = PREAMBLE_SIZE;
	while (unit_make(&in, sequence, &file))
		sequence++;
	file_read(file.data, file.size);
	buffer_free(&file);
	return 0;
}
