// SPDX-License-Identifier: GPL-2.0
/*
 * sql_latency.c - where the time of packets went, as rows: of each function, of each way from one to the next, in all.
 */
#include "latency.h"
#include "sql.h"
#include "sql_insert.h"

#define SPREAD(s) I((s)->count), time_of((s)->min_ns), time_of((s)->p50_ns), time_of((s)->p90_ns), time_of((s)->p99_ns), \
	time_of((s)->max_ns), time_of((s)->total_ns)

static uint64_t queued_ns(const struct latency_hop *h)
{
	unsigned int time;
	uint64_t sum = 0;

	for (time = TIME_QUEUES; time < times_count(); time++)
		sum = time_add(sum, h->time_ns[time]);
	return sum;
}

static int hops_load(sqlite3 *db, const struct model *m, const struct latency *l, int rec)
{
	/* where nothing was measured, times are not 0 but NULL */
	static const char *const types[2][2] = { { "iiittiNNNNNNiiiiNiNNNNNN", "iiittiNNNNNNiiiiNiiiiiii" },
						 { "iiittiiiiiiiiiiiiiNNNNNN", "iiittiiiiiiiiiiiiiiiiiii" } };
	struct insert in;
	const struct latency_hop *h;
	const struct func *f;
	size_t i;

	insert_open(&in, db, "INSERT INTO hop_latency VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", "");
	for (i = 0; i < l->nhops; i++) {
		h = &l->hops[i];
		f = &m->funcs[h->place.func];
		in.types = types[h->spread.count > 0][h->inside.count > 0];
		insert_row(&in, I(rec), I(h->place.func), I(h->place.drop), f->name, f->layer, SPREAD(&h->spread),
			   time_of(h->time_ns[TIME_RUNNING]), time_of(queued_ns(h)), time_of(h->time_ns[TIME_CROSSING]),
			   time_of(h->time_ns[TIME_SWITCHING]), I(h->slowest), SPREAD(&h->inside));
	}
	return insert_close(&in);
}

static int edges_load(sqlite3 *db, const struct model *m, const struct latency *l, int rec)
{
	struct insert in;
	const struct latency_edge *e;
	size_t i;

	insert_open(&in, db, "INSERT INTO edge_latency VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", "iiiiitttiiiiiiiii");
	for (i = 0; i < l->nedges; i++) {
		e = &l->edges[i];
		insert_row(&in, I(rec), I(e->from.func), I(e->from.drop), I(e->to.func), I(e->to.drop), time_name(e->time),
			   m->funcs[e->from.func].name, m->funcs[e->to.func].name, SPREAD(&e->spread), I(e->crossed), I(e->slowest));
	}
	return insert_close(&in);
}

static int times_load(sqlite3 *db, const struct latency *l, int rec)
{
	struct insert in;
	unsigned int time;

	insert_open(&in, db, "INSERT INTO time_latency VALUES (?,?,?,?,?,?,?,?,?,?,?)", "ititiiiiiii");
	for (time = 0; time < times_count(); time++)
		if (l->times[time].count)
			insert_row(&in, I(rec), time_name(time), I(time >= TIME_QUEUES), time_meaning(time), SPREAD(&l->times[time]));
	return insert_close(&in);
}

int latency_load(sqlite3 *db, const struct model *m, int recording)
{
	struct latency *l;
	int rc = latency_build(&l, m) ? SQLITE_NOMEM : SQLITE_OK;

	rc = rc ?: hops_load(db, m, l, recording);
	rc = rc ?: edges_load(db, m, l, recording);
	rc = rc ?: times_load(db, l, recording);
	latency_free(l);
	return rc;
}
