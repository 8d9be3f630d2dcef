// SPDX-License-Identifier: GPL-2.0
/*
 * sql_pruning.c - a query that wants few hops looks at few: what SQLite plans, and which packets are unpacked for it.
 */
#include "model_private.h"
#include "sql_support.h"

enum { PACKETS = 4000, HOPS = 10 };

struct scene {
	struct tape t;
	struct model *m;
	struct recordings recs;
	sqlite3 *db;
};

/* Packets one after the other, on two CPUs in turn. */
static int scene_setup(void **state)
{
	static const char *const names[] = { "ip_rcv", "ip_output", "consume_skb" };
	static struct scene s;
	char error[DB_ERROR_MAX];

	memset(&s, 0, sizeof(s));
	tape_open(&s.t);
	for (int i = 0; i < PACKETS * HOPS; i++) {
		struct trc_hop h = tape_hop(&s.t, 1 + i / HOPS, names[i % 3]);

		h.cpu = i / HOPS % 2;
		h.time_ns = 1000 + 10 * i;
		h.seq = s.t.seq[2 + h.cpu]++;
		tape_write(&s.t, &h);
	}
	s.m = tape_load(&s.t);
	s.recs = (struct recordings){ &s.m, 1 };
	if (db_open_live(&s.db, &s.recs, error))
		fail_msg("%s", error);
	*state = &s;
	return 0;
}

static int scene_teardown(void **state)
{
	struct scene *s = *state;

	sqlite3_close(s->db);
	tape_close(&s->t, s->m);
	return 0;
}

static size_t unpackings(const struct scene *s)
{
	return hops_store_unpackings(s->m->priv->store);
}

/* Forget what is unpacked, so that what is asked for must be unpacked again. */
static void pack(struct scene *s)
{
	memset(s->m->unpacked, 0, s->m->npackets * sizeof(*s->m->unpacked));
}

static void only_packets_of_the_time_are_unpacked(void **state)
{
	struct scene *s = *state;
	size_t before;

	pack(s);
	before = unpackings(s);
	assert_answer(s->db, "SELECT count(*) FROM hop_row WHERE time_ns BETWEEN 201000 AND 202990", "200");
	assert_in_range(unpackings(s) - before, 20, 22);
	pack(s);
	before = unpackings(s);
	assert_answer(s->db, "SELECT count(*) FROM (SELECT * FROM hop_row WHERE time_ns >= 399000 ORDER BY time_ns)", "200");
	assert_in_range(unpackings(s) - before, 20, 22);
	pack(s);
	before = unpackings(s);
	assert_answer(s->db, "SELECT count(*) FROM hop_row WHERE packet = 77", "10");
	assert_int_equal(unpackings(s) - before, 1);
}

static void a_whole_scan_unpacks_each_packet_once(void **state)
{
	struct scene *s = *state;
	size_t before;

	pack(s);
	before = unpackings(s);
	assert_answer(s->db, "SELECT count(*) FROM hop_row", "40000");
	assert_int_equal(unpackings(s) - before, PACKETS);
}

static int plan_of(sqlite3 *db, const char *where)
{
	sqlite3_stmt *stmt = NULL;
	char sql[300];
	const char *at;
	int plan = -1;

	snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN SELECT * FROM hop_row %s", where);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		at = strstr((const char *)sqlite3_column_text(stmt, 3), "VIRTUAL TABLE INDEX ");
		if (at)
			plan = atoi(at + strlen("VIRTUAL TABLE INDEX "));
		assert_null(strstr((const char *)sqlite3_column_text(stmt, 3), "TEMP B-TREE"));
	}
	sqlite3_finalize(stmt);
	return plan;
}

static void conditions_reach_the_table(void **state)
{
	struct scene *s = *state;
	static const struct { const char *where; int plan; } cases[] = {
		{ "", 0 }, { "WHERE recording = 1", 1 }, { "WHERE packet = 3", 2 }, { "WHERE packet = 3 AND hop = 2", 6 },
		{ "WHERE time_ns > 5", 8 }, { "WHERE time_ns BETWEEN 5 AND 9", 24 }, { "WHERE func = 1", 32 }, { "WHERE cpu = 1", 64 },
		{ "WHERE func = 1 AND cpu = 0 AND time_ns < 9", 112 }, { "ORDER BY time_ns", 128 },
		{ "ORDER BY recording, packet, hop", 0 }, { "WHERE packet = 3 ORDER BY hop", 2 }, { "WHERE src = '10.0.0.1'", 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(plan_of(s->db, cases[i].where), cases[i].plan);
}

/* What the table leaves out by itself is what SQLite would have left out. */
static void conditions_leave_out_what_they_say(void **state)
{
	struct scene *s = *state;
	static const char *const conditions[] = {
		"func = 1", "func = 0 AND cpu = 1", "cpu = 0", "cpu = 7", "func = -1", "func = '2'", "func = 1.0", "func = 1.5",
		"time_ns > 2000 AND time_ns <= 3000 AND func = 2", "time_ns < 1005.5", "func IN (0, 2) AND cpu = 1", "cpu = NULL",
		"func = 4294967297",
	};
	char sql[400];
	size_t i;

	assert_int_equal(sqlite3_exec(s->db, "CREATE TEMP TABLE plain (time_ns INTEGER, func INTEGER, cpu INTEGER); "
				      "INSERT INTO plain SELECT time_ns, func, cpu FROM hop_row", NULL, NULL, NULL), SQLITE_OK);
	for (i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
		snprintf(sql, sizeof(sql), "SELECT (SELECT count(*) FROM hop_row WHERE %s) = (SELECT count(*) FROM plain WHERE %s)",
			 conditions[i], conditions[i]);
		if (strcmp(ask(s->db, sql), "1"))
			fail_msg("%s", conditions[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_packets_of_the_time_are_unpacked),
		cmocka_unit_test(a_whole_scan_unpacks_each_packet_once),
		cmocka_unit_test(conditions_reach_the_table),
		cmocka_unit_test(conditions_leave_out_what_they_say),
	};

	return cmocka_run_group_tests(tests, scene_setup, scene_teardown);
}
