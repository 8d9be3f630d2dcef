/* SPDX-License-Identifier: GPL-2.0 */
/*
 * spool.h - bounded memory between the thread that drains the rings and the one that compresses and writes.
 *
 *     rings --drain (main thread)--> batches --spool's thread--> pieces --> file
 *
 * From spool_open() until spool_finish() they are the spool's thread's alone.
 */
#ifndef PKT_SPOOL_H
#define PKT_SPOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "pkttrace.h"

#define SPOOL_FRAMES 48		/* of a stack, at most */

struct pieces;
struct spool;

int spool_open(struct spool **out, struct pieces *p);	/* 0 or -errno; the pieces are borrowed */
/*
 * Is there room for a hop, or for a stack and all the functions that it may name?  Never waits.  Who must not wait
 * asks before spool_hop() and spool_write(): without room they wait for the file.
 */
bool spool_room(struct spool *s);
/* These answer 0, or the -errno of a write that failed before; pieces_error() has the words after spool_finish(). */
int spool_hop(struct spool *s, const struct trc_hop *hop);
int spool_write(struct spool *s, const struct trc_record *rec);	/* copied, but for texts of a function: borrowed until the finish */
/* Have all that was given so far written now, and the unit closed.  false: the thread is behind; call it again. */
bool spool_flush(struct spool *s);
int spool_error(struct spool *s);
uint64_t spool_bytes(struct spool *s);				/* written so far */
/* Wait until all is written, end the thread; may be called twice.  Then the pieces are the caller's again. */
int spool_finish(struct spool *s);
void spool_free(struct spool *s);				/* NULL is fine */

#endif
