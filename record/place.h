/* SPDX-License-Identifier: GPL-2.0 */
/* place.h - which network namespace and interface --netns and -i mean. */
#ifndef PKT_PLACE_H
#define PKT_PLACE_H

#include <stddef.h>

#include "options.h"

/*
 * Sets netns, netns_fd and ifindex of the options.  An interface without --netns is of our own namespace, and of no
 * other: numbers of interfaces are not unique.  0, or -1 with one line in error.
 */
int place_find(struct options *o, char *error, size_t size);

#endif
