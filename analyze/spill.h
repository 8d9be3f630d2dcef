/* SPDX-License-Identifier: GPL-2.0 */
/* spill.h - memory for what grows with a recording: what is too much of it lies in a temporary file. */
#ifndef PKT_SPILL_H
#define PKT_SPILL_H

#include <stddef.h>

/* Bytes; tests set smaller ones. */
struct spill_limits {
	size_t held;		/* so much, of the whole process, is plain memory */
	size_t least;		/* what is smaller is malloc's in any case */
	size_t resident;	/* so much of the file is looked at until it may leave memory again */
};
extern struct spill_limits spill_limits;

/* As malloc(), realloc() and free() are; what one gave only these take.  What grew is copied. */
void *spill_alloc(size_t size);
void *spill_realloc(void *p, size_t size);
void spill_free(void *p);
void *spill_array(size_t n, size_t size);			/* zeroed */
/* grow() of model_private.h, for arrays of these. */
int spill_grow(void **v, size_t n, size_t *room, size_t size);

/* Some bytes were looked at, or written: often enough, what lies in the file leaves memory.  Pointers stay good. */
void spill_look(size_t bytes);

const char *spill_trouble(void);		/* why there is no memory: a sentence about the file; NULL = not for that */
void spill_on_loss(void (*f)(void));		/* before the program ends because the file cannot be read; NULL = nothing */

#endif
