// SPDX-License-Identifier: GPL-2.0
/*
 * explain_rules.c - rules of the snapshots beside packets: what fits, what does not, what only may; and nothing that a
 * stranger writes into a snapshot may do harm.
 */
#include "explain.h"
#include "rules.h"
#include "show_recording.h"

static void put_noted(struct tape *t, const char *what, bool end, const char *text, const char *note)
{
	struct trc_record rec = {
		.kind = TRC_SNAPSHOT,
		.snapshot = { .end = end, .netns = NETNS_CLIENT, .what = what, .source = "test", .note = note, .text = text, .last = 1 },
	};

	assert_int_equal(trc_write(t->w, &rec), 0);
}

static void put_snapshot(struct tape *t, const char *what, bool end, const char *text)
{
	put_noted(t, what, end, text, "");
}

static struct model *load(const char *what, const char *start, const char *end)
{
	struct tape t = tape_start();
	struct model *m;

	put_snapshot(&t, what, false, start);
	put_snapshot(&t, what, true, end);
	put_snapshot(&t, strcmp(what, "nftables") ? "nftables" : "iptables", true, "");
	put_packet(&t, step_dropped, true);
	put_end(&t);
	m = tape_load(&t);
	assert_non_null(m);
	return m;
}

static struct rulebook *book_of(const struct model *m)
{
	struct rulebook *b;

	assert_int_equal(rulebook_open(&b, m), 0);
	return b;
}

/* A UDP packet 10.0.0.1:40000 > 10.0.0.2:53 at LOCAL_OUT of IPv4, unless changed. */
static struct trc_hop at_hook(uint8_t hook)
{
	return (struct trc_hop){
		.netns = NETNS_CLIENT, .family = 2, .hook = hook, .l4proto = 17, .sport = 40000, .dport = 53, .saddr = { 10, 0, 0, 1 },
		.daddr = { 10, 0, 0, 2 }, .have = TRC_HAVE_SKB | TRC_HAVE_NETNS | TRC_HAVE_IP4 | TRC_HAVE_L4 | TRC_HAVE_HOOK,
	};
}

static const struct rule *rule_with(const struct rulebook *b, const char *words)
{
	for (size_t i = 0; i < rulebook_size(b); i++)
		if (strstr(rulebook_rule(b, i)->text, words))
			return rulebook_rule(b, i);
	fail_msg("no rule says: %s", words);
	return NULL;
}

/* What a rule has ever counted is not what it counted meanwhile. */
static void without_a_start_it_is_not_known_what_was_counted(void **state)
{
	struct tape t = tape_start();
	struct rulebook *b;
	struct model *m;

	put_noted(&t, "iptables", false, "", "iptables-legacy-save took too long");
	put_snapshot(&t, "iptables", true, "*filter\n:OUTPUT ACCEPT [900:900]\n[700:700] -A OUTPUT -p udp -j DROP\nCOMMIT\n");
	put_packet(&t, step_dropped, true);
	put_end(&t);
	m = tape_load(&t);
	assert_non_null(m);
	b = book_of(m);
	assert_int_equal(rule_with(b, "-p udp")->counted, -1);
	rulebook_close(b);
	model_free(m);
}

static enum fit fit_of(const struct model *m, const struct rulebook *b, const char *words, struct trc_hop h)
{
	return rule_fits(rule_with(b, words), m, &h);
}

static const char legacy_start[] =
	"*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [5:400]\n:mine - [0:0]\n"
	"[0:0] -A OUTPUT -d 10.0.0.2/32 -p udp -m udp --dport 53 -j DROP\n"
	"[1:60] -A OUTPUT ! -d 10.0.0.0/8 -p udp -j DROP\n"
	"[0:0] -A OUTPUT -d 10.0.0.2/32 -m conntrack --ctstate NEW -j mine\n"
	"[0:0] -A mine -p tcp -j REJECT --reject-with icmp-port-unreachable\nCOMMIT\n";
static const char legacy_end[] =
	"*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [6:480]\n:mine - [0:0]\n"
	"[3:180] -A OUTPUT -d 10.0.0.2/32 -p udp -m udp --dport 53 -j DROP\n"
	"[1:60] -A OUTPUT ! -d 10.0.0.0/8 -p udp -j DROP\n"
	"[2:120] -A OUTPUT -d 10.0.0.2/32 -m conntrack --ctstate NEW -j mine\n"
	"[0:0] -A mine -p tcp -j REJECT --reject-with icmp-port-unreachable\nCOMMIT\n";

static void rules_of_iptables_fit_by_address_port_and_protocol(void **state)
{
	struct model *m = load("iptables", legacy_start, legacy_end);
	struct rulebook *b = book_of(m);
	struct trc_hop h = at_hook(3);

	assert_int_equal(fit_of(m, b, "--dport 53", h), FIT_YES);
	assert_int_equal(rule_with(b, "--dport 53")->counted, 3);
	assert_true(rule_drops(rule_with(b, "--dport 53")));
	h.dport = 54;
	assert_int_equal(fit_of(m, b, "--dport 53", h), FIT_NO);
	h = at_hook(3);
	h.l4proto = 6;
	assert_int_equal(fit_of(m, b, "--dport 53", h), FIT_NO);
	h = at_hook(1);
	assert_int_equal(fit_of(m, b, "--dport 53", h), FIT_NO);	/* INPUT */
	h = at_hook(3);
	h.netns = NETNS_SERVER;
	assert_int_equal(fit_of(m, b, "--dport 53", h), FIT_NO);
	h = at_hook(3);
	h.have &= ~TRC_HAVE_L4;			/* a fragment */
	assert_int_equal(fit_of(m, b, "--dport 53", h), FIT_PERHAPS);
	rulebook_close(b);
	model_free(m);
}

static void what_a_rule_excludes_does_not_fit(void **state)
{
	struct model *m = load("iptables", legacy_start, legacy_end);
	struct rulebook *b = book_of(m);
	struct trc_hop h = at_hook(3);

	assert_int_equal(fit_of(m, b, "! -d 10.0.0.0/8", h), FIT_NO);
	h.daddr[0] = 11;
	assert_int_equal(fit_of(m, b, "! -d 10.0.0.0/8", h), FIT_YES);
	rulebook_close(b);
	model_free(m);
}

static void what_is_not_judged_makes_a_rule_perhaps_fit(void **state)
{
	struct model *m = load("iptables", legacy_start, legacy_end);
	struct rulebook *b = book_of(m);

	assert_int_equal(fit_of(m, b, "--ctstate NEW", at_hook(3)), FIT_PERHAPS);
	rulebook_close(b);
	model_free(m);
}

static void rules_of_chains_that_are_jumped_to_stand_at_the_hook(void **state)
{
	struct model *m = load("iptables", legacy_start, legacy_end);
	struct rulebook *b = book_of(m);
	struct trc_hop h = at_hook(3);

	h.l4proto = 6;
	assert_int_equal(fit_of(m, b, "-j REJECT", h), FIT_YES);
	h.hook = 1;
	assert_int_equal(fit_of(m, b, "-j REJECT", h), FIT_NO);
	rulebook_close(b);
	model_free(m);
}

#define NFT_RULE(counted) \
	"{\"nftables\":[{\"table\":{\"family\":\"inet\",\"name\":\"t\",\"handle\":1}}," \
	"{\"chain\":{\"family\":\"inet\",\"table\":\"t\",\"name\":\"c\",\"handle\":1,\"type\":\"filter\",\"hook\":\"output\",\"prio\":0,\"policy\":\"drop\"}}," \
	"{\"rule\":{\"family\":\"inet\",\"table\":\"t\",\"chain\":\"c\",\"handle\":2,\"expr\":[{\"match\":{\"op\":\"==\",\"left\":{\"payload\":{\"protocol\":\"udp\",\"field\":\"dport\"}},\"right\":53}},{\"counter\":{\"packets\":" counted ",\"bytes\":0}},{\"drop\":null}]}}," \
	"{\"rule\":{\"family\":\"inet\",\"table\":\"t\",\"chain\":\"c\",\"handle\":3,\"expr\":[{\"match\":{\"op\":\"==\",\"left\":{\"payload\":{\"protocol\":\"ip\",\"field\":\"daddr\"}},\"right\":{\"prefix\":{\"addr\":\"10.0.0.0\",\"len\":24}}}},{\"accept\":null}]}}," \
	"{\"rule\":{\"family\":\"inet\",\"table\":\"t\",\"chain\":\"c\",\"handle\":4,\"expr\":[{\"match\":{\"op\":\"in\",\"left\":{\"ct\":{\"key\":\"state\"}},\"right\":[\"new\"]}},{\"limit\":{\"rate\":1}},{\"accept\":null}]}}]}"

static void rules_of_nft_fit_by_what_they_match(void **state)
{
	struct model *m = load("nftables", NFT_RULE("4"), NFT_RULE("9"));
	struct rulebook *b = book_of(m);
	struct trc_hop h = at_hook(3);

	assert_int_equal(fit_of(m, b, "udp dport 53", h), FIT_YES);
	assert_int_equal(rule_with(b, "udp dport 53")->counted, 5);
	assert_int_equal(fit_of(m, b, "ip daddr", h), FIT_YES);
	assert_int_equal(rule_with(b, "ip daddr")->counted, -1);
	assert_int_equal(fit_of(m, b, "state", h), FIT_PERHAPS);
	assert_int_equal(fit_of(m, b, "policy drop", h), FIT_YES);
	assert_true(rule_is_policy(rule_with(b, "policy drop")));
	h.daddr[2] = 9;
	assert_int_equal(fit_of(m, b, "ip daddr", h), FIT_NO);
	h.l4proto = 6;			/* port 53 as well */
	assert_int_equal(fit_of(m, b, "udp dport 53", h), FIT_NO);
	h = at_hook(3);
	h.family = 10;
	h.have = (h.have & ~TRC_HAVE_IP4) | TRC_HAVE_IP6;
	assert_int_equal(fit_of(m, b, "udp dport 53", h), FIT_YES);	/* inet is both */
	assert_int_equal(fit_of(m, b, "ip daddr", h), FIT_NO);
	rulebook_close(b);
	model_free(m);
}

static bool story_says(const struct model *m, const struct rulebook *b, const char *words)
{
	struct explain e;
	bool says = false;

	assert_int_equal(explain_packet(&e, m, &m->packets[0], &(struct explain_system){ .rules = (struct rulebook *)b }), 0);
	for (size_t i = 0; i < e.count; i++)
		says |= !strcmp(e.steps[i].label, "Rule") && strstr(e.steps[i].text, words);
	explain_free(&e);
	return says;
}

/* The packet of the main job is dropped at LOCAL_OUT. */
static void one_rule_that_drops_fits_and_counted_is_the_one(void **state)
{
	struct model *m = load("iptables", legacy_start, legacy_end);
	struct rulebook *b = book_of(m);

	assert_true(story_says(m, b, "It is '-d 10.0.0.2/32 -p udp -m udp --dport 53 -j DROP', rule 1 of chain OUTPUT"));
	assert_true(story_says(m, b, "no other rule of this hook that drops did both"));
	rulebook_close(b);
	model_free(m);
}

static void a_rule_that_counts_nothing_makes_the_other_only_likely(void **state)
{
	struct model *m = load("nftables", NFT_RULE("0"), NFT_RULE("1"));	/* its policy drops too, and counts nothing */
	struct rulebook *b = book_of(m);

	assert_true(story_says(m, b, "It is likely 'udp dport 53 drop'"));
	assert_false(story_says(m, b, "It is '"));
	rulebook_close(b);
	model_free(m);
}

static void a_rule_that_did_not_count_is_not_named(void **state)
{
	struct model *m = load("iptables", legacy_end, legacy_end);
	struct rulebook *b = book_of(m);

	assert_false(story_says(m, b, "--dport 53"));
	assert_true(story_says(m, b, "No rule of the snapshots fits"));
	rulebook_close(b);
	model_free(m);
}

static void rules_that_were_not_noted_are_said_to_be_missing(void **state)
{
	struct tape t = tape_start();
	struct model *m;
	struct rulebook *b;

	put_snapshot(&t, "nftables", true, "{\"nftables\":[]}");
	put_noted(&t, "iptables", true, "", "iptables-save is not installed");
	put_packet(&t, step_dropped, true);
	put_end(&t);
	m = tape_load(&t);
	b = book_of(m);
	assert_true(story_says(m, b, "not known, because the snapshots lack some: iptables-save is not installed."));
	assert_false(story_says(m, b, "No rule of the snapshots fits"));
	rulebook_close(b);
	model_free(m);
}

static void a_rule_of_iptables_nft_rejects(void **state)
{
	static const char text[] =
		"{\"nftables\":[{\"chain\":{\"family\":\"ip\",\"table\":\"filter\",\"name\":\"OUTPUT\",\"handle\":1,\"hook\":\"output\",\"policy\":\"accept\"}},"
		"{\"rule\":{\"family\":\"ip\",\"table\":\"filter\",\"chain\":\"OUTPUT\",\"handle\":2,\"expr\":[{\"match\":{\"op\":\"==\",\"left\":{\"payload\":"
		"{\"protocol\":\"udp\",\"field\":\"dport\"}},\"right\":53}},{\"xt\":{\"type\":\"target\",\"name\":\"REJECT\"}}]}}]}";
	struct model *m = load("nftables", text, text);
	struct rulebook *b = book_of(m);

	assert_true(rule_drops(rule_with(b, "udp dport 53")));
	assert_int_equal(fit_of(m, b, "udp dport 53", at_hook(3)), FIT_YES);
	assert_true(story_says(m, b, "It is likely 'udp dport 53 xt REJECT'"));
	rulebook_close(b);
	model_free(m);
}

static void snapshots_of_strangers_do_no_harm(void **state)
{
	static const char *const texts[] = {
		"", "{", "[]", "{\"nftables\":3}", "{\"nftables\":[3,null,\"x\",[]]}", "{\"nftables\":[{\"rule\":3},{\"chain\":[]},{\"rule\":{}}]}",
		"{\"nftables\":[{\"rule\":{\"family\":\"ip\",\"table\":\"t\",\"chain\":\"c\",\"handle\":\"x\",\"expr\":{\"match\":3}}}]}",
		"{\"nftables\":[{\"rule\":{\"family\":[],\"table\":{},\"chain\":3,\"handle\":1,\"expr\":[3,[],{\"match\":{\"left\":[],\"right\":{\"prefix\":3}}}]}}]}",
		("{\"nftables\":[{\"rule\":{\"family\":\"ip\",\"table\":\"t\",\"chain\":\"c\",\"handle\":1,\"expr\":[{\"match\":{\"op\":\"==\",\"left\":{\"payload\":{\"protocol\":\"ip\",\"field\":\"saddr\"}},\"right\":\"999.1/99\"}}]}},"
		"{\"rule\":{\"family\":\"ip\",\"table\":\"t\",\"chain\":\"c\",\"handle\":1,\"expr\":[{\"jump\":{\"target\":\"c\"}}]}}]}"),
		"*filter\n:a - [0:0]\n[1:1] -A a -j a\n[1:1] -A\n[:] -A OUTPUT -d\n[1:1] -A OUTPUT -d 1.2.3.4/99 -p -s --dport 99999999999 ! ! -j\n",
		"[1:1] -A OUTPUT -j DROP\n", "*\x1b[31m\n[9223372036854775807:1] -A \x1b[31m -j DROP\n",
	};
	static const char *const kinds[] = { "nftables", "iptables", "ip6tables", "iptables-nft" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
			struct model *m = load(kinds[k], texts[i], texts[i]);
			struct rulebook *b = book_of(m);
			struct trc_hop h = at_hook(3);
			char text[64];

			for (size_t n = 0; n < rulebook_size(b); n++) {
				rule_fits(rulebook_rule(b, n), m, &h);
				assert_null(strchr(rule_text(rulebook_rule(b, n), text, sizeof(text)), '\x1b'));
			}
			assert_false(story_says(m, b, "\x1b"));
			rulebook_close(b);
			model_free(m);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_start_it_is_not_known_what_was_counted),
		cmocka_unit_test(rules_of_iptables_fit_by_address_port_and_protocol),
		cmocka_unit_test(what_a_rule_excludes_does_not_fit),
		cmocka_unit_test(what_is_not_judged_makes_a_rule_perhaps_fit),
		cmocka_unit_test(rules_of_chains_that_are_jumped_to_stand_at_the_hook),
		cmocka_unit_test(rules_of_nft_fit_by_what_they_match),
		cmocka_unit_test(one_rule_that_drops_fits_and_counted_is_the_one),
		cmocka_unit_test(a_rule_that_counts_nothing_makes_the_other_only_likely),
		cmocka_unit_test(a_rule_that_did_not_count_is_not_named),
		cmocka_unit_test(rules_that_were_not_noted_are_said_to_be_missing),
		cmocka_unit_test(a_rule_of_iptables_nft_rejects),
		cmocka_unit_test(snapshots_of_strangers_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
