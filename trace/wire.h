/* SPDX-License-Identifier: GPL-2.0 */
/*
 * wire.h - the smallest pieces of the format: bounded reading, growing buffers, varints, CRC32C.
 *
 * Internal to trace/.  Everything taken from an unpacked unit passes through cursor_take(), the one bounds check.
 */
#ifndef TRC_WIRE_H
#define TRC_WIRE_H

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define VARINT_MAX 10	/* bytes of a 64-bit varint */
#define VARINT_SLACK 8	/* bytes behind a buffer that the fast ways below may touch */

/* What is left to read of an unpacked unit. */
struct cursor {
	uint8_t *at;
	uint8_t *end;
};

/* n bytes, or NULL when there are not so many */
static inline uint8_t *cursor_take(struct cursor *c, uint64_t n)
{
	uint8_t *p = c->at;

	if (n > (uint64_t)(c->end - c->at))
		return NULL;
	c->at += n;
	return p;
}

static inline size_t cursor_left(const struct cursor *c)
{
	return c->end - c->at;
}

/* false: the bytes end within the number, or it has more than 64 bits */
static inline bool cursor_varint(struct cursor *c, uint64_t *value)
{
	uint64_t v = 0;

	for (unsigned int shift = 0; shift < 64; shift += 7) {
		const uint8_t *p = cursor_take(c, 1);

		if (!p || (shift == 63 && *p > 1))
			return false;
		v |= (uint64_t)(*p & 0x7f) << shift;
		if (!(*p & 0x80)) {
			*value = v;
			return true;
		}
	}
	return false;
}

/* false also when the number is greater than max */
static inline bool cursor_varint_upto(struct cursor *c, uint64_t *value, uint64_t max)
{
	return cursor_varint(c, value) && *value <= max;
}

static inline uint8_t *varint_put(uint8_t *p, uint64_t v)
{
	while (v >= 0x80) {
		*p++ = v | 0x80;
		v >>= 7;
	}
	*p++ = v;
	return p;
}

/*
 * The fast ways do without a branch for each byte: lengths vary from row to row, and a wrong guess costs more than
 * all of this.
 */
/* as varint_put(), but up to VARINT_SLACK bytes behind the number are overwritten */
static inline uint8_t *varint_put_fast(uint8_t *p, uint64_t v)
{
	static const uint32_t follows[4] = { 0, 0x80, 0x8080, 0x808080 };	/* by bytes after the first */
	unsigned int more;
	uint32_t word;

	if (v >> 28)
		return varint_put(p, v);
	more = (v >= 1u << 7) + (v >= 1u << 14) + (v >= 1u << 21);
	word = (v & 0x7f) | (v & 0x3f80) << 1 | (v & 0x1fc000) << 2 | (v & 0xfe00000) << 3;
	word = htole32(word | follows[more]);
	memcpy(p, &word, sizeof(word));
	return p + more + 1;
}

/* as cursor_varint(); there must be VARINT_SLACK bytes behind the end */
static inline bool cursor_varint_fast(struct cursor *c, uint64_t *value)
{
	uint32_t v, stop;

	if (c->at >= c->end)
		return false;
	memcpy(&v, c->at, sizeof(v));
	v = le32toh(v);
	stop = ~v & 0x80808080;
	if (!stop)
		return cursor_varint(c, value);
	c->at += (__builtin_ctz(stop) >> 3) + 1;
	v &= stop ^ (stop - 1);		/* up to the last byte */
	*value = (v & 0x7f) | (v >> 1 & 0x3f80) | (v >> 2 & 0x1fc000) | (v >> 3 & 0xfe00000);
	return c->at <= c->end;
}

/* small numbers of either sign become small numbers */
static inline uint64_t zigzag(uint64_t delta)
{
	return delta << 1 ^ -(delta >> 63);
}

static inline uint64_t unzigzag(uint64_t v)
{
	return v >> 1 ^ -(v & 1);
}

struct buffer {
	uint8_t *data;
	size_t size;
	size_t cap;
};

/* room for so many more bytes: 0 or -ENOMEM */
static inline int buffer_reserve(struct buffer *b, size_t more)
{
	size_t cap = b->cap ? b->cap : 4096;
	uint8_t *data;

	if (b->cap - b->size >= more)
		return 0;
	while (cap - b->size < more)
		cap *= 2;
	data = realloc(b->data, cap);
	if (!data)
		return -ENOMEM;
	b->data = data;
	b->cap = cap;
	return 0;
}

/* the room must have been reserved */
static inline void buffer_varint(struct buffer *b, uint64_t v)
{
	b->size = varint_put(b->data + b->size, v) - b->data;
}

static inline void buffer_free(struct buffer *b)
{
	free(b->data);
	*b = (struct buffer){};
}

/* CRC32C (Castagnoli) of data after that of what came before it, 0 at the beginning */
uint32_t trc_crc32c(uint32_t crc, const void *data, size_t size);
uint32_t trc_crc32c_table(uint32_t crc, const void *data, size_t size);	/* the same, on every machine */

#endif
