// SPDX-License-Identifier: GPL-2.0
/*
 * show_kin.c - where a packet came from and what came from it, in words: clone of packet 3, segmented into packets 5-9.
 */
#include <stdlib.h>
#include <string.h>

#include "show.h"

#define NUMBERS_MAX 8		/* that are named; more are counted */

static const struct {
	const char *child;	/* of the child: "clone of packet 3" */
	const char *parent;	/* of the parent: "cloned: packet 5" */
} words[TRC_EDGE_LAST + 1] = {
	[0] = { "kin of", "related:" },
	[TRC_EDGE_CLONE] = { "clone of", "cloned:" },
	[TRC_EDGE_COPY] = { "copy of", "copied:" },
	[TRC_EDGE_SEGMENT] = { "segment of", "segmented into" },
	[TRC_EDGE_FRAGMENT] = { "fragment of", "fragmented into" },
	[TRC_EDGE_MERGE] = { "takes the data of", "merged into" },
	[TRC_EDGE_COALESCE] = { "takes the data of", "its data is appended to" },
	[TRC_EDGE_REASSEMBLE] = { "reassembled from", "reassembled into" },
	[TRC_EDGE_SPLIT] = { "split off", "split:" },
	[TRC_EDGE_REBUILD] = { "rebuilt from", "rebuilt as" },
	[TRC_EDGE_ENCAPSULATE] = { "carries", "travels inside" },
};

static uint32_t known_kind(uint32_t kind)
{
	return kind <= TRC_EDGE_LAST ? kind : 0;
}

static uint32_t other_end(const struct edge *e, const struct packet *p)
{
	return e->child == p->number ? e->parent : e->child;
}

static bool is_child(const struct edge *e, const struct packet *p)
{
	return e->child == p->number;
}

uint32_t kin_alike(const struct model *m, const struct packet *p, uint32_t at, uint64_t until_ns)
{
	const struct edge *e = &m->edges[p->kin[at]], *next;
	uint32_t n = 1;

	for (; at + n < p->nkin; n++) {
		next = &m->edges[p->kin[at + n]];
		if (next->kind != e->kind || next->func != e->func || is_child(next, p) != is_child(e, p) || next->time_ns > until_ns)
			break;
	}
	return n;
}

/* "3", "3-9", "3, 5, 8 and 12 more": numbers that follow each other become ranges */
static void numbers_print(FILE *out, const struct model *m, const struct packet *p, uint32_t at, uint32_t n)
{
	uint32_t first, last, named = 0, i = 0, unknown = 0;

	while (i < n) {
		first = last = other_end(&m->edges[p->kin[at + i]], p);
		if (!first) {
			unknown++;
			i++;
			continue;
		}
		if (named == NUMBERS_MAX)
			break;
		for (i++; i < n && other_end(&m->edges[p->kin[at + i]], p) == last + 1; i++)
			last++;
		fprintf(out, named++ ? ", %u" : "%u", first);
		if (last != first)
			fprintf(out, "-%u", last);
	}
	if (i < n)
		fprintf(out, " and %u more", n - i);
	if (unknown)
		fprintf(out, named ? " and %u that were not recorded" : "%u that were not recorded", unknown);
}

/* The number of a packet's last hop until then; its first if there is none. */
static uint32_t hop_at(const struct model *m, const struct packet *p, uint64_t time_ns)
{
	uint32_t low = 0, high = p->nhops, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (packet_hop(m, p, middle)->time_ns <= time_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? low : 1;
}

char *kin_text(const struct model *m, const struct packet *p, uint32_t at, uint32_t n)
{
	const struct edge *e = &m->edges[p->kin[at]];
	uint32_t kind = known_kind(e->kind), other = other_end(e, p);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fprintf(out, "%s ", is_child(e, p) ? words[kind].child : words[kind].parent);
	if (n == 1 && !other) {
		fputs("a packet that was not recorded", out);
	} else {
		fputs(n == 1 ? "packet " : "packets ", out);
		numbers_print(out, m, p, at, n);
	}
	if (n == 1 && other && is_child(e, p))
		fprintf(out, " (hop %u)", hop_at(m, &m->packets[other - 1], e->time_ns));
	if (strcmp(m->funcs[e->func].name, "?"))
		fprintf(out, ", in %s", m->funcs[e->func].name);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

static size_t side_text(const struct model *m, const struct packet *p, bool children, char *buf, size_t size)
{
	uint32_t named = 0, more = 0;
	size_t used = 0;

	*buf = '\0';
	for (uint32_t i = 0; i < p->nkin; i++) {
		const struct edge *e = &m->edges[p->kin[i]];

		if (is_child(e, p) == children || !other_end(e, p))
			continue;
		if (named == 3) {
			more++;
			continue;
		}
		used += snprintf(buf + used, size - used, "%s%u", named++ ? "," : "", other_end(e, p));
	}
	if (more)
		used += snprintf(buf + used, size - used, ",…");
	return used;
}

const char *packet_kin_text(const struct model *m, const struct packet *p, char *buf, size_t size)
{
	char parents[64], children[64];
	bool any = side_text(m, p, false, parents, sizeof(parents)) + side_text(m, p, true, children, sizeof(children));

	*buf = '\0';
	if (any)
		snprintf(buf, size, "%s%s%u%s%s", parents, *parents ? " > " : "", p->number, *children ? " > " : "", children);
	return buf;
}
