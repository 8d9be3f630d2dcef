/* SPDX-License-Identifier: GPL-2.0 */
/* privileges.h - for whom it all happens, and giving up what is not needed once the probes are attached. */
#ifndef PKT_PRIVILEGES_H
#define PKT_PRIVILEGES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The user to become: -Z's, or the one behind sudo; else the one that we are. */
struct invoker {
	uid_t uid;
	gid_t gid;
	bool other;		/* than we are: to be changed to */
	char name[64];		/* "" when there is none for that uid, or it is not changed */
	char home[256];
};

/* user is -Z's, or NULL.  0, or -1 with one line in error: there is no such user, or we may not become it. */
int invoker_find(struct invoker *who, const char *user, char *error, size_t size);

/*
 * Become that user, with its groups, and give up every capability, in one direction only.  Call it while this is the
 * only thread: capabilities are each thread's own.  What is open stays usable; `works` is asked whether that is so for
 * BPF descriptors, and CAP_BPF is kept where it is not (kernels before 5.19).  0, or -1 with one line in error.
 */
int privileges_drop(const struct invoker *who, bool (*works)(void *data), void *data, char *error, size_t size);

#endif
