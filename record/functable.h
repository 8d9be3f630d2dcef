/* SPDX-License-Identifier: GPL-2.0 */
/* functable.h - the recording's table of functions: probed ones first, others as they turn up in stacks and drops. */
#ifndef PKT_FUNCTABLE_H
#define PKT_FUNCTABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "event.h"
#include "functions.h"
#include "pkttrace.h"

struct functable;
struct spool;

/* Writes every function that was asked for.  0 or -errno. */
int functable_open(struct functable **out, const struct functions *f, const struct symbols *s, struct spool *spool);
void functable_free(struct functable *t);

/* Id of the function that holds this address (as hop_event.func has it); a new one is written first. */
int functable_at(struct functable *t, uint32_t offset, uint32_t *id);
/*
 * The frames of a stack (offsets, as in stack_event) as ids, without those of the tracer and of whatever a softirq
 * interrupted.  frames has room for `count`; *kept is how many there are.
 */
int functable_stack(struct functable *t, const uint32_t *offsets, uint32_t count, bool process, uint32_t *frames, uint32_t *kept);

#endif
