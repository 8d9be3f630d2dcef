/* SPDX-License-Identifier: GPL-2.0 */
/* report.h - what is said while recording and at the end, on standard error. */
#ifndef PKT_REPORT_H
#define PKT_REPORT_H

#include <stddef.h>

#include "drain.h"
#include "options.h"
#include "pieces.h"

/* What may be why nothing was recorded. */
struct silence {
	const struct options *o;
	size_t attached, refused;
	int status;		/* of the command */
	uint64_t lost;
};

/* "nothing was recorded: ..." with every reason that applies, in one line. */
void silence_explain(const struct silence *s, const char *resolv_conf, char *buf, size_t size);

/* In place, once a second at most. */
void status_print(const struct drain_totals *t, uint64_t bytes, uint64_t now_ns);
void status_clear(void);
/* The last line, always: counts and files. */
void counts_print(const struct drain_totals *t, const struct pieces *p);

#endif
