// SPDX-License-Identifier: GPL-2.0
/*
 * system_look.c - one look: links of all namespaces, then schema/system.tsv for each one that is involved.
 *
 * In each namespace everything that is to be known is asked for at once.  Where that fails, the next row of the table
 * is tried, in another round; where none is left, a note says why.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "embedded.h"
#include "files.h"
#include "places.h"
#include "snapshot.h"
#include "sysctls.h"
#include "system.h"
#include "system_look.h"

#define ROWS_MAX 64

struct row {
	const char *what, *scope, *needs, *source, *otherwise;
};

static struct {
	char *text;
	struct row v[ROWS_MAX];
	size_t n;
} table;

struct look {
	struct trc_writer *writer;
	bool end;
	uint64_t begun_ns;
	size_t bytes;		/* of text, in all */
	struct watch *watch;
	char *modules;		/* /proc/modules, as of now; NULL = a kernel without any */
};

/* what is asked for in one namespace */
struct question {
	const struct row *row;	/* that is tried; the rows after it with the same "what" come next */
	bool open;
	struct text text;
	char note[NOTE_MAX];
	const char *source;
};

static void table_load(void)
{
	struct row r;
	char *at, *line;

	table.text = at = strndup(embedded_system, embedded_system_end - embedded_system);
	while (at && (line = strsep(&at, "\n")) && table.n < ROWS_MAX) {
		r.what = strsep(&line, "\t");
		r.scope = strsep(&line, "\t");
		r.needs = strsep(&line, "\t");
		r.source = strsep(&line, "\t");
		r.otherwise = strsep(&line, "\t");
		if (r.otherwise && *r.what != '#')
			table.v[table.n++] = r;
	}
}

/* --- needs --------------------------------------------------------------------------------------------------------- */

/* A line of /proc/modules begins with the name and a blank. */
static bool module_loaded(const struct look *l, const char *name)
{
	size_t length = strlen(name);
	const char *at = l->modules;

	while (at && *at) {
		if (!strncmp(at, name, length) && at[length] == ' ')
			return true;
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	return false;
}

/* The list of the kernel's package where there is one, else the kernel's symbols: those of modules have a name behind. */
static bool module_built_in(const char *name, const char *symbol)
{
	char path[256], *list, pattern[128];
	struct utsname u;
	bool found;

	uname(&u);
	snprintf(path, sizeof(path), "/lib/modules/%s/modules.builtin", u.release);
	snprintf(pattern, sizeof(pattern), "/%s.ko", name);
	if (file_read(path, &list, NULL)) {
		snprintf(pattern, sizeof(pattern), " %s\n", symbol);
		if (file_read("/proc/kallsyms", &list, NULL))
			return false;
	}
	found = strstr(list, pattern);
	free(list);
	return found;
}

/* What is built in stays so: it is looked for once. */
static bool module_there(const struct look *l, const char *need)
{
	static struct { const char *need; bool built_in; } known[ROWS_MAX];
	char name[64];
	size_t i = 0;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(need, ":"), need);
	if (module_loaded(l, name))
		return true;
	while (i < ROWS_MAX - 1 && known[i].need && strcmp(known[i].need, need))
		i++;
	if (!known[i].need) {
		known[i].need = need;
		known[i].built_in = module_built_in(name, strchr(need, ':') + 1);
	}
	return known[i].built_in;
}

static bool need_met(const struct look *l, const char *need)
{
	struct text t = { .limit = 1 };
	bool met;

	if (*need != '/')
		return *need == '-' || module_there(l, need);
	met = !text_file(&t, need) && t.size;
	text_free(&t);
	return met;
}

/* --- questions ------------------------------------------------------------------------------------------------------ */

static void question_open(const struct look *l, struct question *q, const struct row *r)
{
	*q = (struct question){ .row = r, .open = true, .source = r->source, .text.limit = TEXT_LIMIT };
	if (l->bytes + q->text.limit > LOOK_LIMIT)
		q->text.limit = l->bytes < LOOK_LIMIT ? LOOK_LIMIT - l->bytes : 0;
	if (need_met(l, r->needs))
		return;
	q->open = false;
	q->source = *r->needs == '/' ? r->needs : "/proc/modules";
	snprintf(q->note, sizeof(q->note), "%s", strcmp(r->otherwise, "-") ? r->otherwise : "");
}

/* Answers at once, but for a tool, which has been started then. */
static void question_ask(const struct look *l, struct question *q, struct tool *t)
{
	const char *source = q->row->source;
	int err;

	q->text.cut = false;
	q->note[0] = 0;
	q->source = source;
	*t = (struct tool){ .fd = -1, .text = &q->text, .note = q->note };
	if (l->watch->stopped)
		err = -ETIME;
	else if (*source == '/')
		err = text_file(&q->text, source);
	else if (!strncmp(source, "sysctls ", 8))
		err = sysctls_read(&q->text, source + 8);
	else if (!strncmp(source, "netlink ", 8))
		err = system_netlink(&q->text, source + 8);
	else if (!strncmp(source, "filters ", 8))
		err = system_filters(t, source + 8, system_now_ns() + TOOL_LIMIT_NS);
	else
		err = tool_start(t, source, system_now_ns() + TOOL_LIMIT_NS);
	if (err == -ENOENT && *t->name)
		snprintf(q->note, sizeof(q->note), "%s is not installed", t->name);
	else if (err)
		snprintf(q->note, sizeof(q->note), "%s", err == -ETIME ? "no time was left" : strerror(-err));
	else if (q->text.cut)
		snprintf(q->note, sizeof(q->note), "cut after %zu bytes", q->text.size);
}

/* A failure without a word: the next row may know another way. */
static void question_next(struct question *q)
{
	const struct row *next = q->row + 1;

	q->open = *q->note && !q->text.size && next < table.v + table.n && !strcmp(next->what, q->row->what);
	if (q->open)
		q->row = next;
}

static int question_write(struct look *l, const struct question *q, uint32_t netns)
{
	struct trc_snapshot s = { .end = l->end, .netns = netns, .what = q->row->what, .source = q->source, .note = q->note };

	l->bytes += q->text.size;
	return text_write(l->writer, &s, &q->text);
}

static int questions_answer(struct look *l, const char *scope, uint32_t netns)
{
	struct question q[ROWS_MAX];
	struct tool tools[ROWS_MAX];
	size_t i, n = 0, started = 1;
	int err = 0;

	for (i = 0; i < table.n; i++)
		if (!strcmp(table.v[i].scope, scope) && (!i || strcmp(table.v[i].what, table.v[i - 1].what)))
			question_open(l, &q[n++], &table.v[i]);
	while (started) {
		for (i = started = 0; i < n; i++) {
			tools[i].fd = -1;
			if (q[i].open)
				question_ask(l, &q[i], &tools[i]);
		}
		tools_finish(tools, n, l->watch);
		for (i = 0; i < n; i++) {
			if (q[i].open)
				question_next(&q[i]);
			started += q[i].open;
		}
	}
	for (i = 0; i < n; i++) {
		err = err ? err : question_write(l, &q[i], netns);
		text_free(&q[i].text);
	}
	/* what is whole can be used even if the rest never comes */
	return err ? err : trc_writer_flush(l->writer);
}

/* --- namespaces ------------------------------------------------------------------------------------------------------ */

static int place_missed(struct look *l, const struct place *p, const char *note)
{
	const struct trc_snapshot s = { .end = l->end, .netns = p->inode, .what = "system", .source = "pktrec", .note = note };

	return text_write(l->writer, &s, &(struct text){});
}

static bool time_left(const struct look *l, bool bystander)
{
	return !l->watch->stopped && !(l->end && bystander && system_now_ns() - l->begun_ns > BYSTANDERS_NS);
}

static int place_look(struct look *l, const struct place *p, bool bystander, size_t *looked)
{
	char note[NOTE_MAX];
	int err;

	if (*looked >= SYSTEM_NETNS_MAX) {
		snprintf(note, sizeof(note), "not looked at: %d namespaces are", SYSTEM_NETNS_MAX);
		return place_missed(l, p, note);
	}
	if (!time_left(l, bystander))
		return place_missed(l, p, "not looked at: no time was left");
	err = place_enter(p);
	if (err) {
		snprintf(note, sizeof(note), "not looked at: it cannot be entered: %s", strerror(-err));
		return place_missed(l, p, note);
	}
	++*looked;
	return questions_answer(l, "netns", p->inode);
}

static bool number_in(uint32_t number, const uint32_t *v, size_t n)
{
	while (n && *v != number)
		v++, n--;
	return n;
}

/* Those that packets were in come first, then the others that somebody gave a name. */
static int places_look(struct look *l, const struct places *p, const uint32_t *netns, size_t n)
{
	size_t i, looked = 0;
	int err = 0;

	for (i = 0; i < p->n && !err; i++)
		if (number_in(p->v[i].inode, netns, n))
			err = place_look(l, &p->v[i], false, &looked);
	for (i = 0; i < p->n && !err; i++)
		if (p->v[i].known && !number_in(p->v[i].inode, netns, n))
			err = place_look(l, &p->v[i], true, &looked);
	return err;
}

static int time_write(struct look *l)
{
	const struct trc_snapshot s = { .end = l->end, .what = "taken", .source = "pktrec", .note = "" };
	struct text t = { .limit = 256 };
	int err;

	err = text_print(&t, "{\"from_ns\":%" PRIu64 ",\"to_ns\":%" PRIu64 "}\n", l->begun_ns, system_now_ns());
	err = err ? err : text_write(l->writer, &s, &t);
	text_free(&t);
	return err;
}

int system_look(struct trc_writer *w, bool end, const uint32_t *netns, size_t n, struct watch *watch)
{
	struct look l = { .writer = w, .end = end, .begun_ns = system_now_ns(), .watch = watch };
	struct places p;
	int err;

	if (!table.text)
		table_load();
	if (file_read("/proc/modules", &l.modules, NULL))
		l.modules = NULL;
	err = places_find(&p);
	if (err)
		goto out;
	err = snapshot_links(w, &p);
	err = err ? err : trc_writer_flush(w);
	err = err ? err : questions_answer(&l, "machine", 0);
	err = err ? err : places_look(&l, &p, netns, n);
	err = err ? err : time_write(&l);
	places_free(&p);
out:
	free(l.modules);
	return err;
}
