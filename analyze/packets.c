// SPDX-License-Identifier: GPL-2.0
/*
 * packets.c - group hops by packet, and judge each packet: its tuple, where it was born, what became of it.
 *
 * The fate, from what was recorded and nothing else:
 *	a drop that the kernel reported                            DROPPED (without a reason, by a BPF program's answer: as that)
 *	put into a socket's queue                                  DELIVERED
 *	a BPF program answered that it is dropped                  DROPPED
 *	read by a process, whatever put it into the queue          DELIVERED
 *	handed to a driver, and since then at most freed           SENT (veth and loopback bring it back: then it goes on)
 *	freed without any of these                                 CONSUMED
 *	no end seen                                                IN_FLIGHT
 * A hop that was derived from a stack counts like one that was recorded.  MERGED is lineage.c's to say.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model_private.h"

static struct packet *packet_at(struct model *m, uint64_t id)
{
	uint32_t index = map_get(m->priv->packet_ids, id);
	struct packet *p;

	if (index != NONE)
		return &m->packets[index];
	if (grow((void **)&m->packets, m->npackets, &m->priv->packets_room, sizeof(*m->packets)))
		return NULL;
	if (map_put(m->priv->packet_ids, id, m->npackets))
		return NULL;
	p = &m->packets[m->npackets++];
	*p = (struct packet){ .id = id, .number = m->npackets };
	return p;
}

static void births_assign(struct model *m)
{
	const struct birth *b;
	struct packet *p;
	uint32_t index;
	size_t i;

	for (i = 0; i < m->priv->nbirths; i++) {
		b = &m->priv->births[i];
		index = map_get(m->priv->packet_ids, b->packet);
		p = index == NONE ? NULL : &m->packets[index];
		if (!p || p->frames)
			continue;	/* its hops were lost, or the file says it twice */
		p->frames = b->frames;
		p->nframes = b->count;
	}
}

/* Hops are in time order by now, so that packets are numbered by their first hop. */
int packets_group(struct model *m)
{
	struct packet *p;
	uint32_t *at, *list;
	size_t i;

	for (i = 0; i < m->nhops; i++) {
		p = packet_at(m, m->hops[i].packet);
		if (!p)
			return -ENOMEM;
		p->nhops++;
		if (!(i % LIMIT_STEPS) && model_fits(m))
			return -E2BIG;
	}
	list = at = m->priv->hop_lists = malloc((m->nhops ? m->nhops : 1) * sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (i = 0; i < m->npackets; i++) {
		m->packets[i].hops = at;
		at += m->packets[i].nhops;
		m->packets[i].nhops = 0;
	}
	for (i = 0; i < m->nhops; i++) {
		p = packet_at(m, m->hops[i].packet);
		list[(p->hops - list) + p->nhops++] = i;
	}
	births_assign(m);
	return 0;
}

static bool is_set(const uint8_t *address, size_t n)
{
	while (n--)
		if (*address++)
			return true;
	return false;
}

/* Protocols with ports never use port 0 as a destination: a zero there is a header not filled in yet. */
static bool l4_filled(const struct trc_hop *h)
{
	static const uint8_t with_ports[] = { 6, 17, 33, 132, 136 };

	return h->have & TRC_HAVE_L4 && h->l4proto &&
	       (h->dport || !memchr(with_ports, h->l4proto, sizeof(with_ports)));
}

/* How much a hop shows of the packet's tuple: 0 nothing ... WORTH_ALL.  A header not filled in yet shows zeros. */
#define WORTH_ALL 4
#define WORTH_SURE 5

static int tuple_worth(const struct trc_hop *h)
{
	bool ip = h->have & (TRC_HAVE_IP4 | TRC_HAVE_IP6);

	if (h->have & TRC_HAVE_ARP)
		return WORTH_ALL;
	if (ip && is_set(h->daddr, h->have & TRC_HAVE_IP4 ? 4 : 16))
		return l4_filled(h) ? WORTH_ALL : 3;
	if (ip)
		return 2;
	return h->have & TRC_HAVE_SKB && h->ethertype ? 1 : 0;
}

static void tuple_take(struct tuple *t, const struct trc_hop *h)
{
	*t = (struct tuple){
		.ethertype = h->ethertype,
		.have = h->have & (TRC_HAVE_IP4 | TRC_HAVE_IP6 | TRC_HAVE_L4 | TRC_HAVE_ARP),
	};
	if (!l4_filled(h))	/* a fragment's, or not written yet */
		t->have &= ~TRC_HAVE_L4;
	if (h->have & (TRC_HAVE_IP4 | TRC_HAVE_IP6))
		t->l4proto = h->l4proto;
	if (h->have & (TRC_HAVE_IP4 | TRC_HAVE_IP6 | TRC_HAVE_ARP)) {
		size_t n = h->have & TRC_HAVE_IP6 ? 16 : 4;

		memcpy(t->saddr, h->saddr, n);
		memcpy(t->daddr, h->daddr, n);
	}
	if (t->have & (TRC_HAVE_L4 | TRC_HAVE_ARP))
		t->sport = h->sport;
	if (t->have & TRC_HAVE_L4)
		t->dport = h->dport;
	if (!t->ethertype)	/* on output it is set late, but the header that was read says it */
		t->ethertype = h->have & TRC_HAVE_IP4 ? 0x0800 : h->have & TRC_HAVE_IP6 ? 0x86dd :
			       h->have & TRC_HAVE_ARP ? 0x0806 : 0;
}

/* From its first boundary on a packet has its headers; what lies in their place before may be old memory. */
static bool is_boundary(const struct known *k)
{
	return *k->stage && strcmp(k->stage, "send") && strcmp(k->stage, "free");
}

static void packet_tuple(const struct model *m, struct packet *p)
{
	const struct trc_hop *h;
	int best = 0, worth;
	bool built = false;
	uint32_t i;

	for (i = 0; i < p->nhops && best < WORTH_SURE; i++) {
		h = packet_hop(m, p, i);
		built = built || is_boundary(m->priv->known[h->func]);
		worth = tuple_worth(h);
		if (worth == WORTH_ALL && built)
			worth = WORTH_SURE;
		if (worth > best) {
			best = worth;
			tuple_take(&p->tuple, h);
		}
	}
}

/* Where the kernel does not let the recorder tell interrupts from processes, a system call on the stack does. */
static bool born_in_syscall(const struct model *m, const struct packet *p)
{
	enum call call = CALL_NEITHER;
	uint32_t i;

	for (i = 0; i < p->nframes && call == CALL_NEITHER; i++)
		call = m->priv->calls[p->frames[i]];
	return call == CALL_SYSCALL;
}

/* Its stack is that of the first hop with one, unless the file (of version 0.1) has one for it. */
static void packet_birth(const struct model *m, struct packet *p)
{
	const struct trc_hop *h = packet_hop(m, p, 0);
	const struct stack *s = NULL;
	uint32_t i;

	for (i = 0; i < p->nhops && !p->frames; i++) {
		s = hop_stack(m, packet_hop(m, p, i));
		p->frames = s ? s->frames : NULL;
		p->nframes = s ? s->count : 0;
	}
	if (h->context == TRC_PROCESS || (h->context == TRC_CONTEXT_UNKNOWN && born_in_syscall(m, p)))
		p->pid = h->pid;
}

static bool has_reason(const struct model *m, const struct trc_hop *h)
{
	return strcmp(model_drop_reason(m, h->value), "NOT_SPECIFIED");
}

static bool is_drop(const struct model *m, const struct trc_hop *h)
{
	const char *reason;

	if (h->kind != TRC_DROP)
		return false;
	reason = model_drop_reason(m, h->value);
	if (!has_reason(m, h))	/* 6.1 frees every ICMPv6 packet so, used or not */
		return !strchr(m->priv->known[h->func]->flags, 'c');
	return strcmp(reason, "CONSUMED") && strcmp(reason, "NOT_DROPPED_YET");
}

/* What the hop means for the packet's fate. */
enum mark { MARK_NOTHING, MARK_GOES_ON, MARK_SOCKET, MARK_READ, MARK_DRIVER, MARK_REFUSED, MARK_FREED, MARK_PERHAPS_FREED };

/* A BPF program's answer. */
static enum mark action_mark(const struct func *f, int32_t value)
{
	switch (action_effect(f, value)) {
	case EFFECT_DROP: return MARK_REFUSED;
	case EFFECT_SEND: return MARK_DRIVER;
	case EFFECT_KEEP: return MARK_PERHAPS_FREED;
	case EFFECT_NONE: break;
	}
	return MARK_NOTHING;
}

static enum mark hop_mark(const struct model *m, const struct trc_hop *h)
{
	const struct known *k = m->priv->known[h->func];

	if (h->kind == TRC_RETURN)
		return action_mark(&m->funcs[h->func], h->value);
	if (h->kind == TRC_DROP)	/* reported for what was used properly, too; nothing else may be seen of its end */
		return MARK_PERHAPS_FREED;
	if (!hop_enters(h))
		return MARK_NOTHING;
	if (strpbrk(k->flags, "de"))
		return MARK_FREED;
	if (!strcmp(k->stage, "free"))
		return strchr(k->flags, 't') ? MARK_NOTHING : MARK_PERHAPS_FREED;
	if (!strcmp(k->stage, "to_socket"))
		return MARK_SOCKET;
	if (!strcmp(k->stage, "to_driver"))
		return MARK_DRIVER;
	if (!strcmp(k->stage, "read"))
		return MARK_READ;
	return *k->stage ? MARK_GOES_ON : MARK_NOTHING;
}

struct ends {			/* indexes of hops, NONE = not seen */
	uint32_t drop, socket, read, driver, refused, freed, perhaps;
};

static void ends_see(struct ends *e, enum mark mark, uint32_t i)
{
	if (mark == MARK_SOCKET)
		e->socket = i;
	else if (mark == MARK_READ && e->read == NONE)
		e->read = i;
	else if (mark == MARK_DRIVER)
		e->driver = i;
	else if (mark == MARK_GOES_ON)
		e->driver = NONE;	/* seen again after the driver: veth, loopback, a tunnel, a bridge */
	else if (mark == MARK_FREED && e->freed == NONE)
		e->freed = i;
	/* giving back a reference ends a life only if nothing follows */
	e->refused = mark == MARK_REFUSED ? i : mark == MARK_GOES_ON || mark == MARK_DRIVER || mark == MARK_SOCKET ? NONE : e->refused;
	e->perhaps = mark == MARK_PERHAPS_FREED ? i : mark == MARK_NOTHING ? e->perhaps : NONE;
}

static void fate_set(struct packet *p, enum fate fate, uint32_t hop)
{
	p->fate = fate;
	p->fate_hop = hop;
}

static void packet_fate(const struct model *m, struct packet *p)
{
	struct ends e = { NONE, NONE, NONE, NONE, NONE, NONE, NONE };
	uint32_t i;

	for (i = 0; i < p->nhops; i++) {
		if (e.drop == NONE && is_drop(m, packet_hop(m, p, i)))
			e.drop = i;
		ends_see(&e, hop_mark(m, packet_hop(m, p, i)), i);
	}
	if (e.drop != NONE && e.refused != NONE && !has_reason(m, packet_hop(m, p, e.drop)))
		e.drop = NONE;	/* the program says why */
	if (e.drop != NONE) {
		fate_set(p, FATE_DROPPED, e.drop);
		p->reason = packet_hop(m, p, e.drop)->value;
	} else if (e.refused != NONE) {
		fate_set(p, FATE_DROPPED, e.refused);
	} else if (e.socket != NONE || e.read != NONE) {
		fate_set(p, FATE_DELIVERED, e.socket != NONE ? e.socket : e.read);
	} else if (e.driver != NONE) {
		fate_set(p, FATE_SENT, e.driver);
	} else if (e.freed != NONE) {
		fate_set(p, FATE_CONSUMED, e.freed);
	} else if (e.perhaps != NONE) {
		fate_set(p, FATE_CONSUMED, e.perhaps);
	} else {
		fate_set(p, FATE_IN_FLIGHT, p->nhops - 1);
	}
}

int packets_judge(struct model *m)
{
	size_t i;

	for (i = 0; i < m->npackets; i++) {
		packet_tuple(m, &m->packets[i]);
		packet_birth(m, &m->packets[i]);
		packet_fate(m, &m->packets[i]);
	}
	return 0;
}
