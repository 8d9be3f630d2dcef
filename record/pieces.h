/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pieces.h - the file that is recorded into, or several of them, one after the other (-C, -W).
 *
 * Each piece is a recording of its own: with facts, names, functions and stacks, and counts of what is in it.  Packet
 * ids, numbers of hops and times go on from one to the next.
 */
#ifndef PKT_PIECES_H
#define PKT_PIECES_H

#include <stddef.h>
#include <stdint.h>

#include "pkttrace.h"
#include "privileges.h"

struct pieces_plan {
	const char *path;		/* as given with -o */
	const struct invoker *who;	/* owns them */
	uint64_t bytes;			/* a new one once it is this large; 0 = only one */
	uint32_t keep;			/* overwrite the oldest when there are so many; 0 = keep all */
	int level;			/* of compression, 0 = the default */
	/* Facts are written anew for each piece, by the thread that writes; number is from 1.  0 or -errno. */
	int (*facts)(struct trc_writer *w, uint32_t number, void *data);
	/* What else a recording begins with, asked for once.  0 or -errno. */
	int (*common)(struct trc_writer *w, void *data);
	void *data;
};

struct pieces;

/* The plan is copied, what it points to borrowed.  0 or -errno; pieces_error() of *out, which is set all the same. */
int pieces_open(struct pieces **out, const struct pieces_plan *plan);
int pieces_write(struct pieces *p, const struct trc_record *rec);
int pieces_hop(struct pieces *p, const struct trc_hop *hop);
int pieces_flush(struct pieces *p);
int pieces_finish(struct pieces *p);			/* the last one */
void pieces_packets(struct pieces *p, uint64_t packets);	/* seen so far; by any thread */

struct trc_writer *pieces_writer(struct pieces *p);	/* of the current piece, for what belongs to it alone */
int pieces_fd(const struct pieces *p);
uint64_t pieces_bytes(const struct pieces *p);		/* of all pieces; so are hops */
uint64_t pieces_hops(const struct pieces *p);
uint64_t pieces_hops_overwritten(const struct pieces *p);
/* "x.trc", or the first and the last of several and how many they are. */
void pieces_names(const struct pieces *p, char *buf, size_t size);
const char *pieces_error(const struct pieces *p);	/* one line with the file's name, after a negative answer */
void pieces_free(struct pieces *p);			/* NULL is fine */

#endif
