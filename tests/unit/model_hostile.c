// SPDX-License-Identifier: GPL-2.0
/*
 * model_hostile.c - recordings from strangers: names that attack the terminal, ids that lie, counts that are huge.
 */
#include <stdlib.h>
#include <time.h>

#include "model_support.h"
#include "sanitize.h"

static void sanitized(const char *in, const char *out)
{
	char buf[256];

	assert_int_equal(sanitize(buf, sizeof(buf), in), strlen(out));
	assert_string_equal(buf, out);
}

static void control_bytes_become_visible_escapes(void **state)
{
	sanitized("plain \\ text", "plain \\ text");
	sanitized("a\033]52;c;AAAA\007b", "a\\x1b]52;c;AAAA\\x07b");
	sanitized("one\rtwo\nthree\tfour\x7f", "one\\x0dtwo\\x0athree\\x09four\\x7f");
	sanitized("\xc2\x9b" "31m", "\\u009b31m");		/* C1: ESC [ in one character */
}

static void direction_and_invisible_characters_become_visible_escapes(void **state)
{
	sanitized("\xe2\x80\xae" "evil", "\\u202eevil");
	sanitized("\xe2\x80\xaa\xe2\x81\xa6\xe2\x81\xa9", "\\u202a\\u2066\\u2069");
	sanitized("\xe2\x80\x8b\xef\xbb\xbf", "\\u200b\\ufeff");
}

static void invalid_utf8_becomes_visible_escapes_and_valid_stays(void **state)
{
	sanitized("gr\xc3\xbc\xc3\x9f" "e \xe4\xb8\xad \xf0\x9f\x90\xa7", "gr\xc3\xbc\xc3\x9f" "e \xe4\xb8\xad \xf0\x9f\x90\xa7");
	sanitized("\xff\xfe", "\\xff\\xfe");
	sanitized("\xc0\xaf", "\\xc0\\xaf");			/* overlong */
	sanitized("\xed\xa0\x80", "\\xed\\xa0\\x80");		/* surrogate */
	sanitized("end\xe2\x80", "end\\xe2\\x80");		/* cut */
	sanitized("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");	/* beyond Unicode */
}

static void sanitize_never_writes_beyond_its_buffer(void **state)
{
	char buf[8] = "1234567";

	assert_int_equal(sanitize(buf, 4, "\033\033"), 8);
	assert_string_equal(buf, "\\x1");
	assert_string_equal(buf + 4, "567");
}

static void every_name_of_a_recording_is_sanitized(void **state)
{
	struct tape t;
	struct model *m;
	const char *bad = "x\033[2J";
	const struct trc_record names[] = {
		{ TRC_FACT, .fact = { bad, bad } },
		{ TRC_ENUM, .enumeration = { bad, bad, 1 } },
		{ TRC_FUNC, .func = { .id = 0, .name = bad, .module = bad, .why = bad } },
		{ TRC_NETNS, .netns = { 1, bad } },
		{ TRC_LINK, .link = { .netns = 1, .ifindex = 1, .name = bad, .kind = bad, .address = bad } },
		{ TRC_PROC, .proc = { 1, bad, bad } },
		{ TRC_END, .end = { .reason = bad } },
	};
	const char *good = "x\\x1b[2J";
	size_t i;

	tape_open(&t);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		tape_put(&t, &names[i]);
	m = tape_load(&t);
	assert_string_equal(m->facts[0].key, good);
	assert_string_equal(m->facts[0].value, good);
	assert_string_equal(m->enums[0].type, good);
	assert_string_equal(m->enums[0].name, good);
	assert_string_equal(m->funcs[0].name, good);
	assert_string_equal(m->funcs[0].module, good);
	assert_string_equal(m->funcs[0].why, good);
	assert_string_equal(model_netns(m, 1), good);
	assert_string_equal(model_dev(m, 1, 1), good);
	assert_string_equal(m->links[0].kind, good);
	assert_string_equal(m->links[0].address, good);
	assert_string_equal(model_proc(m, 1), good);
	assert_string_equal(model_command(m, 1), good);
	assert_string_equal(m->end.reason, good);
	tape_close(&t, m);
}

static void unknown_and_huge_function_ids_become_one_unknown_function(void **state)
{
	struct tape t;
	struct model *m;
	struct trc_record rec = { TRC_FUNC, .func = { .id = 4000000000u, .name = "ip_rcv", .module = "", .why = "" } };
	struct trc_hop h;
	size_t i;

	tape_open(&t);
	tape_put(&t, &rec);
	for (i = 0; i < 4; i++) {
		h = tape_hop(&t, 1, "ip_send_skb");
		h.func = i == 3 ? 4000000000u : UINT32_MAX - i;
		tape_write(&t, &h);
	}
	m = tape_load(&t);
	assert_int_equal(m->nfuncs, 3);
	for (i = 0; i < m->nhops; i++)
		assert_true(packet_hop(m, &m->packets[0], i)->func < m->nfuncs);
	assert_string_equal(m->funcs[packet_hop(m, &m->packets[0], 0)->func].name, "?");
	assert_string_equal(m->funcs[packet_hop(m, &m->packets[0], 2)->func].name, "?");
	assert_string_equal(m->funcs[packet_hop(m, &m->packets[0], 3)->func].name, "ip_rcv");
	assert_string_equal(m->funcs[packet_hop(m, &m->packets[0], 3)->func].layer, "ip");
	tape_close(&t, m);
}

static void function_told_twice_is_one_function(void **state)
{
	struct tape t;
	struct model *m;
	struct trc_record rec = { TRC_FUNC, .func = { .id = 0, .name = "ip_rcv", .module = "", .why = "" } };

	tape_open(&t);
	tape_put(&t, &rec);
	rec.func.name = "ip_output";
	tape_put(&t, &rec);
	m = tape_load(&t);
	assert_int_equal(m->nfuncs, 1);
	assert_string_equal(m->funcs[0].name, "ip_output");
	tape_close(&t, m);
}

static void namespaces_and_devices_told_twice_are_one(void **state)
{
	struct tape t;
	struct model *m;

	tape_open(&t);
	tape_names(&t);
	tape_names(&t);
	m = tape_load(&t);
	assert_int_equal(m->nnetns, 2);
	assert_int_equal(m->nlinks, 2);
	assert_string_equal(model_dev(m, NS_SERVER, 2), "veth1");
	tape_close(&t, m);
}

static void numbers_without_a_name_are_answered_as_numbers(void **state)
{
	struct tape t;
	struct model *m;
	struct trc_hop h;

	tape_open(&t);
	h = tape_hop(&t, 1, "ip_rcv");
	h.netns = 77;
	h.ifindex = 9;
	tape_write(&t, &h);
	m = tape_load(&t);
	assert_string_equal(model_netns(m, 77), "netns:77");
	assert_string_equal(model_dev(m, 77, 9), "if9");
	assert_string_equal(model_dev(m, 1, 5), "if5");
	assert_string_equal(model_netns(m, 0), "");
	assert_string_equal(model_dev(m, 77, 0), "");
	assert_string_equal(model_proc(m, 123), "");
	assert_string_equal(model_drop_reason(m, 99), "reason 99");
	assert_string_equal(model_fact(m, "none"), "");
	tape_close(&t, m);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

/* Quadratic work would take hours. */
static void load_many(uint64_t packets, size_t hops)
{
	struct tape t;
	struct model *m;
	struct trc_hop h;
	double start;
	size_t i;

	tape_open(&t);
	for (i = 0; i < hops; i++) {
		h = tape_hop(&t, 1 + i * 0x1000000 % (packets * 0x1000000), "ip_rcv");
		h.netns = i / 4;	/* a name for each few */
		tape_write(&t, &h);
	}
	start = seconds();
	m = tape_load(&t);
	assert_true(seconds() - start < 20);
	assert_int_equal(m->nhops, hops);
	assert_int_equal(m->npackets, packets);
	assert_int_equal(m->packets[0].nhops, hops / packets);
	tape_close(&t, m);
}

static void half_a_million_hops_in_one_packet_load_in_linear_time(void **state)
{
	load_many(1, 500000);
}

static void half_a_million_packets_load_in_linear_time(void **state)
{
	load_many(500000, 500000);
}

static void what_is_no_recording_is_refused_in_one_sentence(void **state)
{
	struct model *m;
	char error[200] = "", path[] = "/tmp/model_hostile.XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "hello, world\n", 13), 13);
	close(fd);
	assert_true(model_load(&m, path, error, sizeof(error)) < 0);
	assert_null(m);
	assert_non_null(strstr(error, path));
	assert_null(strchr(error, '\n'));
	unlink(path);
	assert_true(model_load(&m, "/nonexistent/\033.trc", error, sizeof(error)) < 0);
	assert_non_null(strstr(error, "\\x1b.trc"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(control_bytes_become_visible_escapes),
		cmocka_unit_test(direction_and_invisible_characters_become_visible_escapes),
		cmocka_unit_test(invalid_utf8_becomes_visible_escapes_and_valid_stays),
		cmocka_unit_test(sanitize_never_writes_beyond_its_buffer),
		cmocka_unit_test(every_name_of_a_recording_is_sanitized),
		cmocka_unit_test(unknown_and_huge_function_ids_become_one_unknown_function),
		cmocka_unit_test(function_told_twice_is_one_function),
		cmocka_unit_test(namespaces_and_devices_told_twice_are_one),
		cmocka_unit_test(numbers_without_a_name_are_answered_as_numbers),
		cmocka_unit_test(half_a_million_hops_in_one_packet_load_in_linear_time),
		cmocka_unit_test(half_a_million_packets_load_in_linear_time),
		cmocka_unit_test(what_is_no_recording_is_refused_in_one_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
