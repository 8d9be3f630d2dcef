// SPDX-License-Identifier: GPL-2.0
/*
 * sql_hop.c - the virtual table hop_row: hops straight from the models, made into rows only as far as they are asked for.
 *
 * Two orders of scanning: by packet (the order of the primary key) and by time.  A query that names a packet, a hop
 * of it, a range of time, functions or a CPU makes rows only of those, and does not even unpack a packet that lived at
 * another time; SQLite checks every condition again.
 */
#include <stdlib.h>

#include "embedded.h"
#include "sql.h"
#include "sql_columns.h"
#include "timeline.h"

/* What xBestIndex tells xFilter; the values come in this order. */
enum plan {
	PLAN_RECORDING = 1,
	PLAN_PACKET = 2,
	PLAN_HOP = 4,
	PLAN_FROM = 8,		/* time_ns > or >= */
	PLAN_UNTIL = 16,	/* time_ns < or <= */
	PLAN_FUNC = 32,
	PLAN_CPU = 64,
	PLAN_BY_TIME = 128,
};

struct table {
	sqlite3_vtab base;
	const struct recordings *recs;
};

struct cursor {
	sqlite3_vtab_cursor base;
	const struct model *m;
	size_t recording;	/* index */
	size_t last_recording;	/* scan up to and with this one */
	bool by_time;
	struct timeline *timeline;	/* by time */
	const struct packet *p;		/* of the row */
	size_t packet;		/* by packet: index */
	uint32_t hop;		/* index within the packet */
	size_t packet_end;	/* by packet: one after the last to visit */
	uint32_t hop_end;	/* one after the last, of each packet */
	uint64_t from_ns, until_ns;
	sqlite3_int64 func, cpu;	/* -1: all */
	bool eof;
};

static int table_connect(sqlite3 *db, void *arg, int argc, const char *const *argv, sqlite3_vtab **out, char **error)
{
	const struct recordings *recs = arg;
	struct table *t;
	int rc = sqlite3_declare_vtab(db, embedded_hop);

	if (rc != SQLITE_OK)
		return rc;
	sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
	t = calloc(1, sizeof(*t));
	if (!t)
		return SQLITE_NOMEM;
	t->recs = recs;
	*out = &t->base;
	return SQLITE_OK;
}

static int table_disconnect(sqlite3_vtab *base)
{
	free(base);
	return SQLITE_OK;
}

/* Which plan a condition serves, 0 = none. */
static int condition_plan(const struct sqlite3_index_constraint *c)
{
	if (!c->usable)
		return 0;
	if (c->op == SQLITE_INDEX_CONSTRAINT_EQ)
		return c->iColumn == COL_RECORDING ? PLAN_RECORDING : c->iColumn == COL_PACKET ? PLAN_PACKET :
		       c->iColumn == COL_HOP ? PLAN_HOP : c->iColumn == COL_FUNC ? PLAN_FUNC :
		       c->iColumn == COL_CPU ? PLAN_CPU : 0;
	if (c->iColumn != COL_TIME)
		return 0;
	if (c->op == SQLITE_INDEX_CONSTRAINT_GT || c->op == SQLITE_INDEX_CONSTRAINT_GE)
		return PLAN_FROM;
	return c->op == SQLITE_INDEX_CONSTRAINT_LT || c->op == SQLITE_INDEX_CONSTRAINT_LE ? PLAN_UNTIL : 0;
}

static bool order_is(const sqlite3_index_info *info, const int *columns, int n)
{
	int i;

	if (!info->nOrderBy || info->nOrderBy > n)
		return false;
	for (i = 0; i < info->nOrderBy; i++)
		if (info->aOrderBy[i].desc || info->aOrderBy[i].iColumn != columns[i])
			return false;
	return true;
}

static void order_plan(const struct table *t, sqlite3_index_info *info, int *plan)
{
	static const int key[] = { COL_RECORDING, COL_PACKET, COL_HOP }, by_time[] = { COL_TIME };
	bool one = t->recs->n == 1 || *plan & PLAN_RECORDING;

	if (*plan & PLAN_PACKET && one) {	/* within one packet both orders are the same */
		info->orderByConsumed = order_is(info, key, 3) || order_is(info, by_time, 1) || order_is(info, key + 2, 1);
	} else if (order_is(info, key, 3) || (one && order_is(info, key + 1, 2))) {
		info->orderByConsumed = 1;
	} else if (one && !(*plan & (PLAN_PACKET | PLAN_HOP)) && order_is(info, by_time, 1)) {
		*plan |= PLAN_BY_TIME;
		info->orderByConsumed = 1;
	}
}

static int table_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
	const struct table *t = (const struct table *)base;
	int plan = 0, found, bit, argument = 0, at[7], i;
	double rows = 1;
	size_t k;

	for (i = 0; i < info->nConstraint; i++) {
		found = condition_plan(&info->aConstraint[i]);
		if (found && !(plan & found))
			at[__builtin_ctz(found)] = i;
		plan |= found;
	}
	for (bit = 0; bit < 7; bit++)
		if (plan & 1 << bit)
			info->aConstraintUsage[at[bit]].argvIndex = ++argument;
	order_plan(t, info, &plan);
	for (k = 0; k < t->recs->n; k++)
		rows += t->recs->models[k]->nhops;
	if (plan & PLAN_PACKET)
		rows = plan & PLAN_HOP ? 1 : 64;
	else if (plan & (PLAN_FROM | PLAN_UNTIL))
		rows /= 4;
	if (plan & PLAN_FUNC)
		rows /= 16;
	if (plan & PLAN_CPU)
		rows /= 2;
	info->idxNum = plan;
	info->estimatedRows = rows;
	info->estimatedCost = rows;
	return SQLITE_OK;
}

static int cursor_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out)
{
	struct cursor *c = calloc(1, sizeof(*c));

	if (!c)
		return SQLITE_NOMEM;
	*out = &c->base;
	return SQLITE_OK;
}

static int cursor_close(sqlite3_vtab_cursor *base)
{
	timeline_free(((struct cursor *)base)->timeline);
	free(base);
	return SQLITE_OK;
}

static const struct table *table_of(const struct cursor *c)
{
	return (const struct table *)c->base.pVtab;
}

/* Stand before the first hop of a recording that the plan may want. */
static int recording_enter(struct cursor *c, size_t recording)
{
	c->recording = recording;
	c->m = table_of(c)->recs->models[recording];
	if (!c->by_time)
		return SQLITE_OK;
	timeline_free(c->timeline);
	return timeline_open(&c->timeline, c->m, c->from_ns, c->until_ns) ? SQLITE_NOMEM : SQLITE_OK;
}

/* Does this packet live in the time that is wanted? */
static bool lives(const struct cursor *c, const struct packet *p)
{
	return p->last_ns >= c->from_ns && p->first_ns <= c->until_ns;
}

static bool is_wanted(const struct cursor *c, const struct trc_hop *h)
{
	return h->time_ns >= c->from_ns && h->time_ns <= c->until_ns && (c->func < 0 || h->func == c->func) &&
	       (c->cpu < 0 || h->cpu == c->cpu);
}

/* 1: there is a row, the next in this recording; 0: there is none; -1: no memory */
static int row_find(struct cursor *c, uint32_t first_hop)
{
	const struct trc_hop *h;
	int found;

	if (c->by_time) {
		do {
			found = timeline_next(c->timeline, &c->p, &c->hop, &h);
		} while (found > 0 && !is_wanted(c, h));
		return found;
	}
	while (c->packet < c->m->npackets && c->packet < c->packet_end) {
		c->p = &c->m->packets[c->packet];
		if (lives(c, c->p))
			for (; c->hop < c->p->nhops && c->hop < c->hop_end; c->hop++)
				if (is_wanted(c, packet_hop(c->m, c->p, c->hop)))
					return 1;
		c->packet++;
		c->hop = first_hop;
	}
	return 0;
}

/* Go on to the next row or the end. */
static int cursor_settle(struct cursor *c, size_t first_packet, uint32_t first_hop)
{
	int found, rc;

	while (!(found = row_find(c, first_hop))) {
		if (c->recording >= c->last_recording) {
			c->eof = true;
			return SQLITE_OK;
		}
		rc = recording_enter(c, c->recording + 1);
		if (rc != SQLITE_OK)
			return rc;
		c->packet = first_packet;
		c->hop = first_hop;
	}
	return found > 0 ? SQLITE_OK : SQLITE_NOMEM;
}

/* A condition's value, if it is a number; other types compare in ways that are left to SQLite. */
static bool number(sqlite3_value *v, sqlite3_int64 *n)
{
	int type = sqlite3_value_numeric_type(v);

	*n = sqlite3_value_int64(v);
	return type == SQLITE_INTEGER || type == SQLITE_FLOAT;
}

static void cursor_limit(struct cursor *c, int bit, sqlite3_int64 n, size_t nrecs)
{
	switch (bit) {
	case PLAN_RECORDING:
		c->eof |= n < 1 || (size_t)n > nrecs;
		c->recording = c->last_recording = c->eof ? 0 : n - 1;
		break;
	case PLAN_PACKET:
		c->eof |= n < 1 || n > UINT32_MAX;
		c->packet = n - 1;
		c->packet_end = n;
		break;
	case PLAN_HOP:
		c->eof |= n < 1 || n > UINT32_MAX;
		c->hop = n - 1;
		c->hop_end = n;
		break;
	case PLAN_FROM:
		c->from_ns = n > 0 ? n : 0;
		break;
	case PLAN_UNTIL:
		c->eof |= n < 0;
		c->until_ns = n == INT64_MAX ? UINT64_MAX : (uint64_t)n + 1;	/* a fraction was cut off */
		break;
	case PLAN_FUNC:
		c->eof |= n < 0;
		c->func = n;
		break;
	case PLAN_CPU:
		c->eof |= n < 0;
		c->cpu = n;
		break;
	}
}

static int cursor_filter(sqlite3_vtab_cursor *base, int plan, const char *name, int argc, sqlite3_value **argv)
{
	struct cursor *c = (struct cursor *)base;
	const struct table *t = table_of(c);
	sqlite3_int64 n;
	int i = 0, bit, rc;

	c->eof = !t->recs->n;
	c->by_time = plan & PLAN_BY_TIME;
	c->recording = c->packet = c->hop = 0;
	c->last_recording = t->recs->n - 1;
	c->packet_end = SIZE_MAX;
	c->hop_end = UINT32_MAX;
	c->from_ns = 0;
	c->until_ns = UINT64_MAX;
	c->func = c->cpu = -1;
	for (bit = PLAN_RECORDING; bit <= PLAN_CPU; bit <<= 1)
		if (plan & bit && i < argc && number(argv[i++], &n))
			cursor_limit(c, bit, n, t->recs->n);
	if (c->eof)
		return SQLITE_OK;
	rc = recording_enter(c, c->recording);
	return rc == SQLITE_OK ? cursor_settle(c, c->packet, c->hop) : rc;
}

static int cursor_next(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base;
	uint32_t first_hop = c->hop_end == UINT32_MAX ? 0 : c->hop_end - 1;
	size_t first_packet = c->packet_end == SIZE_MAX ? 0 : c->packet_end - 1;

	if (!c->by_time)
		c->hop++;
	return cursor_settle(c, first_packet, first_hop);
}

static int cursor_eof(sqlite3_vtab_cursor *base)
{
	return ((struct cursor *)base)->eof;
}

static int cursor_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int column)
{
	const struct cursor *c = (const struct cursor *)base;

	if (column == COL_RECORDING)
		sqlite3_result_int64(ctx, (sqlite3_int64)c->recording + 1);
	else
		hop_column(ctx, c->m, c->p, c->hop, column);
	return SQLITE_OK;
}

int hop_module_add(sqlite3 *db, const struct recordings *recs)
{
	static const sqlite3_module module = {
		.xCreate = table_connect, .xConnect = table_connect, .xBestIndex = table_best_index,
		.xDisconnect = table_disconnect, .xDestroy = table_disconnect, .xOpen = cursor_open, .xClose = cursor_close,
		.xFilter = cursor_filter, .xNext = cursor_next, .xEof = cursor_eof, .xColumn = cursor_column,
	};

	return sqlite3_create_module(db, "pkt_hops", &module, (void *)recs);
}
