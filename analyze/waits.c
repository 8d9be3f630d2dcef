// SPDX-License-Identifier: GPL-2.0
/*
 * waits.c - what schema/waits.tsv says of queues.
 *
 * The file is part of the program and is split into rows at the first question.  Each function that was met asks once.
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "embedded.h"
#include "waits.h"

#define NAME_MAX_BYTES 256	/* longer names fit no row */

struct wait_row {
	const char *name;
	bool in, elsewhere;
	unsigned int queue;
};

static struct {
	char *text;
	struct wait_row *rows;
	size_t nrows;
	struct { const char *name, *meaning; } queues[QUEUES_MAX];
	unsigned int nqueues;
} waits;

static void queue_add(const char *name, const char *meaning)
{
	if (waits.nqueues == QUEUES_MAX)
		abort();	/* schema/waits.tsv is ours, and a test counts them */
	waits.queues[waits.nqueues].name = name;
	waits.queues[waits.nqueues++].meaning = meaning;
}

static void row_add(const char *name, const char *role, const char *queue)
{
	struct wait_row *row = &waits.rows[waits.nrows];

	for (row->queue = 0; row->queue < waits.nqueues && strcmp(waits.queues[row->queue].name, queue); row->queue++)
		;
	if (row->queue == waits.nqueues)
		abort();
	row->name = name;
	row->in = *role == 'i';
	row->elsewhere = !strcmp(role, "in?");
	waits.nrows++;
}

static void waits_load(void)
{
	size_t lines = 1;
	const char *c, *name, *role;
	char *at, *line;

	if (waits.text)
		return;
	for (c = embedded_waits; *c; c++)
		lines += *c == '\n';
	waits.text = strdup(embedded_waits);
	waits.rows = calloc(lines, sizeof(*waits.rows));
	if (!waits.text || !waits.rows)
		abort();	/* a few kilobytes */
	for (at = waits.text; (line = strsep(&at, "\n")); ) {
		if (!*line || *line == '#')
			continue;
		name = strsep(&line, "\t");
		role = strsep(&line, "\t");
		if (!role || !line)
			abort();
		if (*name == '@')
			queue_add(name + 1, line);
		else
			row_add(name, role, line);
	}
}

unsigned int queues_count(void)
{
	waits_load();
	return waits.nqueues;
}

const char *queue_name(unsigned int queue)
{
	return queue < queues_count() ? waits.queues[queue].name : "";
}

const char *queue_meaning(unsigned int queue)
{
	return queue < queues_count() ? waits.queues[queue].meaning : "";
}

struct wait_role wait_role_of(const char *text)
{
	struct wait_role role = { .in = -1 };
	size_t i, n = strcspn(text, ".");
	const struct wait_row *row;
	char name[NAME_MAX_BYTES];

	waits_load();
	if (n >= sizeof(name))
		return role;
	memcpy(name, text, n);
	name[n] = 0;
	for (i = 0; i < waits.nrows; i++) {
		row = &waits.rows[i];
		/* the first letters rule out most, for recordings of very many functions */
		if ((*row->name != *name && *row->name != '*') || fnmatch(row->name, name, 0))
			continue;
		if (!row->in) {
			role.out |= 1u << row->queue;
		} else if (role.in < 0) {	/* the first row wins */
			role.in = row->queue;
			role.elsewhere = row->elsewhere;
		}
	}
	return role;
}
