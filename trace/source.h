/* SPDX-License-Identifier: GPL-2.0 */
/*
 * source.h - the bytes of a recording, from a file, a pipe or memory, a window at a time.
 *
 * Internal to trace/.  The window grows only as bytes arrive: what a file claims allocates nothing.
 */
#ifndef TRC_SOURCE_H
#define TRC_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct source {
	int fd;			/* -1: memory */
	bool owned;		/* the fd is closed at the end */
	const uint8_t *data;	/* the window */
	size_t left;		/* bytes in it */
	uint64_t offset;	/* of the window in the file */
	bool eof;		/* nothing comes after the window */
	int error;		/* negative errno of a failed read; then eof is set too */
	uint8_t *buf;
	size_t cap;
};

/* The next n bytes, or NULL when the file has not so many left.  Valid until the next call. */
const uint8_t *source_need(struct source *s, size_t n);
void source_skip(struct source *s, size_t n);	/* n <= left */
void source_close(struct source *s);

#endif
