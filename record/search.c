// SPDX-License-Identifier: GPL-2.0
/*
 * search.c - functions_find() beside something else; and the events of what it finds.
 *
 * Both wait for the kernel, and the programs need nothing of what is found but where the kernel begins.
 */
#include "search.h"

static void *find(void *arg)
{
	struct search *s = arg;

	s->error = functions_find(s->functions, s->symbols, &s->choice, &s->where);
	if (!s->error && s->events) {
		s->where = TRACEFS "/kprobe_events";
		s->error = events_define(s->events, s->functions);
	}
	return NULL;
}

void search_begin(struct search *s)
{
	s->threaded = !pthread_create(&s->thread, NULL, find, s);
	if (!s->threaded)
		find(s);
}

int search_end(struct search *s)
{
	if (s->threaded)
		pthread_join(s->thread, NULL);
	s->threaded = false;
	return s->error;
}
