// SPDX-License-Identifier: GPL-2.0
/*
 * render_term.c - standard output as a place to write to: is it a terminal, how wide, in colour, through a pager.
 */
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "render.h"

int color_parse(const char *word, enum color_when *when)
{
	static const char *const words[] = { [COLOR_AUTO] = "auto", [COLOR_ALWAYS] = "always", [COLOR_NEVER] = "never" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!strcmp(word, words[i])) {
			*when = i;
			return 0;
		}
	}
	return -EINVAL;
}

/* Arrows and units are UTF-8 wherever we run: a C locale would make libsmartcols escape them. */
static void use_utf8(void)
{
	if (!setlocale(LC_CTYPE, "") || strcmp(nl_langinfo(CODESET), "UTF-8"))
		setlocale(LC_CTYPE, "C.UTF-8");
}

static bool want_color(enum color_when when, bool tty)
{
	const char *no = getenv("NO_COLOR"), *kind = getenv("TERM");

	if (when != COLOR_AUTO)
		return when == COLOR_ALWAYS;
	return tty && !(no && *no) && kind && *kind && strcmp(kind, "dumb");
}

static unsigned int find_width(bool tty)
{
	const char *columns = getenv("COLUMNS");
	unsigned long n = columns ? strtoul(columns, NULL, 10) : 0;
	struct winsize size;

	if (n >= 20 && n <= 10000)
		return n;
	if (!tty)
		return 0;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col >= 20)
		return size.ws_col;
	return 80;
}

/* In the child.  The default pager leaves short output on the screen; without less, pass everything through. */
static void pager_run(const char *pager)
{
	setenv("LESS", "FRX", 0);
	setenv("LESSCHARSET", "utf-8", 0);
	if (pager)
		execl("/bin/sh", "sh", "-c", pager, (char *)NULL);
	else
		execlp("less", "less", (char *)NULL);
	execlp("cat", "cat", (char *)NULL);
	_exit(127);
}

static void pager_start(struct term *t)
{
	const char *pager = getenv("PAGER");
	int fds[2];

	if ((pager && (!*pager || !strcmp(pager, "cat"))) || pipe(fds))
		return;
	fflush(stdout);
	t->pager = fork();
	if (t->pager == 0) {
		dup2(fds[0], STDIN_FILENO);
		close(fds[0]);
		close(fds[1]);
		pager_run(pager);
	}
	if (t->pager > 0) {
		dup2(fds[1], STDOUT_FILENO);
		signal(SIGINT, SIG_IGN);	/* ^C is the pager's; without its reader SIGPIPE ends us */
	}
	close(fds[0]);
	close(fds[1]);
}

void term_open(struct term *t, enum color_when when, bool pager)
{
	bool tty = isatty(STDOUT_FILENO);

	use_utf8();
	*t = (struct term){ .out = stdout, .color = want_color(when, tty), .width = find_width(tty) };
	if (pager && tty)
		pager_start(t);
}

int term_close(struct term *t)
{
	int err = 0;

	if (fflush(t->out) || ferror(t->out))
		err = errno ? -errno : -EIO;
	if (t->pager > 0) {
		fclose(t->out);
		while (waitpid(t->pager, NULL, 0) < 0 && errno == EINTR)
			;
	}
	return err;
}
