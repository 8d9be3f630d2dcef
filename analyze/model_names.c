// SPDX-License-Identifier: GPL-2.0
/*
 * model_names.c - names for numbers: functions, namespaces, devices, processes, enum members, facts.
 *
 * Every namespace and device that a hop or a link mentions gets its text once, at load, so that answers live as long
 * as the model.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model_private.h"

static uint64_t link_key(uint32_t netns, uint32_t ifindex)
{
	return (uint64_t)netns << 32 | ifindex;
}

static int name_put(struct model *m, struct map *names, uint64_t key, const char *name)
{
	struct model_private *v = m->priv;

	if (grow((void **)&v->names, v->nnames, &v->names_room, sizeof(*v->names)))
		return -ENOMEM;
	v->names[v->nnames++] = name;
	return map_put(names, key, v->nnames - 1);
}

static int name_add(struct model *m, struct map *names, uint64_t key, const char *name)
{
	return *name && map_get(names, key) == NONE ? name_put(m, names, key, name) : 0;
}

static int netns_mention(struct model *m, uint32_t netns)
{
	char buf[32];
	const char *name;

	if (!netns || map_get(m->priv->netns_names, netns) != NONE)
		return 0;
	snprintf(buf, sizeof(buf), "netns:%u", netns);
	name = arena_text(&m->priv->arena, buf);
	return name ? name_put(m, m->priv->netns_names, netns, name) : -ENOMEM;
}

static int link_mention(struct model *m, uint32_t netns, uint32_t ifindex)
{
	char buf[32];
	const char *name;

	if (!ifindex || map_get(m->priv->link_names, link_key(netns, ifindex)) != NONE)
		return 0;
	snprintf(buf, sizeof(buf), "if%u", ifindex);
	name = arena_text(&m->priv->arena, buf);
	return name ? name_put(m, m->priv->link_names, link_key(netns, ifindex), name) : -ENOMEM;
}

static int compare_enums(const void *a, const void *b)
{
	const struct trc_enum *x = a, *y = b;
	int order = strcmp(x->type, y->type);

	return order ? order : (x->value > y->value) - (x->value < y->value);
}

/* Recorders take the list of namespaces and devices at the start and at the end: the first of each stays. */
static int netns_unite(struct model *m)
{
	struct map *kept = map_new();
	size_t i, n = 0;
	uint32_t at;
	int err = kept ? 0 : -ENOMEM;

	for (i = 0; i < m->nnetns && !err; i++) {
		at = map_get(kept, m->netns[i].netns);
		if (at == NONE) {
			err = map_put(kept, m->netns[i].netns, n);
			m->netns[n++] = m->netns[i];
		} else if (!*m->netns[at].name) {
			m->netns[at].name = m->netns[i].name;
		}
	}
	m->nnetns = n;
	map_free(kept);
	return err;
}

static int links_unite(struct model *m)
{
	struct map *kept = map_new();
	size_t i, n = 0;
	uint64_t key;
	int err = kept ? 0 : -ENOMEM;

	for (i = 0; i < m->nlinks && !err; i++) {
		key = link_key(m->links[i].netns, m->links[i].ifindex);
		if (map_get(kept, key) != NONE)
			continue;
		err = map_put(kept, key, n);
		m->links[n++] = m->links[i];
	}
	m->nlinks = n;
	map_free(kept);
	return err;
}

/* After execve() the last one counts; of one and the same program one that has the command. */
static int proc_learn(struct model *m, size_t i)
{
	struct trc_proc *now = &m->procs[i];
	uint32_t before = map_get(m->priv->procs, now->pid);

	if (before != NONE && !*now->command && !strcmp(m->procs[before].name, now->name))
		now->command = m->procs[before].command;
	return map_put(m->priv->procs, now->pid, i);
}

int names_resolve(struct model *m)
{
	struct model_private *v = m->priv;
	const struct link *l;
	size_t i;
	int err = netns_unite(m) ?: links_unite(m);

	for (i = 0; i < m->nnetns && !err; i++)
		err = name_add(m, v->netns_names, m->netns[i].netns, m->netns[i].name);
	for (i = 0; i < m->nlinks && !err; i++)
		err = name_add(m, v->link_names, link_key(m->links[i].netns, m->links[i].ifindex), m->links[i].name);
	for (i = 0; i < m->nprocs && !err; i++)
		err = proc_learn(m, i) ?: (i % LIMIT_STEPS ? 0 : model_fits(m));
	for (i = 0; i < m->nlinks && !err; i++) {
		l = &m->links[i];
		err = netns_mention(m, l->netns) ?: netns_mention(m, l->peer_netns) ?:
		      link_mention(m, l->netns, l->ifindex) ?: link_mention(m, l->peer_netns, l->peer_ifindex) ?:
		      (i % LIMIT_STEPS ? 0 : model_fits(m));
	}
	for (i = 0; i < m->nplaces && !err; i++)
		err = netns_mention(m, m->places[i].netns) ?: link_mention(m, m->places[i].netns, m->places[i].ifindex) ?:
		      (i % LIMIT_STEPS ? 0 : model_fits(m));
	if (m->nenums)
		qsort(m->enums, m->nenums, sizeof(*m->enums), compare_enums);
	return err;
}

int name_learn(struct model *m, enum trc_kind kind)
{
	struct model_private *v = m->priv;
	const struct trc_netns *ns = m->nnetns ? &m->netns[m->nnetns - 1] : NULL;
	const struct link *l = m->nlinks ? &m->links[m->nlinks - 1] : NULL;

	if (kind == TRC_NETNS && ns)
		return name_add(m, v->netns_names, ns->netns, ns->name);
	if (kind == TRC_LINK && l)
		return name_add(m, v->link_names, link_key(l->netns, l->ifindex), l->name);
	if (kind == TRC_PROC && m->nprocs)
		return proc_learn(m, m->nprocs - 1);
	if (kind == TRC_ENUM)	/* kept sorted: they come together, at the start */
		qsort(m->enums, m->nenums, sizeof(*m->enums), compare_enums);
	return 0;
}

/* One function stands for all ids that the file does not explain. */
static int function_unknown(struct model *m, uint32_t *unknown)
{
	if (*unknown != NONE)
		return 0;
	if (grow((void **)&m->funcs, m->nfuncs, &m->priv->funcs_room, sizeof(*m->funcs)))
		return -ENOMEM;
	m->funcs[m->nfuncs] = (struct func){ .name = "?", .module = "", .why = "" };
	*unknown = m->nfuncs++;
	return 0;
}

static int id_resolve(struct model *m, uint32_t *id, uint32_t *unknown)
{
	uint32_t index = map_get(m->priv->func_ids, *id);

	if (index == NONE) {
		if (function_unknown(m, unknown))
			return -ENOMEM;
		index = *unknown;
	}
	*id = index;
	return 0;
}

int functions_explain(struct model *m)
{
	struct model_private *v = m->priv;
	const struct known *k, **known = reallocarray(v->known, m->nfuncs + 1, sizeof(*known));
	typeof(v->calls) calls = known ? reallocarray(v->calls, m->nfuncs + 1, sizeof(*calls)) : NULL;
	typeof(v->entries) entries = calls ? reallocarray(v->entries, m->nfuncs + 1, sizeof(*entries)) : NULL;
	size_t i;

	v->known = known ?: v->known;
	v->calls = calls ?: v->calls;
	v->entries = entries ?: v->entries;
	if (!known || !calls || !entries)
		return -ENOMEM;
	for (i = 0; i < m->nfuncs; i++) {
		k = m->priv->known[i] = knowledge_of_func(&m->funcs[i]);
		m->priv->calls[i] = call_of(m->funcs[i].name);	/* once: stacks are many, and names may be long */
		v->entries[i] = entry_meaning(k);
		m->funcs[i].layer = k->layer;
		m->funcs[i].stage = k->stage;
		m->funcs[i].meaning = k->meaning;
	}
	return 0;
}

/* Frames are the arena's: no other stack has the same. */
static int frames_resolve(struct model *m, const uint32_t *frames, uint32_t count, uint32_t *unknown)
{
	uint32_t k;
	int err = 0;

	for (k = 0; k < count && !err; k++)
		err = id_resolve(m, (uint32_t *)&frames[k], unknown);
	return err;
}

int functions_resolve(struct model *m)
{
	uint32_t unknown = NONE;
	struct func_use *use;
	struct birth *b;
	size_t i;
	int err = 0;

	for (i = 0; i < m->priv->nfunc_uses && !err; i++) {
		use = &m->priv->func_uses[i];
		use->index = use->id;
		err = id_resolve(m, &use->index, &unknown);
	}
	for (i = 0; i < m->priv->nbirths && !err; i++) {
		b = &m->priv->births[i];
		err = frames_resolve(m, b->frames, b->count, &unknown);
	}
	for (i = 0; i < m->nstacks && !err; i++)
		err = frames_resolve(m, m->stacks[i].frames, m->stacks[i].count, &unknown);
	for (i = 0; i < m->nedges && !err; i++)
		err = id_resolve(m, &m->edges[i].func, &unknown);
	err = err ?: functions_explain(m);
	if (err)
		return err;
	stacks_trim(m, 0);
	for (i = 0; i < m->priv->nfunc_uses; i++)
		m->funcs[m->priv->func_uses[i].index].hits += m->priv->func_uses[i].hits;
	return 0;
}

const char *model_fact(const struct model *m, const char *key)
{
	size_t i;

	for (i = 0; i < m->nfacts; i++)
		if (!strcmp(m->facts[i].key, key))
			return m->facts[i].value;
	return "";
}

/* Models that tests build by hand have neither order nor maps: they are small. */
static const struct trc_enum *enum_scan(const struct model *m, const struct trc_enum *key)
{
	size_t i;

	for (i = 0; i < m->nenums; i++)
		if (!compare_enums(key, &m->enums[i]))
			return &m->enums[i];
	return NULL;
}

const char *model_enum(const struct model *m, const char *type, int64_t value)
{
	const struct trc_enum key = { .type = type, .value = value }, *found;

	found = m->nenums && m->priv ? bsearch(&key, m->enums, m->nenums, sizeof(key), compare_enums) :
				       enum_scan(m, &key);
	return found ? found->name : NULL;
}

#define REASON_SUBSYSTEM_SHIFT 16	/* above it a drop reason has the number of the subsystem that it is of */

/* Answers about numbers that the recording never mentions, good until the eighth further question. */
static const char *unnamed(const char *format, uint32_t number)
{
	static _Thread_local char buf[8][32];
	static _Thread_local unsigned int turn;
	char *b = buf[turn++ % 8];

	snprintf(b, sizeof(buf[0]), format, number);
	return b;
}

/* Of a subsystem whose own enum the recorder could not read. */
static const char *unnamed_subsystem(const struct model *m, uint32_t reason)
{
	const char *name = model_enum(m, "skb_drop_reason_subsys", reason >> REASON_SUBSYSTEM_SHIFT);
	static _Thread_local char buf[8][64];
	static _Thread_local unsigned int turn;
	char *b = buf[turn++ % 8];

	if (!name)
		return unnamed("reason 0x%x", reason);
	if (!strncmp(name, "SKB_DROP_REASON_SUBSYS_", 23))
		name += 23;
	snprintf(b, sizeof(buf[0]), "%.40s reason %u", name, reason & ((1u << REASON_SUBSYSTEM_SHIFT) - 1));
	return b;
}

const char *model_drop_reason(const struct model *m, int32_t reason)
{
	const char *name = model_enum(m, "skb_drop_reason", (uint32_t)reason);

	if (!name && (uint32_t)reason >> REASON_SUBSYSTEM_SHIFT)
		return unnamed_subsystem(m, reason);
	if (!name)
		return unnamed("reason %u", reason);
	if (!strncmp(name, "SKB_DROP_REASON_", 16))
		return name + 16;
	return strncmp(name, "SKB_", 4) ? name : name + 4;
}

const char *packet_reason(const struct model *m, const struct packet *p)
{
	const struct trc_hop *h = p->fate_hop < p->nhops ? packet_hop(m, p, p->fate_hop) : NULL;
	const char *action = h && h->kind == TRC_RETURN ? action_name(&m->funcs[h->func], h->value) : NULL;

	return action ? action : model_drop_reason(m, p->reason);
}

static const char *name_of(const struct model *m, const struct map *names, uint64_t key)
{
	uint32_t i = map_get(names, key);

	return i == NONE ? NULL : m->priv->names[i];
}

static const char *netns_scan(const struct model *m, uint32_t netns)
{
	size_t i;

	for (i = 0; i < m->nnetns; i++)
		if (m->netns[i].netns == netns && *m->netns[i].name)
			return m->netns[i].name;
	return NULL;
}

static const char *link_scan(const struct model *m, uint32_t netns, uint32_t ifindex)
{
	size_t i;

	for (i = 0; i < m->nlinks; i++)
		if (m->links[i].netns == netns && m->links[i].ifindex == ifindex && *m->links[i].name)
			return m->links[i].name;
	return NULL;
}

static const struct trc_proc *proc_scan(const struct model *m, uint32_t pid)
{
	size_t i;

	for (i = m->nprocs; i > 0; i--)
		if (m->procs[i - 1].pid == pid)
			return &m->procs[i - 1];
	return NULL;
}

static const struct trc_proc *proc_find(const struct model *m, uint32_t pid)
{
	uint32_t i = m->priv ? map_get(m->priv->procs, pid) : NONE;

	return !m->priv ? proc_scan(m, pid) : i == NONE ? NULL : &m->procs[i];
}

const char *model_netns(const struct model *m, uint32_t netns)
{
	const char *name = m->priv ? name_of(m, m->priv->netns_names, netns) : netns_scan(m, netns);

	return netns ? name ?: unnamed("netns:%u", netns) : "";
}

const char *model_dev(const struct model *m, uint32_t netns, uint32_t ifindex)
{
	const char *name = m->priv ? name_of(m, m->priv->link_names, link_key(netns, ifindex)) :
				     link_scan(m, netns, ifindex);

	return ifindex ? name ?: unnamed("if%u", ifindex) : "";
}

const char *model_proc(const struct model *m, uint32_t pid)
{
	const struct trc_proc *p = proc_find(m, pid);

	return p ? p->name : "";
}

const char *model_command(const struct model *m, uint32_t pid)
{
	const struct trc_proc *p = proc_find(m, pid);

	return p && p->command ? p->command : "";
}

bool model_proc_is_last(const struct model *m, size_t i)
{
	const struct trc_proc *last = proc_find(m, m->procs[i].pid);

	return last == &m->procs[i] || strcmp(last->name, m->procs[i].name);
}
