// SPDX-License-Identifier: GPL-2.0
/*
 * session_start.c - a recording until it begins: functions are found, programs loaded, all attached; or only listed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "search.h"
#include "session_parts.h"
#include "types.h"

static enum profile profile_choose(const struct session *s)
{
	if (s->o->globs)
		return PROFILE_ALL;	/* the patterns choose */
	if (s->o->profile != PROFILE_DEFAULT)
		return s->o->profile;
	return s->backend == BACKEND_KPROBE ? PROFILE_PATH : PROFILE_ALL;
}

const char *session_profile(const struct session *s)
{
	enum profile p = profile_choose(s);

	if (s->o->globs)
		return "func";
	return p == PROFILE_PATH ? "path" : p == PROFILE_DROP ? "drop" : "all";
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

int session_list(struct session *s)
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

size_t session_functions(const struct session *s, bool attached)
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
		.events = &s->events,
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
			.vlan = s->filters.packet.vlan,
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

	if (s->backend == BACKEND_KPROBE) {
		err = events_open(&s->events);
		if (err)
			return fail("cannot start a process: %s", strerror(-err));
		search.events = &s->events;
	}
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
	int err = probes_pages(&s->probes, &s->symbols);

	err = err ? err : probes_attach(&s->probes, &s->functions);
	if (err)
		return fail("cannot attach to any function with %s: %s; see pktrec --check", backend_name(s->backend),
			    strerror(-err));
	note(s, "%zu functions probed, %zu refused (%s)", session_functions(s, true), session_functions(s, false),
	     backend_name(s->backend));
	return 0;
}

int session_start(struct session *s)
{
	int status;

	if (s->backend == BACKEND_TRACEPOINT) {
		status = functions_prepare(s);
		status = status ? status : load(s, &s->functions, &s->symbols);
	} else {
		status = search_and_load(s);
	}
	if (status)
		return status;
	system_await(s->system);
	return attach(s);
}
