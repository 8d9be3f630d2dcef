/* SPDX-License-Identifier: GPL-2.0 */
/* snapshot.h - what is written about the machine: facts, the kernel's enums, interfaces and namespaces. */
#ifndef PKT_SNAPSHOT_H
#define PKT_SNAPSHOT_H

#include "pkttrace.h"
#include "places.h"

struct snapshot_info {
	const char *version;		/* of pktrec */
	int argc;
	char **argv;
	const char *backend;
	const char *profile;
	uint64_t ring_bytes;
	size_t attached, refused;
	uint32_t piece, pieces;		/* number of this file from 1, how many are kept (0 = all); piece 0: not rotated */
};

/* 0 or -errno; what the machine does not tell is left out. */
int snapshot_facts(struct trc_writer *w, const struct snapshot_info *info);
int snapshot_enums(struct trc_writer *w);
/* Goes into each place: for a process that can do so (system.c); also after the command, which may have made some. */
int snapshot_links(struct trc_writer *w, const struct places *p);

#endif
