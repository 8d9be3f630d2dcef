// SPDX-License-Identifier: GPL-2.0
/*
 * cut.c - load a recording cut short at many offsets, as every tool does: nothing may crash, and a longer piece
 * never gives fewer hops.
 *
 *   cut-reader FILE COUNT
 *
 * Meant to be built with the sanitizers.  Works on an unnamed copy that is cut shorter and shorter.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model.h"

static int copy_open(const char *path, off_t *size)
{
	int in = open(path, O_RDONLY | O_CLOEXEC), fd = memfd_create("cut", MFD_CLOEXEC);
	struct stat st;
	off_t done = 0;

	if (in < 0 || fd < 0 || fstat(in, &st))
		return -1;
	while (done < st.st_size && sendfile(fd, in, NULL, st.st_size - done) > 0)
		done = lseek(fd, 0, SEEK_CUR);
	close(in);
	*size = done;
	return done == st.st_size ? fd : -1;
}

/* Hops in the piece, 0 when it is too short to be a recording at all. */
static size_t load(const char *path, bool *ended)
{
	char error[512];
	struct model *m;
	size_t n;

	*ended = false;
	if (model_load(&m, path, error, sizeof(error)))
		return 0;
	n = m->nhops;
	*ended = m->health.ended;
	model_free(m);
	return n;
}

int main(int argc, char **argv)
{
	long count = argc == 3 ? atol(argv[2]) : 0, bad = 0;
	size_t whole, last;
	char path[64];
	bool ended;
	off_t size;
	int fd;

	if (count <= 0) {
		fputs("usage: cut-reader FILE COUNT\n", stderr);
		return 2;
	}
	fd = copy_open(argv[1], &size);
	if (fd < 0) {
		perror(argv[1]);
		return 2;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	whole = last = load(path, &ended);
	if (!whole || !ended)
		bad += !!printf("the whole file has %zu hops, properly ended: %s\n", whole, ended ? "yes" : "no");
	for (long i = count - 1; i >= 0; i--) {
		off_t cut = size * i / count;
		size_t n;

		if (ftruncate(fd, cut))
			return 2;
		n = load(path, &ended);
		if (n > last)
			bad += !!printf("cut at %lld: %zu hops, but a longer piece has %zu\n", (long long)cut, n, last);
		last = n;
	}
	printf("%ld pieces of %zu hops read, %ld bad\n", count, whole, bad);
	return !!bad;
}
