// SPDX-License-Identifier: GPL-2.0
/*
 * explain_netfilter.c - hook by hook: what was decided, who was asked, and which hooks were passed unvisited.
 *
 * Where the hooks lie between the kernel's functions is schema/hooks.tsv.
 */
#include <stdlib.h>
#include <string.h>

#include "embedded.h"
#include "explain.h"
#include "show.h"

enum { POINT_FAMILY, POINT_HOOK, POINT_BEFORE, POINT_BEHIND, POINT_FIELDS };

/* A row of schema/hooks.tsv, within its text. */
struct hook_point {
	struct { const char *text; size_t len; } field[POINT_FIELDS];
};

static size_t points_load(struct hook_point *points)
{
	const char *line = embedded_hooks;
	size_t n = 0;

	for (; *line && n < HOOK_POINTS_MAX; line += strcspn(line, "\n"), line += *line == '\n') {
		const char *at = line;

		if (*line == '#' || *line == '\n')
			continue;
		for (int i = 0; i < POINT_FIELDS; i++) {
			points[n].field[i].text = at;
			points[n].field[i].len = strcspn(at, "\t\n");
			at += points[n].field[i].len + (at[points[n].field[i].len] == '\t');
		}
		n++;
	}
	return n;
}

static bool is_field(const struct hook_point *p, int field, const char *text)
{
	return strlen(text) == p->field[field].len && !memcmp(text, p->field[field].text, p->field[field].len);
}

/* Is it one of the field's words?  Compilers add suffixes such as .isra.0 to names. */
static bool is_listed(const struct hook_point *p, int field, const char *name)
{
	const char *word = p->field[field].text, *end = word + p->field[field].len;
	size_t len = strcspn(name, ".");

	while (word < end) {
		size_t n = strcspn(word, " \t\n");

		if (n == len && !memcmp(word, name, len))
			return true;
		word += n + 1;
	}
	return false;
}

static void say_unvisited(struct story *s, const struct hook_point *point, uint32_t from, uint32_t to)
{
	story_say(s, "Netfilter", "Hook %.*s (%.*s) is not visited between %s (hop %u) and %s (hop %u): nothing is registered there.",
		  (int)point->field[POINT_HOOK].len, point->field[POINT_HOOK].text, (int)point->field[POINT_FAMILY].len,
		  point->field[POINT_FAMILY].text, hop_func(s->m, packet_hop(s->m, s->p, from))->name, from + 1,
		  hop_func(s->m, packet_hop(s->m, s->p, to))->name, to + 1);
	s->told = NULL;
}

void tell_unvisited(struct story *s, uint32_t i)
{
	static struct hook_point points[HOOK_POINTS_MAX];
	static size_t n;
	const struct trc_hop *h = packet_hop(s->m, s->p, i);
	const char *name = hop_func(s->m, h)->name;

	if (!s->netfilter_known)
		return;
	if (!n)
		n = points_load(points);
	for (size_t k = 0; k < n; k++) {
		const struct hook_point *point = &points[k];

		if (hop_is_hook(s->m, h) && is_field(point, POINT_FAMILY, family_name(h->family)) &&
		    is_field(point, POINT_HOOK, hook_name(h->family, h->hook)))
			s->passed[k] = NO_HOP;
		if (s->passed[k] != NO_HOP && is_listed(point, POINT_BEHIND, name)) {
			say_unvisited(s, point, s->passed[k], i);
			s->passed[k] = NO_HOP;
		}
		if (is_listed(point, POINT_BEFORE, name))
			s->passed[k] = i;
	}
}

/* Netfilter's functions inside this call of the hook: tables, chains, matches, in order and once each. */
static char *hook_asked(const struct story *s, uint32_t hook)
{
	uint32_t end = s->returns[hook] != NO_HOP ? s->returns[hook] : hook + 1;
	uint32_t first = NO_HOP, last = 0;
	const struct func *before = NULL;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (uint32_t i = hook + 1; i < end && i < s->p->nhops; i++) {
		const struct trc_hop *h = packet_hop(s->m, s->p, i);
		const struct func *f = hop_func(s->m, h);

		/* what a hook calls knows the hook; what that calls in turn is only known by name */
		if (!hop_enters(h) || (strcmp(f->layer, "netfilter") && !(h->have & TRC_HAVE_HOOK)) || f == before)
			continue;
		fprintf(out, "%s%s", first == NO_HOP ? "; it asked " : ", ", f->name);
		first = first == NO_HOP ? i : first;
		last = i;
		before = f;
	}
	if (first != NO_HOP)
		fprintf(out, first == last ? " (hop %u)" : " (hops %u-%u)", first + 1, last + 1);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

void tell_hook(struct story *s, uint32_t i)
{
	const struct trc_hop *h = packet_hop(s->m, s->p, i);
	uint32_t result = s->returns[i];
	char *asked = hook_asked(s, i);

	if (result != NO_HOP)
		story_say(s, "Netfilter", "Hook %s (%s) says %s (hop %u, %s)%s.", hook_name(h->family, h->hook), family_name(h->family),
			  verdict_name(packet_hop(s->m, s->p, result)->value), i + 1, hop_func(s->m, h)->name, asked ? asked : "");
	else
		story_say(s, "Netfilter", "Hook %s (%s) is visited (hop %u, %s); its verdict was not recorded.",
			  hook_name(h->family, h->hook), family_name(h->family), i + 1, hop_func(s->m, h)->name);
	free(asked);
	s->told = NULL;
}
