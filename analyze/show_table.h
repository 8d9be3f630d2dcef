/* SPDX-License-Identifier: GPL-2.0 */
/*
 * show_table.h - a libsmartcols table for a struct term.
 */
#ifndef PKT_SHOW_TABLE_H
#define PKT_SHOW_TABLE_H

#include <errno.h>
#include <libsmartcols.h>

#include "render.h"

struct table_column {
	const char *name;
	double width;		/* hint: below 1 a share of the terminal, from 1 on the least number of columns */
	int flags;		/* SCOLS_FL_* */
};

struct libscols_table *table_new(const struct term *t);		/* NULL: no memory; free with scols_unref_table() */
int table_columns(struct libscols_table *tb, const struct table_column *columns, size_t n);	/* 0 or -ENOMEM */

#endif
