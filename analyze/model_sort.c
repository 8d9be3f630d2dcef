// SPDX-License-Identifier: GPL-2.0
/*
 * model_sort.c - put hops into the order of time.
 *
 * A recording holds long runs that are sorted already (one CPU's hops of one unit), so runs are found and merged in
 * pairs: linear for one run, n log(runs) otherwise, never worse, whatever a hostile file holds.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model_private.h"
#include "spill.h"

static bool key_less(const struct sort_key *a, const struct sort_key *b)
{
	return a->first != b->first ? a->first < b->first : a->second < b->second;
}

/* Ends of the runs of keys, as many as *nruns; NULL: no memory */
static size_t *runs_find(const struct sort_key *keys, size_t n, size_t *nruns)
{
	size_t *ends = NULL, room = 0, i;

	*nruns = 0;
	for (i = 1; i <= n; i++) {
		if (i < n && !key_less(&keys[i], &keys[i - 1]))
			continue;
		if (grow((void **)&ends, *nruns, &room, sizeof(*ends))) {
			free(ends);
			return NULL;
		}
		ends[(*nruns)++] = i;
	}
	return ends;
}

static void merge(const struct sort_key *from, struct sort_key *to, size_t a, size_t b, size_t end)
{
	size_t at = a, middle = b;

	while (at < middle && b < end)
		*to++ = key_less(&from[b], &from[at]) ? from[b++] : from[at++];
	memcpy(to, from + at, (middle - at) * sizeof(*to));
	memcpy(to + (middle - at), from + b, (end - b) * sizeof(*to));
}

int sort_keys(struct sort_key *keys, size_t n)
{
	struct sort_key *from = keys, *to, *other, *swap;
	size_t *ends, nruns, i, k, start;

	if (n < 2)
		return 0;
	ends = runs_find(keys, n, &nruns);
	other = nruns > 1 ? spill_array(n, sizeof(*other)) : NULL;
	if (!ends || (nruns > 1 && !other)) {
		free(ends);
		return -ENOMEM;
	}
	for (to = other; nruns > 1; nruns = k) {
		for (i = k = start = 0; i < nruns; i += 2) {
			size_t last = i + 1 < nruns ? i + 1 : i;

			merge(from, to + start, start, ends[i], ends[last]);
			start = ends[k++] = ends[last];
		}
		swap = from;
		from = to;
		to = swap;
	}
	if (from != keys)
		memcpy(keys, from, n * sizeof(*keys));
	free(ends);
	spill_free(other);
	return 0;
}

/* hops[i] becomes the one that was at keys[i].index; follows the cycles of the permutation, without a second array. */
static void hops_permute(struct trc_hop *hops, struct sort_key *keys, size_t n)
{
	struct trc_hop first;
	size_t i, at, next;

	for (i = 0; i < n; i++) {
		if (keys[i].index == i)
			continue;
		first = hops[i];
		for (at = i; (next = keys[at].index) != i; at = next) {
			hops[at] = hops[next];
			keys[at].index = at;
		}
		hops[at] = first;
		keys[at].index = at;
	}
}

int hops_sort(struct trc_hop *hops, size_t n)
{
	struct sort_key *keys = spill_array(n, sizeof(*keys));
	size_t i;
	int err;

	if (!keys)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		keys[i] = (struct sort_key){ hops[i].time_ns, (uint64_t)hops[i].cpu << 48 | (hops[i].seq & 0xffffffffffff), i };
	err = sort_keys(keys, n);
	if (!err)
		hops_permute(hops, keys, n);
	spill_free(keys);
	return err;
}
