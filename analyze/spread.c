// SPDX-License-Identifier: GPL-2.0
/*
 * spread.c - many times in a few numbers: least, most, percentiles of the nearest rank; a histogram.
 *
 * Whole nanoseconds throughout, so that every number is one that was measured.
 */
#include <stdlib.h>

#include "latency.h"

static int compare_numbers(const void *va, const void *vb)
{
	const uint64_t *a = va, *b = vb;

	return (*a > *b) - (*a < *b);
}

static uint64_t percentile(const uint64_t *sorted, size_t n, unsigned int percent)
{
	return sorted[(n * percent + 99) / 100 - 1];
}

struct spread spread_of(uint64_t *ns, size_t n)
{
	struct spread s = { .count = n };
	size_t i;

	if (!n)
		return s;
	qsort(ns, n, sizeof(*ns), compare_numbers);
	s.min_ns = ns[0];
	s.p50_ns = percentile(ns, n, 50);
	s.p90_ns = percentile(ns, n, 90);
	s.p99_ns = percentile(ns, n, 99);
	s.max_ns = ns[n - 1];
	for (i = 0; i < n; i++)
		s.total_ns = time_add(s.total_ns, ns[i]);
	return s;
}

/* Bounds are 1, 2, 5, 10, 20, 50, ...: what people read on a scale.  The last one has no end. */
static uint64_t bound_after(uint64_t bound)
{
	static const uint64_t most = UINT64_MAX / 10;
	uint64_t ten = 1;

	while (ten <= most && ten * 10 <= bound)
		ten *= 10;
	if (ten > most)		/* 10^19: twice as much is no number */
		return UINT64_MAX;
	return bound < 2 * ten ? 2 * ten : bound < 5 * ten ? 5 * ten : 10 * ten;
}

size_t histogram_of(const struct latency *l, struct bucket *buckets)
{
	uint64_t from = 0, to = 1;
	size_t n = 0, i = l->npackets;

	while (i > 0) {		/* they lie slowest first */
		struct bucket b = { from, to, 0 };

		while (i > 0 && (l->packets[i - 1].took_ns < to || to == UINT64_MAX)) {
			b.packets++;
			i--;
		}
		if (n || b.packets)
			buckets[n++] = b;
		from = to;
		to = bound_after(to);
	}
	return n;
}
