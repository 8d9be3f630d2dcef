// SPDX-License-Identifier: GPL-2.0
/*
 * record_system.c - the look at the system: texts cut into rows, tools with a limit, the choice of settings, the child.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sysctls.h"
#include "system.h"
#include "system_look.h"

/* --- rows ------------------------------------------------------------------------------------------------------------ */

struct row {
	uint32_t part, last;
	char *text;
	size_t size;
};

/* Writes the text, and reads the rows back; their number. */
static int rows_of(const struct text *t, struct row *rows, int room)
{
	const struct trc_snapshot head = { .end = 1, .netns = 7, .what = "w", .source = "s", .note = "n", .part = 9, .last = 9 };
	int fd = memfd_create("rows", MFD_CLOEXEC), n = 0;
	struct trc_writer *w;
	struct trc_reader *r;
	struct trc_record rec;

	assert_int_equal(trc_writer_open(&w, fd), 0);
	assert_int_equal(text_write(w, &head, t), 0);
	assert_int_equal(trc_writer_finish(w), 0);
	trc_writer_free(w);
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(trc_reader_open_fd(&r, fd), 0);
	while (trc_reader_next(r, &rec) == 1) {
		assert_int_equal(rec.kind, TRC_SNAPSHOT);
		assert_true(n < room);
		assert_int_equal(rec.snapshot.netns, 7);
		assert_string_equal(rec.snapshot.what, "w");
		assert_string_equal(rec.snapshot.note, "n");
		rows[n++] = (struct row){ rec.snapshot.part, rec.snapshot.last, strdup(rec.snapshot.text), strlen(rec.snapshot.text) };
	}
	trc_reader_free(r);
	close(fd);
	return n;
}

static void empty_text_is_one_row(void **state)
{
	struct row row;

	assert_int_equal(rows_of(&(struct text){}, &row, 1), 1);
	assert_int_equal(row.part, 0);
	assert_int_equal(row.last, 1);
	assert_int_equal(row.size, 0);
	free(row.text);
}

static void long_text_is_whole_in_parts_of_whole_characters(void **state)
{
	struct text t = { .limit = 1 << 20 };
	struct row rows[8];
	size_t at = 0;
	int i, n;

	assert_int_equal(text_add(&t, "x", 1), 0);	/* so that no part's end falls between two characters by itself */
	while (t.size < 200000)
		assert_int_equal(text_add(&t, "\xe2\x82\xac", 3), 0);
	n = rows_of(&t, rows, 8);
	assert_int_equal(n, 4);
	for (i = 0; i < n; i++) {
		assert_int_equal(rows[i].part, i);
		assert_int_equal(rows[i].last, i == n - 1);
		assert_true(rows[i].size <= TEXT_PART_BYTES);
		assert_true(((unsigned char)rows[i].text[0] & 0xc0) != 0x80);
		assert_memory_equal(rows[i].text, t.data + at, rows[i].size);
		at += rows[i].size;
		free(rows[i].text);
	}
	assert_int_equal(at, t.size);
	text_free(&t);
}

static void text_of_one_part_exactly_is_one_row(void **state)
{
	struct text t = { .limit = 1 << 20 };
	struct row row;

	while (t.size < TEXT_PART_BYTES)
		assert_int_equal(text_add(&t, "y", 1), 0);
	assert_int_equal(rows_of(&t, &row, 1), 1);
	assert_int_equal(row.size, TEXT_PART_BYTES);
	assert_int_equal(row.last, 1);
	free(row.text);
	text_free(&t);
}

static void bytes_that_are_no_text_are_cut_too(void **state)
{
	struct text t = { .limit = 1 << 20 };
	struct row rows[2];

	while (t.size < TEXT_PART_BYTES + 10)
		assert_int_equal(text_add(&t, "\x80", 1), 0);
	assert_int_equal(rows_of(&t, rows, 2), 2);
	assert_int_equal(rows[0].size + rows[1].size, TEXT_PART_BYTES + 10);
	free(rows[0].text);
	free(rows[1].text);
	text_free(&t);
}

static void nul_does_not_end_a_text(void **state)
{
	struct text t = { .limit = 100 };
	struct row row;

	assert_int_equal(text_add(&t, "a\0b", 3), 0);
	assert_int_equal(rows_of(&t, &row, 1), 1);
	assert_string_equal(row.text, "a b");
	free(row.text);
	text_free(&t);
}

static void text_stops_at_its_limit(void **state)
{
	struct text t = { .limit = 5 };

	assert_int_equal(text_add(&t, "abc", 3), 0);
	assert_false(t.cut);
	assert_int_equal(text_add(&t, "def", 3), 0);
	assert_true(t.cut);
	assert_int_equal(t.size, 5);
	assert_memory_equal(t.data, "abcde", 5);
	text_free(&t);
}

static void json_strings_are_escaped(void **state)
{
	struct text t = { .limit = 100 };

	assert_int_equal(text_json(&t, "a\"\\\n\x7f"), 0);
	assert_int_equal(t.size, strlen("\"a\\\"\\\\\\u000a\\u007f\""));
	assert_memory_equal(t.data, "\"a\\\"\\\\\\u000a\\u007f\"", t.size);
	text_free(&t);
}

/* --- tools ----------------------------------------------------------------------------------------------------------- */

static int tool_try(const char *command, uint64_t limit_ns, struct text *text, char *note)
{
	struct tool t = { .fd = -1, .text = text, .note = note };
	struct watch watch = {};
	int ends[2], err;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	note[0] = 0;
	err = tool_start(&t, command, system_now_ns() + limit_ns);
	watch.fd = ends[0];
	tools_finish(&t, 1, &watch);
	assert_int_equal(t.fd, -1);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);	/* nothing of it is left */
	close(ends[0]);
	close(ends[1]);
	return err;
}

static void tool_says_what_it_says(void **state)
{
	struct text t = { .limit = 1000 };
	char note[NOTE_MAX];

	assert_int_equal(tool_try("echo one two", 5000000000, &t, note), 0);
	assert_string_equal(note, "");
	assert_int_equal(t.size, 8);
	assert_memory_equal(t.data, "one two\n", 8);
	text_free(&t);
}

static void tool_that_is_not_there_is_enoent(void **state)
{
	struct text t = { .limit = 1000 };
	char note[NOTE_MAX], real[4096], command[4200];

	assert_int_equal(tool_try("no-such-tool-as-this -c", 5000000000, &t, note), -ENOENT);
	/* a name that leads to an unwanted program is none */
	assert_non_null(realpath("/bin/sh", real));
	snprintf(command, sizeof(command), "sh!%s -c true", strrchr(real, '/') + 1);
	assert_int_equal(tool_try(command, 5000000000, &t, note), -ENOENT);
	assert_int_equal(tool_try("sh!no-such-shell /dev/null", 5000000000, &t, note), 0);
	assert_string_equal(note, "");
	text_free(&t);
}

static void tool_that_fails_is_noted(void **state)
{
	struct text t = { .limit = 1000 };
	char note[NOTE_MAX];

	assert_int_equal(tool_try("false", 5000000000, &t, note), 0);
	assert_string_equal(note, "false ended with status 1");
	text_free(&t);
}

static void tool_that_takes_too_long_is_ended(void **state)
{
	struct text t = { .limit = 1000 };
	uint64_t begun_ns = system_now_ns();
	char note[NOTE_MAX];

	assert_int_equal(tool_try("sleep 60", 50000000, &t, note), 0);
	assert_string_equal(note, "sleep took too long");
	assert_true(system_now_ns() - begun_ns < 30000000000);
	text_free(&t);
}

static void tool_is_ended_when_no_more_is_wanted(void **state)
{
	struct text t = { .limit = 1000 };
	char note[NOTE_MAX] = "";
	struct tool tool = { .fd = -1, .text = &t, .note = note };
	uint64_t begun_ns = system_now_ns();
	struct watch watch = {};
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	watch.fd = ends[0];
	assert_int_equal(write(ends[1], "s", 1), 1);
	assert_int_equal(tool_start(&tool, "sleep 60", begun_ns + 60000000000), 0);
	tools_finish(&tool, 1, &watch);
	assert_true(watch.stopped);
	assert_string_equal(note, "sleep took too long");
	assert_true(system_now_ns() - begun_ns < 30000000000);
	text_free(&t);
	close(ends[0]);
	close(ends[1]);
}

static void tool_that_says_too_much_is_cut(void **state)
{
	struct text t = { .limit = 100001 };
	uint64_t begun_ns = system_now_ns();
	char note[NOTE_MAX];

	assert_int_equal(tool_try("yes", 60000000000, &t, note), 0);
	assert_true(system_now_ns() - begun_ns < 30000000000);
	assert_string_equal(note, "cut after 100001 bytes");
	assert_int_equal(t.size, 100001);
	text_free(&t);
}

static void tool_gets_no_environment_of_ours(void **state)
{
	struct text t = { .limit = 10000 };
	char note[NOTE_MAX];

	setenv("SECRET_OF_MINE", "1", 1);
	assert_int_equal(tool_try("env", 5000000000, &t, note), 0);
	assert_null(memmem(t.data, t.size, "SECRET", 6));
	assert_non_null(memmem(t.data, t.size, "LC_ALL=C\n", 9));
	text_free(&t);
}

/* --- settings --------------------------------------------------------------------------------------------------------- */

static void setting(const char *root, const char *path, const char *value)
{
	char full[400], *slash;
	int fd;

	snprintf(full, sizeof(full), "%s/%s", root, path);
	for (slash = strchr(full + strlen(root) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		mkdir(full, 0700);
		*slash = '/';
	}
	fd = open(full, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, value, strlen(value)), strlen(value));
	close(fd);
}

static int entry_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static void settings_are_chosen_by_the_table(void **state)
{
	char root[] = "/tmp/record_system.XXXXXX";
	const char expected[] = "net.core.somaxconn = 0\n"
				"net.ipv4.conf.eth0/5.rp_filter = 2\n"
				"net.ipv4.ip_forward = 0\n"
				"net.ipv4.tcp_rmem = 1 2 3\n";
	struct text t = { .limit = 1000 };

	assert_non_null(mkdtemp(root));
	setting(root, "net/core/somaxconn", "0\n");
	setting(root, "net/ipv4/ip_forward", "0\n");
	setting(root, "net/ipv4/tcp_rmem", "1\t2\t3\n");
	setting(root, "net/ipv4/tcp_fastopen_key", "a-secret\n");
	setting(root, "net/ipv4/conf/eth0.5/rp_filter", "2\n");
	setting(root, "net/ipv4/conf/eth0.5/arp_ignore", "0\n");
	setting(root, "net/ipv6/conf/eth0.5/stable_secret", "::1\n");
	setting(root, "net/ipv4/neigh/eth0.5/gc_stale_time", "60\n");
	setting(root, "net/unheard-of/thing", "1\n");
	setting(root, "kernel/panic", "1\n");
	assert_int_equal(sysctls_read(&t, root), 0);
	assert_int_equal(t.size, strlen(expected));
	assert_memory_equal(t.data, expected, t.size);
	text_free(&t);
	nftw(root, entry_remove, 8, FTW_DEPTH | FTW_PHYS);
}

/* --- netlink ---------------------------------------------------------------------------------------------------------- */

static void netlink_tells_of_the_loopback(void **state)
{
	static const char *const names[] = { "routes", "rules", "neighbours" };
	struct text t = { .limit = 1 << 20 };
	size_t i;

	assert_int_equal(system_netlink(&t, "addresses"), 0);
	assert_memory_equal(t.data, "[{", 2);
	assert_memory_equal(t.data + t.size - 2, "]\n", 2);
	assert_non_null(memmem(t.data, t.size, "\"ifname\":\"lo\"", 13));
	text_free(&t);
	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		t = (struct text){ .limit = 1 << 20 };
		assert_int_equal(system_netlink(&t, names[i]), 0);
		assert_memory_equal(t.data + t.size - 2, "]\n", 2);
		text_free(&t);
	}
	assert_int_equal(system_netlink(&t, "no such dump"), -EINVAL);
}

/* --- the child -------------------------------------------------------------------------------------------------------- */

/* The process of that name whose parent is this one, or was; 0 = none. */
static pid_t child_of(pid_t parent)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	char path[300], line[300];
	pid_t found = 0, pid, ppid;
	FILE *f;

	assert_non_null(dir);
	while (!found && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		f = fopen(path, "r");
		if (!f)
			continue;
		if (fgets(line, sizeof(line), f) && sscanf(line, "%d (pktrec-system) %*c %d", &pid, &ppid) == 2 && ppid == parent)
			found = pid;
		fclose(f);
	}
	closedir(dir);
	return found;
}

static bool process_there(pid_t pid)
{
	char path[64], line[300], state = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	if (!f)
		return false;
	if (fgets(line, sizeof(line), f))
		sscanf(line, "%*d (pktrec-system) %c", &state);
	fclose(f);
	return state && state != 'Z';
}

static bool process_goes(pid_t pid)
{
	int i;

	for (i = 0; i < 500 && process_there(pid); i++)
		usleep(10000);
	return i < 500;
}

struct seen {
	unsigned int begins, ends, links, notes;
};

static struct seen look_read(struct system *s, bool end)
{
	int fd = memfd_create("look", MFD_CLOEXEC);
	struct seen seen = {};
	struct trc_writer *w;
	struct trc_reader *r;
	struct trc_record rec;

	assert_int_equal(trc_writer_open(&w, fd), 0);
	assert_int_equal(system_write(s, w, end), 0);
	assert_int_equal(trc_writer_finish(w), 0);
	trc_writer_free(w);
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(trc_reader_open_fd(&r, fd), 0);
	while (trc_reader_next(r, &rec) == 1) {
		seen.links += rec.kind == TRC_LINK;
		if (rec.kind != TRC_SNAPSHOT)
			continue;
		seen.begins += !rec.snapshot.end;
		seen.ends += rec.snapshot.end;
		seen.notes += !strcmp(rec.snapshot.what, "system") && !rec.snapshot.netns;
	}
	trc_reader_free(r);
	close(fd);
	return seen;
}

static void both_looks_are_written_as_often_as_wanted(void **state)
{
	struct seen start, again, end;
	struct system *s;
	pid_t child;

	assert_int_equal(system_open(&s), 0);
	start = look_read(s, false);
	assert_true(start.begins > 5);
	assert_true(start.links > 0);
	assert_int_equal(start.ends, 0);
	assert_int_equal(start.notes, 0);
	again = look_read(s, false);
	assert_memory_equal(&again, &start, sizeof(start));
	system_end(s, NULL, 0, false);
	end = look_read(s, true);
	assert_int_equal(end.begins, 0);
	assert_int_equal(end.ends, start.begins);
	child = child_of(getpid());
	assert_int_not_equal(child, 0);
	system_free(s);
	assert_false(process_there(child));
}

static void child_that_dies_is_a_note(void **state)
{
	struct system *s;
	struct seen seen;

	assert_int_equal(system_open(&s), 0);
	look_read(s, false);
	kill(child_of(getpid()), SIGKILL);
	system_end(s, NULL, 0, false);
	seen = look_read(s, true);
	assert_int_equal(seen.ends, 1);
	assert_int_equal(seen.notes, 1);
	system_free(s);
}

static void child_is_deaf_to_what_ends_the_recorder(void **state)
{
	struct system *s;
	struct seen seen;
	pid_t child;

	assert_int_equal(system_open(&s), 0);
	look_read(s, false);
	child = child_of(getpid());
	assert_int_not_equal(getpgid(child), getpgid(0));
	kill(child, SIGINT);
	kill(child, SIGTERM);
	kill(child, SIGHUP);
	system_end(s, NULL, 0, false);
	seen = look_read(s, true);
	assert_int_equal(seen.notes, 0);
	assert_true(seen.ends > 5);
	system_free(s);
}

/* Killed while the child looks (at once) and while it sleeps. */
static void child_goes_with_a_killed_recorder(void **state)
{
	pid_t recorder, child;
	struct system *s;
	int i, round;

	for (round = 0; round < 2; round++) {
		recorder = fork();
		assert_true(recorder >= 0);
		if (!recorder) {
			if (!system_open(&s))
				pause();
			_exit(1);
		}
		for (i = 0; i < 500 && !(child = child_of(recorder)); i++)
			usleep(10000);
		assert_int_not_equal(child, 0);
		if (round)
			sleep(1);
		assert_true(process_there(child));
		kill(recorder, SIGKILL);
		assert_int_equal(waitpid(recorder, NULL, 0), recorder);
		assert_true(process_goes(child));
	}
}

static void child_keeps_nothing_open(void **state)
{
	char path[64], link[4200], to[256];
	struct dirent *entry;
	struct system *s;
	int ends[2], high, mine = 0;
	ssize_t n;
	DIR *dir;

	assert_int_equal(pipe(ends), 0);	/* without close-on-exec, as a --ready-fd is */
	high = fcntl(ends[0], F_DUPFD, 30);	/* and not where the child has its own */
	assert_true(high >= 0);
	assert_int_equal(system_open(&s), 0);
	look_read(s, false);
	snprintf(path, sizeof(path), "/proc/%d/fd", child_of(getpid()));
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		snprintf(link, sizeof(link), "%s/%s", path, entry->d_name);
		n = readlink(link, to, sizeof(to) - 1);
		to[n < 0 ? 0 : n] = 0;
		mine += !strncmp(to, "pipe:", 5);
		if (atoi(entry->d_name) < 3 && n > 0)
			assert_string_equal(to, "/dev/null");
	}
	closedir(dir);
	assert_int_equal(mine, 0);
	close(high);
	close(ends[0]);
	close(ends[1]);
	system_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_text_is_one_row),
		cmocka_unit_test(long_text_is_whole_in_parts_of_whole_characters),
		cmocka_unit_test(text_of_one_part_exactly_is_one_row),
		cmocka_unit_test(bytes_that_are_no_text_are_cut_too),
		cmocka_unit_test(nul_does_not_end_a_text),
		cmocka_unit_test(text_stops_at_its_limit),
		cmocka_unit_test(json_strings_are_escaped),
		cmocka_unit_test(tool_says_what_it_says),
		cmocka_unit_test(tool_that_is_not_there_is_enoent),
		cmocka_unit_test(tool_that_fails_is_noted),
		cmocka_unit_test(tool_that_takes_too_long_is_ended),
		cmocka_unit_test(tool_is_ended_when_no_more_is_wanted),
		cmocka_unit_test(tool_that_says_too_much_is_cut),
		cmocka_unit_test(tool_gets_no_environment_of_ours),
		cmocka_unit_test(settings_are_chosen_by_the_table),
		cmocka_unit_test(netlink_tells_of_the_loopback),
		cmocka_unit_test(both_looks_are_written_as_often_as_wanted),
		cmocka_unit_test(child_that_dies_is_a_note),
		cmocka_unit_test(child_is_deaf_to_what_ends_the_recorder),
		cmocka_unit_test(child_goes_with_a_killed_recorder),
		cmocka_unit_test(child_keeps_nothing_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
