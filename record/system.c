// SPDX-License-Identifier: GPL-2.0
/*
 * system.c - the child process that looks at the system, and what the recorder hears from it.
 *
 *     recorder                                   child
 *     system_open    ------- fork ------->       looks, writes a small recording into the first memory file
 *       (attaches)
 *     system_write   <--- a byte: done ---       sleeps
 *       (records)
 *     system_end     --- namespaces seen -->     looks, writes a small recording into the second
 *     system_write   <--- a byte: done ---       sleeps
 *     system_free    ------- closed ------>      ends
 *
 * The child has nothing open but its end of the socket and the two files.  When it takes too long, or dies, what is
 * whole in the file is used: that is what the format is good at.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "system.h"
#include "system_look.h"

#define LIMIT_NS 5000000000ULL	/* waited for a look; mostly it takes some 20 ms for each namespace, before we come to wait */
#define HURRY_NS 800000000ULL	/* when somebody waits for the recorder to go */
#define STOP_NS 500000000ULL	/* and then for the child to come to its end, when told to */

enum { MESSAGE_END, MESSAGE_STOP };	/* the first number of what the child is told */

struct system {
	pid_t child;
	int control;
	int files[2];			/* of the start and of the end */
	bool asked[2], done[2];
	bool hurry;
};

/* --- the child ---------------------------------------------------------------------------------------------------- */

enum { CHILD_CONTROL = 3, CHILD_FILES = 4, CHILD_NEXT = 6 };

/* It must not keep alive what belongs to the recorder: its output, its pipes, its --ready-fd. */
static void child_descriptors(int control, const int files[2])
{
	int from[3], null, i;

	from[0] = fcntl(control, F_DUPFD_CLOEXEC, 16);
	from[1] = fcntl(files[0], F_DUPFD_CLOEXEC, 16);
	from[2] = fcntl(files[1], F_DUPFD_CLOEXEC, 16);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (i = 0; i < 3; i++)
		if (from[i] < 0 || dup3(from[i], CHILD_CONTROL + i, O_CLOEXEC) < 0 || null < 0 || dup2(null, i) < 0)
			_exit(1);
	close_range(CHILD_NEXT, ~0u, 0);
}

static void child_look(int file, bool end, const uint32_t *netns, size_t n)
{
	struct watch watch = { .fd = CHILD_CONTROL };
	struct trc_writer *w;
	char done = 0;

	if (trc_writer_open(&w, file))
		_exit(1);
	if (!system_look(w, end, netns, n, &watch))
		trc_writer_finish(w);
	trc_writer_free(w);
	if (send(CHILD_CONTROL, &done, 1, MSG_NOSIGNAL) != 1)
		_exit(0);
}

/* The next message that is no late "stop"; its numbers. */
static size_t child_receive(uint32_t message[SYSTEM_NETNS_MAX])
{
	ssize_t n;

	do
		n = recv(CHILD_CONTROL, message, SYSTEM_NETNS_MAX * sizeof(*message), 0);
	while ((n < 0 && errno == EINTR) || (n >= (ssize_t)sizeof(*message) && message[0] == MESSAGE_STOP));
	if (n < (ssize_t)sizeof(*message))
		_exit(0);	/* the recorder is gone */
	return n / sizeof(*message);
}

/* In a session of its own, and deaf: what ends the recorder by keyboard or by name must not end it before the last look. */
static void child_run(int control, const int files[2])
{
	uint32_t message[SYSTEM_NETNS_MAX];
	size_t n;

	prctl(PR_SET_NAME, "pktrec-system");
	child_descriptors(control, files);
	setsid();
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	if (chdir("/"))
		_exit(1);
	child_look(CHILD_FILES, false, NULL, 0);
	n = child_receive(message);
	child_look(CHILD_FILES + 1, true, message + 1, n - 1);
	for (;;)
		child_receive(message);
}

/* --- the recorder's side ------------------------------------------------------------------------------------------ */

int system_open(struct system **out)
{
	struct system *s = calloc(1, sizeof(*s));
	int ends[2] = { -1, -1 }, err = 0;

	*out = NULL;
	if (!s)
		return -ENOMEM;
	s->child = -1;
	s->files[0] = memfd_create("pktrec-system", MFD_CLOEXEC);
	s->files[1] = memfd_create("pktrec-system", MFD_CLOEXEC);
	/* a socket that keeps messages whole */
	if (s->files[0] < 0 || s->files[1] < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		err = -errno;
	s->control = ends[0];
	if (!err) {
		s->child = fork();
		err = s->child < 0 ? -errno : 0;
	}
	if (!s->child)
		child_run(ends[1], s->files);
	if (ends[1] >= 0)
		close(ends[1]);
	if (err) {
		system_free(s);
		return err;
	}
	s->asked[0] = true;
	*out = s;
	return 0;
}

void system_end(struct system *s, const uint32_t *netns, size_t n, bool hurry)
{
	uint32_t message[SYSTEM_NETNS_MAX] = { MESSAGE_END };

	if (n > SYSTEM_NETNS_MAX - 1)
		n = SYSTEM_NETNS_MAX - 1;
	if (n)
		memcpy(message + 1, netns, n * sizeof(*netns));
	s->hurry = hurry;
	/* when this fails the child is gone, and system_write() will notice */
	s->asked[1] = send(s->control, message, (n + 1) * sizeof(*message), MSG_NOSIGNAL) > 0;
}

/* Until it is over, or that time has passed, or the child is gone. */
static bool look_await(struct system *s, bool end, uint64_t limit_ns)
{
	struct pollfd p = { .fd = s->control, .events = POLLIN };
	uint64_t now = system_now_ns(), until_ns = now + limit_ns;
	char byte;
	int ready;

	for (; s->asked[end] && !s->done[end]; now = system_now_ns()) {
		ready = poll(&p, 1, now < until_ns ? (until_ns - now) / 1000000 + 1 : 0);
		if (ready < 0 && errno == EINTR)
			continue;	/* the signal is the recorder's to see, a little later */
		if (ready <= 0 || recv(s->control, &byte, 1, MSG_DONTWAIT) != 1)
			break;
		s->done[s->done[0]] = true;	/* one look after the other */
	}
	return s->done[end];
}

/* True: it is whole but for what has a note.  A child that takes too long is told to leave the rest. */
static bool look_wait(struct system *s, bool end)
{
	const uint32_t stop = MESSAGE_STOP;

	if (look_await(s, end, s->hurry ? HURRY_NS : LIMIT_NS))
		return true;
	if (send(s->control, &stop, sizeof(stop), MSG_NOSIGNAL) > 0 && look_await(s, end, STOP_NS))
		return true;
	s->asked[end] = false;	/* it is not waited for again */
	return false;
}

void system_await(struct system *s)
{
	look_wait(s, false);
}

/* What the child recorded goes on into the recording. */
static int look_copy(int file, struct trc_writer *w)
{
	struct trc_reader *r = NULL;
	struct trc_record rec;
	struct stat st;
	void *map;
	int err;

	if (fstat(file, &st) || !st.st_size)
		return 0;
	map = mmap(NULL, st.st_size, PROT_READ, MAP_SHARED, file, 0);
	if (map == MAP_FAILED)
		return -errno;
	err = trc_reader_open_memory(&r, map, st.st_size);
	while (!err && (err = trc_reader_next(r, &rec)) == 1) {
		bool wanted = rec.kind == TRC_NETNS || rec.kind == TRC_LINK || rec.kind == TRC_SNAPSHOT;

		err = wanted ? trc_write(w, &rec) : 0;
	}
	trc_reader_free(r);
	munmap(map, st.st_size);
	return err == -EBADMSG ? 0 : err;	/* not even its beginning was written */
}

int system_write(struct system *s, struct trc_writer *w, bool end)
{
	struct trc_record rec = { .kind = TRC_SNAPSHOT, .snapshot = { .end = end, .what = "system", .source = "pktrec", .last = 1 } };
	bool whole = look_wait(s, end);
	int err = look_copy(s->files[end], w);

	if (err || whole)
		return err;
	rec.snapshot.text = "";
	rec.snapshot.note = "the process that looks at the system took too long, or ended: what it had not seen is missing";
	return trc_write(w, &rec);
}

/* A child that is stuck in the kernel is not waited for: it ends by itself when it comes back from there. */
void system_free(struct system *s)
{
	int i, waited_ms;

	if (!s)
		return;
	if (s->control >= 0)
		close(s->control);
	for (waited_ms = 0; s->child > 0 && !waitpid(s->child, NULL, WNOHANG) && waited_ms < 500; waited_ms++)
		usleep(1000);
	for (i = 0; i < 2; i++)
		if (s->files[i] >= 0)
			close(s->files[i]);
	free(s);
}
