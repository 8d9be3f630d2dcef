/* SPDX-License-Identifier: GPL-2.0 */
/* ways.h - classes of packets that took the same way: see sql_path.c. */
#ifndef PKT_WAYS_H
#define PKT_WAYS_H

#include "model.h"

struct way {
	uint64_t signature;
	uint32_t packets, steps, example;	/* how many; functions; the first packet's number */
};

/* ways[number - 1], to be freed; path_of[packet's number - 1] is the number of its way.  0 or -ENOMEM. */
int ways_of(const struct model *m, struct way **ways, size_t *n, uint32_t *path_of);

#endif
