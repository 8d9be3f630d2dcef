// SPDX-License-Identifier: GPL-2.0
/*
 * report.c - the status line, the last line, and guesses at why nothing was recorded.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "report.h"

/* --- nothing was recorded: a table of what may be why ------------------------------------------------------- */

static bool word_is_in(const char *word, const char *const *list)
{
	while (*list && strcmp(word, *list))
		list++;
	return *list;
}

static const char *program_of(const struct options *o)
{
	const char *name = o->command ? o->command[0] : "", *slash = strrchr(name, '/');

	return slash ? slash + 1 : name;
}

/* A resolver of this machine answers out of its memory, and asks others under its own name. */
static bool resolver_is_local(const char *resolv_conf)
{
	const char *line = resolv_conf;
	bool local = false;

	for (; line && *line; line = (line = strchr(line, '\n')) ? line + 1 : NULL) {
		if (strncmp(line, "nameserver", 10) || !strchr(" \t", line[10]))
			continue;
		line += 10;
		line += strspn(line, " \t");
		if (strncmp(line, "127.", 4) && strncmp(line, "::1", 3))
			return false;
		local = true;
	}
	return local;
}

static bool asks_for_names(const struct options *o)
{
	static const char *const programs[] = { "dig", "host", "nslookup", "getent", "ping", "curl", "wget", NULL };

	return word_is_in(program_of(o), programs) ||
	       (o->filter && (strstr(o->filter, "port 53") || strstr(o->filter, "domain")));
}

static bool enters_netns(const struct options *o)
{
	static const char *const programs[] = { "nsenter", "docker", "podman", "unshare", "kubectl", NULL };

	if (word_is_in(program_of(o), programs))
		return true;
	return !strcmp(program_of(o), "ip") && o->command[1] && !strcmp(o->command[1], "netns");
}

struct look {
	const struct silence *s;
	const char *resolv_conf;
};

static void when_lost(const struct look *l, char *buf, size_t size)
{
	if (l->s->lost)
		snprintf(buf, size, "%" PRIu64 " hops were lost; raise -B", l->s->lost);
}

static void when_failed(const struct look *l, char *buf, size_t size)
{
	if (l->s->o->command && l->s->status)
		snprintf(buf, size, "the command failed (status %d)", l->s->status);
}

static void when_filtered(const struct look *l, char *buf, size_t size)
{
	if (l->s->o->filter)
		snprintf(buf, size, "the filter '%.80s' let no packet through", l->s->o->filter);
}

static void when_tunnel(const struct look *l, char *buf, size_t size)
{
	if (l->s->o->tunnel)
		snprintf(buf, size, "no packet had '%.80s' inside (--tunnel)", l->s->o->tunnel);
}

static void when_marked(const struct look *l, char *buf, size_t size)
{
	if (l->s->o->mark_set)
		snprintf(buf, size, "no packet had mark 0x%x/0x%x", l->s->o->mark, l->s->o->mark_mask);
}

static void when_cached(const struct look *l, char *buf, size_t size)
{
	if (asks_for_names(l->s->o) && resolver_is_local(l->resolv_conf))
		snprintf(buf, size, "a local resolver (/etc/resolv.conf) may have known the name: ask for one that is new, or use dig @SERVER");
}

static void when_elsewhere(const struct look *l, char *buf, size_t size)
{
	const struct options *o = l->s->o;

	if (o->netns_name)
		snprintf(buf, size, "the packets were in other network namespaces than --netns %.80s%s%.20s", o->netns_name,
			 o->interface ? ", or not on " : "", o->interface ? o->interface : "");
	else if (o->interface && enters_netns(o))
		snprintf(buf, size, "the command is in another network namespace than %.20s: add --netns", o->interface);
	else if (o->interface)
		snprintf(buf, size, "no packet was on %.20s: try -i any", o->interface);
}

static void when_refused(const struct look *l, char *buf, size_t size)
{
	if (l->s->refused)
		snprintf(buf, size, "%zu of %zu probes were refused (see pktrec --list-functions)", l->s->refused,
			 l->s->attached + l->s->refused);
}

static void when_chosen(const struct look *l, char *buf, size_t size)
{
	if (l->s->o->globs || l->s->o->profile == PROFILE_DROP)
		snprintf(buf, size, "only %zu functions were probed (%s)", l->s->attached,
			 l->s->o->globs ? "--func" : "--profile drop");
}

static void (*const reasons[])(const struct look *l, char *buf, size_t size) = {
	when_lost, when_failed, when_filtered, when_tunnel, when_marked, when_cached, when_elsewhere, when_chosen, when_refused,
};

void silence_explain(const struct silence *s, const char *resolv_conf, char *buf, size_t size)
{
	struct look l = { s, resolv_conf };
	size_t used, i;
	char reason[256];
	bool any = false;

	used = snprintf(buf, size, "nothing was recorded");
	for (i = 0; i < sizeof(reasons) / sizeof(*reasons) && used < size; i++) {
		reason[0] = 0;
		reasons[i](&l, reason, sizeof(reason));
		if (!reason[0])
			continue;
		used += snprintf(buf + used, size - used, "%s%s", any ? "; or " : ": ", reason);
		any = true;
	}
	if (!any)
		snprintf(buf + used, size - used, ": no packet was seen by the %zu functions that are probed", s->attached);
}

/* --- counts -------------------------------------------------------------------------------------------------- */

void status_print(const struct drain_totals *t, uint64_t bytes, uint64_t now_ns)
{
	static uint64_t last_ns, last_hops;

	if (now_ns - last_ns < 1000000000ULL)
		return;
	fprintf(stderr, "\r%.1fk ev/s  %" PRIu64 " packets  %.1f MB  lost %" PRIu64 "\033[K",
		last_ns ? (t->hops - last_hops) * 1e6 / (now_ns - last_ns) : 0.0, t->packets, bytes / 1e6, t->lost);
	last_ns = now_ns;
	last_hops = t->hops;
}

void status_clear(void)
{
	fputs("\r\033[K", stderr);
}

void counts_print(const struct drain_totals *t, const struct pieces *p)
{
	uint64_t hops = pieces_hops(p), lost = t->lost + t->hops - hops;
	char names[8192], gone[64] = "";

	if (pieces_hops_overwritten(p))
		snprintf(gone, sizeof(gone), ", %" PRIu64 " of them overwritten", pieces_hops_overwritten(p));
	pieces_names(p, names, sizeof(names));
	fprintf(stderr, "%" PRIu64 " hops of %" PRIu64 " packets recorded%s, %" PRIu64 " lost (%s, %.1f kB)\n", hops, t->packets,
		gone, lost, names, pieces_bytes(p) / 1e3);
}
