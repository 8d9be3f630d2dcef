// SPDX-License-Identifier: GPL-2.0
/*
 * model_gone.c - packets of what went while they were recorded: a network namespace, a kernel module.
 *
 * When a namespace ends the kernel frees what is under way in it: that such a packet was dropped, or was not seen to
 * end, may come from there.  A module takes its probes with it: what a packet did not do there proves nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model_private.h"

struct gone {
	struct map *netns;		/* inode number -> index into netns_why */
	const char **netns_why;
	size_t nnetns;
	const char **module_why;	/* by function id; NULL: it stayed */
};

static const char *why(struct model *m, const char *what, const char *name)
{
	char text[TRC_STRING_MAX + 32];

	snprintf(text, sizeof(text), "%s %s", what, name);
	return arena_text(&m->priv->arena, text);
}

enum { SEEN_BEGIN = 1, SEEN_END = 2 };

/* When each namespace was looked at; any is what holds for all of them together. */
static int netns_seen(const struct model *m, struct map *seen, uint32_t *any)
{
	const struct snapshot *s;
	uint32_t had;
	size_t i;

	for (i = 0; i < m->nsnapshots; i++) {
		s = &m->snapshots[i];
		had = map_get(seen, s->netns);
		had = (had == NONE ? 0 : had) | (s->end ? SEEN_END : SEEN_BEGIN);
		*any |= s->netns ? had : 0;
		if (map_put(seen, s->netns, had))
			return -ENOMEM;
	}
	return 0;
}

/* Looked at when the recording began, and not any more when it ended, though others were. */
static int netns_find(struct model *m, struct gone *g, struct map *seen)
{
	uint32_t any = 0, netns;
	size_t i;

	if (netns_seen(m, seen, &any))
		return -ENOMEM;
	for (i = 0; any & SEEN_END && i < m->nnetns; i++) {
		netns = m->netns[i].netns;
		if (map_get(seen, netns) != SEEN_BEGIN)
			continue;
		g->netns_why[g->nnetns] = why(m, "network namespace", model_netns(m, netns));
		if (!g->netns_why[g->nnetns] || map_put(g->netns, netns, g->nnetns++))
			return -ENOMEM;
	}
	return 0;
}

/* Is the word among those of a list that blanks separate? */
static bool lists(const char *list, const char *word)
{
	size_t length = strlen(word);
	const char *at;

	for (at = list; length && (at = strstr(at, word)); at += length)
		if ((at == list || at[-1] == ' ') && (!at[length] || at[length] == ' '))
			return true;
	return false;
}

static int modules_find(struct model *m, struct gone *g)
{
	const char *list = model_fact(m, "modules.unloaded");
	size_t i;

	if (!*list)
		return 0;
	g->module_why = calloc(m->nfuncs + 1, sizeof(*g->module_why));
	if (!g->module_why)
		return -ENOMEM;
	for (i = 0; i < m->nfuncs; i++) {
		if (!lists(list, m->funcs[i].module))
			continue;
		g->module_why[i] = why(m, "module", m->funcs[i].module);
		if (!g->module_why[i])
			return -ENOMEM;
	}
	return 0;
}

static const char *hop_gone(const struct gone *g, const struct packet *p, const struct trc_hop *h)
{
	bool ended = p->fate != FATE_IN_FLIGHT && p->fate != FATE_DROPPED;
	uint32_t at;

	if (g->module_why && g->module_why[h->func])
		return g->module_why[h->func];
	at = !ended && g->nnetns ? map_get(g->netns, h->netns) : NONE;
	return at == NONE ? NULL : g->netns_why[at];
}

static void packets_mark(struct model *m, const struct gone *g)
{
	struct packet *p;
	uint32_t n;
	size_t i;

	for (i = 0; i < m->npackets; i++) {
		p = &m->packets[i];
		for (n = 0; n < p->nhops && !p->gone; n++)
			p->gone = hop_gone(g, p, packet_hop(m, p, n));
	}
}

int gone_place(struct model *m)
{
	struct gone g = { .netns = map_new(), .netns_why = calloc(m->nnetns + 1, sizeof(*g.netns_why)) };
	struct map *seen = map_new();
	int err = -ENOMEM;

	if (g.netns && g.netns_why && seen)
		err = netns_find(m, &g, seen);
	err = err ? err : modules_find(m, &g);
	if (!err && (g.nnetns || g.module_why))
		packets_mark(m, &g);
	map_free(seen);
	map_free(g.netns);
	free(g.netns_why);
	free(g.module_why);
	return err;
}
