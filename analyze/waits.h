/* SPDX-License-Identifier: GPL-2.0 */
/* waits.h - the queues that packets wait in, and which functions put them there and take them out: schema/waits.tsv. */
#ifndef PKT_WAITS_H
#define PKT_WAITS_H

#include <stdbool.h>
#include <stdint.h>

#define QUEUES_MAX 16

struct wait_role {
	uint32_t out;		/* a bit for each queue that a packet is out of, seen here */
	int in;			/* the queue it is put into, -1 = none */
	bool elsewhere;		/* that counts only if it is taken out elsewhere */
};

unsigned int queues_count(void);
const char *queue_name(unsigned int queue);	/* "socket" */
const char *queue_meaning(unsigned int queue);	/* "in the queue of a socket, until ..." */

/* Of a function or tracepoint; a compiler's suffix of the name does not matter. */
struct wait_role wait_role_of(const char *name);

#endif
