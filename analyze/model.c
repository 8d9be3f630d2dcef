// SPDX-License-Identifier: GPL-2.0
/*
 * model.c - read a recording into memory, record by record, then have it put in order.
 *
 * The steps after reading are listed in model_private.h.  Nothing here trusts the file: ids are looked up, never used
 * as indexes; text is sanitized when it is copied; what may be claimed without being there is limited.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "model_private.h"
#include "sanitize.h"
#include "spill.h"

/* A new element at the end of an array of the model, zeroed; NULL: no memory */
#define ADD(m, array, count, room) \
	(grow((void **)&(m)->array, (m)->count, &(m)->priv->room, sizeof(*(m)->array)) ? NULL : \
	 memset(&(m)->array[(m)->count++], 0, sizeof(*(m)->array)))

static const char *text(struct model *m, const char *s)
{
	return arena_text(&m->priv->arena, s);
}

static int func_add(struct model *m, const struct trc_func *f)
{
	uint32_t index = map_get(m->priv->func_ids, f->id);
	struct func *func = index == NONE ? ADD(m, funcs, nfuncs, funcs_room) : &m->funcs[index];

	if (!func)
		return -ENOMEM;
	*func = (struct func){
		.name = text(m, f->name), .module = text(m, f->module), .offset = f->offset, .arg = f->arg,
		.flags = f->flags, .error = f->error, .why = text(m, f->why),
	};
	if (!func->name || !func->module || !func->why)
		return -ENOMEM;
	return index == NONE ? map_put(m->priv->func_ids, f->id, m->nfuncs - 1) : 0;
}

static int fact_add(struct model *m, const struct trc_fact *f)
{
	struct trc_fact *fact = ADD(m, facts, nfacts, facts_room);

	if (!fact)
		return -ENOMEM;
	*fact = (struct trc_fact){ text(m, f->key), text(m, f->value) };
	return fact->key && fact->value ? 0 : -ENOMEM;
}

static int enum_add(struct model *m, const struct trc_enum *e)
{
	struct trc_enum *member = ADD(m, enums, nenums, enums_room);

	if (!member)
		return -ENOMEM;
	*member = (struct trc_enum){ text(m, e->type), text(m, e->name), e->value };
	return member->type && member->name ? 0 : -ENOMEM;
}

static int netns_add(struct model *m, const struct trc_netns *n)
{
	struct trc_netns *ns = ADD(m, netns, nnetns, netns_room);

	if (!ns)
		return -ENOMEM;
	*ns = (struct trc_netns){ n->netns, text(m, n->name) };
	return ns->name ? 0 : -ENOMEM;
}

static int link_add(struct model *m, const struct trc_link *l)
{
	struct link *link = ADD(m, links, nlinks, links_room);

	if (!link)
		return -ENOMEM;
	*link = (struct link){
		.netns = l->netns, .ifindex = l->ifindex, .name = text(m, l->name), .kind = text(m, l->kind),
		.address = text(m, l->address), .peer_ifindex = l->peer_ifindex, .peer_netns = l->peer_netns,
		.mtu = l->mtu, .flags = l->flags,
	};
	return link->name && link->kind && link->address ? 0 : -ENOMEM;
}

static int proc_add(struct model *m, const struct trc_proc *p)
{
	struct trc_proc *proc = ADD(m, procs, nprocs, procs_room);

	if (!proc)
		return -ENOMEM;
	*proc = (struct trc_proc){ p->pid, text(m, p->name), text(m, p->command) };
	return proc->name && proc->command ? 0 : -ENOMEM;
}

static int stack_add(struct model *m, const struct trc_stack *s)
{
	struct model_private *v = m->priv;
	size_t bytes = s->count * sizeof(*s->frames);
	struct birth *b;

	if (!s->count || s->count > TRC_STACK_MAX)
		return 0;
	if (grow((void **)&v->births, v->nbirths, &v->births_room, sizeof(*v->births)))
		return -ENOMEM;
	b = &v->births[v->nbirths];
	*b = (struct birth){ s->packet, s->count, arena_alloc(&v->arena, bytes) };
	if (!b->frames)
		return -ENOMEM;
	memcpy(b->frames, s->frames, bytes);
	v->nbirths++;
	return 0;
}

/* The last record of a CPU counts. */
static int loss_add(struct model *m, const struct trc_loss *l)
{
	uint32_t index = map_get(m->priv->cpus, l->cpu);
	struct trc_loss *loss = index == NONE ? ADD(m, losses, nlosses, losses_room) : &m->losses[index];

	if (!loss)
		return -ENOMEM;
	*loss = *l;
	return index == NONE ? map_put(m->priv->cpus, l->cpu, m->nlosses - 1) : 0;
}

static int end_set(struct model *m, const struct trc_end *e)
{
	m->end = *e;
	m->end.reason = text(m, e->reason);
	return m->end.reason ? 0 : -ENOMEM;
}

int record_add(struct model *m, const struct trc_record *rec)
{
	static const uint32_t no_names = 1 << TRC_HOP | 1 << TRC_STACK | 1 << TRC_FRAMES | 1 << TRC_EDGE | 1 << TRC_DATA;

	m->priv->rows += rec->kind > TRC_SNAPSHOT || !(no_names & 1u << rec->kind);
	switch (rec->kind) {
	case TRC_HOP:
		return packets_take(m, &rec->hop);
	case TRC_FACT:
		return fact_add(m, &rec->fact);
	case TRC_ENUM:
		return enum_add(m, &rec->enumeration);
	case TRC_FUNC:
		return func_add(m, &rec->func);
	case TRC_NETNS:
		return netns_add(m, &rec->netns);
	case TRC_LINK:
		return link_add(m, &rec->link);
	case TRC_PROC:
		return proc_add(m, &rec->proc);
	case TRC_STACK:
		return stack_add(m, &rec->stack);
	case TRC_LOSS:
		return loss_add(m, &rec->loss);
	case TRC_END:
		return end_set(m, &rec->end);
	case TRC_FRAMES:
		return frames_add(m, &rec->frames);
	case TRC_EDGE:
		return edge_add(m, &rec->edge);
	case TRC_DATA:
		return data_add(m, &rec->data);
	case TRC_SNAPSHOT:
		return snapshot_add(m, &rec->snapshot);
	}
	return 0;	/* of a newer library */
}

/* Hops are all of one size, so that one in many is enough to ask at; names are not. */
static bool limit_asks(const struct model *m, const struct trc_record *rec)
{
	return rec->kind != TRC_HOP || !(m->nhops % LIMIT_STEPS);
}

static int records_read(struct model *m, struct trc_reader *r)
{
	struct trc_record rec;
	int err;

	while ((err = trc_reader_next(r, &rec)) > 0) {
		err = record_add(m, &rec);
		if (!err && limit_asks(m, &rec)) {
			spill_look(LIMIT_STEPS * sizeof(uint64_t));
			m->health.bytes = trc_reader_health(r)->bytes;
			err = model_fits(m);
		}
		if (err)
			return err;
	}
	return err;
}

int model_order(struct model *m)
{
	return functions_resolve(m) ?: names_resolve(m) ?: packets_order(m) ?: hops_derive(m) ?: packets_judge(m) ?:
	       losses_place(m) ?: lineage_place(m) ?: packets_liken(m) ?: capture_place(m) ?: gone_place(m) ?: hops_store_ring(m, false);
}

struct model *model_new(const char *path)
{
	struct model *m = calloc(1, sizeof(*m));
	struct model_private *v = calloc(1, sizeof(*v));

	if (!m || !v) {
		free(m);
		free(v);
		return NULL;
	}
	m->priv = v;
	v->func_ids = map_new();
	v->packet_ids = map_new();
	v->cpus = map_new();
	v->netns_names = map_new();
	v->link_names = map_new();
	v->procs = map_new();
	v->stack_ids = map_new();
	v->store = hops_store_new();
	v->func_use_ids = map_new();
	v->place_ids = map_new();
	m->file = text(m, path);
	m->trouble = "";
	if (v->func_ids && v->packet_ids && v->cpus && v->netns_names && v->link_names && v->procs && v->stack_ids && v->store &&
	    v->func_use_ids && v->place_ids && m->file)
		return m;
	model_free(m);
	return NULL;
}

static const char *too_big(const struct model *m, char *buf, size_t size)
{
	unsigned long long bytes = m->health.bytes;

	if (m->priv->rows > MODEL_NAMES_MAX)
		snprintf(buf, size, "claims more than %u names: no machine has so many", MODEL_NAMES_MAX);
	else
		snprintf(buf, size, "claims more than %zu MiB of memory with %llu bytes of file: no recording of that size "
			 "holds so much", model_limit(bytes) >> 20, bytes);
	return buf;
}

static int explain_failure(const struct model *m, const struct trc_reader *r, int err, char *error, size_t size)
{
	char *file = error, limit[128];
	const char *why = trc_reader_error(r);
	size_t n = m ? (size_t)snprintf(file, size, "%s: ", m->file) : 0;

	if (n >= size)
		return err;
	if (err == -ENOMEM)
		why = spill_trouble() ?: "out of memory";
	else if (err == -E2BIG)
		why = too_big(m, limit, sizeof(limit));
	else if (!why || !*why)
		why = strerror(-err);
	sanitize(error + n, size - n, why);
	return err;
}

int model_load(struct model **out, const char *path, char *error, size_t size)
{
	struct trc_reader *r = NULL;
	struct model *m = model_new(path);
	int err;

	*out = NULL;
	if (!m)
		return explain_failure(NULL, NULL, -ENOMEM, error, size);
	err = trc_reader_open(&r, path);
	if (err) {
		explain_failure(m, NULL, err, error, size);
		goto out;
	}
	err = trc_reader_order(r, TRC_ORDER_TIME) ?: records_read(m, r);
	if (!err) {
		m->health = *trc_reader_health(r);
		m->trouble = text(m, trc_reader_trouble(r));
		trc_reader_free(r);	/* what follows needs the memory */
		r = NULL;
		err = m->trouble ? model_order(m) : -ENOMEM;
	}
	if (err)
		explain_failure(m, r, err, error, size);
out:
	trc_reader_free(r);
	if (err)
		model_free(m);
	else
		*out = m;
	return err;
}

void model_free(struct model *m)
{
	struct model_private *v = m ? m->priv : NULL;

	if (!m)
		return;
	map_free(v->func_ids);
	map_free(v->packet_ids);
	map_free(v->cpus);
	map_free(v->netns_names);
	map_free(v->link_names);
	map_free(v->procs);
	map_free(v->stack_ids);
	arena_free(&v->arena);
	free(v->known);
	free(v->calls);
	free(v->entries);
	free(v->names);
	map_free(v->func_use_ids);
	map_free(v->place_ids);
	hops_store_free(v->store);
	losses_free(v->losses);
	free(v->func_uses);
	free(v->func_use_of);
	free(v->births);
	spill_free(v->kin_lists);
	free(v->parts);
	free(v);
	free(m->stacks);
	spill_free(m->edges);
	spill_free(m->datas);
	free(m->snapshots);
	spill_free(m->unpacked);
	free(m->places);
	spill_free(m->packets);
	free(m->funcs);
	free(m->links);
	free(m->netns);
	free(m->procs);
	free(m->facts);
	free(m->enums);
	free(m->losses);
	free(m);
}
