// SPDX-License-Identifier: GPL-2.0
/*
 * sql_queries.c - what a query may do, how results are written, and the functions that SQLite lacks.
 */
#include <locale.h>

#include "latency.h"
#include "sql_support.h"

static struct tape tape;
static struct model *model;
static struct recordings recs = { &model, 1 };
static sqlite3 *db;

static int setup(void **state)
{
	char error[DB_ERROR_MAX];

	setlocale(LC_CTYPE, "C.UTF-8");
	tape_open(&tape);
	tape_scene(&tape);
	model = tape_load(&tape);
	if (db_open_live(&db, &recs, error))
		fail_msg("%s", error);
	db_forbid(db);
	return 0;
}

static int teardown(void **state)
{
	sqlite3_close(db);
	tape_close(&tape, model);
	return 0;
}

/* What a query prints, to be freed; "" and error when it fails */
static char *run(const char *query, enum sql_format format, char *error)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	*error = 0;
	if (sql_run(db, query, format, out, error))
		assert_true(*error && !strchr(error, '\n'));
	fclose(out);
	return text;
}

static void prints(const char *query, enum sql_format format, const char *expected)
{
	char error[DB_ERROR_MAX], *text = run(query, format, error);

	assert_string_equal(error, "");
	assert_string_equal(text, expected);
	free(text);
}

static void fails(const char *query, const char *words)
{
	char error[DB_ERROR_MAX];

	free(run(query, FORMAT_TABS, error));
	if (!*error)
		fail_msg("did not fail: %s", query);
	if (!strstr(error, words))
		fail_msg("%s: %s, without: %s", query, error, words);
}

static void bytes_are_printed_as_digits(void **state)
{
	prints("SELECT bytes FROM payload", FORMAT_TABS, "bytes\n45001bff\n");
	prints("SELECT bytes FROM payload", FORMAT_JSON, "{\"bytes\":\"45001bff\"}\n");
}

static void snapshots_can_be_taken_apart(void **state)
{
	prints("SELECT r.value ->> 'dst' AS dst FROM snapshot s, json_each(s.text) r WHERE what = 'routes'", FORMAT_TABS,
	       "dst\ndefault\n10.0.0.0/8\n");
	prints("SELECT count(*) AS n FROM snapshot s, json_tree(s.text) r WHERE what = 'routes'", FORMAT_TABS, "n\n5\n");
}

static void wrong_queries_fail_with_one_line_that_helps(void **state)
{
	fails("SELEC 1", "syntax error");
	fails("SELECT * FROM nowhere", "--schema");
	fails("SELECT bogus FROM packet", "--schema");
	fails("@nonsense", "@drops");
	fails("SELECT 1; SELECT bogus FROM packet", "--schema");
	fails("SELECT \"a\nb\033[2J\" FROM packet", "a\\x0ab\\x1b[2J");
}

static void queries_only_read(void **state)
{
	fails("INSERT INTO fact VALUES (1, 'a', 'b')", "only read");
	fails("DELETE FROM packet", "only read");
	fails("UPDATE packet SET fate = 'sent'", "only read");
	fails("CREATE TABLE t (x)", "only read");
	fails("CREATE TEMP TABLE t (x)", "only read");
	fails("DROP VIEW hop", "only read");
	fails("ATTACH '/tmp/sql_queries.attached' AS a", "");
	fails("VACUUM INTO '/tmp/sql_queries.vacuumed'", "");
	fails("PRAGMA journal_mode = WAL", "only read");
	fails("PRAGMA trusted_schema = ON", "only read");
	fails("SELECT load_extension('/tmp/x.so')", "");
	assert_int_not_equal(access("/tmp/sql_queries.attached", F_OK), 0);
	assert_int_not_equal(access("/tmp/sql_queries.vacuumed", F_OK), 0);
	prints("SELECT count(*) AS n FROM packet", FORMAT_TABS, "n\n3\n");
	prints("PRAGMA table_info(netns)", FORMAT_TABS, "cid\tname\ttype\tnotnull\tdflt_value\tpk\n"
	       "0\trecording\tINTEGER\t1\t\t1\n1\tnetns_id\tINTEGER\t1\t\t2\n2\tnetns\tTEXT\t1\t\t0\n");
}

#define ROWS "SELECT 'dig' AS name, 10 AS n, NULL AS empty UNION ALL SELECT 'gr\u00fc\u00df', 2.5, 'x'"

static void table_aligns_text_left_and_numbers_right(void **state)
{
	prints(ROWS, FORMAT_TABLE, "name    n  empty\ndig    10  \ngr\u00fc\u00df  2.5  x\n");
}

static void box_draws_lines_of_one_width(void **state)
{
	prints("SELECT 'a' AS text, 1 AS n", FORMAT_BOX, "┌──────┬───┐\n│ text │ n │\n├──────┼───┤\n│ a    │ 1 │\n└──────┴───┘\n");
}

static void tabs_cannot_be_broken_by_values(void **state)
{
	prints("SELECT 'a' || char(9) || 'b' || char(10) || char(27) AS x, 2 AS y", FORMAT_TABS, "x\ty\na\\x09b\\x0a\\x1b\t2\n");
}

static void csv_quotes_what_needs_it_and_keeps_text(void **state)
{
	prints("SELECT 'a,\"b\"' AS x, 'two' || char(10) || 'lines' AS y, NULL AS z, -5 AS n", FORMAT_CSV,
	       "x,y,z,n\r\n\"a,\"\"b\"\"\",\"two\nlines\",,-5\r\n");
}

static void csv_has_no_live_formula(void **state)
{
	prints("SELECT '=cmd|A1' AS a, '+1' AS b, '@x' AS c, '-2+3' AS d, '-bash' AS e, -7 AS f, 'a=b' AS g", FORMAT_CSV,
	       "a,b,c,d,e,f,g\r\n\"'=cmd|A1\",\"'+1\",\"'@x\",\"'-2+3\",-bash,-7,a=b\r\n");
}

static void json_is_one_object_a_line_with_types_and_escapes(void **state)
{
	prints("SELECT 1 AS i, 2.5 AS r, NULL AS n, 'a\"b' || char(10) || '</script>' AS t, x'00ff' AS b UNION ALL "
	       "SELECT 2, 1e999, 'x', '', ''", FORMAT_JSON,
	       "{\"i\":1,\"r\":2.5,\"n\":null,\"t\":\"a\\u0022b\\u000a\\u003c/script\\u003e\",\"b\":\"00ff\"}\n"
	       "{\"i\":2,\"r\":null,\"n\":\"x\",\"t\":\"\",\"b\":\"\"}\n");
}

static void result_without_rows_has_its_headings(void **state)
{
	prints("SELECT packet, fate FROM packet WHERE 0", FORMAT_TABS, "packet\tfate\n");
	prints("SELECT packet, fate FROM packet WHERE 0", FORMAT_TABLE, "packet  fate\n");
	prints("SELECT packet FROM packet WHERE 0", FORMAT_JSON, "");
	prints("-- nothing at all", FORMAT_TABS, "");
}

static void percentile_is_a_value_that_is_there_and_leaves_out_nulls(void **state)
{
	const char *five = "WITH v(x) AS (VALUES (50), (10), (NULL), (30), (20), (40)) SELECT percentile(x, %s) FROM v";
	static const struct { const char *p, *answer; } cases[] = {
		{ "0", "10" }, { "50", "30" }, { "100", "50" }, { "25", "20" }, { "90", "50" }, { "20", "10" }, { "20.1", "20" },
	};
	char sql[200];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(sql, sizeof(sql), five, cases[i].p);
		assert_answer(db, sql, cases[i].answer);
	}
	assert_answer(db, "SELECT percentile(x, 50) FROM (SELECT 1 AS x WHERE 0)", "NULL");
	assert_answer(db, "SELECT percentile(x, 50) FROM (SELECT 0.5 AS x UNION SELECT 2)", "0.5");
	assert_answer(db, "WITH RECURSIVE v(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM v WHERE x < 1000) SELECT percentile(x, 99.9) FROM v", "999");
	fails("SELECT percentile(1, 101)", "between 0 and 100");
	fails("SELECT percentile(1, NULL) FROM packet WHERE percentile(1, 2)", "misuse");
}

/* One number for one question, whether a table of latencies answers it or a query. */
static void percentile_is_that_of_the_latencies(void **state)
{
	uint64_t v[200], sorted[200];
	struct spread s;
	char sql[8192], expected[80];
	size_t n, i, at;

	for (n = 1; n <= 200; n += n < 10 ? 1 : 19) {
		at = snprintf(sql, sizeof(sql), "WITH v(x) AS (VALUES ");
		for (i = 0; i < n; i++) {
			sorted[i] = v[i] = (i + 3) * 7919 % 1009 * 1000003;
			at += snprintf(sql + at, sizeof(sql) - at, "%s(%llu)", i ? "," : "", (unsigned long long)v[i]);
		}
		s = spread_of(sorted, n);
		snprintf(sql + at, sizeof(sql) - at, ") SELECT percentile(x, 50) || ' ' || percentile(x, 90) || ' ' || percentile(x, 99) FROM v");
		snprintf(expected, sizeof(expected), "%llu %llu %llu", (unsigned long long)s.p50_ns, (unsigned long long)s.p90_ns,
			 (unsigned long long)s.p99_ns);
		assert_answer(db, sql, expected);
	}
}

static void ip_in_knows_networks_of_both_families(void **state)
{
	assert_answer(db, "SELECT ip_in('10.0.0.1', '10.0.0.0/8') || ip_in('11.0.0.1', '10.0.0.0/8')", "10");
	assert_answer(db, "SELECT ip_in('192.168.5.129', '192.168.5.128/25') || ip_in('192.168.5.127', '192.168.5.128/25')", "10");
	assert_answer(db, "SELECT ip_in('fd00::1', 'fd00::/8') || ip_in('10.0.0.1', 'fd00::/8')", "10");
	assert_answer(db, "SELECT ip_in('10.0.0.1', '10.0.0.1') || ip_in('1.2.3.4', '0.0.0.0/0') || ip_in('x', '0.0.0.0/0')", "110");
	assert_answer(db, "SELECT ip_in(NULL, '10.0.0.0/8')", "NULL");
	fails("SELECT ip_in('10.0.0.1', '10.0.0.0/33')", "NET must be");
	fails("SELECT ip_in('10.0.0.1', '10.0.0.0/8x')", "NET must be");
}

static void duration_is_for_people(void **state)
{
	assert_answer(db, "SELECT duration(850) || ', ' || duration(7884170)", "850 ns, 7.88 ms");
	assert_answer(db, "SELECT duration(NULL)", "NULL");
}

static void ip_and_byte_read_packets(void **state)
{
	assert_answer(db, "SELECT ip(x'0a000001') || ' ' || ip(x'fd000000000000000000000000000001')", "10.0.0.1 fd00::1");
	assert_answer(db, "SELECT ip(x'0a0000')", "NULL");
	assert_answer(db, "SELECT ip('abcd')", "NULL");
	assert_answer(db, "SELECT byte(x'45ff10', 0) || ' ' || byte(x'45ff10', 1, 2) || ' ' || byte(x'00ffffffffffffff', 1, 7)",
		      "69 65296 72057594037927935");
	assert_answer(db, "SELECT byte(x'45ff10', 2, 2)", "NULL");
	assert_answer(db, "SELECT byte(x'45ff10', -1)", "NULL");
	assert_answer(db, "SELECT byte(x'45ff10', 9223372036854775807)", "NULL");
	assert_answer(db, "SELECT coalesce(byte('text', 0), byte(x'45', NULL), byte(NULL, 0))", "NULL");
	fails("SELECT byte(x'45', 0, 8)", "between 1 and 7");
}

static void symbol_names_a_function(void **state)
{
	assert_answer(db, "SELECT count(*) FROM function WHERE symbol(func) <> name || coalesce(' [' || module || ']', '')", "0");
	assert_answer(db, "SELECT count(*) > 0 FROM function WHERE symbol(func, 1) IS NOT NULL", "1");
	assert_answer(db, "SELECT coalesce(symbol(-1), symbol(NULL), symbol(0, 9))", "NULL");
}

static void clean_makes_text_harmless(void **state)
{
	assert_answer(db, "SELECT clean('a' || char(27) || 'b' || char(0x202e))", "a\\x1bb\\u202e");
	assert_answer(db, "SELECT clean(NULL)", "NULL");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_printed_as_digits),
		cmocka_unit_test(snapshots_can_be_taken_apart),
		cmocka_unit_test(wrong_queries_fail_with_one_line_that_helps),
		cmocka_unit_test(queries_only_read),
		cmocka_unit_test(table_aligns_text_left_and_numbers_right),
		cmocka_unit_test(box_draws_lines_of_one_width),
		cmocka_unit_test(tabs_cannot_be_broken_by_values),
		cmocka_unit_test(csv_quotes_what_needs_it_and_keeps_text),
		cmocka_unit_test(csv_has_no_live_formula),
		cmocka_unit_test(json_is_one_object_a_line_with_types_and_escapes),
		cmocka_unit_test(result_without_rows_has_its_headings),
		cmocka_unit_test(percentile_is_that_of_the_latencies),
		cmocka_unit_test(percentile_is_a_value_that_is_there_and_leaves_out_nulls),
		cmocka_unit_test(ip_in_knows_networks_of_both_families),
		cmocka_unit_test(duration_is_for_people),
		cmocka_unit_test(ip_and_byte_read_packets),
		cmocka_unit_test(symbol_names_a_function),
		cmocka_unit_test(clean_makes_text_harmless),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
