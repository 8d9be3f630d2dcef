/* SPDX-License-Identifier: GPL-2.0 */
/* modules.h - the kernel modules that came and went while recording: their functions were not, or no longer, probed. */
#ifndef PKT_MODULES_H
#define PKT_MODULES_H

#include "functions.h"
#include "pkttrace.h"

/* Names of the modules that are loaded, a line each; the caller's to free.  NULL: this kernel does not tell. */
char *modules_names(void);
/* Facts about what changed between two such lists (NULL: not known): none when nothing did.  0 or -errno. */
int modules_compare(struct trc_writer *w, const char *before, const char *after, const struct functions *f);

#endif
