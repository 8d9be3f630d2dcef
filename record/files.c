// SPDX-License-Identifier: GPL-2.0
/* files.c - proc and sysfs files have no size beforehand: read until the end. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"

#define CHUNK 65536

int file_read(const char *path, char **out, size_t *size)
{
	size_t used = 0, room = 0;
	char *text = NULL, *grown;
	ssize_t got = 0;
	int fd, err = 0;

	*out = NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	do {
		used += got;
		if (room - used < CHUNK) {
			room = room ? room * 2 : 2 * CHUNK;
			grown = realloc(text, room);
			if (!grown) {
				err = -ENOMEM;
				goto out;
			}
			text = grown;
		}
		got = read(fd, text + used, room - used - 1);
	} while (got > 0 || (got < 0 && errno == EINTR && (got = 0, 1)));
	if (got < 0)
		err = -errno;
out:
	close(fd);
	if (err) {
		free(text);
		return err;
	}
	text[used] = 0;
	*out = text;
	if (size)
		*size = used;
	return 0;
}

int file_write(const char *path, int flags, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | flags);
	size_t length = strlen(text);
	ssize_t put;
	int err;

	if (fd < 0)
		return -errno;
	put = write(fd, text, length);
	err = put < 0 ? -errno : (size_t)put < length ? -EIO : 0;
	close(fd);
	return err;
}
