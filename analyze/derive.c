// SPDX-License-Identifier: GPL-2.0
/*
 * derive.c - hops that were not recorded: the functions on the stacks of tracepoints.
 *
 * A recording of tracepoints has a few events a packet, with a kernel stack each.  What is on a stack was entered, and
 * what was not on the stack of the event before was entered since:
 *
 *	net_dev_queue       udp_sendmsg udp_send_skb ip_send_skb ip_output ip_finish_output2 __dev_queue_xmit
 *	net_dev_start_xmit  udp_sendmsg udp_send_skb ip_send_skb ip_output ip_finish_output2 __dev_queue_xmit dev_hard_start_xmit
 *
 * so that dev_hard_start_xmit, and it alone, becomes a hop between the two.  That holds within one call: a process's and
 * the softirqs' on top of it are followed apart, and where a packet is handed over (flag h of schema/tracepoints.tsv) the
 * next stack is another call's, unless it is the way back out of the same one: net_dev_xmit, which is no boundary.
 *
 * Of a stack the part is shown that deals with the packet: from the outermost function inwards that is known to, without
 * system calls (they are told as the packet's birth) and without those that deal with any packet alike (flag q).
 * Unknown functions inside that were called by one that has the packet: they stay.
 *
 * Which hook netfilter is asked at is not on the stack, but who asks is: schema/hooks.tsv.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hooks.h"
#include "model_private.h"

/* The last stack of a packet in a process, or in the softirqs on top of it. */
struct call_seen {
	uint32_t stack;		/* as in trc_hop; 0 = none */
	uint32_t pid;
	uint16_t cpu;
	bool handed;		/* over, by that event */
};

struct calls_seen {
	struct call_seen process, interrupt;
};

static bool known_packet_layer(const struct model *m, uint32_t func)
{
	const struct known *k = m->priv->known[func];

	if (!strcmp(k->layer, "syscall") || !strcmp(k->layer, "other") || strchr(k->flags, 'q'))
		return false;
	return *k->stage || strcmp(k->layer, "socket");		/* a socket's function may have no packet yet */
}

static bool is_shown(const struct model *m, uint32_t func)
{
	const struct known *k = m->priv->known[func];

	return strcmp(k->layer, "syscall") && !strpbrk(k->flags, "qx");
}

/* How many of a stack's frames are within its outermost function that deals with packets. */
static uint32_t packet_frames(const struct model *m, const struct stack *s)
{
	uint32_t n = s->call;

	while (n && !known_packet_layer(m, s->frames[n - 1]))
		n--;
	return n;
}

/* Outermost frames that two stacks have in common. */
static uint32_t frames_common(const struct stack *a, const struct stack *b)
{
	uint32_t n = 0;

	while (n < a->call && n < b->call && a->frames[a->call - 1 - n] == b->frames[b->call - 1 - n])
		n++;
	return n;
}

static bool in_interrupt(const struct stack *s, const struct trc_hop *h)
{
	return h->context == TRC_CONTEXT_UNKNOWN ? s->call < s->count : h->context != TRC_PROCESS;
}

/* How many of the innermost frames were entered since the event before; the stack becomes the one before. */
static uint32_t frames_new(const struct model *m, struct calls_seen *seen, const struct trc_hop *h)
{
	const struct stack *s = hop_stack(m, h), *before;
	bool interrupt = in_interrupt(s, h), same;
	struct call_seen *c = interrupt ? &seen->interrupt : &seen->process;
	uint32_t common = 0, entered, most;

	same = c->stack && c->cpu == h->cpu && (interrupt || c->pid == h->pid);
	if (same) {
		before = &m->stacks[c->stack - 1];
		common = frames_common(before, s);
		if (c->handed && (common < s->call || *m->priv->known[h->func]->stage))
			common = 0;
	}
	if (!interrupt)		/* the process goes on: the softirqs on top of it are over */
		seen->interrupt.stack = 0;
	*c = (struct call_seen){ h->stack, h->pid, h->cpu, (same && c->handed && common) ||
				 (hop_is_tracepoint(m, h) && strchr(m->priv->known[h->func]->flags, 'h')) };
	entered = s->call - common;
	most = packet_frames(m, s);
	return entered < most ? entered : most;
}

/* Tracepoints have no functions between them but these; recordings of functions show what was entered by themselves. */
static bool only_tracepoints(const struct model *m)
{
	const uint32_t apart = TRC_FUNC_XDP | TRC_FUNC_TC | TRC_FUNC_TRACEPOINT;
	bool any = false;
	size_t i;

	for (i = 0; i < m->nfuncs; i++) {
		if (m->funcs[i].flags & TRC_FUNC_ATTACHED && !(m->funcs[i].flags & apart))
			return false;
		any |= m->funcs[i].flags & TRC_FUNC_TRACEPOINT;
	}
	return any;
}

static uint32_t shown_count(const struct model *m, const struct stack *s, uint32_t n)
{
	uint32_t shown = 0;

	while (n--)
		shown += is_shown(m, s->frames[n]);
	return shown;
}

/* For each hop of the packet how many frames of its stack are new; answers how many hops that makes. */
static size_t packet_count(const struct model *m, const struct packet *p, uint8_t *entered)
{
	struct calls_seen seen = {};
	const struct trc_hop *h;
	size_t sum = 0;
	uint32_t i;

	for (i = 0; i < p->nhops; i++) {
		h = packet_hop(m, p, i);
		entered[i] = 0;
		if (!hop_stack(m, h) || (!hop_is_tracepoint(m, h) && h->kind != TRC_DROP))
			continue;
		entered[i] = frames_new(m, &seen, h);
		sum += shown_count(m, hop_stack(m, h), entered[i]);
	}
	return sum;
}

/* A function that asks a hook was called by one that stands for it; between the two may be one that asks for a list. */
static void hop_find_hook(const struct model *m, struct trc_hop *h, const struct stack *s, uint32_t k)
{
	if (strcmp(m->priv->known[h->func]->stage, "netfilter"))
		return;
	while (++k < s->call && !strcmp(m->priv->known[s->frames[k]]->stage, "netfilter"))
		;
	if (k < s->call && hook_called_by(m->funcs[s->frames[k]].name, &h->family, &h->hook))
		h->have |= TRC_HAVE_HOOK;
	else
		h->hook = h->family = 0;
}

/* The k-th of the stack's frames. */
static struct trc_hop hop_derived(const struct model *m, const struct trc_hop *event, const struct stack *s, uint32_t k)
{
	struct trc_hop h = *event;

	h.kind = TRC_DERIVED;
	h.func = s->frames[k];
	h.value = 0;
	h.stack = 0;
	h.have &= ~TRC_HAVE_HOOK;
	h.hook = h.family = 0;
	hop_find_hook(m, &h, s, k);
	return h;
}

/* The packet's hops with the derived ones before their events. */
static int hops_spread(struct model *m, struct packet *p, const uint8_t *entered, size_t derived)
{
	uint32_t total = p->nhops + derived, i, k, n = 0;
	struct trc_hop *to = malloc(total * sizeof(*to));
	const struct trc_hop *h;
	const struct stack *s;
	int err;

	if (!to)
		return -ENOMEM;
	for (i = 0; i < p->nhops; i++) {
		h = packet_hop(m, p, i);
		s = hop_stack(m, h);
		for (k = entered[i]; k-- > 0; )		/* outermost first: the order of the calls */
			if (is_shown(m, s->frames[k]))
				to[n++] = hop_derived(m, h, s, k);
		to[n++] = *h;
	}
	err = packet_set_hops(m, p, to, n) ?: hops_store_ring(m, true);
	free(to);
	p->nderived = derived;
	m->nderived += derived;
	m->nhops += derived;
	return err;
}

/* Packet by packet, as far as memory goes. */
static int packets_derive(struct model *m, uint8_t *entered)
{
	struct packet *p;
	size_t i, n;
	int err = 0;

	for (i = 0; i < m->npackets && !err; i++) {
		p = &m->packets[i];
		n = packet_count(m, p, entered);
		if (n && hops_fit(m, m->nderived + n)) {
			m->underived = p->number;
			return 0;
		}
		err = n ? hops_spread(m, p, entered, n) : 0;
	}
	return err;
}

int hops_derive(struct model *m)
{
	uint8_t *entered;
	int err;

	m->nderived = m->underived = 0;
	if (!m->nstacks || !m->nhops || !only_tracepoints(m))
		return 0;
	entered = malloc(hops_store_largest(m->priv->store));
	if (!entered)
		return -ENOMEM;
	err = packets_derive(m, entered);
	free(entered);
	return err;
}
