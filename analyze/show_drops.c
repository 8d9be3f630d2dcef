// SPDX-License-Identifier: GPL-2.0
/*
 * show_drops.c - what died, grouped by reason, function, hook and namespace; the largest group first.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "show.h"
#include "show_table.h"

#define EXAMPLES 3

struct drop {
	const struct packet *packet;
	const char *reason, *function;
	char hook[64];
	uint32_t netns;
	bool has_netns;
	size_t count;		/* of the group; set in its first member */
	size_t no_loss;		/* of them; likewise: a clone of each was delivered */
};

static int drop_compare(const void *va, const void *vb)
{
	const struct drop *a = va, *b = vb;
	int c = strcmp(a->reason, b->reason) ?: strcmp(a->function, b->function) ?: strcmp(a->hook, b->hook);

	if (!c && a->netns != b->netns)
		c = a->netns < b->netns ? -1 : 1;
	return c;
}

static int drop_order(const void *va, const void *vb)
{
	const struct drop *a = va, *b = vb;

	if (drop_compare(a, b))
		return drop_compare(a, b);
	return a->packet->number < b->packet->number ? -1 : a->packet->number > b->packet->number;
}

static void drop_fill(struct drop *d, const struct model *m, const struct packet *p)
{
	uint32_t hook = packet_drop_hook(m, p);

	d->packet = p;
	d->reason = packet_reason(m, p);
	d->function = packet_last_function(m, p);
	if (hook != NO_HOP)
		hook_text(packet_hop(m, p, hook), d->hook, sizeof(d->hook));
	for (uint32_t i = 0; i < p->nhops && i <= p->fate_hop; i++) {
		const struct trc_hop *h = packet_hop(m, p, i);

		if (h->have & TRC_HAVE_NETNS) {
			d->has_netns = true;
			d->netns = h->netns;	/* the last one seen is where it died */
		}
	}
}

static size_t drops_collect(struct drop **out, const struct model *m)
{
	struct drop *drops = calloc(m->npackets + 1, sizeof(*drops));
	size_t n = 0;

	*out = drops;
	for (size_t i = 0; drops && i < m->npackets; i++)
		if (m->packets[i].fate == FATE_DROPPED && !m->packets[i].left_out)
			drop_fill(&drops[n++], m, &m->packets[i]);
	if (n)
		qsort(drops, n, sizeof(*drops), drop_order);
	for (size_t i = 0; i < n; i += drops[i].count)
		while (i + drops[i].count < n && !drop_compare(&drops[i], &drops[i + drops[i].count])) {
			drops[i].no_loss += packet_delivered_clone(m, drops[i + drops[i].count].packet) != NULL;
			drops[i].count++;
		}
	return n;
}

/* The first of each group, largest group first. */
static int group_order(const void *va, const void *vb)
{
	const struct drop *const *a = va, *const *b = vb;

	if ((*a)->count != (*b)->count)
		return (*a)->count > (*b)->count ? -1 : 1;
	return (*a)->packet->number < (*b)->packet->number ? -1 : 1;
}

static struct drop **drops_group(struct drop *drops, size_t n, size_t *ngroups)
{
	struct drop **groups = calloc(n + 1, sizeof(*groups));

	*ngroups = 0;
	for (size_t i = 0; groups && i < n; i += drops[i].count)
		groups[(*ngroups)++] = &drops[i];
	if (*ngroups)
		qsort(groups, *ngroups, sizeof(*groups), group_order);
	return groups;
}

static const char *examples_text(const struct drop *d, char *buf, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < d->count && i < EXAMPLES; i++)
		used += snprintf(buf + used, size - used, "%s%u", i ? ", " : "", d[i].packet->number);
	if (d->count > EXAMPLES)
		snprintf(buf + used, size - used, ", …");
	return buf;
}

static const struct table_column columns[] = {
	{ "count", 1, SCOLS_FL_RIGHT }, { "reason", 1, 0 }, { "dropped in", 1, 0 }, { "hook", 1, 0 },
	{ "netns", 1, 0 }, { "packets", 1, 0 }, { "first of them", 0.3, SCOLS_FL_TRUNC },
};

static int drops_table(const struct term *t, const struct model *m, struct drop **groups, size_t n)
{
	struct libscols_table *tb = table_new(t);
	int err = tb ? table_columns(tb, columns, sizeof(columns) / sizeof(columns[0])) : -ENOMEM;

	for (size_t i = 0; i < n && !err; i++) {
		const struct drop *d = groups[i];
		struct libscols_line *line = scols_table_new_line(tb, NULL);
		char word[192];

		if (!line) {
			err = -ENOMEM;
			break;
		}
		snprintf(word, sizeof(word), "%zu", d->count);
		err = scols_line_set_data(line, 0, word);
		err = err ?: scols_line_set_data(line, 1, d->reason);
		err = err ?: scols_line_set_data(line, 2, d->function);
		err = err ?: scols_line_set_data(line, 3, d->hook);
		err = err ?: scols_line_set_data(line, 4, d->has_netns ? model_netns(m, d->netns) : "");
		err = err ?: scols_line_set_data(line, 5, examples_text(d, word, sizeof(word)));
		err = err ?: scols_line_set_data(line, 6, packet_text(m, d->packet, word, sizeof(word)));
	}
	err = err ?: scols_print_table(tb);
	scols_unref_table(tb);
	return err;
}

/* Each meaning once, in plain words; reasons lie together because drop_order() compares them first. */
static void drops_meaning(const struct term *t, const struct drop *drops, size_t n)
{
	for (size_t i = 0; i < n; i += drops[i].count) {
		const char *reason = drops[i].reason;
		char text[1024], words[1152], before[1024] = "";

		if (i && !strcmp(drops[i - 1].reason, reason))
			reason_text(reason, drops[i - 1].function, before, sizeof(before));
		if (!*reason_text(reason, drops[i].function, text, sizeof(text)) || !strcmp(text, before))
			continue;
		snprintf(words, sizeof(words), "%s: %s", reason, text);
		putc('\n', t->out);
		term_wrap(t, STYLE_PLAIN, 0, 2, words);
	}
}

/* Ping and the like: a socket got a clone, and the kernel reports that nobody wanted the original. */
static void drops_no_loss(const struct term *t, struct drop **groups, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct drop *d = groups[i];
		char words[512];

		if (!d->no_loss)
			continue;
		snprintf(words, sizeof(words), "%s in %s: %zu of %zu %s no loss: a socket got a clone, and only the original found no other taker.",
			 d->reason, d->function, d->no_loss, d->count, d->no_loss == 1 ? "is" : "are");
		putc('\n', t->out);
		term_wrap(t, STYLE_GOOD, 0, 2, words);
	}
}

static void drops_json(const struct term *t, const struct model *m, struct drop **groups, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct drop *d = groups[i];
		char there[128], word[192];
		const char *reason = reason_there(d->reason, d->function, there, sizeof(there));
		struct json j;

		json_begin(&j, t->out);
		json_number(&j, "count", d->count);
		json_number(&j, "no_loss", d->no_loss);
		json_text(&j, "reason", d->reason);
		json_text(&j, "function", d->function);
		json_text(&j, "hook", d->hook);
		json_text(&j, "netns", d->has_netns ? model_netns(m, d->netns) : "");
		json_number(&j, "first_packet", d->packet->number);
		json_list(&j, "packets");
		for (size_t k = 0; k < d->count; k++)
			json_number(&j, NULL, d[k].packet->number);
		json_list_end(&j);
		json_text(&j, "first_tuple", packet_text(m, d->packet, word, sizeof(word)));
		json_text(&j, "meaning", reason_meaning(reason));
		json_text(&j, "advice", reason_advice(reason));
		json_end(&j);
	}
}

int show_drops(const struct term *t, const struct model *m, bool as_json)
{
	struct drop *drops, **groups;
	size_t ngroups, n = drops_collect(&drops, m);
	int err = 0;

	groups = drops_group(drops, n, &ngroups);
	if (!drops || !groups) {
		err = -ENOMEM;
	} else if (as_json) {
		drops_json(t, m, groups, ngroups);
	} else if (!n) {
		fprintf(t->out, "none of %zu packets was dropped\n", packets_selected(m));
	} else {
		err = drops_table(t, m, groups, ngroups);
		if (!err)
			drops_meaning(t, drops, n);
		if (!err)
			drops_no_loss(t, groups, ngroups);
	}
	free(groups);
	free(drops);
	return err;
}
