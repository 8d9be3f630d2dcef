// SPDX-License-Identifier: GPL-2.0
/*
 * options.c - parse the command line: options before "--", the command after it.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "options.h"
#include "pkttrace.h"

#define RING_DEFAULT (4u << 20)
#define RING_MAX (1u << 30)

enum { OPT_DURATION = 256, OPT_LIGHT, OPT_BACKEND, OPT_PROFILE, OPT_FUNC, OPT_CHECK, OPT_LIST, OPT_READY, OPT_COMPRESS, OPT_VERSION, OPT_HELP };

static const struct option longs[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "count", required_argument, NULL, 'c' },
	{ "buffer-size", required_argument, NULL, 'B' },
	{ "duration", required_argument, NULL, OPT_DURATION },
	{ "backend", required_argument, NULL, OPT_BACKEND },
	{ "profile", required_argument, NULL, OPT_PROFILE },
	{ "func", required_argument, NULL, OPT_FUNC },
	{ "light", no_argument, NULL, OPT_LIGHT },
	{ "check", no_argument, NULL, OPT_CHECK },
	{ "list-functions", no_argument, NULL, OPT_LIST },
	{ "compress", required_argument, NULL, OPT_COMPRESS },
	{ "ready-fd", required_argument, NULL, OPT_READY },
	{ "quiet", no_argument, NULL, 'q' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, OPT_HELP },
	{}
};

static const char help[] =
	"usage: pktrec [options] [-- command ...]\n"
	"Record what the kernel does with every packet, until the command ends or Ctrl-C.\n"
	"\n"
	"  -o, --output FILE      write here (pktrec.trc; - is standard output); -w is the same\n"
	"  -c, --count N          stop after N packets\n"
	"      --duration TIME    stop after a time: 10s, 500ms, 2m\n"
	"      --backend NAME     kprobe-multi or kprobe; default: the best that works here\n"
	"      --profile NAME     all, path (functions that mark a path) or drop\n"
	"      --func GLOB        probe only functions that match (repeatable)\n"
	"  -B, --buffer-size SIZE ring buffer of each CPU, in KiB or with a unit (4M)\n"
	"      --compress LEVEL   1 (fast, the default) to 19 (small)\n"
	"      --ready-fd N       write a newline to descriptor N when every probe is attached\n"
	"      --check            print what is needed, what was found and how to fix it\n"
	"      --list-functions   print what would be probed, and why the rest is not\n"
	"  -q, --quiet            no status line and no notes\n"
	"  -v, --verbose          say what is being done; twice: libbpf's messages too\n"
	"      --version, --help\n";

static int complain(const char *option, const char *value, const char *expected)
{
	fprintf(stderr, "pktrec: %s %s: give %s\n", option, value, expected);
	return 2;
}

/* A whole number with one of the units behind it; units end with a NULL name. */
struct unit {
	const char *name;
	uint64_t factor;
};

static int number_parse(const char *text, const struct unit *units, uint64_t *out)
{
	char *end;
	unsigned long long value;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno)
		return -errno;
	for (; units->name; units++) {
		if (strcasecmp(end, units->name))
			continue;
		return __builtin_mul_overflow(value, units->factor, out) ? -ERANGE : 0;
	}
	return -EINVAL;
}

static int ring_parse(struct options *o, const char *text)
{
	static const struct unit units[] = { { "", 1024 }, { "k", 1024 }, { "kib", 1024 }, { "m", 1 << 20 },
		{ "mib", 1 << 20 }, { "g", 1 << 30 }, { "gib", 1 << 30 }, {} };
	uint64_t bytes, size = sysconf(_SC_PAGESIZE);

	if (number_parse(text, units, &bytes) || !bytes || bytes > RING_MAX)
		return complain("-B", text, "a size in KiB, or with a unit, of at most 1G");
	while (size < bytes)
		size *= 2;	/* the kernel wants a power of two of pages */
	o->ring_bytes = size;
	return 0;
}

static int backend_parse(struct options *o, const char *text)
{
	static const enum backend all[] = { BACKEND_KPROBE_MULTI, BACKEND_KPROBE, BACKEND_TRACEPOINT };
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(*all); i++) {
		if (strcmp(text, backend_name(all[i])))
			continue;
		o->backend = all[i];
		return 0;
	}
	return complain("--backend", text, "kprobe-multi or kprobe");
}

static int profile_parse(struct options *o, const char *text)
{
	if (!strcmp(text, "all"))
		o->profile = PROFILE_ALL;
	else if (!strcmp(text, "path"))
		o->profile = PROFILE_PATH;
	else if (!strcmp(text, "drop"))
		o->profile = PROFILE_DROP;
	else
		return complain("--profile", text, "all, path or drop");
	return 0;
}

static int glob_add(struct options *o, char *glob)
{
	size_t n = 0;
	char **grown;

	while (o->globs && o->globs[n])
		n++;
	grown = realloc(o->globs, (n + 2) * sizeof(*grown));
	if (!grown) {
		fprintf(stderr, "pktrec: out of memory\n");
		return 2;
	}
	o->globs = grown;
	o->globs[n] = glob;
	o->globs[n + 1] = NULL;
	return 0;
}

static int option_take(struct options *o, int option, char *value)
{
	static const struct unit plain[] = { { "", 1 }, {} };
	static const struct unit times[] = { { "", 1000000000 }, { "s", 1000000000 }, { "ms", 1000000 },
		{ "m", 60000000000 }, { "min", 60000000000 }, { "h", 3600000000000 }, {} };
	uint64_t number;

	switch (option) {
	case 'o':
	case 'w':
		o->output = value;
		return 0;
	case 'c':
		if (number_parse(value, plain, &o->count) || !o->count)
			return complain("-c", value, "a number of packets");
		return 0;
	case 'B':
		return ring_parse(o, value);
	case 'q':
		o->quiet = true;
		return 0;
	case 'v':
		o->verbose++;
		return 0;
	case OPT_DURATION:
		if (number_parse(value, times, &o->duration_ns) || !o->duration_ns)
			return complain("--duration", value, "a time such as 10s, 500ms or 2m");
		return 0;
	case OPT_BACKEND:
		return backend_parse(o, value);
	case OPT_PROFILE:
		return profile_parse(o, value);
	case OPT_LIGHT:
		o->light = true;
		o->backend = BACKEND_TRACEPOINT;
		return 0;
	case OPT_FUNC:
		return glob_add(o, value);
	case OPT_COMPRESS:
		if (number_parse(value, plain, &number) || number < TRC_LEVEL_MIN || number > TRC_LEVEL_MAX)
			return complain("--compress", value, "a level from 1 (fast) to 19 (small)");
		o->level = number;
		return 0;
	case OPT_READY:
		if (number_parse(value, plain, &number) || number > 65535)
			return complain("--ready-fd", value, "the number of an open descriptor");
		o->ready_fd = number;
		return 0;
	case OPT_CHECK:
		o->check = true;
		return 0;
	case OPT_LIST:
		o->list = true;
		return 0;
	case OPT_VERSION:
		printf("pktrec %s\n", PKTREC_VERSION);
		return 1;
	case OPT_HELP:
		fputs(help, stdout);
		return 1;
	}
	return 2;
}

int options_parse(struct options *o, int argc, char **argv)
{
	int option, err, own = 1;

	*o = (struct options){ .output = "pktrec.trc", .ring_bytes = RING_DEFAULT, .ready_fd = -1, .argc = argc, .argv = argv };
	/* getopt would mix words before and after "--": give it only those before */
	while (own < argc && strcmp(argv[own], "--"))
		own++;
	if (own < argc) {
		o->command = argv + own + 1;
		if (!*o->command) {
			fprintf(stderr, "pktrec: no command after --; leave both out to record until Ctrl-C\n");
			return 2;
		}
	}
	opterr = 0;
	while ((option = getopt_long(own, argv, ":o:w:c:B:qv", longs, NULL)) != -1) {
		if (option == '?' || option == ':') {
			fprintf(stderr, "pktrec: %s %s; see pktrec --help\n", argv[optind - 1],
				option == ':' ? "needs a value" : "is no option that pktrec knows");
			return 2;
		}
		err = option_take(o, option, optarg);
		if (err)
			return err;
	}
	if (optind < own) {
		fprintf(stderr, "pktrec: %s: filter expressions are not there yet; leave it out and record all packets\n",
			argv[optind]);
		return 2;
	}
	return 0;
}
