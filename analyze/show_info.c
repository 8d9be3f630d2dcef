// SPDX-License-Identifier: GPL-2.0
/*
 * show_info.c - everything a recording knows about itself: facts, the file's state, losses, namespaces, devices, snapshots.
 */
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "show.h"
#include "show_table.h"

static void heading(const struct term *t, const char *text)
{
	putc('\n', t->out);
	term_print(t, STYLE_BOLD, "%s\n", text);
}

static void info_file(const struct term *t, const struct model *m)
{
	const struct trc_health *h = &m->health;

	heading(t, "file");
	fprintf(t->out, "  id       ");
	for (size_t i = 0; i < sizeof(h->recording); i++)
		fprintf(t->out, "%02x", h->recording[i]);
	fprintf(t->out, "\n  units    %" PRIu64 " good, %" PRIu64 " damaged, %" PRIu64 " of unknown kinds, %" PRIu64 " out of order\n",
		h->units, h->damaged, h->skipped, h->out_of_order);
	fprintf(t->out, "  bytes    %" PRIu64 ", %" PRIu64 " of them unreadable\n", h->bytes, h->bytes_bad);
	if (m->nhops) {
		char took[32];

		duration_text(m->last_ns - m->first_ns, took, sizeof(took));
		fprintf(t->out, "  hops     %zu of %zu packets within %s, %.1f bytes of the file each\n", m->nhops - m->nderived, m->npackets, took,
			(double)h->bytes / (m->nhops - m->nderived));
	}
	if (*model_fact(m, "recorder.piece"))
		fprintf(t->out, "  piece    %s of a recording that was rotated\n", model_fact(m, "recorder.piece"));
	fprintf(t->out, "  end      %s%s\n", m->end.reason ? m->end.reason : "the recorder did not come to its end",
		h->cut_short ? ", cut short" : "");
	fprintf(t->out, "  health   ");
	term_print(t, *m->trouble ? STYLE_BAD : STYLE_GOOD, "%s\n", *m->trouble ? m->trouble : "whole");
}

static void info_facts(const struct term *t, const struct model *m)
{
	unsigned int width = 0;

	heading(t, "facts");
	for (size_t i = 0; i < m->nfacts; i++)
		if (text_width(m->facts[i].key) > width)
			width = text_width(m->facts[i].key);
	if (width > 40)
		width = 40;
	for (size_t i = 0; i < m->nfacts; i++) {
		fputs("  ", t->out);
		term_cell(t, STYLE_DIM, width, m->facts[i].key);
		fputs("  ", t->out);
		term_wrap(t, STYLE_PLAIN, width + 4, width + 4, m->facts[i].value);
	}
}

struct info {
	const struct model *m;
	uint64_t *hops;			/* by CPU */
};

/* Print a table; each row is filled by fill(). */
static int info_table(const struct term *t, const struct table_column *columns, size_t ncolumns, size_t nrows,
		      int (*fill)(struct libscols_line *line, const struct info *in, size_t row), const struct info *in)
{
	struct libscols_table *tb = table_new(t);
	int err = tb ? table_columns(tb, columns, ncolumns) : -ENOMEM;

	for (size_t i = 0; i < nrows && !err; i++) {
		struct libscols_line *line = scols_table_new_line(tb, NULL);

		err = line ? fill(line, in, i) : -ENOMEM;
	}
	if (!err && nrows)
		err = scols_print_table(tb);
	scols_unref_table(tb);
	return err;
}

static int set_number(struct libscols_line *line, size_t column, uint64_t value)
{
	char word[32];

	snprintf(word, sizeof(word), "%" PRIu64, value);
	return scols_line_set_data(line, column, word);
}

static int fill_loss(struct libscols_line *line, const struct info *in, size_t row)
{
	const struct trc_loss *l = &in->m->losses[row];
	int err;

	err = set_number(line, 0, l->cpu);
	err = err ?: set_number(line, 1, l->produced);
	err = err ?: set_number(line, 2, l->recorded);
	err = err ?: set_number(line, 3, l->lost);
	err = err ?: set_number(line, 4, l->cpu <= UINT16_MAX ? in->hops[l->cpu] : 0);
	err = err ?: set_number(line, 5, l->missed);
	return err ?: set_number(line, 6, l->others_lost);
}

/* Of recorded hops; NULL: no memory. */
static uint64_t *hops_by_cpu(const struct model *m)
{
	uint64_t *hops = calloc(UINT16_MAX + 1, sizeof(*hops));

	for (size_t i = 0; hops && i < m->npackets; i++)
		for (uint32_t k = 0; k < m->packets[i].nhops; k++) {
			const struct trc_hop *h = packet_hop(m, &m->packets[i], k);

			hops[h->cpu] += h->kind != TRC_DERIVED;
		}
	return hops;
}

static int info_losses(const struct term *t, const struct model *m)
{
	static const struct table_column columns[] = {
		{ "  CPU", 1, SCOLS_FL_RIGHT }, { "produced", 1, SCOLS_FL_RIGHT }, { "recorded", 1, SCOLS_FL_RIGHT },
		{ "lost", 1, SCOLS_FL_RIGHT }, { "in this file", 1, SCOLS_FL_RIGHT }, { "probe hits missed", 1, SCOLS_FL_RIGHT },
		{ "stacks and names lost", 1, SCOLS_FL_RIGHT },
	};

	struct info in = { m, hops_by_cpu(m) };
	int err;

	if (!in.hops)
		return -ENOMEM;
	heading(t, "hops on each CPU");
	if (!m->nlosses)
		term_print(t, STYLE_WARN, "  not accounted for: the recorder did not come to its end\n");
	err = info_table(t, columns, sizeof(columns) / sizeof(columns[0]), m->nlosses, fill_loss, &in);
	free(in.hops);
	return err;
}

static int fill_link(struct libscols_line *line, const struct info *in, size_t row)
{
	const struct model *m = in->m;
	const struct link *l = &m->links[row];
	char word[160] = "  ";
	int err;

	snprintf(word, sizeof(word), "  %s", model_netns(m, l->netns));
	err = scols_line_set_data(line, 0, word);
	err = err ?: set_number(line, 1, l->ifindex);
	err = err ?: scols_line_set_data(line, 2, l->name);
	err = err ?: scols_line_set_data(line, 3, l->kind);
	err = err ?: scols_line_set_data(line, 4, l->flags & IFF_UP ? "up" : "down");
	err = err ?: set_number(line, 5, l->mtu);
	err = err ?: scols_line_set_data(line, 6, l->address);
	*word = '\0';
	if (l->peer_ifindex && l->peer_netns)
		snprintf(word, sizeof(word), "%s %s", model_netns(m, l->peer_netns), model_dev(m, l->peer_netns, l->peer_ifindex));
	return err ?: scols_line_set_data(line, 7, word);
}

static int info_links(const struct term *t, const struct model *m)
{
	static const struct table_column columns[] = {
		{ "  netns", 1, 0 }, { "index", 1, SCOLS_FL_RIGHT }, { "device", 1, 0 }, { "kind", 1, 0 }, { "state", 1, 0 },
		{ "mtu", 1, SCOLS_FL_RIGHT }, { "address", 1, 0 }, { "peer", 1, 0 },
	};

	struct info in = { .m = m };

	heading(t, "devices");
	return info_table(t, columns, sizeof(columns) / sizeof(columns[0]), m->nlinks, fill_link, &in);
}

/* What there is of kinds that older recordings do not have. */
static void info_more(const struct term *t, const struct model *m)
{
	if (m->nsnapshots) {
		heading(t, "snapshots of network namespaces (--snapshot)");
		show_snapshots(t, m);
	}
	if (!m->nstacks && !m->nedges && !m->ndatas)
		return;
	heading(t, "besides hops");
	fprintf(t->out, "  %zu different kernel stacks, %zu derived hops\n", m->nstacks, m->nderived);
	fprintf(t->out, "  %zu packets that came from another\n", m->nedges);
	fprintf(t->out, "  %zu packets' bytes\n", m->ndatas);
}

static void info_names(const struct term *t, const struct model *m)
{
	const char *type = NULL;

	heading(t, "network namespaces");
	for (size_t i = 0; i < m->nnetns; i++)
		fprintf(t->out, "  %u  %s\n", m->netns[i].netns, *m->netns[i].name ? m->netns[i].name : "(unnamed)");
	heading(t, "processes seen");
	for (size_t i = 0; i < m->nprocs; i++)
		if (model_proc_is_last(m, i))
			fprintf(t->out, "  %u  %s%s%s\n", m->procs[i].pid, m->procs[i].name, *m->procs[i].command ? "  " : "",
				m->procs[i].command);
	heading(t, "the kernel's own names");
	for (size_t i = 0, n; i < m->nenums; i += n) {
		type = m->enums[i].type;
		for (n = 1; i + n < m->nenums && !strcmp(m->enums[i + n].type, type); n++)
			;
		fprintf(t->out, "  %s: %zu members\n", type, n);
	}
	fprintf(t->out, "  functions: %zu (pktshow --functions)\n", m->nfuncs);
}

/* --- the same as JSON: an object a line, and "what" says of which kind it is ----------------------------------------- */

static struct json object(FILE *out, const char *what)
{
	struct json j;

	json_begin(&j, out);
	json_text(&j, "what", what);
	return j;
}

static void file_json(FILE *out, const struct model *m)
{
	const struct trc_health *h = &m->health;
	struct json j = object(out, "file");
	char id[2 * sizeof(h->recording) + 1];

	for (size_t i = 0; i < sizeof(h->recording); i++)
		snprintf(id + 2 * i, 3, "%02x", h->recording[i]);
	json_text(&j, "id", id);
	json_number(&j, "units", h->units);
	json_number(&j, "units_damaged", h->damaged);
	json_number(&j, "units_unknown", h->skipped);
	json_number(&j, "units_out_of_order", h->out_of_order);
	json_number(&j, "bytes", h->bytes);
	json_number(&j, "bytes_unreadable", h->bytes_bad);
	json_number(&j, "hops", m->nhops - m->nderived);
	json_number(&j, "hops_derived", m->nderived);
	json_number(&j, "packets", m->npackets);
	json_number(&j, "duration_ns", m->nhops ? m->last_ns - m->first_ns : 0);
	json_text(&j, "end", m->end.reason ? m->end.reason : "");
	json_bool(&j, "cut_short", h->cut_short);
	json_text(&j, "trouble", m->trouble);
	json_number(&j, "stacks", m->nstacks);
	json_number(&j, "lineage_edges", m->nedges);
	json_number(&j, "payloads", m->ndatas);
	json_number(&j, "functions", m->nfuncs);
	json_end(&j);
}

static void links_json(FILE *out, const struct model *m)
{
	for (size_t i = 0; i < m->nlinks; i++) {
		const struct link *l = &m->links[i];
		struct json j = object(out, "device");

		json_text(&j, "netns", model_netns(m, l->netns));
		json_number(&j, "ifindex", l->ifindex);
		json_text(&j, "device", l->name);
		json_text(&j, "kind", l->kind);
		json_bool(&j, "up", l->flags & IFF_UP);
		json_number(&j, "mtu_bytes", l->mtu);
		json_text(&j, "address", l->address);
		if (l->peer_ifindex && l->peer_netns) {
			json_text(&j, "peer_netns", model_netns(m, l->peer_netns));
			json_text(&j, "peer_device", model_dev(m, l->peer_netns, l->peer_ifindex));
		}
		json_end(&j);
	}
}

static void names_json(FILE *out, const struct model *m)
{
	for (size_t i = 0; i < m->nnetns; i++) {
		struct json j = object(out, "netns");

		json_number(&j, "netns_id", m->netns[i].netns);
		json_text(&j, "netns", m->netns[i].name);
		json_end(&j);
	}
	for (size_t i = 0; i < m->nprocs; i++) {
		struct json j;

		if (!model_proc_is_last(m, i))
			continue;
		j = object(out, "process");
		json_number(&j, "pid", m->procs[i].pid);
		json_text(&j, "process", m->procs[i].name);
		json_text(&j, "command", m->procs[i].command);
		json_end(&j);
	}
	for (size_t i = 0; i < m->nsnapshots; i++) {
		const struct snapshot *s = &m->snapshots[i];
		struct json j = object(out, "snapshot");

		json_text(&j, "snapshot", s->what);
		json_text(&j, "netns", model_netns(m, s->netns));
		json_text(&j, "moment", s->end ? "end" : "start");
		json_text(&j, "source", s->source);
		json_text(&j, "note", s->note);
		json_bool(&j, "whole", !s->broken);
		json_number(&j, "bytes", strlen(s->text));
		json_end(&j);
	}
}

static int losses_json(FILE *out, const struct model *m)
{
	uint64_t *hops = hops_by_cpu(m);

	if (!hops)
		return -ENOMEM;
	for (size_t i = 0; i < m->nlosses; i++) {
		const struct trc_loss *l = &m->losses[i];
		struct json j = object(out, "cpu");

		json_number(&j, "cpu", l->cpu);
		json_number(&j, "hops_produced", l->produced);
		json_number(&j, "hops_recorded", l->recorded);
		json_number(&j, "hops_lost", l->lost);
		json_number(&j, "hops_in_file", l->cpu <= UINT16_MAX ? hops[l->cpu] : 0);
		json_number(&j, "hits_missed", l->missed);
		json_number(&j, "others_lost", l->others_lost);
		json_end(&j);
	}
	free(hops);
	return 0;
}

int show_info_json(const struct term *t, const struct model *m)
{
	int err;

	file_json(t->out, m);
	for (size_t i = 0; i < m->nfacts; i++) {
		struct json j = object(t->out, "fact");

		json_text(&j, "fact", m->facts[i].key);
		json_text(&j, "value", m->facts[i].value);
		json_end(&j);
	}
	err = losses_json(t->out, m);
	links_json(t->out, m);
	names_json(t->out, m);
	return err;
}

int show_info(const struct term *t, const struct model *m)
{
	int err;

	show_header(t, m);
	info_file(t, m);
	info_facts(t, m);
	err = info_losses(t, m);
	err = err ?: info_links(t, m);
	if (!err)
		info_names(t, m);
	if (!err)
		info_more(t, m);
	return err;
}
