// SPDX-License-Identifier: GPL-2.0
/*
 * sql_path.c - the classes of packets that took the same way: the same functions entered in the same order.
 *
 * A function entered several times in a row counts once.  A way is known by a hash of its functions' names and modules,
 * so that signatures of two recordings can be compared.
 */
#include <errno.h>
#include <stdlib.h>

#include "model_private.h"
#include "sql.h"
#include "ways.h"

struct ways {
	struct way *v;
	size_t n, room;
	struct map *index;	/* signature -> number - 1 */
};

static uint64_t hash_text(uint64_t hash, const char *s)
{
	do {			/* with its final zero, which keeps names apart */
		hash = (hash ^ (unsigned char)*s) * 0x100000001b3;
	} while (*s++);
	return hash;
}

/* The next hop of a path at or after *i: entries only, repeats once.  NULL: the end. */
static const struct trc_hop *path_next(const struct model *m, const struct packet *p, uint32_t *i, uint32_t *last)
{
	const struct trc_hop *h;

	while (*i < p->nhops) {
		h = packet_hop(m, p, (*i)++);
		if (!hop_enters(h) || h->func == *last)
			continue;
		*last = h->func;
		return h;
	}
	return NULL;
}

static uint64_t path_signature(const struct model *m, const struct packet *p, uint32_t *steps)
{
	uint64_t hash = 0xcbf29ce484222325;
	const struct trc_hop *h;
	uint32_t i = 0, last = NONE;

	*steps = 0;
	while ((h = path_next(m, p, &i, &last))) {
		hash = hash_text(hash_text(hash, m->funcs[h->func].name), m->funcs[h->func].module);
		(*steps)++;
	}
	return hash;
}

static int ways_find(struct ways *w, const struct model *m, uint32_t *path_of)
{
	uint64_t signature;
	uint32_t steps, at;
	size_t i;

	for (i = 0; i < m->npackets; i++) {
		signature = path_signature(m, &m->packets[i], &steps);
		at = map_get(w->index, signature);
		if (at == NONE) {
			if (grow((void **)&w->v, w->n, &w->room, sizeof(*w->v)) || map_put(w->index, signature, w->n))
				return SQLITE_NOMEM;
			at = w->n++;
			w->v[at] = (struct way){ signature, 0, steps, m->packets[i].number };
		}
		w->v[at].packets++;
		path_of[i] = at + 1;
	}
	return SQLITE_OK;
}

static int way_row(sqlite3_stmt *stmt, const struct way *w, int recording, size_t number)
{
	char signature[17];

	snprintf(signature, sizeof(signature), "%016llx", (unsigned long long)w->signature);
	sqlite3_bind_int(stmt, 1, recording);
	sqlite3_bind_int64(stmt, 2, number);
	sqlite3_bind_text(stmt, 3, signature, -1, SQLITE_TRANSIENT);
	sqlite3_bind_int64(stmt, 4, w->packets);
	sqlite3_bind_int64(stmt, 5, w->steps);
	sqlite3_bind_int64(stmt, 6, w->example);
	sqlite3_step(stmt);
	return sqlite3_reset(stmt);
}

static int step_rows(sqlite3_stmt *stmt, const struct model *m, const struct way *w, int recording, size_t number)
{
	const struct packet *p = &m->packets[w->example - 1];
	const struct trc_hop *h;
	uint32_t i = 0, last = NONE;
	int rc = SQLITE_OK, step = 0;

	while (rc == SQLITE_OK && (h = path_next(m, p, &i, &last))) {
		sqlite3_bind_int(stmt, 1, recording);
		sqlite3_bind_int64(stmt, 2, number);
		sqlite3_bind_int(stmt, 3, ++step);
		sqlite3_bind_int64(stmt, 4, h->func);
		sqlite3_step(stmt);
		rc = sqlite3_reset(stmt);
	}
	return rc;
}

static int ways_insert(sqlite3 *db, const struct ways *w, const struct model *m, int recording)
{
	sqlite3_stmt *way = NULL, *step = NULL;
	size_t i;
	int rc = sqlite3_prepare_v2(db, "INSERT INTO path VALUES (?,?,?,?,?,?)", -1, &way, NULL);

	rc = rc ?: sqlite3_prepare_v2(db, "INSERT INTO path_step VALUES (?,?,?,?)", -1, &step, NULL);
	for (i = 0; i < w->n && rc == SQLITE_OK; i++) {
		rc = way_row(way, &w->v[i], recording, i + 1);
		rc = rc ?: step_rows(step, m, &w->v[i], recording, i + 1);
	}
	sqlite3_finalize(way);
	sqlite3_finalize(step);
	return rc;
}

int paths_load(sqlite3 *db, const struct model *m, int recording, uint32_t *path_of)
{
	struct ways w = { .index = map_new() };
	int rc = w.index ? ways_find(&w, m, path_of) : SQLITE_NOMEM;

	rc = rc ?: ways_insert(db, &w, m, recording);
	map_free(w.index);
	free(w.v);
	return rc;
}

int ways_of(const struct model *m, struct way **ways, size_t *n, uint32_t *path_of)
{
	struct ways w = { .index = map_new() };
	int rc = w.index ? ways_find(&w, m, path_of) : SQLITE_NOMEM;

	map_free(w.index);
	*ways = w.v;
	*n = rc ? 0 : w.n;
	return rc ? -ENOMEM : 0;
}
