// SPDX-License-Identifier: GPL-2.0
/* record_cmdlines.c - tests of record/cmdlines.c, on processes of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmdlines.h"

/* A process that sleeps, once it is running. */
static pid_t sleeper(char *const argv[])
{
	pid_t pid;
	int ends[2];
	char c;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		execvp(argv[0], argv);
		_exit(127);
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &c, 1), 0);	/* closed by execve() */
	close(ends[0]);
	return pid;
}

static void sleeper_end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void line_is_read(void **state)
{
	char *argv[] = { "sleep", "100", "\x1b[31m", NULL }, out[CMDLINE_BYTES];
	pid_t pid = sleeper((char *[]){ "sleep", "100", "7", NULL });

	assert_int_equal(cmdline_read(out, pid, "sleep"), 0);
	assert_string_equal(out, "sleep 100 7");
	assert_int_equal(cmdline_read(out, pid, "slee"), -ESRCH);
	assert_int_equal(cmdline_read(out, pid, "sleepy"), -ESRCH);
	assert_string_equal(out, "");
	sleeper_end(pid);
	assert_int_equal(cmdline_read(out, pid, "sleep"), -ENOENT);
	cmdline_join(out, argv);
	assert_string_equal(out, "sleep 100 \x1b[31m");
}

static void long_lines_are_cut(void **state)
{
	static char word[3 * CMDLINE_BYTES];
	char *argv[] = { "sleep", "100", word, "more", NULL }, out[CMDLINE_BYTES + 1];
	pid_t pid;

	memset(word, '1', sizeof(word) - 1);
	pid = sleeper((char *[]){ "sleep", "100", word, NULL });
	out[CMDLINE_BYTES] = 'x';
	assert_int_equal(cmdline_read(out, pid, "sleep"), 0);
	assert_int_equal(strlen(out), CMDLINE_BYTES - 1);
	sleeper_end(pid);
	cmdline_join(out, argv);
	assert_true(strlen(out) < CMDLINE_BYTES && strlen(out) > CMDLINE_BYTES - 4);
	assert_int_equal(out[CMDLINE_BYTES], 'x');
}

static void thread_answers_in_order(void **state)
{
	pid_t a = sleeper((char *[]){ "sleep", "101", NULL }), b = sleeper((char *[]){ "sleep", "102", NULL }), pid;
	const char *name, *text;
	struct cmdlines *c;

	assert_int_equal(cmdlines_open(&c), 0);
	assert_false(cmdlines_take(c, &pid, &name, &text));
	cmdlines_ask(c, a, "sleep");
	cmdlines_ask(c, 1 << 30, "nobody");	/* nothing is said of it */
	cmdlines_ask(c, b, "sleep");
	cmdlines_settle(c, 5000);
	assert_true(cmdlines_take(c, &pid, &name, &text));
	assert_int_equal(pid, a);
	assert_string_equal(name, "sleep");
	assert_string_equal(text, "sleep 101");
	assert_true(cmdlines_take(c, &pid, &name, &text));
	assert_int_equal(pid, b);
	assert_string_equal(text, "sleep 102");
	assert_false(cmdlines_take(c, &pid, &name, &text));
	cmdlines_free(c);
	sleeper_end(a);
	sleeper_end(b);
}

/* It was named again before anybody took the first answer: that one would be older than what the file says. */
static void stale_answer_is_dropped(void **state)
{
	pid_t a = sleeper((char *[]){ "sleep", "103", NULL }), pid;
	const char *name, *text;
	struct cmdlines *c;

	assert_int_equal(cmdlines_open(&c), 0);
	cmdlines_ask(c, a, "sleep");
	cmdlines_ask(c, a, "other");
	cmdlines_settle(c, 5000);
	assert_false(cmdlines_take(c, &pid, &name, &text));
	cmdlines_free(c);
	sleeper_end(a);
}

static void more_than_fit_are_not_asked(void **state)
{
	pid_t a = sleeper((char *[]){ "sleep", "104", NULL }), pid;
	const char *name, *text;
	struct cmdlines *c;
	int i, n = 0;

	assert_int_equal(cmdlines_open(&c), 0);
	for (i = 0; i < 1000; i++)
		cmdlines_ask(c, i ? (1 << 30) + i : a, "sleep");
	cmdlines_settle(c, 5000);
	while (cmdlines_take(c, &pid, &name, &text))
		n++;
	assert_int_equal(n, 1);
	cmdlines_free(c);
	sleeper_end(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line_is_read),
		cmocka_unit_test(long_lines_are_cut),
		cmocka_unit_test(thread_answers_in_order),
		cmocka_unit_test(stale_answer_is_dropped),
		cmocka_unit_test(more_than_fit_are_not_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
