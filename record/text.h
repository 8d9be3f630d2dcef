/* SPDX-License-Identifier: GPL-2.0 */
/* text.h - a text that grows up to a limit, and its way into a recording as rows. */
#ifndef PKT_TEXT_H
#define PKT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "pkttrace.h"

#define TEXT_PART_BYTES 65000		/* of a row; TRC_STRING_MAX is a little more */

struct text {
	char *data;			/* no NUL at its end */
	size_t size, room;
	size_t limit;			/* more than this is dropped, and .cut set */
	bool cut;
};

int text_add(struct text *t, const void *bytes, size_t size);		/* 0 or -ENOMEM */
int text_print(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
int text_json(struct text *t, const char *s);				/* quoted */
int text_file(struct text *t, const char *path);			/* 0 or -errno */
void text_free(struct text *t);

/*
 * The rows of one text: head has all but part, last and text.  No row ends within a character; NULs become blanks.
 * An empty text is one row.  0 or -errno.
 */
int text_write(struct trc_writer *w, const struct trc_snapshot *head, const struct text *t);

#endif
