// SPDX-License-Identifier: GPL-2.0
/*
 * source.c - read the samples: names, and the path of each packet.
 *
 * Functions of several samples are joined by name, module and offset, for ids mean something in one recording only.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen/gen.h"

/* A sample while it is read. */
struct loading {
	struct gen_source *s;
	bool first;
	uint32_t *ids;		/* of this sample's functions in the result */
	uint32_t nids;
	uint32_t *stacks;	/* and of its stacks */
	uint32_t nstacks;
	uint64_t packets[4096];	/* their ids; the paths lie in the same order from base on */
	size_t npackets;
	size_t base;
};

static void *grow(void *array, size_t n, size_t size)
{
	void *more = n & (n - 1) ? array : realloc(array, (n ? 2 * n : 1) * size);	/* at each power of two */

	if (!more)
		abort();	/* a test program on a test machine */
	return more;
}

static const char *keep(const char *s)
{
	char *copy = strdup(s);

	if (!copy)
		abort();
	return copy;
}

static void name_add(struct gen_source *s, const struct trc_record *rec)
{
	struct trc_record *n;

	s->names = grow(s->names, s->nnames, sizeof(*s->names));
	n = &s->names[s->nnames++];
	*n = *rec;
	switch (rec->kind) {
	case TRC_FACT:
		n->fact.key = keep(rec->fact.key);
		n->fact.value = keep(rec->fact.value);
		break;
	case TRC_ENUM:
		n->enumeration.type = keep(rec->enumeration.type);
		n->enumeration.name = keep(rec->enumeration.name);
		break;
	case TRC_FUNC:
		n->func.name = keep(rec->func.name);
		n->func.module = keep(rec->func.module);
		n->func.why = keep(rec->func.why);
		break;
	case TRC_NETNS:
		n->netns.name = keep(rec->netns.name);
		break;
	case TRC_LINK:
		n->link.name = keep(rec->link.name);
		n->link.kind = keep(rec->link.kind);
		n->link.address = keep(rec->link.address);
		break;
	default:
		n->proc.name = keep(rec->proc.name);
		n->proc.command = keep(rec->proc.command);
		break;
	}
}

static void name_free(struct trc_record *n)
{
	switch (n->kind) {
	case TRC_FACT:
		free((char *)n->fact.key);
		free((char *)n->fact.value);
		break;
	case TRC_ENUM:
		free((char *)n->enumeration.type);
		free((char *)n->enumeration.name);
		break;
	case TRC_FUNC:
		free((char *)n->func.name);
		free((char *)n->func.module);
		free((char *)n->func.why);
		break;
	case TRC_NETNS:
		free((char *)n->netns.name);
		break;
	case TRC_LINK:
		free((char *)n->link.name);
		free((char *)n->link.kind);
		free((char *)n->link.address);
		break;
	default:
		free((char *)n->proc.name);
		free((char *)n->proc.command);
		break;
	}
}

/* Interfaces and namespaces: of the first sample only, for those of another run have the same names. */
static bool name_wanted(const struct loading *l, const struct trc_record *rec)
{
	return l->first || rec->kind == TRC_PROC;
}

static void func_add(struct loading *l, const struct trc_record *rec)
{
	const struct trc_func *f = &rec->func;
	struct trc_record mine = *rec;
	uint32_t id = UINT32_MAX;

	for (size_t i = 0; !l->first && i < l->s->nnames && id == UINT32_MAX; i++) {
		const struct trc_func *known = &l->s->names[i].func;

		if (l->s->names[i].kind == TRC_FUNC && known->offset == f->offset && !strcmp(known->name, f->name) &&
		    !strcmp(known->module, f->module))
			id = known->id;
	}
	if (id == UINT32_MAX) {
		id = mine.func.id = l->s->nfuncs++;
		name_add(l->s, &mine);
	}
	for (; l->nids <= f->id; l->nids++) {
		l->ids = grow(l->ids, l->nids, sizeof(*l->ids));
		l->ids[l->nids] = 0;
	}
	l->ids[f->id] = id;
}

static struct gen_path *path_of(struct loading *l, uint64_t packet)
{
	struct gen_source *s = l->s;

	for (size_t i = 0; i < l->npackets; i++)
		if (l->packets[i] == packet)
			return &s->paths[l->base + i];
	if (l->npackets == sizeof(l->packets) / sizeof(l->packets[0]))
		return NULL;
	l->packets[l->npackets++] = packet;
	s->paths = grow(s->paths, s->npaths, sizeof(*s->paths));
	s->paths[s->npaths] = (struct gen_path){};
	return &s->paths[s->npaths++];
}

static uint32_t id_of(const struct loading *l, uint32_t id)
{
	return id < l->nids ? l->ids[id] : 0;
}

static void hop_add(struct loading *l, const struct trc_hop *hop)
{
	struct gen_path *p = path_of(l, hop->packet);

	if (!p)
		return;
	p->hops = grow(p->hops, p->nhops, sizeof(*p->hops));
	p->hops[p->nhops] = *hop;
	p->hops[p->nhops].func = id_of(l, hop->func);
	p->hops[p->nhops++].stack = hop->stack < l->nstacks ? l->stacks[hop->stack] : 0;
}

/* The number in the result of this sample's stack: the same frames have the same. */
static uint32_t frames_add(struct loading *l, uint32_t count, const uint32_t *of)
{
	struct gen_source *s = l->s;
	uint32_t *frames = malloc((count + 1) * sizeof(*frames));

	if (!frames)
		abort();
	for (uint32_t i = 0; i < count; i++)
		frames[i] = id_of(l, of[i]);
	for (uint32_t i = 0; i < s->nstacks; i++) {
		if (s->stacks[i].count != count || memcmp(s->stacks[i].frames, frames, count * sizeof(*frames)))
			continue;
		free(frames);
		return s->stacks[i].id;
	}
	s->stacks = grow(s->stacks, s->nstacks, sizeof(*s->stacks));
	s->stacks[s->nstacks] = (struct trc_frames){ .id = s->nstacks + 1, .count = count, .frames = frames };
	return s->stacks[s->nstacks++].id;
}

/* of recordings of version 0.1: with the packet, not with the hop */
static void stack_add(struct loading *l, const struct trc_stack *stack)
{
	struct gen_path *p = path_of(l, stack->packet);

	if (p && !p->stack && stack->count)
		p->stack = frames_add(l, stack->count, stack->frames);
}

#define STACKS_MAX 100000	/* of a sample */

static void stack_name(struct loading *l, const struct trc_frames *f)
{
	if (f->id >= STACKS_MAX)
		return;
	for (; l->nstacks <= f->id; l->nstacks++) {
		l->stacks = grow(l->stacks, l->nstacks, sizeof(*l->stacks));
		l->stacks[l->nstacks] = 0;
	}
	l->stacks[f->id] = frames_add(l, f->count, f->frames);
}

static int by_time(const void *a, const void *b)
{
	const struct trc_hop *x = a, *y = b;

	return x->time_ns < y->time_ns ? -1 : x->time_ns > y->time_ns;
}

/* Times become distances: of the first hop 0. */
static void path_settle(struct gen_path *p)
{
	uint64_t before;

	if (!p->nhops)
		return;
	qsort(p->hops, p->nhops, sizeof(*p->hops), by_time);
	before = p->hops[0].time_ns;
	p->pid = p->hops[0].pid;
	p->hops[0].stack = p->hops[0].stack ?: p->stack;
	for (uint32_t i = 0; i < p->nhops; i++) {
		struct trc_hop *h = &p->hops[i];
		uint64_t now = h->time_ns;

		h->time_ns = now - before;
		before = now;
		p->dropped |= h->kind == TRC_DROP;
		if (!p->softirq && h->context == TRC_SOFTIRQ)
			p->softirq = i;
	}
}

static int sample_load(struct gen_source *s, const char *path, bool first, char *error, size_t size)
{
	struct loading *l = calloc(1, sizeof(*l));
	struct trc_reader *r;
	struct trc_record rec;
	int err;

	if (!l)
		abort();
	l->s = s;
	l->first = first;
	l->base = s->npaths;
	err = trc_reader_open(&r, path);
	while (!err && (err = trc_reader_next(r, &rec)) > 0) {
		err = 0;
		if (rec.kind == TRC_FUNC)
			func_add(l, &rec);
		else if (rec.kind == TRC_HOP)
			hop_add(l, &rec.hop);
		else if (rec.kind == TRC_STACK)
			stack_add(l, &rec.stack);
		else if (rec.kind == TRC_FRAMES)
			stack_name(l, &rec.frames);
		else if (rec.kind < TRC_STACK && name_wanted(l, &rec))
			name_add(s, &rec);
	}
	if (err)
		snprintf(error, size, "%s: %s", path, trc_reader_error(r));
	trc_reader_free(r);
	for (size_t i = l->base; i < s->npaths; i++)
		path_settle(&s->paths[i]);
	free(l->ids);
	free(l->stacks);
	free(l);
	return err ? -1 : 0;
}

/* --- the same path for another protocol -------------------------------------------------------------------------- */

/* What does the work of the first where the protocol is another one; "" = the first, too. */
static const struct {
	const char *name, *ipv6, *tcp, *both;
} twins[] = {
	{ "ip_rcv", "ipv6_rcv", "", "ipv6_rcv" },
	{ "ip_rcv_core", "ip6_rcv_core", "", "ip6_rcv_core" },
	{ "ip_output", "ip6_output", "", "ip6_output" },
	{ "ip_finish_output", "ip6_finish_output", "", "ip6_finish_output" },
	{ "ip_finish_output2", "ip6_finish_output2", "", "ip6_finish_output2" },
	{ "ip_local_deliver", "ip6_input", "", "ip6_input" },
	{ "ip_local_deliver_finish", "ip6_input_finish", "", "ip6_input_finish" },
	{ "ip_protocol_deliver_rcu", "ip6_protocol_deliver_rcu", "", "ip6_protocol_deliver_rcu" },
	{ "ip_route_input_noref", "ip6_route_input", "", "ip6_route_input" },
	{ "ipt_do_table", "ip6t_do_table", "", "ip6t_do_table" },
	{ "udp_send_skb", "udp_v6_send_skb", "__tcp_transmit_skb", "__tcp_transmit_skb" },
	{ "udp4_hwcsum", "udp6_hwcsum", "tcp_v4_send_check", "tcp_v6_send_check" },
	{ "udp_v4_early_demux", "udp_v6_early_demux", "tcp_v4_early_demux", "tcp_v6_early_demux" },
	{ "udp_rcv", "udpv6_rcv", "tcp_v4_rcv", "tcp_v6_rcv" },
	{ "udp_queue_rcv_skb", "udpv6_queue_rcv_skb", "tcp_v4_do_rcv", "tcp_v6_do_rcv" },
	{ "udp_queue_rcv_one_skb", "udpv6_queue_rcv_one_skb", "tcp_rcv_established", "tcp_rcv_established" },
	{ "__udp_enqueue_schedule_skb", "", "tcp_queue_rcv", "tcp_queue_rcv" },
	{ "udp_mt", "", "tcp_mt", "tcp_mt" },
};

static uint32_t func_find(const struct gen_source *s, const char *name, uint32_t otherwise)
{
	for (size_t i = 0; name[0] && i < s->nnames; i++)
		if (s->names[i].kind == TRC_FUNC && !strcmp(s->names[i].func.name, name))
			return s->names[i].func.id;
	return otherwise;
}

static void twins_find(struct gen_source *s)
{
	for (int i = 0; i < 4; i++) {
		uint32_t *ids = malloc((s->nfuncs + 1) * sizeof(*ids));

		if (!ids)
			abort();
		s->twins[i & 1][i >> 1] = ids;
		for (uint32_t id = 0; id < s->nfuncs; id++)
			ids[id] = id;
	}
	for (size_t i = 0; i < sizeof(twins) / sizeof(twins[0]); i++) {
		uint32_t id = func_find(s, twins[i].name, UINT32_MAX);

		if (id == UINT32_MAX)
			continue;
		s->twins[1][0][id] = func_find(s, twins[i].ipv6, id);
		s->twins[0][1][id] = func_find(s, twins[i].tcp, id);
		s->twins[1][1][id] = func_find(s, twins[i].both, id);
	}
}

int gen_source_load(struct gen_source *s, char *const *samples, int n, char *error, size_t size)
{
	*s = (struct gen_source){};
	for (int i = 0; i < n; i++)
		if (sample_load(s, samples[i], i == 0, error, size))
			return -1;
	for (size_t i = 0; i < s->npaths; i++)	/* a stack whose packet has no hop is no path */
		if (!s->paths[i].nhops)
			s->paths[i--] = s->paths[--s->npaths];
	twins_find(s);
	if (s->npaths)
		return 0;
	snprintf(error, size, "no packet in the samples");
	return -1;
}

void gen_source_free(struct gen_source *s)
{
	for (size_t i = 0; i < s->nnames; i++)
		name_free(&s->names[i]);
	for (size_t i = 0; i < s->npaths; i++)
		free(s->paths[i].hops);
	for (uint32_t i = 0; i < s->nstacks; i++)
		free((uint32_t *)s->stacks[i].frames);
	free(s->stacks);
	for (int i = 0; i < 4; i++)
		free(s->twins[i & 1][i >> 1]);
	free(s->names);
	free(s->paths);
}
