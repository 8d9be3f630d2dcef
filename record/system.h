/* SPDX-License-Identifier: GPL-2.0 */
/*
 * system.h - the system around a recording: namespaces, interfaces, routes, rulesets, counters, at its start and end.
 *
 * A child process looks, because it must go into other namespaces, and still may when the recorder has given up its
 * privileges.  It is forked before anything of the kernel is open, and goes when the recorder goes, however that ends.
 */
#ifndef PKT_SYSTEM_H
#define PKT_SYSTEM_H

#include <stdbool.h>

#include "pkttrace.h"

#define SYSTEM_NETNS_MAX 64	/* that are looked at; of others there are names and interfaces */

struct system;

/* Forks; the look at the start begins at once, in the background.  Before privileges are dropped.  0 or -errno. */
int system_open(struct system **out);
/*
 * Waits until the look at the start is over, which takes a bounded time: before functions are probed, so that its tools
 * neither run through probes that are being put in nor count in what they look at.
 */
void system_await(struct system *s);
/*
 * Begins the look at the end, in the background: after the programs were disabled, so that its own netlink messages are
 * not recorded.  netns: inode numbers of the namespaces that packets were seen in.  hurry: somebody waits for the end,
 * so that system_write() does not wait long.
 */
void system_end(struct system *s, const uint32_t *netns, size_t n, bool hurry);
/*
 * Waits until a look is over, which takes a bounded time, and writes what was seen: TRC_NETNS, TRC_LINK, TRC_SNAPSHOT.
 * What could not be seen is a note there.  May be called again, for another file.  0 or -errno of the writer.
 */
int system_write(struct system *s, struct trc_writer *w, bool end);
void system_free(struct system *s);	/* NULL is fine; the child ends */

#endif
