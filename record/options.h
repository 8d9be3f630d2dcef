/* SPDX-License-Identifier: GPL-2.0 */
/* options.h - the command line of pktrec. */
#ifndef PKT_OPTIONS_H
#define PKT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "functions.h"
#include "probes.h"

struct options {
	const char *output;
	char *const *command;		/* NULL = none */
	enum backend backend;
	enum profile profile;
	char **globs;			/* --func, NULL-terminated; NULL = none */
	uint64_t count;			/* packets, 0 = no limit */
	uint64_t duration_ns;		/* 0 = no limit */
	uint32_t ring_bytes;
	int level;			/* of compression, 0 = the default */
	int ready_fd;			/* -1 = none */
	bool light;
	bool quiet, check, list;
	int verbose;
	int argc;			/* the whole command line, for the recording */
	char **argv;
};

/* 0: go on; 1: done (--help, --version); 2: a message was printed. */
int options_parse(struct options *o, int argc, char **argv);

#define PKTREC_VERSION "0.1"

#endif
