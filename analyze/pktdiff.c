// SPDX-License-Identifier: GPL-2.0
/*
 * pktdiff.c - compare two recordings: the same, or where they diverge and why.
 *
 * Exit status 0 the same, 1 different, 2 trouble or not comparable, as diff(1).
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "diff.h"
#include "render.h"

struct diff_options {
	const char *file[2];
	enum color_when color;
	bool brief;
	bool json;
	bool latency;
	bool done;		/* --help, --version: nothing more to do */
};

static const char usage[] = "usage: pktdiff [--latency] [--brief | --json] [--color auto|always|never] A.trc B.trc\n";

static const char help[] =
	"Compares two recordings of pktrec: says whether the same packets end alike on the\n"
	"same way, or where they diverge and why.\n"
	"\n"
	"  -q, --brief       only the first line: the verdict\n"
	"  -l, --latency     compare times, too\n"
	"      --json        one JSON object\n"
	"      --color WHEN  auto, always or never\n"
	"      --version     print the version\n"
	"  -h, --help        print this\n"
	"\n"
	"\"-\" is standard input.  Exit status: 0 the same, 1 different, 2 trouble or not comparable.\n";

#ifndef VERSION
#define VERSION "0.1"
#endif

enum { OPTION_JSON = 256, OPTION_COLOR, OPTION_VERSION };

static int option_apply(struct diff_options *o, int c, const char *word)
{
	switch (c) {
	case 'q':
		o->brief = true;
		return 0;
	case 'l':
		o->latency = true;
		return 0;
	case OPTION_JSON:
		o->json = true;
		return 0;
	case OPTION_COLOR:
		if (!color_parse(optarg, &o->color))
			return 0;
		fprintf(stderr, "pktdiff: unknown colour mode %s; use auto, always or never\n", optarg);
		return 2;
	case OPTION_VERSION:
		printf("pktdiff %s\n", VERSION);
		o->done = true;
		return 0;
	case 'h':
		fputs(usage, stdout);
		fputs(help, stdout);
		o->done = true;
		return 0;
	default:
		fprintf(stderr, "pktdiff: unknown or incomplete option %s; see pktdiff --help\n", word);
		return 2;
	}
}

static int options_parse(struct diff_options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "brief", no_argument, NULL, 'q' },
		{ "latency", no_argument, NULL, 'l' },
		{ "json", no_argument, NULL, OPTION_JSON },
		{ "color", required_argument, NULL, OPTION_COLOR },
		{ "version", no_argument, NULL, OPTION_VERSION },
		{ "help", no_argument, NULL, 'h' },
		{}
	};
	int c, err = 0;

	opterr = 0;
	while (!err && !o->done && (c = getopt_long(argc, argv, "qlh", longs, NULL)) != -1)
		err = option_apply(o, c, argv[optind - 1]);
	if (err || o->done)
		return err;
	if (argc - optind != 2) {
		fputs(usage, stderr);
		return 2;
	}
	o->file[0] = argv[optind];
	o->file[1] = argv[optind + 1];
	if (!strcmp(o->file[0], "-") && !strcmp(o->file[1], "-")) {
		fputs("pktdiff: both recordings cannot come from standard input; name one of them\n", stderr);
		return 2;
	}
	return 0;
}

/* 0 or 1 as said by the comparison, 2 when it could not be written out. */
static int report(const struct diff *d, const struct diff_options *o, int status)
{
	struct term term;
	int err;

	term_open(&term, o->color, !o->brief && !o->json);
	if (o->json)
		diff_json(d, term.out);
	else
		diff_show(d, &term, o->brief);
	err = term_close(&term);
	if (err) {
		fprintf(stderr, "pktdiff: cannot write the result: %s\n", strerror(-err));
		return 2;
	}
	return status;
}

static int compare(const struct diff_options *o)
{
	struct model *m[2] = {};
	struct diff d = {};
	char error[700];
	int status = 2;

	for (int s = 0; s < 2; s++) {
		if (model_load(&m[s], o->file[s], error, sizeof(error))) {
			fprintf(stderr, "pktdiff: %s\n", error);
			goto out;
		}
	}
	status = (o->latency ? diff_run_latency : diff_run)(&d, m[0], m[1], error, sizeof(error));
	if (status < 0) {
		fprintf(stderr, "pktdiff: %s\n", error);
		status = 2;
	} else {
		status = report(&d, o, status);
	}
out:
	diff_free(&d);
	model_free(m[0]);
	model_free(m[1]);
	return status;
}

int main(int argc, char **argv)
{
	struct diff_options options = {};
	int err = options_parse(&options, argc, argv);

	return err || options.done ? err : compare(&options);
}
