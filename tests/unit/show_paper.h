/* SPDX-License-Identifier: GPL-2.0 */
/*
 * show_paper.h - a terminal that remembers what was printed on it.
 */
#ifndef SHOW_PAPER_H
#define SHOW_PAPER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "show.h"

struct paper {
	struct term t;
	char *text;
	size_t size;
};

static inline void paper_open(struct paper *p, unsigned int width)
{
	*p = (struct paper){ .t = { .width = width } };
	p->t.out = open_memstream(&p->text, &p->size);
	assert_non_null(p->t.out);
}

static inline void paper_has(struct paper *p, const char *words)
{
	fflush(p->t.out);
	if (!strstr(p->text, words)) {
		print_message("%s", p->text);
		fail_msg("missing: %s", words);
	}
}

static inline void paper_has_not(struct paper *p, const char *words)
{
	fflush(p->t.out);
	if (strstr(p->text, words))
		fail_msg("must not be there: %s", words);
}

static inline void paper_close(struct paper *p)
{
	fclose(p->t.out);
	free(p->text);
}

#endif
