/* SPDX-License-Identifier: GPL-2.0 */
/* numbers.h - lists of many numbers, two or three bytes each, and what they spread over: exactly, in little memory. */
#ifndef PKT_NUMBERS_H
#define PKT_NUMBERS_H

#include "latency.h"
#include "model_private.h"

struct numbers_chunk;
struct numbers {
	struct numbers_chunk *first, *last;
	uint64_t count, max;
};

int numbers_add(struct arena *a, struct numbers *list, uint64_t number);	/* 0 or -ENOMEM */
/* Of all that are in some lists.  0 or -ENOMEM. */
int numbers_spread(const struct numbers *const *lists, size_t n, struct spread *out);

#endif
