// SPDX-License-Identifier: GPL-2.0
/*
 * alike.c - packets whose functions can be looked up in another.
 *
 * With pktrec --light only the first packets of a flow have stacks.  A later one that met the same tracepoints in the
 * same order very likely took the same functions: it is told where to look, and given nothing that it did not show.
 */
#include <errno.h>
#include <stdlib.h>

#include "model_private.h"
#include "spill.h"

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t n)
{
	const uint8_t *b = bytes;

	while (n--)
		hash = (hash ^ *b++) * 0x100000001b3;
	return hash;
}

struct look {
	uint64_t way;		/* hash of the flow and of its tracepoints */
	uint32_t events, stacks;
};

static struct look packet_look(const struct model *m, const struct packet *p)
{
	struct look l = { .way = hash_bytes(0xcbf29ce484222325, &p->tuple, sizeof(p->tuple)) };
	const struct trc_hop *h;
	uint32_t i;

	for (i = 0; i < p->nhops; i++) {
		h = packet_hop(m, p, i);
		if (h->kind == TRC_DERIVED)
			continue;
		l.way = hash_bytes(l.way, &h->func, sizeof(h->func));
		l.events++;
		l.stacks += hop_stack(m, h) != NULL;
	}
	return l;
}

/* looks[] is of all packets; best finds, by way, the one with most stacks. */
static int best_find(const struct model *m, struct look *looks, struct map *best)
{
	uint32_t other;
	size_t i;
	int err = 0;

	for (i = 0; i < m->npackets && !err; i++) {
		looks[i] = packet_look(m, &m->packets[i]);
		other = map_get(best, looks[i].way);
		if (other == NONE || looks[other].stacks < looks[i].stacks)
			err = map_put(best, looks[i].way, i);
	}
	return err;
}

int packets_liken(struct model *m)
{
	struct look *looks = m->nderived ? spill_array(m->npackets, sizeof(*looks)) : NULL;
	struct map *best = looks ? map_new() : NULL;
	struct packet *p;
	uint32_t other;
	size_t i;
	int err = best ? best_find(m, looks, best) : m->nderived ? -ENOMEM : 0;

	for (i = 0; best && i < m->npackets && !err; i++) {
		p = &m->packets[i];
		spill_look(4096);
		other = map_get(best, looks[i].way);
		if (looks[i].stacks < looks[i].events && looks[other].stacks > looks[i].stacks && m->packets[other].nderived > p->nderived)
			p->like = m->packets[other].number;
	}
	map_free(best);
	spill_free(looks);
	return err;
}
