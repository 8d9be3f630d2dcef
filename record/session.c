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
#include "search.h"
#include "session.h"
#include "snapshot.h"
#include "spool.h"
#include "system.h"
#include "types.h"

#define FLUSH_NS 250000000ULL
#define LINGER_NS 200000000ULL
#define SLEEP_MIN_US 1000
#define SLEEP_MAX_US 10000

struct session {
	const struct options *o;
	struct invoker invoker;
	enum backend backend;
	struct symbols symbols;
	struct functions functions;
	struct probes probes;
	struct filters filters;
	char *modules;			/* at the beginning */
	struct pieces *pieces;
	struct spool *spool;		/* once open, the pieces are its until file_end() */
	struct drain *drain;
	struct system *system;
	pid_t command;			/* 0 = none, or ended */
	int status;
	uint64_t started_ns, begun_ns, end_ns;
	const char *ending;		/* why it ends, NULL = it goes on */
};

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

static int fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int fail(const char *format, ...)
{
	va_list args;

	fputs("pktrec: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return 2;
}

/* With the time since the start, for a reader who wonders what it is spent on. */
static void note(const struct session *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void note(const struct session *s, const char *format, ...)
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

static const char *profile_name(enum profile p)
{
	return p == PROFILE_PATH ? "path" : p == PROFILE_DROP ? "drop" : "all";
}

static enum profile profile_choose(const struct session *s)
{
	if (s->o->globs)
		return PROFILE_ALL;	/* the patterns choose */
	if (s->o->profile != PROFILE_DEFAULT)
		return s->o->profile;
	return s->backend == BACKEND_KPROBE ? PROFILE_PATH : PROFILE_ALL;
}

static struct function_choice choice_of(const struct session *s)
{
	return (struct function_choice){ .profile = profile_choose(s), .globs = s->o->globs, .uncovered = s->o->list };
}

static int find_failed(const char *where, int err)
{
	return fail("%s: %s; run as root", where, strerror(-err));
}

/* The BPF programs among the functions. */
static int programs_prepare(struct session *s, struct functions *f, const struct symbols *symbols)
{
	struct function_choice choice = choice_of(s);
	int err = programs_find(f, symbols, &choice);

	if (err == -ENOMEM)
		return fail("%s", strerror(-err));
	if (err)
		note(s, "the kernel does not say which XDP and TC programs are loaded: %s", strerror(-err));
	return 0;
}

static int functions_prepare(struct session *s)
{
	struct function_choice choice = choice_of(s);
	const char *where;
	int err;

	if (s->backend == BACKEND_TRACEPOINT)
		err = tracepoints_find(&s->functions, &s->symbols, &choice, &where);
	else
		err = functions_find(&s->functions, &s->symbols, &choice, &where);
	return err ? find_failed(where, err) : programs_prepare(s, &s->functions, &s->symbols);
}

static int functions_list(struct session *s)
{
	static const char *const ways[] = { [BY_POINTER] = "", [BY_REFERENCE] = " by reference", [BY_LIST] = " as a list",
		[BY_NOTHING] = "" };
	const struct function *f;
	size_t i, wanted = 0;
	int status = functions_prepare(s);

	if (status)
		return status;
	for (i = 0; i < s->functions.n; i++) {
		f = &s->functions.v[i];
		if (!f->wanted && f->by != BY_NOTHING)
			continue;
		wanted += !f->error;
		printf("%s%s%s%s\targ %c%s\t%s\n", f->name, *f->module ? " [" : "", f->module, *f->module ? "]" : "",
		       f->arg ? (int)('0' + f->arg) : '?', ways[f->by],
		       f->error ? f->why : f->verify ? "probed, if it has a known packet" : "probed");
	}
	fprintf(stderr, "%zu functions would be probed\n", wanted);
	filters_free(&s->filters);
	free(s->modules);
	functions_free(&s->functions);
	symbols_free(&s->symbols);
	types_free();
	return fflush(stdout) ? fail("standard output: %s", strerror(errno)) : 0;
}

static size_t functions_count(const struct session *s, bool attached)
{
	size_t i, n = 0;

	for (i = 0; i < s->functions.n; i++)
		n += s->functions.v[i].wanted && s->functions.v[i].attached == attached;
	return n;
}

/* Of the functions only those are asked for that are programs' or tracepoints'. */
static int load(struct session *s, struct functions *functions, const struct symbols *symbols)
{
	const struct options *o = s->o;
	struct probes_plan plan = {
		.backend = s->backend,
		.functions = functions,
		.symbols = symbols,
		.filters = &s->filters,
		.ring_bytes = o->ring_bytes,
		.explained = o->verbose > 1,
		.constants = {
			.text_base = symbols->text_base,
			.packet_limit = o->count,
			.filtered = o->netns || o->ifindex || o->mark_set || o->filter || o->tunnel,
			.filter = o->filter != NULL,
			.tunnel = o->tunnel != NULL,
			.netns = o->netns,
			.ifindex = o->ifindex,
			.mark = o->mark,
			.mark_mask = o->mark_mask,
			.data_bytes = o->payload ? o->snap_bytes : 0,
			.light = o->light,
			/* where there are only tracepoints, the path is in the stacks */
			.stacks = o->stacks || (s->backend == BACKEND_TRACEPOINT && !o->light),
		},
	};
	int err = probes_load(&s->probes, &plan);

	if (err)
		return fail("the kernel refused the programs: %s; see pktrec -vv", strerror(-err));
	note(s, "the kernel accepted the programs");
	return 0;
}

/* The functions are looked for meanwhile. */
static int search_and_load(struct session *s)
{
	struct search search = { .functions = &s->functions, .symbols = &s->symbols, .choice = choice_of(s) };
	const struct symbols base = { .text_base = symbols_text_base("/proc/kallsyms") };
	struct functions programs = {};
	int status, err;

	search_begin(&search);
	status = programs_prepare(s, &programs, &base);
	status = status ? status : load(s, &programs, &base);
	err = search_end(&search);
	note(s, "%zu functions known", s->functions.n);
	if (!status && err)
		status = find_failed(search.where, err);
	if (functions_join(&s->functions, &programs) && !status)
		status = fail("%s", strerror(ENOMEM));
	return status;
}

static int attach(struct session *s)
{
	int err = probes_attach(&s->probes, &s->functions);

	if (err)
		return fail("cannot attach to any function with %s: %s; see pktrec --check", backend_name(s->backend),
			    strerror(-err));
	note(s, "%zu functions probed, %zu refused (%s)", functions_count(s, true), functions_count(s, false),
	     backend_name(s->backend));
	return 0;
}

static int probes_prepare(struct session *s)
{
	int status;

	if (s->backend == BACKEND_TRACEPOINT) {
		status = functions_prepare(s);
		status = status ? status : load(s, &s->functions, &s->symbols);
	} else {
		status = search_and_load(s);
	}
	return status ? status : attach(s);
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
		.profile = s->o->globs ? "func" : profile_name(profile_choose(s)),
		.ring_bytes = probes_ring_bytes(&s->probes),
		.attached = functions_count(s, true),
		.refused = functions_count(s, false),
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
		.attached = functions_count(s, true),
		.refused = functions_count(s, false),
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
	status = probes_prepare(s);
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
	system_free(s->system);
	drain_free(s->drain);
	spool_free(s->spool);
	pieces_free(s->pieces);
	if (s->probes.object)
		probes_free(&s->probes);
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
		return functions_list(&s);
	}
	status = session_check(&s);
	if (status)
		return status;
	note(&s, "%s works", backend_name(s.backend));
	signals_set();
	status = session_record(&s);
	note(&s, "detaching");
	session_free(&s);
	note(&s, "detached");
	return status;
}
