/* SPDX-License-Identifier: GPL-2.0 */
/* returns.h - what the functions that decide answered, in words: schema/returns.tsv. */
#ifndef PKT_RETURNS_H
#define PKT_RETURNS_H

#include <stddef.h>
#include <stdint.h>

struct model;

enum so {
	SO_UNKNOWN,		/* of this function nothing is known */
	SO_ON,			/* the packet goes on */
	SO_BAD,			/* it is dropped or refused */
	SO_ASIDE,		/* it waits, or goes another way */
};

struct answer {
	enum so so;
	const char *meaning;	/* one sentence without its full stop, or "" */
	char word[64];		/* ACCEPT, -EPERM, ...; "" when nothing is known */
};

/* m names drop reasons; a compiler's suffix of the function's name does not matter. */
void answer_of(const struct model *m, const char *function, int32_t value, struct answer *out);

#endif
