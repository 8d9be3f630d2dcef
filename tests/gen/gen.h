/* SPDX-License-Identifier: GPL-2.0 */
/*
 * gen.h - recordings of any size, made from the paths of real ones.
 *
 * The samples give the ways that packets really took, hop by hop; the generator sends many packets of many flows
 * along them, in bursts, on several CPUs.  The same options give the same rows.
 */
#ifndef GEN_H
#define GEN_H

#include <stdbool.h>
#include <stdint.h>

#include "pkttrace.h"

#define GEN_CPUS_MAX 256
#define GEN_FLOWS_MAX 1000000
#define GEN_NETS 8		/* copies of the samples' namespaces and links */

struct gen_options {
	uint64_t hops;
	uint64_t seed;
	unsigned int cpus;
	unsigned int flows;
	unsigned int speed;	/* the samples' times are divided by this: they come from an emulated machine */
	unsigned int lose;	/* lose some hops once in so many; 0 = none */
	unsigned int flush;	/* after so many hops, as in a quiet recording; 0 = by time only */
	bool stacks;		/* a stack with each packet, as the recorder does */
	bool all;		/* edges, first bytes and snapshots too */
};

/* The way of one packet of a sample. */
struct gen_path {
	struct trc_hop *hops;
	uint32_t nhops;
	uint32_t softirq;	/* first hop in a softirq, 0 = none */
	uint32_t pid;		/* of the first hop */
	uint32_t stack;		/* of the first hop, 0 = none */
	bool dropped;
};

/* What is read from the samples: every array is owned. */
struct gen_source {
	struct trc_record *names;	/* facts, enums, functions, namespaces, links, processes; their strings too are owned */
	size_t nnames;
	struct trc_frames *stacks;	/* number n is at n - 1; each is there once */
	uint32_t nstacks;
	struct gen_path *paths;
	size_t npaths;
	uint32_t nfuncs;
	uint32_t *twins[2][2];		/* [IPv6][TCP]: the function that does the same there, by id */
};

/* Answers 0, or -1 with one sentence in error. */
int gen_source_load(struct gen_source *s, char *const *samples, int n, char *error, size_t size);
void gen_source_free(struct gen_source *s);

/* Writes it all, names first; the writer is not finished.  0 or negative errno, trc_writer_error() says what. */
int gen_write(const struct gen_source *s, const struct gen_options *o, struct trc_writer *w);

#endif
