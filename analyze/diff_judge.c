// SPDX-License-Identifier: GPL-2.0
/*
 * diff_judge.c - which classes differ, and which of them comes first.
 *
 * A class differs when all its packets end one way here and another way there, or when Fisher's exact test says
 * that chance does not explain the shares.  So one packet against one is decided by its outcome, and one late
 * packet among many proves nothing.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "diff.h"

/* The packets of a class that have one thing in common: an outcome, or an outcome and a way. */
struct share {
	struct outcome outcome;
	const struct tally *tally[2];	/* the largest on each side: has the exemplar */
	uint32_t count[2];
};

/* What tells the two sides apart. */
struct contrast {
	const struct share *share[2];
	double p;
};

static double log_choose(double n, double k)
{
	return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1);
}

double fisher_exact(uint32_t k0, uint32_t n0, uint32_t k1, uint32_t n1)
{
	double k = (double)k0 + k1, n = (double)n0 + n1, all = log_choose(n, k);
	double low = k > n1 ? k - n1 : 0, high = k < n0 ? k : n0;
	double observed = log_choose(n0, k0) + log_choose(n1, k - k0) - all, p = 0;

	/* every table with these margins that is no likelier than the one observed */
	for (double x = low; x <= high; x++) {
		double l = log_choose(n0, x) + log_choose(n1, k - x) - all;

		if (l <= observed + 1e-7)
			p += exp(l);
	}
	return p < 1 ? p : 1;
}

static int by_outcome(const void *a, const void *b)
{
	const struct tally *x = *(struct tally *const *)a, *y = *(struct tally *const *)b;
	int c = memcmp(&x->outcome, &y->outcome, sizeof(x->outcome));

	return c ? c : (x->way > y->way) - (x->way < y->way);
}

static void share_add(struct share *sh, const struct tally *t, const bool *settled)
{
	sh->outcome = t->outcome;
	for (int s = 0; s < 2; s++) {
		/* packets still under way say something only where none has arrived */
		if (!t->count[s] || (t->outcome.fate == FATE_IN_FLIGHT && settled[s]))
			continue;
		sh->count[s] += t->count[s];
		if (!sh->tally[s] || t->count[s] > sh->tally[s]->count[s])
			sh->tally[s] = t;
	}
}

/* Merge the sorted tallies of a class into shares; answers how many. */
static size_t shares_collect(const struct class *c, bool by_way, struct share *shares)
{
	bool settled[2] = {};
	size_t n = 0;

	for (size_t i = 0; i < c->ntallies; i++)
		for (int s = 0; s < 2; s++)
			settled[s] |= c->tallies[i]->count[s] && c->tallies[i]->outcome.fate != FATE_IN_FLIGHT;
	for (size_t i = 0; i < c->ntallies; i++) {
		const struct tally *t = c->tallies[i], *before = i ? c->tallies[i - 1] : NULL;

		if (!before || memcmp(&before->outcome, &t->outcome, sizeof(t->outcome)) || (by_way && before->way != t->way))
			shares[n++] = (struct share){};
		share_add(&shares[n - 1], t, settled);
	}
	return n;
}

/* The larger the worse. */
static int severity(enum fate f)
{
	switch (f) {
	case FATE_DROPPED:
		return 3;
	case FATE_IN_FLIGHT:
		return 2;
	case FATE_CONSUMED:
	case FATE_MERGED:
		return 1;
	case FATE_SENT:
	case FATE_DELIVERED:
		break;
	}
	return 0;
}

static const struct share *largest_but(const struct share *shares, size_t n, int s, const struct share *but)
{
	const struct share *best = NULL;

	for (size_t i = 0; i < n; i++)
		if (&shares[i] != but && shares[i].count[s] && (!best || shares[i].count[s] > best->count[s]))
			best = &shares[i];
	return best;
}

/* Several ends on a side: the worst, and then the likeliest, that depends on the recording. */
static bool contrast_by_share(const struct share *shares, size_t n, const uint32_t *total, struct contrast *c)
{
	const struct share *best = NULL;
	int side = 0;

	for (size_t i = 0; i < n; i++) {
		const struct share *sh = &shares[i];
		double p = fisher_exact(sh->count[0], total[0], sh->count[1], total[1]) * n;
		int worse = best ? severity(sh->outcome.fate) - severity(best->outcome.fate) : 1;

		if (p >= SIGNIFICANT || worse < 0 || (worse == 0 && p >= c->p))
			continue;
		best = sh;
		side = (double)sh->count[1] * total[0] > (double)sh->count[0] * total[1];
		c->p = p;
	}
	if (!best)
		return false;
	c->share[side] = best;
	c->share[!side] = largest_but(shares, n, !side, best);
	return c->share[!side];
}

static bool contrast_find(const struct share *shares, size_t n, const uint32_t *total, struct contrast *c)
{
	for (int s = 0; s < 2; s++)
		c->share[s] = largest_but(shares, n, s, NULL);
	c->p = 0;
	if (!c->share[0] || !c->share[1])
		return false;
	if (c->share[0]->count[0] == total[0] && c->share[1]->count[1] == total[1])
		return c->share[0] != c->share[1];
	return contrast_by_share(shares, n, total, c);
}

static struct finding *finding_add(struct diff *d, struct class *c, enum finding_kind kind)
{
	struct finding *f;

	d->findings = diff_grow(d->findings, &d->findings_room, d->nfindings + 1, sizeof(*d->findings));
	f = &d->findings[d->nfindings++];
	*f = (struct finding){ .kind = kind, .class = c };
	c->found = true;
	return f;
}

static void finding_contrast(struct diff *d, struct class *c, enum finding_kind kind, const struct contrast *by,
			     const uint32_t *total)
{
	struct finding *f = finding_add(d, c, kind);

	for (int s = 0; s < 2; s++) {
		f->outcome[s] = by->share[s]->outcome;
		f->packet[s] = by->share[s]->tally[s]->first[s];
		f->tally[s] = by->share[s]->tally[s];
		f->hits[s] = by->share[s]->count[s];
		f->total[s] = total[s];
	}
	f->p = by->p;
	f->bad = severity(f->outcome[0].fate) > severity(f->outcome[1].fate) ? 0 : 1;
	f->when_ns = c->first_ns[f->bad];
}

static void judge_class(struct diff *d, struct class *c)
{
	struct share *shares = diff_alloc(d, c->ntallies + 1, sizeof(*shares));
	uint32_t total[2] = {};
	struct contrast by;
	size_t n;

	if (!c->ntallies)
		return;
	qsort(c->tallies, c->ntallies, sizeof(*c->tallies), by_outcome);
	n = shares_collect(c, false, shares);
	for (size_t i = 0; i < n; i++)
		for (int s = 0; s < 2; s++)
			total[s] += shares[i].count[s];
	if (!total[0] || !total[1])
		return;
	d->compared++;
	for (int s = 0; s < 2; s++)
		d->side[s].compared += total[s];
	if (contrast_find(shares, n, total, &by)) {
		finding_contrast(d, c, FINDING_OUTCOME, &by, total);
		return;
	}
	/* a probe that the kernel skipped is a gap anywhere on the way: then only the ends count */
	if (d->side[0].m->missed || d->side[1].m->missed)
		return;
	n = shares_collect(c, true, shares);
	if (contrast_find(shares, n, total, &by) && by.share[0]->outcome.fate == by.share[1]->outcome.fate)
		finding_contrast(d, c, FINDING_WAY, &by, total);
}

static void judge_missing(struct diff *d, struct class *c)
{
	const struct key *k = &c->key;
	bool echo = (k->l4proto == 1 && (k->icmp_type == 8 || k->icmp_type == 0)) ||
		    (k->l4proto == 58 && (k->icmp_type == 128 || k->icmp_type == 129));

	for (int s = 0; s < 2; s++) {
		struct finding *f;

		if (!c->all[s] || c->present[!s] || !c->originated[s] || k->multicast || key_is_error(k))
			continue;
		if (k->l4proto != 6 && k->l4proto != 17 && !echo)
			continue;
		if (!side_is_whole(&d->side[!s])) {
			d->side[!s].unproved++;
			continue;
		}
		f = finding_add(d, c, FINDING_MISSING);
		f->bad = !s;
		f->packet[s] = c->example[s];
		f->hits[s] = f->total[s] = c->all[s];
		f->when_ns = c->first_ns[s];
	}
}

static int finding_rank(const struct finding *f)
{
	return f->kind + (key_is_error(&f->class->key) ? 3 : 0);
}

/* Causes before consequences: what ended differently before what is missing, the earlier before the later. */
static int by_rank(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;
	int c = finding_rank(x) - finding_rank(y);

	return c ? c : (x->when_ns > y->when_ns) - (x->when_ns < y->when_ns);
}

void classes_judge(struct diff *d)
{
	bool only_background = true;

	for (size_t i = 0; i < d->nclasses; i++)
		if ((d->classes[i]->all[0] || d->classes[i]->all[1]) && !key_is_background(&d->classes[i]->key))
			only_background = false;
	for (size_t i = 0; i < d->nclasses; i++) {
		struct class *c = d->classes[i];

		if (!c->all[0] && !c->all[1])
			continue;
		if (!only_background && key_is_background(&c->key)) {
			d->background++;
			continue;
		}
		if (c->all[0] && c->all[1])
			judge_class(d, c);
		else if (c->loose)
			judge_missing(d, c);
	}
	if (d->nfindings)
		qsort(d->findings, d->nfindings, sizeof(*d->findings), by_rank);
}
