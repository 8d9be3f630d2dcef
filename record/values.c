// SPDX-License-Identifier: GPL-2.0
/* values.c - numbers on the command line: nothing is taken that is not a number from its first to its last letter. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "values.h"

#define KIB (1ull << 10)
#define MIB (1ull << 20)
#define GIB (1ull << 30)

const struct unit units_none[] = { { "", 1 }, {} };

const struct unit units_time[] = {
	{ "", 1000000000 }, { "s", 1000000000 }, { "ms", 1000000 },
	{ "m", 60000000000 }, { "min", 60000000000 }, { "h", 3600000000000 }, {}
};

const struct unit units_buffer[] = {
	{ "", KIB }, { "k", KIB }, { "kib", KIB }, { "m", MIB }, { "mib", MIB }, { "g", GIB }, { "gib", GIB }, {}
};

const struct unit units_file[] = {
	{ "", 1000000 }, { "k", KIB }, { "kib", KIB }, { "kb", 1000 }, { "m", MIB }, { "mib", MIB }, { "mb", 1000000 },
	{ "g", GIB }, { "gib", GIB }, { "gb", 1000000000 }, {}
};

int number_parse(const char *text, const struct unit *units, uint64_t *out)
{
	char *end;
	unsigned long long value;

	if (*text < '0' || *text > '9')
		return -EINVAL;		/* strtoull() would take spaces and signs */
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno)
		return -errno;
	for (; units->name; units++) {
		if (strcasecmp(end, units->name))
			continue;
		return __builtin_mul_overflow(value, units->factor, out) ? -ERANGE : 0;
	}
	return -EINVAL;
}

/* One number; what is behind it begins at *rest. */
static int word_parse(const char *text, const char **rest, uint32_t *out)
{
	int base = text[0] == '0' && (text[1] | 0x20) == 'x' ? 16 : 10;
	const char *digits = base == 16 ? text + 2 : text;
	unsigned long value;
	char *end;

	if (!strchr(base == 16 ? "0123456789abcdefABCDEF" : "0123456789", *digits) || !*digits)
		return -EINVAL;
	errno = 0;
	value = strtoul(digits, &end, base);
	if (errno || value > UINT32_MAX)
		return -ERANGE;
	*rest = end;
	*out = value;
	return 0;
}

int mark_parse(const char *text, uint32_t *mark, uint32_t *mask)
{
	const char *rest;

	*mask = UINT32_MAX;
	if (word_parse(text, &rest, mark) || (*rest && *rest != '/'))
		return -EINVAL;
	if (*rest && (word_parse(rest + 1, &rest, mask) || *rest))
		return -EINVAL;
	return *mark & ~*mask ? -EDOM : 0;
}
