// SPDX-License-Identifier: GPL-2.0
/*
 * packets.c - give hops to their packets, and judge each packet: its tuple, where it was born, what became of it.
 *
 * The fate, from what was recorded and nothing else:
 *	a drop that the kernel reported                            DROPPED (without a reason, by a BPF program's answer: as that)
 *	put into a socket's queue                                  DELIVERED
 *	a BPF program answered that it is dropped                  DROPPED
 *	read by a process, whatever put it into the queue          DELIVERED
 *	handed to a driver, and since then at most freed           SENT (veth and loopback bring it back: then it goes on),
 *	                                                           also where the driver frees without a reason what was sent
 *	freed without any of these                                 CONSUMED
 *	no end seen                                                IN_FLIGHT
 * A hop that was derived from a stack counts like one that was recorded.  MERGED is lineage.c's to say.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model_private.h"
#include "spill.h"

#define FUNC_IDS_DIRECT (1u << 16)	/* ids are dense: no kernel has so many; others are looked up */

static struct packet *packet_at(struct model *m, uint64_t id)
{
	struct model_private *v = m->priv;
	uint32_t index = v->last_packet == id && id ? v->last_index : map_get(v->packet_ids, id);
	struct packet *p;

	if (index == NONE) {
		if (spill_grow((void **)&m->packets, m->npackets, &v->packets_room, sizeof(*m->packets)) ||
		    map_put(v->packet_ids, id, m->npackets))
			return NULL;
		index = m->npackets++;
		p = &m->packets[index];
		*p = (struct packet){ .id = id, .number = index + 1, .slot = index };
	}
	v->last_packet = id;
	v->last_index = index;
	return &m->packets[index];
}

/* Which of func_uses this id is; NONE: no memory. */
static uint32_t func_use(struct model *m, uint32_t id)
{
	struct model_private *v = m->priv;
	uint32_t use;

	if (!v->func_use_of && !(v->func_use_of = calloc(FUNC_IDS_DIRECT, sizeof(*v->func_use_of))))
		return NONE;
	use = id < FUNC_IDS_DIRECT ? v->func_use_of[id] - 1 : map_get(v->func_use_ids, id);
	if (use != NONE)
		return use;
	use = v->nfunc_uses;
	if (grow((void **)&v->func_uses, use, &v->func_uses_room, sizeof(*v->func_uses)))
		return NONE;
	if (id < FUNC_IDS_DIRECT)
		v->func_use_of[id] = use + 1;
	else if (map_put(v->func_use_ids, id, use))
		return NONE;
	v->func_uses[v->nfunc_uses++] = (struct func_use){ .id = id };
	return use;
}

static int place_see(struct model *m, struct hop_place place)
{
	struct model_private *v = m->priv;
	uint64_t key = (uint64_t)place.netns << 32 | place.ifindex;

	if (!key || (place.netns == v->place.netns && place.ifindex == v->place.ifindex))
		return 0;
	v->place = place;
	if (map_get(v->place_ids, key) != NONE)
		return 0;
	if (grow((void **)&m->places, m->nplaces, &v->places_room, sizeof(*m->places)))
		return -ENOMEM;
	m->places[m->nplaces++] = place;
	return map_put(v->place_ids, key, 0);
}

static uint64_t hop_order(const struct trc_hop *h)
{
	return (uint64_t)h->cpu << 48 | (h->seq & 0xffffffffffff);
}

static bool comes_before(uint64_t time_ns, uint64_t order, uint64_t other_ns, uint64_t other)
{
	return time_ns != other_ns ? time_ns < other_ns : order < other;
}

/* Times of a packet and of the recording; what came late is put in order later. */
static void times_see(struct model *m, struct packet *p, const struct trc_hop *h)
{
	uint64_t order = hop_order(h);
	const struct packet *before = p > m->packets ? p - 1 : NULL;

	if (!m->nhops || h->time_ns < m->first_ns)
		m->first_ns = h->time_ns;
	if (h->time_ns > m->last_ns)
		m->last_ns = h->time_ns;
	if (!p->nhops || comes_before(h->time_ns, order, p->first_ns, p->first_order)) {
		m->priv->unnumbered |= p->nhops || (before && comes_before(h->time_ns, order, before->first_ns, before->first_order));
		p->first_ns = h->time_ns;
		p->first_order = order;
	}
	if (p->nhops && comes_before(h->time_ns, order, p->last_ns, p->last_order)) {
		p->unsorted = true;
		return;
	}
	p->last_ns = h->time_ns;
	p->last_order = order;
}

int packets_take(struct model *m, const struct trc_hop *hop)
{
	struct packet *p = packet_at(m, hop->packet);
	struct trc_hop h = *hop;
	int err;

	h.func = p ? func_use(m, hop->func) : NONE;
	if (h.func == NONE)
		return -ENOMEM;
	if (h.kind == TRC_DERIVED)	/* no file may say so */
		h.kind = UINT8_MAX;
	m->priv->func_uses[h.func].hits += h.kind == TRC_ENTRY;
	times_see(m, p, &h);
	err = place_see(m, (struct hop_place){ h.netns, h.ifindex }) ?: loss_see(m, &h) ?: packet_add_hop(m, p, &h);
	m->nhops += !err;
	return err;
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
		p->stack = m->nstacks + i + 1;
	}
}

/* A recorder that was held up, or a stranger's file. */
static int hops_order(struct model *m, struct packet *p)
{
	/* the ring is ours, and forgets this packet anyway */
	struct trc_hop *hops = (struct trc_hop *)packet_hop(m, p, 0);
	int err = hops_sort(hops, p->nhops);

	if (err)
		return err;
	p->last_ns = hops[p->nhops - 1].time_ns;
	p->unsorted = false;
	return packet_set_hops(m, p, hops, p->nhops);
}

/* Packets are numbered by their first hops. */
static int packets_number(struct model *m)
{
	struct sort_key *keys = spill_array(m->npackets, sizeof(*keys));
	struct packet *sorted = spill_array(m->npackets, sizeof(*sorted));
	size_t i;
	int err = keys && sorted ? 0 : -ENOMEM;

	for (i = 0; i < m->npackets && !err; i++)
		keys[i] = (struct sort_key){ m->packets[i].first_ns, m->packets[i].first_order, i };
	err = err ?: sort_keys(keys, m->npackets);
	for (i = 0; i < m->npackets && !err; i++) {
		sorted[i] = m->packets[keys[i].index];
		sorted[i].number = i + 1;
		sorted[i].slot = i;
		err = map_put(m->priv->packet_ids, sorted[i].id, i);
		spill_look(2 * sizeof(*sorted));
	}
	spill_free(keys);
	if (err) {
		spill_free(sorted);
		return err;
	}
	spill_free(m->packets);
	m->packets = sorted;
	m->priv->packets_room = m->npackets;
	return 0;
}

int packets_order(struct model *m)
{
	size_t i;
	int err = m->priv->unnumbered ? packets_number(m) : 0;

	m->unpacked = spill_array(m->npackets + 1, sizeof(*m->unpacked));
	err = err ?: m->unpacked ? hops_store_ring(m, true) : -ENOMEM;
	for (i = 0; i < m->npackets && !err; i++) {
		if (m->packets[i].unsorted)
			err = hops_order(m, &m->packets[i]);
		spill_look(sizeof(*m->packets));
	}
	if (!err)
		births_assign(m);
	return err;
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

#define ENTRY_BOUNDARY 0x80	/* beside enum mark */

static void packet_tuple(const struct model *m, struct packet *p)
{
	const struct trc_hop *h;
	int best = 0, worth;
	bool built = false;
	uint32_t i;

	for (i = 0; i < p->nhops && best < WORTH_SURE; i++) {
		h = packet_hop(m, p, i);
		built = built || m->priv->entries[h->func] & ENTRY_BOUNDARY;
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
		p->stack = s ? s - m->stacks + 1 : 0;
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

/* What the hop means for the packet's fate.  TAKEN: by the driver, which DRIVER may have said before. */
enum mark { MARK_NOTHING, MARK_GOES_ON, MARK_SOCKET, MARK_READ, MARK_DRIVER, MARK_TAKEN, MARK_REFUSED, MARK_FREED, MARK_PERHAPS_FREED };

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

static enum mark entry_mark(const struct known *k)
{
	if (strpbrk(k->flags, "de"))
		return MARK_FREED;
	if (!strcmp(k->stage, "free"))
		return strchr(k->flags, 't') ? MARK_NOTHING : MARK_PERHAPS_FREED;
	if (!strcmp(k->stage, "to_socket"))
		return MARK_SOCKET;
	if (!strcmp(k->stage, "to_driver"))
		return MARK_DRIVER;
	if (strchr(k->flags, 'o'))
		return MARK_TAKEN;
	if (!strcmp(k->stage, "read"))
		return MARK_READ;
	return *k->stage ? MARK_GOES_ON : MARK_NOTHING;
}

uint8_t entry_meaning(const struct known *k)
{
	return entry_mark(k) | (is_boundary(k) ? ENTRY_BOUNDARY : 0);
}

static enum mark hop_mark(const struct model *m, const struct trc_hop *h)
{
	if (h->kind == TRC_RETURN)
		return action_mark(&m->funcs[h->func], h->value);
	if (h->kind == TRC_DROP)	/* reported for what was used properly, too; nothing else may be seen of its end */
		return MARK_PERHAPS_FREED;
	return hop_enters(h) ? m->priv->entries[h->func] & ~ENTRY_BOUNDARY : MARK_NOTHING;
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
	else if (mark == MARK_DRIVER || (mark == MARK_TAKEN && e->driver == NONE))
		e->driver = i;
	else if (mark == MARK_GOES_ON)
		e->driver = NONE;	/* seen again after the driver: veth, loopback, a tunnel, a bridge */
	else if (mark == MARK_FREED && e->freed == NONE)
		e->freed = i;
	/* giving back a reference ends a life only if nothing follows */
	e->refused = mark == MARK_REFUSED ? i :
		     mark == MARK_GOES_ON || mark == MARK_DRIVER || mark == MARK_TAKEN || mark == MARK_SOCKET ? NONE : e->refused;
	e->perhaps = mark == MARK_PERHAPS_FREED ? i : mark == MARK_NOTHING ? e->perhaps : NONE;
}

/* Many drivers free so what their device has sent. */
static bool is_given_back(const struct model *m, const struct ends *e, const struct trc_hop *h)
{
	return e->driver != NONE && !has_reason(m, h) && strchr(m->priv->known[h->func]->flags, 's');
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
		const struct trc_hop *h = packet_hop(m, p, i);

		if (e.drop == NONE && is_drop(m, h) && !is_given_back(m, &e, h))
			e.drop = i;
		ends_see(&e, hop_mark(m, h), i);
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

/* 6.1 reports some drops in what only frees, such as kfree_skb_list_reason(): then it was dropped by who had it last. */
uint32_t packet_drop_hop(const struct model *m, const struct packet *p)
{
	for (uint32_t i = p->fate_hop < p->nhops ? p->fate_hop + 1 : 0; i-- > 0;) {
		const struct trc_hop *h = packet_hop(m, p, i);

		if (h->kind != TRC_RETURN && strcmp(m->funcs[h->func].stage, "free"))
			return i;
		if (h->kind == TRC_RETURN && i == p->fate_hop)
			return i;
	}
	return p->fate_hop;
}
