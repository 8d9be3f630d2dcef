// SPDX-License-Identifier: GPL-2.0
/*
 * consumer.c - a stranger's program: C or C++, compiled against the installed library with what pkg-config says.
 *
 *   consumer FILE      copies the recording record by record, reads the copy and compares the hops
 */
#include <pkttrace.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int trouble(const char *doing, const char *what)
{
	fprintf(stderr, "consumer: %s: %s\n", doing, what);
	return 2;
}

static int copy(const char *path, int fd)
{
	struct trc_reader *r = NULL;
	struct trc_writer *w = NULL;
	struct trc_record rec;
	int more = 0;

	if (trc_reader_open(&r, path))
		return trouble("open", trc_reader_error(NULL));
	if (trc_writer_open(&w, fd))
		return trouble("create", trc_writer_error(NULL));
	while ((more = trc_reader_next(r, &rec)) > 0)
		if (trc_write(w, &rec))
			return trouble("write", trc_writer_error(w));
	if (more < 0)
		return trouble("read", trc_reader_error(r));
	if (trc_writer_finish(w))
		return trouble("finish", trc_writer_error(w));
	trc_reader_free(r);
	trc_writer_free(w);
	return 0;
}

/* 1: hop is set, 0: there are no more */
static int hop_next(struct trc_reader *r, struct trc_hop *hop)
{
	struct trc_record rec;

	while (trc_reader_next(r, &rec) > 0)
		if (rec.kind == TRC_HOP) {
			*hop = rec.hop;
			return 1;
		}
	return 0;
}

static int compare(const char *path, int fd)
{
	struct trc_reader *a = NULL, *b = NULL;
	struct trc_hop x, y;
	unsigned long hops = 0;

	if (trc_reader_open(&a, path) || trc_reader_open_fd(&b, fd))
		return trouble("open again", trc_reader_error(NULL));
	while (hop_next(a, &x)) {
		if (!hop_next(b, &y) || x.time_ns != y.time_ns || x.packet != y.packet || x.func != y.func ||
		    memcmp(x.saddr, y.saddr, sizeof(x.saddr)))
			return trouble("compare", "another hop");
		hops++;
	}
	if (hop_next(b, &y) || !trc_reader_health(b)->ended || *trc_reader_trouble(b))
		return trouble("compare", "the copy is not whole");
	trc_reader_free(a);
	trc_reader_free(b);
	printf("%lu hops\n", hops);
	return hops ? 0 : 2;
}

int main(int argc, char **argv)
{
	FILE *file = tmpfile();
	int status;

	if (argc != 2 || !file)
		return trouble("usage", "consumer FILE");
	status = copy(argv[1], fileno(file));
	if (!status && lseek(fileno(file), 0, SEEK_SET) == 0)
		status = compare(argv[1], fileno(file));
	fclose(file);
	return status;
}
