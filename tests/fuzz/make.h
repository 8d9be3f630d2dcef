/* SPDX-License-Identifier: GPL-2.0 */
/*
 * make.h - recordings made of a fuzzer's bytes.
 *
 * What a mutation cannot hit (compression, sequence numbers, checksums) is put around each unit here, so that what
 * stands behind the checksums is reached.
 */
#ifndef FUZZ_MAKE_H
#define FUZZ_MAKE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

#include "pkttrace.h"
#include "unit.h"

#define CHECK(holds) ((holds) ? (void)0 : abort())	/* a promise; a breach is a finding */

static inline void make_preamble(struct buffer *out)
{
	const struct preamble preamble = { .version = FORMAT_VERSION, .recording = "fuzz" };

	out->size = 0;
	CHECK(!buffer_reserve(out, PREAMBLE_SIZE));
	preamble_put(out->data, &preamble);
	out->size = PREAMBLE_SIZE;
}

/* A sound header and frame around raw.  u has type, rows, sequence and times. */
static inline void make_unit(struct buffer *out, struct unit u, const uint8_t *raw, size_t length)
{
	static ZSTD_CCtx *zstd;
	size_t bound = ZSTD_compressBound(length);
	uint8_t *frame;

	if (!zstd)
		zstd = ZSTD_createCCtx();
	CHECK(zstd && !buffer_reserve(out, HEADER_SIZE + bound));
	frame = out->data + out->size + HEADER_SIZE;
	u.version = UNIT_VERSION;
	u.tag = recording_tag((const uint8_t[16]){ "fuzz" });
	u.raw_size = length;
	u.stored_size = ZSTD_compressCCtx(zstd, frame, bound, raw, length, 1);
	u.crc_stored = trc_crc32c(0, frame, u.stored_size);
	unit_put(out->data + out->size, &u);
	out->size += HEADER_SIZE + u.stored_size;
}

/*
 * The next unit of the input, 0 when there is none:
 *
 *     unit := type (a kind, or four letters after 0) rows (2 bytes, little-endian) length (2 bytes) bytes[length]
 */
static inline int make_next(struct cursor *in, uint32_t sequence, struct buffer *out)
{
	struct unit u = { .sequence = sequence, .time_last = UINT64_MAX };
	const uint8_t *p = cursor_take(in, 1);
	size_t length;

	if (!p)
		return 0;
	memcpy(u.type, unit_type(TRC_HOP), 4);
	if (*p >= TRC_FACT && *p <= KIND_LAST)
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
	make_unit(out, u, cursor_take(in, length), length);
	return 1;
}

/*
 * The first byte of an input says how to take the rest.  'F': it is the file as it stands.  Anything else: it is a
 * sequence of units.
 */
static inline void make_file(struct buffer *out, const uint8_t *data, size_t size)
{
	struct cursor in = { .at = (uint8_t *)data, .end = (uint8_t *)data + size };
	uint32_t sequence = 0;
	const uint8_t *first = cursor_take(&in, 1);

	make_preamble(out);
	if (first && *first == 'F') {
		out->size = 0;
		CHECK(!buffer_reserve(out, cursor_left(&in) + 1));
		out->size = cursor_left(&in);
		memcpy(out->data, in.at, out->size);
		return;
	}
	while (make_next(&in, sequence, out))
		sequence++;
}

/* A file of nothing, the same one each time. */
static inline int make_empty_fd(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("fuzz.trc", 0);
	CHECK(fd >= 0 && !ftruncate(fd, 0) && !lseek(fd, 0, SEEK_SET));
	return fd;
}

/* every byte is there */
static inline uint64_t list_use(const void *list, size_t size)
{
	const uint8_t *p = list;
	uint64_t sum = 0;

	while (size--)
		sum += *p++;
	return sum;
}

/* What the reader promises of every record. */
static inline uint64_t record_use(const struct trc_record *rec)
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
		return sum + strlen(rec->proc.name) + strlen(rec->proc.command);
	case TRC_STACK:
		CHECK(rec->stack.packet && rec->stack.count <= TRC_STACK_MAX);
		return sum + list_use(rec->stack.frames, rec->stack.count * sizeof(uint32_t));
	case TRC_FRAMES:
		CHECK(rec->frames.id && rec->frames.count <= TRC_STACK_MAX);
		return sum + list_use(rec->frames.frames, rec->frames.count * sizeof(uint32_t));
	case TRC_EDGE:
		CHECK(rec->edge.child && rec->edge.parent && rec->edge.child != rec->edge.parent);
		return sum + rec->edge.time_ns;
	case TRC_DATA:
		CHECK(rec->data.packet && (rec->data.layer == 2 || rec->data.layer == 3));
		CHECK(rec->data.size <= rec->data.len_bytes && rec->data.size <= TRC_STRING_MAX);
		return sum + list_use(rec->data.bytes, rec->data.size);
	case TRC_SNAPSHOT:
		CHECK(rec->snapshot.end <= 1 && rec->snapshot.last <= 1);
		return sum + strlen(rec->snapshot.what) + strlen(rec->snapshot.source) + strlen(rec->snapshot.note) +
		       strlen(rec->snapshot.text);
	case TRC_HOP:
		CHECK(rec->hop.packet && rec->hop.kind <= TRC_DROP && rec->hop.context <= TRC_CONTEXT_UNKNOWN);
		return sum + rec->hop.seq;
	case TRC_LOSS:
		return sum + rec->loss.lost;
	case TRC_END:
		return sum + strlen(rec->end.reason);
	}
	abort();
}

#endif
