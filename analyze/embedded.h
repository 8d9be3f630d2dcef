/* SPDX-License-Identifier: GPL-2.0 */
/*
 * embedded.h - the files of schema/ inside the program.
 */
#ifndef PKT_EMBEDDED_H
#define PKT_EMBEDDED_H

extern const char embedded_functions[];		/* each ends with a zero */
extern const char embedded_tracepoints[];
extern const char embedded_actions[];
extern const char embedded_hooks[];
extern const char embedded_reasons[];
extern const char embedded_returns[];
extern const char embedded_waits[];
extern const char embedded_tables[];
extern const char embedded_snapshots[];
extern const char embedded_things[];
extern const char embedded_causes[];
extern const char embedded_aliases[];
extern const char embedded_rules[];
extern const char embedded_routes[];
extern const char embedded_qdiscs[];
extern const char embedded_sayings[];
extern const char embedded_hop[];		/* schema/hop.sql */
extern const char embedded_views[];

struct embedded_query {
	const char *name;	/* without the @ */
	const char *sql;	/* its first line is a comment: what it answers */
};

extern const struct embedded_query embedded_queries[];	/* ends with a name of NULL */

#endif
