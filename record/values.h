/* SPDX-License-Identifier: GPL-2.0 */
/* values.h - numbers on the command line: with units, and marks. */
#ifndef PKT_VALUES_H
#define PKT_VALUES_H

#include <stdint.h>

struct unit {
	const char *name;	/* "" = none behind the number */
	uint64_t factor;
};

/* A whole number with one of the units behind it, in either case; units end with a NULL name.  0, -EINVAL or -ERANGE. */
int number_parse(const char *text, const struct unit *units, uint64_t *out);
/* M[/MASK], each decimal or 0x...; without a mask all bits count.  0, -EINVAL, or -EDOM: no mark can match. */
int mark_parse(const char *text, uint32_t *mark, uint32_t *mask);

extern const struct unit units_none[];		/* a plain number */
extern const struct unit units_time[];		/* to nanoseconds; seconds when nothing is said */
extern const struct unit units_buffer[];	/* to bytes; KiB when nothing is said */
extern const struct unit units_file[];		/* to bytes; millions of them when nothing is said, as tcpdump's -C */

#endif
