/* SPDX-License-Identifier: GPL-2.0 */
/* stacks.h - the dictionary of kernel stacks: each is written to the recording once. */
#ifndef PKT_STACKS_H
#define PKT_STACKS_H

#include <stdbool.h>
#include <stdint.h>

#include "functable.h"
#include "spool.h"

struct stacks;

int stacks_open(struct stacks **out, struct functable *functions, struct spool *spool);	/* both are borrowed; 0 or -errno */
/*
 * The number of this stack in the recording, given to the spool first when it is new; 0 when nothing of it is the
 * packet's.  Frames are offsets as in stack_event.  0 or -errno.
 */
int stacks_number(struct stacks *s, const uint32_t *offsets, uint32_t count, bool process, uint32_t *number);
void stacks_free(struct stacks *s);	/* NULL is fine */

#endif
