// SPDX-License-Identifier: GPL-2.0
/*
 * show_path.c - one packet's way through the kernel, a hop a line.
 *
 *     hop    time       +  layer      function
 *         ▸ netns cl · dig (123) · CPU 1
 *       1    0 ns          transport  udp4_hwcsum
 *       4  3.1 µs  850 ns  netfilter  nf_hook_slow  LOCAL_OUT IPv4 → DROP
 *
 * Where surroundings change (netns, device, process or interrupt, CPU, addresses) a marker line says what and from what; another,
 * with ◆, says which packet it came from or what came from it.  A function with ~ was found on the stack of the event below.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "explain.h"
#include "returns.h"
#include "show.h"

#define FUNCTION_MAX 30		/* longer names push what follows them */

struct place {			/* where the previous hop was */
	bool known;
	bool has_netns;
	uint32_t netns, ifindex, pid;
	uint16_t cpu;
	uint8_t context;
	bool has_tuple;
	struct tuple tuple;	/* as the last function outside of NAT and tunnels saw it */
};

struct path {
	const struct term *t;
	const struct model *m;
	const struct packet *p;
	struct place at;
	unsigned int number_width, function_width, device_width;	/* device_width 0: only in markers */
	unsigned int note_column;
	uint64_t last_ns;
	uint32_t kin;			/* of p->kin so many were told */
	bool derived;			/* a derived hop was shown */
};

static void path_measure(struct path *c, const struct rows *rows)
{
	char number[16];

	c->number_width = snprintf(number, sizeof(number), "%u", c->p->nhops);
	if (c->number_width < 3)
		c->number_width = 3;
	for (size_t i = 0; i < rows->count; i++) {
		const struct trc_hop *h = packet_hop(c->m, c->p, rows->row[i].first);
		unsigned int function = text_width(hop_func(c->m, h)->name) + (h->kind == TRC_DERIVED), device = 0;

		if (h->have & TRC_HAVE_SKB)
			device = text_width(model_dev(c->m, h->netns, h->ifindex));
		if (function > c->function_width)
			c->function_width = function > FUNCTION_MAX ? FUNCTION_MAX : function;
		if (device > c->device_width)
			c->device_width = device > 15 ? 15 : device;
	}
	if (c->t->width && c->t->width < 100)
		c->device_width = 0;
	c->note_column = 2 + c->number_width + 2 + 7 + 2 + 7 + 2 + 9 + 2;
}

/* --- markers ----------------------------------------------------------------------------------------------------- */

static void marker_part(FILE *out, const char *what, const char *from, const char *to)
{
	fprintf(out, "%s%s%s%s%s%s", ftell(out) ? " · " : "", what, *what ? " " : "", from, *from ? " → " : "", to);
}

static const char *hop_device(const struct path *c, const struct trc_hop *h)
{
	if (!(h->have & TRC_HAVE_SKB))
		return "";
	return model_dev(c->m, h->have & TRC_HAVE_NETNS ? h->netns : c->at.netns, h->ifindex);
}

static void mark_device(struct path *c, FILE *out, const struct trc_hop *h, bool netns_changed)
{
	const char *from = model_dev(c->m, c->at.netns, c->at.ifindex), *to = hop_device(c, h);

	/* in a socket's queue a packet has no device; that is no change of place */
	if (*to && (c->at.ifindex != h->ifindex || netns_changed))
		marker_part(out, "device", c->at.known ? from : "", to);
}

static void mark_context(struct path *c, FILE *out, const struct trc_hop *h)
{
	char now[96], cpu[16], old[16] = "";

	if (!c->at.known || c->at.context != h->context || (h->context == TRC_PROCESS && c->at.pid != h->pid))
		marker_part(out, "", "", context_text(c->m, h, now, sizeof(now)));
	if (c->at.known && c->at.cpu == h->cpu)
		return;
	if (c->at.known)
		snprintf(old, sizeof(old), "%u", c->at.cpu);
	snprintf(cpu, sizeof(cpu), "%u", h->cpu);
	marker_part(out, "CPU", old, cpu);
}

/*
 * New addresses are told when a function sees them that does not make them: in the middle of NAT or of a tunnel only a part
 * may be new, and before the first boundary what lies in the headers' place may be old.
 */
static void mark_address(struct path *c, FILE *out, const struct trc_hop *h)
{
	const struct func *f = hop_func(c->m, h);
	char from[160], to[160];
	struct tuple now;
	enum header_change change;

	if (!*f->stage || !strcmp(f->stage, "send") || !strcmp(f->stage, "free") || !strcmp(f->layer, "tunnel") || !hop_tuple(&now, h))
		return;
	change = c->at.has_tuple ? tuple_change(&c->at.tuple, &now) : 0;
	if (change & CHANGE_HEADER)
		marker_part(out, "", tuple_text(&c->at.tuple, from, sizeof(from)), tuple_text(&now, to, sizeof(to)));
	if (change & CHANGE_SOURCE)
		marker_part(out, "source", tuple_end(&c->at.tuple, true, from, sizeof(from)), tuple_end(&now, true, to, sizeof(to)));
	if (change & CHANGE_DESTINATION)
		marker_part(out, "destination", tuple_end(&c->at.tuple, false, from, sizeof(from)),
			    tuple_end(&now, false, to, sizeof(to)));
	c->at.has_tuple = true;
	c->at.tuple = now;
}

/* Returns and drops read nothing of the packet: they change only context and CPU. */
static int path_mark(struct path *c, const struct trc_hop *h)
{
	bool netns = h->have & TRC_HAVE_NETNS && (!c->at.has_netns || c->at.netns != h->netns);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return -ENOMEM;
	if (netns)
		marker_part(out, "netns", c->at.has_netns ? model_netns(c->m, c->at.netns) : "", model_netns(c->m, h->netns));
	mark_device(c, out, h, netns && c->at.has_netns);
	mark_context(c, out, h);
	mark_address(c, out, h);
	if (fclose(out) || !text) {
		free(text);
		return -ENOMEM;
	}
	if (*text) {
		unsigned int indent = 2 + c->number_width + 2;

		fprintf(c->t->out, "%*s", (int)indent, "");
		term_print(c->t, STYLE_MARK, "▸ ");
		term_wrap(c->t, STYLE_MARK, indent + 2, indent + 2, text);
	}
	free(text);
	if (netns) {
		c->at.has_netns = true;
		c->at.netns = h->netns;
	}
	if (h->have & TRC_HAVE_SKB && h->ifindex)
		c->at.ifindex = h->ifindex;
	c->at.known = true;
	c->at.cpu = h->cpu;
	c->at.context = h->context;
	c->at.pid = h->pid;
	return 0;
}

/* What befell it among packets until then. */
static int path_kin(struct path *c, uint64_t until_ns)
{
	unsigned int indent = 2 + c->number_width + 2;

	while (c->kin < c->p->nkin && c->m->edges[c->p->kin[c->kin]].time_ns <= until_ns) {
		uint32_t n = kin_alike(c->m, c->p, c->kin, until_ns);
		char *text = kin_text(c->m, c->p, c->kin, n);

		if (!text)
			return -ENOMEM;
		fprintf(c->t->out, "%*s", (int)indent, "");
		term_print(c->t, STYLE_MARK, "◆ ");
		term_wrap(c->t, STYLE_MARK, indent + 2, indent + 2, text);
		free(text);
		c->kin += n;
	}
	return 0;
}

/* --- hops -------------------------------------------------------------------------------------------------------- */

static void path_columns(struct path *c, const char *number, uint64_t time_ns, const char *layer)
{
	char total[32], delta[32] = "";
	uint64_t took = time_ns > c->last_ns ? time_ns - c->last_ns : 0;
	bool long_one = took >= 1000 && took >= packet_duration(c->m, c->p) / 5;

	duration_text(time_ns - packet_hop(c->m, c->p, 0)->time_ns, total, sizeof(total));
	if (took)
		duration_text(took, delta, sizeof(delta));
	c->last_ns = time_ns;
	fputs("  ", c->t->out);
	term_cell(c->t, STYLE_PLAIN, -(int)c->number_width, number);
	fputs("  ", c->t->out);
	term_cell(c->t, STYLE_PLAIN, -7, total);
	fputs("  ", c->t->out);
	term_cell(c->t, long_one ? STYLE_WARN : STYLE_DIM, -7, delta);
	fputs("  ", c->t->out);
	term_cell(c->t, layer_style(layer), 9, layer);
	fputs("  ", c->t->out);
}

/* What a function answered; what is bad is said in a sentence.  Of a BPF program, what it decided. */
static enum style answer_note(const struct model *m, const struct trc_hop *result, const char *mark, char *buf, size_t size)
{
	const char *action = action_name(hop_func(m, result), result->value);
	struct answer a;

	if (action) {
		snprintf(buf, size, "%s %s", mark, action);
		return action_drops(hop_func(m, result), result->value) ? STYLE_BAD : STYLE_NETFILTER;
	}
	answer_of(m, hop_func(m, result)->name, result->value, &a);
	if (!*a.word)
		snprintf(buf, size, "%s returns %d", mark, result->value);
	else
		snprintf(buf, size, a.so == SO_BAD && *a.meaning ? "%s %s: %s" : "%s %s", mark, a.word, a.meaning);
	return a.so == SO_BAD ? STYLE_BAD : STYLE_DIM;
}

/* Reported as a drop, but without a reason, and of a packet that had its end otherwise. */
static bool is_no_drop(const struct path *c, const struct trc_hop *h)
{
	return h->kind == TRC_DROP && c->p->fate != FATE_DROPPED && !strcmp(model_drop_reason(c->m, h->value), "NOT_SPECIFIED");
}

/* What there is to say of a hop beyond its name; "" for most. */
static enum style hop_note(struct path *c, const struct row *r, char *buf, size_t size)
{
	const struct trc_hop *h = packet_hop(c->m, c->p, r->first);
	const struct trc_hop *result = r->result == NO_HOP ? NULL : packet_hop(c->m, c->p, r->result);
	char hook[64];

	*buf = '\0';
	if (is_no_drop(c, h)) {
		snprintf(buf, size, "freed here, without a reason");
		return STYLE_DIM;
	}
	if (h->kind == TRC_DROP) {
		snprintf(buf, size, "✗ dropped here: %s", model_drop_reason(c->m, h->value));
		return STYLE_BAD;
	}
	if (h->kind == TRC_RETURN)
		return answer_note(c->m, h, "↩", buf, size);
	if (hop_is_hook(c->m, h) && h->kind == TRC_DERIVED) {
		bool drops = packet_drop_hook(c->m, c->p) == r->first;

		snprintf(buf, size, "%s%s", hook_text(h, hook, sizeof(hook)), drops ? " → DROP" : "");
		return drops ? STYLE_BAD : STYLE_NETFILTER;
	}
	if (hop_is_hook(c->m, h)) {
		const char *verdict = result ? verdict_name(result->value) : "verdict not seen";

		snprintf(buf, size, "%s → %s", hook_text(h, hook, sizeof(hook)), verdict);
		return !result ? STYLE_WARN : strcmp(verdict, "DROP") ? STYLE_NETFILTER : STYLE_BAD;
	}
	return result ? answer_note(c->m, result, "→", buf, size) : STYLE_DIM;
}

/* After the function on the same line where it fits, otherwise below it. */
static void print_note(struct path *c, enum style s, unsigned int column, unsigned int at, const char *note)
{
	if (c->t->width && at + text_width(note) > c->t->width) {
		at = c->note_column + 2;
		fprintf(c->t->out, "\n%*s", (int)at, "");
	} else {
		fprintf(c->t->out, "%*s", (int)(at - column), "");
	}
	term_wrap(c->t, s, at, c->note_column + 2, note);
}

static void print_reason(struct path *c, const struct trc_hop *h)
{
	char text[1024];

	if (!*reason_text(h->kind == TRC_DROP ? model_drop_reason(c->m, h->value) : action_name(hop_func(c->m, h), h->value),
			  hop_func(c->m, h)->name, text, sizeof(text)))
		return;
	fprintf(c->t->out, "%*s", (int)c->note_column + 2, "");
	term_wrap(c->t, STYLE_PLAIN, c->note_column + 2, c->note_column + 2, text);
}

/* Innermost first, as it is recorded. */
static int print_stack(const struct path *c, const struct trc_hop *h)
{
	const struct stack *s = hop_stack(c->m, h);
	unsigned int at = c->note_column + 2;
	char *text = NULL;
	size_t size;
	FILE *out;

	if (!s || !s->count)
		return 0;
	out = open_memstream(&text, &size);
	if (!out)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->count; i++)
		fprintf(out, "%s%s", i ? " ← " : "", c->m->funcs[s->frames[i]].name);
	if (fclose(out) || !text) {
		free(text);
		return -ENOMEM;
	}
	fprintf(c->t->out, "%*s", (int)at, "");
	term_wrap(c->t, STYLE_DIM, at, at, text);
	free(text);
	return 0;
}

static void print_hop(struct path *c, const struct row *r)
{
	const struct trc_hop *h = packet_hop(c->m, c->p, r->first);
	const struct func *f = hop_func(c->m, h);
	const bool derived = h->kind == TRC_DERIVED;
	unsigned int width = text_width(f->name) + derived, column, at;
	const char *device = hop_device(c, h);
	enum style s, name = is_no_drop(c, h) ? STYLE_PLAIN : h->kind == TRC_DROP ? STYLE_BAD : hop_is_hook(c->m, h) ? STYLE_BOLD : derived ? STYLE_DIM : STYLE_PLAIN;
	char number[16], note[192];

	snprintf(number, sizeof(number), "%u", r->first + 1);
	path_columns(c, number, h->time_ns, f->layer);
	s = hop_note(c, r, note, sizeof(note));
	term_print(c->t, name, "%s%s", derived ? "~" : "", f->name);
	c->derived |= derived;
	column = c->note_column + width;
	at = c->note_column + (width < c->function_width ? c->function_width : width) + 2;
	if (c->device_width && *device) {
		fprintf(c->t->out, "%*s", (int)(at - column), "");
		term_print(c->t, STYLE_DIM, "%s", device);
		column = at + text_width(device);
	}
	at = c->device_width ? at + c->device_width + 2 : column + 2;
	if (at < column + 2)
		at = column + 2;
	if (*note)
		print_note(c, s, column, at, note);
	else
		putc('\n', c->t->out);
	if (h->kind == TRC_DROP && !is_no_drop(c, h))
		print_reason(c, h);
	else if (c->p->fate == FATE_DROPPED && (c->p->fate_hop == r->first || c->p->fate_hop == r->result))
		print_reason(c, packet_hop(c->m, c->p, c->p->fate_hop));
}

static void print_repeat(struct path *c, const struct row *r)
{
	fprintf(c->t->out, "%*s", (int)(2 + c->number_width + 2), "");
	term_print(c->t, STYLE_DIM, "↻ ");
	if (r->period == 1)
		term_print(c->t, STYLE_DIM, "that hop %u times more", r->times);
	else
		term_print(c->t, STYLE_DIM, "those %u hops %u times more", r->period, r->times);
	term_print(c->t, STYLE_DIM, " (hops %u-%u)\n", r->first + 1, r->last + 1);
	c->last_ns = packet_hop(c->m, c->p, r->last)->time_ns;
}

/* The names of the freeing functions once each, in order; consecutive doubles are not repeated. */
static int print_freed(struct path *c, const struct row *r)
{
	const struct trc_hop *h = packet_hop(c->m, c->p, r->first), *before = NULL;
	char *text = NULL, number[32];
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return -ENOMEM;
	fprintf(out, "freed by");
	for (uint32_t i = r->first; i <= r->last; i++) {
		const struct trc_hop *x = packet_hop(c->m, c->p, i);

		if (!hop_enters(x) || (before && !strcmp(hop_func(c->m, before)->name, hop_func(c->m, x)->name)))
			continue;
		fprintf(out, "%s %s", before ? "," : "", hop_func(c->m, x)->name);
		before = x;
	}
	fprintf(out, " (hops %u-%u)", r->first + 1, r->last + 1);
	if (fclose(out) || !text) {
		free(text);
		return -ENOMEM;
	}
	snprintf(number, sizeof(number), "%u", r->first + 1);
	path_columns(c, number, h->time_ns, hop_func(c->m, h)->layer);
	term_wrap(c->t, STYLE_DIM, c->note_column, c->note_column, text);
	free(text);
	return 0;
}

/* --- the packet as a whole --------------------------------------------------------------------------------------- */

/* With its headers, which are added one by one: at the first hop that has those of IP, if any. */
static uint32_t packet_length(const struct model *m, const struct packet *p)
{
	uint32_t len = 0;

	for (uint32_t i = 0; i < p->nhops; i++) {
		const struct trc_hop *h = packet_hop(m, p, i);

		if (h->have & (TRC_HAVE_IP4 | TRC_HAVE_IP6))
			return h->len_bytes;
		if (h->len_bytes > len)
			len = h->len_bytes;
	}
	return len;
}

static void head_line(const struct path *c, enum style s, const char *label, const char *text)
{
	fputs("  ", c->t->out);
	term_cell(c->t, STYLE_DIM, 5, label);
	fputs("  ", c->t->out);
	term_wrap(c->t, s, 9, 9, text);
}

static void head_birth(const struct path *c)
{
	char stack[640], call[64], text[768];

	if (!c->p->nframes)
		return;
	packet_stack_text(c->m, c->p, stack, sizeof(stack));
	if (packet_syscall(c->m, c->p, call, sizeof(call)))
		snprintf(text, sizeof(text), "%s(2) → %s", call, stack);
	else
		snprintf(text, sizeof(text), "%s", stack);
	head_line(c, STYLE_PLAIN, "born", text);
}

/* What a reader must know to read what follows. */
static void head_notes(const struct path *c)
{
	const struct packet *p = c->p;
	char text[256];

	if (p->tuple_of) {
		snprintf(text, sizeof(text), "it showed no headers itself; the addresses are those of packet %u, its kin", p->tuple_of);
		head_line(c, STYLE_PLAIN, "kin", text);
	}
	if (p->into && p->fate != FATE_MERGED) {
		snprintf(text, sizeof(text), "its data is in packet %u from then on", p->into);
		head_line(c, STYLE_PLAIN, "kin", text);
	}
	if (p->like) {
		snprintf(text, sizeof(text), "not all its tracepoints have stacks; functions as in packet %u, which met the same ones", p->like);
		head_line(c, STYLE_WARN, "note", text);
	}
	if (c->m->underived && p->number >= c->m->underived)
		head_line(c, STYLE_WARN, "note", "functions on its stacks are not shown: the recording has too many (--stack shows the stacks)");
}

static void print_head(const struct path *c)
{
	const struct packet *p = c->p;
	char text[512], fate[256], time[32];

	term_print(c->t, STYLE_BOLD, "packet %u: %s\n", p->number, packet_text(c->m, p, text, sizeof(text)));
	packet_fate_text(c->m, p, fate, sizeof(fate));
	if ((p->fate == FATE_DROPPED || p->fate == FATE_DELIVERED) && p->fate_hop < p->nhops)
		snprintf(text, sizeof(text), "%s, in %s (hop %u)", fate, packet_last_function(c->m, p), packet_last_hop(c->m, p) + 1);
	else
		snprintf(text, sizeof(text), "%s", fate);
	head_line(c, fate_style(p->fate), "fate", text);
	head_birth(c);
	snprintf(text, sizeof(text), "%s, %u hops, %u bytes", duration_text(packet_duration(c->m, p), time, sizeof(time)),
		 p->nhops - p->nderived, packet_length(c->m, p));
	head_line(c, STYLE_PLAIN, "took", text);
	head_notes(c);
	if (p->gone) {
		snprintf(text, sizeof(text), "%s went while this was recorded: a missing hop proves nothing", p->gone);
		head_line(c, STYLE_WARN, "gone", text);
	}
	if (p->lossy)
		head_line(c, STYLE_WARN, "loss", "hops were lost while this packet lived: a missing hop proves nothing");
	putc('\n', c->t->out);
}

static void print_titles(struct path *c)
{
	fputs("  ", c->t->out);
	term_cell(c->t, STYLE_DIM, -(int)c->number_width, "hop");
	term_print(c->t, STYLE_DIM, "     time        +  layer      function\n");
}

static int print_row(struct path *c, const struct row *r, unsigned int how)
{
	const struct trc_hop *h = packet_hop(c->m, c->p, r->first);
	bool first = !r->first;		/* what made it may be of the same moment */
	int err = path_kin(c, first ? h->time_ns : h->time_ns - !!h->time_ns);

	if (!err && r->kind != ROW_REPEAT)
		err = path_mark(c, h);
	if (err)
		return err;
	if (r->kind == ROW_FREED)
		return print_freed(c, r);
	if (r->kind == ROW_REPEAT) {
		print_repeat(c, r);
		return 0;
	}
	print_hop(c, r);
	return how & PATH_STACKS ? print_stack(c, h) : 0;
}

int show_path(const struct term *t, const struct model *m, const struct packet *p, unsigned int how)
{
	struct path c = { .t = t, .m = m, .p = p };
	struct rows rows;
	int err = rows_build(&rows, m, p, how & PATH_EVERY);

	if (err)
		return err;
	path_measure(&c, &rows);
	print_head(&c);
	print_titles(&c);
	if (p->nhops)
		c.last_ns = packet_hop(m, p, 0)->time_ns;
	for (size_t i = 0; i < rows.count && !err; i++)
		err = print_row(&c, &rows.row[i], how);
	err = err ?: path_kin(&c, UINT64_MAX);
	if (!err && c.derived)
		term_print(t, STYLE_DIM, "\n  ~ found on the kernel stack of the event below it, not recorded as a hop of its own\n");
	if (!err && rows.count < p->nhops)
		term_print(t, STYLE_DIM, "\n  %u hops in %zu lines; --all gives each its own\n", p->nhops, rows.count);
	rows_free(&rows);
	return err;
}
