// SPDX-License-Identifier: GPL-2.0
/*
 * diff_class.c - put packets into classes, and count how each class ends and which way it goes.
 *
 * A class is what a packet is, never what became of it: where and by what function it was born, protocol, the
 * service's port, ICMP type, TCP handshake or flow.  Ephemeral ports, addresses and numbers do not enter, so a
 * query and its retries are one class, and the same query another time is that class too.
 */
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "diff.h"

#define EPHEMERAL_PORT 32768	/* Linux's default range begins here */

struct class_entry {
	struct class class;
	UT_hash_handle hh;
};

struct tally_key {
	uint64_t way;
	struct outcome outcome;
	uint32_t class;
};

struct tally_entry {
	struct tally_key key;
	struct tally tally;
	UT_hash_handle hh;
};

_Static_assert(sizeof(struct key) == 20 && sizeof(struct outcome) == 20, "hashed as bytes: no padding");
_Static_assert(sizeof(struct tally_key) == 32, "hashed as bytes: no padding");

struct table {
	struct class_entry *classes;
	struct tally_entry *tallies;
	size_t room;
};

/* --- keys -------------------------------------------------------------------------------------------------------- */

static void key_port(struct key *k, uint16_t sport, uint16_t dport)
{
	if (sport >= EPHEMERAL_PORT && dport >= EPHEMERAL_PORT)
		return;
	k->toward = dport <= sport ? 1 : 2;
	k->port = dport <= sport ? dport : sport;
}

static enum tcp_kind tcp_kind(const struct path *path)
{
	for (uint32_t i = 0; i < path->packet->nhops; i++) {
		const struct trc_hop *h = packet_hop(path->side->m, path->packet, i);

		if (!(h->have & TRC_HAVE_L4))
			continue;
		if (h->tcp_flags & 0x04)
			return TCP_RST;
		if (h->tcp_flags & 0x02)
			return h->tcp_flags & 0x10 ? TCP_SYNACK : TCP_SYN;
		return TCP_FLOW;
	}
	return TCP_FLOW;
}

static bool is_multicast(const struct tuple *t)
{
	if (t->have & TRC_HAVE_IP4)
		return (t->daddr[0] & 0xf0) == 0xe0;
	return t->have & TRC_HAVE_IP6 && t->daddr[0] == 0xff;
}

static uint32_t birth_netns(struct diff *d, int s, const struct packet *p)
{
	for (uint32_t i = 0; i < p->nhops; i++) {
		const struct trc_hop *h = packet_hop(d->side[s].m, p, i);

		if (h->have & TRC_HAVE_NETNS)
			return side_netns(d, s, h->netns);
	}
	return 0;
}

/* The first comparable function, and whether the first boundary was one of reception. */
static void key_birth(struct key *k, const struct path *path)
{
	for (size_t i = 0; i < path->n; i++) {
		const struct func *f = step_func(path, i);

		if (!k->entry && path->steps[i].key && step_hop(path, i)->kind != TRC_DERIVED)
			k->entry = path->steps[i].key >> 17;
		if (!path->steps[i].core)
			continue;
		k->received = stage_is(f, "receive") || stage_is(f, "from_ip_rcv");
		return;
	}
}

static void key_of(struct diff *d, int s, const struct path *path, struct key *k)
{
	const struct tuple *t = &path->packet->tuple;

	memset(k, 0, sizeof(*k));
	key_birth(k, path);
	k->netns = birth_netns(d, s, path->packet);
	k->ethertype = t->ethertype;
	k->l4proto = t->l4proto;
	k->multicast = is_multicast(t);
	if (t->l4proto == 6)
		k->tcp = tcp_kind(path);
	if (!(t->have & TRC_HAVE_L4))
		return;
	if (t->l4proto == 1 || t->l4proto == 58)
		k->icmp_type = t->sport >> 8;
	else
		key_port(k, t->sport, t->dport);
}

bool key_is_error(const struct key *k)
{
	if (k->l4proto == 1)
		return k->icmp_type == 3 || k->icmp_type == 11 || k->icmp_type == 12;
	return k->tcp == TCP_RST || (k->l4proto == 58 && k->icmp_type >= 1 && k->icmp_type <= 4);
}

bool key_is_background(const struct key *k)
{
	if (k->ethertype != 0x0800 && k->ethertype != 0x86dd)
		return true;
	if (k->l4proto == 58)
		return k->icmp_type >= 130 && k->icmp_type <= 143;	/* MLD, neighbour discovery and their kin */
	return k->l4proto == 2 || !k->l4proto;	/* IGMP; headers never seen whole */
}

const char *key_protocol(const struct key *k, char *buf, size_t size)
{
	static const struct { uint8_t number; const char *name; } names[] = {
		{ 1, "ICMP" }, { 2, "IGMP" }, { 6, "TCP" }, { 17, "UDP" }, { 58, "ICMPv6" }, { 132, "SCTP" },
	};
	static const char *const tcp[] = {
		[TCP_SYN] = "TCP SYN", [TCP_SYNACK] = "TCP SYN+ACK", [TCP_RST] = "TCP RST", [TCP_FLOW] = "TCP",
	};

	if (k->ethertype == 0x0806)
		return "ARP";
	if (k->l4proto == 6 && k->tcp)
		return tcp[k->tcp];
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (k->l4proto == names[i].number)
			return names[i].name;
	if (k->l4proto)
		snprintf(buf, size, "IP protocol %u", k->l4proto);
	else
		snprintf(buf, size, "ethertype 0x%04x", k->ethertype);
	return buf;
}

static const char *icmp_text(const struct key *k, char *buf, size_t size)
{
	static const struct { uint8_t l4proto, type; const char *words; } types[] = {
		{ 1, 0, "echo reply" }, { 1, 3, "unreachable" }, { 1, 5, "redirect" }, { 1, 8, "echo request" }, { 1, 11, "time exceeded" },
		{ 58, 1, "unreachable" }, { 58, 2, "too big" }, { 58, 3, "time exceeded" }, { 58, 128, "echo request" },
		{ 58, 129, "echo reply" },
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (types[i].l4proto == k->l4proto && types[i].type == k->icmp_type) {
			snprintf(buf, size, " %s", types[i].words);
			return buf;
		}
	}
	snprintf(buf, size, " type %u", k->icmp_type);
	return buf;
}

const char *key_text(const struct diff *d, const struct key *k, char *buf, size_t size)
{
	static const char *const toward[] = { "", " to port ", " from port " };
	char protocol[40], port[24] = "", type[24] = "";

	if (k->toward)
		snprintf(port, sizeof(port), "%s%u", toward[k->toward], k->port);
	if (k->l4proto == 1 || k->l4proto == 58)
		icmp_text(k, type, sizeof(type));
	snprintf(buf, size, "%s%s%s packets%s%s%s%s%s", key_protocol(k, protocol, sizeof(protocol)), type,
		 k->multicast ? " multicast" : "", port, k->ethertype == 0x86dd && k->l4proto != 58 ? " over IPv6" : "",
		 k->received ? ", received" : "", k->netns ? " in " : "", name_text(d, k->netns));
	return buf;
}

/* --- outcomes ---------------------------------------------------------------------------------------------------- */

static void outcome_drop(struct diff *d, int s, const struct path *path, struct outcome *o)
{
	const struct trc_hop *h;
	char name[256];

	h = packet_hop(path->side->m, path->last, path->last->fate_hop);
	if (h->kind == TRC_RETURN) {	/* a BPF program's answer is none of the kernel's reasons */
		o->place = name_id(d, packet_reason(path->side->m, path->last));
		return;
	}
	o->reason = side_reason(d, s, path->last->reason);
	if (path->decisive >= path->n)
		return;
	h = step_hop(path, path->decisive);
	if (path->netfilter) {
		o->hook = 0x10000 | h->family << 8 | h->hook;
		o->reason = 0;
	} else if (!d->same_kernel) {
		/* another kernel may give another reason, or inline the function: the layer is what both can tell */
		o->reason = 0;
		o->place = name_id(d, step_func(path, path->drop < path->n ? path->drop : path->decisive)->layer);
	} else {
		o->place = name_id(d, func_plain(step_func(path, path->drop < path->n ? path->drop : path->decisive)->name,
						 name, sizeof(name)));
	}
}

/*
 * A segment joins the socket's queue as its own sk_buff or another's, an ACK does not at all and is freed, by some
 * states of TCP as a drop for no reason given: all the same, it has arrived.
 */
static bool tcp_took_it(const struct path *path)
{
	const struct packet *p = path->last;

	if (p->fate != FATE_DROPPED)
		return p->fate == FATE_CONSUMED || p->fate == FATE_MERGED;
	return path->drop < path->n && !strcmp(step_func(path, path->drop)->layer, "transport") &&
	       !strcmp(packet_reason(path->side->m, p), "NOT_SPECIFIED");
}

/*
 * A listener that has no room for a connection frees the SYN without a word, and so is a ping that is ignored: the place
 * is who had it last.
 */
static uint32_t left_unanswered(struct diff *d, int s, const struct path *path, const struct key *k)
{
	size_t place = path->decisive < path->n ? path->decisive : path->end - 1;
	char name[256];

	if (path->last->fate != FATE_CONSUMED || !path->end)
		return 0;
	if (!d->side[0].answers && !d->side[1].answers) {	/* nobody recorded any: 6.12 does more with a SYN that it takes */
		func_plain(step_func(path, path->end - 1)->name, name, sizeof(name));
		return k->tcp == TCP_SYN && !strcmp(name, "tcp_conn_request") ? name_id(d, name) : 0;
	}
	if (!answer_is_missing(d, s, path->last))
		return 0;
	return name_id(d, d->same_kernel ? func_plain(step_func(path, place)->name, name, sizeof(name)) : step_func(path, place)->layer);
}

static void outcome_of(struct diff *d, int s, const struct path *path, const struct key *k, struct outcome *o)
{
	const struct packet *p = path->last;
	uint32_t end = p->fate_hop < p->nhops ? p->fate_hop : p->nhops - 1;
	const struct trc_hop *h = packet_hop(d->side[s].m, p, end);

	/* a packet in a socket's queue has no device any more: where it was before, then */
	while (h->kind == TRC_DERIVED && !(h->have & TRC_HAVE_NETNS) && end-- > 0)
		h = packet_hop(d->side[s].m, p, end);
	memset(o, 0, sizeof(*o));
	o->fate = p->fate == FATE_MERGED ? FATE_CONSUMED : p->fate;	/* merging depends on what came just before */
	if ((o->place = left_unanswered(d, s, path, k)))
		o->fate = FATE_CONSUMED;
	else if (k->l4proto == 6 && tcp_took_it(path))
		o->fate = FATE_DELIVERED;
	else if (p->fate == FATE_DROPPED)
		outcome_drop(d, s, path, o);
	else if ((p->fate == FATE_DELIVERED || p->fate == FATE_SENT) && k->l4proto != 6 && h->have & TRC_HAVE_NETNS)
		o->netns = side_netns(d, s, h->netns);
}

/* --- tables ------------------------------------------------------------------------------------------------------ */

static struct class *class_get(struct diff *d, const struct key *k, bool loose)
{
	struct class_entry *e;

	HASH_FIND(hh, d->table->classes, k, sizeof(*k), e);
	if (e)
		return &e->class;
	e = diff_alloc(d, 1, sizeof(*e));
	e->class.key = *k;
	e->class.loose = loose;
	HASH_ADD(hh, d->table->classes, class.key, sizeof(*k), e);
	d->classes = diff_grow(d->classes, &d->table->room, d->nclasses + 1, sizeof(*d->classes));
	e->class.number = d->nclasses;
	d->classes[d->nclasses++] = &e->class;
	return &e->class;
}

static void class_add_tally(struct class *c, struct tally *t)
{
	c->tallies = diff_grow(c->tallies, &c->room, c->ntallies + 1, sizeof(*c->tallies));
	c->tallies[c->ntallies++] = t;
}

static struct tally *tally_get(struct diff *d, struct class *c, const struct outcome *o, uint64_t way)
{
	struct tally_key key = { .way = way, .outcome = *o, .class = c->number };
	struct tally_entry *e;

	HASH_FIND(hh, d->table->tallies, &key, sizeof(key), e);
	if (e)
		return &e->tally;
	e = diff_alloc(d, 1, sizeof(*e));
	e->key = key;
	e->tally = (struct tally){ .class = c, .outcome = *o, .way = way };
	HASH_ADD(hh, d->table->tallies, key, sizeof(key), e);
	class_add_tally(c, &e->tally);
	return &e->tally;
}

static void tally_packet(struct diff *d, int s, struct class *c, const struct path *path, uint32_t index)
{
	const struct packet *p = path->last;
	uint64_t last_ns = packet_hop(d->side[s].m, p, p->nhops - 1)->time_ns;
	struct outcome o;
	struct tally *t;
	uint64_t way;

	if (p->lossy || path->packet->lossy) {
		c->lossy[s]++;
		return;
	}
	if (p->fate == FATE_IN_FLIGHT) {
		c->flying[s]++;
		if (c->key.tcp == TCP_FLOW || d->side[s].end_ns < last_ns + STUCK_NS)
			return;
	}
	outcome_of(d, s, path, &c->key, &o);
	way = o.fate == FATE_DROPPED ? 0 : path_way(path, c->key.l4proto != 6);
	t = tally_get(d, c, &o, way);
	t->count[s]++;
	if (t->first[s])
		d->side[s].next[t->last[s] - 1] = index + 1;
	else
		t->first[s] = index + 1;
	t->last[s] = index + 1;
}

static void note_hooks(struct side *side, const struct path *path)
{
	for (size_t i = 0; i < path->n; i++) {
		const struct trc_hop *h = step_hop(path, i);

		/* on a stack it is only seen by chance */
		if (path->steps[i].hook && h->kind != TRC_DERIVED && h->family < 16 && h->hook < 8)
			side->hooks[h->family] |= 1 << h->hook;
	}
}

static void class_packets(struct diff *d, int s)
{
	const struct model *m = d->side[s].m;
	struct path path = {};

	for (size_t i = 0; i < m->npackets; i++) {
		const struct packet *p = &m->packets[i];
		struct class *c;
		struct key k;

		if (!p->nhops || (d->side[s].continues && d->side[s].continues[i]))
			continue;
		path_build(d, s, p, &path);
		key_of(d, s, &path, &k);
		if (!key_is_background(&k))
			note_hooks(&d->side[s], &path);
		c = class_get(d, &k, false);
		if (!c->example[s]) {
			c->example[s] = i + 1;
			c->first_ns[s] = packet_hop(m, p, 0)->time_ns - m->first_ns;
		}
		c->all[s]++;
		c->originated[s] += p->pid != 0;
		tally_packet(d, s, c, &path, i);
	}
	path_free(&path);
}

/*
 * The first function may differ where nothing else does (another allocator's path, another probe set): a class
 * without a partner meets the other recording's again in a class without the first function.
 */
static void loosen(struct diff *d)
{
	size_t n = d->nclasses;

	for (size_t i = 0; i < n; i++) {
		struct class *c = d->classes[i], *to;
		struct key k = c->key;

		k.entry = 0;
		to = class_get(d, &k, true);
		to->present[0] |= c->all[0] > 0;
		to->present[1] |= c->all[1] > 0;
		if (!c->key.entry || (c->all[0] && c->all[1]))
			continue;
		for (int s = 0; s < 2; s++) {
			to->all[s] += c->all[s];
			to->lossy[s] += c->lossy[s];
			to->flying[s] += c->flying[s];
			to->originated[s] += c->originated[s];
			if (c->example[s] && (!to->example[s] || c->first_ns[s] < to->first_ns[s])) {
				to->example[s] = c->example[s];
				to->first_ns[s] = c->first_ns[s];
			}
		}
		for (size_t j = 0; j < c->ntallies; j++)
			class_add_tally(to, c->tallies[j]);
		memset(c->all, 0, sizeof(c->all));
	}
}

void classes_build(struct diff *d)
{
	d->table = diff_alloc(d, 1, sizeof(*d->table));
	for (int s = 0; s < 2; s++) {
		rebuilt_find(d, s);
		answers_find(d, s);
	}
	for (int s = 0; s < 2; s++)
		class_packets(d, s);
	loosen(d);
}

void classes_free(struct diff *d)
{
	if (!d->table)
		return;
	answers_free(d, 0);
	answers_free(d, 1);
	HASH_CLEAR(hh, d->table->classes);
	HASH_CLEAR(hh, d->table->tallies);
	for (size_t i = 0; i < d->nclasses; i++)
		free(d->classes[i]->tallies);
	free(d->classes);
}
