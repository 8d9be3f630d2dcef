/* SPDX-License-Identifier: GPL-2.0 */
/*
 * columns.h - the columns of a unit of hops: their ids, how they lie in memory, which change is expected.
 *
 * Internal to trace/.  The encoder names its columns by their place in this list, the decoder by what the unit lists.
 */
#ifndef TRC_COLUMNS_H
#define TRC_COLUMNS_H

#include "unit.h"

enum column_kind {
	COLUMN_U8 = 1,
	COLUMN_U16 = 2,
	COLUMN_U32 = 4,
	COLUMN_U64 = 8,
	COLUMN_I32 = 0x14,
	COLUMN_COUNTER = 0x28,	/* 64 bits, grows by one with each row: then it did not change */
	COLUMN_WIDTH = 0x0f,	/* bytes of it */
};

#define COLUMNS_MAX 64		/* bits of a mask */
#define COLUMN_NAME_MAX 64

/* What changes most comes first: its bits make short masks. */
enum column_place {
	AT_TIME, AT_FUNC, AT_PACKET, AT_KIND, AT_VALUE, AT_HAVE, AT_LEN, AT_CONTEXT, AT_PID, AT_IFINDEX, AT_NETNS, AT_HOOK,
	AT_FAMILY, AT_STACK, AT_SEQ, AT_PAGED, AT_MARK, AT_TCP_SEQ, AT_ETHERTYPE, AT_SPORT, AT_DPORT, AT_IP_ID, AT_FRAG,
	AT_GSO_SIZE, AT_GSO_SEGS, AT_L4PROTO, AT_TTL, AT_TCP_FLAGS, AT_SADDR, AT_DADDR = AT_SADDR + 4, NCOLUMNS = AT_DADDR + 4,
};

struct column {
	uint8_t id;		/* for ever */
	uint8_t kind;		/* enum column_kind */
	bool network;		/* in memory in network order, in the file a number */
	uint16_t offset;	/* in struct trc_hop */
	const char *name;
};

extern const struct column columns[NCOLUMNS];

static_assert(NCOLUMNS <= COLUMNS_MAX, "each column has a bit");

#endif
