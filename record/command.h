/* SPDX-License-Identifier: GPL-2.0 */
/* command.h - the command to run while recording, and the user for whom it all happens. */
#ifndef PKT_COMMAND_H
#define PKT_COMMAND_H

#include <stdbool.h>
#include <sys/types.h>

/* The user behind sudo, if any; root is root. */
struct invoker {
	uid_t uid;
	gid_t gid;
	char name[64];		/* "" when not changed by sudo */
};

void invoker_find(struct invoker *who);

/* Before the slow part: is there such a program?  0, or -errno of what execvp() would say. */
int command_check(const char *name);
/*
 * Start argv as that user; *pid is its process.  out is its standard output, -1 = ours.  0 or -errno, also when it
 * cannot be executed.
 */
int command_start(char *const argv[], const struct invoker *who, int out, pid_t *pid);
/* Whether it has ended; *status is then its exit status, 128 + N for signal N. */
bool command_ended(pid_t pid, int *status);

#endif
