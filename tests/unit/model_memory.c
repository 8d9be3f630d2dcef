// SPDX-License-Identifier: GPL-2.0
/*
 * model_memory.c - small files that claim much: refused in words, and before the memory is spent.
 *
 * Each shape makes another part of the model grow.  A child loads it, so that its peak is the load's own.
 */
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "memory.h"
#include "model_support.h"

#define PEAK_KIB (256 << 10)	/* for a file of a MiB (RELIABILITY 11) */
#define FILE_BYTES (1 << 20)

/* Puts row i of n into the tape. */
typedef void shape(struct tape *t, size_t i, size_t n);

static void hop_put(struct tape *t, struct trc_hop h)
{
	tape_write(t, &h);
}

static void one_packet(struct tape *t, size_t i, size_t n)
{
	hop_put(t, tape_hop(t, 1, "ip_rcv"));
}

/* a packet, a namespace and a device for each, without a name */
static void all_new(struct tape *t, size_t i, size_t n)
{
	struct trc_hop h = tape_hop(t, 1 + i, "ip_rcv");

	h.netns = h.ifindex = 1 + i;
	hop_put(t, h);
}

/* against time, with holes in the numbers: each hop is a run to sort and a gap */
static void backwards(struct tape *t, size_t i, size_t n)
{
	struct trc_hop h = tape_hop(t, 1 + i, "ip_rcv");

	h.time_ns = 2 * (n - i);
	h.seq = 2 * i;
	hop_put(t, h);
}

/* a packet each, of an id that does not compress */
static void noise(struct tape *t, size_t i, size_t n)
{
	uint64_t id = (i + 1) * 0x9e3779b97f4a7c15;

	id = (id ^ id >> 30) * 0xbf58476d1ce4e5b9;	/* splitmix */
	hop_put(t, tape_hop(t, (id ^ id >> 27) | 1, "ip_rcv"));
}

static void function_each(struct tape *t, size_t i, size_t n)
{
	const struct trc_record rec = { TRC_FUNC, .func = { .id = i, .name = "f", .module = "", .why = "" } };

	tape_put(t, &rec);
}

static void short_fact(struct tape *t, size_t i, size_t n)
{
	const struct trc_record rec = { TRC_FACT, .fact = { "k", "v" } };

	tape_put(t, &rec);
}

static void long_fact(struct tape *t, size_t i, size_t n)
{
	static char text[60001];
	const struct trc_record rec = { TRC_FACT, .fact = { "k", text } };

	memset(text, 033, sizeof(text) - 1);
	tape_put(t, &rec);
}

static void device_each(struct tape *t, size_t i, size_t n)
{
	const struct trc_record rec = { TRC_LINK, .link = {
		.netns = i, .ifindex = 1 + i, .name = "", .kind = "", .address = "",
		.peer_netns = -i, .peer_ifindex = 1 + i } };

	tape_put(t, &rec);
}

static void long_stack(struct tape *t, size_t i, size_t n)
{
	static uint32_t frames[TRC_STACK_MAX];
	const struct trc_record rec = { TRC_STACK, .stack = { 1 + i, TRC_STACK_MAX, frames } };

	tape_put(t, &rec);
}

static void frames_each(struct tape *t, size_t i, size_t n)
{
	static uint32_t frames[TRC_STACK_MAX];
	const struct trc_record rec = { TRC_FRAMES, .frames = { 1 + i, TRC_STACK_MAX, frames } };

	tape_put(t, &rec);
}

static void edge_each(struct tape *t, size_t i, size_t n)
{
	const struct trc_record rec = { TRC_EDGE, .edge = { .child = 2, .parent = 1, .kind = TRC_EDGE_CLONE } };

	tape_put(t, &rec);
}

static void bytes_each(struct tape *t, size_t i, size_t n)
{
	static uint8_t bytes[60000];
	const struct trc_record rec = { TRC_DATA, .data = { 1 + i, 1, 2, sizeof(bytes), sizeof(bytes), bytes } };

	tape_put(t, &rec);
}

/* One text of nothing but bytes that take four when they are made harmless. */
static void snapshot_part(struct tape *t, size_t i, size_t n)
{
	static char text[60001];
	const struct trc_record rec = { TRC_SNAPSHOT, .snapshot = { 0, 1, "routes", "", "", i, i == n - 1, text } };

	memset(text, 033, sizeof(text) - 1);
	tape_put(t, &rec);
}

static void short_snapshot(struct tape *t, size_t i, size_t n)
{
	const struct trc_record rec = { TRC_SNAPSHOT, .snapshot = { 0, 1, "w", "", "", 0, 1, "" } };

	tape_put(t, &rec);
}

/* Events whose deep stacks have nothing in common with the one before. */
static void deep_event(struct tape *t, size_t i, size_t n)
{
	uint32_t frames[TRC_STACK_MAX], k, which;
	struct trc_record func = { TRC_FUNC, .func = { .id = 1000, .name = "net_dev_queue", .module = "", .why = "", .arg = 1,
		.flags = TRC_FUNC_PROBED | TRC_FUNC_ATTACHED | TRC_FUNC_TRACEPOINT } };
	struct trc_record stack = { TRC_FRAMES, .frames = { .count = TRC_STACK_MAX, .frames = frames } };
	struct trc_hop h = { .time_ns = 1 + i, .packet = 1 + i / 10, .seq = i, .func = 1000, .stack = 1 + i % 2 };

	if (!i) {
		tape_put(t, &func);
		for (which = 1; which <= 2; which++) {
			func.func = (struct trc_func){ .id = which, .name = which == 1 ? "ip_rcv" : "ip_output", .module = "", .why = "" };
			tape_put(t, &func);
			for (k = 0; k < TRC_STACK_MAX; k++)
				frames[k] = which;
			stack.frames.id = which;
			tape_put(t, &stack);
		}
	}
	tape_write(t, &h);
}

enum outcome { LOADED, REFUSED, REFUSED_IN_OTHER_WORDS };

static enum outcome load_and_judge(const struct tape *t, const char *sentence)
{
	struct model *m;
	char error[256] = "";

	if (!model_load(&m, t->path, error, sizeof(error)))
		return LOADED;
	if (strstr(error, sentence) && !strchr(error, '\n'))
		return REFUSED;
	fprintf(stderr, "%s\n", error);
	return REFUSED_IN_OTHER_WORDS;
}

static void tape_fill(struct tape *t, shape *row, size_t rows)
{
	size_t i;

	tape_open(t);
	for (i = 0; i < rows; i++)
		row(t, i, rows);
	assert_int_equal(trc_writer_finish(t->w), 0);
	trc_writer_free(t->w);
	t->w = NULL;
}

static void claims(shape *row, size_t rows, bool small, enum outcome outcome,
		   const char *sentence)
{
	struct rusage usage = {};
	struct tape t;
	pid_t child;
	int status;

	tape_fill(&t, row, rows);
	assert_int_equal(lseek(t.fd, 0, SEEK_END) <= FILE_BYTES, small);
	child = fork();
	if (!child)
		_exit(load_and_judge(&t, sentence));
	assert_true(child > 0);
	assert_int_equal(wait4(child, &status, 0, &usage), child);
	if (getenv("MEMORY_FIGURES"))
		print_message("%zu rows: %s, peak %ld MiB\n", rows, status ? "refused" : "loaded", usage.ru_maxrss >> 10);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), outcome);
	if (!SANITIZED && small)
		assert_true(usage.ru_maxrss < PEAK_KIB);
	tape_close(&t, NULL);
}

static const char too_much[] = "claims more than 216 MiB of memory with ";

static void hops_beyond_the_limit_are_refused_by_name(void **state)
{
	claims(one_packet, 1500000, true, REFUSED, too_much);
	claims(backwards, 700000, true, REFUSED, too_much);
}

static void namespaces_and_devices_of_hops_count_too(void **state)
{
	claims(all_new, 500000, true, REFUSED, too_much);
}

static void text_and_stacks_count_too(void **state)
{
	claims(long_fact, 1200, true, REFUSED, too_much);
	claims(long_stack, 450000, true, REFUSED, too_much);
}

static void stacks_edges_bytes_and_snapshots_count_too(void **state)
{
	claims(frames_each, 450000, true, REFUSED, too_much);
	claims(edge_each, 2200000, true, REFUSED, too_much);
	claims(bytes_each, 5000, true, REFUSED, too_much);
	claims(snapshot_part, 1000, true, REFUSED, too_much);
	claims(short_snapshot, 1500000, true, REFUSED, too_much);
}

static void derived_hops_stay_within_the_limit(void **state)
{
	claims(deep_event, 100000, true, LOADED, "");
	claims(deep_event, 900000, true, LOADED, "");
}

static void names_beyond_their_number_are_refused_by_name(void **state)
{
	claims(short_fact, 2200000, true, REFUSED, "claims more than 2097152 names");
}

static void what_is_within_the_limit_loads_within_it(void **state)
{
	claims(one_packet, 1200000, true, LOADED, "");
	claims(function_each, 600000, true, LOADED, "");
	claims(device_each, 100000, true, LOADED, "");
}

/* as many hops as are refused above, but the file has the bytes to show for them */
static void limit_grows_with_the_file(void **state)
{
	claims(noise, 700000, false, LOADED, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hops_beyond_the_limit_are_refused_by_name),
		cmocka_unit_test(namespaces_and_devices_of_hops_count_too),
		cmocka_unit_test(text_and_stacks_count_too),
		cmocka_unit_test(stacks_edges_bytes_and_snapshots_count_too),
		cmocka_unit_test(derived_hops_stay_within_the_limit),
		cmocka_unit_test(names_beyond_their_number_are_refused_by_name),
		cmocka_unit_test(what_is_within_the_limit_loads_within_it),
		cmocka_unit_test(limit_grows_with_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
