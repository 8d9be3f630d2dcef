// SPDX-License-Identifier: GPL-2.0
/*
 * sql_more.c - what a recording holds besides hops: kernel stacks, lineage, packets' bytes, snapshots of namespaces.
 */
#include "model_private.h"
#include "spill.h"
#include "sql.h"
#include "sql_insert.h"

static void stack_rows(struct insert *in, int rec, size_t number, const uint32_t *frames, uint32_t n)
{
	uint32_t k;

	for (k = 0; k < n; k++)
		insert_row(in, I(rec), I(number), I(k) + 1, I(frames[k]));
}

static int frames_load(sqlite3 *db, const struct model *m, int rec)
{
	const struct birth *births = m->priv->births;	/* of files of version 0.1: they come after the others */
	struct insert in;
	size_t i;

	insert_open(&in, db, "INSERT INTO frame VALUES (?,?,?,?)", "iiii");
	for (i = 0; i < m->nstacks; i++)
		stack_rows(&in, rec, i + 1, m->stacks[i].frames, m->stacks[i].count);
	for (i = 0; i < m->priv->nbirths; i++)
		stack_rows(&in, rec, m->nstacks + i + 1, births[i].frames, births[i].count);
	return insert_close(&in);
}

static int lineage_load(sqlite3 *db, const struct model *m, int rec)
{
	struct insert in;
	const struct edge *e;
	size_t i;

	insert_open(&in, db, "INSERT INTO lineage VALUES (?,?,?,?,?,?)", "iNNtit");
	for (i = 0; i < m->nedges; i++) {
		e = &m->edges[i];
		insert_row(&in, I(rec), I(e->child), I(e->parent), edge_name(e->kind), time_of(e->time_ns), m->funcs[e->func].name);
	}
	return insert_close(&in);
}

static int payload_load(sqlite3 *db, const struct model *m, int rec)
{
	struct insert in;
	const struct data *d;
	size_t i;

	insert_open(&in, db, "INSERT INTO payload VALUES (?,?,?,?,?,?)", "iiiiib");
	for (i = 0; i < m->ndatas; i++) {
		d = &m->datas[i];
		spill_look(2 * (sizeof(*d) + d->size));
		if (d->packet)
			insert_row(&in, I(rec), I(d->packet), time_of(d->time_ns), I(d->layer), I(d->len_bytes), d->bytes, I(d->size));
	}
	return insert_close(&in);
}

void snapshots_open(struct insert *in, sqlite3 *db)
{
	insert_open(in, db, "INSERT INTO snapshot VALUES (?,?,?,?,?,?,?,?)", "itNntnnt");
}

void snapshot_row(struct insert *in, int rec, const struct snapshot *s, uint32_t netns, const char *name)
{
	char note[512];

	snprintf(note, sizeof(note), "%s%s%s", s->note, *s->note && s->broken ? "; " : "", s->broken ? "parts are missing" : "");
	insert_row(in, I(rec), s->end ? "end" : "start", I(netns), name, s->what, s->source, note, s->text);
}

static int snapshots_load(sqlite3 *db, const struct model *m, int rec)
{
	struct insert in;
	size_t i;

	snapshots_open(&in, db);
	for (i = 0; i < m->nsnapshots; i++)
		snapshot_row(&in, rec, &m->snapshots[i], m->snapshots[i].netns, model_netns(m, m->snapshots[i].netns));
	return insert_close(&in);
}

int more_load(sqlite3 *db, const struct model *m, int recording)
{
	int rc = frames_load(db, m, recording);

	rc = rc ?: lineage_load(db, m, recording);
	rc = rc ?: payload_load(db, m, recording);
	return rc ?: snapshots_load(db, m, recording);
}
