// SPDX-License-Identifier: GPL-2.0
/*
 * explain_routes.c - by which route of the snapshots a packet went, to which neighbour, and through what queue.
 *
 * Snapshots show the start and the end.  What they agree on, and what fits what the hops show, is said as it is; else
 * both are said, or what does not fit.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "explain.h"
#include "routes.h"
#include "show.h"

#define NAME_MAX_SHOWN 64

static bool is_ip(const struct trc_hop *h)
{
	return h->have & (TRC_HAVE_IP4 | TRC_HAVE_IP6) && h->have & TRC_HAVE_SKB;
}

static bool is_multicast(const struct route_ask *ask)
{
	return ask->family == AF_INET6 ? ask->daddr[0] == 0xff : ask->daddr[0] >= 224;
}

static struct route_ask ask_of_hop(const struct story *s, const struct trc_hop *h, const char *in, const char *out)
{
	struct route_ask ask = { .netns = s->netns, .family = h->have & TRC_HAVE_IP6 ? AF_INET6 : AF_INET, .mark = h->mark, .in = in, .out = out };

	memcpy(ask.saddr, h->saddr, sizeof(ask.saddr));
	memcpy(ask.daddr, h->daddr, sizeof(ask.daddr));
	return ask;
}

/* Is that where the packet was seen to go? */
static bool leads(const struct route_answer *a, const struct route_ask *ask, enum goes goes)
{
	const char *type = a->found == ROUTE_ONE ? a->route->type : "";
	bool local = !strcmp(type, "local") || !strcmp(type, "anycast");

	switch (goes) {
	case GOES_HERE: return local || !strcmp(type, "broadcast");
	case GOES_ON: return !strcmp(type, "unicast") && (!ask->out || !strcmp(a->route->dev, ask->out));
	case GOES_OUT:
		return local ? !strcmp(ask->out, "lo") : *type && !strcmp(a->route->dev, ask->out);
	case GOES_NONE:
		return a->found == ROUTE_NONE || (*type && strcmp(type, "unicast") && !local && strcmp(type, "broadcast"));
	}
	return false;
}

static const char *answer_text(const struct route_answer *a, char *buf, size_t size)
{
	char route[320];

	if (a->found == ROUTE_ONE)
		snprintf(buf, size, "%s%s%s", route_text(a->route, route, sizeof(route)), *a->policy ? ", by " : "", a->policy);
	else
		snprintf(buf, size, "%s%s", *a->policy ? "refused by " : "none", a->policy);
	return buf;
}

static bool answers_same(const struct route_answer *a, const struct route_answer *b)
{
	return a->found == b->found && (a->found != ROUTE_ONE || route_same(a->route, b->route)) && !strcmp(a->policy, b->policy);
}

static void next_hop_take(struct story *s, const struct route_answer *a, const struct route_ask *ask)
{
	const char *dev = a->found == ROUTE_ONE && !strcmp(a->route->type, "unicast") ? a->route->dev : "";

	s->next = (struct next_hop){ .netns = ask->netns };
	if (!*dev || is_multicast(ask))
		return;
	snprintf(s->next.dev, sizeof(s->next.dev), "%s", dev);
	if (*a->route->gateway)
		snprintf(s->next.address, sizeof(s->next.address), "%s", a->route->gateway);
	else
		inet_ntop(ask->family, ask->daddr, s->next.address, sizeof(s->next.address));
}

/* Both are noted, and differ. */
static enum told_route tell_two(struct story *s, const struct route_answer *a, const struct route_ask *ask, enum goes goes, char *buf, size_t size)
{
	bool first = leads(&a[0], ask, goes), second = leads(&a[1], ask, goes);
	char start[512], end[512];

	answer_text(&a[0], start, sizeof(start));
	answer_text(&a[1], end, sizeof(end));
	if (first != second)
		next_hop_take(s, &a[second], ask);
	snprintf(buf, size, first && second ? "The snapshots show %s at the start, and %s at the end: which of them it met is not known" :
		 first ? "It fits what the snapshot of the start shows, %s, and no more that of the end, %s" :
		 second ? "It does not fit what the snapshot of the start shows, %s, but that of the end, %s" :
		 "It fits neither what the snapshot of the start shows, %s, nor that of the end, %s", start, end);
	return TOLD_SENTENCE;
}

enum told_route tell_of_route(struct story *s, uint32_t i, const char *in, const char *out, enum goes goes, char *buf, size_t size)
{
	const struct route_ask ask = ask_of_hop(s, packet_hop(s->m, s->p, i), in, out);
	struct route_answer a[2];
	const struct route_answer *one;
	char text[512], route[320];

	*buf = '\0';
	s->next = (struct next_hop){};
	if (!s->has_netns || !is_ip(packet_hop(s->m, s->p, i)) || (out && !*out) || (in && is_multicast(&ask)))
		return TOLD_NOTHING;
	for (int end = 0; end < 2; end++)
		a[end] = route_find(s->routes, &ask, end);
	one = a[0].found == ROUTE_NOT_NOTED ? &a[1] : &a[0];
	if (one->found == ROUTE_NOT_NOTED)
		return TOLD_NOTHING;
	if (a[0].found == ROUTE_UNSURE || a[1].found == ROUTE_UNSURE) {
		snprintf(buf, size, "Which route that was the snapshots cannot tell: %s", a[a[0].found != ROUTE_UNSURE].why);
		return TOLD_SENTENCE;
	}
	if (a[0].found != ROUTE_NOT_NOTED && a[1].found != ROUTE_NOT_NOTED && !answers_same(&a[0], &a[1]))
		return tell_two(s, a, &ask, goes, buf, size);
	answer_text(one, text, sizeof(text));
	if (leads(one, &ask, goes)) {
		next_hop_take(s, one, &ask);
		story_name(s, "route", one->found == ROUTE_ONE ? route_text(one->route, route, sizeof(route)) : "");
		story_name(s, "policy_rule", one->policy);
		snprintf(buf, size, "%s%s", text, a[0].found == ROUTE_NOT_NOTED ? ", as of the end" : a[1].found == ROUTE_NOT_NOTED ? ", as of the start" : "");
		return TOLD_ROUTE;
	}
	if (is_multicast(&ask))		/* a socket may choose the device of a group */
		return TOLD_NOTHING;
	snprintf(buf, size, "It does not fit the route that the snapshots show, %s: that was another meanwhile, or a device was asked for", text);
	return TOLD_SENTENCE;
}

/* --- neighbours ----------------------------------------------------------------------------------------------------- */

static void neighbour_words(const struct neighbour *n, char *buf, size_t size)
{
	if (!n)
		snprintf(buf, size, "not known");
	else
		snprintf(buf, size, "%s%s%s%s", *n->lladdr ? n->lladdr : "not known", " (", n->state, ")");
}

/* "10.0.0.2 is 46:cc:f4:2d:37:f0 (REACHABLE) at start and end"; false: nothing is known of it */
bool next_hop_text(struct story *s, const char *dev, char *buf, size_t size)
{
	const struct neighbour *n[2];
	char start[128], end[128];
	bool noted[2];

	if (!*s->next.address || s->next.netns != s->netns || strcmp(s->next.dev, dev))
		return false;
	for (int k = 0; k < 2; k++) {
		n[k] = neighbour_find(s->routes, s->netns, dev, s->next.address, k);
		noted[k] = neighbours_noted(s->routes, s->netns, k);
	}
	if (!n[0] && !n[1])
		return false;
	story_name(s, "next_hop", s->next.address);
	for (int k = 0; k < 2; k++) {
		if (n[k])
			story_name(s, k ? "link_address_at_end" : "link_address_at_start", n[k]->lladdr);
		if (n[k])
			story_name(s, k ? "state_at_end" : "state_at_start", n[k]->state);
	}
	neighbour_words(n[0], start, sizeof(start));
	neighbour_words(n[1], end, sizeof(end));
	if (noted[0] && noted[1] && !strcmp(start, end))
		snprintf(buf, size, "%s is %s at start and end", s->next.address, start);
	else if (n[0] && n[1] && *n[0]->lladdr && !strcmp(n[0]->lladdr, n[1]->lladdr))
		snprintf(buf, size, "%s is %s (%s at the start, %s at the end)", s->next.address, n[0]->lladdr, n[0]->state, n[1]->state);
	else if (noted[0] && noted[1])
		snprintf(buf, size, "%s is %s at the start, and %s at the end", s->next.address, start, end);
	else
		snprintf(buf, size, "%s is %s at the %s", s->next.address, noted[0] ? start : end, noted[0] ? "start" : "end");
	return true;
}

/* It goes to its device, and no function had to ask for the neighbour. */
void tell_next_hop(struct story *s, const char *dev)
{
	char text[320];

	if (next_hop_text(s, dev, text, sizeof(text)))
		story_say(s, "Neighbour", "The next hop %s.", text);
	s->next = (struct next_hop){};
}

/* --- queues --------------------------------------------------------------------------------------------------------- */

static void queue_words(const struct queue *q, char *buf, size_t size)
{
	char meaning[160];

	qdisc_meaning(q->kind, meaning, sizeof(meaning));
	snprintf(buf, size, "%s%s%s%s%s", q->kind, *q->below ? " over " : "", q->below, *meaning ? ", which " : "", meaning);
}

/* "fq_codel, which ..."; *none: it has no queue.  false: not known */
bool queue_text(const struct story *s, const char *dev, bool *none, char *buf, size_t size)
{
	const struct queue *q[2];
	char start[320], end[320];
	bool empty[2];

	*none = false;
	for (int k = 0; k < 2; k++) {
		q[k] = *dev && s->has_netns ? queue_find(s->routes, s->netns, dev, k) : NULL;
		empty[k] = q[k] && !strcmp(q[k]->kind, "noqueue");
	}
	if (!q[0] && !q[1])
		return false;
	queue_words(q[0] ? q[0] : q[1], start, sizeof(start));
	queue_words(q[1] ? q[1] : q[0], end, sizeof(end));
	if (!strcmp(start, end)) {
		*none = q[0] ? empty[0] : empty[1];
		snprintf(buf, size, "%s", start);
	} else {
		snprintf(buf, size, "%s at the start, and %s at the end", empty[0] ? "none (noqueue)" : start, empty[1] ? "none (noqueue)" : end);
	}
	return true;
}
