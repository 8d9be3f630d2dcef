// SPDX-License-Identifier: GPL-2.0
/*
 * main.c - trc-gen: write a recording as long as wanted.
 *
 *   trc-gen [-n HOPS] [-r SEED] [-c CPUS] [-f FLOWS] [-t SPEED] [-l ONE-LOSS-IN] [-u HOPS] [-S] [-a] -o FILE SAMPLE...
 *
 * -u writes units after so many hops already, -S leaves the packets' stacks out, -a has edges, first bytes and
 * snapshots, too.  The same options give the same rows; the id of the recording is always new.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gen/gen.h"

static int number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 10);
	if (!errno && *text >= '0' && *text <= '9' && !*end && *out >= min && *out <= max)
		return 0;
	fprintf(stderr, "trc-gen: not a number from %llu to %llu: %s\n", (unsigned long long)min,
		(unsigned long long)max, text);
	return -1;
}

static int parse(int argc, char **argv, struct gen_options *o, const char **path)
{
	uint64_t n = 0;
	int c, err = 0;

	while (!err && (c = getopt(argc, argv, "n:r:c:f:t:l:u:Sao:")) != -1) {
		if (c == 'n')
			err = number(optarg, 1, UINT64_MAX / 1024, &o->hops);
		else if (c == 'r')
			err = number(optarg, 0, UINT64_MAX, &o->seed);
		else if (c == 'c' && !(err = number(optarg, 1, GEN_CPUS_MAX, &n)))
			o->cpus = n;
		else if (c == 'f' && !(err = number(optarg, 1, GEN_FLOWS_MAX, &n)))
			o->flows = n;
		else if (c == 't' && !(err = number(optarg, 1, 100000, &n)))
			o->speed = n;
		else if (c == 'l' && !(err = number(optarg, 1, UINT32_MAX, &n)))
			o->lose = n;
		else if (c == 'u' && !(err = number(optarg, 1, UINT32_MAX, &n)))
			o->flush = n;
		else if (c == 'S')
			o->stacks = false;
		else if (c == 'a')
			o->all = true;
		else if (c == 'o')
			*path = optarg;
		else if (c == '?')
			err = -1;
	}
	if (!err && (!*path || optind == argc)) {
		fprintf(stderr, "trc-gen: usage: trc-gen [OPTIONS] -o FILE SAMPLE...\n");
		err = -1;
	}
	return err;
}

static int write_to(int fd, const char *path, const struct gen_source *s, const struct gen_options *o)
{
	struct trc_writer *w;
	int err = trc_writer_open(&w, fd);

	if (!err)
		err = gen_write(s, o, w);
	if (!err)
		err = trc_writer_finish(w);
	if (err)
		fprintf(stderr, "trc-gen: %s: %s\n", path, trc_writer_error(w));
	else
		fprintf(stderr, "%llu hops, %llu bytes\n", (unsigned long long)trc_writer_hops(w),
			(unsigned long long)trc_writer_bytes(w));
	trc_writer_free(w);
	return err;
}

int main(int argc, char **argv)
{
	struct gen_options o = { .hops = 100000, .seed = 1, .cpus = 4, .flows = 1000, .speed = 50, .stacks = true };
	struct gen_source s = {};
	const char *path = NULL;
	char error[512];
	int fd, err;

	if (parse(argc, argv, &o, &path))
		return 2;
	if (gen_source_load(&s, argv + optind, argc - optind, error, sizeof(error))) {
		fprintf(stderr, "trc-gen: %s\n", error);
		gen_source_free(&s);
		return 2;
	}
	fd = strcmp(path, "-") ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : STDOUT_FILENO;
	if (fd < 0) {
		fprintf(stderr, "trc-gen: %s: %s\n", path, strerror(errno));
		gen_source_free(&s);
		return 2;
	}
	err = write_to(fd, path, &s, &o);
	if (close(fd) && !err) {
		fprintf(stderr, "trc-gen: %s: %s\n", path, strerror(errno));
		err = -1;
	}
	gen_source_free(&s);
	return err ? 2 : 0;
}
