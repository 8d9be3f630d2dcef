// SPDX-License-Identifier: GPL-2.0
/*
 * legs.c - one packet's way from entry to entry, and how the time of each leg was spent.
 *
 * A packet is in a queue from the last function that puts it there to the first that shows it is out: whatever is seen
 * in between (the way back of who put it, the process that is woken) does not make it move on.
 */
#include <errno.h>
#include <stdlib.h>

#include "latency.h"
#include "model_private.h"

static const struct { const char *name, *meaning; } spent[TIME_QUEUES] = {
	[TIME_RUNNING] = { "running", "on its way, in one context of one CPU" },
	[TIME_CROSSING] = { "crossing", "until another CPU went on with it, with no known queue between" },
	[TIME_SWITCHING] = { "switching", "the same CPU went on, in another process or interrupt" },
};

unsigned int times_count(void)
{
	return TIME_QUEUES + queues_count();
}

const char *time_name(unsigned int time)
{
	return time < TIME_QUEUES ? spent[time].name : queue_name(time - TIME_QUEUES);
}

const char *time_meaning(unsigned int time)
{
	return time < TIME_QUEUES ? spent[time].meaning : queue_meaning(time - TIME_QUEUES);
}

static bool is_entry(const struct trc_hop *h)
{
	return h->kind == TRC_ENTRY || h->kind == TRC_DROP;
}

/* Not the context in which it was before?  Where contexts are unknown, the process that was running has to do. */
static bool switched(const struct trc_hop *a, const struct trc_hop *b)
{
	bool by_pid = a->context == TRC_PROCESS || a->context == TRC_CONTEXT_UNKNOWN;

	return a->context != b->context || (by_pid && a->pid != b->pid);
}

static unsigned int leg_time(const struct trc_hop *from, const struct trc_hop *to)
{
	return from->cpu != to->cpu ? TIME_CROSSING : switched(from, to) ? TIME_SWITCHING : TIME_RUNNING;
}

/* The queue that a packet may be in. */
struct queued {
	int queue;		/* -1 = none */
	bool elsewhere;
	size_t leg;		/* the first that begins there */
	const struct trc_hop *hop;
};

/* An entry is met; legs before it are there.  What was waited for is known only now. */
static void queue_see(struct queued *q, struct legs *legs, const struct latency *l, const struct trc_hop *h)
{
	const struct wait_role *role = &l->roles[h->func];

	if (h->kind == TRC_DROP) {	/* refused by the queue, or thrown out of it */
		q->queue = -1;
		return;
	}
	if (q->queue >= 0 && role->out & 1u << q->queue) {
		if (!q->elsewhere || leg_time(q->hop, h) != TIME_RUNNING)
			for (; q->leg < legs->n; q->leg++)
				legs->v[q->leg].time = TIME_QUEUES + q->queue;
		q->queue = -1;
	}
	if (role->in >= 0)
		*q = (struct queued){ role->in, role->elsewhere, legs->n, h };
}

int legs_of(struct legs *legs, const struct latency *l, const struct model *m, const struct packet *p)
{
	const struct trc_hop *h, *before = NULL;
	struct queued q = { .queue = -1 };
	uint32_t i, last = 0;

	legs->n = 0;
	for (i = 0; i < p->nhops; i++) {
		h = packet_hop(m, p, i);
		if (!is_entry(h))
			continue;
		if (before) {
			if (grow((void **)&legs->v, legs->n, &legs->room, sizeof(*legs->v)))
				return -ENOMEM;
			legs->v[legs->n++] = (struct leg){ last, i, leg_time(before, h), h->time_ns - before->time_ns };
		}
		queue_see(&q, legs, l, h);
		before = h;
		last = i;
	}
	return 0;
}
