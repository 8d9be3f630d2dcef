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

#define QUERY(name)					\
	extern const char embedded_query_##name[];	\
	EMBED(embedded_query_##name, "schema/queries/" #name ".sql")

EMBED(embedded_functions, "schema/functions.tsv");
EMBED(embedded_tracepoints, "schema/tracepoints.tsv");
EMBED(embedded_actions, "schema/actions.tsv");
EMBED(embedded_hooks, "schema/hooks.tsv");
EMBED(embedded_reasons, "schema/reasons.tsv");
EMBED(embedded_returns, "schema/returns.tsv");
EMBED(embedded_waits, "schema/waits.tsv");
EMBED(embedded_tables, "schema/tables.sql");
EMBED(embedded_hop, "schema/hop.sql");
EMBED(embedded_views, "schema/views.sql");

QUERY(drops);
QUERY(functions);
QUERY(layers);
QUERY(packets);
QUERY(slowest);
QUERY(verdicts);

const struct embedded_query embedded_queries[] = {
	{ "drops", embedded_query_drops },
	{ "functions", embedded_query_functions },
	{ "layers", embedded_query_layers },
	{ "packets", embedded_query_packets },
	{ "slowest", embedded_query_slowest },
	{ "verdicts", embedded_query_verdicts },
	{}
};
