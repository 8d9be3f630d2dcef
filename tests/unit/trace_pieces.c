// SPDX-License-Identifier: GPL-2.0
/*
 * trace_pieces.c - several writers in one process, as a recorder has that goes on in a new file: each recording is whole.
 */
#include <fcntl.h>

#include "trace_support.h"

#define HOPS 3000

static const uint32_t frames[] = { 1, 0 };

static void names_put(struct tape *t)
{
	tape_put(t, &(struct trc_record){ .kind = TRC_FACT, .fact = { "host.kernel", "6.12.0" } });
	tape_put(t, &(struct trc_record){ .kind = TRC_FUNC, .func = { 0, "ip_rcv", "", 16, 1, 3, 0, "" } });
	tape_put(t, &(struct trc_record){ .kind = TRC_FRAMES, .frames = { 1, 2, frames } });
}

static void hops_put(struct tape *t, struct trc_hop *hop, uint64_t *seed, int n)
{
	while (n--) {
		hop_step(hop, seed);
		hop->seq++;
		assert_int_equal(trc_write_hop(t->w, hop), 0);
	}
}

/* the names, and hops from the number first on; whole but for the end that nobody wrote */
static void piece_expect(const struct image *img, uint64_t first, uint64_t hops)
{
	struct trc_reader *r;
	struct trc_record rec;
	uint64_t others = 0, n = 0;

	assert_int_equal(trc_reader_open_memory(&r, img->data, img->size), 0);
	while (trc_reader_next(r, &rec) == 1) {
		if (rec.kind == TRC_HOP)
			assert_true(rec.hop.seq == first + n++);
		else
			others += n == 0;
	}
	assert_int_equal(n, hops);
	assert_int_equal(others, 3);
	assert_int_equal(trc_reader_health(r)->out_of_order, 0);
	assert_int_equal(trc_reader_health(r)->bytes_bad, 0);
	assert_int_equal(trc_reader_health(r)->bytes, img->size);
	trc_reader_free(r);
}

static void pieces_are_read_each_alone_and_together_have_every_hop(void **state)
{
	struct trc_hop hop = { .packet = 1, .seq = UINT64_MAX };
	struct image images[3];
	uint64_t seed = 7;

	for (int i = 0; i < 3; i++) {
		struct tape t = tape_start();

		names_put(&t);
		hops_put(&t, &hop, &seed, HOPS);
		images[i] = tape_end(&t);
	}
	for (int i = 0; i < 3; i++)
		piece_expect(&images[i], i * HOPS, HOPS);
	for (int i = 0; i < 3; i++)
		free(images[i].data);
}

/* the next piece is begun before the last is finished, and the other way round */
static void writers_side_by_side_do_not_disturb_each_other(void **state)
{
	struct trc_hop a = { .packet = 1, .seq = UINT64_MAX }, b = { .packet = 1, .cpu = 3, .seq = 99 };
	struct tape first = tape_start(), second = tape_start();
	struct image images[2];
	uint64_t seed = 8;

	names_put(&first);
	names_put(&second);
	for (int i = 0; i < 10; i++) {
		hops_put(&first, &a, &seed, HOPS);
		hops_put(&second, &b, &seed, HOPS);
	}
	images[0] = tape_end(&first);
	hops_put(&second, &b, &seed, HOPS);
	images[1] = tape_end(&second);
	piece_expect(&images[0], 0, 10 * HOPS);
	piece_expect(&images[1], 100, 11 * HOPS);
	assert_memory_not_equal(images[0].data + 28, images[1].data + 28, 16);	/* their ids */
	free(images[0].data);
	free(images[1].data);
}

/* Without room there is no piece, and what was never flushed is gone with its writer: the next is none the worse. */
static void a_writer_that_failed_leaves_the_next_alone(void **state)
{
	struct trc_hop hop = { .packet = 1 }, again = { .packet = 1, .seq = UINT64_MAX };
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct trc_writer *w = (struct trc_writer *)-1;
	struct tape t = tape_start();
	struct image img;
	uint64_t seed = 9;

	assert_true(full >= 0);
	assert_int_equal(trc_writer_open(&w, full), -ENOSPC);
	assert_null(w);
	names_put(&t);
	hops_put(&t, &hop, &seed, HOPS);
	trc_writer_free(t.w);
	close(t.fd);
	t = tape_start();
	names_put(&t);
	hops_put(&t, &again, &seed, HOPS);
	img = tape_end(&t);
	piece_expect(&img, 0, HOPS);
	free(img.data);
	close(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_read_each_alone_and_together_have_every_hop),
		cmocka_unit_test(writers_side_by_side_do_not_disturb_each_other),
		cmocka_unit_test(a_writer_that_failed_leaves_the_next_alone),
	};

	return cmocka_run_group_tests_name("trace: pieces", tests, NULL, NULL);
}
