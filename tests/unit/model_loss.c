// SPDX-License-Identifier: GPL-2.0
/*
 * model_loss.c - gaps in the sequence numbers are placed in time, and packets that lived then are marked.
 */
#include "model_support.h"

static void hop_at(struct tape *t, uint64_t packet, uint16_t cpu, uint64_t seq, uint64_t time_ns)
{
	struct trc_hop h = tape_hop(t, packet, "ip_rcv");

	h.cpu = cpu;
	h.seq = seq;
	h.time_ns = time_ns;
	tape_write(t, &h);
}

static void end_at(struct tape *t, uint64_t packet, uint16_t cpu, uint64_t seq, uint64_t time_ns)
{
	struct trc_hop h = tape_hop(t, packet, "kfree_skbmem");

	h.cpu = cpu;
	h.seq = seq;
	h.time_ns = time_ns;
	tape_write(t, &h);
}

static void loss(struct tape *t, uint32_t cpu, uint64_t produced, uint64_t lost)
{
	struct trc_record rec = { TRC_LOSS, .loss = { .cpu = cpu, .produced = produced, .recorded = produced - lost, .lost = lost } };

	tape_put(t, &rec);
}

static void sequence_gap_marks_only_packets_that_lived_in_it(void **state)
{
	struct tape t;
	struct model *m;

	tape_open(&t);
	hop_at(&t, 1, 0, 0, 1000);		/* over before the gap */
	end_at(&t, 1, 0, 1, 1100);
	hop_at(&t, 2, 1, 0, 1500);		/* on another CPU, meanwhile */
	hop_at(&t, 4, 0, 2, 1600);
	end_at(&t, 4, 0, 9, 1700);		/* 3..8 are missing between 1600 and 1700 */
	end_at(&t, 2, 1, 1, 1800);
	hop_at(&t, 3, 0, 10, 2000);		/* after it */
	end_at(&t, 3, 0, 11, 2100);
	loss(&t, 0, 12, 6);
	m = tape_load(&t);
	assert_int_equal(m->npackets, 4);
	assert_false(m->packets[0].lossy);
	assert_int_equal(m->packets[1].id, 2);
	assert_true(m->packets[1].lossy);
	assert_true(m->packets[2].lossy);
	assert_false(m->packets[3].lossy);
	assert_int_equal(m->lost, 6);
	tape_close(&t, m);
}

static void numbers_slightly_out_of_time_order_are_no_loss(void **state)
{
	struct tape t;
	struct model *m;

	tape_open(&t);
	hop_at(&t, 1, 0, 1, 1000);		/* an interrupt came between number and time */
	hop_at(&t, 1, 0, 0, 1010);
	hop_at(&t, 1, 0, 2, 1020);
	end_at(&t, 1, 0, 3, 1030);
	loss(&t, 0, 4, 0);
	m = tape_load(&t);
	assert_false(m->packets[0].lossy);
	assert_int_equal(m->lost, 0);
	tape_close(&t, m);
}

/* Of a gap it is not known at first that it is one; and within limits not how far out of order numbers may come. */
static void gaps_are_found_once_however_many_hops_follow(void **state)
{
	struct tape t;
	struct model *m;
	uint64_t seq = 0, now = 1000;
	size_t i;

	tape_open(&t);
	for (i = 0; i < 30; i++)
		end_at(&t, 1 + i, 0, seq++, now += 10);
	hop_at(&t, 100, 0, seq + 7, now += 10);		/* an interrupt: by number after those below */
	for (i = 0; i < 7; i++)
		hop_at(&t, 100, 0, seq++, now += 10);
	end_at(&t, 100, 0, ++seq, now += 10);
	seq += 1 + 5;					/* five are missing */
	for (i = 0; i < 2000; i++)
		end_at(&t, 200 + i, 0, seq++, now += 10);
	seq += 3;
	for (i = 0; i < 100; i++)
		end_at(&t, 5000 + i, 0, seq++, now += 10);
	m = tape_load(&t);
	assert_int_equal(m->lost, 8);
	assert_int_equal(m->npackets, 30 + 1 + 2100);
	for (i = 0; i < m->npackets; i++)
		assert_int_equal(m->packets[i].lossy, m->packets[i].id == 100 || m->packets[i].id == 200 || m->packets[i].id == 2199 ||
				 m->packets[i].id == 5000);
	tape_close(&t, m);
}

static void hops_lost_after_the_last_one_mark_packets_still_in_flight(void **state)
{
	struct tape t;
	struct model *m;

	tape_open(&t);
	hop_at(&t, 1, 0, 0, 1000);
	end_at(&t, 1, 0, 1, 1100);
	hop_at(&t, 2, 0, 2, 1200);		/* its end is in the lost part */
	hop_at(&t, 3, 0, 3, 1300);
	loss(&t, 0, 9, 5);
	m = tape_load(&t);
	assert_false(m->packets[0].lossy);
	assert_true(m->packets[1].lossy);
	assert_true(m->packets[2].lossy);
	tape_close(&t, m);
}

static void cpu_of_which_everything_was_lost_marks_all(void **state)
{
	struct tape t;
	struct model *m;

	tape_open(&t);
	hop_at(&t, 1, 0, 0, 1000);
	end_at(&t, 1, 0, 1, 1100);
	loss(&t, 0, 2, 0);
	loss(&t, 3, 40, 40);
	m = tape_load(&t);
	assert_true(m->packets[0].lossy);
	assert_int_equal(m->lost, 40);
	tape_close(&t, m);
}

static void last_count_of_a_cpu_counts(void **state)
{
	struct tape t;
	struct model *m;

	tape_open(&t);
	hop_at(&t, 1, 0, 0, 1000);
	loss(&t, 0, 1, 0);
	loss(&t, 0, 8, 7);
	m = tape_load(&t);
	assert_int_equal(m->nlosses, 1);
	assert_int_equal(m->losses[0].produced, 8);
	assert_int_equal(m->lost, 7);
	tape_close(&t, m);
}

static void without_counts_the_gaps_are_counted(void **state)
{
	struct tape t;
	struct model *m;

	tape_open(&t);
	hop_at(&t, 1, 0, 4, 1000);
	hop_at(&t, 1, 0, 7, 1100);
	m = tape_load(&t);
	assert_int_equal(m->lost, 6);
	assert_true(m->packets[0].lossy);
	tape_close(&t, m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sequence_gap_marks_only_packets_that_lived_in_it),
		cmocka_unit_test(numbers_slightly_out_of_time_order_are_no_loss),
		cmocka_unit_test(gaps_are_found_once_however_many_hops_follow),
		cmocka_unit_test(hops_lost_after_the_last_one_mark_packets_still_in_flight),
		cmocka_unit_test(cpu_of_which_everything_was_lost_marks_all),
		cmocka_unit_test(last_count_of_a_cpu_counts),
		cmocka_unit_test(without_counts_the_gaps_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
