// SPDX-License-Identifier: GPL-2.0
/*
 * rules.c - the rules of the snapshots, and whether one fits a packet.
 *
 * schema/snapshots.sql takes rules out of the snapshots' text, whoever wrote them; here they are read from an SQLite
 * database in memory that holds nothing else.  schema/rules.sql asks for the rules, for chains and what they hang on, and
 * for what rules of nft ask of a packet; what rules of iptables ask is in their text.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "embedded.h"
#include "model_private.h"
#include "prefix.h"
#include "rules.h"
#include "snapshot_db.h"

#define RULES_MAX 20000		/* more are not looked at: nobody reads them */
#define JUMPS_MAX 16		/* chains deep; the kernel's own limit */

enum asked { ASK_UNKNOWN, ASK_PROTO, ASK_SADDR, ASK_DADDR, ASK_SPORT, ASK_DPORT, ASK_IN, ASK_OUT };

/* What a rule asks of a packet; not: it must differ. */
struct ask {
	enum asked what;
	bool not;
	struct prefix prefix;	/* an address */
	uint16_t number;	/* a port, a protocol */
	const char *device;
};

struct chain {
	uint32_t netns;
	const char *family, *table, *name;
	int hook;		/* -1: only reached by jumps */
};

struct rulebook {
	struct arena arena;
	struct rule *rules;
	size_t nrules, rules_room;
	struct chain *chains;
	size_t nchains, chains_room;
	struct ask *asks;	/* of nft's rules, in the order of rules */
	size_t nasks, asks_room;
	size_t matched;		/* index of the rule that the last row of a match was of */
	bool no_memory;
};

static const char *column(struct rulebook *b, sqlite3_stmt *q, int i)
{
	const char *text = (const char *)sqlite3_column_text(q, i), *copy = arena_text(&b->arena, text ? text : "");

	b->no_memory |= !copy;
	return copy ? copy : "";
}

/* --- what is asked ------------------------------------------------------------------------------------------------- */

static const struct { const char *name; uint8_t proto; } protocols[] = {
	{ "icmp", 1 }, { "tcp", 6 }, { "udp", 17 }, { "gre", 47 }, { "esp", 50 }, { "ah", 51 }, { "icmpv6", 58 },
	{ "ipv6-icmp", 58 }, { "sctp", 132 },
};

static bool parse_number(const char *text, unsigned long max, uint16_t *out)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	*out = n;
	return *text >= '0' && *text <= '9' && !*end && n <= max;
}

static bool parse_protocol(const char *text, uint16_t *out)
{
	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++) {
		if (!strcmp(text, protocols[i].name)) {
			*out = protocols[i].proto;
			return true;
		}
	}
	return parse_number(text, 255, out);
}

/* A value that cannot be read makes the question unknown. */
static struct ask ask_of(struct rulebook *b, enum asked what, bool not, const char *value)
{
	struct ask a = { .what = what, .not = not };
	bool known = true;

	switch (what) {
	case ASK_PROTO: known = parse_protocol(value, &a.number); break;
	case ASK_SPORT:
	case ASK_DPORT: known = parse_number(value, 65535, &a.number); break;
	case ASK_SADDR:
	case ASK_DADDR: known = prefix_parse(&a.prefix, value); break;
	case ASK_IN:
	case ASK_OUT:
		a.device = arena_text(&b->arena, value);
		known = a.device && *value && !strpbrk(value, "*+");
		b->no_memory |= !a.device;
		break;
	case ASK_UNKNOWN: break;
	}
	if (!known)
		a.what = ASK_UNKNOWN;
	return a;
}

static void ask_add(struct rulebook *b, struct rule *r, struct ask a)
{
	if (grow((void **)&b->asks, b->nasks, &b->asks_room, sizeof(*b->asks))) {
		b->no_memory = true;
		return;
	}
	b->asks[b->nasks++] = a;
	r->nasks++;
}

/* "-d 10.9.0.2/32 -p udp -m udp ! --dport 69 -j DROP" */
static void asks_of_iptables(struct rulebook *b, struct rule *r)
{
	static const struct { const char *option; enum asked what; } options[] = {
		{ "-p", ASK_PROTO }, { "-s", ASK_SADDR }, { "-d", ASK_DADDR }, { "-i", ASK_IN }, { "-o", ASK_OUT },
		{ "--sport", ASK_SPORT }, { "--dport", ASK_DPORT },
	};
	char *copy = strdup(r->text), *at = copy, *word, *value;
	bool not = false;

	if (!copy) {
		b->no_memory = true;
		return;
	}
	while ((word = strsep(&at, " "))) {
		enum asked what = ASK_UNKNOWN;

		if (!strcmp(word, "-j") || !strcmp(word, "-g"))
			break;
		if (!strcmp(word, "!")) {
			not = true;
			continue;
		}
		for (size_t i = 0; i < sizeof(options) / sizeof(*options) && *word == '-'; i++)
			if (!strcmp(options[i].option, word))
				what = options[i].what;
		/* of a module it says by itself nothing, but its comment can be anything */
		if (!strcmp(word, "--comment"))
			break;
		if (what != ASK_UNKNOWN) {
			value = strsep(&at, " ");
			ask_add(b, r, ask_of(b, what, not, value ? value : ""));
		} else if (!strncmp(word, "--", 2)) {
			ask_add(b, r, (struct ask){ ASK_UNKNOWN });
		}
		not = false;
	}
	free(copy);
}

/* The word behind -j or -g, which is a chain or a target. */
static const char *iptables_jump(struct rulebook *b, const char *text)
{
	const char *at = strstr(text, "-j ") ?: strstr(text, "-g ");
	char word[64];

	if (!at)
		return "";
	snprintf(word, sizeof(word), "%.*s", (int)strcspn(at + 3, " "), at + 3);
	return arena_text(&b->arena, word) ?: "";
}

/* --- reading ------------------------------------------------------------------------------------------------------- */

static void rule_read(void *data, sqlite3_stmt *q)
{
	struct rulebook *b = data;
	struct rule r = {
		.netns = sqlite3_column_int64(q, 0), .iptables = strcmp(column(b, q, 1), "nftables"), .family = column(b, q, 2),
		.table = column(b, q, 3), .chain = column(b, q, 4), .number = sqlite3_column_int64(q, 5), .action = column(b, q, 6),
		.text = column(b, q, 7), .counted = sqlite3_column_type(q, 8) == SQLITE_NULL ? -1 : sqlite3_column_int64(q, 8),
		.jump = column(b, q, 9),
	};

	if (b->nrules >= RULES_MAX || grow((void **)&b->rules, b->nrules, &b->rules_room, sizeof(*b->rules))) {
		b->no_memory |= b->nrules < RULES_MAX;
		return;
	}
	if (r.iptables)
		r.jump = iptables_jump(b, r.text);
	b->rules[b->nrules++] = r;
}

static int hook_number(const char *name)
{
	static const char *const names[][2] = {
		{ "prerouting", "PREROUTING" }, { "input", "INPUT" }, { "forward", "FORWARD" }, { "output", "OUTPUT" },
		{ "postrouting", "POSTROUTING" }, { "ingress", "ingress" }, { "egress", "egress" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i][0]) || !strcmp(name, names[i][1]))
			return i;
	return -1;
}

static void chain_add(struct rulebook *b, struct chain c)
{
	if (grow((void **)&b->chains, b->nchains, &b->chains_room, sizeof(*b->chains)))
		b->no_memory = true;
	else
		b->chains[b->nchains++] = c;
}

/* nft's chains say their hook, and their policy counts nothing: it becomes a rule like iptables' */
static void chain_read(void *data, sqlite3_stmt *q)
{
	struct rulebook *b = data;
	struct chain c = {
		.netns = sqlite3_column_int64(q, 0), .family = column(b, q, 1), .table = column(b, q, 2), .name = column(b, q, 3),
		.hook = hook_number(column(b, q, 4)),
	};
	const char *policy = column(b, q, 5);

	chain_add(b, c);
	if (c.hook < 0 || strcmp(policy, "drop") || grow((void **)&b->rules, b->nrules, &b->rules_room, sizeof(*b->rules)))
		return;
	b->rules[b->nrules++] = (struct rule){
		.netns = c.netns, .family = c.family, .table = c.table, .chain = c.name, .action = "drop", .text = "policy drop",
		.counted = -1, .jump = "",
	};
}

/* A row of what a rule of nft asks; rows come in the order of rules. */
static void match_read(void *data, sqlite3_stmt *q)
{
	struct rulebook *b = data;
	static const struct { const char *protocol, *field; enum asked what; } fields[] = {
		{ "ip", "saddr", ASK_SADDR }, { "ip", "daddr", ASK_DADDR }, { "ip6", "saddr", ASK_SADDR }, { "ip6", "daddr", ASK_DADDR },
		{ "ip", "protocol", ASK_PROTO }, { "ip6", "nexthdr", ASK_PROTO },
		{ "tcp", "sport", ASK_SPORT }, { "tcp", "dport", ASK_DPORT }, { "udp", "sport", ASK_SPORT }, { "udp", "dport", ASK_DPORT },
		{ "th", "sport", ASK_SPORT }, { "th", "dport", ASK_DPORT },
		{ "meta", "l4proto", ASK_PROTO }, { "meta", "iifname", ASK_IN }, { "meta", "oifname", ASK_OUT },
		{ "meta", "iif", ASK_IN }, { "meta", "oif", ASK_OUT },
	};
	uint32_t netns = sqlite3_column_int64(q, 0);
	const char *family = column(b, q, 1), *table = column(b, q, 2), *chain = column(b, q, 3);
	const char *protocol = column(b, q, 5), *field = column(b, q, 6), *op = column(b, q, 7), *value = column(b, q, 8);
	int64_t handle = sqlite3_column_int64(q, 4);
	enum asked what = ASK_UNKNOWN;
	struct rule *r = NULL;

	for (size_t i = 0; i < b->nrules && !r; i++) {
		size_t at = (b->matched + i) % b->nrules;	/* it is the last one again, or the next, mostly */
		const struct rule *x = &b->rules[at];

		if (!x->iptables && x->number == handle && x->netns == netns && !strcmp(x->family, family) && !strcmp(x->table, table) &&
		    !strcmp(x->chain, chain)) {
			r = &b->rules[at];
			b->matched = at;
		}
	}
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		if (!strcmp(fields[i].protocol, protocol) && !strcmp(fields[i].field, field))
			what = fields[i].what;
	if (!r)
		return;
	if (!r->nasks)
		r->first_ask = b->nasks;
	if (!strcmp(protocol, "tcp") || !strcmp(protocol, "udp"))	/* says the protocol by itself */
		ask_add(b, r, ask_of(b, ASK_PROTO, false, protocol));
	if (strcmp(op, "==") && strcmp(op, "!=") && strcmp(op, "in"))
		what = ASK_UNKNOWN;
	ask_add(b, r, ask_of(b, what, !strcmp(op, "!="), value));
}

static bool has_rules(const struct snapshot *s)
{
	return s->netns && !s->broken && (strstr(s->what, "tables") || !strcmp(s->what, "filters"));
}

/* --- which hook a rule is reached from ------------------------------------------------------------------------------ */

struct spot {		/* a chain, whoever mentions it */
	uint32_t netns;
	bool iptables;
	const char *family, *table, *chain;
};

static int spot_order(const void *a, const void *b)
{
	const struct spot *x = a, *y = b;
	int by;

	if (x->netns != y->netns)
		return x->netns < y->netns ? -1 : 1;
	if (x->iptables != y->iptables)
		return x->iptables ? 1 : -1;
	by = strcmp(x->chain, y->chain);
	by = by ? by : strcmp(x->table, y->table);
	return by ? by : strcmp(x->family, y->family);
}

static struct spot spot_of(const struct rule *r, const char *chain)
{
	return (struct spot){ r->netns, r->iptables, r->family, r->table, chain };
}

/* All chains that have rules, each once, in order. */
static size_t spots_find(const struct rulebook *b, struct spot *spots)
{
	size_t i, n = 0;

	for (i = 0; i < b->nrules; i++)
		spots[i] = spot_of(&b->rules[i], b->rules[i].chain);
	if (b->nrules)
		qsort(spots, b->nrules, sizeof(*spots), spot_order);
	for (i = 0; i < b->nrules; i++)
		if (!i || spot_order(&spots[i], &spots[n - 1]))
			spots[n++] = spots[i];
	return n;
}

static uint32_t spot_find(const struct spot *spots, size_t n, struct spot key)
{
	const struct spot *found = bsearch(&key, spots, n, sizeof(*spots), spot_order);

	return found ? found - spots : NONE;
}

/* Those that hang on a hook themselves. */
static void hooks_begin(const struct rulebook *b, const struct spot *spots, size_t n, unsigned int *hooks)
{
	uint32_t at;
	size_t i;
	int hook;

	for (i = 0; i < n; i++) {
		hook = spots[i].iptables ? hook_number(spots[i].chain) : -1;
		hooks[i] = hook < 0 ? 0 : 1u << hook;
	}
	for (i = 0; i < b->nchains; i++) {
		const struct chain *c = &b->chains[i];

		at = c->hook < 0 ? NONE : spot_find(spots, n, (struct spot){ c->netns, false, c->family, c->table, c->name });
		if (at != NONE)
			hooks[at] = 1u << c->hook;
	}
}

/* From chain to chain, as rules jump; from[i] and to[i] are of rules[i]. */
static void hooks_follow(struct rulebook *b, const uint32_t *from, const uint32_t *to, unsigned int *hooks)
{
	bool more = true;
	size_t i;

	for (int depth = 0; more && depth < JUMPS_MAX; depth++) {
		more = false;
		for (i = 0; i < b->nrules; i++) {
			if (to[i] == NONE || !(hooks[from[i]] & ~hooks[to[i]]))
				continue;
			hooks[to[i]] |= hooks[from[i]];
			more = true;
		}
	}
	for (i = 0; i < b->nrules; i++)
		b->rules[i].hooks = hooks[from[i]];
}

static void hooks_spread(struct rulebook *b)
{
	struct spot *spots = calloc(b->nrules + 1, sizeof(*spots));
	unsigned int *hooks = calloc(b->nrules + 1, sizeof(*hooks));
	uint32_t *from = calloc(b->nrules + 1, sizeof(*from)), *to = calloc(b->nrules + 1, sizeof(*to));
	size_t n, i;

	if (spots && hooks && from && to) {
		n = spots_find(b, spots);
		for (i = 0; i < b->nrules; i++) {
			const struct rule *r = &b->rules[i];

			from[i] = spot_find(spots, n, spot_of(r, r->chain));
			to[i] = *r->jump ? spot_find(spots, n, spot_of(r, r->jump)) : NONE;
		}
		hooks_begin(b, spots, n, hooks);
		hooks_follow(b, from, to, hooks);
	} else {
		b->no_memory = true;
	}
	free(spots);
	free(hooks);
	free(from);
	free(to);
}

static void asks_settle(struct rulebook *b)
{
	for (size_t i = 0; i < b->nrules; i++) {
		struct rule *r = &b->rules[i];

		if (r->iptables) {
			r->first_ask = b->nasks;
			asks_of_iptables(b, r);
		}
	}
	for (size_t i = 0; i < b->nrules; i++)
		b->rules[i].asks = b->rules[i].nasks ? b->asks + b->rules[i].first_ask : NULL;
}

int rulebook_open(struct rulebook **out, const struct model *m)
{
	struct rulebook *b = *out = calloc(1, sizeof(*b));
	sqlite3 *db = NULL;
	int rc = b ? snapshot_db_open(&db, m, has_rules) : SQLITE_NOMEM;

	rc = rc ?: sqlite3_exec(db, embedded_snapshots, NULL, NULL, NULL);
	rc = rc ?: snapshot_db_each(db, embedded_rules, "rules", rule_read, b);
	rc = rc ?: snapshot_db_each(db, embedded_rules, "chains", chain_read, b);
	rc = rc ?: snapshot_db_each(db, embedded_rules, "matches", match_read, b);
	sqlite3_close(db);
	if (b && !rc) {
		asks_settle(b);
		hooks_spread(b);
	}
	if (!rc && !b->no_memory)
		return 0;
	rulebook_close(b);
	*out = NULL;
	return -ENOMEM;
}

void rulebook_close(struct rulebook *b)
{
	if (!b)
		return;
	arena_free(&b->arena);
	free(b->rules);
	free(b->chains);
	free(b->asks);
	free(b);
}

size_t rulebook_size(const struct rulebook *b)
{
	return b ? b->nrules : 0;
}

const struct rule *rulebook_rule(const struct rulebook *b, size_t i)
{
	return &b->rules[i];
}

/* --- does it fit ---------------------------------------------------------------------------------------------------- */

static enum fit address_fits(const struct ask *a, const struct trc_hop *h, const uint8_t *address)
{
	uint8_t have = a->prefix.family == AF_INET6 ? TRC_HAVE_IP6 : TRC_HAVE_IP4;

	if (!(h->have & (TRC_HAVE_IP4 | TRC_HAVE_IP6)))
		return FIT_PERHAPS;
	return h->have & have && prefix_covers(&a->prefix, address) ? FIT_YES : FIT_NO;
}

/* The packet's device is the one it came in through, until it is sent to another. */
static enum fit device_fits(const struct ask *a, const struct model *m, const struct trc_hop *h)
{
	bool in = a->what == ASK_IN, comes = h->hook <= 2, leaves = h->hook == 4;

	if (!(h->have & TRC_HAVE_SKB) || !h->ifindex || (in ? !comes : !leaves))
		return FIT_PERHAPS;
	return strcmp(model_dev(m, h->netns, h->ifindex), a->device) ? FIT_NO : FIT_YES;
}

static enum fit ask_fits(const struct ask *a, const struct model *m, const struct trc_hop *h)
{
	bool ports = h->have & TRC_HAVE_L4 && h->l4proto != 1 && h->l4proto != 58;
	enum fit fit = FIT_PERHAPS;

	switch (a->what) {
	case ASK_PROTO:
		if (h->have & (TRC_HAVE_IP4 | TRC_HAVE_IP6) && h->l4proto)
			fit = h->l4proto == a->number ? FIT_YES : FIT_NO;
		break;
	case ASK_SPORT: fit = !ports ? FIT_PERHAPS : h->sport == a->number ? FIT_YES : FIT_NO; break;
	case ASK_DPORT: fit = !ports ? FIT_PERHAPS : h->dport == a->number ? FIT_YES : FIT_NO; break;
	case ASK_SADDR: fit = address_fits(a, h, h->saddr); break;
	case ASK_DADDR: fit = address_fits(a, h, h->daddr); break;
	case ASK_IN:
	case ASK_OUT: fit = device_fits(a, m, h); break;
	case ASK_UNKNOWN: break;
	}
	return a->not && fit != FIT_PERHAPS ? FIT_YES - fit : fit;
}

static bool family_fits(const char *family, uint8_t nfproto)
{
	switch (nfproto) {
	case 2: return !strcmp(family, "ip") || !strcmp(family, "inet");
	case 10: return !strcmp(family, "ip6") || !strcmp(family, "inet");
	case 3: return !strcmp(family, "arp");
	case 5: return !strcmp(family, "netdev");
	case 7: return !strcmp(family, "bridge");
	}
	return false;
}

enum fit rule_fits(const struct rule *r, const struct model *m, const struct trc_hop *h)
{
	/* of hooks of netdev and ARP there are fewer, counted otherwise */
	static const uint8_t arp[] = { 1, 3, 2 };
	uint8_t hook = h->family == 5 ? h->hook + 5 : h->family == 3 && h->hook < 3 ? arp[h->hook] : h->hook;
	enum fit all = FIT_YES;

	if (r->netns != h->netns || hook > 6 || !(r->hooks & 1u << hook) || !family_fits(r->family, h->family))
		return FIT_NO;
	for (size_t i = 0; i < r->nasks; i++) {
		enum fit fit = ask_fits(&r->asks[i], m, h);

		all = fit < all ? fit : all;
	}
	return all;
}

bool rule_drops(const struct rule *r)
{
	return !strcmp(r->action, "drop") || !strcmp(r->action, "reject");
}

bool rule_is_policy(const struct rule *r)
{
	return !r->number;
}

bool rule_is_filter(const struct rule *r)
{
	return !strcmp(r->family, "tc");
}

const char *rule_text(const struct rule *r, char *buf, size_t size)
{
	bool six = !strcmp(r->family, "ip6");

	if (rule_is_filter(r))
		snprintf(buf, size, "'%s', a tc filter %s %s of %s", r->text, strchr(r->chain, ':') ? "of qdisc" : "at the", r->chain, r->table);
	else if (r->iptables && r->number)
		snprintf(buf, size, "'%s', rule %lld of chain %s, table %s of %s", r->text, (long long)r->number, r->chain, r->table,
			 six ? "ip6tables" : "iptables");
	else if (r->iptables)
		snprintf(buf, size, "'%s' of chain %s, table %s of %s", r->text, r->chain, r->table, six ? "ip6tables" : "iptables");
	else
		snprintf(buf, size, "'%s' in chain %s, table %s %s of nft", r->text, r->chain, r->family, r->table);
	return buf;
}
