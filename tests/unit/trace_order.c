// SPDX-License-Identifier: GPL-2.0
/*
 * trace_order.c - hops in the order of their times, of one CPU, of some columns.
 */
#include <fcntl.h>
#include <stdio.h>

#include "trace_support.h"

#define MS 1000000ull

static void put_hop(struct tape *t, uint64_t time_ns, uint16_t cpu, uint64_t seq)
{
	struct trc_hop hop = { .time_ns = time_ns, .packet = 1 + time_ns, .cpu = cpu, .seq = seq, .func = seq % 7, .pid = 9 };

	assert_int_equal(trc_write_hop(t->w, &hop), 0);
}

/*
 * As a recorder writes: CPUs advance at their own pace, what was drained is flushed every 200 ms, and a CPU that was
 * drained early has hops in the next unit that are older than those of the others in this one.
 */
static struct image record_cpus(int cpus, int rounds, uint64_t seed)
{
	struct tape t = tape_start();
	uint64_t time[64] = {}, seq[64] = {};

	tape_put(&t, &(struct trc_record){ .kind = TRC_FACT, .fact = { "early", "1" } });
	for (int round = 1; round <= rounds; round++) {
		for (int cpu = 0; cpu < cpus; cpu++) {
			uint64_t until = (round * 200 - random_next(&seed) % 100) * MS;

			for (; time[cpu] < until; time[cpu] += 1 + random_next(&seed) % (2 * MS))
				put_hop(&t, time[cpu], cpu, seq[cpu]++);
		}
		assert_int_equal(trc_writer_flush(t.w), 0);
	}
	tape_put(&t, &(struct trc_record){ .kind = TRC_END, .end = { .reason = "signal" } });
	return tape_end(&t);
}

static struct trc_reader *open_in_order(const struct image *img)
{
	struct trc_reader *r;

	assert_int_equal(trc_reader_open_memory(&r, img->data, img->size), 0);
	assert_int_equal(trc_reader_order(r, TRC_ORDER_TIME), 0);
	return r;
}

/* whatever the order, the same */
static uint64_t hop_hash(const struct trc_hop *hop)
{
	return trc_crc32c(0, hop, HOP_BYTES) * 0x9e3779b97f4a7c15ull;
}

static uint64_t hops_hash(const struct image *img, uint64_t *n)
{
	struct trc_record rec;
	struct trc_reader *r;
	uint64_t sum = 0;

	*n = 0;
	assert_int_equal(trc_reader_open_memory(&r, img->data, img->size), 0);
	while (trc_reader_next(r, &rec) == 1)
		if (rec.kind == TRC_HOP) {
			sum += hop_hash(&rec.hop);
			++*n;
		}
	trc_reader_free(r);
	return sum;
}

static void hops_of_all_cpus_come_in_the_order_of_their_times(void **state)
{
	struct image img = record_cpus(5, 20, 1);
	struct trc_reader *r = open_in_order(&img);
	uint64_t last = 0, sum = 0, n = 0, all, hash = hops_hash(&img, &all), seq[5] = {};
	struct trc_record rec;

	assert_int_equal(trc_reader_next(r, &rec), 1);
	assert_int_equal(rec.kind, TRC_FACT);
	while (trc_reader_next(r, &rec) == 1 && rec.kind == TRC_HOP) {
		assert_true(rec.hop.time_ns >= last);
		assert_true(rec.hop.seq == seq[rec.hop.cpu]++);
		last = rec.hop.time_ns;
		sum += hop_hash(&rec.hop);
		n++;
	}
	assert_int_equal(rec.kind, TRC_END);
	assert_int_equal(trc_reader_next(r, &rec), 0);
	assert_true(n == all && sum == hash && n > 15000);
	assert_int_equal(trc_reader_health(r)->late, 0);
	assert_string_equal(trc_reader_trouble(r), "");
	trc_reader_free(r);
	free(img.data);
}

/* a hop that is interrupted between its clock and its number is behind the one that interrupted it */
static void hops_out_of_order_on_one_cpu_are_put_in_order(void **state)
{
	static const uint64_t times[] = { 10, 30, 20, 40, 35, 50 };
	struct tape t = tape_start();
	struct trc_record rec;
	struct trc_reader *r;
	struct image img;
	uint64_t last = 0;

	for (int i = 0; i < 6; i++)
		put_hop(&t, times[i], 3, i);
	img = tape_end(&t);
	r = open_in_order(&img);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(trc_reader_next(r, &rec), 1);
		assert_true(rec.hop.time_ns > last);
		last = rec.hop.time_ns;
	}
	assert_int_equal(trc_reader_health(r)->late, 0);
	trc_reader_free(r);
	free(img.data);
}

static void a_hop_that_comes_too_late_is_given_and_counted(void **state)
{
	static const uint64_t times[] = { 1000 * MS, 2000 * MS, 1400 * MS, 900 * MS, 2600 * MS };
	static const uint64_t order[] = { 1000 * MS, 1400 * MS, 900 * MS, 2000 * MS, 2600 * MS };
	struct tape t = tape_start();
	struct trc_record rec;
	struct trc_reader *r;
	struct image img;

	for (int i = 0; i < 5; i++) {
		put_hop(&t, times[i], i, 0);
		assert_int_equal(trc_writer_flush(t.w), 0);
	}
	img = tape_end(&t);
	r = open_in_order(&img);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(trc_reader_next(r, &rec), 1);
		assert_true(rec.hop.time_ns == order[i]);
	}
	assert_int_equal(trc_reader_health(r)->late, 1);
	trc_reader_free(r);
	free(img.data);
}

/* more units overlap than are unpacked at once, and more wait than may: memory is bounded, and no hop is lost */
static void hops_of_many_overlapping_units_are_all_given(void **state)
{
	struct tape t = tape_start();
	uint64_t n = 0, all, hash, sum = 0;
	struct trc_record rec;
	struct trc_reader *r;
	struct image img;

	for (int unit = 0; unit < 700; unit++) {
		for (int i = 0; i < 10; i++)
			put_hop(&t, 1 + unit + i * 1000, unit % 50, i);
		assert_int_equal(trc_writer_flush(t.w), 0);
	}
	img = tape_end(&t);
	hash = hops_hash(&img, &all);
	r = open_in_order(&img);
	for (; trc_reader_next(r, &rec) == 1; n++)
		sum += hop_hash(&rec.hop);
	assert_true(n == 7000 && all == n && sum == hash);
	assert_true(trc_reader_health(r)->late > 0);
	trc_reader_free(r);
	free(img.data);
}

static void a_damaged_unit_costs_itself_only_in_order_of_time(void **state)
{
	struct image img = record_cpus(3, 10, 2);
	struct extent extents[64];
	uint64_t n = 0, all, last = 0;
	struct trc_record rec;
	struct trc_reader *r;
	size_t units = image_extents(&img, extents, 64);

	hops_hash(&img, &all);
	img.data[extents[4].end - 1] ^= 1;
	r = open_in_order(&img);
	while (trc_reader_next(r, &rec) == 1)
		if (rec.kind == TRC_HOP) {
			assert_true(rec.hop.time_ns >= last);
			last = rec.hop.time_ns;
			n++;
		}
	assert_int_equal(n, all - extents[4].rows);
	assert_int_equal(trc_reader_health(r)->damaged, 1);
	assert_int_equal(trc_reader_health(r)->units, units - 1);
	trc_reader_free(r);
	free(img.data);
}

static void a_silent_pipe_holds_no_hop_back(void **state)
{
	struct trc_writer *w;
	struct trc_record rec;
	struct trc_reader *r;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(trc_writer_open(&w, fds[1]), 0);
	alarm(20);
	assert_int_equal(trc_reader_open_fd(&r, fds[0]), 0);
	assert_int_equal(trc_reader_order(r, TRC_ORDER_TIME), 0);
	for (int i = 0; i < 2; i++) {
		/* two CPUs, the second drained later: written in this order, read in the other */
		assert_int_equal(trc_write_hop(w, &(struct trc_hop){ .packet = 1, .time_ns = 10 + i * 10 }), 0);
		assert_int_equal(trc_writer_flush(w), 0);
		assert_int_equal(trc_write_hop(w, &(struct trc_hop){ .packet = 2, .time_ns = 5 + i * 10, .cpu = 1 }), 0);
		assert_int_equal(trc_writer_flush(w), 0);
		assert_int_equal(trc_reader_next(r, &rec), 1);
		assert_int_equal(rec.hop.packet, 2);
		assert_int_equal(trc_reader_next(r, &rec), 1);
		assert_int_equal(rec.hop.packet, 1);
	}
	close(fds[1]);
	assert_int_equal(trc_reader_next(r, &rec), 0);
	alarm(0);
	trc_writer_free(w);
	trc_reader_free(r);
	close(fds[0]);
}

static void one_cpu_is_read_alone_and_in_order(void **state)
{
	struct image img = record_cpus(4, 6, 3);

	for (int cpu = -1; cpu < 5; cpu++) {
		uint64_t n = 0, all, seq = 0;
		struct trc_record rec;
		struct trc_reader *r;

		hops_hash(&img, &all);
		assert_int_equal(trc_reader_open_memory(&r, img.data, img.size), 0);
		assert_int_equal(trc_reader_cpu(r, cpu), 0);
		while (trc_reader_next(r, &rec) == 1) {
			if (rec.kind != TRC_HOP)
				continue;
			n++;
			if (cpu < 0)
				continue;
			assert_int_equal(rec.hop.cpu, cpu);
			assert_true(rec.hop.seq == seq++);
		}
		assert_true(cpu < 0 ? n == all : cpu == 4 ? !n : n > all / 5 && n < all / 3);
		assert_int_equal(trc_reader_health(r)->ended, 1);
		trc_reader_free(r);
	}
	free(img.data);
}

static void columns_that_are_not_selected_read_as_zero(void **state)
{
	struct tape t = tape_start();
	struct trc_hop hop = {}, expected;
	uint64_t seed = 8;
	struct trc_record rec;
	struct trc_reader *r;
	struct image img;

	for (int i = 0; i < 3000; i++) {
		hop_noise(&hop, &seed);
		hop.cpu = 4;
		assert_int_equal(trc_write_hop(t.w, &hop), 0);
	}
	img = tape_end(&t);
	assert_int_equal(trc_reader_open_memory(&r, img.data, img.size), 0);
	assert_int_equal(trc_reader_select(r, TRC_COLUMN_SEQ | TRC_COLUMN_MARK | TRC_COLUMN(30)), 0);
	seed = 8;
	while (trc_reader_next(r, &rec) == 1) {
		hop_noise(&hop, &seed);
		expected = (struct trc_hop){ .time_ns = hop.time_ns, .packet = hop.packet, .kind = hop.kind, .cpu = 4,
					     .seq = hop.seq, .mark = hop.mark };
		memcpy(expected.saddr + 8, hop.saddr + 8, 4);
		assert_memory_equal(&rec.hop, &expected, HOP_BYTES);
	}
	assert_string_equal(trc_reader_error(r), "");
	assert_int_equal(trc_reader_health(r)->damaged, 0);
	trc_reader_free(r);
	free(img.data);
}

/* the masks that pkttrace.h names are the columns that FORMAT.md lists: together all, none twice */
static void every_column_has_one_name(void **state)
{
	const uint64_t named[] = {
		TRC_COLUMN(1) | TRC_COLUMN(3) | TRC_COLUMN(4), TRC_COLUMN_FUNC, TRC_COLUMN_VALUE, TRC_COLUMN_HAVE,
		TRC_COLUMN_LENGTH, TRC_COLUMN_CONTEXT, TRC_COLUMN_PLACE, TRC_COLUMN_HOOK, TRC_COLUMN_SEQ, TRC_COLUMN_MARK,
		TRC_COLUMN_HEADERS, TRC_COLUMN_GSO,
	};
	uint64_t all = 0;

	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		assert_true(!(all & named[i]));
		all |= named[i];
	}
	assert_true(all == ((1ull << 36) - 1) - 1);
}

static void how_it_is_read_is_chosen_first(void **state)
{
	struct image img = record_cpus(1, 1, 4);
	struct trc_record rec;
	struct trc_reader *r;

	assert_int_equal(trc_reader_open_memory(&r, img.data, img.size), 0);
	assert_int_equal(trc_reader_next(r, &rec), 1);
	assert_int_equal(trc_reader_order(r, TRC_ORDER_TIME), -EBUSY);
	assert_string_equal(trc_reader_error(r), "the order is chosen before the first record is read");
	assert_int_equal(trc_reader_select(r, 0), -EBUSY);
	assert_int_equal(trc_reader_cpu(r, 1), -EBUSY);
	assert_int_equal(trc_reader_next(r, &rec), 1);
	trc_reader_free(r);
	free(img.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hops_of_all_cpus_come_in_the_order_of_their_times),
		cmocka_unit_test(hops_out_of_order_on_one_cpu_are_put_in_order),
		cmocka_unit_test(a_hop_that_comes_too_late_is_given_and_counted),
		cmocka_unit_test(hops_of_many_overlapping_units_are_all_given),
		cmocka_unit_test(a_damaged_unit_costs_itself_only_in_order_of_time),
		cmocka_unit_test(a_silent_pipe_holds_no_hop_back),
		cmocka_unit_test(one_cpu_is_read_alone_and_in_order),
		cmocka_unit_test(columns_that_are_not_selected_read_as_zero),
		cmocka_unit_test(every_column_has_one_name),
		cmocka_unit_test(how_it_is_read_is_chosen_first),
	};

	return cmocka_run_group_tests_name("trace: order", tests, NULL, NULL);
}
