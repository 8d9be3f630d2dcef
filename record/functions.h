/* SPDX-License-Identifier: GPL-2.0 */
/* functions.h - which kernel functions take a packet, and what is to be done with each. */
#ifndef PKT_FUNCTIONS_H
#define PKT_FUNCTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbols.h"

enum profile {
	PROFILE_DEFAULT,	/* the backend's choice */
	PROFILE_ALL,
	PROFILE_PATH,		/* flag p of schema/functions.tsv */
	PROFILE_DROP,		/* only what frees and drops */
};

struct function {
	const char *name;	/* of the symbols; owned when addr is 0 */
	const char *module;	/* "" = vmlinux */
	uint64_t addr;		/* 0 = it has none */
	uint32_t arg;		/* position of the sk_buff, 1..5 */
	uint32_t cookie;	/* enum cookie */
	bool wanted;		/* by the profile and the --func patterns */
	bool unique;		/* no other function has this name */
	bool attached;
	bool return_attached;
	int error;		/* positive errno of a refused probe, 0 = none (yet) */
	const char *why;	/* it is refused, in words; static */
};

struct functions {
	struct function *v;	/* by address, those without one last */
	size_t n;
};

struct function_choice {
	enum profile profile;
	char *const *globs;	/* --func, NULL-terminated; NULL = no restriction */
};

/* Every function with a struct sk_buff * among its first five arguments, of vmlinux and all modules.  0 or -errno. */
int functions_find(struct functions *f, const struct symbols *s, const struct function_choice *choice);
void functions_free(struct functions *f);

/* Flags of schema/functions.tsv for a name, "" when it is not in there. */
const char *knowledge_flags(const char *name);

#endif
