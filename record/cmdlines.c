// SPDX-License-Identifier: GPL-2.0
/*
 * cmdlines.c - read /proc/PID/cmdline of the processes that were named, in a thread of its own.
 *
 * A process may be gone before it is looked at, which is why the thread does nothing else.  And a process can make
 * whoever reads its arguments wait, for as long as it likes (they may lie in a file of a file system that it serves):
 * then the recording goes on without them, and ends without the thread.
 *
 * Whether it is still the process that was named is told by its name, before and after: it may have called execve(),
 * its number may be another's by now, and /proc may be of another pid namespace than the kernel's numbers.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmdlines.h"

#define JOBS 64
#define NAME_BYTES 17		/* 15 of a name, and what the recorder makes of 16 */
#define LEAVE_MS 200		/* what a thread that is to end gets for it */

struct job {
	pid_t pid;
	char name[NAME_BYTES];
	char text[CMDLINE_BYTES];
};

struct cmdlines {
	pthread_t thread;
	pthread_mutex_t lock;		/* of what follows */
	pthread_cond_t asked_one, found_one;
	unsigned int asked, found, taken;	/* so far; the thread looks at jobs[found], unlocked */
	bool ending;
	struct job jobs[JOBS];
};

/* --- reading ----------------------------------------------------------------------------------------------- */

static ssize_t file_take(int dir, const char *name, char *out, size_t size)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	do
		n = read(fd, out, size);
	while (n < 0 && errno == EINTR);
	n = n < 0 ? -errno : n;
	close(fd);
	return n;
}

static bool is_named(int dir, const char *name)
{
	char is[NAME_BYTES + 1];
	ssize_t n = file_take(dir, "comm", is, sizeof(is));

	return n > 0 && is[n - 1] == '\n' && !strncmp(is, name, n - 1) && !name[n - 1];
}

int cmdline_read(char *out, pid_t pid, const char *name)
{
	char path[32];
	ssize_t n, i;
	int dir;

	out[0] = 0;
	snprintf(path, sizeof(path), "/proc/%d", pid);
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	n = is_named(dir, name) ? file_take(dir, "cmdline", out, CMDLINE_BYTES - 1) : -ESRCH;
	if (n > 0 && !is_named(dir, name))
		n = -ESRCH;
	close(dir);
	while (n > 0 && !out[n - 1])
		n--;
	for (i = 0; i < n; i++)
		if (!out[i])
			out[i] = ' ';
	out[n > 0 ? n : 0] = 0;
	return n < 0 ? n : 0;
}

void cmdline_join(char *out, char *const argv[])
{
	size_t size = 0, n;

	for (; *argv && size < CMDLINE_BYTES - 2; argv++) {
		if (size)
			out[size++] = ' ';
		n = strnlen(*argv, CMDLINE_BYTES - 1 - size);
		memcpy(out + size, *argv, n);
		size += n;
	}
	out[size] = 0;
}

static void *work(void *data)
{
	struct cmdlines *c = data;
	struct job *job;

	pthread_mutex_lock(&c->lock);
	while (!c->ending) {
		if (c->found == c->asked) {
			pthread_cond_wait(&c->asked_one, &c->lock);
			continue;
		}
		job = &c->jobs[c->found % JOBS];
		pthread_mutex_unlock(&c->lock);
		cmdline_read(job->text, job->pid, job->name);
		pthread_mutex_lock(&c->lock);
		c->found++;
		pthread_cond_signal(&c->found_one);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

/* --- the other side ------------------------------------------------------------------------------------------ */

void cmdlines_ask(struct cmdlines *c, pid_t pid, const char *name)
{
	struct job *job;

	pthread_mutex_lock(&c->lock);
	if (c->asked - c->taken < JOBS) {
		job = &c->jobs[c->asked % JOBS];
		job->pid = pid;
		snprintf(job->name, sizeof(job->name), "%s", name);
		c->asked++;
		pthread_cond_signal(&c->asked_one);
	}
	pthread_mutex_unlock(&c->lock);
}

/* The process was named again since. */
static bool is_stale(const struct cmdlines *c, unsigned int number)
{
	unsigned int later;

	for (later = number + 1; later != c->asked; later++)
		if (c->jobs[later % JOBS].pid == c->jobs[number % JOBS].pid)
			return true;
	return false;
}

bool cmdlines_take(struct cmdlines *c, pid_t *pid, const char **name, const char **text)
{
	static const struct job none;
	const struct job *job = &none;

	pthread_mutex_lock(&c->lock);
	while (c->taken != c->found && !*job->text) {
		if (!is_stale(c, c->taken))
			job = &c->jobs[c->taken % JOBS];
		c->taken++;
	}
	pthread_mutex_unlock(&c->lock);
	*pid = job->pid;
	*name = job->name;
	*text = job->text;
	return *job->text;
}

static struct timespec time_in(int ms)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_nsec += ms * 1000000L;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

void cmdlines_settle(struct cmdlines *c, int ms)
{
	struct timespec until = time_in(ms);

	pthread_mutex_lock(&c->lock);
	while (c->found != c->asked && !pthread_cond_timedwait(&c->found_one, &c->lock, &until))
		;
	pthread_mutex_unlock(&c->lock);
}

/* Signals are for the main thread. */
static int thread_start(struct cmdlines *c)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&c->thread, NULL, work, c);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -err;
}

int cmdlines_open(struct cmdlines **out)
{
	struct cmdlines *c = calloc(1, sizeof(*c));
	int err;

	*out = NULL;
	if (!c)
		return -ENOMEM;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->asked_one, NULL);
	pthread_cond_init(&c->found_one, NULL);
	err = thread_start(c);
	if (err)
		free(c);
	else
		*out = c;
	return err;
}

void cmdlines_free(struct cmdlines *c)
{
	struct timespec until = time_in(LEAVE_MS);

	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	c->ending = true;
	pthread_cond_signal(&c->asked_one);
	pthread_mutex_unlock(&c->lock);
	if (pthread_timedjoin_np(c->thread, NULL, &until)) {
		pthread_detach(c->thread);	/* somebody makes it wait: its memory stays its own, until the process ends */
		return;
	}
	pthread_cond_destroy(&c->found_one);
	pthread_cond_destroy(&c->asked_one);
	pthread_mutex_destroy(&c->lock);
	free(c);
}
