/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sql_columns.h - the columns of hop_row: their numbers, and how a hop becomes a value.
 */
#ifndef PKT_SQL_COLUMNS_H
#define PKT_SQL_COLUMNS_H

#include <sqlite3.h>

#include "model.h"

/* Columns in the order of schema/hop.sql. */
enum column {
	COL_RECORDING, COL_PACKET, COL_HOP, COL_TIME, COL_AT, COL_DELTA, COL_KIND, COL_FUNC, COL_CPU, COL_SEQ, COL_CONTEXT,
	COL_PID, COL_NETNS, COL_IFINDEX, COL_LEN, COL_PAGED, COL_MARK, COL_ETHERTYPE, COL_PROTO, COL_SRC, COL_SPORT, COL_DST,
	COL_DPORT, COL_TTL, COL_IP_ID, COL_FRAG, COL_TCP_FLAGS, COL_TCP_SEQ, COL_GSO, COL_GSO_SEGMENTS, COL_HOOK, COL_FAMILY,
	COL_VERDICT, COL_REASON, COL_VALUE, COL_STACK,
};

/* The value of a column other than COL_RECORDING; NULL where the hop does not show it. */
void hop_column(sqlite3_context *ctx, const struct model *m, const struct packet *p, uint32_t hop, int column);

#endif
