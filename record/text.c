// SPDX-License-Identifier: GPL-2.0
/*
 * text.c - what a tool or a file says, collected up to a limit and cut into rows.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

#define ROOM_LEAST 4096

int text_add(struct text *t, const void *bytes, size_t size)
{
	size_t room = t->room ? t->room : ROOM_LEAST;
	char *grown;

	if (size > t->limit - t->size) {
		size = t->limit - t->size;
		t->cut = true;
	}
	while (room - t->size < size)
		room *= 2;
	if (room != t->room) {
		grown = realloc(t->data, room);
		if (!grown)
			return -ENOMEM;
		t->data = grown;
		t->room = room;
	}
	memcpy(t->data + t->size, bytes, size);
	t->size += size;
	return 0;
}

int text_print(struct text *t, const char *format, ...)
{
	va_list args;
	char *s;
	int n, err;

	va_start(args, format);
	n = vasprintf(&s, format, args);
	va_end(args);
	if (n < 0)
		return -ENOMEM;
	err = text_add(t, s, n);
	free(s);
	return err;
}

int text_json(struct text *t, const char *s)
{
	int err = text_add(t, "\"", 1);

	for (; *s && !err; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			err = text_print(t, "\\u%04x", *s);
		else if (*s == '"' || *s == '\\')
			err = text_print(t, "\\%c", *s);
		else
			err = text_add(t, s, 1);
	}
	return err ? err : text_add(t, "\"", 1);
}

int text_file(struct text *t, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err = 0;
	char chunk[16384];
	ssize_t n;

	if (fd < 0)
		return -errno;
	while (!err && !t->cut && (n = read(fd, chunk, sizeof(chunk))))
		err = n > 0 ? text_add(t, chunk, n) : errno == EINTR ? 0 : -errno;
	close(fd);
	return err;
}

void text_free(struct text *t)
{
	free(t->data);
	t->data = NULL;
	t->size = t->room = 0;
}

/* --- rows ---------------------------------------------------------------------------------------------------------- */

/* Of what is left, as much as fits and ends with a whole character (bytes that are no UTF-8 go as they are). */
static size_t part_size(const char *at, size_t left)
{
	size_t size = TEXT_PART_BYTES, back;

	if (left <= size)
		return left;
	for (back = 0; back < 3 && ((unsigned char)at[size - back] & 0xc0) == 0x80; back++)
		;
	return ((unsigned char)at[size - back] & 0xc0) == 0x80 ? size : size - back;
}

static void part_copy(char *to, const char *from, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		to[i] = from[i] ? from[i] : ' ';
	to[size] = 0;
}

int text_write(struct trc_writer *w, const struct trc_snapshot *head, const struct text *t)
{
	struct trc_record rec = { .kind = TRC_SNAPSHOT, .snapshot = *head };
	char part[TEXT_PART_BYTES + 1];
	size_t at = 0, size;
	int err;

	rec.snapshot.text = part;
	rec.snapshot.part = 0;
	do {
		size = part_size(t->data + at, t->size - at);
		part_copy(part, t->data + at, size);
		at += size;
		rec.snapshot.last = at == t->size;
		err = trc_write(w, &rec);
		rec.snapshot.part++;
	} while (!err && at < t->size);
	return err;
}
