// SPDX-License-Identifier: GPL-2.0
/*
 * embedded.c - the files of schema/, assembled into the program as they are.
 */
#include "embedded.h"

#define EMBED(symbol, path)				\
	__asm__(".section .rodata\n"			\
		".balign 16\n"				\
		".global " #symbol "\n"			\
		#symbol ":\n"				\
		".incbin \"" path "\"\n"		\
		".byte 0\n"				\
		".previous\n")

/* The ready queries, in the order in which they are listed */
#define QUERIES(Q)											\
	Q(packets) Q(paths) Q(flows) Q(processes) Q(births) Q(devices)	/* what there was */		\
	Q(drops) Q(rules) Q(verdicts) Q(counters)				/* what was decided */		\
	Q(nat) Q(kin) Q(asymmetric) Q(roundtrips) Q(retransmissions)	/* what happened on the way */	\
	Q(slowest) Q(waits) Q(layers) Q(sending) Q(delivery) Q(qdiscs) Q(cpus)	/* where time went */	\
	Q(functions) Q(refused) Q(losses)					/* what can be trusted */

EMBED(embedded_functions, "schema/functions.tsv");
EMBED(embedded_tracepoints, "schema/tracepoints.tsv");
EMBED(embedded_actions, "schema/actions.tsv");
EMBED(embedded_hooks, "schema/hooks.tsv");
EMBED(embedded_reasons, "schema/reasons.tsv");
EMBED(embedded_returns, "schema/returns.tsv");
EMBED(embedded_waits, "schema/waits.tsv");
EMBED(embedded_tables, "schema/tables.sql");
EMBED(embedded_snapshots, "schema/snapshots.sql");
EMBED(embedded_things, "schema/things.sql");
EMBED(embedded_causes, "schema/causes.tsv");
EMBED(embedded_aliases, "schema/aliases.tsv");
EMBED(embedded_rules, "schema/rules.sql");
EMBED(embedded_routes, "schema/routes.sql");
EMBED(embedded_qdiscs, "schema/qdiscs.tsv");
EMBED(embedded_sayings, "schema/sayings.tsv");
EMBED(embedded_hop, "schema/hop.sql");
EMBED(embedded_views, "schema/views.sql");

#define QUERY_EMBED(name)				\
	extern const char embedded_query_##name[];	\
	EMBED(embedded_query_##name, "schema/queries/" #name ".sql");
QUERIES(QUERY_EMBED)

#define QUERY_ROW(name) { #name, embedded_query_##name },
const struct embedded_query embedded_queries[] = { QUERIES(QUERY_ROW) {} };
