// SPDX-License-Identifier: GPL-2.0
/*
 * show_explain.c - print the story of one packet, or of the few packets that matter.
 */
#include <stdlib.h>
#include <string.h>

#include "explain.h"
#include "show.h"

#define MAIN_MAX 10		/* stories that are still read */
#define LABEL_WIDTH 10

/* Labels have the colour of their layer in a path; the end has that of the fate. */
static enum style label_style(const char *label, enum fate fate)
{
	static const struct { const char *label; enum style style; } labels[] = {
		{ "To IP", STYLE_IP }, { "IP receive", STYLE_IP }, { "Routing", STYLE_IP }, { "Forward", STYLE_IP }, { "Neighbour", STYLE_IP },
		{ "Fragments", STYLE_IP }, { "Netfilter", STYLE_NETFILTER }, { "Rule", STYLE_NETFILTER }, { "Address", STYLE_NETFILTER },
		{ "Queue", STYLE_DEVICE }, { "Driver", STYLE_DEVICE }, { "Receive", STYLE_DEVICE }, { "Backlog", STYLE_DEVICE },
		{ "Loopback", STYLE_DEVICE }, { "Bridge", STYLE_DEVICE }, { "Tunnel", STYLE_DEVICE }, { "Header", STYLE_DEVICE },
		{ "TCP", STYLE_TRANSPORT }, { "ICMP", STYLE_TRANSPORT }, { "Protocol", STYLE_TRANSPORT }, { "Socket", STYLE_TRANSPORT },
		{ "Read", STYLE_TRANSPORT }, { "Not known", STYLE_WARN },
	};

	if (!strcmp(label, "End"))
		return fate_style(fate);
	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
		if (!strcmp(labels[i].label, label))
			return labels[i].style;
	return STYLE_MARK;
}

static void explain_text(const struct term *t, const struct model *m, const struct packet *p, const struct explain *e)
{
	const char *label = NULL;
	char tuple[160];

	term_print(t, STYLE_BOLD, "packet %u: %s", p->number, packet_text(m, p, tuple, sizeof(tuple)));
	fputs(", ", t->out);
	term_print(t, fate_style(p->fate), "%s", fate_name(p->fate));
	fputs("\n\n", t->out);
	for (size_t i = 0; i < e->count; i++) {
		const struct explain_step *step = &e->steps[i];

		fputs("  ", t->out);
		term_cell(t, label_style(step->label, p->fate), LABEL_WIDTH, label && !strcmp(step->label, label) ? "" : step->label);
		fputs("  ", t->out);
		term_wrap(t, strcmp(step->label, "End") || p->fate != FATE_DROPPED ? STYLE_PLAIN : STYLE_BAD, LABEL_WIDTH + 4, LABEL_WIDTH + 4, step->text);
		label = step->label;
	}
}

static void explain_json(const struct term *t, const struct packet *p, const struct explain *e)
{
	for (size_t i = 0; i < e->count; i++) {
		struct json j;

		json_begin(&j, t->out);
		json_number(&j, "packet", p->number);
		json_number(&j, "step", i + 1);
		json_text(&j, "label", e->steps[i].label);
		json_text(&j, "text", e->steps[i].text);
		json_end(&j);
	}
}

static int explain_one(const struct term *t, const struct model *m, const struct packet *p, const struct explain_system *system, bool as_json)
{
	struct explain e;
	int err = explain_packet(&e, m, p, system);

	if (err)
		return err;
	if (as_json)
		explain_json(t, p, &e);
	else
		explain_text(t, m, p, &e);
	explain_free(&e);
	return 0;
}

int show_explain(const struct term *t, const struct model *m, const struct packet *p, bool as_json)
{
	struct explain_system system;
	int err = explain_system_open(&system, m) ?: explain_one(t, m, p, &system, as_json);

	explain_system_close(&system);
	return err;
}

static int explain_main(const struct term *t, const struct model *m, const struct explain_system *system, bool as_json)
{
	const bool filtered = packets_selected(m) < m->npackets;
	size_t told = 0, left = 0, quiet = 0;

	for (size_t i = 0; i < m->npackets; i++) {
		const struct packet *p = &m->packets[i];
		int err;

		if (p->left_out)
			continue;
		if (!filtered && packet_is_housekeeping(p)) {
			quiet++;
			continue;
		}
		if (told == MAIN_MAX) {
			left++;
			continue;
		}
		if (told++ && !as_json)
			putc('\n', t->out);
		err = explain_one(t, m, p, system, as_json);
		if (err)
			return err;
	}
	if ((left || quiet || !told) && !as_json)
		term_print(t, STYLE_DIM, "%s%zu packet%s explained; left out: %zu of ARP, neighbour discovery, multicast reports or unknown headers, %zu more (--packet N --explain)\n",
			   told ? "\n" : "", told, told == 1 ? "" : "s", quiet, left);
	return 0;
}

int show_explain_main(const struct term *t, const struct model *m, bool as_json)
{
	struct explain_system system;
	int err = explain_system_open(&system, m) ?: explain_main(t, m, &system, as_json);

	explain_system_close(&system);
	return err;
}
