// SPDX-License-Identifier: GPL-2.0
/*
 * show_verify.c - read every unit of a recording and hold its own counts against what is there.
 *
 * Works on the reader alone, without a model: a file of any size is verified in little memory, and from a pipe.  Where
 * the reader's view of the file's health changes from one record to the next, there the damage is.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "show.h"

struct cpu_count {
	bool accounted;
	uint64_t seen, produced, recorded, lost;
};

struct verify {
	struct cpu_count *cpus;		/* by CPU, up to the largest one seen */
	size_t ncpus;
	uint64_t hops;
	struct trc_health before;	/* when the record before was read */
	uint64_t places;		/* of damage */
	bool as_json;
};

#define PLACES_MAX 100			/* printed */
#define CPUS_MAX 65536			/* trc_hop.cpu has 16 bits */

static struct cpu_count *cpu_at(struct verify *v, uint32_t cpu)
{
	struct cpu_count *cpus;

	if (cpu < v->ncpus)
		return &v->cpus[cpu];
	if (cpu >= CPUS_MAX || !(cpus = reallocarray(v->cpus, cpu + 1, sizeof(*cpus))))
		return NULL;
	memset(cpus + v->ncpus, 0, (cpu + 1 - v->ncpus) * sizeof(*cpus));
	v->cpus = cpus;
	v->ncpus = cpu + 1;
	return &cpus[cpu];
}

static int count_record(struct verify *v, const struct trc_record *rec)
{
	struct cpu_count *c;

	if (rec->kind != TRC_HOP && rec->kind != TRC_LOSS)
		return 0;
	c = cpu_at(v, rec->kind == TRC_HOP ? rec->hop.cpu : rec->loss.cpu);
	if (!c)
		return -ENOMEM;
	if (rec->kind == TRC_HOP) {
		v->hops++;
		c->seen++;
		return 0;
	}
	c->accounted = true;
	c->produced = rec->loss.produced;
	c->recorded = rec->loss.recorded;
	c->lost = rec->loss.lost;
	return 0;
}

/* Of a file that is whole: produced = recorded + lost, and what was recorded is here. */
static int check_counts(const struct verify *v, char *trouble, size_t size)
{
	for (size_t i = 0; i < v->ncpus; i++) {
		const struct cpu_count *c = &v->cpus[i];

		if (c->accounted && (c->seen != c->recorded || c->produced != c->recorded + c->lost)) {
			snprintf(trouble, size, "counts of CPU %zu do not add up: %" PRIu64 " hops in the file, %" PRIu64 " recorded, %"
				 PRIu64 " lost, %" PRIu64 " produced", i, c->seen, c->recorded, c->lost, c->produced);
			return -EBADMSG;
		}
	}
	return 0;
}

static void count_print(const struct term *t, uint64_t n, const char *what)
{
	if (n)
		fprintf(t->out, ", %" PRIu64 " %s%s", n, n == 1 ? "unit " : "units ", what);
}

struct place { uint64_t after, bad, damaged, moved; };

static void place_print(const struct term *t, const struct place *p)
{
	fprintf(t->out, "damage after byte %" PRIu64 ": %" PRIu64 " bytes unreadable", p->after, p->bad);
	count_print(t, p->damaged, "damaged");
	count_print(t, p->moved, "missing, doubled, moved or of another recording");
	putc('\n', t->out);
}

static void place_json(const struct term *t, const struct place *p)
{
	struct json j;

	json_begin(&j, t->out);
	json_text(&j, "what", "damage");
	json_number(&j, "after_bytes", p->after);
	json_number(&j, "bytes_unreadable", p->bad);
	json_number(&j, "units_damaged", p->damaged);
	json_number(&j, "units_out_of_order", p->moved);
	json_end(&j);
}

/* Was anything wrong between the last good unit and here?  At the end a cut is no place: the last line names it. */
static void place_look(const struct term *t, struct verify *v, const struct trc_health *now, bool end)
{
	const struct trc_health *before = &v->before;
	const struct place p = {
		.after = before->bytes, .bad = now->bytes_bad - before->bytes_bad, .damaged = now->damaged - before->damaged,
		.moved = now->out_of_order - before->out_of_order,
	};

	if ((p.damaged || p.moved || (p.bad && !(end && now->cut_short))) && (v->places++ < PLACES_MAX || v->as_json))
		(v->as_json ? place_json : place_print)(t, &p);
	if (end && v->places > PLACES_MAX && !v->as_json)
		fprintf(t->out, "and %" PRIu64 " more places\n", v->places - PLACES_MAX);
	v->before = *now;
}

static int read_all(const struct term *t, struct verify *v, struct trc_reader *r, char *trouble, size_t size)
{
	struct trc_record rec;
	int err;

	v->before = *trc_reader_health(r);
	while ((err = trc_reader_next(r, &rec)) > 0) {
		if (trc_reader_health(r)->bytes != v->before.bytes)
			place_look(t, v, trc_reader_health(r), false);
		err = count_record(v, &rec);
		if (err)
			break;
	}
	if (!err)
		place_look(t, v, trc_reader_health(r), true);
	if (err) {
		snprintf(trouble, size, "%s", err == -ENOMEM ? "out of memory" : trc_reader_error(r));
		return err;
	}
	if (*trc_reader_trouble(r)) {
		snprintf(trouble, size, "%s", trc_reader_trouble(r));
		return -EBADMSG;
	}
	return check_counts(v, trouble, size);
}

static void result_json(const struct term *t, const struct verify *v, const struct trc_health *h, const char *trouble)
{
	struct json j;

	json_begin(&j, t->out);
	json_text(&j, "what", "result");
	json_bool(&j, "whole", !*trouble);
	json_number(&j, "units", h->units);
	json_number(&j, "hops", v->hops);
	json_number(&j, "bytes", h->bytes);
	json_text(&j, "trouble", trouble);
	json_end(&j);
}

int show_verify(const struct term *t, const char *file, bool as_json, char *trouble, size_t size)
{
	struct trc_reader *r = NULL;
	struct verify v = { .as_json = as_json };
	const struct trc_health *health;
	int err = trc_reader_open(&r, file);

	if (err) {
		snprintf(trouble, size, "%s", trc_reader_error(NULL));
		return err;
	}
	err = read_all(t, &v, r, trouble, size);
	health = trc_reader_health(r);
	if (as_json)
		result_json(t, &v, health, err ? trouble : "");
	else if (!err)
		fprintf(t->out, "whole: %" PRIu64 " units, %" PRIu64 " hops, %" PRIu64 " bytes, every checksum and count is right\n",
			health->units, v.hops, health->bytes);
	free(v.cpus);
	trc_reader_free(r);
	return err;
}
