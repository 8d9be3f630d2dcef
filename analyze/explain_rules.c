// SPDX-License-Identifier: GPL-2.0
/*
 * explain_rules.c - which firewall rule of a hook it was, as far as snapshots and counters can tell.
 *
 * A rule is named as the one only when it drops, fits the packet, counted something while this was recorded, and no
 * other does; everything less is said as what it is.
 */
#include <stdlib.h>
#include <string.h>

#include "explain.h"
#include "rules.h"
#include "show.h"

#define NAMED_MAX 3

struct candidates {
	const struct rule *counted[NAMED_MAX], *silent[NAMED_MAX];	/* the first of them */
	size_t ncounted, nsilent;
	enum fit fit;			/* of counted[0] */
};

/* Rules that may have met the packet; drops: only those that drop. */
static struct candidates find(const struct story *s, const struct trc_hop *h, bool drops)
{
	struct candidates c = {};

	for (size_t i = 0; i < rulebook_size(s->rules); i++) {
		const struct rule *r = rulebook_rule(s->rules, i);
		enum fit fit;

		if ((drops ? !rule_drops(r) : rule_drops(r) || rule_is_policy(r)) || !r->counted)
			continue;
		fit = rule_fits(r, s->m, h);
		if (fit == FIT_NO)
			continue;
		if (r->counted < 0) {
			if (c.nsilent++ < NAMED_MAX)
				c.silent[c.nsilent - 1] = r;
			continue;
		}
		if (!c.ncounted)
			c.fit = fit;
		if (c.ncounted++ < NAMED_MAX)
			c.counted[c.ncounted - 1] = r;
	}
	return c;
}

static char *rules_list(const struct rule *const *rules, size_t n)
{
	char *text = NULL, rule[512];
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (size_t i = 0; i < n && i < NAMED_MAX; i++) {
		fprintf(out, "%s%s", i ? "; " : "", rule_text(rules[i], rule, sizeof(rule)));
		if (rules[i]->counted > 0)
			fprintf(out, " (%lld packet%s)", (long long)rules[i]->counted, rules[i]->counted == 1 ? "" : "s");
	}
	if (n > NAMED_MAX)
		fprintf(out, "; and %zu more", n - NAMED_MAX);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

static void say_list(struct story *s, uint32_t hook, const char *before, const struct rule *const *rules, size_t n)
{
	char *text = rules_list(rules, n), rule[512];

	cite(s, hook);
	for (size_t i = 0; i < n && i < NAMED_MAX; i++)
		story_name(s, "rules", rule_text(rules[i], rule, sizeof(rule)));
	if (text)
		story_say(s, "Rule", "%s: %s.", before, text);
	else
		s->err = -1;
	free(text);
}

/* Of the rules that could have met it, are all known?  NULL: yes; else why not. */
static const char *rules_missing(const struct story *s, const struct trc_hop *h)
{
	const char *const kinds[] = { "nftables", h->family == 10 ? "ip6tables" : "iptables" };
	const size_t n = h->family == 2 || h->family == 10 ? 2 : 1;

	for (size_t k = 0; k < n; k++) {
		const struct snapshot *at_end = NULL;

		for (size_t i = 0; i < s->m->nsnapshots && !at_end; i++)
			if (s->m->snapshots[i].netns == h->netns && s->m->snapshots[i].end && !strcmp(s->m->snapshots[i].what, kinds[k]))
				at_end = &s->m->snapshots[i];
		if (!at_end)
			return "";		/* none at all, as in recordings of old: nothing is said */
		if (at_end->broken)
			return "its text is not whole";
		if (*at_end->note)
			return at_end->note;
	}
	return NULL;
}

static void say_one(struct story *s, uint32_t hook, const struct candidates *c)
{
	const struct rule *r = c->counted[0];
	char rule[512];
	bool sure = c->fit == FIT_YES && !c->nsilent;

	story_name(s, "rule", rule_text(r, rule, sizeof(rule)));
	story_count(s, "counted", r->counted);
	cite(s, hook);
	story_say(s, "Rule", "%s %s. It counted %lld packet%s while this was recorded, and %s this one; %s.",
		  sure ? "It is" : "It is likely", rule_text(r, rule, sizeof(rule)), (long long)r->counted, r->counted == 1 ? "" : "s",
		  c->fit == FIT_YES ? "fits" : "may fit",
		  c->nsilent ? "but there are rules of this hook that drop and count nothing" : "no other rule of this hook that drops did both");
}

static void say_silent(struct story *s, uint32_t hook, const struct trc_hop *h, const struct rule *r)
{
	char rule[512];

	cite(s, hook);
	story_name(s, "rule", rule_text(r, rule, sizeof(rule)));
	story_say(s, "Rule", "It is likely %s. It counts nothing, but %s this packet, and no other rule of this hook that drops has met any.",
		  rule_text(r, rule, sizeof(rule)), rule_fits(r, s->m, h) == FIT_YES ? "fits" : "may fit");
}

static void tell_dropping(struct story *s, uint32_t hook, const struct trc_hop *h)
{
	const char *missing = rules_missing(s, h);
	struct candidates c = find(s, h, true);

	if (c.ncounted == 1)
		say_one(s, hook, &c);
	else if (c.ncounted)
		say_list(s, hook, "It is one of these, which drop, may fit, and counted packets while this was recorded", c.counted, c.ncounted);
	else if (c.nsilent == 1 && !missing)
		say_silent(s, hook, h, c.silent[0]);
	else if (c.nsilent)
		say_list(s, hook, "No rule of this hook that drops and counts has met it; these drop without counting and may fit", c.silent, c.nsilent);
	else if (missing && *missing)
		story_say(s, "Rule", "Which rule it was is not known, because the snapshots lack some: %s.", missing);
	else if (!missing)
		story_say(s, "Rule", "No rule of the snapshots fits: it was another function of netfilter, or a rule that was gone when the recording ended.");
}

static void tell_passing(struct story *s, uint32_t hook, const struct trc_hop *h)
{
	struct candidates c = find(s, h, false);

	if (c.ncounted)
		say_list(s, hook, c.fit == FIT_YES && c.ncounted == 1 ? "The rule of this hook that fits it and counted packets while this was recorded"
			 : "Rules of this hook that may fit it and counted packets while this was recorded", c.counted, c.ncounted);
}

void tell_rules(struct story *s, uint32_t hook, bool drops)
{
	const struct trc_hop *h = packet_hop(s->m, s->p, hook);

	if (!(h->have & TRC_HAVE_NETNS))
		return;
	if (drops)
		tell_dropping(s, hook, h);
	else
		tell_passing(s, hook, h);
}

/* A filter that lets pass, or has met nothing, was not the one; a program of BPF counts nothing. */
static bool filter_may_drop(const struct rule *r)
{
	return r->counted && (rule_drops(r) || !strcmp(r->action, "police") || !strcmp(r->action, "bpf"));
}

/* Dropped by traffic control: which filter of that device. */
void tell_filters(struct story *s)
{
	const char *reason = packet_reason(s->m, s->p);
	const char *chain = !strcmp(reason, "TC_INGRESS") ? "ingress" : !strcmp(reason, "TC_EGRESS") ? "egress" : NULL;
	const struct trc_hop *h = packet_hop(s->m, s->p, packet_last_hop(s->m, s->p));
	struct candidates c = {};
	char text[512];

	for (size_t i = 0; chain && i < rulebook_size(s->rules); i++) {
		const struct rule *r = rulebook_rule(s->rules, i);

		if (!rule_is_filter(r) || r->netns != h->netns || strcmp(r->chain, chain) || strcmp(r->table, model_dev(s->m, h->netns, h->ifindex)) ||
		    !filter_may_drop(r))
			continue;
		if (c.ncounted++ < NAMED_MAX)
			c.counted[c.ncounted - 1] = r;
	}
	if (c.ncounted == 1) {
		story_name(s, "rule", rule_text(c.counted[0], text, sizeof(text)));
		cite(s, packet_last_hop(s->m, s->p));
	}
	if (c.ncounted == 1 && c.counted[0]->counted > 0)
		story_say(s, "Rule", "It is %s. It counted %lld packet%s while this was recorded, and no other there that drops did.",
			  rule_text(c.counted[0], text, sizeof(text)), (long long)c.counted[0]->counted, c.counted[0]->counted == 1 ? "" : "s");
	else if (c.ncounted == 1)
		story_say(s, "Rule", "It is likely %s: no other there drops.", rule_text(c.counted[0], text, sizeof(text)));
	else if (c.ncounted)
		say_list(s, packet_last_hop(s->m, s->p), "It is one of these", c.counted, c.ncounted);
}
