// SPDX-License-Identifier: GPL-2.0
/*
 * show_table.c - a libsmartcols table that behaves as the rest of our output: same stream, width and colour.
 */
#include "show_table.h"

struct libscols_table *table_new(const struct term *t)
{
	struct libscols_table *tb = scols_new_table();

	if (!tb)
		return NULL;
	scols_table_set_stream(tb, t->out);
	scols_table_enable_colors(tb, t->color);
	scols_table_set_column_separator(tb, "  ");
	if (t->width) {
		scols_table_set_termforce(tb, SCOLS_TERMFORCE_ALWAYS);
		scols_table_set_termwidth(tb, t->width);
	} else {
		scols_table_set_termforce(tb, SCOLS_TERMFORCE_NEVER);
	}
	return tb;
}

int table_columns(struct libscols_table *tb, const struct table_column *columns, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!scols_table_new_column(tb, columns[i].name, columns[i].width, columns[i].flags))
			return -ENOMEM;
	return 0;
}
