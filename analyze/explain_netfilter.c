// SPDX-License-Identifier: GPL-2.0
/*
 * explain_netfilter.c - hook by hook: what was decided, who was asked, and which hooks were passed unvisited.
 *
 * The kernel skips a hook at which nothing is registered without calling any function, so only its surroundings
 * tell: the packet was seen just before the place of the hook and just behind it.
 */
#include <stdlib.h>
#include <string.h>

#include "explain.h"
#include "show.h"

static const struct hook_point {
	uint8_t family, hook;
	const char *before[3];	/* functions just before the hook's place */
	const char *behind[8];	/* functions that run only when the hook let the packet pass */
} points[] = {
	{ 2, 0, { "ip_rcv", "ip_rcv_core" }, { "ip_rcv_finish", "ip_rcv_finish_core", "udp_v4_early_demux", "tcp_v4_early_demux",
		"ip_route_input_noref", "ip_local_deliver", "ip_forward" } },
	{ 2, 1, { "ip_local_deliver" }, { "ip_local_deliver_finish", "ip_protocol_deliver_rcu" } },
	{ 2, 2, { "ip_forward" }, { "ip_forward_finish", "ip_output" } },
	{ 2, 3, { "__ip_local_out" }, { "ip_output", "ip_mc_output" } },
	{ 2, 4, { "ip_output" }, { "ip_finish_output" } },
	{ 10, 0, { "ipv6_rcv", "ip6_rcv_core" }, { "ip6_rcv_finish", "ip6_rcv_finish_core", "ip6_route_input", "ip6_input",
		"ip6_forward" } },
	{ 10, 1, { "ip6_input" }, { "ip6_input_finish", "ip6_protocol_deliver_rcu" } },
	{ 10, 2, { "ip6_forward" }, { "ip6_forward_finish", "ip6_output" } },
	{ 10, 3, { "__ip6_local_out" }, { "ip6_output" } },
	{ 10, 4, { "ip6_output" }, { "ip6_finish_output" } },
};

#define NPOINTS (sizeof(points) / sizeof(points[0]))
_Static_assert(NPOINTS <= HOOK_POINTS_MAX, "struct story remembers each hook's place");

/* Compilers add suffixes such as .isra.0 to names. */
static bool is_one_of(const char *name, const char *const *list, size_t n)
{
	size_t len = strcspn(name, ".");

	for (size_t i = 0; i < n && list[i]; i++)
		if (strlen(list[i]) == len && !memcmp(list[i], name, len))
			return true;
	return false;
}

void tell_unvisited(struct story *s, uint32_t i)
{
	const struct trc_hop *h = packet_hop(s->m, s->p, i);
	const char *name = hop_func(s->m, h)->name;

	if (!s->netfilter_known)
		return;
	for (size_t k = 0; k < NPOINTS; k++) {
		const struct hook_point *point = &points[k];

		if (hop_is_hook(s->m, h) && h->family == point->family && h->hook == point->hook)
			s->passed[k] = NO_HOP;
		if (s->passed[k] != NO_HOP && is_one_of(name, point->behind, sizeof(point->behind) / sizeof(point->behind[0]))) {
			story_say(s, "Netfilter", "Hook %s (%s) is not visited between %s (hop %u) and %s (hop %u): nothing is registered there.",
				  hook_name(point->family, point->hook), family_name(point->family),
				  hop_func(s->m, packet_hop(s->m, s->p, s->passed[k]))->name, s->passed[k] + 1, name, i + 1);
			s->passed[k] = NO_HOP;
			s->told = NULL;
		}
		if (is_one_of(name, point->before, sizeof(point->before) / sizeof(point->before[0])))
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
		if (h->kind != TRC_ENTRY || (strcmp(f->layer, "netfilter") && !(h->have & TRC_HAVE_HOOK)) || f == before)
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
