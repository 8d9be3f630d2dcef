/* SPDX-License-Identifier: GPL-2.0 */
/* cmdlines.h - the command lines of processes, read beside the recording: nobody waits for them. */
#ifndef PKT_CMDLINES_H
#define PKT_CMDLINES_H

#include <stdbool.h>
#include <sys/types.h>

#define CMDLINE_BYTES 4096	/* kept of one, its NUL included */

struct cmdlines;

int cmdlines_open(struct cmdlines **out);		/* 0 or -errno */
/* The process that has this name: never waits; when too many are asked for already, this one is not. */
void cmdlines_ask(struct cmdlines *c, pid_t pid, const char *name);
/* One that was found since, in the order asked; the texts are valid until the next call.  false: none. */
bool cmdlines_take(struct cmdlines *c, pid_t *pid, const char **name, const char **text);
/* Give those that were asked for so many milliseconds to be found. */
void cmdlines_settle(struct cmdlines *c, int ms);
void cmdlines_free(struct cmdlines *c);			/* NULL is fine */

/* Arguments as one line, blanks between them: what execve() was given, or /proc/PID/cmdline has.  out has CMDLINE_BYTES. */
void cmdline_join(char *out, char *const argv[]);
/* 0, or -errno when there is no such process or it has another name by now. */
int cmdline_read(char *out, pid_t pid, const char *name);

#endif
