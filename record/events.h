/* SPDX-License-Identifier: GPL-2.0 */
/* events.h - trace events that each stand for many kprobes: they can be defined before there are programs for them. */
#ifndef PKT_EVENTS_H
#define PKT_EVENTS_H

#include <stdbool.h>
#include <sys/types.h>

#include "functions.h"

#define TRACEFS "/sys/kernel/tracing"

struct events {
	char **names;		/* "pktrec_123/h1_0": kind, argument, cookie */
	size_t n;
	pid_t guard;		/* removes the events when nobody holds guard_fd any more; 0 = none */
	int guard_fd;
};

/* Starts the guard, while there are rights to do so.  0 or -errno; zeroed before. */
int events_open(struct events *e);
/* One probe, or two, for every wanted function without an error; sets attached, return_attached, error and why. */
int events_define(struct events *e, struct functions *f);
void events_name(const struct function *fn, bool retprobe, char *buf, size_t size);
/* The guard removes the events as soon as nothing uses them any more: seconds, which can be waited for. */
void events_close(struct events *e, bool wait);

#endif
