/* SPDX-License-Identifier: GPL-2.0 */
/* traceable.h - which functions ftrace can trace. */
#ifndef PKT_TRACEABLE_H
#define PKT_TRACEABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct traceable_line {
	const char *name;	/* ends at a blank or the end of its line */
	const char *module;	/* "" or ends at ']' */
	uint32_t hash, next;	/* index + 1 of the next in the bucket; 0 = none */
};

struct traceable {
	struct traceable_line *lines;
	uint32_t *buckets;
	uint32_t mask;
	size_t n;
	char *text;
	bool known;	/* false: the list cannot be read, so let the kernel decide */
};

/* 0 also when there is no such list; -ENOMEM. */
int traceable_load(struct traceable *t, const char *path);
void traceable_free(struct traceable *t);

/* How many functions of this name and module ("" = vmlinux) can be traced. */
size_t traceable_count(const struct traceable *t, const char *name, const char *module);

#endif
