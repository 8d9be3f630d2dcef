// SPDX-License-Identifier: GPL-2.0
/*
 * explain_way.c - what befalls a packet between the boundaries: new addresses, kin, what it makes the kernel do, bridges,
 * tunnels, and what TCP means by it.
 *
 * Sentences about single functions are schema/sayings.tsv.
 */
#include <stdlib.h>
#include <string.h>

#include "embedded.h"
#include "explain.h"
#include "show.h"

#define LOOK_BACK 4000		/* hops, for what made a packet */
#define ANSWERS_MAX 2000	/* packets that are asked whether this one made them */

/* --- sayings ------------------------------------------------------------------------------------------------------- */

static struct {
	struct saying { char *function, *label, *text; } *row;
	size_t n;
} sayings;

static void sayings_load(void)
{
	char *copy = strdup(embedded_sayings), *at = copy, *line;
	size_t lines = 1;

	for (const char *c = embedded_sayings; *c; c++)
		lines += *c == '\n';
	sayings.row = copy ? calloc(lines, sizeof(*sayings.row)) : NULL;
	while (sayings.row && (line = strsep(&at, "\n"))) {
		struct saying *s = &sayings.row[sayings.n];

		if (*line == '#' || !*line)
			continue;
		s->function = strsep(&line, "\t");
		s->label = strsep(&line, "\t");
		s->text = line;
		sayings.n += s->label && s->text;
	}
}

static const struct saying *saying_of(const char *function)
{
	size_t len = strcspn(function, ".");

	if (!sayings.row)
		sayings_load();
	for (size_t i = 0; i < sayings.n; i++)
		if (strlen(sayings.row[i].function) == len && !memcmp(sayings.row[i].function, function, len))
			return &sayings.row[i];
	return NULL;
}

bool has_saying(const char *function)
{
	return saying_of(function);
}

void tell_saying(struct story *s, uint32_t i)
{
	const struct trc_hop *h = packet_hop(s->m, s->p, i);
	const struct saying *say = saying_of(hop_func(s->m, h)->name);
	const char *device, *at;
	size_t before;

	if (!say || (s->said && !strcmp(s->said, say->text) && s->said_device == h->ifindex))
		return;
	device = h->have & TRC_HAVE_SKB ? model_dev(s->m, h->netns, h->ifindex) : "";
	at = strstr(say->text, "{device}");
	before = at ? (size_t)(at - say->text) : strlen(say->text);
	story_say(s, say->label, "%.*s%s%s (hop %u, %s).", (int)before, say->text, at ? device : "", at ? at + strlen("{device}") : "",
		  cite(s, i), hop_func(s->m, h)->name);
	s->said = say->text;
	s->said_device = h->ifindex;
	s->told = NULL;
}

/* --- addresses ----------------------------------------------------------------------------------------------------- */

static bool tuple_of_hop(struct tuple *t, const struct trc_hop *h)
{
	static const uint8_t zero[16];
	size_t n = h->have & TRC_HAVE_IP6 ? 16 : 4;

	if (!hop_enters(h) || !(h->have & (TRC_HAVE_IP4 | TRC_HAVE_IP6)) || !h->l4proto || !memcmp(h->daddr, zero, n))
		return false;
	if (h->have & TRC_HAVE_L4 && (h->l4proto == 6 || h->l4proto == 17) && !h->dport)
		return false;
	*t = (struct tuple){ .ethertype = n == 16 ? 0x86dd : 0x0800, .l4proto = h->l4proto, .have = h->have };
	memcpy(t->saddr, h->saddr, n);
	memcpy(t->daddr, h->daddr, n);
	if (h->have & TRC_HAVE_L4) {
		t->sport = h->sport;
		t->dport = h->dport;
	}
	return true;
}

bool hop_tuple(struct tuple *t, const struct trc_hop *h)
{
	return tuple_of_hop(t, h);
}

static bool same_header(const struct tuple *a, const struct tuple *b)
{
	return a->ethertype == b->ethertype && a->l4proto == b->l4proto;
}

enum header_change tuple_change(const struct tuple *a, const struct tuple *b)
{
	bool both = a->have & b->have & TRC_HAVE_L4;
	enum header_change change = 0;

	if (!same_header(a, b))
		return CHANGE_HEADER;
	if (memcmp(a->saddr, b->saddr, sizeof(a->saddr)) || (both && a->sport != b->sport && a->l4proto != 1 && a->l4proto != 58))
		change |= CHANGE_SOURCE;
	if (memcmp(a->daddr, b->daddr, sizeof(a->daddr)) || (both && a->dport != b->dport && a->l4proto != 1 && a->l4proto != 58))
		change |= CHANGE_DESTINATION;
	return change;
}

const char *tuple_end(const struct tuple *t, bool source, char *buf, size_t size)
{
	char text[160], *from, *to;

	tuple_text(t, text, sizeof(text));
	to = strstr(text, " > ");
	if (to)
		*to = '\0';
	from = strrchr(text, ' ');
	snprintf(buf, size, "%s", source ? from ? from + 1 : text : to ? to + 3 : text);
	return buf;
}

/* The hop before i in which the headers were changed, if one of NAT was seen since the last time that they were shown. */
static uint32_t changer(const struct story *s, uint32_t i)
{
	for (uint32_t k = s->tuple_hop; k < i; k++) {
		const struct trc_hop *h = packet_hop(s->m, s->p, k);
		const char *name = hop_func(s->m, h)->name;

		if (hop_enters(h) && !strncmp(name, "nf_nat_", 7) && strstr(name, "manip_pkt"))
			return k;
	}
	return NO_HOP;
}

static void say_change(struct story *s, uint32_t i, const struct tuple *now, enum header_change change)
{
	const char *function = hop_func(s->m, packet_hop(s->m, s->p, i))->name;
	uint32_t by = changer(s, i);
	char from[160], to[160], text[160], more[96] = "";

	if (by != NO_HOP)
		snprintf(more, sizeof(more), ", by %s (hop %u)", hop_func(s->m, packet_hop(s->m, s->p, by))->name, cite(s, by));
	if (change == CHANGE_HEADER) {
		story_say(s, "Header", "From hop %u (%s) on, its outermost header is that of %s.", cite(s, i), function,
			  tuple_text(now, text, sizeof(text)));
		return;
	}
	for (int side = 0; side < 2; side++) {
		if (!(change & (side ? CHANGE_DESTINATION : CHANGE_SOURCE)))
			continue;
		if (by != NO_HOP)
			cite(s, by);
		story_name(s, "from", tuple_end(&s->tuple, !side, from, sizeof(from)));
		story_name(s, "to", tuple_end(now, !side, to, sizeof(to)));
		story_say(s, "Address", "Its %s changes from %s to %s%s; so it is seen in %s (hop %u).", side ? "destination" : "source",
			  tuple_end(&s->tuple, !side, from, sizeof(from)), tuple_end(now, !side, to, sizeof(to)), more, function, cite(s, i));
	}
}

/* In the middle of a change only one end may be new: what counts is what a boundary sees. */
void tell_address(struct story *s, uint32_t i)
{
	const struct trc_hop *h = packet_hop(s->m, s->p, i);
	const char *stage = hop_func(s->m, h)->stage, *layer = hop_func(s->m, h)->layer;
	struct tuple now;
	enum header_change change;

	if (!*stage || !strcmp(stage, "send") || !strcmp(stage, "free") || !tuple_of_hop(&now, h))
		return;
	if (s->has_tuple) {
		change = tuple_change(&s->tuple, &now);
		/* a tunnel's own functions see now the one, now the other header */
		if (change && !strcmp(layer, "tunnel"))
			return;
		if (change)
			say_change(s, i, &now, change);
	}
	s->tuple = now;
	s->has_tuple = true;
	s->tuple_hop = i;
}

/* --- kin ----------------------------------------------------------------------------------------------------------- */

/* Edges until this hop; a first hop may be of the same moment as what made the packet. */
void tell_kin(struct story *s, uint64_t until_ns)
{
	while (s->kin < s->p->nkin && s->m->edges[s->p->kin[s->kin]].time_ns <= until_ns) {
		uint32_t n = kin_alike(s->m, s->p, s->kin, until_ns);
		char *text = kin_text(s->m, s->p, s->kin, n);

		if (!text) {
			s->err = -1;
			return;
		}
		*text -= *text >= 'a' && *text <= 'z' ? 'a' - 'A' : 0;
		story_say(s, "Kin", "%s.", text);
		free(text);
		s->kin += n;
	}
}

/* --- what made it, and what it makes ---------------------------------------------------------------------------------- */

/* Functions that are still running with the packet when what they call makes another. */
static bool may_make(const struct model *m, const struct trc_hop *h)
{
	static const char *const stages[] = { "to_transport", "from_ip_rcv", "forward", "netfilter", "neigh" };
	/* what a packet that came in is handed to, where that is a tail call of the above */
	static const char *const names[] = {
		"__icmp_send", "icmp6_send", "__udp4_lib_rcv", "__udp6_lib_rcv", "tcp_v4_do_rcv", "tcp_v6_do_rcv", "icmp_echo",
		"nf_send_reset", "nf_send_reset6", "arp_process", "ndisc_rcv", "ndisc_recv_ns", "ip_error",
	};
	const char *stage = hop_func(m, h)->stage;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(hop_func(m, h)->name, names[i]))
			return true;
	for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++)
		if (!strcmp(stage, stages[i]))
			return true;
	return false;
}

static bool on_birth_stack(const struct model *m, const struct packet *p, uint32_t func)
{
	for (uint32_t i = 0; i < p->nframes && !function_is_softirq(m->funcs[p->frames[i]].name); i++)
		if (p->frames[i] == func)
			return true;
	return false;
}

/* Was the packet being handled on that CPU before this moment, and after it?  One that waits for its neighbour is not moved on. */
static bool is_handled(const struct model *m, const struct packet *p, const struct trc_hop *birth, bool neigh)
{
	for (uint32_t i = 0; i < p->nhops; i++) {
		const struct trc_hop *h = packet_hop(m, p, i);
		const char *layer = i ? hop_func(m, packet_hop(m, p, i - 1))->layer : "";

		if (h->time_ns < birth->time_ns || h == birth)
			continue;
		if (neigh)
			return !strcmp(layer, "neighbour") || !strcmp(layer, "packet");
		return h->cpu == birth->cpu && h->context == birth->context;
	}
	return false;
}

static bool makes(const struct model *m, const struct packet *p, const struct trc_hop *birth, const struct trc_hop *h)
{
	return h->cpu == birth->cpu && h->context == birth->context && hop_enters(h) && may_make(m, h) && on_birth_stack(m, p, h->func);
}

/* The last hop of q before this moment that may have made p, later than after_ns; q->nhops when there is none. */
static uint32_t hop_that_makes(const struct model *m, const struct packet *q, const struct packet *p, const struct trc_hop *birth,
			       uint64_t after_ns)
{
	const struct trc_hop *h;

	for (uint32_t i = q->nhops; i-- > 0;) {
		h = packet_hop(m, q, i);
		if (h->time_ns < after_ns)
			break;
		if (h->time_ns <= birth->time_ns && makes(m, p, birth, h))
			return i;
	}
	return q->nhops;
}

/*
 * The packet that was being handled when p was made: a function that this CPU entered last with that packet is on the
 * stack of p's birth, and goes on with it afterwards.
 */
const struct packet *packet_maker(const struct model *m, const struct packet *p, uint32_t *hop)
{
	const struct trc_hop *birth = p->nhops ? packet_hop(m, p, 0) : NULL;
	const struct packet *maker = NULL, *q;
	uint64_t latest_ns = 0;
	uint32_t looked = 0, i;

	if (!birth || !p->nframes || p->lossy)
		return NULL;
	/* packets are in the order of their first hops: later ones did not make it */
	for (uint32_t k = p->number - 1; k-- > 0 && looked < LOOK_BACK; looked += q->nhops) {
		q = &m->packets[k];
		i = q->last_ns < latest_ns ? q->nhops : hop_that_makes(m, q, p, birth, latest_ns);
		if (i == q->nhops || (maker && packet_hop(m, q, i)->time_ns == latest_ns))
			continue;
		maker = q;
		*hop = i;
		latest_ns = packet_hop(m, q, i)->time_ns;
	}
	if (!maker || !is_handled(m, maker, birth, !strcmp(hop_func(m, packet_hop(m, maker, *hop))->stage, "neigh")))
		return NULL;
	return maker;
}

void tell_maker(struct story *s)
{
	char tuple[160];
	uint32_t hop;
	const struct packet *maker = packet_maker(s->m, s->p, &hop);

	if (maker)
		story_count(s, "other_packet", maker->number);
	if (maker)
		story_say(s, "Origin", "It is made while the kernel handles packet %u, %s (its hop %u, %s).", maker->number,
			  packet_text(s->m, maker, tuple, sizeof(tuple)), hop + 1, hop_func(s->m, packet_hop(s->m, maker, hop))->name);
}

bool has_parent(const struct model *m, const struct packet *p)
{
	for (uint32_t i = 0; i < p->nkin; i++)
		if (m->edges[p->kin[i]].child == p->number)
			return true;
	return false;
}

/* Packets made until this moment while this one was handled. */
void tell_made(struct story *s, uint64_t until_ns)
{
	char tuple[160], time[32];
	uint32_t hop;

	if (!s->made)
		s->made = s->p->number;		/* the index of the next */
	for (; s->made < s->m->npackets && s->made < s->p->number + ANSWERS_MAX; s->made++) {
		const struct packet *q = &s->m->packets[s->made];

		if (packet_hop(s->m, q, 0)->time_ns > until_ns)
			return;
		if (has_parent(s->m, q) || packet_maker(s->m, q, &hop) != s->p)
			continue;
		story_count(s, "other_packet", q->number);
		story_say(s, "Makes", "While it is handled, %s after its first hop, packet %u is made: %s.",
			  duration_text(packet_hop(s->m, q, 0)->time_ns - packet_hop(s->m, s->p, 0)->time_ns, time, sizeof(time)), q->number,
			  packet_text(s->m, q, tuple, sizeof(tuple)));
	}
}

/* --- TCP ------------------------------------------------------------------------------------------------------------ */

static bool sent_again_by_stack(const struct story *s)
{
	for (uint32_t i = 0; i < s->p->nframes; i++)
		if (strstr(s->m->funcs[s->p->frames[i]].name, "retransmit_skb"))
			return true;
	return false;
}

/* An earlier packet with the same SYN or FIN: the same connection, flags, and sequence number. */
static uint32_t sent_before(const struct story *s, const struct trc_hop *h)
{
	if (!(h->tcp_flags & (SYN | FIN)) || s->p->nkin)
		return 0;
	for (uint32_t i = s->p->number - 1; i-- > 0 && i + ANSWERS_MAX > s->p->number;) {
		const struct packet *q = &s->m->packets[i];
		const struct trc_hop *x = q->nhops && !q->nkin ? packet_tcp(s->m, q) : NULL;

		if (x && x->tcp_flags == h->tcp_flags && x->tcp_seq == h->tcp_seq && x->sport == h->sport && x->dport == h->dport &&
		    !memcmp(x->saddr, h->saddr, sizeof(h->saddr)) && !memcmp(x->daddr, h->daddr, sizeof(h->daddr)))
			return q->number;
	}
	return 0;
}

void tell_tcp(struct story *s)
{
	const struct trc_hop *h = packet_tcp(s->m, s->p);
	const char *what = NULL;
	uint32_t before;

	if (!h)
		return;
	if (h->tcp_flags & RST)
		what = "It is a reset (RST): its sender breaks the connection off, or knows of none";
	else if ((h->tcp_flags & (SYN | ACK)) == SYN)
		what = "It is a request for a connection (SYN)";
	else if (h->tcp_flags & SYN)
		what = "It accepts a request for a connection (SYN and ACK)";
	else if (h->tcp_flags & FIN)
		what = "It says that its sender has nothing more to send (FIN)";
	before = sent_before(s, h);
	if (sent_again_by_stack(s))
		story_say(s, "TCP", "%s%s is sent again, because TCP holds it for lost: a function that retransmits is on the stack of its birth.",
			  what ? what : "", what ? "; it" : "It");
	else if (before)
		story_say(s, "TCP", "%s, the same as packet %u: it is sent again.", what, before);
	else if (what)
		story_say(s, "TCP", "%s.", what);
}
