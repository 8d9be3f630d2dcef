// SPDX-License-Identifier: GPL-2.0
/*
 * sql_strangers.c - recordings of random content, valid in form only, load and answer every ready query.
 *
 * Meant to run under the sanitizers; the seed is fixed.
 */
#include "embedded.h"
#include "sql_support.h"

static uint64_t seed;

static uint64_t dice(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed * 0x2545f4914f6cdd1d;
}

/* Small numbers often, so that things meet; any number sometimes. */
static uint64_t number(void)
{
	uint64_t n = dice();

	return n & 3 ? (n >> 8) % 12 : n & 4 ? UINT64_MAX - (n >> 60) : n >> (n % 60);
}

static const char *text(void)
{
	static char pool[8][40];
	static unsigned int turn;
	char *s = pool[turn++ % 8];
	size_t n = dice() % 39, i;

	for (i = 0; i < n; i++)
		s[i] = 1 + dice() % 255;
	s[n] = 0;
	return s;
}

static void hop_put(struct tape *t)
{
	struct trc_hop h;
	size_t i;

	for (i = 0; i < sizeof(h); i++)
		((uint8_t *)&h)[i] = dice();
	h.time_ns = number();
	h.packet = number();
	h.seq = number();
	h.func = number();
	h.netns = number();
	h.ifindex = number();
	h.cpu = number() % 3;
	h.kind = dice() % 3;
	h.context = dice() % 5;
	h.value = number();
	trc_write_hop(t->w, &h);
}

/* Text of a snapshot: pieces of what rulesets and counters look like, put together by chance */
static const char *ruleset(void)
{
	static const char *const pieces[] = {
		"{\"nftables\": [", "{\"rule\": {", "\"expr\": [", "{\"counter\": {\"packets\": 9e99, \"bytes\": \"x\"}}", "{\"match\": ", "3", ", ",
		"]", "}", "\"\\u001b[2J\"", "null", "{\"jump\": 1}", "\n", "*filter\n", ":OUTPUT DROP [1:2]\n", "[18446744073709551615:-3] -A ",
		"[3:4] -A OUTPUT -j DROP\n", ":\n[\n", "\\n", "\"", "Udp: a b\n", "Udp: 1 \n", "Ip6x \t 9\n", "x", "\"family\": {}, ",
		("{\"nftables\": [3, {\"rule\": {\"table\": [], \"chain\": {}, \"handle\": \"x\", \"expr\": [4, \"x\", {\"match\": 1}, {\"match\": {\"left\": 3}},"
		 "{\"counter\": \"name\"}, {\"drop\": null}, {\"\\u001b]52\": \"\\u009b\"}]}}]}"),
		"[{\"kind\": [], \"root\": true, \"dev\": 3, \"drops\": \"x\"}, 7]",
	};
	static char all[12 * 300];
	size_t n = dice() % 12;

	*all = 0;
	while (n--)
		strcat(all, pieces[dice() % (sizeof(pieces) / sizeof(*pieces))]);
	return all;
}

static void snapshot_put(struct tape *t)
{
	static const char *const whats[] = { "nftables", "iptables", "ip6tables-nft", "snmp", "snmp6", "netstat", "qdiscs", "filters" };
	struct trc_record rec = { TRC_SNAPSHOT, .snapshot = { dice() & 1, number(), whats[dice() % 8], "", "", 0, 1, ruleset() } };

	trc_write(t->w, &rec);
}

static void record_put(struct tape *t)
{
	uint32_t frames[5] = { number(), number(), number(), number(), number() };
	struct trc_record rec = { .kind = 1 + dice() % 10 };

	switch (rec.kind) {
	case TRC_FACT:
		rec.fact = (struct trc_fact){ text(), text() };
		break;
	case TRC_ENUM:
		rec.enumeration = (struct trc_enum){ dice() & 1 ? "skb_drop_reason" : text(), text(), number() };
		break;
	case TRC_FUNC:
		rec.func = (struct trc_func){
			.id = number(), .name = dice() & 1 ? "nf_hook_slow" : text(), .module = text(), .offset = number(),
			.arg = number(), .flags = number(), .error = number(), .why = text(),
		};
		break;
	case TRC_NETNS:
		rec.netns = (struct trc_netns){ number(), text() };
		break;
	case TRC_LINK:
		rec.link = (struct trc_link){ number(), number(), text(), text(), text(), number(), number(), number(), number() };
		break;
	case TRC_PROC:
		rec.proc = (struct trc_proc){ number(), text(), text() };
		break;
	case TRC_STACK:
		rec.stack = (struct trc_stack){ number(), dice() % 6, frames };
		break;
	case TRC_LOSS:
		rec.loss = (struct trc_loss){ number() % 5, number(), number(), number(), number(), number() };
		break;
	case TRC_END:
		rec.end = (struct trc_end){ text(), number(), number(), number() };
		break;
	default:
		hop_put(t);
		return;
	}
	trc_write(t->w, &rec);
}

static void queries_run(const struct recordings *recs)
{
	static const char *const queries[] = {
		"SELECT * FROM hop", "SELECT * FROM stack", "SELECT * FROM rule", "SELECT * FROM rule_count", "SELECT * FROM counter",
		"SELECT * FROM path_hop", "SELECT * FROM interface", "SELECT * FROM process", "SELECT * FROM fact", "SELECT * FROM loss",
		"SELECT * FROM hop WHERE time_ns > 5 AND packet = 3", "SELECT * FROM enum_member", "SELECT * FROM recording",
	};
	char error[DB_ERROR_MAX], *printed = NULL;
	const struct embedded_query *q;
	size_t i, size;
	FILE *out = open_memstream(&printed, &size);
	sqlite3 *db;

	if (db_open_live(&db, recs, error))
		fail_msg("seed %#llx: %s", (unsigned long long)seed, error);
	for (i = 0; i < sizeof(queries) / sizeof(queries[0]); i++)
		if (sql_run(db, queries[i], i & 1 ? FORMAT_TABS : FORMAT_JSON, out, error))
			fail_msg("seed %#llx: %s: %s", (unsigned long long)seed, queries[i], error);
	for (q = embedded_queries; q->name; q++)
		if (sql_run(db, q->sql, FORMAT_CSV, out, error))
			fail_msg("seed %#llx: @%s: %s", (unsigned long long)seed, q->name, error);
	fclose(out);
	assert_null(memchr(printed, '\033', size));
	free(printed);
	sqlite3_close(db);
}

static void random_recordings_load_and_answer_every_query(void **state)
{
	struct tape t;
	struct model *m;
	struct trc_hop *hops;
	struct recordings recs = { &m, 1 };
	size_t i, round;

	for (round = 1; round <= 60; round++) {
		seed = round * 0x9e3779b97f4a7c15;
		tape_open(&t);
		for (i = dice() % 400; i; i--)
			dice() % 20 ? record_put(&t) : snapshot_put(&t);
		m = tape_load(&t);
		hops = hops_in_time(m);
		for (i = 0; i < m->nhops; i++)
			assert_true(hops[i].func < m->nfuncs && (!i || hops[i - 1].time_ns <= hops[i].time_ns));
		free(hops);
		for (i = 0; i < m->npackets; i++)
			assert_true(m->packets[i].nhops && m->packets[i].fate_hop < m->packets[i].nhops);
		queries_run(&recs);
		tape_close(&t, m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(random_recordings_load_and_answer_every_query) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
