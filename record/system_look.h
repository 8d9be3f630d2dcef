/* SPDX-License-Identifier: GPL-2.0 */
/* system_look.h - private to system*.c: one look at the system, and the ways to get a text of it. */
#ifndef PKT_SYSTEM_LOOK_H
#define PKT_SYSTEM_LOOK_H

#include <sys/types.h>

#include "text.h"

#define TEXT_LIMIT (8u << 20)		/* of one text */
#define LOOK_LIMIT (64u << 20)		/* of all texts of a look */
#define TOOL_LIMIT_NS 2000000000ULL	/* for one tool */
#define BYSTANDERS_NS 1500000000ULL	/* at the end, for namespaces without a packet: the user waits */
#define NOTE_MAX 160

/* The socket to the recorder while a look is on its way. */
struct watch {
	int fd;			/* hangs up when nobody waits any more; a message is: stop now, or something that waits for the end */
	bool stopped;
};

/* Look, and write it as a recording of its own.  netns: that packets were seen in. */
int system_look(struct trc_writer *w, bool end, const uint32_t *netns, size_t n, struct watch *watch);

/* A tool that runs, or ran: its words become text, what is wrong with them note. */
struct tool {
	pid_t pid;
	int fd;			/* -1 = it is done */
	uint64_t deadline_ns;
	struct text *text;
	char *note;		/* NOTE_MAX bytes */
	char name[64];
};

uint64_t system_now_ns(void);
/* command: "ip -j route"; NAME!WORD as in schema/system.tsv.  0 or -errno: -ENOENT is not installed. */
int tool_start(struct tool *t, const char *command, uint64_t deadline_ns);
/* The same; it reads from input, -1 = nothing. */
int tool_start_with(struct tool *t, const char *command, int input, uint64_t deadline_ns);
/* Until all are done, or their time is up, or no more is wanted.  Ends the process when nobody waits any more. */
void tools_finish(struct tool *tools, size_t n, struct watch *watch);

/* JSON as of ip -j, with fewer keys.  0 or -errno: -EINVAL is no such name. */
int system_netlink(struct text *out, const char *name);

/* Starts tc to tell all filters of this namespace, if there can be some.  0 or -errno, as tool_start(). */
int system_filters(struct tool *t, const char *command, uint64_t deadline_ns);

#endif
