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

/* How the packet is found in the argument. */
enum by {
	BY_POINTER,		/* it is the sk_buff */
	BY_REFERENCE,		/* it points to a pointer to the sk_buff */
	BY_LIST,		/* it is the head of a list of sk_buffs */
	BY_NOTHING,		/* it cannot be: the function is not covered */
};

struct function {
	const char *name;	/* of the symbols; owned when addr is 0 */
	const char *module;	/* "" = vmlinux */
	uint64_t addr;		/* 0 = it has none */
	uint32_t arg;		/* position of the sk_buff or of what leads to it, 1..5; 0 = not known where it is */
	enum by by;
	uint32_t cookie;	/* enum cookie */
	bool verify;		/* it counts only if the argument holds a packet that is followed already */
	bool tracepoint;	/* it is none, but a tracepoint: addr is a number of its own, cookie enum tracepoint_flags */
	uint32_t program;	/* it is none, but the loaded BPF program of this id: addr is a number of its own */
	uint32_t program_btf;	/* its type in the program's BTF */
	bool program_xdp;	/* it is of XDP, else of TC */
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
	bool uncovered;		/* also, as not wanted, those whose packet is out of reach, with the reason */
};

/*
 * Loads the symbols and finds every function that has a packet among its first five arguments, of vmlinux and all
 * modules.  0, or -errno and *where = the file that it is about.  Both are to be freed in any case.
 */
int functions_find(struct functions *f, struct symbols *s, const struct function_choice *choice, const char **where);
/* The same for the tracepoints that have an sk_buff. */
int tracepoints_find(struct functions *f, struct symbols *s, const struct function_choice *choice, const char **where);
/*
 * Adds the loaded programs of XDP and TC; why one cannot be probed is in its error and why.  0 or -errno: then there may
 * be some, but the kernel does not tell.
 */
int programs_find(struct functions *f, const struct symbols *s, const struct function_choice *choice);
/* A new one, all zero, at the end; NULL: no memory. */
struct function *functions_add(struct functions *f);
/* What is in `from` goes to the end of f.  0 or -ENOMEM. */
int functions_join(struct functions *f, struct functions *from);
void functions_free(struct functions *f);

/* Flags of schema/functions.tsv for a name, "" when it is not in there. */
const char *knowledge_flags(const char *name);
/* Whether it is in there by name, and not by a pattern only. */
bool knowledge_names(const char *name);

/* A function whose packet its prototype does not show: schema/hidden.tsv. */
struct hidden {
	const char *name;	/* a shell glob; with a dot: for a compiler's variant */
	uint32_t arg;
	enum by by;
	bool verify;
};

/* What schema/hidden.tsv says of a symbol; NULL = nothing. */
const struct hidden *hidden_of(const char *symbol);
const struct hidden *hidden_rows(size_t *count);

/* When an edge between two packets holds, at a function that has both: schema/lineage.tsv. */
enum lineage_when {
	LINEAGE_ENTRY,		/* as it is entered */
	LINEAGE_TRUE,		/* if it returns true: the lowest byte is not 0 */
	LINEAGE_NONZERO,	/* if it returns an int other than 0 */
	LINEAGE_ZERO,		/* if it returns the int 0 */
	LINEAGE_AFTER,		/* as it returns: the child is what is then at its address, the parent what was at its own before */
	LINEAGE_CHAINED,	/* as it returns: the parents are those that then hang in the child */
	LINEAGE_INSIDE,		/* no edge of its own: kind of those that are reported for the same parent meanwhile */
};

struct lineage {
	const char *function;	/* without a compiler's suffix */
	uint32_t kind;		/* enum trc_edge_kind */
	uint32_t child;		/* position of its sk_buff, 1..5; 0 with LINEAGE_INSIDE */
	uint32_t parent;	/* 1..5; 0 with LINEAGE_CHAINED */
	enum lineage_when when;
};

/* What schema/lineage.tsv says of a function; NULL = nothing. */
const struct lineage *lineage_of(const char *function);
const struct lineage *lineage_rows(size_t *count);

#endif
