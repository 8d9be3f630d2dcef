// SPDX-License-Identifier: GPL-2.0
/*
 * events.c - the trace events of the kprobe backend: defined beside other things, removed whoever dies.
 *
 * A probe defined again under the name of an event joins it, so one perf event and one link serve all functions of
 * the same argument position and cookie.  A name that stands for several functions is given as an address, which
 * cannot join another, and gets an event of its own.
 * The kernel's side: kernel/trace/trace_kprobe.c, append_trace_kprobe().
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cookie.h"
#include "events.h"
#include "files.h"

#define MAXACTIVE 512		/* open calls of a return-probed function, over all CPUs */

static const char *event_find(struct events *e, const char *name)
{
	size_t i;

	for (i = 0; i < e->n; i++)
		if (!strcmp(e->names[i], name))
			return e->names[i];
	return NULL;
}

static int event_keep(struct events *e, const char *name)
{
	char **grown;

	if (event_find(e, name))
		return 0;
	grown = realloc(e->names, (e->n + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	e->names = grown;
	e->names[e->n] = strdup(name);
	return e->names[e->n] ? (e->n++, 0) : -ENOMEM;
}

static void place_text(const struct function *fn, char *buf, size_t size)
{
	if (!fn->unique)
		snprintf(buf, size, "0x%llx", (unsigned long long)fn->addr);
	else if (*fn->module)
		snprintf(buf, size, "%s:%s", fn->module, fn->name);
	else
		snprintf(buf, size, "%s", fn->name);
}

void events_name(const struct function *fn, bool retprobe, char *buf, size_t size)
{
	int n = snprintf(buf, size, "pktrec_%d/%s%u_%u", getpid(), retprobe ? "r" : "h", fn->arg, fn->cookie);

	if (!fn->unique)
		snprintf(buf + n, size - n, "_%llx", (unsigned long long)fn->addr);
}

/* Define one probe.  events_fd is kprobe_events, open for appending. */
static int probe_define(struct events *e, int events_fd, const struct function *fn, bool retprobe)
{
	char place[256], event[64], line[400];
	int n;

	place_text(fn, place, sizeof(place));
	events_name(fn, retprobe, event, sizeof(event));
	if (retprobe)
		n = snprintf(line, sizeof(line), "r%d:%s %s\n", MAXACTIVE, event, place);
	else
		n = snprintf(line, sizeof(line), "p:%s %s\n", event, place);
	if (write(events_fd, line, n) != n)
		return -errno;
	return event_keep(e, event);
}

int events_define(struct events *e, struct functions *f)
{
	int events_fd = open(TRACEFS "/kprobe_events", O_WRONLY | O_APPEND | O_CLOEXEC), err;
	struct function *fn;
	size_t i;

	if (events_fd < 0)
		return -errno;
	for (i = 0; i < f->n; i++) {
		fn = &f->v[i];
		if (!fn->wanted || fn->error || !fn->addr || fn->program)
			continue;
		err = probe_define(e, events_fd, fn, false);
		fn->attached = !err;
		if (!err && fn->cookie & COOKIE_RETURN) {
			err = probe_define(e, events_fd, fn, true);
			fn->return_attached = !err;
		}
		if (err) {
			fn->error = -err;
			fn->why = fn->attached ? "the kernel refused the return probe" : "the kernel refused the probe";
		}
	}
	close(events_fd);
	return 0;
}

/* Remove all events of one recorder; the number of those that are still in use. */
static int group_remove(const char *group)
{
	char path[300], line[300];
	struct dirent *entry;
	int busy = 0;
	DIR *dir;

	snprintf(path, sizeof(path), TRACEFS "/events/%.100s", group);
	dir = opendir(path);
	if (!dir)
		return 0;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] != 'h' && entry->d_name[0] != 'r')
			continue;
		snprintf(line, sizeof(line), "-:%.100s/%.100s\n", group, entry->d_name);
		busy += file_write(TRACEFS "/kprobe_events", O_APPEND, line) == -EBUSY;
	}
	closedir(dir);
	return busy;
}

/* Events of recorders that were killed together with their guard: their process is gone. */
static void stale_remove(void)
{
	struct dirent *entry;
	DIR *dir = opendir(TRACEFS "/events");
	int pid;

	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (sscanf(entry->d_name, "pktrec_%d", &pid) == 1 && kill(pid, 0) && errno == ESRCH)
			group_remove(entry->d_name);
	closedir(dir);
}

/*
 * The kernel removes programs and links of a killed process, but not the trace events.  A child that does nothing
 * but wait for the recorder's end does: it holds the other end of a pipe, and nothing else of the recorder's.  It is
 * what keeps the rights to do so when the recorder gives up its own, and out of reach of the user who becomes its owner.
 */
static void guard(int end, const char *group)
{
	char byte;
	int tries;

	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	prctl(PR_SET_NAME, "pktrec-guard");
	dup2(end, 3);
	close_range(4, ~0U, 0);
	close_range(0, 2, 0);
	while (read(3, &byte, 1) < 0 && errno == EINTR)
		;
	for (tries = 0; tries < 600 && group_remove(group); tries++)
		usleep(100000);
	_exit(0);
}

static int guard_start(struct events *e)
{
	char group[32];
	int ends[2];
	pid_t child;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	snprintf(group, sizeof(group), "pktrec_%d", getpid());
	child = fork();
	if (child < 0) {
		close(ends[0]);
		close(ends[1]);
		return -errno;
	}
	if (!child)
		guard(ends[0], group);
	close(ends[0]);
	e->guard = child;
	e->guard_fd = ends[1];
	return 0;
}

int events_open(struct events *e)
{
	stale_remove();
	return guard_start(e);
}

void events_close(struct events *e, bool wait)
{
	size_t i;

	for (i = 0; i < e->n; i++)
		free(e->names[i]);
	free(e->names);
	e->names = NULL;
	e->n = 0;
	if (!e->guard)
		return;
	close(e->guard_fd);
	if (wait)
		waitpid(e->guard, NULL, 0);
	e->guard = 0;
}
