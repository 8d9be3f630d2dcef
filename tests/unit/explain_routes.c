// SPDX-License-Identifier: GPL-2.0
/*
 * explain_routes.c - routes, neighbours and queues of the snapshots beside packets: which is found, and what is said
 * when it is not sure; and nothing that a stranger writes into a snapshot may do harm.
 */
#include <arpa/inet.h>

#include "explain.h"
#include "routes.h"
#include "show_recording.h"

#define USUAL "[{\"priority\":0,\"src\":\"all\",\"table\":\"local\"},{\"priority\":32766,\"src\":\"all\",\"table\":\"main\"}," \
	"{\"priority\":32767,\"src\":\"all\",\"table\":\"default\"}]"
#define USUAL_AND(rule) "[{\"priority\":0,\"src\":\"all\",\"table\":\"local\"}," rule ",{\"priority\":32766,\"src\":\"all\",\"table\":\"main\"}]"
#define LINK "{\"dst\":\"10.0.0.0/24\",\"dev\":\"veth-c\",\"prefsrc\":\"10.0.0.1\",\"flags\":[]}"

static void put_from(struct tape *t, const char *what, bool end, const char *source, const char *text)
{
	struct trc_record rec = {
		.kind = TRC_SNAPSHOT,
		.snapshot = { .end = end, .netns = NETNS_CLIENT, .what = what, .source = source, .note = "", .text = text, .last = 1 },
	};

	if (text)
		assert_int_equal(trc_write(t->w, &rec), 0);
}

/* What is NULL is not noted. */
struct system { const char *what, *start, *end; };

static struct model *load_from(const char *source, const struct system *parts, size_t n)
{
	struct tape t = tape_start();
	struct model *m;

	for (size_t i = 0; i < n; i++) {
		put_from(&t, parts[i].what, false, source, parts[i].start);
		put_from(&t, parts[i].what, true, source, parts[i].end);
	}
	put_packet(&t, step_ok, true);
	put_end(&t);
	m = tape_load(&t);
	assert_non_null(m);
	return m;
}

static struct model *load(const char *routes, const char *rules)
{
	const struct system parts[] = { { "routes", routes, routes }, { "rules", rules, rules }, { "routes6", routes, routes }, { "rules6", rules, rules } };

	return load_from("ip", parts, 4);
}

static struct route_ask ask(const char *from, const char *to, const char *in, const char *out)
{
	struct route_ask a = { .netns = NETNS_CLIENT, .family = strchr(to, ':') ? AF_INET6 : AF_INET, .in = in, .out = out };

	assert_int_equal(inet_pton(a.family, from, a.saddr), 1);
	assert_int_equal(inet_pton(a.family, to, a.daddr), 1);
	return a;
}

/* "10.0.0.0/24 dev veth-c (table main)"; "none", "unsure: why", "not noted" */
static const char *found(const struct model *m, struct route_ask a)
{
	static char text[512];
	struct routebook *b;
	struct route_answer r;

	assert_int_equal(routebook_open(&b, m), 0);
	r = route_find(b, &a, true);
	if (r.found == ROUTE_ONE)
		route_text(r.route, text, sizeof(text));
	else
		snprintf(text, sizeof(text), "%s%s", r.found == ROUTE_NONE ? "none" : r.found == ROUTE_UNSURE ? "unsure: " : "not noted", r.why);
	if (*r.policy)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " by %s", r.policy);
	routebook_close(b);
	return text;
}

static void the_longest_prefix_is_found(void **state)
{
	struct model *m = load("[{\"dst\":\"default\",\"gateway\":\"10.0.0.254\",\"dev\":\"veth-c\"}," LINK ",{\"dst\":\"10.0.0.9\",\"gateway\":\"10.0.0.3\",\"dev\":\"b\"},"
			       "{\"dst\":\"10.0.0.8/31\",\"dev\":\"c\"},{\"type\":\"local\",\"dst\":\"10.0.0.1\",\"dev\":\"veth-c\",\"table\":\"local\"}]", USUAL);

	assert_string_equal(found(m, ask("10.0.0.1", "10.0.0.2", NULL, NULL)), "10.0.0.0/24 dev veth-c src 10.0.0.1 (table main)");
	assert_string_equal(found(m, ask("10.0.0.1", "10.0.0.8", NULL, NULL)), "10.0.0.8/31 dev c (table main)");
	assert_string_equal(found(m, ask("10.0.0.1", "10.0.0.9", NULL, NULL)), "10.0.0.9 via 10.0.0.3 dev b (table main)");
	assert_string_equal(found(m, ask("10.0.0.1", "192.0.2.1", NULL, NULL)), "default via 10.0.0.254 dev veth-c (table main)");
	assert_string_equal(found(m, ask("10.0.0.2", "10.0.0.1", "veth-c", NULL)), "local 10.0.0.1 dev veth-c (table local)");
	model_free(m);
}

static void the_longest_prefix_of_ipv6_is_found(void **state)
{
	struct model *m = load("[{\"dst\":\"default\",\"gateway\":\"fe80::1\",\"dev\":\"a\"},{\"dst\":\"fd00::/64\",\"dev\":\"b\"},{\"dst\":\"fd00::8000:0:0:0/65\",\"dev\":\"c\"},"
			       "{\"dst\":\"fe80::/64\",\"dev\":\"a\",\"metric\":1},{\"dst\":\"fe80::/64\",\"dev\":\"b\",\"metric\":256}]", USUAL);

	assert_string_equal(found(m, ask("fd00::1", "fd00::2", NULL, NULL)), "fd00::/64 dev b (table main)");
	assert_string_equal(found(m, ask("fd00::1", "fd00::8000:0:0:2", NULL, NULL)), "fd00::8000:0:0:0/65 dev c (table main)");
	assert_string_equal(found(m, ask("fd00::1", "2001:db8::1", NULL, NULL)), "default via fe80::1 dev a (table main)");
	/* every device has link-local addresses */
	assert_string_equal(found(m, ask("fe80::1", "fe80::2", NULL, "b")), "fe80::/64 dev b (table main)");
	assert_string_equal(found(m, ask("fe80::1", "fe80::2", NULL, "a")), "fe80::/64 dev a (table main)");
	assert_string_equal(found(m, ask("fe80::1", "fe80::2", "b", NULL)), "fe80::/64 dev b (table main)");
	model_free(m);
}

static void the_lesser_metric_and_what_is_alive_is_found(void **state)
{
	struct model *m = load("[{\"dst\":\"default\",\"gateway\":\"10.0.0.3\",\"dev\":\"b\",\"metric\":200},{\"dst\":\"default\",\"gateway\":\"10.0.0.4\",\"dev\":\"c\",\"metric\":100},"
			       "{\"dst\":\"192.0.2.0/24\",\"dev\":\"d\",\"flags\":[\"dead\",\"linkdown\"]},{\"dst\":\"198.51.100.0/24\",\"dev\":\"d\",\"flags\":[\"linkdown\"]}]", USUAL);

	assert_string_equal(found(m, ask("10.0.0.1", "203.0.113.1", NULL, NULL)), "default via 10.0.0.4 dev c (table main)");
	assert_string_equal(found(m, ask("10.0.0.1", "192.0.2.1", NULL, NULL)), "default via 10.0.0.4 dev c (table main)");
	assert_string_equal(found(m, ask("10.0.0.1", "198.51.100.1", NULL, NULL)), "unsure: the link of a route is down, which may count or not");
	model_free(m);
}

static void of_several_next_hops_that_is_found_which_was_seen(void **state)
{
	struct model *m = load("[{\"dst\":\"default\",\"flags\":[],\"nexthops\":[{\"gateway\":\"10.0.0.3\",\"dev\":\"b\",\"weight\":1},{\"gateway\":\"10.0.0.4\",\"dev\":\"c\",\"weight\":1}]}]", USUAL);

	assert_string_equal(found(m, ask("10.0.0.1", "203.0.113.1", NULL, "c")), "default via 10.0.0.4 dev c (table main)");
	assert_string_equal(found(m, ask("10.0.0.1", "203.0.113.1", NULL, "b")), "default via 10.0.0.3 dev b (table main)");
	assert_string_equal(found(m, ask("10.0.0.1", "203.0.113.1", NULL, NULL)), "unsure: there are several next hops");
	model_free(m);
}

static void routes_for_a_service_or_a_sender_make_it_unsure(void **state)
{
	struct model *m = load("[" LINK ",{\"dst\":\"10.0.0.0/24\",\"tos\":\"0x10\",\"dev\":\"b\"},{\"dst\":\"fd00::/64\",\"dev\":\"b\"},{\"dst\":\"fd00::/48\",\"from\":\"fd01::/64\",\"dev\":\"c\"}]", USUAL);

	assert_string_equal(found(m, ask("10.0.0.1", "10.0.0.2", NULL, NULL)), "unsure: there is a route for a type of service");
	assert_string_equal(found(m, ask("fd00::1", "fd00::2", NULL, NULL)), "unsure: there is a route for some senders only");
	model_free(m);
}

#define ROUTES_7 "[" LINK ",{\"dst\":\"default\",\"gateway\":\"10.0.0.7\",\"dev\":\"b\",\"table\":\"7\"},{\"dst\":\"default\",\"dev\":\"c\"},{\"dst\":\"fd00::/64\",\"dev\":\"b\"}]"
#define VIA_7 "default via 10.0.0.7 dev b (table 7)"
#define VIA_MAIN "10.0.0.0/24 dev veth-c src 10.0.0.1 (table main)"

static void a_policy_rule_by_mark_leads_to_its_table(void **state)
{
	struct model *m = load(ROUTES_7, USUAL_AND("{\"priority\":100,\"src\":\"all\",\"fwmark\":\"0x10\",\"fwmask\":\"0xf0\",\"table\":\"7\"}"));
	struct route_ask a = ask("10.0.0.1", "10.0.0.2", NULL, NULL);

	assert_string_equal(found(m, a), VIA_MAIN);
	a.mark = 0x1f;
	assert_string_equal(found(m, a), VIA_7 " by policy rule 100 (fwmark 0x10 fwmask 0xf0)");
	a.mark = 0x2f;
	assert_string_equal(found(m, a), VIA_MAIN);
	model_free(m);
}

/* Of who sends it is not known whether the source was there when the route was looked up. */
static void a_policy_rule_by_source_is_sure_only_for_what_was_received(void **state)
{
	struct model *m = load(ROUTES_7, USUAL_AND("{\"priority\":100,\"src\":\"10.0.0.0\",\"srclen\":24,\"table\":\"7\"}"));

	assert_string_equal(found(m, ask("10.0.0.1", "10.0.0.2", "veth-c", NULL)), VIA_7 " by policy rule 100 (from 10.0.0.0/24)");
	assert_string_equal(found(m, ask("10.0.1.1", "10.0.0.2", "veth-c", NULL)), VIA_MAIN);
	assert_string_equal(found(m, ask("10.0.1.1", "10.0.0.2", NULL, NULL)), VIA_MAIN);
	assert_string_equal(found(m, ask("10.0.0.1", "10.0.0.2", NULL, NULL)), "unsure: policy rule 100 (from 10.0.0.0/24)");
	model_free(m);
}

static void a_policy_rule_by_device_or_destination_is_followed(void **state)
{
	struct model *m = load(ROUTES_7, USUAL_AND("{\"priority\":100,\"src\":\"all\",\"iif\":\"d\",\"table\":\"7\"},{\"priority\":101,\"src\":\"all\",\"dst\":\"10.0.0.9\",\"table\":\"7\"}"));

	assert_string_equal(found(m, ask("10.0.0.1", "10.0.0.2", "d", NULL)), VIA_7 " by policy rule 100 (iif d)");
	assert_string_equal(found(m, ask("10.0.0.1", "10.0.0.2", "e", NULL)), VIA_MAIN);
	assert_string_equal(found(m, ask("10.0.0.1", "10.0.0.2", NULL, NULL)), VIA_MAIN);
	assert_string_equal(found(m, ask("10.0.0.1", "10.0.0.9", NULL, NULL)), VIA_7 " by policy rule 101 (to 10.0.0.9)");
	model_free(m);
}

static void a_policy_rule_that_asks_for_what_no_hop_shows_is_unsure_where_it_counts(void **state)
{
	struct model *m = load(ROUTES_7, USUAL_AND("{\"priority\":100,\"src\":\"all\",\"uid_start\":1000,\"uid_end\":1000,\"table\":\"7\"},"
						   "{\"priority\":101,\"src\":\"all\",\"ipproto\":\"tcp\",\"table\":\"8\"}"));

	assert_string_equal(found(m, ask("10.0.0.1", "10.0.0.2", NULL, NULL)), "unsure: policy rule 100 (uid_start 1000 uid_end 1000)");
	model_free(m);
	/* its table has nothing for this destination */
	m = load(ROUTES_7, USUAL_AND("{\"priority\":101,\"src\":\"all\",\"ipproto\":\"tcp\",\"table\":\"8\"}"));
	assert_string_equal(found(m, ask("10.0.0.1", "10.0.0.2", NULL, NULL)), VIA_MAIN);
	model_free(m);
	m = load(ROUTES_7, USUAL_AND("{\"priority\":100,\"src\":\"all\",\"l3mdev\":null}"));
	assert_string_equal(found(m, ask("10.0.0.1", "10.0.0.2", NULL, NULL)), "unsure: policy rule 100 (l3mdev)");
	model_free(m);
}

static void policy_rules_refuse_skip_invert_and_suppress(void **state)
{
	struct model *m = load(ROUTES_7, USUAL_AND("{\"priority\":100,\"src\":\"all\",\"dst\":\"192.0.2.0\",\"dstlen\":24,\"action\":\"unreachable\"},"
						   "{\"priority\":101,\"not\":null,\"src\":\"all\",\"dst\":\"10.0.0.0\",\"dstlen\":8,\"table\":\"7\"},"
						   "{\"priority\":102,\"src\":\"all\",\"fwmark\":\"0x1\",\"goto\":104},"
						   "{\"priority\":103,\"src\":\"all\",\"table\":\"main\",\"suppress_prefixlength\":0},"
						   "{\"priority\":104,\"src\":\"all\",\"dst\":\"10.9.0.0\",\"dstlen\":16,\"table\":\"7\"},"
						   "{\"priority\":105,\"src\":\"all\",\"fwmark\":\"0x1\",\"table\":\"7\"}"));
	struct route_ask a = ask("10.0.0.1", "10.0.0.2", NULL, NULL);

	assert_string_equal(found(m, ask("10.0.0.1", "192.0.2.1", NULL, NULL)), "none by policy rule 100 (to 192.0.2.0/24 action unreachable)");
	assert_string_equal(found(m, ask("10.0.0.1", "198.51.100.1", NULL, NULL)), VIA_7 " by policy rule 101 (not to 10.0.0.0/8)");
	assert_string_equal(found(m, a), VIA_MAIN " by policy rule 103 (suppress_prefixlength 0)");
	assert_string_equal(found(m, ask("10.0.0.1", "10.9.0.1", NULL, NULL)), VIA_7 " by policy rule 104 (to 10.9.0.0/16)");
	assert_string_equal(found(m, ask("10.0.0.1", "10.8.0.1", NULL, NULL)), "default dev c (table main)");
	a.mark = 1;
	assert_string_equal(found(m, a), VIA_7 " by policy rule 105 (fwmark 0x1)");
	model_free(m);
}

static void a_route_that_throws_goes_on_with_the_next_table(void **state)
{
	struct model *m = load("[{\"type\":\"throw\",\"dst\":\"10.0.0.0/25\",\"table\":\"local\"}," LINK "]", USUAL);

	assert_string_equal(found(m, ask("10.0.0.1", "10.0.0.2", NULL, NULL)), VIA_MAIN);
	assert_string_equal(found(m, ask("10.0.0.1", "10.9.0.2", NULL, NULL)), "none");
	model_free(m);
}

static void what_netlink_told_is_read_as_well(void **state)
{
	static const char routes[] = "[{\"dst_len\":24,\"tos\":0,\"protocol\":2,\"scope\":253,\"type\":1,\"flags\":0,\"dst\":\"10.0.0.0\",\"dev\":\"veth-c\",\"table\":254,\"prefsrc\":\"10.0.0.1\"},"
		"{\"dst_len\":0,\"tos\":0,\"type\":1,\"flags\":0,\"gateway\":\"10.0.0.7\",\"dev\":\"b\",\"table\":254},"
		"{\"dst_len\":32,\"tos\":0,\"type\":2,\"flags\":0,\"dst\":\"10.0.0.1\",\"dev\":\"veth-c\",\"table\":255}]";
	static const char rules[] = "[{\"dstlen\":0,\"srclen\":0,\"tos\":0,\"action\":1,\"flags\":0,\"priority\":0,\"table\":255},"
		"{\"dstlen\":0,\"srclen\":0,\"tos\":0,\"action\":1,\"flags\":0,\"priority\":32766,\"table\":254}]";
	const struct system parts[] = { { "routes", routes, routes }, { "rules", rules, rules } };
	struct model *m = load_from("netlink RTM_GETROUTE", parts, 2);

	assert_string_equal(found(m, ask("10.0.0.1", "10.0.0.2", NULL, NULL)), VIA_MAIN);
	assert_string_equal(found(m, ask("10.0.0.1", "10.1.0.2", NULL, NULL)), "default via 10.0.0.7 dev b (table main)");
	assert_string_equal(found(m, ask("10.0.0.2", "10.0.0.1", "veth-c", NULL)), "local 10.0.0.1 dev veth-c (table local)");
	model_free(m);
}

static void without_a_snapshot_nothing_is_found(void **state)
{
	const struct system parts[] = { { "routes", "[" LINK "]", "[" LINK "]" }, { "rules", USUAL, NULL } };
	struct model *m = load_from("ip", parts, 2);

	assert_string_equal(found(m, ask("10.0.0.1", "10.0.0.2", NULL, NULL)), "not noted");
	model_free(m);
}

/* --- sentences about the packet of the main job, 10.0.0.1 > 10.0.0.2 by veth-c ----------------------------------------- */

static void says_of(const struct system *parts, size_t n, const char *label, const char *words, bool says)
{
	struct model *m = load_from("ip", parts, n);
	struct explain_system system;
	struct explain e;
	char all[4096] = "";

	assert_int_equal(explain_system_open(&system, m), 0);
	assert_int_equal(explain_packet(&e, m, &m->packets[0], &system), 0);
	for (size_t i = 0; i < e.count; i++)
		if (!strcmp(e.steps[i].label, label))
			snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s\n", e.steps[i].text);
	if (!strstr(all, words) == says)
		fail_msg("\"%s\" is %s:\n%s", words, says ? "not said" : "said", all);
	explain_free(&e);
	explain_system_close(&system);
	model_free(m);
}

#define SAYS(label, words, ...) says_of((struct system[]){ __VA_ARGS__ }, sizeof((struct system[]){ __VA_ARGS__ }) / sizeof(struct system), label, words, true)
#define SAYS_NOT(label, words, ...) says_of((struct system[]){ __VA_ARGS__ }, sizeof((struct system[]){ __VA_ARGS__ }) / sizeof(struct system), label, words, false)
#define RULES { "rules", USUAL, USUAL }
#define ROUTES { "routes", "[" LINK "]", "[" LINK "]" }
#define OTHER "[{\"dst\":\"10.0.0.0/24\",\"dev\":\"other\"}]"

static void the_route_that_fits_is_named(void **state)
{
	SAYS("Routing", "It is to leave by device veth-c (hop 5), by route " VIA_MAIN ";", RULES, ROUTES);
	SAYS_NOT("Routing", "by route", RULES);
	SAYS("Routing", "by route " VIA_MAIN ", as of the start;", { "rules", USUAL, NULL }, { "routes", "[" LINK "]", NULL });
}

static void a_route_that_changed_is_told_with_both_sides(void **state)
{
	SAYS("Routing", "It fits what the snapshot of the start shows, " VIA_MAIN ", and no more that of the end, 10.0.0.0/24 dev other (table main).", RULES,
	     { "routes", "[" LINK "]", OTHER });
	SAYS("Routing", "It does not fit what the snapshot of the start shows, none, but that of the end, " VIA_MAIN ".", RULES, { "routes", "[]", "[" LINK "]" });
	SAYS("Routing", "at the end: which of them it met is not known.", RULES, { "routes", "[" LINK "]", "[{\"dst\":\"10.0.0.2\",\"dev\":\"veth-c\"}]" });
	SAYS("Routing", "It does not fit the route that the snapshots show, 10.0.0.0/24 dev other (table main):", RULES, { "routes", OTHER, OTHER });
	SAYS_NOT("Routing", "by route", RULES, { "routes", OTHER, OTHER });
}

static void what_a_route_depends_on_is_said(void **state)
{
	SAYS("Routing", "Which route that was the snapshots cannot tell: policy rule 5 (uid_start 7).", ROUTES,
	     { "rules", USUAL_AND("{\"priority\":5,\"src\":\"all\",\"uid_start\":7,\"table\":\"main\"}"), USUAL_AND("{\"priority\":5,\"src\":\"all\",\"uid_start\":7,\"table\":\"main\"}") });
}

#define NEIGHBOUR(lladdr, state) "[{\"dst\":\"10.0.0.2\",\"dev\":\"veth-c\"," lladdr "\"state\":[\"" state "\"]}]"
#define AT "\"lladdr\":\"02:00:00:00:00:01\","

static void the_neighbour_is_named_with_what_changed(void **state)
{
	SAYS("Neighbour", "The next hop 10.0.0.2 is 02:00:00:00:00:01 (REACHABLE) at start and end.", RULES, ROUTES,
	     { "neighbours", NEIGHBOUR(AT, "REACHABLE"), NEIGHBOUR(AT, "REACHABLE") });
	SAYS("Neighbour", "10.0.0.2 is 02:00:00:00:00:01 (STALE at the start, DELAY at the end).", RULES, ROUTES,
	     { "neighbours", NEIGHBOUR(AT, "STALE"), NEIGHBOUR(AT, "DELAY") });
	SAYS("Neighbour", "10.0.0.2 is 02:00:00:00:00:01 (STALE) at the start, and 02:00:00:00:00:02 (STALE) at the end.", RULES, ROUTES,
	     { "neighbours", NEIGHBOUR(AT, "STALE"), NEIGHBOUR("\"lladdr\":\"02:00:00:00:00:02\",", "STALE") });
	SAYS("Neighbour", "10.0.0.2 is not known at the start, and not known (FAILED) at the end.", RULES, ROUTES, { "neighbours", "[]", NEIGHBOUR("", "FAILED") });
	SAYS("Neighbour", "10.0.0.2 is 02:00:00:00:00:01 (STALE) at the start.", RULES, ROUTES, { "neighbours", NEIGHBOUR(AT, "STALE"), NULL });
	SAYS_NOT("Neighbour", "10.0.0.2", RULES, ROUTES, { "neighbours", "[]", "[]" });
	SAYS_NOT("Neighbour", "10.0.0.2", RULES, { "neighbours", NEIGHBOUR(AT, "STALE"), NEIGHBOUR(AT, "STALE") });	/* to whom is not known */
}

static void a_neighbour_behind_a_gateway_is_the_gateway(void **state)
{
	static const char routes[] = "[{\"dst\":\"default\",\"gateway\":\"10.0.0.9\",\"dev\":\"veth-c\"}]";
	static const char nine[] = "[{\"dst\":\"10.0.0.9\",\"dev\":\"other\",\"lladdr\":\"02:00:00:00:00:07\",\"state\":[\"STALE\"]},{\"dst\":\"10.0.0.9\",\"dev\":\"veth-c\"," AT "\"state\":[\"STALE\"]}]";

	SAYS("Neighbour", "The next hop 10.0.0.9 is 02:00:00:00:00:01 (STALE) at start and end.", RULES, { "routes", routes, routes }, { "neighbours", nine, nine });
}

#define QDISC(kind) "{\"kind\":\"" kind "\",\"handle\":\"0:\",\"dev\":\"veth-c\",\"root\":true}"

static void the_queue_is_named_and_a_device_without_one_has_none(void **state)
{
	SAYS("Queue", "It is handed to device veth-c, which has no queue (noqueue): __dev_queue_xmit (hop 10).", { "qdiscs", "[" QDISC("noqueue") "]", "[" QDISC("noqueue") "]" });
	SAYS("Queue", "That queue is netem, which delays", { "qdiscs", "[" QDISC("netem") "]", "[" QDISC("netem") "]" });
	SAYS("Driver", " after it was handed to the queue: dev_hard_start_xmit (hop 11)", { "qdiscs", "[" QDISC("netem") "]", "[" QDISC("netem") "]" });
	SAYS_NOT("Driver", "after it was handed", { "qdiscs", "[" QDISC("noqueue") "]", "[" QDISC("noqueue") "]" });
	SAYS("Queue", "at the start, and none (noqueue) at the end.", { "qdiscs", "[" QDISC("strange") "]", "[" QDISC("noqueue") "]" });
	SAYS("Queue", "mq over 2 fq_codel, which", { "qdiscs", NULL, "[" QDISC("mq") ",{\"kind\":\"fq_codel\",\"dev\":\"veth-c\",\"parent\":\":1\"},{\"kind\":\"fq_codel\",\"dev\":\"veth-c\",\"parent\":\":2\"}]" });
	SAYS("Queue", "It is handed to the queue of device veth-c: __dev_queue_xmit (hop 10).", RULES);
}

static void snapshots_of_strangers_do_no_harm(void **state)
{
	static const char *const texts[] = {
		"", "{", "[]", "3", "{\"x\":3}", "[3,null,\"x\",[]]", "[{}]", "[{\"dst\":3,\"dev\":[],\"table\":{},\"nexthops\":3,\"flags\":{}}]",
		"[{\"dst\":\"999/99\",\"dev\":\"a\"},{\"dst\":\"default\",\"nexthops\":[3,{},{\"dev\":{},\"via\":7}]}]",
		"[{\"priority\":\"x\"},{\"priority\":0,\"src\":[],\"fwmark\":{},\"goto\":0,\"table\":\"\\u001b[31m\"},{\"priority\":5,\"goto\":5}]",
		"[{\"priority\":-9,\"goto\":-9,\"not\":3,\"suppress_prefixlength\":\"x\"},{\"priority\":9e99,\"table\":\"main\"}]",
		"[{\"dst\":\"10.0.0.2\",\"dev\":\"veth-c\",\"lladdr\":\"\\u001b[31m\",\"state\":[\"\\u001b[31m\"]},{\"dst\":\"10.0.0.2\",\"dev\":\"veth-c\",\"state\":[]}]",
		"[{\"kind\":\"\\u001b[31m\",\"dev\":\"veth-c\",\"root\":true},{\"kind\":[],\"dev\":{},\"root\":3},{\"kind\":\"\",\"dev\":\"\"}]",
	};
	const size_t n = sizeof(texts) / sizeof(*texts);

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < n; k++) {
			const struct system parts[] = { { "routes", texts[i], texts[k] }, { "rules", texts[k], USUAL }, { "routes6", texts[k], texts[i] },
				{ "neighbours", texts[i], texts[i] }, { "qdiscs", texts[i], texts[k] } };
			static const char *const labels[] = { "Routing", "Neighbour", "Queue" };

			for (size_t l = 0; l < 3; l++)
				says_of(parts, 5, labels[l], "\x1b", false);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_longest_prefix_is_found),
		cmocka_unit_test(the_longest_prefix_of_ipv6_is_found),
		cmocka_unit_test(the_lesser_metric_and_what_is_alive_is_found),
		cmocka_unit_test(of_several_next_hops_that_is_found_which_was_seen),
		cmocka_unit_test(routes_for_a_service_or_a_sender_make_it_unsure),
		cmocka_unit_test(a_policy_rule_by_mark_leads_to_its_table),
		cmocka_unit_test(a_policy_rule_by_source_is_sure_only_for_what_was_received),
		cmocka_unit_test(a_policy_rule_by_device_or_destination_is_followed),
		cmocka_unit_test(a_policy_rule_that_asks_for_what_no_hop_shows_is_unsure_where_it_counts),
		cmocka_unit_test(policy_rules_refuse_skip_invert_and_suppress),
		cmocka_unit_test(a_route_that_throws_goes_on_with_the_next_table),
		cmocka_unit_test(what_netlink_told_is_read_as_well),
		cmocka_unit_test(without_a_snapshot_nothing_is_found),
		cmocka_unit_test(the_route_that_fits_is_named),
		cmocka_unit_test(a_route_that_changed_is_told_with_both_sides),
		cmocka_unit_test(what_a_route_depends_on_is_said),
		cmocka_unit_test(the_neighbour_is_named_with_what_changed),
		cmocka_unit_test(a_neighbour_behind_a_gateway_is_the_gateway),
		cmocka_unit_test(the_queue_is_named_and_a_device_without_one_has_none),
		cmocka_unit_test(snapshots_of_strangers_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
