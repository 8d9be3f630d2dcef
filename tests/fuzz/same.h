/* SPDX-License-Identifier: GPL-2.0 */
/*
 * same.h - records kept beyond the reader's next step, and compared field by field.
 */
#ifndef FUZZ_SAME_H
#define FUZZ_SAME_H

#include "make.h"

struct kept {
	struct trc_record rec;
	char *strings[4];
	void *list;		/* frames or bytes */
};

static inline const char *keep(char **copy, const char *s)
{
	*copy = strdup(s);
	CHECK(*copy);
	return *copy;
}

static inline void *keep_list(struct kept *k, const void *list, size_t size)
{
	k->list = malloc(size + 1);
	CHECK(k->list);
	if (size)
		memcpy(k->list, list, size);
	return k->list;
}

static inline void kept_put(struct kept *k, const struct trc_record *rec)
{
	const char **s[4] = {};
	int n = 0;

	*k = (struct kept){ .rec = *rec };
	switch (rec->kind) {
	case TRC_FACT: s[n++] = &k->rec.fact.key; s[n++] = &k->rec.fact.value; break;
	case TRC_ENUM: s[n++] = &k->rec.enumeration.type; s[n++] = &k->rec.enumeration.name; break;
	case TRC_FUNC: s[n++] = &k->rec.func.name; s[n++] = &k->rec.func.module; s[n++] = &k->rec.func.why; break;
	case TRC_NETNS: s[n++] = &k->rec.netns.name; break;
	case TRC_LINK: s[n++] = &k->rec.link.name; s[n++] = &k->rec.link.kind; s[n++] = &k->rec.link.address; break;
	case TRC_PROC: s[n++] = &k->rec.proc.name; s[n++] = &k->rec.proc.command; break;
	case TRC_END: s[n++] = &k->rec.end.reason; break;
	case TRC_STACK:
		k->rec.stack.frames = keep_list(k, rec->stack.frames, rec->stack.count * sizeof(uint32_t));
		break;
	case TRC_FRAMES:
		k->rec.frames.frames = keep_list(k, rec->frames.frames, rec->frames.count * sizeof(uint32_t));
		break;
	case TRC_DATA: k->rec.data.bytes = keep_list(k, rec->data.bytes, rec->data.size); break;
	case TRC_SNAPSHOT:
		s[n++] = &k->rec.snapshot.what;
		s[n++] = &k->rec.snapshot.source;
		s[n++] = &k->rec.snapshot.note;
		s[n++] = &k->rec.snapshot.text;
		break;
	case TRC_HOP:
	case TRC_LOSS:
	case TRC_EDGE:
		break;
	}
	while (n--)
		*s[n] = keep(&k->strings[n], *s[n]);
}

static inline void kept_free(struct kept *k)
{
	for (int i = 0; i < 4; i++)
		free(k->strings[i]);
	free(k->list);
	*k = (struct kept){};
}

/* there is no padding */
static inline bool hop_same(const struct trc_hop *x, const struct trc_hop *y)
{
	return !memcmp(x, y, sizeof(*x));
}

static inline bool link_same(const struct trc_link *x, const struct trc_link *y)
{
	return x->netns == y->netns && x->ifindex == y->ifindex && !strcmp(x->name, y->name) && !strcmp(x->kind, y->kind) &&
	       !strcmp(x->address, y->address) && x->peer_ifindex == y->peer_ifindex && x->peer_netns == y->peer_netns &&
	       x->mtu == y->mtu && x->flags == y->flags;
}

static inline bool func_same(const struct trc_func *x, const struct trc_func *y)
{
	return x->id == y->id && !strcmp(x->name, y->name) && !strcmp(x->module, y->module) && x->offset == y->offset &&
	       x->arg == y->arg && x->flags == y->flags && x->error == y->error && !strcmp(x->why, y->why);
}

static inline bool list_same(const void *x, size_t nx, const void *y, size_t ny, size_t size)
{
	return nx == ny && (!nx || !memcmp(x, y, nx * size));
}

static inline bool edge_same(const struct trc_edge *x, const struct trc_edge *y)
{
	return x->time_ns == y->time_ns && x->child == y->child && x->parent == y->parent && x->kind == y->kind && x->func == y->func;
}

static inline bool data_same(const struct trc_data *x, const struct trc_data *y)
{
	return x->packet == y->packet && x->time_ns == y->time_ns && x->layer == y->layer && x->len_bytes == y->len_bytes &&
	       list_same(x->bytes, x->size, y->bytes, y->size, 1);
}

static inline bool snapshot_same(const struct trc_snapshot *x, const struct trc_snapshot *y)
{
	return x->end == y->end && x->netns == y->netns && !strcmp(x->what, y->what) && !strcmp(x->source, y->source) &&
	       !strcmp(x->note, y->note) && x->part == y->part && x->last == y->last && !strcmp(x->text, y->text);
}

static inline bool loss_same(const struct trc_loss *x, const struct trc_loss *y)
{
	return x->cpu == y->cpu && x->produced == y->produced && x->recorded == y->recorded && x->lost == y->lost &&
	       x->missed == y->missed && x->others_lost == y->others_lost;
}

static inline bool end_same(const struct trc_end *x, const struct trc_end *y)
{
	return !strcmp(x->reason, y->reason) && x->time_ns == y->time_ns && x->realtime_ns == y->realtime_ns &&
	       x->packets == y->packets;
}

static inline bool record_same(const struct trc_record *a, const struct trc_record *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case TRC_FACT:
		return !strcmp(a->fact.key, b->fact.key) && !strcmp(a->fact.value, b->fact.value);
	case TRC_ENUM:
		return !strcmp(a->enumeration.type, b->enumeration.type) && a->enumeration.value == b->enumeration.value &&
		       !strcmp(a->enumeration.name, b->enumeration.name);
	case TRC_FUNC:
		return func_same(&a->func, &b->func);
	case TRC_NETNS:
		return a->netns.netns == b->netns.netns && !strcmp(a->netns.name, b->netns.name);
	case TRC_LINK:
		return link_same(&a->link, &b->link);
	case TRC_PROC:
		return a->proc.pid == b->proc.pid && !strcmp(a->proc.name, b->proc.name) &&
		       !strcmp(a->proc.command, b->proc.command);
	case TRC_STACK:
		return a->stack.packet == b->stack.packet &&
		       list_same(a->stack.frames, a->stack.count, b->stack.frames, b->stack.count, sizeof(uint32_t));
	case TRC_FRAMES:
		return a->frames.id == b->frames.id &&
		       list_same(a->frames.frames, a->frames.count, b->frames.frames, b->frames.count, sizeof(uint32_t));
	case TRC_EDGE:
		return edge_same(&a->edge, &b->edge);
	case TRC_DATA:
		return data_same(&a->data, &b->data);
	case TRC_SNAPSHOT:
		return snapshot_same(&a->snapshot, &b->snapshot);
	case TRC_HOP:
		return hop_same(&a->hop, &b->hop);
	case TRC_LOSS:
		return loss_same(&a->loss, &b->loss);
	case TRC_END:
		return end_same(&a->end, &b->end);
	}
	return false;
}

#endif
