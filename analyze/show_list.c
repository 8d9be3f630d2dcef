// SPDX-License-Identifier: GPL-2.0
/*
 * show_list.c - the packets of a recording: a line each where the terminal is wide enough for it, two otherwise.
 *
 * Cutting columns to fit would cut what people look for, addresses and reasons; a second line costs less.
 */
#include <inttypes.h>
#include <string.h>

#include "show.h"

#define TOOK_WIDTH 7
#define FATE_MIN 23		/* "dropped: NETFILTER_DROP" */

enum { COL_NUMBER, COL_KIN, COL_TIME, COL_PLACE, COL_TUPLE, COL_WAY, COL_FATE, COL_TOOK, NCOLS };

static const struct { const char *name; bool right; } columns[NCOLS] = {
	[COL_NUMBER] = { "#", true },
	[COL_KIN] = { "kin" },		/* only where a recording has lineage */
	[COL_TIME] = { "time", true },
	[COL_PLACE] = { "born in" },
	[COL_TUPLE] = { "packet" },
	[COL_WAY] = { "first → last function" },
	[COL_FATE] = { "fate" },
	[COL_TOOK] = { "took", true },
};

/* The words of one packet. */
struct cells {
	char text[NCOLS][256];
};

static void cells_fill(struct cells *c, const struct model *m, const struct packet *p)
{
	const size_t size = sizeof(c->text[0]);

	snprintf(c->text[COL_NUMBER], size, "%u", p->number);
	packet_kin_text(m, p, c->text[COL_KIN], size);
	snprintf(c->text[COL_TIME], size, "%.6f", packet_time(m, p) / 1e9);
	packet_place(m, p, c->text[COL_PLACE], size);
	packet_text(m, p, c->text[COL_TUPLE], size);
	snprintf(c->text[COL_WAY], size, "%s → %s", packet_first_function(m, p), packet_last_function(m, p));
	packet_fate_text(m, p, c->text[COL_FATE], size);
	duration_text(packet_duration(m, p), c->text[COL_TOOK], size);
}

static void cells_title(struct cells *c)
{
	for (int k = 0; k < NCOLS; k++)
		snprintf(c->text[k], sizeof(c->text[k]), "%s", columns[k].name);
}

/* The widths that the columns want. */
static unsigned int list_measure(const struct model *m, unsigned int *widths)
{
	unsigned int sum = 2 * (NCOLS - 1 - !m->nedges);
	struct cells c;

	for (int k = 0; k < NCOLS; k++)
		widths[k] = k == COL_KIN && !m->nedges ? 0 : text_width(columns[k].name);
	for (size_t i = 0; i < m->npackets; i++) {
		if (m->packets[i].left_out)
			continue;
		cells_fill(&c, m, &m->packets[i]);
		for (int k = 0; k < NCOLS; k++)
			if (text_width(c.text[k]) > widths[k])
				widths[k] = text_width(c.text[k]);
	}
	for (int k = 0; k < NCOLS; k++)
		sum += widths[k];
	return sum;
}

static void wide_line(const struct term *t, enum style s, const unsigned int *widths, enum style fate, char (*text)[256])
{
	for (int k = 0; k < NCOLS - 1; k++) {
		if (!widths[k])
			continue;
		term_cell(t, k == COL_FATE ? fate : s, columns[k].right ? -(int)widths[k] : (int)widths[k], text[k]);
		fputs("  ", t->out);
	}
	term_cell(t, s, -(int)widths[COL_TOOK], text[COL_TOOK]);
	putc('\n', t->out);
}

static void list_wide(const struct term *t, const struct model *m, const unsigned int *widths)
{
	struct cells c;

	for (size_t i = 0; i < m->npackets; i++) {
		if (m->packets[i].left_out)
			continue;
		cells_fill(&c, m, &m->packets[i]);
		wide_line(t, STYLE_PLAIN, widths, fate_style(m->packets[i].fate), c.text);
	}
}

static void pair_line(const struct term *t, enum style s, const unsigned int *widths, enum style fate, char (*text)[256])
{
	term_cell(t, s, -(int)widths[COL_NUMBER], text[COL_NUMBER]);
	fputs("  ", t->out);
	term_cell(t, s, -(int)widths[COL_TIME], text[COL_TIME]);
	fputs("  ", t->out);
	if (text_width(text[COL_TUPLE]) > widths[COL_TUPLE]) {	/* addresses are whole: what follows has a line of its own */
		term_print(t, s, "%s", text[COL_TUPLE]);
		fprintf(t->out, "\n%*s", (int)(widths[COL_NUMBER] + 2 + widths[COL_TIME] + 2 + widths[COL_TUPLE]), "");
	} else {
		term_cell(t, s, widths[COL_TUPLE], text[COL_TUPLE]);
	}
	fputs("  ", t->out);
	term_cell(t, s, -TOOK_WIDTH, text[COL_TOOK]);
	fputs("  ", t->out);
	if (text_width(text[COL_FATE]) < widths[COL_FATE])
		term_print(t, fate, "%s", text[COL_FATE]);
	else
		term_cell(t, fate, widths[COL_FATE], text[COL_FATE]);
	putc('\n', t->out);
}

/* Two lines: what it is and what became of it; where it was born and its way. */
static void packet_narrow(const struct term *t, const struct model *m, const struct packet *p, const unsigned int *widths)
{
	unsigned int indent = widths[COL_NUMBER] + 2 + widths[COL_TIME] + 2;
	uint32_t hook = packet_drop_hook(m, p);
	char way[896], at[96] = "", word[64];
	struct cells c;

	cells_fill(&c, m, p);
	if (text_width(c.text[COL_FATE]) > widths[COL_FATE] && p->fate == FATE_DROPPED && packet_delivered_clone(m, p))
		snprintf(c.text[COL_FATE], sizeof(c.text[0]), "dropped, no loss");
	else if (text_width(c.text[COL_FATE]) > widths[COL_FATE])
		packet_fate_short(m, p, c.text[COL_FATE], sizeof(c.text[0]));
	pair_line(t, STYLE_PLAIN, widths, fate_style(p->fate), c.text);
	if (hook != NO_HOP)
		snprintf(at, sizeof(at), " at %s", hook_text(packet_hop(m, p, hook), word, sizeof(word)));
	snprintf(way, sizeof(way), "%s%s%s%s%s%s%s", *c.text[COL_KIN] ? "kin " : "", c.text[COL_KIN],
		 *c.text[COL_KIN] ? "; " : "", c.text[COL_PLACE], *c.text[COL_PLACE] ? ": " : "", c.text[COL_WAY], at);
	fprintf(t->out, "%*s", (int)indent, "");
	term_wrap(t, STYLE_DIM, indent, indent + 2, way);
}

static void narrow_fit(const struct term *t, unsigned int *widths)
{
	unsigned int indent = widths[COL_NUMBER] + 2 + widths[COL_TIME] + 2, rest;

	rest = t->width > indent + TOOK_WIDTH + 4 + FATE_MIN + 10 ? t->width - indent - TOOK_WIDTH - 4 - FATE_MIN : 10;
	if (widths[COL_TUPLE] > rest)
		widths[COL_TUPLE] = rest;
	rest = indent + widths[COL_TUPLE] + TOOK_WIDTH + 4;
	widths[COL_FATE] = t->width > rest + FATE_MIN ? t->width - rest : FATE_MIN;
}

static void list_narrow(const struct term *t, const struct model *m, unsigned int *widths)
{
	struct cells c;

	narrow_fit(t, widths);
	cells_title(&c);
	pair_line(t, STYLE_BOLD, widths, STYLE_BOLD, c.text);
	for (size_t i = 0; i < m->npackets; i++)
		if (!m->packets[i].left_out)
			packet_narrow(t, m, &m->packets[i], widths);
}

void show_list(const struct term *t, const struct model *m)
{
	unsigned int widths[NCOLS];
	struct cells c;

	if (!packets_selected(m)) {
		fputs(m->npackets ? "none of its packets is selected by the filter\n" : "no packets\n", t->out);
		return;
	}
	if (list_measure(m, widths) <= t->width || !t->width) {
		cells_title(&c);
		wide_line(t, STYLE_BOLD, widths, STYLE_BOLD, c.text);
		list_wide(t, m, widths);
	} else {
		list_narrow(t, m, widths);
	}
}

/* Of packets that are still to come: wide enough for most; a longer text moves what is behind it. */
static const unsigned int live_widths[NCOLS] = { 5, 0, 10, 24, 48, 44, 30, TOOK_WIDTH };
#define LIVE_WIDTH 180

void show_live_line(const struct term *t, const struct model *m)
{
	const bool wide = !t->width || t->width >= LIVE_WIDTH;
	const struct packet *p = m ? m->packets : NULL;
	unsigned int widths[NCOLS];
	struct cells c;

	memcpy(widths, live_widths, sizeof(widths));
	if (!wide)
		narrow_fit(t, widths);
	if (!p) {
		cells_title(&c);
		(wide ? wide_line : pair_line)(t, STYLE_BOLD, widths, STYLE_BOLD, c.text);
	} else if (!wide) {
		packet_narrow(t, m, p, widths);
	} else {
		cells_fill(&c, m, p);
		for (int k = 0; k < NCOLS; k++)
			if (text_width(c.text[k]) > widths[k])
				widths[k] = text_width(c.text[k]);
		wide_line(t, STYLE_PLAIN, widths, fate_style(p->fate), c.text);
	}
}
