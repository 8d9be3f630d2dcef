/* SPDX-License-Identifier: GPL-2.0 */
/* sysctls.h - the settings of the namespace we are in, as schema/sysctls.tsv chooses them. */
#ifndef PKT_SYSCTLS_H
#define PKT_SYSCTLS_H

#include "text.h"

#define SYSCTLS_MAX 20000	/* files: a machine with very many interfaces has more */

/* As sysctl -a prints them, in order of name: "net.ipv4.ip_forward = 1".  root is /proc/sys.  0 or -errno. */
int sysctls_read(struct text *out, const char *root);

#endif
