// SPDX-License-Identifier: GPL-2.0
/*
 * columns.c - the list of columns of a unit of hops.  An id is never given to another column.
 */
#include "columns.h"

#define COLUMN(number, type, member) \
	{ .id = number, .kind = COLUMN_##type, .offset = offsetof(struct trc_hop, member), .name = #member }
#define WORD(number, member, index) \
	{ .id = number, .kind = COLUMN_U32, .network = true, .name = #member #index, \
	  .offset = offsetof(struct trc_hop, member) + 4 * index }

const struct column columns[NCOLUMNS] = {
	[AT_TIME] = COLUMN(1, U64, time_ns),
	[AT_FUNC] = COLUMN(2, U32, func),
	[AT_PACKET] = COLUMN(3, U64, packet),
	[AT_KIND] = COLUMN(4, U8, kind),
	[AT_VALUE] = COLUMN(5, I32, value),
	[AT_HAVE] = COLUMN(6, U8, have),
	[AT_LEN] = COLUMN(7, U32, len_bytes),
	[AT_CONTEXT] = COLUMN(8, U8, context),
	[AT_PID] = COLUMN(9, U32, pid),
	[AT_IFINDEX] = COLUMN(10, U32, ifindex),
	[AT_NETNS] = COLUMN(11, U32, netns),
	[AT_HOOK] = COLUMN(12, U8, hook),
	[AT_FAMILY] = COLUMN(13, U8, family),
	[AT_STACK] = COLUMN(36, U32, stack),
	[AT_SEQ] = COLUMN(14, COUNTER, seq),
	[AT_PAGED] = COLUMN(15, U32, paged_bytes),
	[AT_MARK] = COLUMN(16, U32, mark),
	[AT_TCP_SEQ] = COLUMN(17, U32, tcp_seq),
	[AT_ETHERTYPE] = COLUMN(18, U16, ethertype),
	[AT_SPORT] = COLUMN(19, U16, sport),
	[AT_DPORT] = COLUMN(20, U16, dport),
	[AT_IP_ID] = COLUMN(21, U16, ip_id),
	[AT_FRAG] = COLUMN(22, U16, frag),
	[AT_GSO_SIZE] = COLUMN(23, U16, gso_size),
	[AT_GSO_SEGS] = COLUMN(24, U16, gso_segs),
	[AT_L4PROTO] = COLUMN(25, U8, l4proto),
	[AT_TTL] = COLUMN(26, U8, ttl),
	[AT_TCP_FLAGS] = COLUMN(27, U8, tcp_flags),
	[AT_SADDR] = WORD(28, saddr, 0),
	[AT_SADDR + 1] = WORD(29, saddr, 1),
	[AT_SADDR + 2] = WORD(30, saddr, 2),
	[AT_SADDR + 3] = WORD(31, saddr, 3),
	[AT_DADDR] = WORD(32, daddr, 0),
	[AT_DADDR + 1] = WORD(33, daddr, 1),
	[AT_DADDR + 2] = WORD(34, daddr, 2),
	[AT_DADDR + 3] = WORD(35, daddr, 3),
};
