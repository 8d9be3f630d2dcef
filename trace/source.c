// SPDX-License-Identifier: GPL-2.0
/*
 * source.c - the bytes of a recording, from a file, a pipe or memory, a window at a time.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "source.h"

#define WINDOW_MIN (256u << 10)

/* Room after the window: what was read moves to the front, and a full window doubles. */
static int source_room(struct source *s)
{
	size_t cap = s->cap ? s->cap * 2 : WINDOW_MIN;
	uint8_t *buf;

	if (s->data != s->buf) {
		memmove(s->buf, s->data, s->left);
		s->data = s->buf;
	}
	if (s->left < s->cap)
		return 0;
	buf = realloc(s->buf, cap);
	if (!buf)
		return -ENOMEM;
	s->data = s->buf = buf;
	s->cap = cap;
	return 0;
}

static void source_fill(struct source *s)
{
	struct pollfd readable = { .fd = s->fd, .events = POLLIN };
	ssize_t n;

	s->error = source_room(s);
	while (!s->error) {
		n = read(s->fd, s->buf + s->left, s->cap - s->left);
		if (n > 0) {
			s->left += n;
			return;
		}
		if (n == 0)
			break;
		if (errno == EAGAIN)
			poll(&readable, 1, -1);
		else if (errno != EINTR)
			s->error = -errno;
	}
	s->eof = true;
}

const uint8_t *source_need(struct source *s, size_t n)
{
	while (s->left < n && !s->eof)
		source_fill(s);
	return s->left < n ? NULL : s->data;
}

void source_skip(struct source *s, size_t n)
{
	s->data += n;
	s->left -= n;
	s->offset += n;
}

void source_close(struct source *s)
{
	if (s->owned)
		close(s->fd);
	free(s->buf);
}
