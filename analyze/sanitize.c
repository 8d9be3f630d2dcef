// SPDX-License-Identifier: GPL-2.0
/*
 * sanitize.c - text from strangers made harmless: one walk over UTF-8.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "sanitize.h"

/* Length of the valid UTF-8 sequence at s, with its code point; 0 = invalid.  Reads no further than the final zero. */
static size_t decode(const unsigned char *s, uint32_t *point)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 : (s[0] & 0xf8) == 0xf0 ? 4 : 0, i;

	if (!n)
		return 0;
	*point = n == 1 ? s[0] : s[0] & (0xff >> (n + 1));
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*point = *point << 6 | (s[i] & 0x3f);
	}
	if (*point < least[n] || *point > 0x10ffff || (*point >= 0xd800 && *point < 0xe000))
		return 0;
	return n;
}

/* What is not seen, or changes how its neighbours are seen. */
static int is_tricky(uint32_t c)
{
	static const struct { uint32_t first, last; } ranges[] = {
		{ 0x80, 0x9f },		/* C1 controls: a terminal may take U+009B for ESC [ */
		{ 0xad, 0xad }, { 0x61c, 0x61c }, { 0x180e, 0x180e },
		{ 0x200b, 0x200f },	/* zero width, direction marks */
		{ 0x2028, 0x202e },	/* line separators, bidi embeddings and overrides */
		{ 0x2060, 0x206f },	/* invisible operators, bidi isolates */
		{ 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff }, { 0xfff9, 0xfffb }, { 0xe0000, 0xe0fff },
	};
	size_t i;

	for (i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return 1;
	return 0;
}

static void put(char *dst, size_t size, size_t *at, const char *text, size_t n)
{
	if (*at < size)
		memcpy(dst + *at, text, n < size - *at ? n : size - *at);
	*at += n;
}

size_t sanitize(char *dst, size_t size, const char *src)
{
	const unsigned char *s = (const unsigned char *)src;
	char escape[16];
	uint32_t point;
	size_t n, at = 0;

	while (*s) {
		n = decode(s, &point);
		if (!n)
			put(dst, size, &at, escape, snprintf(escape, sizeof(escape), "\\x%02x", *s));
		else if (point < 0x20 || point == 0x7f)
			put(dst, size, &at, escape, snprintf(escape, sizeof(escape), "\\x%02x", point));
		else if (is_tricky(point))
			put(dst, size, &at, escape, snprintf(escape, sizeof(escape), "\\u%04x", point));
		else
			put(dst, size, &at, (const char *)s, n);
		s += n ? n : 1;
	}
	if (size)
		dst[at < size ? at : size - 1] = 0;
	return at;
}
