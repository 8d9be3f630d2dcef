// SPDX-License-Identifier: GPL-2.0
/*
 * source.c - the bytes of a recording, from a file, a pipe or memory, a window at a time.
 *
 * A regular file is read by position, so that the descriptor's own stays where it was.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source.h"

#define WINDOW_MIN (256u << 10)
#define SPARSE_MIN 128

void source_start_fd(struct source *s, int fd, bool owned)
{
	struct stat st;

	*s = (struct source){ .fd = fd, .owned = owned };
	if (!fstat(fd, &st) && S_ISREG(st.st_mode)) {
		off_t at = lseek(fd, 0, SEEK_CUR);

		s->base = at > 0 ? at : 0;
		s->seekable = true;
		s->size = st.st_size > s->base ? st.st_size - s->base : 0;
	}
}

void source_start_memory(struct source *s, const void *data, size_t size)
{
	*s = (struct source){ .fd = -1, .data = data, .left = size, .size = size, .seekable = true, .eof = true };
}

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

/* n bytes are wanted in the window */
static void source_fill(struct source *s, size_t wanted)
{
	struct pollfd readable = { .fd = s->fd, .events = POLLIN };
	size_t room;
	ssize_t n;

	s->error = source_room(s);
	while (!s->error) {
		room = s->cap - s->left;
		if (s->sparse && room > SPARSE_MIN)
			room = wanted - s->left > SPARSE_MIN ? wanted - s->left : SPARSE_MIN;
		n = s->seekable ? pread(s->fd, s->buf + s->left, room, s->base + (off_t)(s->offset + s->left)) :
				  read(s->fd, s->buf + s->left, room);
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
		source_fill(s, n);
	return s->left < n ? NULL : s->data;
}

void source_skip(struct source *s, size_t n)
{
	s->data += n;
	s->left -= n;
	s->offset += n;
}

bool source_jump(struct source *s, uint64_t n)
{
	if (n > s->left && s->fd >= 0 && s->seekable) {
		if (s->offset + n > s->size)
			return false;
		source_seek(s, s->offset + n);
		return true;
	}
	if (!source_need(s, n))
		return false;
	source_skip(s, n);
	return true;
}

void source_seek(struct source *s, uint64_t offset)
{
	if (s->fd < 0) {
		s->data = s->data - s->offset + offset;
		s->left = s->size - offset;
	} else {
		s->data = s->buf;
		s->left = 0;
		s->eof = false;
		s->error = 0;
	}
	s->offset = offset;
}

bool source_peek(const struct source *s, uint64_t offset, void *out, size_t n)
{
	size_t done = 0;

	if (offset > s->size || n > s->size - offset)
		return false;
	if (s->fd < 0) {
		memcpy(out, s->data - s->offset + offset, n);
		return true;
	}
	while (done < n) {
		ssize_t got = pread(s->fd, (uint8_t *)out + done, n - done, s->base + (off_t)(offset + done));

		if (got <= 0 && !(got < 0 && errno == EINTR))
			return false;
		done += got > 0 ? got : 0;
	}
	return true;
}

bool source_idle(const struct source *s, int ms)
{
	struct pollfd readable = { .fd = s->fd, .events = POLLIN };

	return !s->seekable && !s->eof && !s->left && poll(&readable, 1, ms) == 0;
}

void source_close(struct source *s)
{
	if (s->owned)
		close(s->fd);
	free(s->buf);
}
