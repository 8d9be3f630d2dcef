// SPDX-License-Identifier: GPL-2.0
/*
 * session.c - one recording: check, find functions, attach, record until it is over, finish the file, detach.
 *
 * Rights are given up between attaching and everything that is the user's: the command, the packets, later files.
 *
 * The file is finished and the last line printed before the probes are detached: detaching can take seconds (RCU),
 * and disabled programs record nothing.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "command.h"
#include "drain.h"
#include "files.h"
#include "modules.h"
#include "output.h"
#include "pieces.h"
#include "place.h"
#include "report.h"
#include "session.h"
#include "session_parts.h"
#include "snapshot.h"
#include "spool.h"
#include "system.h"
#include "types.h"

#define FLUSH_NS 250000000ULL
#define LINGER_NS 200000000ULL
#define SLEEP_MIN_US 1000
#define SLEEP_MAX_US 10000

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	interrupted = number;
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

int fail(const char *format, ...)
{
	va_list args;

	fputs("pktrec: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return 2;
}

void note(const struct session *s, const char *format, ...)
{
	va_list args;

	if (!s->o->verbose)
		return;
	fprintf(stderr, "pktrec: %.3f s: ", (clock_ns(CLOCK_MONOTONIC) - s->started_ns) / 1e9);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

static int libbpf_says(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_DEBUG ? 0 : vfprintf(stderr, format, args);
}

/* The first one ends the recording properly, a second one of its kind kills: the handler is gone by then. */
static void signals_set(void)
{
	struct sigaction end = { .sa_handler = on_signal, .sa_flags = SA_RESETHAND };

	sigaction(SIGINT, &end, NULL);
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGHUP, &end, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);	/* a full disk and a closed pipe are errors of write() */
}

static int write_failed(const struct session *s, int err)
{
	if (s->spool)
		spool_finish(s->spool);	/* takes no time after an error; then the words are ours to read */
	return fail("%s", *pieces_error(s->pieces) ? pieces_error(s->pieces) : strerror(-err));
}

static int facts_write(struct trc_writer *w, uint32_t number, void *data)
{
	const struct session *s = data;
	struct snapshot_info info = {
		.version = PKTREC_VERSION,
		.argc = s->o->argc,
		.argv = s->o->argv,
		.backend = backend_name(s->backend),
		.profile = session_profile(s),
		.ring_bytes = probes_ring_bytes(&s->probes),
		.attached = session_functions(s, true),
		.refused = session_functions(s, false),
		.piece = s->o->rotate_bytes ? number : 0,
		.pieces = s->o->rotate_files,
	};

	return snapshot_facts(w, &info);
}

static int common_write(struct trc_writer *w, void *data)
{
	struct session *s = data;
	int err = snapshot_enums(w);

	return err ? err : system_write(s->system, w, false);
}

static int file_begin(struct session *s)
{
	struct pieces_plan plan = {
		.path = s->o->output,
		.who = &s->invoker,
		.bytes = s->o->rotate_bytes,
		.keep = s->o->rotate_files,
		.level = s->o->level,
		.facts = facts_write,
		.common = common_write,
		.data = s,
	};

	int err = pieces_open(&s->pieces, &plan);

	return err ? write_failed(s, err) : 0;
}

/* The rings are shared memory; only what a program missed is asked of the kernel. */
static bool counters_work(void *data)
{
	const struct session *s = data;
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	return !bpf_obj_get_info_by_fd(bpf_program__fd(s->probes.hop_drop), &info, &size);
}

/* Before there are threads: each has its own capabilities. */
static int rights_drop(struct session *s)
{
	char error[512];

	if (privileges_drop(&s->invoker, counters_work, s, error, sizeof(error)))
		return fail("%s", error);
	if (s->o->rotate_bytes && output_next_check(s->o->output, error, sizeof(error)))
		return fail("%s", error);
	return 0;
}

static int spool_begin(struct session *s)
{
	int err = spool_open(&s->spool, s->pieces);

	err = err ? err : drain_open(&s->drain, &s->probes, &s->functions, &s->symbols, s->spool);
	return err ? fail("cannot start recording: %s", strerror(-err)) : 0;
}

static int command_begin(struct session *s)
{
	int err;

	if (s->o->ready_fd >= 0 && write(s->o->ready_fd, "\n", 1) != 1)
		return fail("--ready-fd %d: %s", s->o->ready_fd, strerror(errno));
	if (!s->o->command)
		return 0;
	/* what it says must not get into a recording that goes to standard output */
	err = command_start(s->o->command, &s->invoker, strcmp(s->o->output, "-") ? -1 : STDERR_FILENO, &s->command);
	if (err) {
		s->command = 0;
		return fail("%s: %s", s->o->command[0], strerror(-err));
	}
	drain_own_command(s->drain, s->command, s->o->command);
	return 0;
}

/* Whatever ends it, packets that are still in flight get a moment to come to their end. */
static void ending_look(struct session *s, uint64_t now)
{
	const char *ending = NULL;

	if (interrupted) {
		ending = "signal";
	} else if (s->o->count && drain_totals(s->drain)->packets >= s->o->count) {
		ending = "count";
	} else if (s->o->duration_ns && now - s->begun_ns >= s->o->duration_ns) {
		ending = "duration";
	} else if (s->command && command_ended(s->command, &s->status)) {
		ending = "command ended";
		s->command = 0;
	}
	if (ending && !s->ending) {
		s->ending = ending;
		s->end_ns = now + LINGER_NS;
	}
}

/* Not while recording into a pipe: whoever reads that may be writing to the same terminal. */
static bool status_wanted(const struct session *s)
{
	return !s->o->quiet && strcmp(s->o->output, "-") && isatty(STDERR_FILENO);
}

static int record(struct session *s)
{
	uint64_t flushed_ns, now;
	int taken, err = 0, sleep_us = SLEEP_MIN_US;

	flushed_ns = s->begun_ns = clock_ns(CLOCK_MONOTONIC);
	while (!err && (!s->ending || clock_ns(CLOCK_MONOTONIC) < s->end_ns)) {
		taken = drain_once(s->drain);
		if (taken < 0)
			return write_failed(s, taken);
		now = clock_ns(CLOCK_MONOTONIC);
		err = spool_error(s->spool);
		if (!err && now - flushed_ns >= FLUSH_NS) {
			/* pieces are never pipes, and not ours to look at */
			if (!s->o->rotate_bytes && output_left(pieces_fd(s->pieces)))
				return fail("%s: cannot write after byte %" PRIu64 ": %s",
					    strcmp(s->o->output, "-") ? s->o->output : "standard output",
					    spool_bytes(s->spool), strerror(EPIPE));
			pieces_packets(s->pieces, drain_totals(s->drain)->packets);
			if (spool_flush(s->spool))
				flushed_ns = now;
		}
		if (status_wanted(s))
			status_print(drain_totals(s->drain), spool_bytes(s->spool), now);
		ending_look(s, now);
		sleep_us = taken ? SLEEP_MIN_US : sleep_us * 2;
		if (sleep_us > SLEEP_MAX_US)
			sleep_us = SLEEP_MAX_US;
		usleep(sleep_us);
	}
	return err ? write_failed(s, err) : 0;
}

/* When the recording ends before its command does, so does the command. */
static void command_finish(struct session *s)
{
	int waited_ms;

	if (!s->command || kill(s->command, SIGTERM))
		return;
	for (waited_ms = 0; waited_ms < 500 && !command_ended(s->command, &s->status); waited_ms += 10)
		usleep(10000);
	s->command = 0;
	s->status = 0;
}

static int file_end(struct session *s)
{
	struct trc_record rec = { .kind = TRC_END };
	const uint32_t *netns;
	char *modules;
	size_t n;
	int err;

	probes_enable(&s->probes, false);
	rec.end.time_ns = clock_ns(CLOCK_MONOTONIC);
	rec.end.realtime_ns = clock_ns(CLOCK_REALTIME);
	err = drain_finish(s->drain);
	netns = drain_netns(s->drain, &n);
	system_end(s->system, netns, n, interrupted);
	err = err ? err : spool_finish(s->spool);
	err = err ? err : system_write(s->system, pieces_writer(s->pieces), true);
	modules = modules_names();
	err = err ? err : modules_compare(pieces_writer(s->pieces), s->modules, modules, &s->functions);
	free(modules);
	rec.end.reason = s->ending;
	rec.end.packets = drain_totals(s->drain)->packets;
	err = err ? err : pieces_write(s->pieces, &rec);
	err = err ? err : pieces_finish(s->pieces);
	return err ? write_failed(s, err) : 0;
}

static void silence_print(struct session *s)
{
	struct silence why = {
		.o = s->o,
		.attached = session_functions(s, true),
		.refused = session_functions(s, false),
		.status = s->status,
		.lost = drain_totals(s->drain)->lost,
	};
	char *resolv_conf = NULL, text[1024];

	if (file_read("/etc/resolv.conf", &resolv_conf, NULL))
		resolv_conf = NULL;
	silence_explain(&why, resolv_conf, text, sizeof(text));
	fail("%s", text);
	free(resolv_conf);
}

/* The last line, always; before it what a reader of the recording should know. */
static int summary_print(struct session *s, bool failed)
{
	const struct drain_totals *t = drain_totals(s->drain);
	uint64_t hops = pieces_hops(s->pieces);
	int status = 0;

	if (status_wanted(s))
		status_clear();
	if (t->unexplained && hops == t->hops)
		status = fail("%" PRId64 " hops are unaccounted for: this is a defect of pktrec, please report it",
			      (int64_t)t->unexplained);
	if (t->missed && !s->o->quiet)
		fail("%" PRIu64 " hops in interrupts were missed by the kernel: a probe was running on that CPU", t->missed);
	if (t->untracked)
		fail("%" PRIu64 " of the lost hops had no place in the map of packets in flight", t->untracked);
	if (!hops && !failed && !s->o->quiet)
		silence_print(s);
	counts_print(t, s->pieces);
	return status;
}

static int session_record(struct session *s)
{
	int status, more, err;

	err = system_open(&s->system);	/* before anything is open that its child would keep */
	if (err)
		return fail("cannot start a process: %s", strerror(-err));
	status = session_start(s);
	status = status ? status : file_begin(s);
	note(s, "the file begins with what is known of the system");
	if (!s->o->rotate_bytes)	/* else every file has names from there */
		types_free();
	status = status ? status : rights_drop(s);
	status = status ? status : spool_begin(s);
	if (status)
		return status;
	s->modules = modules_names();
	probes_enable(&s->probes, true);
	note(s, "recording");
	status = command_begin(s);
	if (!status)
		status = record(s);
	command_finish(s);
	if (!status)
		status = file_end(s);
	else
		probes_enable(&s->probes, false);
	spool_finish(s->spool);
	more = summary_print(s, status);
	return status ? status : more ? more : s->status;
}

static void session_free(struct session *s)
{
	bool left = false;

	system_free(s->system);
	drain_free(s->drain);
	spool_free(s->spool);
	pieces_free(s->pieces);
	if (s->probes.nlinks && s->backend == BACKEND_KPROBE)
		left = kprobe_leave(&s->probes);
	if (s->probes.object)
		probes_free(&s->probes);
	events_close(&s->events, !left);
	note(s, "%s", left ? "detaching goes on in the background" : "detached");
	filters_free(&s->filters);
	free(s->modules);
	functions_free(&s->functions);
	symbols_free(&s->symbols);
	types_free();
}

/* Everything that can be said before the slow part. */
static int session_check(struct session *s)
{
	const struct options *o = s->o;
	char error[512];
	int err;

	if (invoker_find(&s->invoker, o->user, error, sizeof(error)))
		return fail("%s", error);
	if (check_requirements(o->backend, &s->backend, error, sizeof(error)))
		return fail("cannot record: %s", error);
	if (o->filter && filter_compile(&s->filters.packet, o->filter, error, sizeof(error)))
		return fail("%s", error);
	if (o->tunnel && filter_compile(&s->filters.tunnel, o->tunnel, error, sizeof(error)))
		return fail("%s", error);
	if (output_check(o->output, &s->invoker, error, sizeof(error)))
		return fail("%s", error);
	if (o->command && (err = command_check(o->command[0])))
		return fail("%s: %s", o->command[0], strerror(-err));
	return 0;
}

int session_run(struct options *o)
{
	struct session s = { .o = o, .started_ns = clock_ns(CLOCK_MONOTONIC) };
	char error[512];
	int status;

	libbpf_set_print(o->verbose > 1 ? libbpf_says : NULL);
	if (o->check && !o->quiet)
		return check_print(stdout, o->backend) ? 2 : 0;
	if (o->check)
		return check_requirements(o->backend, &s.backend, error, sizeof(error)) ? fail("cannot record: %s", error) : 0;
	if (place_find(o, error, sizeof(error)))
		return fail("%s", error);
	s.backend = o->backend;
	if (o->list) {
		check_requirements(o->backend, &s.backend, error, sizeof(error));	/* a list can be had without */
		return session_list(&s);
	}
	status = session_check(&s);
	if (status)
		return status;
	note(&s, "%s works", backend_name(s.backend));
	signals_set();
	status = session_record(&s);
	note(&s, "detaching");
	session_free(&s);
	return status;
}
