/* SPDX-License-Identifier: GPL-2.0 */
/* places.h - the network namespaces of this machine: their names, and the way in. */
#ifndef PKT_PLACES_H
#define PKT_PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct place {
	ino_t inode;
	char name[256];		/* "" = unnamed; "init" for the one of pid 1 */
	char path[300];
	bool known;		/* init, a named one, or our own: not just some process's */
};

struct places {
	struct place *v;	/* init first, then named ones, our own, others */
	size_t n;
};

int places_find(struct places *p);
int place_open(const struct place *p);		/* a file descriptor, or -errno */
int place_enter(const struct place *p);		/* the calling thread alone; 0 or -errno */
void places_free(struct places *p);

#endif
