// SPDX-License-Identifier: GPL-2.0
/*
 * record_options.c - what the command line says is what is done, or it is refused; and why nothing was recorded.
 */
#include <errno.h>
#include <getopt.h>
#include <linux/capability.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "options.h"
#include "place.h"
#include "privileges.h"
#include "report.h"
#include "values.h"

static struct options o;

static int parse(char **argv)
{
	int argc = 0, status;

	while (argv[argc])
		argc++;
	optind = 1;
	options_free(&o);
	status = options_parse(&o, argc, argv);
	return status;
}

#define PARSE(...) parse((char *[]){ "pktrec", __VA_ARGS__, NULL })

static int setup(void **state)
{
	o = (struct options){ .netns_fd = -1 };
	return 0;
}

static int teardown(void **state)
{
	options_free(&o);
	return setup(state);
}

static void words_after_the_options_are_the_filter(void **state)
{
	assert_int_equal(PARSE("-o", "x.trc", "udp", "port", "53", "--", "dig", "-p", "53"), 0);
	assert_string_equal(o.filter, "udp port 53");
	assert_string_equal(o.output, "x.trc");
	assert_string_equal(o.command[2], "53");
	assert_int_equal(PARSE("udp port 53"), 0);
	assert_string_equal(o.filter, "udp port 53");
	assert_null(o.command);
	assert_int_equal(PARSE("len", "-", "3", ">", "5"), 0);
	assert_string_equal(o.filter, "len - 3 > 5");
	assert_int_equal(PARSE("-q"), 0);
	assert_null(o.filter);
}

/* Silently made a part of the filter, it would be a strange error of the filter; silently moved, no pcap filter. */
static void options_after_the_filter_are_refused(void **state)
{
	assert_int_equal(PARSE("udp", "-c", "3"), 2);
	assert_int_equal(PARSE("udp", "--light"), 2);
}

static void filter_file_is_read(void **state)
{
	const char *path = "/tmp/record_options_filter";
	FILE *f = fopen(path, "w");

	fputs("udp\nport 53 \n\n", f);
	fclose(f);
	assert_int_equal(PARSE("-F", (char *)path), 0);
	assert_string_equal(o.filter, "udp\nport 53");
	assert_int_equal(PARSE("-F", (char *)path, "tcp"), 2);
	f = fopen(path, "w");
	fwrite("udp\0port", 1, 8, f);
	fclose(f);
	assert_int_equal(PARSE("-F", (char *)path), 2);
	f = fopen(path, "w");
	fputs(" \n", f);
	fclose(f);
	assert_int_equal(PARSE("-F", (char *)path), 2);
	unlink(path);
	assert_int_equal(PARSE("-F", (char *)path), 2);
}

static void marks_are_read(void **state)
{
	assert_int_equal(PARSE("-q"), 0);
	assert_false(o.mark_set);
	assert_int_equal(PARSE("--mark", "0x10/0xF0"), 0);
	assert_true(o.mark_set);
	assert_int_equal(o.mark, 0x10);
	assert_int_equal(o.mark_mask, 0xf0);
	assert_int_equal(PARSE("--mark", "7"), 0);
	assert_int_equal(o.mark, 7);
	assert_int_equal(o.mark_mask, UINT32_MAX);
	assert_int_equal(PARSE("--mark", "0"), 0);
	assert_true(o.mark_set);
	assert_int_equal(PARSE("--mark", "4294967295"), 0);
	assert_int_equal(o.mark, UINT32_MAX);
}

static void marks_that_match_nothing_or_are_none_are_refused(void **state)
{
	static char *const wrong[] = { "", "x", "0x", "-1", " 1", "1/", "1/x", "/1", "1/1/1", "3/1", "4294967296", "0x100000000", "0x1g" };
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(PARSE("--mark", wrong[i]), 2);
}

static void sizes_of_pieces_are_in_millions_or_units(void **state)
{
	assert_int_equal(PARSE("-C", "5"), 0);
	assert_int_equal(o.rotate_bytes, 5000000);
	assert_int_equal(o.rotate_files, 0);
	assert_int_equal(PARSE("-C", "64K", "-W", "10"), 0);
	assert_int_equal(o.rotate_bytes, 65536);
	assert_int_equal(o.rotate_files, 10);
	assert_int_equal(PARSE("-C", "2MiB"), 0);
	assert_int_equal(o.rotate_bytes, 2 << 20);
	assert_int_equal(PARSE("-C", "2MB"), 0);
	assert_int_equal(o.rotate_bytes, 2000000);
	assert_int_equal(PARSE("-C", "1G"), 0);
	assert_int_equal(o.rotate_bytes, 1 << 30);
	assert_int_equal(PARSE("-C", "0"), 2);
	assert_int_equal(PARSE("-C", "1K"), 2);
	assert_int_equal(PARSE("-C", "99999999999999999999"), 2);
	assert_int_equal(PARSE("-C", "18446744073709551615"), 2);
	assert_int_equal(PARSE("-C", "1", "-W", "0"), 2);
	assert_int_equal(PARSE("-C", "1", "-W", "1000001"), 2);
}

static void bytes_of_packets_default_to_headers(void **state)
{
	assert_int_equal(PARSE("-q"), 0);
	assert_true(o.payload);
	assert_int_equal(o.snap_bytes, 128);
	assert_int_equal(PARSE("-s", "0"), 0);
	assert_int_equal(o.snap_bytes, SNAP_WHOLE);
	assert_int_equal(PARSE("-s", "262144"), 0);
	assert_int_equal(o.snap_bytes, 262144);
	assert_int_equal(PARSE("--no-payload"), 0);
	assert_false(o.payload);
	assert_int_equal(PARSE("-s", "all"), 2);
}

static void light_is_the_tracepoint_backend(void **state)
{
	assert_int_equal(PARSE("--light"), 0);
	assert_true(o.light);
	assert_int_equal(o.backend, BACKEND_TRACEPOINT);
	assert_int_equal(PARSE("--light", "--backend", "tracepoint"), 0);
	assert_int_equal(PARSE("--backend", "tracepoint"), 0);
	assert_false(o.light);
	assert_int_equal(o.backend, BACKEND_TRACEPOINT);
}

static void what_cannot_go_together_is_refused(void **state)
{
	assert_int_equal(PARSE("-s", "64", "--no-payload"), 2);
	assert_int_equal(PARSE("--light", "--stack"), 2);
	assert_int_equal(PARSE("--light", "--func", "ip_*"), 2);
	assert_int_equal(PARSE("--profile", "path", "--light"), 2);
	assert_int_equal(PARSE("--light", "--backend", "kprobe"), 2);
	assert_int_equal(PARSE("--func", "ip_*", "--profile", "all"), 2);
	assert_int_equal(PARSE("-W", "3"), 2);
	assert_int_equal(PARSE("-C", "3", "-o", "-"), 2);
	assert_int_equal(PARSE("--check", "--", "true"), 2);
	assert_int_equal(PARSE("--check", "udp"), 2);
	assert_int_equal(PARSE("--list-functions", "--", "true"), 2);
	assert_int_equal(PARSE("--check", "--list-functions"), 2);
	assert_int_equal(PARSE("-i", ""), 2);
}

static void the_rest_is_kept_as_it_was_given(void **state)
{
	assert_int_equal(PARSE("-i", "eth0", "--netns", "blue", "-Z", "nobody", "--tunnel", "icmp", "--stack"), 0);
	assert_string_equal(o.interface, "eth0");
	assert_string_equal(o.netns_name, "blue");
	assert_string_equal(o.user, "nobody");
	assert_string_equal(o.tunnel, "icmp");
	assert_true(o.stacks);
}

/* --- where ------------------------------------------------------------------------------------------------- */

static char error[512];

static int find(void)
{
	error[0] = 0;
	return place_find(&o, error, sizeof(error));
}

static void netns_is_found_by_process_and_path(void **state)
{
	struct stat st;
	char pid[16];

	assert_int_equal(stat("/proc/self/ns/net", &st), 0);
	snprintf(pid, sizeof(pid), "%d", getpid());
	assert_int_equal(PARSE("--netns", pid), 0);
	assert_int_equal(find(), 0);
	assert_int_equal(o.netns, st.st_ino);
	assert_true(o.netns_fd >= 0);
	assert_int_equal(o.ifindex, 0);
	assert_int_equal(PARSE("--netns", "/proc/self/ns/net"), 0);
	assert_int_equal(find(), 0);
	assert_int_equal(o.netns, st.st_ino);
}

static void netns_that_is_none_is_refused(void **state)
{
	assert_int_equal(PARSE("--netns", "no such namespace"), 0);
	assert_int_equal(find(), -1);
	assert_non_null(strstr(error, "no such network namespace"));
	assert_int_equal(PARSE("--netns", "/proc/self/ns/uts"), 0);
	assert_int_equal(find(), -1);
	assert_non_null(strstr(error, "is no network namespace"));
	assert_int_equal(PARSE("--netns", "/dev/null"), 0);
	assert_int_equal(find(), -1);
	assert_int_equal(PARSE("--netns", "../../etc/passwd"), 0);
	assert_int_equal(find(), -1);
}

static void interface_is_of_our_own_netns(void **state)
{
	struct stat st;

	assert_int_equal(stat("/proc/self/ns/net", &st), 0);
	assert_int_equal(PARSE("-i", "lo"), 0);
	assert_int_equal(find(), 0);
	assert_int_equal(o.ifindex, if_nametoindex("lo"));
	assert_int_equal(o.netns, st.st_ino);
	assert_int_equal(PARSE("-i", "any"), 0);
	assert_int_equal(find(), 0);
	assert_null(o.interface);
	assert_int_equal(o.ifindex, 0);
	assert_int_equal(o.netns, 0);
	assert_int_equal(PARSE("-i", "nosuch0"), 0);
	assert_int_equal(find(), -1);
	assert_non_null(strstr(error, "no such interface"));
}

/* --- who --------------------------------------------------------------------------------------------------- */

static void invoker_is_the_one_behind_sudo(void **state)
{
	struct invoker who;

	if (getuid())
		skip();
	unsetenv("SUDO_UID");
	assert_int_equal(invoker_find(&who, NULL, error, sizeof(error)), 0);
	assert_false(who.other);
	setenv("SUDO_UID", "65534", 1);
	setenv("SUDO_GID", "65534", 1);
	assert_int_equal(invoker_find(&who, NULL, error, sizeof(error)), 0);
	assert_true(who.other);
	assert_int_equal(who.uid, 65534);
	setenv("SUDO_UID", "54321", 1);		/* has no name */
	assert_int_equal(invoker_find(&who, NULL, error, sizeof(error)), 0);
	assert_true(who.other);
	assert_int_equal(who.uid, 54321);
	assert_int_equal(who.gid, 65534);
	setenv("SUDO_UID", "-1", 1);
	assert_int_equal(invoker_find(&who, NULL, error, sizeof(error)), 0);
	assert_false(who.other);
	setenv("SUDO_UID", "65534", 1);
	assert_int_equal(invoker_find(&who, "root", error, sizeof(error)), 0);
	assert_false(who.other);
	assert_int_equal(invoker_find(&who, "no such user", error, sizeof(error)), -1);
	unsetenv("SUDO_UID");
	unsetenv("SUDO_GID");
}

static int asked;

static bool works(void *data)
{
	asked++;
	return *(bool *)data;
}

/* In a process of its own, as there is no way back.  The capabilities that it is left with, as the kernel prints them. */
static uint64_t dropped(uid_t uid, bool maps_work, uid_t *real, int *regained)
{
	struct invoker who = { .uid = uid, .gid = uid, .other = uid != 0 };
	struct { uint64_t caps[2]; uid_t uid; int regained, asked; } got = {};
	char line[128];
	int ends[2];
	FILE *f;

	assert_int_equal(pipe(ends), 0);
	if (!fork()) {
		if (privileges_drop(&who, works, &maps_work, line, sizeof(line)))
			_exit(1);
		f = fopen("/proc/self/status", "r");
		while (f && fgets(line, sizeof(line), f))
			if (!strncmp(line, "CapPrm:", 7) || !strncmp(line, "CapEff:", 7))
				got.caps[line[3] == 'E'] = strtoull(line + 7, NULL, 16);
		got.uid = getuid();
		got.regained = uid && (!setuid(0) || !seteuid(0) || !setgid(0));
		got.asked = asked;
		_exit(write(ends[1], &got, sizeof(got)) != sizeof(got));
	}
	assert_int_equal(read(ends[0], &got, sizeof(got)), sizeof(got));
	close(ends[0]);
	close(ends[1]);
	wait(NULL);
	assert_int_equal(got.asked, 1);
	assert_int_equal(got.caps[0], got.caps[1]);
	*real = got.uid;
	*regained = got.regained;
	return got.caps[0];
}

static void rights_are_gone_for_good(void **state)
{
	int regained;
	uid_t uid;

	if (getuid())
		skip();
	assert_int_equal(dropped(65534, true, &uid, &regained), 0);
	assert_int_equal(uid, 65534);
	assert_false(regained);
	assert_int_equal(dropped(0, true, &uid, &regained), 0);
	assert_int_equal(uid, 0);
}

static void one_capability_is_kept_where_maps_need_it(void **state)
{
	int regained;
	uid_t uid;

	if (getuid())
		skip();
	assert_int_equal(dropped(65534, false, &uid, &regained), 1ull << CAP_BPF);
	assert_int_equal(uid, 65534);
	assert_int_equal(dropped(0, false, &uid, &regained), 1ull << CAP_BPF);
}

/* --- why nothing was recorded ------------------------------------------------------------------------------ */

static const char *why(const struct silence *s, const char *resolv_conf)
{
	static char text[1024];

	silence_explain(s, resolv_conf, text, sizeof(text));
	return text;
}

static void silence_names_what_applies_and_nothing_else(void **state)
{
	struct silence s = { .o = &o, .attached = 7 };

	assert_int_equal(PARSE("-q"), 0);
	assert_string_equal(why(&s, "nameserver 127.0.0.53\n"), "nothing was recorded: no packet was seen by the 7 functions that are probed");
	assert_int_equal(PARSE("icmp"), 0);
	assert_string_equal(why(&s, NULL), "nothing was recorded: the filter 'icmp' let no packet through");
	s.refused = 3;
	assert_non_null(strstr(why(&s, NULL), "; or 3 of 10 probes were refused"));
	s.refused = 0;
	assert_int_equal(PARSE("--netns", "blue"), 0);
	assert_non_null(strstr(why(&s, NULL), "other network namespaces than --netns blue"));
	assert_int_equal(PARSE("-i", "eth0", "--", "/sbin/ip", "netns", "exec", "a", "true"), 0);
	assert_non_null(strstr(why(&s, NULL), "is in another network namespace than eth0"));
	assert_int_equal(PARSE("--mark", "7"), 0);
	assert_non_null(strstr(why(&s, NULL), "no packet had mark 0x7/0xffffffff"));
	assert_int_equal(PARSE("--", "false"), 0);
	s.status = 1;
	assert_non_null(strstr(why(&s, NULL), "the command failed (status 1)"));
}

static void silence_knows_the_local_resolver(void **state)
{
	struct silence s = { .o = &o, .attached = 7 };
	const char *local = "# by somebody\nnameserver 127.0.0.53\noptions edns0\n";

	assert_int_equal(PARSE("--", "/usr/bin/dig", "example.org"), 0);
	assert_non_null(strstr(why(&s, local), "local resolver"));
	assert_null(strstr(why(&s, "nameserver 192.0.2.1\n"), "local resolver"));
	assert_null(strstr(why(&s, "nameserver 127.0.0.1\nnameserver 192.0.2.1"), "local resolver"));
	assert_null(strstr(why(&s, "nameserver"), "local resolver"));
	assert_null(strstr(why(&s, ""), "local resolver"));
	assert_null(strstr(why(&s, NULL), "local resolver"));
	assert_int_equal(PARSE("udp", "port", "53"), 0);
	assert_non_null(strstr(why(&s, local), "local resolver"));
	assert_int_equal(PARSE("tcp", "port", "80"), 0);
	assert_null(strstr(why(&s, local), "local resolver"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(words_after_the_options_are_the_filter),
		TEST(options_after_the_filter_are_refused),
		TEST(filter_file_is_read),
		TEST(marks_are_read),
		TEST(marks_that_match_nothing_or_are_none_are_refused),
		TEST(sizes_of_pieces_are_in_millions_or_units),
		TEST(bytes_of_packets_default_to_headers),
		TEST(light_is_the_tracepoint_backend),
		TEST(what_cannot_go_together_is_refused),
		TEST(the_rest_is_kept_as_it_was_given),
		TEST(netns_is_found_by_process_and_path),
		TEST(netns_that_is_none_is_refused),
		TEST(interface_is_of_our_own_netns),
		TEST(invoker_is_the_one_behind_sudo),
		TEST(rights_are_gone_for_good),
		TEST(one_capability_is_kept_where_maps_need_it),
		TEST(silence_names_what_applies_and_nothing_else),
		TEST(silence_knows_the_local_resolver),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
