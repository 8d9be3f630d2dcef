// SPDX-License-Identifier: GPL-2.0
/*
 * diff_judge.c - which classes differ, and which of them comes first.
 *
 * A class differs when all its packets end one way here and another way there, or when chance does not explain the
 * shares.  So one packet against one is decided by its outcome, and one late packet among many proves nothing.  Chance
 * is asked three times: Fisher's exact test; of many, whether the shares differ between the recordings by more than
 * between the times within each (packets of a burst share their fate: one overflow is one event); and, because many
 * classes are asked, the procedure of Benjamini and Hochberg at 1 %.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "diff.h"

#define MOST_MIN 3	/* packets of each side that make "most of them" */

/* The packets of a class that have one thing in common: an outcome, or an outcome and a way. */
struct share {
	struct outcome outcome;
	uint64_t way;		/* when told apart by it */
	const struct tally *tally[2];	/* the largest on each side: has the exemplar */
	uint32_t count[2];
};

static int by_rank(const void *a, const void *b);

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

void wilson(uint32_t hits, uint32_t total, double *low, double *high)
{
	const double z = 1.959964;
	double n = total ? total : 1, share = hits / n, middle = share + z * z / (2 * n);
	double half = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n));

	*low = total ? fmax(0, (middle - half) / (1 + z * z / n)) : 0;
	*high = total ? fmin(1, (middle + half) / (1 + z * z / n)) : 1;
}

/* --- shares that come in bursts -------------------------------------------------------------------------------------- */

#define PERIODS 24		/* into so many the packets of a class are cut */
#define PERIODS_FROM 100	/* packets, on each side */

struct period {
	double all, hits;
};

/* The variance of a share, estimated from how it varies over time. */
static double share_variance(const struct period *p, double *share)
{
	double all = 0, hits = 0, sum = 0;

	for (int i = 0; i < PERIODS; i++) {
		all += p[i].all;
		hits += p[i].hits;
	}
	if (!all)
		return 0;
	*share = hits / all;
	for (int i = 0; i < PERIODS; i++)
		sum += (p[i].hits - *share * p[i].all) * (p[i].hits - *share * p[i].all);
	return sum / (all * all) * PERIODS / (PERIODS - 1);
}

static bool is_of(const struct share *sh, const struct tally *t, bool by_way)
{
	return !memcmp(&sh->outcome, &t->outcome, sizeof(t->outcome)) && (!by_way || sh->way == t->way);
}

/* Cut a class's packets, in their order, into periods of as many. */
static void periods_fill(const struct side *side, int s, const struct class *c, const struct share *sh, bool by_way, uint32_t total, struct period *p)
{
	uint8_t *mark = calloc(side->m->npackets + 1, 1);
	uint32_t rank = 0;

	for (size_t i = 0; mark && i < c->ntallies; i++)
		for (uint32_t at = c->tallies[i]->first[s]; at; at = side->next[at - 1])
			mark[at - 1] = is_of(sh, c->tallies[i], by_way) ? 2 : 1;
	for (size_t i = 0; mark && i < side->m->npackets; i++) {
		struct period *in = &p[(uint64_t)rank * PERIODS / total % PERIODS];

		in->all += mark[i] > 0;
		in->hits += mark[i] > 1;
		rank += mark[i] > 0;
	}
	free(mark);
}

/* The chance that shares which vary so over time differ so.  Less than Fisher's where packets do not share their fate. */
static double periods_p(const struct diff *d, const struct class *c, const struct share *sh, bool by_way, const uint32_t *total)
{
	double share[2] = {}, variance = 0;

	if (total[0] < PERIODS_FROM || total[1] < PERIODS_FROM)
		return 0;
	for (int s = 0; s < 2; s++) {
		struct period p[PERIODS] = {};

		periods_fill(&d->side[s], s, c, sh, by_way, total[s], p);
		variance += share_variance(p, &share[s]);
	}
	if (variance <= 0)
		return share[0] == share[1] ? 1 : 0;
	/* Student's t with that many degrees is wider than normal: a sixth less */
	return erfc(fabs(share[0] - share[1]) / sqrt(variance) * 0.85 / sqrt(2));
}

/* --- shares ---------------------------------------------------------------------------------------------------------- */

static int by_outcome(const void *a, const void *b)
{
	const struct tally *x = *(struct tally *const *)a, *y = *(struct tally *const *)b;
	int c = memcmp(&x->outcome, &y->outcome, sizeof(x->outcome));

	return c ? c : (x->way > y->way) - (x->way < y->way);
}

static void share_add(struct share *sh, const struct tally *t, const bool *settled)
{
	sh->outcome = t->outcome;
	sh->way = t->way;
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
static bool contrast_by_share(const struct diff *d, const struct class *cl, bool by_way, const struct share *shares, size_t n,
			      const uint32_t *total, struct contrast *c)
{
	const struct share *best = NULL;
	int side = 0;

	for (size_t i = 0; i < n; i++) {
		const struct share *sh = &shares[i];
		double p = fisher_exact(sh->count[0], total[0], sh->count[1], total[1]) * n, q;
		double effect = fabs(sh->count[0] / (double)total[0] - sh->count[1] / (double)total[1]);
		int worse = best ? severity(sh->outcome.fate) - severity(best->outcome.fate) : 1;

		if (p >= SIGNIFICANT || effect < (by_way ? WAY_EFFECT : OUTCOME_EFFECT) || worse < 0)
			continue;
		q = periods_p(d, cl, sh, by_way, total);
		p = q > p ? q : p;
		if (p >= SIGNIFICANT || (worse == 0 && p >= c->p))
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

/*
 * A few packets are too few for a test, but when most of one side's end as none of the other's does, they are retries of
 * the same, and what there is to be said of them is no question of chance.
 */
static bool most_end_badly(const struct share *shares, size_t n, const uint32_t *total, struct contrast *c)
{
	for (size_t i = 0; i < n; i++) {
		for (int s = 0; s < 2; s++) {
			const struct share *sh = &shares[i], *other = largest_but(shares, n, !s, sh);

			if (!severity(sh->outcome.fate) || sh->count[!s] || sh->count[s] < MOST_MIN || 2 * sh->count[s] <= total[s] ||
			    total[!s] < MOST_MIN || !other || severity(other->outcome.fate) >= severity(sh->outcome.fate))
				continue;
			c->share[s] = sh;
			c->share[!s] = other;
			return true;
		}
	}
	return false;
}

static bool contrast_find(struct diff *d, const struct class *cl, bool by_way, const struct share *shares, size_t n, const uint32_t *total,
			  struct contrast *c)
{
	for (int s = 0; s < 2; s++)
		c->share[s] = largest_but(shares, n, s, NULL);
	c->p = 0;
	if (!c->share[0] || !c->share[1])
		return false;
	if (c->share[0]->count[0] == total[0] && c->share[1]->count[1] == total[1])
		return c->share[0] != c->share[1];
	if (!by_way && most_end_badly(shares, n, total, c))
		return true;
	d->tested++;
	return contrast_by_share(d, cl, by_way, shares, n, total, c);
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
		f->packet[s] = typical_packet(d, s, by->share[s]->tally[s]);
		f->tally[s] = by->share[s]->tally[s];
		f->hits[s] = by->share[s]->count[s];
		f->total[s] = total[s];
	}
	f->p = by->p;
	f->bad = severity(f->outcome[0].fate) > severity(f->outcome[1].fate) ? 0 : 1;
	f->when_ns = c->first_ns[f->bad];
}

/* Dropped like this in one recording only, but so few that it may be chance: what counted them may say that it is none. */
static void suspect_drop(struct diff *d, struct class *c, const struct share *shares, size_t n, const uint32_t *total)
{
	for (size_t i = 0; i < n; i++) {
		for (int s = 0; s < 2; s++) {
			struct contrast by;

			by.share[s] = &shares[i];
			by.share[!s] = largest_but(shares, n, !s, &shares[i]);
			if (shares[i].outcome.fate != FATE_DROPPED || !shares[i].count[s] || shares[i].count[!s] || !by.share[!s])
				continue;
			by.p = fisher_exact(shares[i].count[0], total[0], shares[i].count[1], total[1]);
			finding_contrast(d, c, FINDING_OUTCOME, &by, total);
			c->found = false;
			d->suspects = diff_grow(d->suspects, &d->suspects_room, d->nsuspects + 1, sizeof(*d->suspects));
			d->suspects[d->nsuspects++] = d->findings[--d->nfindings];
		}
	}
}

/* Those that are proved become findings: the first of each class, by the way its packets die. */
void suspects_judge(struct diff *d)
{
	size_t before = d->nfindings;

	for (size_t i = 0; i < d->nsuspects && d->nchanges; i++) {
		const struct finding *f = &d->suspects[i];
		struct locus locus = {};
		struct causes causes;

		locate(d, f, &locus);
		causes_find(d, f, &locus, &causes);
		if (!f->class->found && causes_prove(&causes, f->bad, f->hits[f->bad])) {
			struct finding *sure = finding_add(d, d->classes[f->class->number], FINDING_OUTCOME);

			*sure = *f;
			sure->proved = true;
		}
		locus_free(&locus);
	}
	if (d->nfindings > before)
		qsort(d->findings, d->nfindings, sizeof(*d->findings), by_rank);
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
	if (contrast_find(d, c, false, shares, n, total, &by)) {
		finding_contrast(d, c, FINDING_OUTCOME, &by, total);
		return;
	}
	suspect_drop(d, c, shares, n, total);
	/* a probe that the kernel skipped is a gap anywhere on the way: then only the ends count */
	if (d->side[0].m->missed || d->side[1].m->missed)
		return;
	n = shares_collect(c, true, shares);
	if (contrast_find(d, c, true, shares, n, total, &by) && by.share[0]->outcome.fate == by.share[1]->outcome.fate)
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
		if (!d->same_filter)	/* they may have been there, and were not wanted */
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
	return f->origin ? -1 : (int)f->kind + (key_is_error(&f->class->key) ? 3 : 0);
}

/* How many packets, as a power of two, when they are more than a few. */
static int finding_weight(const struct finding *f)
{
	int n = f->hits[f->bad] < 16 ? 0 : ilogb(f->hits[f->bad]);

	return f->kind == FINDING_MISSING ? 0 : n;
}

/*
 * Causes before consequences: what ended differently before what is missing; then what concerns the most packets; of
 * about as many, the earlier before the later.
 */
static int by_rank(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;
	int c = finding_rank(x) - finding_rank(y);

	c = c ? c : finding_weight(y) - finding_weight(x);
	return c ? c : (x->when_ns > y->when_ns) - (x->when_ns < y->when_ns);
}

static int by_p(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	return (x->p > y->p) - (x->p < y->p);
}

/* Of many tests at 1 %, some would be positive by chance: keep those that are not (Benjamini and Hochberg). */
static void findings_control(struct diff *d)
{
	size_t keep = 0, certain = 0;

	qsort(d->findings, d->nfindings, sizeof(*d->findings), by_p);
	while (certain < d->nfindings && !d->findings[certain].p)
		certain++;
	for (size_t i = certain; i < d->nfindings; i++)
		if (d->findings[i].p <= SIGNIFICANT * (i - certain + 1) / d->tested)
			keep = i - certain + 1;
	d->nfindings = certain + keep;
}

/* Does the worse packet wait for, or die of, a neighbour that did not answer? */
static bool waits_for_neighbour(struct diff *d, const struct finding *f)
{
	struct path path = {};
	bool waits = false;

	if (f->kind != FINDING_OUTCOME || f->outcome[f->bad].fate == FATE_DELIVERED)
		return false;
	path_build(d, f->bad, &d->side[f->bad].m->packets[f->packet[f->bad] - 1], &path);
	for (size_t i = path.end; i-- > 0 && i + 6 > path.end && !waits;)
		waits = !strcmp(step_func(&path, i)->layer, "neighbour");
	path_free(&path);
	return waits;
}

/* Then what became of the kernel's own questions (ARP, neighbour discovery) is the cause, if they were dropped for a reason. */
static void judge_neighbours(struct diff *d)
{
	size_t n = d->nfindings;
	bool waits = false;

	for (size_t i = 0; i < n; i++)
		waits |= waits_for_neighbour(d, &d->findings[i]);
	for (size_t i = 0; i < d->nclasses && waits; i++) {
		struct class *c = d->classes[i];
		struct finding *f;

		if (!c->all[0] || !c->all[1] || !key_is_background(&c->key))
			continue;
		judge_class(d, c);
		if (d->nfindings == n)
			continue;
		f = &d->findings[d->nfindings - 1];
		if (f->kind == FINDING_OUTCOME && f->outcome[f->bad].fate == FATE_DROPPED &&
		    (f->outcome[f->bad].reason || f->outcome[f->bad].hook)) {
			f->origin = true;
			n = d->nfindings;
		} else {
			d->nfindings = n;
		}
	}
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
	if (!d->nfindings)
		return;
	findings_control(d);
	judge_neighbours(d);
	qsort(d->findings, d->nfindings, sizeof(*d->findings), by_rank);
}
