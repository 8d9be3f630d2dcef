/* SPDX-License-Identifier: GPL-2.0 */
/* session.h - one recording, from the requirements to the last line. */
#ifndef PKT_SESSION_H
#define PKT_SESSION_H

#include "options.h"

/* The exit status: of the command, or 0; 2 when anything went wrong, with one line on stderr. */
int session_run(struct options *o);	/* finds what --netns and -i mean */

#endif
