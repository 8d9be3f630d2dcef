// SPDX-License-Identifier: GPL-2.0
/*
 * show_fold.c - turn the hops of a packet into the rows worth reading.
 *
 * Three things are folded: a return onto the function it returns from, a sequence that repeats onto its first
 * round, and the freeing of the packet at the end into one row.  Every fold keeps the numbers of its hops.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "show.h"

#define OPEN_MAX 64		/* functions that wait for their return; the kernel nests far less */
#define PERIOD_MAX 4
#define REPEATS_MIN 3		/* shorter repetitions are read faster than they are explained */

uint32_t *packet_returns(const struct model *m, const struct packet *p)
{
	uint32_t *returns = malloc((p->nhops + 1) * sizeof(*returns)), open[OPEN_MAX];
	unsigned int nopen = 0;

	if (!returns)
		return NULL;
	for (uint32_t i = 0; i < p->nhops; i++) {
		const struct trc_hop *h = packet_hop(m, p, i);
		unsigned int k = nopen;

		returns[i] = NO_HOP;
		if (h->kind == TRC_ENTRY && hop_func(m, h)->flags & TRC_FUNC_RETURN) {
			if (nopen == OPEN_MAX)
				memmove(open, open + 1, --nopen * sizeof(open[0]));
			open[nopen++] = i;
		}
		if (h->kind != TRC_RETURN)
			continue;
		while (k > 0 && packet_hop(m, p, open[k - 1])->func != h->func)
			k--;
		if (k > 0) {
			returns[open[k - 1]] = i;
			returns[i] = i;
			nopen = k - 1;
		}
	}
	return returns;
}

/* Functions that may run on a packet whose release has begun: they do not end the tail. */
static bool may_be_tail(const struct model *m, const struct trc_hop *h)
{
	const struct func *f = hop_func(m, h);

	return h->kind == TRC_RETURN || (hop_enters(h) && (!strcmp(f->stage, "free") || !strcmp(f->layer, "skb") ||
		!strcmp(f->layer, "packet") || !strcmp(f->layer, "socket") || !strcmp(f->layer, "other")));
}

/* The first hop of the tail in which the packet is only freed; nhops when there is none. */
static uint32_t tail_start(const struct model *m, const struct packet *p)
{
	bool decided = p->fate == FATE_DROPPED || p->fate == FATE_DELIVERED;	/* by a hop that is no freeing */
	uint32_t floor = decided && p->fate_hop < p->nhops ? p->fate_hop + 1 : 1, i = p->nhops;

	while (i > floor && may_be_tail(m, packet_hop(m, p, i - 1)))
		i--;
	while (i < p->nhops && (!hop_enters(packet_hop(m, p, i)) || strcmp(hop_func(m, packet_hop(m, p, i))->stage, "free")))
		i++;
	return i;
}

static bool same_row(const struct model *m, const struct packet *p, const struct row *a, const struct row *b)
{
	const struct trc_hop *x = packet_hop(m, p, a->first), *y = packet_hop(m, p, b->first);

	return a->kind == ROW_HOP && b->kind == ROW_HOP && a->result == NO_HOP && b->result == NO_HOP &&
	       hop_enters(x) && x->kind == y->kind && !hop_is_hook(m, x) && !hop_is_hook(m, y) &&
	       x->func == y->func && x->cpu == y->cpu && x->context == y->context && x->netns == y->netns &&
	       x->ifindex == y->ifindex && (x->context != TRC_PROCESS || x->pid == y->pid);
}

/* How many rows from at on equal the row period before them. */
static size_t repeat_length(const struct model *m, const struct packet *p, const struct rows *in, size_t at, size_t period)
{
	size_t n = 0;

	while (at + n < in->count && same_row(m, p, &in->row[at + n - period], &in->row[at + n]))
		n++;
	return n;
}

/* In place: the result is never longer.  Linear, because what was compared and not folded is short. */
static void fold_repeats(struct rows *rows, const struct model *m, const struct packet *p)
{
	struct rows in = *rows;
	size_t out = 0;

	for (size_t i = 0; i < in.count;) {
		size_t period = 0, times = 0;

		for (size_t try = 1; try <= PERIOD_MAX && i + try < in.count && times < REPEATS_MIN; try++) {
			times = repeat_length(m, p, &in, i + try, try) / try;
			period = try;
		}
		if (times < REPEATS_MIN) {
			rows->row[out++] = in.row[i++];
			continue;
		}
		for (size_t k = 0; k < period; k++)
			rows->row[out++] = in.row[i + k];
		rows->row[out++] = (struct row){
			.kind = ROW_REPEAT, .first = in.row[i + period].first, .last = in.row[i + period * (times + 1) - 1].last,
			.result = NO_HOP, .period = period, .times = times,
		};
		i += period * (times + 1);
	}
	rows->count = out;
}

int rows_build(struct rows *rows, const struct model *m, const struct packet *p, bool every)
{
	uint32_t *returns = packet_returns(m, p), tail = every ? p->nhops : tail_start(m, p);

	rows->count = 0;
	rows->row = calloc(p->nhops + 1, sizeof(*rows->row));
	if (!returns || !rows->row) {
		free(returns);
		rows_free(rows);
		return -ENOMEM;
	}
	if (tail + 1 >= p->nhops)
		tail = p->nhops;	/* one hop alone needs no folding */
	for (uint32_t i = 0; i < tail; i++) {
		bool is_result = returns[i] == i;

		if (!is_result || every)
			rows->row[rows->count++] = (struct row){ ROW_HOP, i, i, is_result ? NO_HOP : returns[i] };
	}
	if (!every)
		fold_repeats(rows, m, p);
	if (tail < p->nhops)
		rows->row[rows->count++] = (struct row){ ROW_FREED, tail, p->nhops - 1, NO_HOP };
	free(returns);
	return 0;
}

void rows_free(struct rows *rows)
{
	free(rows->row);
	*rows = (struct rows){};
}
