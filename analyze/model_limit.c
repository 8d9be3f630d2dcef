// SPDX-License-Identifier: GPL-2.0
/*
 * model_limit.c - how much memory a recording may take once it is unpacked.
 *
 * Compression makes anything possible: 20 KiB can claim ten million hops.  What a hop, a packet or a name costs is
 * known, so the sum is compared with a limit that grows with the file, before it is spent.
 */
#include <errno.h>

#include "model_private.h"

/* A hop that is not packed, and while a packet's are sorted two keys and the end of a run for each. */
#define HOP_BYTES (sizeof(struct trc_hop) + sizeof(uint32_t))
#define HOP_SORT_BYTES (2 * sizeof(struct sort_key) + sizeof(size_t))

/* Beside each namespace, device and process: its name's place, and what it takes of a map that is being doubled. */
#define NAME_BYTES (sizeof(char *) + 6 * (sizeof(uint64_t) + 2 * sizeof(uint32_t)))

/* Beside each edge: its place in two packets' lists, and while they are sorted another copy, two keys and the end of a run. */
#define EDGE_BYTES (2 * sizeof(struct edge) + 2 * sizeof(uint32_t) + 2 * sizeof(struct sort_key) + sizeof(size_t))

static size_t maps_bytes(const struct model_private *v)
{
	const struct map *maps[] = {
		v->func_ids, v->packet_ids, v->cpus, v->netns_names, v->link_names, v->procs, v->stack_ids,
		v->func_use_ids, v->place_ids,
	};
	size_t sum = 0, largest = 0, i;

	for (i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
		size_t bytes = map_bytes(maps[i]);

		sum += bytes;
		if (bytes > largest)
			largest = bytes;
	}
	return sum + 2 * largest;	/* one of them may have to double, beside the old one */
}

static size_t model_bytes(const struct model *m)
{
	const struct model_private *v = m->priv;

	/* rooms double, but what is not used yet is not memory yet: so the numbers count and not the rooms */
	return hops_store_bytes(v->store) + hops_store_ring_hops(m) * HOP_BYTES +
	       hops_store_largest(v->store) * HOP_SORT_BYTES + m->npackets * (sizeof(*m->packets) + sizeof(*m->unpacked)) +
	       v->nfunc_uses * sizeof(*v->func_uses) + m->nplaces * sizeof(*m->places) +
	       m->nfuncs * (sizeof(*m->funcs) + sizeof(*v->known) + sizeof(*v->calls) + sizeof(*v->entries)) +
	       m->nnetns * sizeof(*m->netns) + m->nlinks * sizeof(*m->links) + m->nprocs * sizeof(*m->procs) +
	       (m->nnetns + m->nlinks + m->nprocs) * NAME_BYTES +
	       m->nfacts * sizeof(*m->facts) + m->nlosses * sizeof(*m->losses) +
	       m->nenums * 2 * sizeof(*m->enums) +	/* qsort() takes as much again */
	       m->nstacks * sizeof(*m->stacks) + m->nedges * EDGE_BYTES + capture_bytes(m) +
	       v->nbirths * sizeof(*v->births) + v->nnames * sizeof(*v->names) + v->arena.bytes + maps_bytes(v);
}

size_t model_limit(uint64_t file_bytes)
{
	uint64_t limit = file_bytes > SIZE_MAX / MODEL_MEMORY_PER_BYTE ? SIZE_MAX : file_bytes * MODEL_MEMORY_PER_BYTE;

	return limit > MODEL_MEMORY_LEAST ? limit : MODEL_MEMORY_LEAST;
}

int model_fits(const struct model *m)
{
	/* indexes are 32 bits, NONE is none */
	if (m->nhops >= NONE || m->nedges >= NONE / 2 || m->priv->nnames >= NONE || m->priv->rows > MODEL_NAMES_MAX)
		return -E2BIG;
	return model_bytes(m) > model_limit(m->health.bytes) ? -E2BIG : 0;
}

int hops_fit(const struct model *m, size_t more)
{
	if (m->nhops + more >= NONE)
		return -E2BIG;
	/* as if none were packed: the file does not show them */
	return model_bytes(m) + more * (HOP_BYTES + HOP_SORT_BYTES) > model_limit(m->health.bytes) ? -E2BIG : 0;
}
