// SPDX-License-Identifier: GPL-2.0
/*
 * routes.c - read routes, policy rules, neighbours and queues out of the snapshots (schema/routes.sql), and look them up.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "embedded.h"
#include "model_private.h"
#include "routes.h"
#include "snapshot_db.h"

#define ROWS_MAX 50000		/* of a kind; of a machine with more nothing is said */
#define POLICIES_WALKED 1000

/* What is noted at all. */
struct noted {
	uint32_t netns;
	bool end;
	const char *what;
};

struct policy {
	uint32_t netns;
	bool end;
	uint8_t family;
	int64_t priority, go;	/* -1: no goto */
	bool by_from, by_to, by_mark, by_in;
	struct prefix from, to;
	uint32_t mark, mask;
	const char *in, *table, *action;
	int suppress;		/* routes of prefixes that are no longer do not count; -1: all do */
	bool not;
	bool hidden;		/* it asks for what no hop shows, or for something that cannot be read */
	const char *text;
};

struct routebook {
	struct arena arena;
	struct noted *noted;
	size_t nnoted, noted_room;
	struct route *routes;
	size_t nroutes, routes_room;
	struct policy *policies;
	size_t npolicies, policies_room;
	struct neighbour *neighbours;
	size_t nneighbours, neighbours_room;
	struct queue *queues;
	size_t nqueues, queues_room;
	bool no_memory, too_many;
};

/* --- reading ------------------------------------------------------------------------------------------------------- */

static const char *column(struct routebook *b, sqlite3_stmt *q, int i)
{
	const char *text = (const char *)sqlite3_column_text(q, i), *copy = arena_text(&b->arena, text ? text : "");

	b->no_memory |= !copy;
	return copy ? copy : "";
}

/* Room for one more row of *v; false: it is not to be had. */
static bool room(struct routebook *b, void **v, size_t n, size_t *has, size_t size)
{
	if (n >= ROWS_MAX) {
		b->too_many = true;
		return false;
	}
	if (grow(v, n, has, size)) {
		b->no_memory = true;
		return false;
	}
	return true;
}

static uint8_t family_of(sqlite3_stmt *q, int i)
{
	return sqlite3_column_int(q, i) == 6 ? AF_INET6 : AF_INET;
}

static void noted_read(void *data, sqlite3_stmt *q)
{
	struct routebook *b = data;

	if (room(b, (void **)&b->noted, b->nnoted, &b->noted_room, sizeof(*b->noted)))
		b->noted[b->nnoted++] = (struct noted){ sqlite3_column_int64(q, 0), sqlite3_column_int(q, 1), column(b, q, 2) };
}

static void route_read(void *data, sqlite3_stmt *q)
{
	struct routebook *b = data;
	struct route r = {
		.netns = sqlite3_column_int64(q, 0), .end = sqlite3_column_int(q, 1), .family = family_of(q, 2), .table = column(b, q, 6),
		.type = column(b, q, 7), .dev = column(b, q, 8), .gateway = column(b, q, 9), .source = column(b, q, 10),
		.metric = sqlite3_column_int64(q, 11), .by_tos = sqlite3_column_int(q, 12), .dead = sqlite3_column_int(q, 13),
		.linkdown = sqlite3_column_int(q, 14),
	};
	const char *from = column(b, q, 5);

	if (!prefix_parse(&r.dst, column(b, q, 4)) || r.dst.family != r.family || (*from && !prefix_parse(&r.from, from)))
		return;
	if (room(b, (void **)&b->routes, b->nroutes, &b->routes_room, sizeof(*b->routes)))
		b->routes[b->nroutes++] = r;
}

/* "0x1", "1", "0x1/0xff": false: it is no number */
static bool mark_parse(uint32_t *out, const char *text, uint32_t none)
{
	char *end;

	*out = *text ? strtoul(text, &end, 0) : none;
	return !*text || !*end;
}

static void policy_read(void *data, sqlite3_stmt *q)
{
	struct routebook *b = data;
	const char *from = column(b, q, 4), *to = column(b, q, 5), *mark = column(b, q, 6), *mask = column(b, q, 7);
	struct policy p = {
		.netns = sqlite3_column_int64(q, 0), .end = sqlite3_column_int(q, 1), .family = family_of(q, 2),
		.priority = sqlite3_column_int64(q, 3), .by_from = *from, .by_to = *to, .by_mark = *mark, .in = column(b, q, 8),
		.table = column(b, q, 9), .action = column(b, q, 10), .go = sqlite3_column_int64(q, 11),
		.suppress = sqlite3_column_int(q, 12), .not = sqlite3_column_int(q, 13), .hidden = sqlite3_column_int(q, 14),
		.text = column(b, q, 16),
	};

	/* what netlink told is not all that a rule may ask for; these three are always the same */
	if (sqlite3_column_int(q, 15)) {
		p.hidden |= p.priority != 0 && p.priority != 32766 && p.priority != 32767;
		p.action = "";
	}
	p.by_in = *p.in;
	p.hidden |= !mark_parse(&p.mark, mark, 0) || !mark_parse(&p.mask, mask, UINT32_MAX);
	p.hidden |= (p.by_from && (!prefix_parse(&p.from, from) || p.from.family != p.family)) ||
		    (p.by_to && (!prefix_parse(&p.to, to) || p.to.family != p.family));
	if (room(b, (void **)&b->policies, b->npolicies, &b->policies_room, sizeof(*b->policies)))
		b->policies[b->npolicies++] = p;
}

static void neighbour_read(void *data, sqlite3_stmt *q)
{
	struct routebook *b = data;
	struct neighbour n = {
		.netns = sqlite3_column_int64(q, 0), .end = sqlite3_column_int(q, 1), .dev = column(b, q, 3), .lladdr = column(b, q, 4),
		.state = column(b, q, 5),
	};

	if (prefix_parse(&n.address, column(b, q, 2)) && *n.state &&
	    room(b, (void **)&b->neighbours, b->nneighbours, &b->neighbours_room, sizeof(*b->neighbours)))
		b->neighbours[b->nneighbours++] = n;
}

static void queue_read(void *data, sqlite3_stmt *q)
{
	struct routebook *b = data;
	struct queue r = {
		.netns = sqlite3_column_int64(q, 0), .end = sqlite3_column_int(q, 1), .dev = column(b, q, 2), .kind = column(b, q, 3),
		.below = column(b, q, 4),
	};

	if (sqlite3_column_int(q, 5) == 1 && *r.kind && room(b, (void **)&b->queues, b->nqueues, &b->queues_room, sizeof(*b->queues)))
		b->queues[b->nqueues++] = r;
}

static bool has_routes(const struct snapshot *s)
{
	static const char *const names[] = { "routes", "routes6", "rules", "rules6", "neighbours", "qdiscs" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(s->what, names[i]))
			return s->netns && !s->broken && !*s->note;
	return false;
}

int routebook_open(struct routebook **out, const struct model *m)
{
	struct routebook *b = *out = calloc(1, sizeof(*b));
	sqlite3 *db = NULL;
	int rc = b ? snapshot_db_open(&db, m, has_routes) : SQLITE_NOMEM;

	rc = rc ?: snapshot_db_each(db, embedded_routes, "known", noted_read, b);
	rc = rc ?: snapshot_db_each(db, embedded_routes, "routes", route_read, b);
	rc = rc ?: snapshot_db_each(db, embedded_routes, "policies", policy_read, b);
	rc = rc ?: snapshot_db_each(db, embedded_routes, "neighbours", neighbour_read, b);
	rc = rc ?: snapshot_db_each(db, embedded_routes, "queues", queue_read, b);
	sqlite3_close(db);
	if (!rc && !b->no_memory)
		return 0;
	routebook_close(b);
	*out = NULL;
	return -ENOMEM;
}

void routebook_close(struct routebook *b)
{
	if (!b)
		return;
	arena_free(&b->arena);
	free(b->noted);
	free(b->routes);
	free(b->policies);
	free(b->neighbours);
	free(b->queues);
	free(b);
}

/* --- looking up ---------------------------------------------------------------------------------------------------- */

static bool is_noted(const struct routebook *b, uint32_t netns, bool end, const char *what)
{
	for (size_t i = 0; b && !b->too_many && i < b->nnoted; i++)
		if (b->noted[i].netns == netns && b->noted[i].end == end && !strcmp(b->noted[i].what, what))
			return true;
	return false;
}

/* Addresses that mean nothing without a device: link-local ones and groups of IPv6. */
static bool is_of_device(const struct route_ask *ask)
{
	return ask->family == AF_INET6 && (ask->daddr[0] == 0xff || (ask->daddr[0] == 0xfe && (ask->daddr[1] & 0xc0) == 0x80));
}

static bool route_covers(const struct route *r, const struct route_ask *ask, bool end, const char *table)
{
	const char *dev = ask->in ? ask->in : ask->out;

	if (r->netns != ask->netns || r->end != end || r->family != ask->family || r->dead || strcmp(r->table, table) ||
	    !prefix_covers(&r->dst, ask->daddr))
		return false;
	return !is_of_device(ask) || !dev || !strcmp(r->dev, dev);
}

/* Is r to be preferred to the best so far?  Of several next hops that which was seen to be taken. */
static bool route_beats(const struct route *r, const struct route *best, const struct route_ask *ask)
{
	if (!best || r->dst.bits != best->dst.bits)
		return !best || r->dst.bits > best->dst.bits;
	if (r->metric != best->metric)
		return r->metric < best->metric;
	return ask->out && !strcmp(r->dev, ask->out) && strcmp(best->dev, ask->out);
}

/* What the table answers to this; *depends: why that is not sure, NULL = it is. */
static const struct route *table_find(const struct routebook *b, const struct route_ask *ask, bool end, const char *table, const char **depends)
{
	const struct route *best = NULL;
	size_t i;

	*depends = NULL;
	for (i = 0; i < b->nroutes; i++)
		if (route_covers(&b->routes[i], ask, end, table) && route_beats(&b->routes[i], best, ask))
			best = &b->routes[i];
	for (i = 0; best && i < b->nroutes; i++) {
		const struct route *r = &b->routes[i];

		if (!route_covers(r, ask, end, table))
			continue;
		if (r->by_tos && r->dst.bits >= best->dst.bits)
			*depends = "there is a route for a type of service";
		else if (r->from.bits)
			*depends = "there is a route for some senders only";
		else if (r->linkdown && r->dst.bits >= best->dst.bits)
			*depends = "the link of a route is down, which may count or not";
		else if (r != best && r->dst.bits == best->dst.bits && r->metric == best->metric &&
			 (strcmp(r->gateway, best->gateway) || strcmp(r->dev, best->dev)) && (!ask->out || !strcmp(r->dev, best->dev)))
			*depends = "there are several next hops";
	}
	return best;
}

enum asked { ASKED_NO, ASKED_PERHAPS, ASKED_YES };

/* Does it take this packet?  "not" is of the whole rule. */
static enum asked policy_asks(const struct policy *p, const struct route_ask *ask)
{
	bool perhaps = p->hidden;

	if ((p->by_to && !prefix_covers(&p->to, ask->daddr)) || (p->by_from && !prefix_covers(&p->from, ask->saddr)) ||
	    (p->by_mark && ((ask->mark ^ p->mark) & p->mask)) || (p->by_in && strcmp(p->in, ask->in ? ask->in : "lo")))
		return p->not ? ASKED_YES : ASKED_NO;
	/* who sends asks first without a source: such a rule counts only if the socket was bound to it */
	perhaps |= p->by_from && !ask->in;
	return perhaps ? ASKED_PERHAPS : p->not ? ASKED_NO : ASKED_YES;
}

static bool is_usual(const struct policy *p)
{
	return p->priority == 0 || p->priority == 32766 || p->priority == 32767;
}

static bool action_refuses(const struct policy *p)
{
	return !strcmp(p->action, "unreachable") || !strcmp(p->action, "blackhole") || !strcmp(p->action, "prohibit");
}

struct route_answer route_find(const struct routebook *b, const struct route_ask *ask, bool end)
{
	bool six = ask->family == AF_INET6;
	struct route_answer a = { .policy = "", .why = "" };
	int64_t from = INT64_MIN;
	unsigned int walked = 0;

	if (!is_noted(b, ask->netns, end, six ? "routes6" : "routes") || !is_noted(b, ask->netns, end, six ? "rules6" : "rules"))
		return a;
	for (size_t i = 0; i < b->npolicies && walked < POLICIES_WALKED; i++, walked++) {
		const struct policy *p = &b->policies[i];
		const struct route *r = NULL;
		const char *depends = NULL;
		enum asked asked;

		if (p->netns != ask->netns || p->end != end || p->family != ask->family || p->priority < from)
			continue;
		asked = policy_asks(p, ask);
		if (asked == ASKED_NO || !strcmp(p->action, "nop"))
			continue;
		if (p->go < 0 && !action_refuses(p)) {
			if (!*p->table)		/* of a VRF: which, its device says */
				return (struct route_answer){ ROUTE_UNSURE, .policy = "", .why = p->text };
			r = table_find(b, ask, end, p->table, &depends);
			if (!r || !strcmp(r->type, "throw") || r->dst.bits <= p->suppress)
				continue;
		}
		if (asked == ASKED_PERHAPS || depends)
			return (struct route_answer){ ROUTE_UNSURE, .policy = "", .why = asked == ASKED_PERHAPS ? p->text : depends };
		if (p->go >= 0) {
			from = p->go;	/* always further down */
			continue;
		}
		return (struct route_answer){ r ? ROUTE_ONE : ROUTE_NONE, r, is_usual(p) ? "" : p->text, "" };
	}
	a.found = walked < POLICIES_WALKED ? ROUTE_NONE : ROUTE_NOT_NOTED;
	return a;
}

bool route_same(const struct route *a, const struct route *b)
{
	return a->family == b->family && a->dst.bits == b->dst.bits && !memcmp(a->dst.address, b->dst.address, sizeof(a->dst.address)) &&
	       !strcmp(a->table, b->table) && !strcmp(a->type, b->type) && !strcmp(a->dev, b->dev) && !strcmp(a->gateway, b->gateway) &&
	       !strcmp(a->source, b->source) && a->metric == b->metric;
}

const char *route_text(const struct route *r, char *buf, size_t size)
{
	char dst[INET6_ADDRSTRLEN] = "", prefix[INET6_ADDRSTRLEN + 8];
	bool all = !r->dst.bits;

	inet_ntop(r->family, r->dst.address, dst, sizeof(dst));
	if (r->dst.bits == (r->family == AF_INET6 ? 128 : 32))
		snprintf(prefix, sizeof(prefix), "%s", dst);
	else
		snprintf(prefix, sizeof(prefix), "%s/%u", dst, r->dst.bits);
	snprintf(buf, size, "%s%s%s%s%s%s%s%s%s (table %s)", strcmp(r->type, "unicast") ? r->type : "", strcmp(r->type, "unicast") ? " " : "",
		 all ? "default" : prefix, *r->gateway ? " via " : "", r->gateway, *r->dev ? " dev " : "", r->dev, *r->source ? " src " : "",
		 r->source, r->table);
	return buf;
}

/* --- neighbours and queues ------------------------------------------------------------------------------------------ */

const struct neighbour *neighbour_find(const struct routebook *b, uint32_t netns, const char *dev, const char *address, bool end)
{
	struct prefix p = {};

	if (!b || b->too_many || !prefix_parse(&p, address))
		return NULL;
	for (size_t i = 0; i < b->nneighbours; i++) {
		const struct neighbour *n = &b->neighbours[i];

		if (n->netns == netns && n->end == end && n->address.family == p.family && !strcmp(n->dev, dev) &&
		    !memcmp(n->address.address, p.address, sizeof(p.address)))
			return n;
	}
	return NULL;
}

bool neighbours_noted(const struct routebook *b, uint32_t netns, bool end)
{
	return is_noted(b, netns, end, "neighbours");
}

const struct queue *queue_find(const struct routebook *b, uint32_t netns, const char *dev, bool end)
{
	for (size_t i = 0; b && !b->too_many && i < b->nqueues; i++)
		if (b->queues[i].netns == netns && b->queues[i].end == end && !strcmp(b->queues[i].dev, dev))
			return &b->queues[i];
	return NULL;
}

const char *qdisc_meaning(const char *kind, char *buf, size_t size)
{
	char key[64];
	const char *at;

	*buf = '\0';
	snprintf(key, sizeof(key), "\n%s\t", kind);
	at = strstr(embedded_qdiscs, key);
	if (at)
		snprintf(buf, size, "%.*s", (int)strcspn(at + strlen(key), "\n"), at + strlen(key));
	return buf;
}
