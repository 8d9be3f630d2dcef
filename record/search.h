/* SPDX-License-Identifier: GPL-2.0 */
/* search.h - functions are found in a thread of their own, while the kernel verifies the programs. */
#ifndef PKT_SEARCH_H
#define PKT_SEARCH_H

#include <pthread.h>
#include <stdbool.h>

#include "events.h"
#include "functions.h"

struct search {
	struct functions *functions;	/* these two are the search's until its end */
	struct symbols *symbols;
	struct function_choice choice;
	struct events *events;		/* are defined for what was found; NULL: there are none */
	pthread_t thread;
	bool threaded;
	int error;
	const char *where;		/* the file that the error is about */
};

/* Of functions, symbols and choice. */
void search_begin(struct search *s);
/* 0 or -errno and s->where, as functions_find() has it. */
int search_end(struct search *s);

#endif
