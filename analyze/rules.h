/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rules.h - firewall rules of the snapshots, and filters of tc, beside the packets: which rule of a hook may have met a packet.
 *
 * What is known of a rule is its text and what it had counted at the start and at the end.  A rule fits a packet when
 * nothing that it asks for differs; what it asks for beyond addresses, ports, protocol and devices is not judged.
 */
#ifndef PKT_RULES_H
#define PKT_RULES_H

#include "model.h"

enum fit { FIT_NO, FIT_PERHAPS, FIT_YES };

struct rule {
	uint32_t netns;
	bool iptables;		/* not nft */
	const char *family;	/* "ip", "ip6", "inet", "bridge", ... */
	const char *table, *chain, *action;
	const char *text;	/* in words */
	int64_t number;		/* of nft the handle; of iptables the place in its chain, 0: the chain's policy */
	int64_t counted;	/* between start and end; -1: it does not count */
	unsigned int hooks;	/* a bit for each hook from which its chain is reached; see hook_bit() */
	const char *jump;	/* chain that it jumps to, "" = none */
	const struct ask *asks;	/* private to rules.c */
	size_t first_ask, nasks;
};

struct rulebook;

/* 0 or -ENOMEM; a recording without snapshots has no rules. */
int rulebook_open(struct rulebook **out, const struct model *m);
void rulebook_close(struct rulebook *b);	/* NULL is fine */
size_t rulebook_size(const struct rulebook *b);	/* of NULL 0 */
const struct rule *rulebook_rule(const struct rulebook *b, size_t i);

/* Does the rule stand at this hook, met by the packet as hop h shows it? */
enum fit rule_fits(const struct rule *r, const struct model *m, const struct trc_hop *h);
bool rule_drops(const struct rule *r);
bool rule_is_policy(const struct rule *r);
bool rule_is_filter(const struct rule *r);	/* of tc: stands at no hook, table is its device and chain where it hangs there */
const char *rule_text(const struct rule *r, char *buf, size_t size);	/* "-p udp --dport 69 -j DROP (chain OUTPUT ...)" */

#endif
