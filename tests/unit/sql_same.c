// SPDX-License-Identifier: GPL-2.0
/*
 * sql_same.c - packets that are in two recordings find each other, and tell how the clocks differ.
 *
 * A real query and its answer (samples/ok.trc) went from one namespace to another: recorded apart, with another clock, they
 * are what two machines would have recorded.
 */
#include "sql_support.h"

#define SHIFT_NS 3600000000789ll	/* the server's clock is so much ahead */

struct half {
	struct trc_writer *w;
	char path[64];
	uint32_t netns;
	uint64_t ahead_ns;
};

static void half_open(struct half *h, uint32_t netns, uint64_t ahead_ns)
{
	int fd = memfd_create("half.trc", 0);

	assert_true(fd >= 0);
	snprintf(h->path, sizeof(h->path), "/proc/self/fd/%d", fd);
	h->netns = netns;
	h->ahead_ns = ahead_ns;
	assert_int_equal(trc_writer_open(&h->w, fd), 0);
}

static void half_take(struct half *h, struct trc_record rec)
{
	if (rec.kind == TRC_HOP && rec.hop.netns != h->netns)
		return;
	if (rec.kind == TRC_HOP)
		rec.hop.time_ns += h->ahead_ns;
	assert_int_equal(trc_write(h->w, &rec), 0);
}

/* Hops of returns show no namespace: neither half has them. */
static void recording_part(struct half *client, struct half *server)
{
	struct trc_reader *r;
	struct trc_record rec;
	uint32_t at[2] = {};

	for (int pass = 0; pass < 2; pass++) {
		assert_int_equal(trc_reader_open(&r, "samples/ok.trc"), 0);
		while (trc_reader_next(r, &rec) > 0) {
			if (!pass && rec.kind == TRC_NETNS && strstr(rec.netns.name, "client"))
				at[0] = rec.netns.netns;
			if (!pass && rec.kind == TRC_NETNS && strstr(rec.netns.name, "server"))
				at[1] = rec.netns.netns;
			if (pass && rec.kind != TRC_LOSS && rec.kind != TRC_END) {
				half_take(client, rec);
				half_take(server, rec);
			}
		}
		trc_reader_free(r);
		if (!pass) {
			assert_true(at[0] && at[1]);
			half_open(client, at[0], 0);
			half_open(server, at[1], SHIFT_NS);
		}
	}
	assert_int_equal(trc_writer_finish(client->w), 0);
	assert_int_equal(trc_writer_finish(server->w), 0);
}

static struct model *half_load(struct half *h)
{
	char error[256];
	struct model *m;

	trc_writer_free(h->w);
	if (model_load(&m, h->path, error, sizeof(error)))
		fail_msg("%s", error);
	return m;
}

static void a_query_and_its_answer_are_found_on_both_machines(void **state)
{
	struct half client, server;
	struct model *models[2];
	struct recordings recs = { models, 2 };
	char error[DB_ERROR_MAX];
	sqlite3 *db;

	recording_part(&client, &server);
	models[0] = half_load(&client);
	models[1] = half_load(&server);
	if (db_open_live(&db, &recs, error))
		fail_msg("%s", error);
	assert_answer(db, "SELECT there || ' ' || back FROM clock_offset WHERE recording = 1 AND other_recording = 2", "1 1");
	assert_answer(db, "SELECT abs(offset_ns - 3600000000789) <= error_ns AND error_ns < 10000000 FROM clock_offset", "1");
	assert_answer(db, "SELECT group_concat(s.evidence || ' ' || (a.src = b.src AND a.dst = b.dst AND a.sport = b.sport AND a.dport = b.dport)) "
		      "FROM same_packet s JOIN packet a ON a.recording = s.recording AND a.packet = s.packet "
		      "JOIN packet b ON b.recording = s.other_recording AND b.packet = s.other_packet", "IP id 1,IP id 1");
	assert_answer(db, "SELECT count(*) FROM same_packet s JOIN clock_offset o ON o.recording = 1 WHERE s.recording = 1 AND s.other_recording = 2 "
		      "AND s.came_ns >= s.left_ns + o.offset_ns - o.error_ns", "1");
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	model_free(models[0]);
	model_free(models[1]);
}

/* One packet that leaves, or comes, with what is in the table. */
static void face_put(struct tape *t, uint64_t packet, bool comes, uint16_t ip_id, uint16_t sport)
{
	static const char *const names[2][2] = { { "ip_send_skb", "dev_hard_start_xmit" }, { "__netif_rx", "ip_rcv" } };

	for (int i = 0; i < 2; i++) {
		struct trc_hop h = tape_hop(t, packet, names[comes][i]);

		h.ip_id = ip_id;
		h.sport = sport;
		h.context = comes ? TRC_SOFTIRQ : TRC_PROCESS;
		tape_write(t, &h);
	}
}

static void of_two_that_look_alike_nothing_is_said(void **state)
{
	struct tape a, b;
	struct model *models[2];
	struct recordings recs = { models, 2 };
	char error[DB_ERROR_MAX];
	sqlite3 *db;

	tape_open(&a);
	face_put(&a, 1, false, 7, 1000);
	face_put(&a, 2, false, 7, 1000);	/* alike */
	face_put(&a, 3, false, 8, 1000);
	face_put(&a, 5, false, 10, 1000);
	face_put(&a, 4, false, 0, 2000);	/* nothing but addresses, but nobody else has them */
	tape_open(&b);
	b.now_ns += 5000;
	face_put(&b, 11, true, 7, 1000);
	face_put(&b, 12, true, 8, 1000);
	face_put(&b, 15, false, 10, 1000);	/* made there, and looped back */
	face_put(&b, 15, true, 10, 1000);
	b.now_ns += 3000;			/* later than it need be */
	face_put(&b, 13, true, 0, 2000);
	face_put(&b, 14, true, 9, 1000);	/* of somebody else */
	models[0] = tape_load(&a);
	models[1] = tape_load(&b);
	if (db_open_live(&db, &recs, error))
		fail_msg("%s", error);
	assert_answer(db, "SELECT group_concat(packet || '=' || other_packet || ' ' || evidence) FROM (SELECT * FROM same_packet ORDER BY packet)",
		      "3=2 IP id,5=4 addresses");
	assert_answer(db, "SELECT there || ' ' || back || ' ' || coalesce(error_ns, 'unknown') FROM clock_offset", "2 0 unknown");
	assert_answer(db, "SELECT min(came_ns - left_ns) < max(came_ns - left_ns) FROM same_packet", "1");
	assert_answer(db, "SELECT o.offset_ns = min(s.came_ns - s.left_ns) FROM clock_offset o, same_packet s", "1");
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	tape_close(&a, models[0]);
	tape_close(&b, models[1]);
}

/* Times that a stranger may claim. */
static void the_wildest_clocks_do_no_harm(void **state)
{
	static const uint64_t times[] = { 1, INT64_MAX, 1ull << 63, UINT64_MAX - 1000 };
	struct model *models[2];
	struct recordings recs = { models, 2 };
	char error[DB_ERROR_MAX];
	struct tape a, b;
	sqlite3 *db;

	for (int i = 0; i < 16; i++) {
		tape_open(&a);
		a.now_ns = times[i / 4];
		face_put(&a, 1, false, 7, 1000);
		face_put(&a, 2, true, 8, 1000);
		tape_open(&b);
		b.now_ns = times[i % 4];
		face_put(&b, 1, true, 7, 1000);
		face_put(&b, 2, false, 8, 1000);
		models[0] = tape_load(&a);
		models[1] = tape_load(&b);
		if (db_open_live(&db, &recs, error))
			fail_msg("%s", error);
		assert_answer(db, "SELECT there || ' ' || back || ' ' || (error_ns >= 0) FROM clock_offset", "1 1 1");
		assert_int_equal(sqlite3_close(db), SQLITE_OK);
		tape_close(&a, models[0]);
		tape_close(&b, models[1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_query_and_its_answer_are_found_on_both_machines),
		cmocka_unit_test(of_two_that_look_alike_nothing_is_said),
		cmocka_unit_test(the_wildest_clocks_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
