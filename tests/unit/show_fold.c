// SPDX-License-Identifier: GPL-2.0
/*
 * show_fold.c - the rows of a path: returns, repetitions and the freeing fold, and every hop stays accounted for.
 */
#include "show.h"
#include "show_recording.h"

static struct model *load_one(const struct step *steps)
{
	struct tape t = tape_start();

	put_packet(&t, steps, true);
	put_end(&t);
	return tape_load(&t);
}

static struct rows rows_of(const struct model *m, bool every)
{
	struct rows rows;

	assert_int_equal(m->npackets, 1);
	assert_int_equal(rows_build(&rows, m, &m->packets[0], every), 0);
	return rows;
}

static const char *row_name(const struct model *m, const struct row *r)
{
	return hop_func(m, packet_hop(m, &m->packets[0], r->first))->name;
}

static void a_return_folds_onto_its_entry(void **state)
{
	struct model *m = load_one(step_dropped);
	struct rows rows = rows_of(m, false);

	assert_string_equal(row_name(m, &rows.row[3]), "nf_hook_slow");
	assert_int_equal(rows.row[3].result, 12);
	assert_int_equal(packet_hop(m, &m->packets[0], 12)->value, -1);
	rows_free(&rows);
	model_free(m);
}

static void the_freeing_is_one_row(void **state)
{
	struct model *m = load_one(step_dropped);
	struct rows rows = rows_of(m, false);
	const struct row *last = &rows.row[rows.count - 1];

	assert_int_equal(rows.count, 9);
	assert_int_equal(last->kind, ROW_FREED);
	assert_int_equal(last->first, 8);
	assert_int_equal(last->last, 12);
	rows_free(&rows);
	model_free(m);
}

static void the_drop_is_never_folded(void **state)
{
	struct model *m = load_one(step_dropped);
	struct rows rows = rows_of(m, false);
	bool seen = false;

	for (size_t i = 0; i < rows.count; i++)
		seen |= rows.row[i].kind == ROW_HOP && packet_hop(m, &m->packets[0], rows.row[i].first)->kind == TRC_DROP;
	assert_true(seen);
	rows_free(&rows);
	model_free(m);
}

static void the_delivery_is_never_folded(void **state)
{
	static const struct step steps[] = {
		{ "udp_rcv", SERVER }, { "sock_wfree", SERVER }, { "__udp_enqueue_schedule_skb", SERVER }, { "skb_consume_udp", READER },
		{ "skb_release_data", READER }, { "kfree_skbmem", READER }, {},
	};
	struct model *m = load_one(steps);
	struct rows rows = rows_of(m, false);

	assert_int_equal(rows.count, 5);
	assert_string_equal(row_name(m, &rows.row[2]), "__udp_enqueue_schedule_skb");
	assert_int_equal(rows.row[4].kind, ROW_FREED);
	rows_free(&rows);
	model_free(m);
}

static void a_release_in_the_middle_is_no_end(void **state)
{
	static const struct step steps[] = {
		{ "ip_rcv", SERVER }, { "sock_wfree", SERVER }, { "ip_local_deliver", SERVER }, { "udp_rcv", SERVER }, {},
	};
	struct model *m = load_one(steps);
	struct rows rows = rows_of(m, false);

	assert_int_equal(rows.count, 4);
	for (size_t i = 0; i < rows.count; i++)
		assert_int_equal(rows.row[i].kind, ROW_HOP);
	rows_free(&rows);
	model_free(m);
}

static void every_hop_has_a_row_when_asked(void **state)
{
	struct model *m = load_one(step_dropped);
	struct rows rows = rows_of(m, true);

	assert_int_equal(rows.count, m->packets[0].nhops);
	for (size_t i = 0; i < rows.count; i++)
		assert_int_equal(rows.row[i].first, i);
	rows_free(&rows);
	model_free(m);
}

static void a_sequence_that_repeats_folds_onto_its_first_round(void **state)
{
	static const struct step steps[] = {
		{ "ip_output", CLIENT }, { "a", CLIENT }, { "b", CLIENT }, { "a", CLIENT }, { "b", CLIENT }, { "a", CLIENT },
		{ "b", CLIENT }, { "a", CLIENT }, { "b", CLIENT }, { "ip_finish_output", CLIENT }, {},
	};
	struct model *m = load_one(steps);
	struct rows rows = rows_of(m, false);

	assert_int_equal(rows.count, 5);
	assert_int_equal(rows.row[3].kind, ROW_REPEAT);
	assert_int_equal(rows.row[3].period, 2);
	assert_int_equal(rows.row[3].times, 3);
	assert_int_equal(rows.row[3].first, 3);
	assert_int_equal(rows.row[3].last, 8);
	assert_string_equal(row_name(m, &rows.row[4]), "ip_finish_output");
	rows_free(&rows);
	model_free(m);
}

static void a_short_repetition_stays(void **state)
{
	static const struct step steps[] = {
		{ "ip_output", CLIENT }, { "a", CLIENT }, { "a", CLIENT }, { "a", CLIENT }, { "ip_finish_output", CLIENT }, {},
	};
	struct model *m = load_one(steps);
	struct rows rows = rows_of(m, false);

	assert_int_equal(rows.count, 5);
	rows_free(&rows);
	model_free(m);
}

static void a_repetition_ends_where_the_surroundings_change(void **state)
{
	static const struct step steps[] = {
		{ "a", CLIENT }, { "a", CLIENT }, { "a", CLIENT }, { "a", CLIENT }, { "a", .netns = NETNS_CLIENT, .pid = PID_DIG }, { "b", READER }, {},
	};
	struct model *m = load_one(steps);
	struct rows rows = rows_of(m, false);

	assert_int_equal(rows.count, 4);
	assert_int_equal(rows.row[1].kind, ROW_REPEAT);
	assert_int_equal(rows.row[1].last, 3);
	rows_free(&rows);
	model_free(m);
}

static void nested_returns_find_their_own_entries(void **state)
{
	static const struct step steps[] = {
		{ "nf_hook_slow", CLIENT, .hook = 3, .family = 2 }, { "nf_hook_slow", CLIENT, .hook = 4, .family = 2 },
		{ "nf_hook_slow", CLIENT, .kind = TRC_RETURN, .value = 1 }, { "nf_hook_slow", CLIENT, .kind = TRC_RETURN, .value = -1 },
		{ "nf_hook_slow", CLIENT, .kind = TRC_RETURN, .value = 0 }, {},
	};
	struct model *m = load_one(steps);
	uint32_t *returns = packet_returns(m, &m->packets[0]);

	assert_int_equal(returns[0], 3);
	assert_int_equal(returns[1], 2);
	assert_int_equal(returns[4], NO_HOP);
	free(returns);
	model_free(m);
}

static void a_million_hops_fold_in_linear_time(void **state)
{
	enum { HOPS = 1000000 };
	static struct func funcs[] = { { .name = "a", .layer = "other", .stage = "" }, { .name = "nf_hook_slow", .layer = "netfilter",
		.stage = "netfilter", .flags = TRC_FUNC_RETURN } };
	struct trc_hop *hops = calloc(HOPS, sizeof(*hops));
	const struct trc_hop *unpacked[] = { hops };
	struct packet p = { .number = 1, .nhops = HOPS };
	struct model m = { .unpacked = unpacked, .nhops = HOPS, .packets = &p, .npackets = 1, .funcs = funcs, .nfuncs = 2 };
	struct rows rows;

	for (uint32_t i = 0; i < HOPS; i++)
		hops[i] = i < HOPS / 2 ? (struct trc_hop){ .func = 1, .kind = TRC_ENTRY } :	/* open calls that never return ... */
			  (struct trc_hop){ .func = 0, .kind = TRC_RETURN };	/* ... and returns that were never entered */
	assert_int_equal(rows_build(&rows, &m, &p, false), 0);
	assert_true(rows.count > 0);
	rows_free(&rows);
	free(hops);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_return_folds_onto_its_entry),
		cmocka_unit_test(the_freeing_is_one_row),
		cmocka_unit_test(the_drop_is_never_folded),
		cmocka_unit_test(the_delivery_is_never_folded),
		cmocka_unit_test(a_release_in_the_middle_is_no_end),
		cmocka_unit_test(every_hop_has_a_row_when_asked),
		cmocka_unit_test(a_sequence_that_repeats_folds_onto_its_first_round),
		cmocka_unit_test(a_short_repetition_stays),
		cmocka_unit_test(a_repetition_ends_where_the_surroundings_change),
		cmocka_unit_test(nested_returns_find_their_own_entries),
		cmocka_unit_test(a_million_hops_fold_in_linear_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
