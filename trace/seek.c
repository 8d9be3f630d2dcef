// SPDX-License-Identifier: GPL-2.0
/*
 * seek.c - hops from a time on, and what is in a recording, without reading all of it.
 *
 * Seeking is a walk from the beginning that passes over units of hops, edges and packet bytes that end too early: all
 * other records are still given out, since the hops need them.  Headers say enough to pass; an index saves even reading
 * those, and the old kind of stacks before them, of which a long recording has as many as packets.
 */
#include <stdio.h>
#include <string.h>

#include "reader.h"

bool seek_passes(const struct trc_reader *r, const struct unit *u)
{
	return r->from_ns && unit_timed(u->type) && u->version <= UNIT_VERSION && !u->flags && u->time_last < r->from_ns;
}

/* Behind the last unit of a run, from i on, of units that end too early and the stacks of their packets. */
static size_t run_end(const struct trc_reader *r, size_t i)
{
	const struct index *x = &r->index;
	size_t end = i;

	for (; i + 1 < x->n; i++) {
		const struct index_entry *e = &x->entries[i];

		if (unit_timed(e->type) && e->time_last < r->from_ns)
			end = i + 1;
		else if (memcmp(e->type, unit_type(TRC_STACK), 4))
			break;
	}
	return end;
}

void seek_jump(struct trc_reader *r)
{
	const struct index *x = &r->index;
	const struct index_entry *e = x->entries;
	size_t i = r->index_at, to;

	if (!r->from_ns || !x->n || r->jump.done)
		return;
	while (i < x->n && e[i].offset < r->source.offset)
		i++;
	r->index_at = i;
	/* only from a place where all is well: what is wrong is counted by the walk */
	if (i == x->n || e[i].offset != r->source.offset || r->gap_explained || r->expected != e[i].sequence)
		return;
	to = run_end(r, i);
	if (to < i + 2)
		return;
	r->jump = (struct jump){ .done = true, .to = e[to], .offset = r->source.offset, .expected = r->expected,
				 .units_seen = r->units_seen, .passed = r->health.passed };
	source_seek(&r->source, e[to].offset);
	r->source.sparse = true;
	r->expected = e[to].sequence;
	r->units_seen += to - i;
	r->health.passed += to - i;
	r->whole_end = e[to].offset;
}

bool seek_landed(struct trc_reader *r, const struct unit *u)
{
	struct jump *j = &r->jump;

	if (!j->done)
		return true;
	j->done = false;
	if (u && u->tag == r->tag && index_agrees(&j->to, u))
		return true;
	index_free(&r->index);	/* it lied, or the file is damaged there: every header counts again */
	source_seek(&r->source, j->offset);
	r->expected = j->expected;
	r->units_seen = j->units_seen;
	r->health.passed = j->passed;
	r->whole_end = j->offset;
	return false;
}

/* 0 or -ENOMEM: a recording without index is none the worse */
static int index_want(struct trc_reader *r)
{
	int ok;

	if (r->index_tried || !r->tag_known)
		return 0;
	ok = index_load(&r->index, &r->source, r->tag);
	if (ok < 0)
		return reader_fail(r, ok, "out of memory");
	r->index_tried = true;
	return 0;
}

int trc_reader_seek_time(struct trc_reader *r, uint64_t time_ns)
{
	int err;

	if (r->source.seekable) {
		err = reader_rewind(r);
		if (!err)
			err = index_want(r);
		if (err)
			return err;
	} else if (r->started) {
		snprintf(r->error, sizeof(r->error), "cannot go back in a pipe");
		return -ESPIPE;
	}
	r->from_ns = r->contents.from_ns = r->unpacker.from_ns = time_ns;
	return 0;
}

/* --- survey ------------------------------------------------------------------------------------------------------ */

static void survey_hops(struct trc_survey *out, const struct totals *t)
{
	out->hops = t->hops;
	out->time_first = t->time_first;
	out->time_last = t->time_last;
	out->lost = t->lost;
	out->health.ended = t->ended;
}

static void survey_index(struct trc_reader *r, struct trc_survey *out)
{
	struct totals t = { .time_first = UINT64_MAX };

	for (size_t i = 0; i < r->index.n; i++) {
		const struct index_entry *e = &r->index.entries[i];

		t.lost = e->lost;
		t.ended |= !memcmp(e->type, unit_type(TRC_END), 4);
		if (memcmp(e->type, unit_type(TRC_HOP), 4))
			continue;
		t.hops += e->rows;
		t.time_first = e->time_first < t.time_first ? e->time_first : t.time_first;
		t.time_last = e->time_last > t.time_last ? e->time_last : t.time_last;
	}
	if (!t.hops)
		t.time_first = 0;
	memcpy(out->health.recording, r->health.recording, sizeof(out->health.recording));
	out->health.units = r->index.n + 1;
	out->health.bytes = r->source.size;
	out->indexed = 1;
	survey_hops(out, &t);
}

static int survey_walk(struct trc_reader *r, enum look look, struct trc_survey *out)
{
	/* a walk of its own, so that r stays where it is */
	struct trc_reader *walk = calloc(1, sizeof(*walk));
	int err;

	if (!walk)
		return reader_fail(r, -ENOMEM, "out of memory");
	walk->source = r->source;
	walk->source.owned = false;
	walk->source.buf = NULL;
	walk->source.cap = 0;
	walk->look = look;
	err = reader_rewind(walk);
	while (!err && !walk->done)
		err = walk_next(walk);
	walk->health.ended = walk->totals.ended;
	out->health = walk->health;
	survey_hops(out, &walk->totals);
	memcpy(r->trouble, trc_reader_trouble(walk), sizeof(r->trouble));
	if (err)
		snprintf(r->error, sizeof(r->error), "%s", walk->error);
	trc_reader_free(walk);
	return err;
}

int trc_reader_survey(struct trc_reader *r, enum trc_depth depth, struct trc_survey *out)
{
	int err;

	*out = (struct trc_survey){};
	out->trouble = r->trouble;
	r->trouble[0] = 0;
	if (!r->source.seekable) {
		snprintf(r->error, sizeof(r->error), "a pipe cannot be surveyed before it is read");
		return -ESPIPE;
	}
	if (depth != TRC_SURVEY_INDEX)
		return survey_walk(r, depth == TRC_SURVEY_CHECKSUMS ? LOOK_CHECKSUMS : LOOK_HEADERS, out);
	err = index_want(r);
	if (err)
		return err;
	if (!r->index.n)
		return survey_walk(r, LOOK_HEADERS, out);
	survey_index(r, out);
	return 0;
}
