/* SPDX-License-Identifier: GPL-2.0 */
/* check.h - what a recording needs: looked at before anything is touched. */
#ifndef PKT_CHECK_H
#define PKT_CHECK_H

#include <stdio.h>

#include "probes.h"

/*
 * Check everything that `wanted` needs (BACKEND_AUTO: the best that works, which may be BACKEND_TRACEPOINT).  0 with
 * *found set; else -1 with one line in error: what is missing and what to do.
 */
int check_requirements(enum backend wanted, enum backend *found, char *error, size_t size);
/* The same as a table, every row: what, found, how to fix; then the backends.  0 when recording can work here. */
int check_print(FILE *out, enum backend wanted);

#endif
