// SPDX-License-Identifier: GPL-2.0
/*
 * explain_say.c - add a sentence to a story, with the hops that it cites and the things that it names.
 *
 * What is cited and named is kept for the sentence that is said next, so that it can be done where the words are made.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "explain.h"

void step_cite(struct story *s, struct explain_step *step, uint32_t i)
{
	uint32_t *hops = reallocarray(step->hops, step->nhops + 1, sizeof(*hops));
	uint32_t number = i + 1;
	size_t at = step->nhops;

	if (!hops) {
		s->err = -ENOMEM;
		return;
	}
	step->hops = hops;
	while (at && hops[at - 1] > number)
		at--;
	if (at && hops[at - 1] == number)
		return;
	memmove(&hops[at + 1], &hops[at], (step->nhops++ - at) * sizeof(*hops));
	hops[at] = number;
}

uint32_t cite(struct story *s, uint32_t i)
{
	step_cite(s, &s->next_step, i);
	return i + 1;
}

static void thing_add(struct story *s, struct explain_step *step, struct explain_thing thing)
{
	struct explain_thing *things = reallocarray(step->things, step->nthings + 1, sizeof(*things));

	if (!things) {
		free(thing.text);
		s->err = -ENOMEM;
		return;
	}
	step->things = things;
	things[step->nthings++] = thing;
}

void step_name(struct story *s, struct explain_step *step, const char *key, const char *text)
{
	char *copy = *text ? strdup(text) : NULL;

	if (copy)
		thing_add(s, step, (struct explain_thing){ .key = key, .text = copy });
	else if (*text)
		s->err = -ENOMEM;
}

void story_name(struct story *s, const char *key, const char *text)
{
	step_name(s, &s->next_step, key, text);
}

void story_count(struct story *s, const char *key, int64_t number)
{
	thing_add(s, &s->next_step, (struct explain_thing){ .key = key, .number = number });
}

void explain_step_free(struct explain_step *step)
{
	for (size_t i = 0; i < step->nthings; i++)
		free(step->things[i].text);
	free(step->things);
	free(step->hops);
	free(step->text);
	*step = (struct explain_step){};
}

void story_say(struct story *s, const char *label, const char *format, ...)
{
	struct explain_step *steps;
	va_list args;
	char *text;
	int n;

	if (s->err)
		return;
	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	steps = n < 0 ? NULL : reallocarray(s->out->steps, s->out->count + 1, sizeof(*steps));
	if (!steps) {
		if (n >= 0)
			free(text);
		s->err = -ENOMEM;
		return;
	}
	s->out->steps = steps;
	s->next_step.label = label;
	s->next_step.text = text;
	steps[s->out->count++] = s->next_step;
	s->next_step = (struct explain_step){};
}

void explain_free(struct explain *e)
{
	for (size_t i = 0; i < e->count; i++)
		explain_step_free(&e->steps[i]);
	free(e->steps);
	*e = (struct explain){};
}
