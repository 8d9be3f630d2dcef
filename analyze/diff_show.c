// SPDX-License-Identifier: GPL-2.0
/*
 * diff_show.c - the comparison on a terminal: the sentence, two paths side by side, the evidence.
 *
 *     ok.trc, packet 1                      │ dropped.trc, packet 1
 *     UDP 10.0.0.1:40000 > 10.0.0.2:53      │ UDP 10.0.0.1:41000 > 10.0.0.2:53
 *   ────────────────────────────────────────┼──────────────────────────────────
 *     ip_send_skb                           │   ip_send_skb
 *     __ip_local_out                        │   __ip_local_out
 *   ═ they part here ═══════════════════════╪══════════════════════════════════
 *   > ip_output                             │ x nf_hook_slow LOCAL_OUT → DROP
 */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "diff.h"
#include "render.h"

#define WIDTH_DEFAULT 80	/* not a terminal */
#define WIDTH_MIN 40
#define WIDTH_MAX 170
#define COMMON_FIRST 1		/* common steps shown before and after those that are folded */
#define COMMON_LAST 4
#define AFTER_FIRST 4		/* after the parting: the first places, then only boundaries, not more than ... */
#define AFTER_MAX 12
#define TOUCHING_MAX 8		/* differences of the systems shown */
#define OTHERS_MAX 8
#define SHARE_FROM 5		/* packets of which a share is told */

struct row {
	enum style style;
	char mark;
	char text[200];
};

struct rows {
	struct row *rows;
	size_t n, room;
};

struct columns {
	const struct term *t;
	int width;		/* of one column, marks included */
};

static __attribute__((format(printf, 4, 5))) void row_add(struct rows *r, char mark, enum style style, const char *format, ...)
{
	struct row *row;
	va_list args;

	r->rows = diff_grow(r->rows, &r->room, r->n + 1, sizeof(*r->rows));
	row = &r->rows[r->n++];
	row->style = style;
	row->mark = mark;
	va_start(args, format);
	vsnprintf(row->text, sizeof(row->text), format, args);
	va_end(args);
}

/* What stands beside a function: its hook and verdict, how often, and the namespace where it changes. */
static void row_step(struct rows *r, const struct path *path, size_t step, char mark, bool skipped)
{
	const struct step *st = &path->steps[step];
	const struct trc_hop *h = step_hop(path, step);
	const struct func *f = step_func(path, step);
	enum style style = layer_style(f->layer);
	char name[128], hook[64] = "", times[32] = "", netns[80] = "";

	if (st->hook)
		say_hook(st, h, hook, sizeof(hook));
	if (st->repeats)
		snprintf(times, sizeof(times), " ×%u", st->repeats + 1);
	for (size_t i = step; i-- > 0 && h->have & TRC_HAVE_NETNS;) {
		const struct trc_hop *before = step_hop(path, i);

		if (!(before->have & TRC_HAVE_NETNS))
			continue;
		if (before->netns != h->netns)
			snprintf(netns, sizeof(netns), " [%.60s]", model_netns(path->side->m, h->netns));
		break;
	}
	if (mark == 'x' || (st->hook && st->returned && st->verdict < 0))
		style = STYLE_BAD;
	row_add(r, mark, style, "%s%s%s%s%s%s%s", skipped ? "… " : "", st->inner ? "  " : "", func_plain(f->name, name, sizeof(name)), *hook ? " " : "", hook,
		times, netns);
}

/* How it ended; the place of a drop is said where it is not the deciding function's line above. */
static void row_fate(struct rows *r, const struct path *path, char mark, bool skipped, bool unanswered)
{
	const struct packet *p = path->last;
	const char *dots = skipped ? "… " : "";
	char where[128], decisive[128] = "";

	if (p->fate != FATE_DROPPED) {
		row_add(r, mark, fate_style(p->fate), "%s%s%s", dots, fate_name(p->fate), unanswered ? ", without an answer" : "");
		return;
	}
	row_add(r, mark, STYLE_BAD, "%sdropped: %s", dots, packet_reason(path->side->m, p));
	if (path->drop >= path->n)
		return;
	if (path->decisive < path->end)
		func_plain(step_func(path, path->decisive)->name, decisive, sizeof(decisive));
	func_plain(step_func(path, path->drop)->name, where, sizeof(where));
	if (strcmp(where, decisive))
		row_add(r, ' ', STYLE_BAD, "in %s", where);
}

/* The way after the parting: its first places whole, then boundaries and hooks ("…" where steps are left out), and the end. */
static void rows_after(struct rows *r, const struct path *path, size_t from, char mark, bool unanswered)
{
	size_t shown = 0, before = path->n;
	bool skipped = false;

	for (size_t i = from; i < path->end; i++) {
		const struct step *st = &path->steps[i];
		bool deciding = i == path->decisive && path->netfilter;
		bool near = shown < AFTER_FIRST && (step_is_place(path, i) || st->inner || path->last->fate == FATE_DROPPED);
		bool boundary = st->hook || (st->core && (before == path->n || st->core != path->steps[before].core));

		if (st->core)
			before = i;
		if (!deciding && ((!near && !boundary) || shown >= AFTER_MAX)) {
			skipped = true;
			continue;
		}
		row_step(r, path, i, deciding || !shown ? mark : ' ', skipped && shown);
		skipped = false;
		shown++;
	}
	row_fate(r, path, mark == 'x' && !path->netfilter ? 'x' : ' ', skipped, unanswered);
}

static void print_cell(const struct columns *c, const struct row *row, bool last)
{
	static const struct row empty = { .mark = ' ' };
	enum style mark;

	if (!row)
		row = &empty;
	mark = row->mark == 'x' ? STYLE_BAD : row->mark == '>' ? STYLE_GOOD : STYLE_PLAIN;
	if (last && !*row->text && row->mark == ' ')
		return;
	term_print(c->t, mark, "%c ", row->mark);
	if (last && text_width(row->text) <= (unsigned int)c->width - 2)
		term_print(c->t, row->style, "%s", row->text);
	else
		term_cell(c->t, row->style, c->width - 2, row->text);
}

static void print_rows(const struct columns *c, const struct rows *rows)
{
	for (size_t i = 0; i < rows[0].n || i < rows[1].n; i++) {
		bool right = i < rows[1].n;

		print_cell(c, i < rows[0].n ? &rows[0].rows[i] : NULL, false);
		term_print(c->t, STYLE_DIM, right ? " │ " : " │");
		print_cell(c, right ? &rows[1].rows[i] : NULL, true);
		fputs("\n", c->t->out);
	}
	for (int s = 0; s < 2; s++)
		free(rows[s].rows);
}

static void print_rule(const struct columns *c, enum style style, const char *line, const char *cross, const char *label)
{
	int at = text_width(label);

	fputs(style_code(c->t, style), c->t->out);
	fputs(label, c->t->out);
	for (; at < c->width + 1; at++)
		fputs(line, c->t->out);
	fputs(cross, c->t->out);
	for (at = 0; at < c->width + 1; at++)
		fputs(line, c->t->out);
	fprintf(c->t->out, "%s\n", style_end(c->t, style));
}

static void show_heads(const struct columns *c, const struct diff *d, const struct finding *f)
{
	struct rows rows[2] = {};

	for (int s = 0; s < 2; s++) {
		const struct path *path = &d->locus.path[s];
		char tuple[160];

		if (!f->packet[s]) {
			row_add(&rows[s], ' ', STYLE_BOLD, "%s", d->side[s].name);
			row_add(&rows[s], ' ', STYLE_DIM, "no such packet");
			continue;
		}
		row_add(&rows[s], ' ', STYLE_BOLD, "%s, packet %u", d->side[s].name, path->packet->number);
		row_add(&rows[s], ' ', STYLE_PLAIN, "%s", tuple_text(&path->packet->tuple, tuple, sizeof(tuple)));
	}
	print_rows(c, rows);
	if (d->locus.npairs)
		print_rule(c, STYLE_DIM, "─", "┼", "");
}

/* Hooks that only one of the two passed, before a common step. */
static void rows_extra_hooks(struct rows *rows, const struct locus *l, size_t pair)
{
	for (int s = 0; s < 2 && pair; s++) {
		for (size_t i = l->pairs[pair - 1].step[s] + 1; i < l->pairs[pair].step[s]; i++) {
			if (!l->path[s].steps[i].hook || l->path[s].steps[i].inner)
				continue;
			row_step(&rows[s], &l->path[s], i, ' ', false);
			row_add(&rows[!s], ' ', STYLE_PLAIN, "%s", "");
		}
	}
}

/* The steps that fit, folded in the middle; what lies between them is optional and only counted. */
static void show_common(const struct columns *c, const struct diff *d)
{
	const struct locus *l = &d->locus;
	struct rows rows[2] = {};
	size_t folded = l->npairs > COMMON_FIRST + COMMON_LAST + 1 ? l->npairs - COMMON_FIRST - COMMON_LAST : 0;

	for (size_t i = 0; i < l->npairs; i++) {
		bool skip = folded && i >= COMMON_FIRST && i < COMMON_FIRST + folded;

		if (!skip)
			rows_extra_hooks(rows, l, i);
		for (int s = 0; s < 2; s++) {
			if (!skip)
				row_step(&rows[s], &l->path[s], l->pairs[i].step[s], ' ', false);
			else if (i == COMMON_FIRST)
				row_add(&rows[s], ' ', STYLE_DIM, "… %zu more, in both", folded);
		}
	}
	print_rows(c, rows);
}

static void show_paths(const struct diff *d, const struct term *t)
{
	const struct finding *f = d->findings;
	unsigned int width = t->width ? t->width : WIDTH_DEFAULT;
	struct columns c = { .t = t };
	struct rows rows[2] = {};

	width = width < WIDTH_MIN ? WIDTH_MIN : width > WIDTH_MAX ? WIDTH_MAX : width;
	c.width = (width - 3) / 2;
	fputs("\n", t->out);
	show_heads(&c, d, f);
	show_common(&c, d);
	print_rule(&c, STYLE_MARK, "═", "╪", f->kind == FINDING_MISSING ? "═ only one begins " : "═ they part here ");
	for (int s = 0; s < 2; s++)
		if (f->packet[s])
			rows_after(&rows[s], &d->locus.path[s], f->kind == FINDING_MISSING ? 0 : d->locus.next[s],
				   s == f->bad && f->kind != FINDING_WAY ? 'x' : '>', outcome_unanswered(&f->outcome[s]));
	print_rows(&c, rows);
}

/* --- the evidence ------------------------------------------------------------------------------------------------- */

#define LABEL_MIN 10
#define LABEL_MAX 24

struct evidence {
	const struct term *t;
	int label;		/* columns of the labels */
};

static __attribute__((format(printf, 3, 4))) void fact(const struct evidence *e, const char *label, const char *format, ...)
{
	const struct term *t = e->t;
	char text[1200];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fputs("  ", t->out);
	term_cell(t, STYLE_BOLD, e->label, label);
	fputs("  ", t->out);
	term_wrap(t, STYLE_PLAIN, e->label + 4, e->label + 4, text);
}

/* "packets 1, 4, 6, …" */
static const char *examples_text(const struct diff *d, const struct finding *f, int s, char *buf, size_t size)
{
	uint32_t at = f->tally[s] ? f->tally[s]->first[s] : f->packet[s];
	size_t used = 0;

	*buf = '\0';
	for (int i = 0; at && i < 3; i++) {
		used += snprintf(buf + used, size - used, "%s%u", i ? ", " : d->side[s].next[at - 1] ? "packets " : "packet ", at);
		at = d->side[s].next[at - 1];
	}
	if (at)
		snprintf(buf + used, size - used, ", …");
	return buf;
}

/* " (3.2 %; 95 % of the time between 2.9 % and 3.6 %)" */
static const char *share_text(const struct finding *f, int s, char *buf, size_t size)
{
	double low, high;

	*buf = '\0';
	if (f->total[s] < SHARE_FROM || f->hits[s] == 0)
		return buf;
	wilson(f->hits[s], f->total[s], &low, &high);
	snprintf(buf, size, " (%.3g %%, 95 %% interval %.4g to %.4g %%)", 100.0 * f->hits[s] / f->total[s], 100 * low, 100 * high);
	return buf;
}

static void show_reason(const struct diff *d, const struct evidence *e, const struct finding *f)
{
	const struct path *bad = &d->locus.path[f->bad];
	const struct func *func;
	const char *reason, *meaning, *advice;
	char name[128], there[128];

	if (!f->packet[f->bad] || !bad->n)
		return;
	func = step_func(bad, bad->decisive < bad->n ? bad->decisive : bad->n - 1);
	if (*func->meaning)
		fact(e, "function", "%s: %s", func_plain(func->name, name, sizeof(name)), func->meaning);
	if (bad->last->fate != FATE_DROPPED)
		return;
	reason = packet_reason(bad->side->m, bad->last);
	snprintf(there, sizeof(there), "%.60s@%.60s", reason, bad->drop < bad->n ? func_plain(step_func(bad, bad->drop)->name, name, sizeof(name)) : "");
	meaning = reason_meaning(*reason_meaning(there) ? there : reason);
	advice = reason_advice(*reason_meaning(there) ? there : reason);
	fact(e, "reason", "%s%s%s", reason, *meaning ? ": " : "", meaning);
	if (*advice)
		fact(e, "check", "%s", advice);
}

static void show_evidence(const struct diff *d, const struct term *t)
{
	const struct finding *f = d->findings;
	struct evidence ev = { .t = t, .label = LABEL_MIN }, *e = &ev;
	char buf[900], examples[80], share[80];
	bool first = true;

	for (int s = 0; s < 2; s++)
		if ((int)text_width(d->side[s].name) > ev.label)
			ev.label = text_width(d->side[s].name) < LABEL_MAX ? text_width(d->side[s].name) : LABEL_MAX;
	term_print(t, STYLE_BOLD, "\nEvidence\n");
	fact(e, "what", "%s", key_text(d, &f->class->key, buf, sizeof(buf)));
	for (int s = 0; s < 2; s++)
		fact(e, d->side[s].name, "%s%s%s%s", say_outcome(d, f, s, buf, sizeof(buf)), share_text(f, s, share, sizeof(share)), f->packet[s] ? ": " : "",
		     examples_text(d, f, s, examples, sizeof(examples)));
	if (f->proved)
		fact(e, "chance", "explains nothing here: what dropped them is only in %s, and counted them", d->side[f->bad].name);
	else if (f->p > 0)
		fact(e, "chance", "explains this with p = %.1e (Fisher's exact test%s)", f->p,
		     f->total[0] >= 100 && f->total[1] >= 100 ? ", and how it varies over time" : "");
	if (d->parting.packet)
		fact(e, "they part", "%s", say_parting(d, &d->parting, buf, sizeof(buf)));
	show_reason(d, e, f);
	for (int s = 0; s < 2; s++) {
		if (!f->packet[s])
			continue;
		fact(e, first ? "look at" : "", "pktshow %s --packet %u", d->side[s].m->file, f->packet[s]);
		first = false;
	}
}

static void show_others(const struct diff *d, const struct term *t, bool consequences, const char *head)
{
	size_t shown = 0;
	char buf[900];

	for (size_t i = 1; i < d->nfindings; i++) {
		if (finding_is_consequence(d, &d->findings[i]) != consequences)
			continue;
		if (!shown++)
			term_print(t, STYLE_BOLD, "\n%s\n", head);
		if (shown > AFTER_MAX)
			continue;
		fputs("  - ", t->out);
		term_wrap(t, STYLE_PLAIN, 4, 4, say_finding(d, &d->findings[i], buf, sizeof(buf)));
	}
	if (shown > AFTER_MAX)
		fprintf(t->out, "  - and %zu more\n", shown - AFTER_MAX);
}

/* What differs between the systems: first what touches the divergence, then the rest, in short. */
static void show_systems(const struct diff *d, const struct term *t)
{
	size_t shown = 0, left = 0;
	int bad = d->findings[0].bad;
	char buf[900];

	for (size_t i = 0; i < d->causes.n; i++) {
		if (shown == TOUCHING_MAX) {
			left += d->causes.n - i;
			break;
		}
		if (!shown++)
			term_print(t, STYLE_BOLD, "\nDifferent in the systems, and touching it\n");
		fputs("  - ", t->out);
		term_wrap(t, STYLE_PLAIN, 4, 4, say_change(d, d->causes.list[i].change, bad, buf, sizeof(buf)));
	}
	if (left)
		fprintf(t->out, "  - and %zu more\n", left);
	shown = left = 0;
	for (size_t i = 0; i < d->nchanges; i++) {
		if (!change_is_other(d, &d->changes[i]))
			continue;
		if (shown == OTHERS_MAX) {
			left++;
			continue;
		}
		if (!shown++)
			term_print(t, STYLE_BOLD, "\nDifferent in the systems, but not on its way\n");
		fputs("  - ", t->out);
		term_wrap(t, STYLE_DIM, 4, 4, say_change(d, &d->changes[i], bad, buf, sizeof(buf)));
	}
	if (left)
		fprintf(t->out, "  - and %zu more\n", left);
}

static void show_notes(const struct diff *d, const struct term *t)
{
	if (!d->nnotes)
		return;
	term_print(t, STYLE_BOLD, "\nNotes\n");
	for (size_t i = 0; i < d->nnotes; i++) {
		fputs("  - ", t->out);
		term_wrap(t, STYLE_DIM, 4, 4, d->notes[i]);
	}
}

static void show_latency(const struct diff *d, const struct term *t)
{
	char text[900], times[5][40];

	if (!d->latency)
		return;
	term_print(t, STYLE_BOLD, "\nTimes\n");
	if (!d->nshifts)
		fprintf(t->out, "  no shift found: %zu stretches between boundaries compared, %zu more have fewer than 5 bursts\n", d->shifts_tested,
			d->shifts_untested);
	for (size_t i = 0; i < d->nshifts && i < TOUCHING_MAX; i++) {
		const struct shift *x = &d->shifts[i];
		int slow = x->ns > 0;
		double low = slow ? x->low_ns : -x->high_ns, high = slow ? x->high_ns : -x->low_ns;

		fputs("  - ", t->out);
		term_wrap(t, STYLE_PLAIN, 4, 4, say_shift(d, x, text, sizeof(text)));
		snprintf(text, sizeof(text), "%s (95 %% interval %s%s to %s), Cliff's delta %.2f, p = %.1e, %zu and %zu bursts of %zu and %zu packets; waiting %s in %s, %s in %s",
			 duration_text(fabs(x->ns), times[0], 40), low < 0 ? "-" : "", duration_text(fabs(low), times[1], 40),
			 duration_text(fabs(high), times[2], 40), x->delta, x->p, x->bursts[0], x->bursts[1], x->packets[0], x->packets[1],
			 duration_text(x->waiting_ns[slow], times[3], 40), d->side[slow].name, duration_text(x->waiting_ns[!slow], times[4], 40),
			 d->side[!slow].name);
		fputs("    ", t->out);
		term_wrap(t, STYLE_DIM, 4, 4, text);
	}
	if (d->nshifts)
		for (int s = 0; s < 2; s++)
			fprintf(t->out, "    look at: pktshow %s --packet %u\n", d->side[s].m->file, d->shifts[0].packet[s]);
	for (size_t i = 0; i < d->slow_causes.n && i < TOUCHING_MAX && !d->nfindings; i++) {
		if (!i)
			term_print(t, STYLE_BOLD, "\nDifferent in the systems, and touching it\n");
		fputs("  - ", t->out);
		term_wrap(t, STYLE_PLAIN, 4, 4, say_change(d, d->slow_causes.list[i].change, d->shifts[0].ns > 0, text, sizeof(text)));
	}
}

void diff_show(const struct diff *d, const struct term *t, bool brief)
{
	char verdict[VERDICT_MAX];

	/* one line, however long: it is what scripts and people take */
	term_print(t, d->nfindings || d->nshifts ? STYLE_BAD : STYLE_GOOD, "%s", say_verdict(d, verdict, sizeof(verdict)));
	fputs("\n", t->out);
	if (brief)
		return;
	if (d->nfindings) {
		show_paths(d, t);
		show_evidence(d, t);
		show_systems(d, t);
		show_others(d, t, false, "Also different");
		show_others(d, t, true, "Consequences, most likely");
	}
	show_latency(d, t);
	show_notes(d, t);
}
