// SPDX-License-Identifier: GPL-2.0
/*
 * system_tools.c - run ip, tc, nft and their like side by side: no shell, nothing of our environment, a limit on time and size.
 *
 * Tools are looked for in the system's own folders only: they run with the recorder's privileges.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "system_look.h"

#define WORDS_MAX 16
#define TOOLS_MAX 64

static const char *const folders[] = { "/usr/sbin", "/sbin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/local/bin" };
static char *const environment[] = {
	"LC_ALL=C",
	"PATH=/usr/sbin:/sbin:/usr/bin:/bin:/usr/local/sbin:/usr/local/bin",
	NULL,
};

uint64_t system_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* NAME, or NAME!WORD; the path is found with the links in it: a program for many purposes asks for the name it is called by */
static int program_find(char *name, char path[PATH_MAX])
{
	char real[PATH_MAX], *unwanted = strchr(name, '!');
	size_t i;

	if (unwanted)
		*unwanted++ = 0;
	for (i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		snprintf(path, PATH_MAX, "%s/%s", folders[i], name);
		if (!access(path, X_OK) && realpath(path, real) && !(unwanted && strstr(real, unwanted)))
			return 0;
	}
	return -ENOENT;
}

static void tool_run(const char *path, char *const words[], int in, int out)
{
	const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };
	size_t i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
		signal(ignored[i], SIG_DFL);
	if ((in < 0 || dup2(in, STDIN_FILENO) >= 0) && dup2(out, STDOUT_FILENO) >= 0)
		execve(path, words, environment);
	_exit(127);
}

int tool_start_with(struct tool *t, const char *command, int input, uint64_t deadline_ns)
{
	char *words[WORDS_MAX + 1], path[PATH_MAX], *copy = strdup(command), *at = copy;
	int ends[2], n = 0, err;

	t->fd = -1;
	if (!copy)
		return -ENOMEM;
	while (n < WORDS_MAX && (words[n] = strsep(&at, " ")))
		n++;
	words[n] = NULL;
	err = program_find(words[0], path);
	snprintf(t->name, sizeof(t->name), "%s", words[0]);
	if (!err && pipe2(ends, O_CLOEXEC))
		err = -errno;
	if (err)
		goto out;
	t->pid = fork();
	if (!t->pid)
		tool_run(path, words, input, ends[1]);
	err = t->pid < 0 ? -errno : 0;
	close(ends[1]);
	if (err) {
		close(ends[0]);
		goto out;
	}
	t->fd = ends[0];
	t->deadline_ns = deadline_ns;
	fcntl(t->fd, F_SETFL, O_NONBLOCK);
out:
	free(copy);
	return err;
}

int tool_start(struct tool *t, const char *command, uint64_t deadline_ns)
{
	return tool_start_with(t, command, -1, deadline_ns);
}

/* It has closed its output, or is told to go: no tool of this kind has anything to do after that. */
static void tool_end(struct tool *t, bool killed)
{
	int status = 0, waited_ms = 0;

	close(t->fd);
	t->fd = -1;
	while (!killed && waited_ms++ < 100 && !waitpid(t->pid, &status, WNOHANG))
		usleep(1000);
	if (killed || waited_ms > 100) {
		kill(t->pid, SIGKILL);
		waitpid(t->pid, &status, 0);
	}
	if (t->text->cut)
		snprintf(t->note, NOTE_MAX, "cut after %zu bytes", t->text->size);
	else if (killed)
		snprintf(t->note, NOTE_MAX, "%s took too long", t->name);
	else if (WIFSIGNALED(status))
		snprintf(t->note, NOTE_MAX, "%s was ended by signal %d", t->name, WTERMSIG(status));
	else if (WEXITSTATUS(status))
		snprintf(t->note, NOTE_MAX, "%s ended with status %d", t->name, WEXITSTATUS(status));
}

static void tool_read(struct tool *t)
{
	char chunk[65536];
	ssize_t n = read(t->fd, chunk, sizeof(chunk));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0 && text_add(t->text, chunk, n))
		t->text->cut = true;	/* no memory for more */
	if (n <= 0 || t->text->cut)
		tool_end(t, n > 0);
}

static void tools_abandon(struct tool *tools, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (tools[i].fd >= 0)
			kill(tools[i].pid, SIGKILL);
	_exit(0);
}

/* True: nobody waits any more.  A message stays where it is: whoever looks reads it when the look is over. */
static bool watch_look(struct watch *w, short revents)
{
	w->stopped |= !!(revents & POLLIN);
	return revents & (POLLHUP | POLLERR);
}

/* Ends those whose time is up; the first moment at which one of the others' is, 0 = there are no others. */
static uint64_t tools_expire(struct tool *tools, size_t n, bool all)
{
	uint64_t now = system_now_ns(), first = UINT64_MAX;
	bool left = false;
	size_t i;

	for (i = 0; i < n; i++) {
		if (tools[i].fd >= 0 && (all || tools[i].deadline_ns <= now))
			tool_end(&tools[i], true);
		if (tools[i].fd < 0)
			continue;
		left = true;
		if (tools[i].deadline_ns < first)
			first = tools[i].deadline_ns;
	}
	return left ? first : 0;
}

void tools_finish(struct tool *tools, size_t n, struct watch *watch)
{
	struct pollfd polls[TOOLS_MAX + 1];
	uint64_t first, now;
	size_t i;

	if (n > TOOLS_MAX)
		n = TOOLS_MAX;
	while ((first = tools_expire(tools, n, watch->stopped))) {
		for (i = 0; i < n; i++)
			polls[i] = (struct pollfd){ .fd = tools[i].fd, .events = POLLIN };
		polls[n] = (struct pollfd){ .fd = watch->fd, .events = POLLIN };
		now = system_now_ns();
		if (poll(polls, n + 1, first > now ? (first - now) / 1000000 + 1 : 0) < 0)
			continue;
		if (watch_look(watch, polls[n].revents))
			tools_abandon(tools, n);
		for (i = 0; i < n; i++)
			if (tools[i].fd >= 0 && polls[i].revents)
				tool_read(&tools[i]);
	}
}
