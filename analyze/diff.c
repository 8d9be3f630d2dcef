// SPDX-License-Identifier: GPL-2.0
/*
 * diff.c - the comparison from beginning to end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "diff.h"

#define OTHERS_EXPLAINED 12	/* differences beside the first whose cause is looked for */

/* Something must have been there to be compared, or "no difference" would be a lie. */
static int check_overlap(const struct diff *d, char *error, size_t size)
{
	if (d->nfindings || d->compared)
		return 0;
	for (size_t i = 0; i < d->nclasses; i++)
		if (d->classes[i]->all[0] && d->classes[i]->all[1])
			return 0;
	if (!d->same_filter) {
		snprintf(error, size, "%s and %s have no packets of the same kind: they were recorded with different filters (%.100s; %.100s)",
			 d->side[0].m->file, d->side[1].m->file, *d->side[0].filter ? d->side[0].filter : "none",
			 *d->side[1].filter ? d->side[1].filter : "none");
		return -EINVAL;
	}
	snprintf(error, size, "%s and %s have no packets of the same kind, so there is nothing to compare; see pktshow for what they hold",
		 d->side[0].m->file, d->side[1].m->file);
	return -EINVAL;
}

/* Further differences may have causes of their own. */
static void others_explain(struct diff *d)
{
	for (size_t i = 1; i < d->nfindings; i++) {
		struct finding *f = &d->findings[i];
		struct locus locus = {};
		struct causes causes;
		char text[900] = "";

		if (i < OTHERS_EXPLAINED && !finding_is_consequence(d, f)) {
			locate(d, f, &locus);
			causes_find(d, f, &locus, &causes);
			say_cause(d, &causes, f->bad, text, sizeof(text));
			locus_free(&locus);
		}
		f->cause = diff_text(d, text);
	}
}

static int run(struct diff *d, const struct model *a, const struct model *b, bool latency, char *error, size_t size)
{
	int err = sides_prepare(d, a, b, error, size);

	if (err)
		return err;
	classes_build(d);
	classes_judge(d);
	err = check_overlap(d, error, size);
	if (err)
		return err;
	system_compare(d);
	suspects_judge(d);
	if (d->nfindings) {
		locate(d, &d->findings[0], &d->locus);
		causes_find(d, &d->findings[0], &d->locus, &d->causes);
		parting_find(d, &d->findings[0], &d->parting);
	}
	others_explain(d);
	if (latency)
		latency_compare(d);
	if (d->nshifts)
		causes_find_slow(d, &d->shifts[0], &d->slow_causes);
	notes_collect(d);
	return d->nfindings || d->nshifts;
}

int diff_run(struct diff *d, const struct model *a, const struct model *b, char *error, size_t size)
{
	return run(d, a, b, false, error, size);
}

int diff_run_latency(struct diff *d, const struct model *a, const struct model *b, char *error, size_t size)
{
	return run(d, a, b, true, error, size);
}

void diff_free(struct diff *d)
{
	locus_free(&d->locus);
	classes_free(d);
	free(d->findings);
	free(d->notes);
	free(d->changes);
	free(d->shifts);
	free(d->suspects);
	sides_free(d);
}
