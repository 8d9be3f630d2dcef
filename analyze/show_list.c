// SPDX-License-Identifier: GPL-2.0
/*
 * show_list.c - the packets of a recording, a line each.
 *
 * libsmartcols fits the columns into the terminal: the functions give way first, then the tuple, then the fate.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "show.h"
#include "show_table.h"

enum { COL_NUMBER, COL_TIME, COL_PLACE, COL_TUPLE, COL_WAY, COL_FATE, COL_TOOK, NCOLS };

static const struct table_column columns[NCOLS] = {
	[COL_NUMBER] = { "#", 1, SCOLS_FL_RIGHT },
	[COL_TIME] = { "time", 1, SCOLS_FL_RIGHT },
	[COL_PLACE] = { "born in", 0.1, SCOLS_FL_TRUNC },
	[COL_TUPLE] = { "packet", 0.25, SCOLS_FL_TRUNC },
	[COL_WAY] = { "first → last function", 0.2, SCOLS_FL_TRUNC },
	[COL_FATE] = { "fate", 0.25, SCOLS_FL_TRUNC },
	[COL_TOOK] = { "took", 1, SCOLS_FL_RIGHT },
};

static int list_line(struct libscols_table *tb, const struct term *t, const struct model *m, const struct packet *p)
{
	struct libscols_line *line = scols_table_new_line(tb, NULL);
	char word[256];
	int err;

	if (!line)
		return -ENOMEM;
	snprintf(word, sizeof(word), "%u", p->number);
	err = scols_line_set_data(line, COL_NUMBER, word);
	snprintf(word, sizeof(word), "%.6f", packet_time(m, p) / 1e9);
	err = err ?: scols_line_set_data(line, COL_TIME, word);
	err = err ?: scols_line_set_data(line, COL_PLACE, packet_place(m, p, word, sizeof(word)));
	err = err ?: scols_line_set_data(line, COL_TUPLE, packet_tuple(p, word, sizeof(word)));
	snprintf(word, sizeof(word), "%s → %s", p->nhops ? hop_func(m, packet_hop(m, p, 0))->name : "",
		 packet_last_function(m, p));
	err = err ?: scols_line_set_data(line, COL_WAY, word);
	err = err ?: scols_line_set_data(line, COL_FATE, packet_fate_text(m, p, word, sizeof(word)));
	err = err ?: scols_line_set_data(line, COL_TOOK, duration_text(packet_duration(m, p), word, sizeof(word)));
	if (!err && t->color)
		err = scols_cell_set_color(scols_line_get_cell(line, COL_FATE), style_code(t, fate_style(p->fate)));
	return err;
}

int show_list(const struct term *t, const struct model *m)
{
	struct libscols_table *tb = table_new(t);
	int err = tb ? table_columns(tb, columns, NCOLS) : -ENOMEM;

	for (size_t i = 0; i < m->npackets && !err; i++)
		err = list_line(tb, t, m, &m->packets[i]);
	if (!err)
		err = scols_print_table(tb);
	scols_unref_table(tb);
	if (!err && !m->npackets)
		fputs("no packets\n", t->out);
	return err;
}
