// SPDX-License-Identifier: GPL-2.0
/*
 * diff_answer.c - was it answered?  What the kernel answers by itself (SYN, echo requests) is used up in either case, often
 * by the same functions, so that only the answer tells a listener that refuses from one that takes it.
 *
 * An answer is told by its birth, whatever becomes of it then: it has the addresses of the request as that arrived, the
 * other way round.
 */
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "diff.h"

struct call {			/* zeroed before it is filled: hashed as bytes */
	uint8_t from[16], to[16];
	uint16_t from_port, to_port;	/* ICMP: the echo id in both */
	uint8_t l4proto, length;
	uint8_t pad[2];
};

struct answer {
	struct call call;
	UT_hash_handle hh;
};

_Static_assert(sizeof(struct call) == 40, "hashed as bytes: no padding");

enum role { ROLE_NONE, ROLE_REQUEST, ROLE_ANSWER };

static enum role hop_role(const struct trc_hop *h)
{
	uint8_t type = h->sport >> 8;

	if (!(h->have & TRC_HAVE_L4) || !(h->have & (TRC_HAVE_IP4 | TRC_HAVE_IP6)))
		return ROLE_NONE;
	switch (h->l4proto) {
	case 1: return type == 8 ? ROLE_REQUEST : type == 0 ? ROLE_ANSWER : ROLE_NONE;
	case 58: return type == 128 ? ROLE_REQUEST : type == 129 ? ROLE_ANSWER : ROLE_NONE;
	case 6: return (h->tcp_flags & 0x16) == 0x02 ? ROLE_REQUEST : (h->tcp_flags & 0x16) == 0x12 ? ROLE_ANSWER : ROLE_NONE;
	}
	return ROLE_NONE;
}

/* Of a request, and of its answer, the same. */
static void call_of(const struct trc_hop *h, struct call *c)
{
	bool answer = hop_role(h) == ROLE_ANSWER, tcp = h->l4proto == 6;

	memset(c, 0, sizeof(*c));
	c->length = h->have & TRC_HAVE_IP6 ? 16 : 4;
	memcpy(c->from, answer ? h->daddr : h->saddr, c->length);
	memcpy(c->to, answer ? h->saddr : h->daddr, c->length);
	c->from_port = answer || !tcp ? h->dport : h->sport;
	c->to_port = answer && tcp ? h->sport : h->dport;
	c->l4proto = h->l4proto;
}

static const struct trc_hop *first_headers(const struct model *m, const struct packet *p)
{
	for (uint32_t i = 0; i < p->nhops; i++)
		if (packet_hop(m, p, i)->have & TRC_HAVE_L4)
			return packet_hop(m, p, i);
	return NULL;
}

static const struct trc_hop *last_headers(const struct model *m, const struct packet *p)
{
	for (uint32_t i = p->nhops; i-- > 0;)
		if (packet_hop(m, p, i)->have & TRC_HAVE_L4)
			return packet_hop(m, p, i);
	return NULL;
}

void answers_find(struct diff *d, int s)
{
	const struct model *m = d->side[s].m;

	for (size_t i = 0; i < m->npackets; i++) {
		const struct packet *p = &m->packets[i];
		const struct trc_hop *h;
		struct answer *a;
		struct call c;

		if (p->tuple.l4proto != 1 && p->tuple.l4proto != 6 && p->tuple.l4proto != 58)
			continue;
		h = first_headers(m, p);
		if (!h || hop_role(h) != ROLE_ANSWER)
			continue;
		call_of(h, &c);
		HASH_FIND(hh, d->side[s].answers, &c, sizeof(c), a);
		if (a)
			continue;
		a = diff_alloc(d, 1, sizeof(*a));
		a->call = c;
		HASH_ADD(hh, d->side[s].answers, call, sizeof(c), a);
	}
}

bool answer_is_missing(const struct diff *d, int s, const struct packet *p)
{
	const struct trc_hop *h = last_headers(d->side[s].m, p);
	struct answer *a;
	struct call c;

	/* of a recording that lacks something, or was not to have them, nothing is proved */
	if (!d->same_filter || !side_is_whole(&d->side[s]) || !h || hop_role(h) != ROLE_REQUEST)
		return false;
	call_of(h, &c);
	HASH_FIND(hh, d->side[s].answers, &c, sizeof(c), a);
	return !a;
}

void answers_free(struct diff *d, int s)
{
	HASH_CLEAR(hh, d->side[s].answers);
}
