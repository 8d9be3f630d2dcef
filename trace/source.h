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
#include <sys/types.h>

struct source {
	int fd;			/* -1: memory */
	bool owned;		/* the fd is closed at the end */
	bool seekable;		/* a regular file, or memory */
	bool sparse;		/* whoever reads jumps: no more is read than is asked for */
	off_t base;		/* of a regular file: where the recording begins */
	uint64_t size;		/* of what is seekable, from base */
	const uint8_t *data;	/* the window */
	size_t left;		/* bytes in it */
	uint64_t offset;	/* of the window in the recording */
	bool eof;		/* nothing comes after the window */
	int error;		/* negative errno of a failed read; then eof is set too */
	uint8_t *buf;
	size_t cap;
};

void source_start_fd(struct source *s, int fd, bool owned);
void source_start_memory(struct source *s, const void *data, size_t size);
/* The next n bytes, or NULL when the file has not so many left.  Valid until the next call. */
const uint8_t *source_need(struct source *s, size_t n);
void source_skip(struct source *s, size_t n);		/* n <= left */
/* Go on by n bytes without looking at them where that is possible; false: there are not so many, and none were skipped. */
bool source_jump(struct source *s, uint64_t n);
void source_seek(struct source *s, uint64_t offset);	/* only when seekable */
/* n bytes at this offset, without moving: false when they cannot be had.  Only when seekable. */
bool source_peek(const struct source *s, uint64_t offset, void *out, size_t n);
bool source_idle(const struct source *s, int ms);	/* a pipe from which nothing came for so long */
void source_close(struct source *s);

#endif
