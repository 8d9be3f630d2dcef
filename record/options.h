/* SPDX-License-Identifier: GPL-2.0 */
/* options.h - the command line of pktrec. */
#ifndef PKT_OPTIONS_H
#define PKT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "functions.h"
#include "probes.h"

#define SNAP_DEFAULT 128
#define SNAP_WHOLE UINT32_MAX
#define ROTATE_LEAST (64u << 10)	/* what a piece begins with, names above all, must have room in it */

struct options {
	const char *output;
	char *const *command;		/* NULL = none */
	enum backend backend;		/* BACKEND_TRACEPOINT with --light */
	enum profile profile;
	char **globs;			/* --func, NULL-terminated; NULL = none */

	/* which packets */
	char *filter;			/* the words, or what is in -F FILE; NULL = all packets; owned */
	const char *tunnel;		/* filter on the inner packet, NULL = none */
	const char *interface;		/* as given, NULL = any */
	uint32_t ifindex;		/* of it in netns; place_find() sets these three */
	uint32_t netns;			/* inode number of --netns, or of our own with -i; 0 = any */
	int netns_fd;			/* of --netns, kept open so that the number stays its; -1 = none */
	const char *netns_name;		/* as given, NULL = none */
	uint32_t mark, mark_mask;
	bool mark_set;

	/* how much of each */
	bool payload;			/* keep the first snap_bytes of each packet (SNAP_WHOLE: all) */
	uint32_t snap_bytes;
	bool stacks;			/* one with every hop */
	bool light;			/* tracepoints and few stacks */

	/* how long, where to */
	uint64_t count;			/* packets, 0 = no limit */
	uint64_t duration_ns;		/* 0 = no limit */
	uint64_t rotate_bytes;		/* a new file after so many, 0 = one file */
	uint32_t rotate_files;		/* keep the last so many, 0 = all */
	const char *user;		/* -Z, NULL = the invoking one */
	uint32_t ring_bytes;		/* of each CPU; 0 = what is right for the number of them */
	int level;			/* of compression, 0 = the default */
	int ready_fd;			/* -1 = none */
	bool quiet, check, list;
	int verbose;
	int argc;			/* the whole command line, for the recording */
	char **argv;
};

/* 0: go on; 1: done (--help, --version); 2: a message was printed.  options_free() in any case. */
int options_parse(struct options *o, int argc, char **argv);
void options_free(struct options *o);

#define PKTREC_VERSION "0.1"

#endif
