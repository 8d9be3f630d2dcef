/* SPDX-License-Identifier: GPL-2.0 */
/* prototypes.h - what BTF says: which functions take a packet, and at which position. */
#ifndef PKT_PROTOTYPES_H
#define PKT_PROTOTYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "functions.h"

struct btf;

struct prototype {
	const char *name;	/* of BTF */
	const char *module;	/* "" = vmlinux */
	uint32_t arg;		/* position of the packet, 1..5; of what it takes instead when it is not covered */
	enum by by;
	bool state;		/* a struct nf_hook_state * comes right after it */
	const char *uncovered;	/* NULL, or why there is no packet to be had from it; static */
};

struct prototypes {
	struct prototype *v;
	size_t n;
	struct btf **btfs;	/* the names are theirs; the first is of vmlinux */
	char **modules;		/* beside btfs[] */
	size_t nbtfs;
	uint8_t *kinds;		/* what is known of each type of the BTF being read, enum kind */
	size_t nkinds;
	bool uncovered;		/* wanted too */
};

/* Of vmlinux and all modules; those that are not covered only when asked for.  0 or -errno. */
int prototypes_load(struct prototypes *p, bool uncovered);
void prototypes_free(struct prototypes *p);

#endif
