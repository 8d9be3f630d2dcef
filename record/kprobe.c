// SPDX-License-Identifier: GPL-2.0
/*
 * kprobe.c - the backend for kernels without FPROBE: trace events that each stand for many kprobes.
 *
 * A probe defined again under the name of an event joins it, so one perf event and one link serve all functions of
 * the same argument position and cookie.  A name that stands for several functions is given as an address, which
 * cannot join another, and gets an event of its own.
 * The kernel's side: kernel/trace/trace_kprobe.c, append_trace_kprobe().
 */
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cookie.h"
#include "files.h"
#include "probes.h"

#define TRACEFS "/sys/kernel/tracing"
#define MAXACTIVE 512		/* open calls of a return-probed function, over all CPUs */

static const char *event_find(struct probes *p, const char *name)
{
	size_t i;

	for (i = 0; i < p->nevents; i++)
		if (!strcmp(p->events[i], name))
			return p->events[i];
	return NULL;
}

static int event_keep(struct probes *p, const char *name)
{
	char **grown;

	if (event_find(p, name))
		return 0;
	grown = realloc(p->events, (p->nevents + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	p->events = grown;
	p->events[p->nevents] = strdup(name);
	return p->events[p->nevents] ? (p->nevents++, 0) : -ENOMEM;
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

static void event_name(const struct function *fn, bool retprobe, char *buf, size_t size)
{
	int n = snprintf(buf, size, "pktrec_%d/%s%u_%u", getpid(), retprobe ? "r" : "h", fn->arg, fn->cookie);

	if (!fn->unique)
		snprintf(buf + n, size - n, "_%llx", (unsigned long long)fn->addr);
}

/* Define one probe.  events_fd is kprobe_events, open for appending. */
static int probe_define(struct probes *p, int events_fd, const struct function *fn, bool retprobe)
{
	char place[256], event[64], line[400];
	int n;

	place_text(fn, place, sizeof(place));
	event_name(fn, retprobe, event, sizeof(event));
	if (retprobe)
		n = snprintf(line, sizeof(line), "r%d:%s %s\n", MAXACTIVE, event, place);
	else
		n = snprintf(line, sizeof(line), "p:%s %s\n", event, place);
	if (write(events_fd, line, n) != n)
		return -errno;
	return event_keep(p, event);
}

static void functions_define(struct probes *p, struct functions *f, int events_fd)
{
	struct function *fn;
	size_t i;
	int err;

	for (i = 0; i < f->n; i++) {
		fn = &f->v[i];
		if (!fn->wanted || fn->error || !fn->addr || fn->program)
			continue;
		err = probe_define(p, events_fd, fn, false);
		fn->attached = !err;
		if (!err && fn->cookie & COOKIE_RETURN) {
			err = probe_define(p, events_fd, fn, true);
			fn->return_attached = !err;
		}
		if (err) {
			fn->error = -err;
			fn->why = fn->attached ? "the kernel refused the return probe" : "the kernel refused the probe";
		}
	}
}

static int event_id(const char *event)
{
	char path[160], *text;
	int err, id;

	snprintf(path, sizeof(path), TRACEFS "/events/%s/id", event);
	err = file_read(path, &text, NULL);
	if (err)
		return err;
	id = atoi(text);
	free(text);
	return id > 0 ? id : -EINVAL;
}

/* One perf event and one link: the program runs on all CPUs, whatever the perf event's CPU is. */
static int event_attach(struct probes *p, const char *event)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_TRACEPOINT, .size = sizeof(attr), .sample_period = 1,
		.wakeup_events = 1 };
	LIBBPF_OPTS(bpf_perf_event_opts, opts);
	const char *kind = strchr(event, '/') + 1;
	unsigned int arg = 0, cookie = 0;
	struct bpf_link *link;
	int fd, id;

	if (sscanf(kind + 1, "%u_%u", &arg, &cookie) != 2 || !arg || (!cookie && arg > HOP_PROGRAMS))
		return -EINVAL;
	id = event_id(event);
	if (id < 0)
		return id;
	attr.config = id;
	fd = syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return -errno;
	opts.bpf_cookie = cookie;
	link = bpf_program__attach_perf_event_opts(*kind == 'r' ? p->hop_return : probes_program(p, arg, cookie), fd, &opts);
	if (!link) {
		id = -errno;
		close(fd);
		return id;
	}
	return probes_keep_link(p, link);	/* the link owns fd */
}

/* The kernel would not enable this event: none of its probes is attached. */
static void event_refused(struct functions *f, const char *event, int error)
{
	char name[64];
	size_t i;
	int ret;

	for (i = 0; i < f->n; i++) {
		for (ret = 0; ret < 2; ret++) {
			event_name(&f->v[i], ret, name, sizeof(name));
			if (strcmp(name, event) || !(ret ? f->v[i].return_attached : f->v[i].attached))
				continue;
			*(ret ? &f->v[i].return_attached : &f->v[i].attached) = false;
			f->v[i].error = error;
			f->v[i].why = "the kernel would not enable the probe";
		}
	}
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

static int guard_start(struct probes *p)
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
	p->guard = child;
	p->guard_fd = ends[1];
	return 0;
}

static void guard_dismiss(struct probes *p)
{
	if (!p->guard)
		return;
	close(p->guard_fd);
	waitpid(p->guard, NULL, 0);
	p->guard = 0;
}

int kprobe_attach(struct probes *p, struct functions *f)
{
	int events_fd, err, first = -ENOENT;
	size_t i, attached = 0;

	stale_remove();
	err = guard_start(p);
	if (err)
		return err;
	events_fd = open(TRACEFS "/kprobe_events", O_WRONLY | O_APPEND | O_CLOEXEC);
	if (events_fd < 0)
		return -errno;
	functions_define(p, f, events_fd);
	close(events_fd);
	for (i = 0; i < p->nevents; i++) {
		err = event_attach(p, p->events[i]);
		if (err)
			event_refused(f, p->events[i], -err);
		first = err && first == -ENOENT ? err : first;
		attached += !err;
	}
	return attached ? 0 : first;
}

/* The recorder has no rights any more by now: its guard removes the events. */
void kprobe_detach(struct probes *p)
{
	size_t i;

	for (i = 0; i < p->nevents; i++)
		free(p->events[i]);
	free(p->events);
	p->events = NULL;
	p->nevents = 0;
	guard_dismiss(p);
}
