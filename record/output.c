// SPDX-License-Identifier: GPL-2.0
/*
 * output.c - open without following links and without destroying an earlier recording.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output.h"

static bool is_stdout(const char *path)
{
	return !strcmp(path, "-");
}

/* Devices and pipes are written to as they are; only regular files are kept as .old. */
static int existing(const char *path, struct stat *st)
{
	if (lstat(path, st))
		return 0;
	return 1;
}

/* In a directory where everybody may write, a file that was there before may be somebody's trap, or treasure. */
static bool strangers(const char *path, const struct stat *st, const struct invoker *who)
{
	char copy[PATH_MAX];
	struct stat dir;

	snprintf(copy, sizeof(copy), "%s", path);
	return S_ISREG(st->st_mode) && st->st_uid != geteuid() && st->st_uid != who->uid && !stat(dirname(copy), &dir) &&
	       dir.st_mode & S_IWOTH;
}

int output_check(const char *path, const struct invoker *who, char *error, size_t size)
{
	char copy[PATH_MAX];
	struct stat st;

	if (is_stdout(path)) {
		if (!isatty(STDOUT_FILENO))
			return 0;
		snprintf(error, size, "standard output is a terminal; give a file with -o FILE, or a pipe");
		return -1;
	}
	if (strlen(path) > sizeof(copy) - 8) {
		snprintf(error, size, "%.40s...: the name is too long", path);
		return -1;
	}
	if (existing(path, &st)) {
		if (S_ISLNK(st.st_mode))
			snprintf(error, size, "%s: is a symbolic link; name the file itself", path);
		else if (S_ISDIR(st.st_mode))
			snprintf(error, size, "%s: is a directory; name a file in it", path);
		else if (strangers(path, &st, who))
			snprintf(error, size, "%s: belongs to another user (uid %u), in a directory where everybody may write; "
				 "choose another name", path, st.st_uid);
		else
			return 0;
		return -1;
	}
	snprintf(copy, sizeof(copy), "%s", path);
	if (access(dirname(copy), W_OK)) {
		snprintf(error, size, "%s: %s; choose another place with -o FILE", path, strerror(errno));
		return -1;
	}
	return 0;
}

int output_open(const char *path, const struct invoker *who, char *error, size_t size)
{
	char old[PATH_MAX];
	struct stat st;
	int fd;

	if (is_stdout(path))
		return dup(STDOUT_FILENO);
	if (output_check(path, who, error, size))
		return -1;
	if (existing(path, &st) && !S_ISREG(st.st_mode)) {
		fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	} else {
		snprintf(old, sizeof(old), "%s.old", path);
		if (existing(path, &st) && rename(path, old)) {
			snprintf(error, size, "%s: cannot be kept as %s.old: %s", path, path, strerror(errno));
			return -1;
		}
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd >= 0 && who->other && fchown(fd, who->uid, who->gid)) {
			close(fd);
			fd = -1;
		}
	}
	if (fd < 0)
		snprintf(error, size, "%s: %s", path, strerror(errno));
	return fd;
}

int output_next_check(const char *path, char *error, size_t size)
{
	char copy[PATH_MAX];
	struct stat st;

	snprintf(copy, sizeof(copy), "%s", path);
	if (existing(path, &st) && !S_ISREG(st.st_mode))
		snprintf(error, size, "%s: is no file that -C could go on from; give another name", path);
	else if (access(dirname(copy), W_OK))
		snprintf(error, size, "%s: user %u, who makes the files after the first, may not do so there (%s); choose another place, "
			 "or -Z USER", path, getuid(), strerror(errno));
	else
		return 0;
	return -1;
}

bool output_left(int fd)
{
	struct pollfd p = { .fd = fd };

	return poll(&p, 1, 0) > 0 && p.revents & (POLLERR | POLLHUP);
}
