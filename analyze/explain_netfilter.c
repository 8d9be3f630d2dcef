// SPDX-License-Identifier: GPL-2.0
/*
 * explain_netfilter.c - hook by hook: what was decided, who was asked, and which hooks were passed unvisited.
 *
 * Where the hooks lie between the kernel's functions is schema/hooks.tsv.
 */
#include <stdlib.h>
#include <string.h>

#include "explain.h"
#include "hooks.h"
#include "show.h"

static void say_unvisited(struct story *s, const struct hook_point *point, uint32_t from, uint32_t to)
{
	char hook[32], family[16];

	snprintf(hook, sizeof(hook), "%.*s", (int)point->field[POINT_HOOK].len, point->field[POINT_HOOK].text);
	snprintf(family, sizeof(family), "%.*s", (int)point->field[POINT_FAMILY].len, point->field[POINT_FAMILY].text);
	story_name(s, "hook", hook);
	story_name(s, "family", family);
	story_name(s, "verdict", "not visited");
	story_say(s, "Netfilter", "Hook %.*s (%.*s) is not visited between %s (hop %u) and %s (hop %u): nothing is registered there.",
		  (int)point->field[POINT_HOOK].len, point->field[POINT_HOOK].text, (int)point->field[POINT_FAMILY].len,
		  point->field[POINT_FAMILY].text, hop_func(s->m, packet_hop(s->m, s->p, from))->name, cite(s, from),
		  hop_func(s->m, packet_hop(s->m, s->p, to))->name, cite(s, to));
	s->told = NULL;
}

void tell_unvisited(struct story *s, uint32_t i)
{
	const struct hook_point *points;
	const struct trc_hop *h = packet_hop(s->m, s->p, i);
	const char *name = hop_func(s->m, h)->name;
	size_t n;

	if (!s->netfilter_known)
		return;
	points = hook_points(&n);
	for (size_t k = 0; k < n; k++) {
		const struct hook_point *point = &points[k];

		if (hop_is_hook(s->m, h) && hook_point_is(point, h->family, h->hook))
			s->passed[k] = NO_HOP;
		if (s->passed[k] != NO_HOP && hook_point_lists(point, POINT_BEHIND, name)) {
			say_unvisited(s, point, s->passed[k], i);
			s->passed[k] = NO_HOP;
		}
		if (hook_point_lists(point, POINT_BEFORE, name))
			s->passed[k] = i;
	}
}

/* Of many functions only those are named that decide: tables, chains, connection tracking. */
#define ASKED_ALL 4

static bool is_deciding(const struct func *f)
{
	return f->flags & TRC_FUNC_RETURN || strstr(f->name, "_do_chain") || strstr(f->name, "_do_table");
}

struct asked {
	uint32_t first, last, named, others;
	const struct func *before;
};

/* Calls inside this one of the hook, in order and once each: to out those that shall be named. */
static void asked_walk(const struct story *s, uint32_t hook, uint32_t end, struct asked *a, FILE *out, bool all)
{
	*a = (struct asked){ .first = NO_HOP };
	for (uint32_t i = hook + 1; i < end && i < s->p->nhops; i++) {
		const struct trc_hop *h = packet_hop(s->m, s->p, i);
		const struct func *f = hop_func(s->m, h);

		/* what a hook calls knows the hook; what that calls in turn is only known by name */
		if (!hop_enters(h) || (strcmp(f->layer, "netfilter") && !(h->have & TRC_HAVE_HOOK)) || f == a->before)
			continue;
		a->first = a->first == NO_HOP ? i : a->first;
		a->last = i;
		a->before = f;
		if (all || is_deciding(f))
			fprintf(out, "%s%s", a->named++ ? ", " : "", f->name);
		else
			a->others++;
	}
}

/* Netfilter's functions inside this call of the hook. */
static char *hook_asked(struct story *s, uint32_t hook)
{
	uint32_t end = s->returns[hook] != NO_HOP ? s->returns[hook] : hook + 1;
	bool derived = packet_hop(s->m, s->p, hook)->kind == TRC_DERIVED;
	char *text = NULL;
	struct asked a;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	/* of a stack it is known what was called from where, but not when that returned */
	while (derived && end < s->p->nhops && packet_hop(s->m, s->p, end)->kind == TRC_DERIVED &&
	       !strcmp(hop_func(s->m, packet_hop(s->m, s->p, end))->layer, "netfilter"))
		end++;
	fputs("; it asked ", out);
	asked_walk(s, hook, end, &a, out, true);
	if (a.named > ASKED_ALL) {
		rewind(out);
		fputs("; it asked ", out);
		asked_walk(s, hook, end, &a, out, false);
	}
	if (a.others)
		fprintf(out, "%s%u %sfunctions", a.named ? " and " : "", a.others, a.named ? "other " : "");
	for (uint32_t i = a.first; i != NO_HOP && i <= a.last; i++)
		cite(s, i);
	if (a.first != NO_HOP)
		fprintf(out, a.first == a.last ? " (hop %u)" : " (hops %u-%u)", a.first + 1, a.last + 1);
	putc('\0', out);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	if (a.first == NO_HOP)
		*text = '\0';
	return text;
}

void tell_hook(struct story *s, uint32_t i)
{
	const struct trc_hop *h = packet_hop(s->m, s->p, i);
	uint32_t result = s->returns[i];
	char *asked = hook_asked(s, i);
	bool drops = packet_drop_hook(s->m, s->p) == i || (result != NO_HOP && packet_hop(s->m, s->p, result)->value < 0);

	story_name(s, "hook", hook_name(h->family, h->hook));
	story_name(s, "family", family_name(h->family));
	if (s->has_netns)
		story_name(s, "netns", model_netns(s->m, s->netns));
	if (result != NO_HOP || drops)
		story_name(s, "verdict", result != NO_HOP ? verdict_name(packet_hop(s->m, s->p, result)->value) : "DROP");
	cite(s, i);
	if (result != NO_HOP)
		story_say(s, "Netfilter", "Hook %s (%s) says %s (hop %u, %s)%s.", hook_name(h->family, h->hook), family_name(h->family),
			  verdict_name(packet_hop(s->m, s->p, result)->value), i + 1, hop_func(s->m, h)->name, asked ? asked : "");
	else if (drops)
		story_say(s, "Netfilter", "Hook %s (%s) drops it (hop %u, %s)%s.", hook_name(h->family, h->hook),
			  family_name(h->family), i + 1, hop_func(s->m, h)->name, asked ? asked : "");
	else
		story_say(s, "Netfilter", "Hook %s (%s) is visited (hop %u, %s); its verdict was not recorded.",
			  hook_name(h->family, h->hook), family_name(h->family), i + 1, hop_func(s->m, h)->name);
	tell_rules(s, i, drops);
	free(asked);
	s->told = NULL;
}
