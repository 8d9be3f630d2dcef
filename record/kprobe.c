// SPDX-License-Identifier: GPL-2.0
/*
 * kprobe.c - the backend for kernels without FPROBE: programs on trace events that each stand for many kprobes.
 */
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cookie.h"
#include "events.h"
#include "files.h"
#include "probes.h"

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
	struct bpf_program *prog;
	struct bpf_link *link;
	int fd, id;

	if (sscanf(kind + 1, "%u_%u", &arg, &cookie) != 2 || !arg || (!cookie && arg > HOP_PROGRAMS))
		return -EINVAL;
	prog = *kind == 'r' ? p->hop_return : probes_program(p, arg, cookie);
	if (!prog)
		return -E2BIG;		/* functions_refuse() has said it */
	id = event_id(event);
	if (id < 0)
		return id;
	attr.config = id;
	fd = syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return -errno;
	opts.bpf_cookie = cookie;
	link = bpf_program__attach_perf_event_opts(prog, fd, &opts);
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
			events_name(&f->v[i], ret, name, sizeof(name));
			if (strcmp(name, event) || !(ret ? f->v[i].return_attached : f->v[i].attached))
				continue;
			*(ret ? &f->v[i].return_attached : &f->v[i].attached) = false;
			f->v[i].error = error;
			f->v[i].why = "the kernel would not enable the probe";
		}
	}
}

int kprobe_attach(struct probes *p, struct functions *f)
{
	int err, first = -ENOENT;
	size_t i, attached = 0;

	for (i = 0; i < p->events->n; i++) {
		err = event_attach(p, p->events->names[i]);
		if (err)
			event_refused(f, p->events->names[i], -err);
		first = err && first == -ENOENT ? err : first;
		attached += !err;
	}
	return attached ? 0 : first;
}

/* What does not belong to the kernel's tracing: nobody shall wait for the end of a pipe because of us. */
static void files_close(int but)
{
	struct dirent *entry;
	struct stat st;
	DIR *dir = opendir("/proc/self/fd");
	int fd;

	while (dir && (entry = readdir(dir))) {
		fd = atoi(entry->d_name);
		if (*entry->d_name == '.' || fd == but || fd == dirfd(dir))
			continue;
		if (!fstat(fd, &st) && st.st_mode & S_IFMT)	/* links, programs and perf events have no type */
			close(fd);
	}
	if (dir)
		closedir(dir);
}

/*
 * To be detached takes the kernel seconds, most of them spent waiting.  The programs do nothing any more, and the file
 * is finished: a child lets go of everything, and then the guard removes the events.
 */
bool kprobe_leave(const struct probes *p)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP };
	pid_t child = fork();
	size_t i;

	if (child)
		return child > 0;
	setsid();
	for (i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
		signal(ignored[i], SIG_IGN);
	prctl(PR_SET_NAME, "pktrec-detach");
	files_close(p->events->guard_fd);
	for (i = 0; i < p->nlinks; i++)
		bpf_link__destroy(p->links[i]);
	_exit(0);
}
