/* SPDX-License-Identifier: GPL-2.0 */
/* session_parts.h - what the two files of a recording share: session_start.c until all is attached, session.c the rest. */
#ifndef PKT_SESSION_PARTS_H
#define PKT_SESSION_PARTS_H

#include <sys/types.h>

#include "drain.h"
#include "events.h"
#include "files.h"
#include "filter.h"
#include "functions.h"
#include "options.h"
#include "pieces.h"
#include "probes.h"
#include "spool.h"
#include "symbols.h"
#include "system.h"

struct session {
	const struct options *o;
	struct invoker invoker;
	enum backend backend;
	struct symbols symbols;
	struct functions functions;
	struct probes probes;
	struct events events;		/* of the kprobe backend */
	struct filters filters;
	char *modules;			/* at the beginning */
	struct pieces *pieces;
	struct spool *spool;		/* once open, the pieces are its until file_end() */
	struct drain *drain;
	struct system *system;
	pid_t command;			/* 0 = none, or ended */
	int status;
	uint64_t started_ns, begun_ns, end_ns;
	const char *ending;		/* why it ends, NULL = it goes on */
};

/* One line on stderr; always 2, the status. */
int fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Only with -v, and with the time since the start, for a reader who wonders what it is spent on. */
void note(const struct session *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* These answer 0, or the status after fail(). */
int session_list(struct session *s);
int session_start(struct session *s);
size_t session_functions(const struct session *s, bool attached);
const char *session_profile(const struct session *s);

#endif
