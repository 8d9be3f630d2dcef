// SPDX-License-Identifier: GPL-2.0
/*
 * sql_tables.c - recordings as tables: what is in them, in memory and in a file; every view and ready query runs.
 *
 * The file has plain tables, so that it is what the virtual table over the models is compared with.
 */
#include "embedded.h"
#include "sql_support.h"

struct scene {
	struct tape t;
	struct model *m;
	struct model *models[2];	/* the same recording twice: two recordings */
	struct recordings recs;
	sqlite3 *live;
	sqlite3 *file;
	char path[64];
};

static int scene_setup(void **state)
{
	static struct scene s;
	char error[DB_ERROR_MAX];
	int fd;

	memset(&s, 0, sizeof(s));
	tape_open(&s.t);
	tape_scene(&s.t);
	s.m = tape_load(&s.t);
	s.models[0] = s.models[1] = s.m;
	s.recs = (struct recordings){ s.models, 2 };
	if (db_open_live(&s.live, &s.recs, error))
		fail_msg("%s", error);
	strcpy(s.path, "/tmp/sql_tables.XXXXXX");
	fd = mkstemp(s.path);
	close(fd);
	if (db_write_to(&s.recs, s.path, error))
		fail_msg("%s", error);
	if (db_open_file(&s.file, s.path, error))
		fail_msg("%s", error);
	*state = &s;
	return 0;
}

static int scene_teardown(void **state)
{
	struct scene *s = *state;

	sqlite3_close(s->live);
	sqlite3_close(s->file);
	unlink(s->path);
	tape_close(&s->t, s->m);
	return 0;
}

static void tables_hold_what_the_model_holds(sqlite3 *db)
{
	assert_answer(db, "SELECT count(*) FROM recording", "2");
	assert_answer(db, "SELECT packets || ' ' || hops FROM recording WHERE recording = 2", "3 20");
	assert_answer(db, "SELECT count(*) FROM hop", "40");
	assert_answer(db, "SELECT count(*) FROM hop WHERE recording = 1 AND packet = 2", "8");
	assert_answer(db, "SELECT group_concat(fate) FROM (SELECT fate FROM packet WHERE recording = 1 ORDER BY packet)",
		      "delivered,dropped,consumed");
	assert_answer(db, "SELECT tuple FROM packet WHERE recording = 1 AND packet = 1", "UDP 10.0.0.1:40000 > 10.0.0.2:53");
	assert_answer(db, "SELECT group_concat(protocol || len_bytes) FROM (SELECT * FROM packet WHERE recording = 1 ORDER BY packet)",
		      "UDP60,UDP60,ARP60");
	assert_answer(db, "SELECT group_concat(packet || ':' || frame || ':' || function, ' ') FROM stack WHERE recording = 1",
		      "1:1:udp_send_skb 1:2:__x64_sys_sendto");
	assert_answer(db, "SELECT src || sport || dst || ifnull(dport, 'none') FROM packet WHERE recording = 1 AND packet = 3",
		      "10.0.0.1110.0.0.2none");
	assert_answer(db, "SELECT netns || device || process FROM packet WHERE recording = 1 AND packet = 1", "clientveth0dig");
	assert_answer(db, "SELECT reason || ' ' || fate_function || fate_hop FROM packet WHERE recording = 1 AND packet = 2",
		      "NETFILTER_DROP nf_hook_slow5");
	assert_answer(db, "SELECT function || layer || netns || device || context FROM hop "
		      "WHERE recording = 1 AND packet = 1 AND hop = 6", "__netif_rxdeviceserverveth1softirq");
	assert_answer(db, "SELECT at_ns || ' ' || delta_ns FROM hop WHERE recording = 1 AND packet = 1 AND hop = 3", "200 100");
	assert_answer(db, "SELECT delta_ns FROM hop WHERE recording = 1 AND packet = 1 AND hop = 1", "NULL");
	assert_answer(db, "SELECT family || hook || verdict || netns FROM verdict WHERE recording = 2", "IPv4LOCAL_OUTDROPclient");
	assert_answer(db, "SELECT function || reason || (meaning <> '') || (advice <> '') FROM dropped WHERE recording = 1",
		      "nf_hook_slowNETFILTER_DROP11");
	assert_answer(db, "SELECT group_concat(function) FROM stack WHERE recording = 1 AND packet = 1",
		      "udp_send_skb,__x64_sys_sendto");
	assert_answer(db, "SELECT hop || group_concat(function) FROM hop_stack WHERE recording = 1 GROUP BY hop",
		      "2udp_send_skb,__x64_sys_sendto");
	assert_answer(db, "SELECT parent || kind || child || function FROM lineage WHERE recording = 2", "1clone2udp_send_skb");
	assert_answer(db, "SELECT group_concat(journey) FROM (SELECT journey FROM packet WHERE recording = 1 ORDER BY packet)", "1,1,2");
	assert_answer(db, "SELECT packets || fates FROM journey WHERE recording = 1 AND journey = 1", "2delivered,dropped");
	assert_answer(db, "SELECT hex(bytes) || layer || len_bytes FROM payload WHERE recording = 1 AND packet = 1", "45001BFF360");
	assert_answer(db, "SELECT group_concat(r.value ->> 'dst') FROM snapshot s, json_each(s.text) r WHERE s.recording = 1 "
		      "AND what = 'routes'", "default,10.0.0.0/8");
	assert_answer(db, "SELECT moment || note || ifnull(netns, ' machine') FROM snapshot WHERE recording = 1 AND what = 'nftables' AND netns IS NULL",
		      "endnft is not installed machine");
	assert_answer(db, "SELECT count || ' ' || p50_ns || ' ' || total_ns || ' ' || running_ns || ' ' || queued_ns FROM hop_latency "
		      "WHERE recording = 1 AND function = '__netif_rx'", "1 100 100 0 100");
	assert_answer(db, "SELECT count || min_ns || slowest_packet || crossed_cpus FROM edge_latency WHERE recording = 2 AND time = 'running' "
		      "AND from_function = 'ip_send_skb' AND to_function = '__ip_local_out'", "210010");
	assert_answer(db, "SELECT group_concat(to_function || to_dropped) FROM edge_latency WHERE recording = 1 AND from_function = 'nf_hook_slow' "
		      "AND from_dropped = 0", "nf_hook_slow1");
	assert_answer(db, "SELECT sum(e.total_ns) = (SELECT sum(total_ns) FROM hop_latency h WHERE h.recording = 1) AND sum(e.total_ns) = "
		      "(SELECT sum(total_ns) FROM time_latency t WHERE t.recording = 1) FROM edge_latency e WHERE recording = 1", "1");
	assert_answer(db, "SELECT returns || ifnull(inside_p50_ns, 'NULL') FROM hop_latency WHERE recording = 1 AND function = 'ip_send_skb'",
		      "0NULL");
	assert_answer(db, "SELECT hits FROM function WHERE recording = 1 AND name = 'ip_send_skb'", "2");
	assert_answer(db, "SELECT value FROM fact WHERE recording = 1 AND key = 'host.kernel'", "6.12.0-test");
	assert_answer(db, "SELECT produced - recorded FROM loss WHERE recording = 1", "0");
	assert_answer(db, "SELECT group_concat(device) FROM interface WHERE recording = 1", "veth0,veth1");
}

static void live_tables_hold_what_the_model_holds(void **state)
{
	tables_hold_what_the_model_holds(((struct scene *)*state)->live);
}

static void file_tables_hold_what_the_model_holds(void **state)
{
	tables_hold_what_the_model_holds(((struct scene *)*state)->file);
}

static void packets_on_one_way_share_a_path_and_its_signature_holds_across_recordings(void **state)
{
	struct scene *s = *state;

	assert_answer(s->live, "SELECT count(*) FROM path WHERE recording = 1", "3");
	assert_answer(s->live, "SELECT count(DISTINCT signature) FROM path", "3");
	assert_answer(s->live, "SELECT steps FROM path WHERE recording = 1 AND path = 3", "3");	/* a repeat counts once */
	assert_answer(s->live, "SELECT group_concat(function) FROM path_hop WHERE recording = 1 AND path = 2",
		      "udp_send_skb,ip_send_skb,__ip_local_out,nf_hook_slow,skb_release_head_state,kfree_skbmem");
}

/* The virtual table may leave out what a condition excludes, and no more: compare with a scan of everything. */
static void conditions_on_hops_give_the_same_rows_as_a_full_scan(void **state)
{
	static const char *const conditions[] = {
		"recording = 2", "packet = 2", "packet = '2'", "packet = 2.5", "packet = 'x'", "packet = NULL", "packet = -1",
		"packet = 99999999999", "recording = 0", "recording = 3", "hop = 3", "hop = 99", "packet = 1 AND hop = 8",
		"packet IN (1, 3)", "packet > 1", "time_ns > 1000500", "time_ns >= 1000500 AND time_ns < 1001000",
		"time_ns < 1000500.5", "time_ns <= 'x'", "time_ns > 'x'", "time_ns < -5", "time_ns > -5",
		"time_ns BETWEEN 1000300 AND 1000700 AND packet = 1", "recording = 1 AND packet = 3 AND hop = 1",
		"time_ns > 9223372036854775807", "time_ns <= 9223372036854775807", "hop = 1 AND time_ns > 1000200",
	};
	struct scene *s = *state;
	char fast[400];
	size_t i;

	for (i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
		/* without an order the scan is by time, with the key's order by packet */
		snprintf(fast, sizeof(fast), "SELECT count(*) || ' ' || total(recording * 1000 + packet * 100 + hop) FROM hop_row "
			 "WHERE %s", conditions[i]);
		if (strcmp(ask(s->live, fast), ask(s->file, fast)))
			fail_msg("%s: %s, not %s", conditions[i], ask(s->live, fast), ask(s->file, fast));
		snprintf(fast, sizeof(fast), "SELECT ifnull(group_concat(recording || '.' || packet || '.' || hop), '') FROM "
			 "(SELECT * FROM hop_row WHERE %s ORDER BY recording, packet, hop)", conditions[i]);
		if (strcmp(ask(s->live, fast), ask(s->file, fast)))
			fail_msg("%s: %s, not %s", conditions[i], ask(s->live, fast), ask(s->file, fast));
	}
	assert_answer(s->live, "SELECT count(*) FROM hop_row WHERE packet = '2'", "16");
}

static void hops_come_in_the_order_asked_for(void **state)
{
	static const char *const orders[] = {
		"recording, packet, hop", "time_ns, recording, packet", "time_ns DESC, recording", "packet DESC, hop, recording",
		"recording DESC, time_ns", "hop, packet, recording",
	};
	struct scene *s = *state;
	char sql[300];
	size_t i;

	for (i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		snprintf(sql, sizeof(sql), "SELECT group_concat(recording || '.' || packet || '.' || hop) FROM "
			 "(SELECT * FROM hop_row ORDER BY %s LIMIT 40)", orders[i]);
		assert_string_equal(ask(s->live, sql), ask(s->file, sql));
	}
	assert_answer(s->live, "SELECT time_ns FROM hop_row WHERE recording = 1 ORDER BY time_ns LIMIT 1 OFFSET 1", "1000200");
}

static void every_table_and_view_can_be_read(sqlite3 *db)
{
	sqlite3_stmt *names = NULL;
	char sql[200];
	int n = 0;

	assert_int_equal(sqlite3_prepare_v2(db, "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') "
					    "AND name NOT LIKE 'sqlite_%' AND name NOT IN ('same_packet', 'clock_offset')" /* sql_same.c */, -1, &names, NULL), SQLITE_OK);
	while (sqlite3_step(names) == SQLITE_ROW) {
		snprintf(sql, sizeof(sql), "SELECT count(*) FROM (SELECT * FROM %s)", sqlite3_column_text(names, 0));
		assert_true(atoi(ask(db, sql)) > 0);
		n++;
	}
	sqlite3_finalize(names);
	assert_int_equal(n, 31);
}

static void every_table_and_view_has_rows(void **state)
{
	every_table_and_view_can_be_read(((struct scene *)*state)->live);
	every_table_and_view_can_be_read(((struct scene *)*state)->file);
}

static void rules_are_read_from_iptables_and_nft_with_what_they_counted(void **state)
{
	sqlite3 *db = ((struct scene *)*state)->file;

	assert_answer(db, "SELECT group_concat(\"table\" || ' ' || chain || ' ' || number || ' ' || action || ' ' || packets, ', ') FROM "
		      "(SELECT * FROM rule_count WHERE source = 'iptables' AND recording = 1 ORDER BY \"table\", chain, number)",
		      "filter INPUT 0 accept 0, filter OUTPUT 0 drop 1, filter OUTPUT 1 drop 1, filter OUTPUT 2 mine 0, nat OUTPUT 0 accept 0");
	assert_answer(db, "SELECT rule || ' | ' || bytes FROM rule_count WHERE packets AND number = 1 AND recording = 1",
		      "-p udp -m comment --comment \"a b\" -j DROP | 60");
	assert_answer(db, "SELECT family || ' ' || \"table\" || ' ' || chain || ' ' || number || ' ' || action || ' ' || packets || ' ' || bytes || "
		      "': ' || rule FROM rule WHERE source = 'nftables'",
		      "inet t c 4 jump 7 420: tcp dport != 22 jump deep\\x1b[2J # why");
}

static void counters_of_the_kernel_have_the_names_of_nstat(void **state)
{
	sqlite3 *db = ((struct scene *)*state)->live;

	assert_answer(db, "SELECT group_concat(moment || ' ' || counter || ' ' || value, ', ') FROM counter WHERE recording = 1",
		      "start UdpInDatagrams 4, start UdpNoPorts 0, end UdpInDatagrams 4, end UdpNoPorts 3, end Ip6InReceives 7");
}

static char *answer(sqlite3 *db, const char *query)
{
	char error[DB_ERROR_MAX], *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (sql_run(db, query, FORMAT_TABS, out, error))
		fail_msg("%s: %s", query, error);
	fclose(out);
	return text;
}

/* That each has rows to give, real recordings show: tests/cases/sql-queries-* */
static void every_ready_query_says_what_it_answers_and_answers_the_same_from_a_file(void **state)
{
	const struct embedded_query *q;
	struct scene *s = *state;
	char name[64], *live, *file;
	size_t n = 0;

	for (q = embedded_queries; q->name; q++, n++) {
		assert_int_equal(strncmp(q->sql, "-- ", 3), 0);
		snprintf(name, sizeof(name), "@%s", q->name);
		live = answer(s->live, name);
		file = answer(s->file, name);
		assert_true(*live);
		assert_string_equal(live, file);
		free(live);
		free(file);
	}
	assert_true(n >= 15);
}

static void description_has_one_line_for_each_table_and_view(void **state)
{
	struct scene *s = *state;
	char error[DB_ERROR_MAX], *text = NULL, *line, *at;
	size_t size, lines = 0;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(sql_describe(s->live, NULL, out, error), 0);
	fclose(out);
	for (at = text; (line = strsep(&at, "\n")) && *line; lines++)
		assert_true(strlen(line) > 20);		/* a name alone is no description */
	assert_int_equal(lines, 33);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(live_tables_hold_what_the_model_holds),
		cmocka_unit_test(file_tables_hold_what_the_model_holds),
		cmocka_unit_test(packets_on_one_way_share_a_path_and_its_signature_holds_across_recordings),
		cmocka_unit_test(conditions_on_hops_give_the_same_rows_as_a_full_scan),
		cmocka_unit_test(hops_come_in_the_order_asked_for),
		cmocka_unit_test(every_table_and_view_has_rows),
		cmocka_unit_test(rules_are_read_from_iptables_and_nft_with_what_they_counted),
		cmocka_unit_test(counters_of_the_kernel_have_the_names_of_nstat),
		cmocka_unit_test(every_ready_query_says_what_it_answers_and_answers_the_same_from_a_file),
		cmocka_unit_test(description_has_one_line_for_each_table_and_view),
	};

	return cmocka_run_group_tests(tests, scene_setup, scene_teardown);
}
