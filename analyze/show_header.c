// SPDX-License-Identifier: GPL-2.0
/*
 * show_header.c - what a recording is, in the few lines above the list of packets.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "show.h"

#define LABEL_WIDTH 9

static void label(const struct term *t, const char *name)
{
	term_cell(t, STYLE_DIM, LABEL_WIDTH, name);
	fputs("  ", t->out);
}

static void line(const struct term *t, enum style s, const char *name, const char *text)
{
	label(t, name);
	term_wrap(t, s, LABEL_WIDTH + 2, LABEL_WIDTH + 2, text);
}

/* In UTC: the reader's time zone has nothing to do with the recorded machine's. */
static void when_text(const struct model *m, char *buf, size_t size)
{
	uint64_t ns = strtoull(model_fact(m, "clock.realtime_ns"), NULL, 10);
	time_t seconds = ns / 1000000000;
	struct tm tm;

	if (!ns || !gmtime_r(&seconds, &tm) || !strftime(buf, size, "%Y-%m-%d %H:%M:%S UTC", &tm))
		snprintf(buf, size, "unknown time");
}

static void line_machine(const struct term *t, const struct model *m)
{
	const char *name = model_fact(m, "host.name"), *kernel = model_fact(m, "host.kernel"), *cpus = model_fact(m, "host.cpus");
	char text[512];

	snprintf(text, sizeof(text), "%s, Linux %s %s%s%s%s", *name ? name : "unnamed", *kernel ? kernel : "of unknown version",
		 model_fact(m, "host.machine"), *cpus ? ", " : "", cpus, *cpus ? " CPUs" : "");
	line(t, STYLE_PLAIN, "machine", text);
}

static void line_recording(const struct term *t, const struct model *m)
{
	uint64_t start = strtoull(model_fact(m, "clock.monotonic_ns"), NULL, 10), end = 0;
	char when[64], took[32] = "", text[512];

	when_text(m, when, sizeof(when));
	if (m->end.reason)
		end = m->end.time_ns;
	else if (m->nhops)
		end = m->last_ns;
	if (start && end > start)
		duration_text(end - start, took, sizeof(took));
	snprintf(text, sizeof(text), "%s, %s%s%s%s%s%s", m->file, when, *took ? ", " : "", took, m->end.reason ? " (" : "",
		 m->end.reason ? m->end.reason : "", m->end.reason ? ")" : "");
	line(t, STYLE_BOLD, "recording", text);
}

static void line_probes(const struct term *t, const struct model *m)
{
	const char *backend = model_fact(m, "recorder.backend"), *profile = model_fact(m, "recorder.profile");
	size_t attached = 0, refused = 0;
	char text[256];

	for (size_t i = 0; i < m->nfuncs; i++) {
		attached += !!(m->funcs[i].flags & TRC_FUNC_ATTACHED);
		refused += m->funcs[i].flags & TRC_FUNC_PROBED && !(m->funcs[i].flags & TRC_FUNC_ATTACHED);
	}
	snprintf(text, sizeof(text), "%s%s%s%s%zu functions probed, %zu refused", *backend ? backend : "unknown backend",
		 *profile ? ", profile " : "", profile, ": ", attached, refused);
	line(t, STYLE_PLAIN, "probes", text);
}

static void line_content(const struct term *t, const struct model *m)
{
	size_t recorded = m->nhops - m->nderived;

	label(t, "content");
	if (packets_selected(m) < m->npackets)
		fprintf(t->out, "%zu selected of ", packets_selected(m));
	fprintf(t->out, "%zu packet%s, %zu hop%s, ", m->npackets, m->npackets == 1 ? "" : "s", recorded, recorded == 1 ? "" : "s");
	if (m->lost)
		term_print(t, STYLE_WARN, "%" PRIu64 " hops lost (%.2g %%)\n", m->lost, 100.0 * m->lost / (m->lost + recorded));
	else if (!m->nlosses)
		term_print(t, STYLE_WARN, "losses not known: the recorder did not come to its end\n");
	else if (m->missed)
		term_print(t, STYLE_WARN, "none lost, %" PRIu64 " probe hits missed by the kernel\n", m->missed);
	else
		fputs("nothing lost\n", t->out);
}

static void line_derived(const struct term *t, const struct model *m)
{
	char text[256], rest[96] = "";

	if (m->underived)
		snprintf(rest, sizeof(rest), "; none for packets from %u on, they would be too many", m->underived);
	snprintf(text, sizeof(text), "%zu functions more, found on the kernel stacks of tracepoints%s", m->nderived, rest);
	line(t, STYLE_PLAIN, "derived", text);
}

/* What was not, or no longer, probed because it was not there. */
static void line_modules(const struct term *t, const char *names, const char *what)
{
	char text[512];

	if (!*names)
		return;
	snprintf(text, sizeof(text), "%.300s %s", names, what);
	line(t, STYLE_WARN, "modules", text);
}

/* What broke its lines is made visible when a recording is loaded: here blanks will do. */
static void line_command(const struct term *t, const char *command)
{
	char *text = strdup(command), *to = text;

	if (!text)
		return;
	for (const char *from = text; *from;) {
		bool blank = !strncmp(from, "\\x0a", 4) || !strncmp(from, "\\x09", 4);

		if (!blank || (to > text && to[-1] != ' '))
			*to++ = blank ? ' ' : *from;
		from += blank ? 4 : 1;
	}
	*to = '\0';
	line(t, STYLE_PLAIN, "command", text);
	free(text);
}

void show_header(const struct term *t, const struct model *m)
{
	const char *command = model_fact(m, "recorder.command");

	line_recording(t, m);
	line_machine(t, m);
	if (*command)
		line_command(t, command);
	line_probes(t, m);
	line_content(t, m);
	if (m->nderived || m->underived)
		line_derived(t, m);
	line_modules(t, model_fact(m, "modules.loaded"), "loaded while recording: their functions were not probed");
	line_modules(t, model_fact(m, "modules.unloaded"), "unloaded while recording: their functions were probed until then");
	if (*m->trouble)
		line(t, STYLE_BAD, "damage", m->trouble);
}
