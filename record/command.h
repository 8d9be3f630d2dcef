/* SPDX-License-Identifier: GPL-2.0 */
/* command.h - the command to run while recording. */
#ifndef PKT_COMMAND_H
#define PKT_COMMAND_H

#include <stdbool.h>
#include <sys/types.h>

#include "privileges.h"

/* Before the slow part: is there such a program?  0, or -errno of what execvp() would say. */
int command_check(const char *name);
/*
 * Start argv as the user that we have become, told to it as a login would; *pid is its process.  out is its standard
 * output, -1 = ours.  0 or -errno, also when it cannot be executed.
 */
int command_start(char *const argv[], const struct invoker *who, int out, pid_t *pid);
/* Whether it has ended; *status is then its exit status, 128 + N for signal N. */
bool command_ended(pid_t pid, int *status);

#endif
