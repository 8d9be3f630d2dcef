// SPDX-License-Identifier: GPL-2.0
/*
 * model_faults.c - memory that fails while a recording is loaded, or asked: an error, nothing leaked, and never a wrong answer.
 *
 * This program's own malloc() counts, and fails on command: the Nth request and all after it, for every N until all is well.
 */
#define MEMORY_FAILS
#include "memory.h"
#include "spill.h"
#include "sql_support.h"

#if SANITIZED

int main(void)
{
	puts("skipped: the address sanitizer has its own malloc()");
	return 77;
}

#else

static uint64_t sum_of(const struct model *m)
{
	uint64_t sum = m->nhops + 31 * m->npackets + 101 * m->nderived;

	for (size_t i = 0; i < m->npackets; i++)
		for (uint32_t k = 0; k < m->packets[i].nhops; k++) {
			const struct trc_hop *h = packet_hop(m, &m->packets[i], k);

			sum = sum * 31 + h->time_ns + h->func * 7 + h->kind + m->packets[i].fate;
		}
	return sum;
}

static void loads_or_says_why(const char *path)
{
	char error[256];
	uint64_t right;
	struct model *m;
	long n, failed = 0, live;
	int err = -1;

	assert_int_equal(model_load(&m, path, error, sizeof(error)), 0);	/* and what is known of functions is read */
	right = sum_of(m);
	model_free(m);
	live = memory.live;
	for (n = 0; err; n += 1 + n / 50) {
		*error = 0;
		memory_watch(n);
		err = model_load(&m, path, error, sizeof(error));
		memory.on = false;
		if (err) {
			failed++;
			assert_null(m);
			assert_true((strstr(error, "out of memory") || strstr(error, "memory does not hold")) && !strchr(error, '\n'));
		} else {
			assert_int_equal(sum_of(m), right);
			model_free(m);
		}
		assert_int_equal(memory.live, live);
	}
	assert_true(failed > 50);
}

static void loading_fails_cleanly_at_every_request(void **state)
{
	loads_or_says_why("samples/ok.trc");
	loads_or_says_why("samples/tcp.trc");
	loads_or_says_why("tests/cases/show-tracepoints/tp.trc");
}

static void tables_are_whole_or_an_error(void **state)
{
	struct model *m;
	struct recordings recs = { &m, 1 };
	char error[DB_ERROR_MAX];
	sqlite3 *db;
	long n, failed = 0;
	int err = -1;

	assert_int_equal(model_load(&m, "samples/ok.trc", error, sizeof(error)), 0);
	for (n = 0; err; n += 1 + n / 20) {
		*error = 0;
		memory_watch(n);
		err = db_open_live(&db, &recs, error);
		memory.on = false;
		failed += err != 0;
		assert_true(!err || (*error && !strchr(error, '\n')));
	}
	assert_true(failed > 50);
	assert_answer(db, "SELECT count(*) FROM hop", "140");
	sqlite3_close(db);
	model_free(m);
}

/* 0: *answer is the sum of the first column over all rows */
static int query_sum(sqlite3 *db, const char *sql, sqlite3_int64 *answer)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

	*answer = 0;
	while (!rc && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		*answer = *answer * 7 + sqlite3_column_int64(stmt, 0);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(stmt);
	return rc == SQLITE_DONE ? 0 : -1;
}

static void queries_answer_all_or_an_error(void **state)
{
	static const char *const queries[] = {
		"SELECT time_ns + func FROM hop_row", "SELECT packet * 1000 + hop FROM hop_row ORDER BY time_ns",
		"SELECT packet * 1000 + hop FROM hop_row WHERE time_ns > 0 AND cpu >= 0 ORDER BY time_ns",
		"SELECT percentile(time_ns, 50) FROM hop_row",
	};
	struct model *m;
	struct recordings recs = { &m, 1 };
	char error[DB_ERROR_MAX];
	sqlite3_int64 right, answer;
	sqlite3 *db;
	int err;

	assert_int_equal(model_load(&m, "samples/ok.trc", error, sizeof(error)), 0);
	assert_int_equal(db_open_live(&db, &recs, error), 0);
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		assert_int_equal(query_sum(db, queries[i], &right), 0);
		err = -1;
		for (long n = 0; err; n++) {
			memory_watch(n);
			err = query_sum(db, queries[i], &answer);
			memory.on = false;
			assert_true(err || answer == right);
			assert_true(!err || n < 10000);
		}
	}
	sqlite3_close(db);
	model_free(m);
}

static void a_temporary_file_fails_cleanly_at_every_request(void **state)
{
	const struct spill_limits before = spill_limits;

	spill_limits = (struct spill_limits){ .held = 0, .least = 4096, .resident = 65536 };
	loads_or_says_why("samples/tcp.trc");
	loads_or_says_why("tests/cases/show-tracepoints/tp.trc");
	tables_are_whole_or_an_error(state);
	queries_answer_all_or_an_error(state);
	spill_limits = before;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loading_fails_cleanly_at_every_request),
		cmocka_unit_test(tables_are_whole_or_an_error),
		cmocka_unit_test(queries_answer_all_or_an_error),
		cmocka_unit_test(a_temporary_file_fails_cleanly_at_every_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
