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

/* Which question a sentence answers; labels have the colour of their layer in a path, and the end has that of the fate. */
static const struct label {
	const char *label, *question;
	enum style style;
} labels[] = {
	{ "Origin", "origin", STYLE_MARK }, { "Kin", "kin", STYLE_MARK }, { "Makes", "kin", STYLE_MARK },
	{ "To IP", "to_ip", STYLE_IP }, { "Routing", "routing", STYLE_IP }, { "Forward", "routing", STYLE_IP },
	{ "Neighbour", "routing", STYLE_IP }, { "Fragments", "way", STYLE_IP },
	{ "Netfilter", "netfilter", STYLE_NETFILTER }, { "Rule", "rule", STYLE_NETFILTER }, { "Address", "address", STYLE_NETFILTER },
	{ "Header", "address", STYLE_DEVICE }, { "Queue", "leaving", STYLE_DEVICE }, { "Driver", "leaving", STYLE_DEVICE },
	{ "Loopback", "leaving", STYLE_DEVICE }, { "Crossing", "way", STYLE_MARK }, { "Context", "way", STYLE_MARK },
	{ "Bridge", "way", STYLE_DEVICE }, { "Tunnel", "way", STYLE_DEVICE }, { "Receive", "receiving", STYLE_DEVICE },
	{ "Backlog", "receiving", STYLE_DEVICE }, { "IP receive", "receiving", STYLE_IP }, { "TCP", "transport", STYLE_TRANSPORT },
	{ "ICMP", "transport", STYLE_TRANSPORT }, { "Protocol", "delivery", STYLE_TRANSPORT }, { "Socket", "delivery", STYLE_TRANSPORT },
	{ "Read", "delivery", STYLE_TRANSPORT }, { "End", "end", STYLE_MARK }, { "Why", "end", STYLE_MARK },
	{ "Not known", "not_known", STYLE_WARN },
};

static const struct label *label_find(const char *label)
{
	static const struct label other = { "", "way", STYLE_MARK };

	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
		if (!strcmp(labels[i].label, label))
			return &labels[i];
	return &other;
}

static enum style label_style(const char *label, enum fate fate)
{
	return strcmp(label, "End") ? label_find(label)->style : fate_style(fate);
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

/* What a sentence names: a key each, but of rules there may be several. */
static void things_json(struct json *j, const struct explain_step *step)
{
	bool list = false;

	for (size_t i = 0; i < step->nthings; i++) {
		const struct explain_thing *thing = &step->things[i];

		if (!thing->text) {
			json_number(j, thing->key, thing->number);
		} else if (strcmp(thing->key, "rules")) {
			json_text(j, thing->key, thing->text);
		} else {
			if (!list)
				json_list(j, "rules");
			list = true;
			json_text(j, NULL, thing->text);
			if (i + 1 == step->nthings || strcmp(step->things[i + 1].key, "rules"))
				json_list_end(j);
		}
	}
}

static void explain_json(const struct term *t, const struct packet *p, const struct explain *e)
{
	for (size_t i = 0; i < e->count; i++) {
		const struct explain_step *step = &e->steps[i];
		struct json j;

		json_begin(&j, t->out);
		json_number(&j, "packet", p->number);
		json_number(&j, "step", i + 1);
		json_text(&j, "question", label_find(step->label)->question);
		json_text(&j, "label", step->label);
		json_text(&j, "text", step->text);
		json_numbers(&j, "hops", step->hops, step->nhops);
		things_json(&j, step);
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
