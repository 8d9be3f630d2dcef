/* SPDX-License-Identifier: GPL-2.0 */
/* output.h - the file that is recorded into. */
#ifndef PKT_OUTPUT_H
#define PKT_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "privileges.h"

/* Before the slow part: would output_open() succeed?  0, or -1 with one line in error. */
int output_check(const char *path, const struct invoker *who, char *error, size_t size);
/*
 * Open path ("-" is standard output) for a new recording, mode 0600, owned by the invoker.  An existing file becomes
 * path.old; a symbolic link is never followed, and a stranger's file where everybody may write is refused.  The
 * descriptor, or -1 with one line in error.
 */
int output_open(const char *path, const struct invoker *who, char *error, size_t size);
/* Can we, who we are now, make more files beside path?  0, or -1 with one line in error. */
int output_next_check(const char *path, char *error, size_t size);
/* Is it a pipe whose last reader is gone?  In a quiet time no write would tell. */
bool output_left(int fd);

#endif
