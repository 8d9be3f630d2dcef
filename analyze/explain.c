// SPDX-License-Identifier: GPL-2.0
/*
 * explain.c - walk a packet's hops in order and say a sentence at each boundary it crosses.
 *
 * Boundaries are the stages of schema/functions.tsv; hops in between are the reader's business (--packet).
 * Origin and end are in explain_ends.c, netfilter in explain_netfilter.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "explain.h"
#include "returns.h"
#include "show.h"

int explain_system_open(struct explain_system *out, const struct model *m)
{
	int err;

	*out = (struct explain_system){};
	err = rulebook_open(&out->rules, m) ?: routebook_open(&out->routes, m);
	if (err)
		explain_system_close(out);
	return err;
}

void explain_system_close(struct explain_system *system)
{
	rulebook_close(system->rules);
	routebook_close(system->routes);
	*system = (struct explain_system){};
}

bool stage_probed(const struct model *m, const char *stage)
{
	for (size_t i = 0; i < m->nfuncs; i++)
		if (m->funcs[i].flags & TRC_FUNC_ATTACHED && !strcmp(m->funcs[i].stage, stage))
			return true;
	return false;
}

char *stage_functions(const struct story *s, uint32_t i, uint32_t hops[STAGE_NAMED_MAX], size_t *nhops)
{
	const char *stage = hop_func(s->m, packet_hop(s->m, s->p, i))->stage;
	const struct func *before = NULL;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	size_t named = 0;

	*nhops = 0;
	if (!out)
		return NULL;
	for (; i < s->p->nhops && named < STAGE_NAMED_MAX; i++) {
		const struct trc_hop *h = packet_hop(s->m, s->p, i);
		const struct func *f = hop_func(s->m, h);

		if ((*f->stage && strcmp(f->stage, stage)) || (named && has_saying(f->name)))
			break;
		if (!hop_enters(h) || !*f->stage || f == before)
			continue;
		hops[named] = i;
		fprintf(out, "%s%s (hop %u)", named++ ? ", " : "", f->name, i + 1);
		before = f;
	}
	*nhops = named;
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

static const struct link *find_link(const struct model *m, uint32_t netns, uint32_t ifindex)
{
	for (size_t i = 0; ifindex && i < m->nlinks; i++)
		if (m->links[i].netns == netns && m->links[i].ifindex == ifindex)
			return &m->links[i];
	return NULL;
}

static const char *device_text(const struct story *s, const struct trc_hop *h, char *buf, size_t size)
{
	const char *name = h->have & TRC_HAVE_SKB ? model_dev(s->m, s->netns, h->ifindex) : "";

	snprintf(buf, size, "%s%s", *name ? "device " : "the device", name);
	return buf;
}

/* --- a sentence for each stage ------------------------------------------------------------------------------------ */

/* With the last function above IP, where one was seen: that is the way by which it reached IP. */
static void tell_to_ip(struct story *s, uint32_t i, const char *functions)
{
	s->sent = true;
	s->route_told = false;		/* that of a tunnel's outer header is another */
	for (uint32_t k = i; k-- > 0;) {
		const struct trc_hop *h = packet_hop(s->m, s->p, k);
		const struct func *f = hop_func(s->m, h);

		if (!hop_enters(h) || (strcmp(f->layer, "transport") && strcmp(f->layer, "tunnel")))
			continue;
		story_say(s, "To IP", "From the %s (%s, hop %u) it is handed to IP: %s.", f->layer, f->name, cite(s, k), functions);
		return;
	}
	story_say(s, "To IP", "It is handed to IP: %s.", functions);
}

/* On the stack of its first hop: where a function of IP was called by one that is above IP; the innermost such place. */
static void tell_to_ip_by_stack(struct story *s)
{
	const struct packet *p = s->p;
	const struct func *ip = hop_func(s->m, packet_hop(s->m, p, 0)), *above;

	for (uint32_t k = 0; k < p->nframes && !function_is_softirq(s->m->funcs[p->frames[k]].name); k++, ip = above) {
		above = &s->m->funcs[p->frames[k]];
		if (strcmp(ip->layer, "ip") || (strcmp(above->layer, "transport") && strcmp(above->layer, "neighbour")))
			continue;
		s->sent = true;
		cite(s, 0);
		story_say(s, "To IP", "From the %s layer it is handed to IP: the stack of hop 1 shows that %s called %s.", above->layer,
			  above->name, ip->name);
		return;
	}
}

/* Where it left that namespace's IP to: the device of the next hand-over to a queue or driver; "" = not seen. */
static const char *leaves_by(const struct story *s, uint32_t i)
{
	for (; i < s->p->nhops; i++) {
		const struct trc_hop *h = packet_hop(s->m, s->p, i);
		const char *stage = hop_func(s->m, h)->stage;

		if (h->have & TRC_HAVE_NETNS && h->netns != s->netns)
			break;
		if (hop_enters(h) && h->have & TRC_HAVE_SKB && (!strcmp(stage, "to_qdisc") || !strcmp(stage, "to_driver")))
			return model_dev(s->m, s->netns, h->ifindex);
	}
	return "";
}

/* ", by route ..." or ". It does not fit ..." */
static void route_more(struct story *s, uint32_t i, enum goes goes, char *buf, size_t size)
{
	const struct trc_hop *h = packet_hop(s->m, s->p, i);
	const char *in = s->received ? model_dev(s->m, s->netns, h->ifindex) : NULL, *out = goes == GOES_ON ? leaves_by(s, i) : NULL;
	char text[1200];
	enum told_route told = tell_of_route(s, i, in, out && *out ? out : NULL, goes, text, sizeof(text));

	if (told == TOLD_ROUTE && goes == GOES_NONE && !strncmp(text, "none", 4))
		snprintf(buf, size, ". No route of the snapshots leads there%s", text + 4);
	else
		snprintf(buf, size, "%s%s", told == TOLD_ROUTE ? ", by route " : told == TOLD_SENTENCE ? ". " : "", text);
}

static void tell_route_of_arp(struct story *s, const char *functions, bool answered, const struct answer *a)
{
	story_say(s, "Routing", "A route to the address that is asked for is looked up: %s. %s.", functions, !answered ? "Its answer was not recorded" :
		  a->so == SO_BAD ? "The answer: this machine does not answer for it" : "There is one");
}

/* What came of asking for a route: seen in where it goes next, or in what the function answered. */
static void tell_route(struct story *s, uint32_t i, const char *functions)
{
	uint32_t result = s->returns[i];
	struct answer a = {};
	char more[1300] = "";

	if (result != NO_HOP)
		answer_of(s->m, hop_func(s->m, packet_hop(s->m, s->p, i))->name, packet_hop(s->m, s->p, result)->value, &a);
	if (s->p->tuple.have & TRC_HAVE_ARP) {
		tell_route_of_arp(s, functions, result != NO_HOP, &a);
		return;
	}
	if (s->said && strstr(s->said, "by an ICMP")) {
		story_say(s, "Routing", "A route for that message is looked up: %s.", functions);
		return;
	}
	if (a.so == SO_BAD) {
		story_name(s, "error", a.word);
		route_more(s, i, GOES_NONE, more, sizeof(more));
		story_say(s, "Routing", "A route is looked up: %s. The answer is an error, %s: %s%s.", functions, a.word, a.meaning, more);
		return;
	}
	for (uint32_t k = i + 1; k < s->p->nhops; k++) {
		const struct trc_hop *h = packet_hop(s->m, s->p, k);
		const struct func *f = hop_func(s->m, h);
		bool on = !strcmp(f->stage, "forward");

		if (hop_enters(h) && (!strcmp(f->name, "ip_error") || !strcmp(f->name, "ip6_pkt_discard"))) {	/* sayings.tsv has more */
			route_more(s, i, GOES_NONE, more, sizeof(more));
			break;
		}
		if (!hop_enters(h) || (!on && strncmp(f->name, "ip_local_deliver", 16) && strcmp(f->name, "ip6_input") &&
				       (!*f->stage || !strcmp(f->stage, "route"))))
			continue;
		if (!on && *f->stage)
			break;
		route_more(s, i, on ? GOES_ON : GOES_HERE, more, sizeof(more));
		story_say(s, "Routing", "A route is looked up: %s. The answer: %s (hop %u, %s)%s.", functions,
			  on ? "it is to be forwarded" : "it is for this machine", cite(s, k), f->name, more);
		return;
	}
	story_say(s, "Routing", "A route is looked up: %s%s.", functions, more);
}

/* The first hop that shows the header as its sender gave it to IP: addresses may be changed later. */
static uint32_t header_of_sender(const struct story *s, uint32_t i)
{
	uint32_t from = i;
	struct tuple t;

	for (uint32_t k = i; k-- > 0;) {
		const struct trc_hop *h = packet_hop(s->m, s->p, k);
		const struct func *f = hop_func(s->m, h);

		if (hop_enters(h) && (!strcmp(f->layer, "ip") || !strcmp(f->layer, "netfilter")) && h->have & TRC_HAVE_SKB && hop_tuple(&t, h))
			from = k;
		if (strstr(f->name, "_route_me_harder"))
			break;		/* netfilter changed it, and it was asked again */
		if (!strcmp(f->stage, "to_ip") && k && strcmp(hop_func(s->m, packet_hop(s->m, s->p, k - 1))->stage, "to_ip"))
			break;
	}
	return from;
}

/* Who sends something asks for the route first, so that no hop of the packet shows it. */
static void tell_way_out(struct story *s, uint32_t i)
{
	static const char apart[] = "no hop shows how that was found, because a sender asks for it apart from the packet";
	const struct trc_hop *h = packet_hop(s->m, s->p, i);
	const char *device = h->have & TRC_HAVE_SKB ? model_dev(s->m, s->netns, h->ifindex) : "";
	char text[1200];

	if (s->route_told || s->received || !s->sent || !(h->have & (TRC_HAVE_IP4 | TRC_HAVE_IP6)) || !*device)
		return;
	s->route_told = true;
	switch (tell_of_route(s, header_of_sender(s, i), NULL, device, GOES_OUT, text, sizeof(text))) {
	case TOLD_ROUTE:
		story_say(s, "Routing", "It is to leave by device %s (hop %u), by route %s; %s.", device, cite(s, i), text, apart);
		break;
	case TOLD_SENTENCE:
		story_say(s, "Routing", "It is to leave by device %s (hop %u); %s. %s.", device, cite(s, i), apart, text);
		break;
	case TOLD_NOTHING:
		story_say(s, "Routing", "It is to leave by device %s (hop %u); %s.", device, cite(s, i), apart);
		break;
	}
}

/*
 * __neigh_event_send() is asked about neighbours that are not known and about those that are not sure any more; only for
 * the former the packet waits.  Its answer says which; else that it did is seen when something else goes on with it, or it was
 * copied for the question.
 */
static bool waits_for_neighbour(const struct story *s, uint32_t i)
{
	const struct trc_hop *h = packet_hop(s->m, s->p, i), *next = NULL;

	if (s->returns[i] != NO_HOP)
		return (packet_hop(s->m, s->p, s->returns[i])->value & 0xff) != 0;
	for (uint32_t k = i + 1; k < s->p->nhops && !next; k++)
		if (hop_enters(packet_hop(s->m, s->p, k)) && *hop_func(s->m, packet_hop(s->m, s->p, k))->stage)
			next = packet_hop(s->m, s->p, k);
	if (!next || next->context != h->context || next->pid != h->pid)
		return true;
	for (uint32_t k = 0; k < s->p->nkin; k++) {
		const struct edge *e = &s->m->edges[s->p->kin[k]];

		if (e->kind == TRC_EDGE_CLONE && e->parent == s->p->number && e->time_ns >= h->time_ns && e->time_ns <= next->time_ns)
			return true;
	}
	return false;
}

static void tell_neigh(struct story *s, uint32_t i, const char *functions)
{
	const struct trc_hop *at = packet_hop(s->m, s->p, i);
	char more[128] = "", next[320] = "";
	bool known;

	tell_way_out(s, i);
	known = at->have & TRC_HAVE_SKB && next_hop_text(s, model_dev(s->m, s->netns, at->ifindex), next, sizeof(next));
	s->next = (struct next_hop){};
	for (uint32_t k = i + 1; k < s->p->nhops && !*more && !*hop_func(s->m, packet_hop(s->m, s->p, k))->stage; k++) {
		const struct trc_hop *h = packet_hop(s->m, s->p, k);

		if (!hop_enters(h) || strcmp(hop_func(s->m, h)->name, "__neigh_event_send"))
			continue;
		snprintf(more, sizeof(more), waits_for_neighbour(s, k) ? "; it is not known yet, so the packet waits (hop %u, __neigh_event_send)" :
			 "; it is known, if not for certain, and the packet goes on (hop %u, __neigh_event_send)", cite(s, k));
	}
	story_say(s, "Neighbour", "The link-layer address of the next hop is needed: %s%s.%s%s%s", functions, more, known ? " In the snapshots " : "", next,
		  known ? "." : "");
}

static void tell_to_driver(struct story *s, uint32_t i, const char *functions)
{
	const struct trc_hop *h = packet_hop(s->m, s->p, i);
	const struct link *link = find_link(s->m, s->netns, h->ifindex);
	char device[64], peer[160] = "", waited[96] = "", time[32];

	if (link && link->peer_ifindex && link->peer_netns)
		snprintf(peer, sizeof(peer), "; the other end of this %s is %s in netns %s", link->kind,
			 model_dev(s->m, link->peer_netns, link->peer_ifindex), model_netns(s->m, link->peer_netns));
	if (s->to_queue != NO_HOP) {
		cite(s, s->to_queue);
		story_count(s, "queued_ns", h->time_ns - packet_hop(s->m, s->p, s->to_queue)->time_ns);
		snprintf(waited, sizeof(waited), ", %s after it was handed to the queue",
			 duration_text(h->time_ns - packet_hop(s->m, s->p, s->to_queue)->time_ns, time, sizeof(time)));
	}
	if (*peer) {
		story_name(s, "peer_device", model_dev(s->m, link->peer_netns, link->peer_ifindex));
		story_name(s, "peer_netns", model_netns(s->m, link->peer_netns));
	}
	story_say(s, "Driver", "It is handed to the driver of %s%s: %s%s.", device_text(s, h, device, sizeof(device)), waited, functions, peer);
	s->to_queue = NO_HOP;
}

static void tell_receive(struct story *s, uint32_t i, const char *functions)
{
	const struct trc_hop *h = packet_hop(s->m, s->p, i);
	char device[64], context[96];

	s->received = true;
	story_name(s, "context", context_text(s->m, h, context, sizeof(context)));
	story_count(s, "cpu", h->cpu);
	story_say(s, "Receive", "It enters the stack from %s, in %s%s on CPU %u: %s.", device_text(s, h, device, sizeof(device)),
		  h->context > TRC_NMI ? "an " : "the context of ",
		  context_text(s->m, h, context, sizeof(context)), h->cpu, functions);
}

static void tell_read(struct story *s, uint32_t i, const char *functions)
{
	const struct trc_hop *h = packet_hop(s->m, s->p, i);
	char who[96], time[32], waited[64] = "";

	story_name(s, "context", context_text(s->m, h, who, sizeof(who)));
	if (s->queued != NO_HOP)
		story_count(s, "queued_ns", h->time_ns - packet_hop(s->m, s->p, s->queued)->time_ns);
	if (s->queued != NO_HOP)
		snprintf(waited, sizeof(waited), ", %s after it was queued",
			 duration_text(h->time_ns - packet_hop(s->m, s->p, s->queued)->time_ns, time, sizeof(time)));
	story_say(s, "Read", "It is read by %s%s: %s.", context_text(s->m, h, who, sizeof(who)), waited, functions);
}

static void tell_to_qdisc(struct story *s, uint32_t i, const char *functions)
{
	const struct trc_hop *h = packet_hop(s->m, s->p, i);
	const char *name = h->have & TRC_HAVE_SKB ? model_dev(s->m, s->netns, h->ifindex) : "";
	char device[64], kind[700];
	bool none, known;

	tell_way_out(s, i);
	tell_next_hop(s, name);
	known = queue_text(s, name, &none, kind, sizeof(kind));
	device_text(s, h, device, sizeof(device));
	s->to_queue = known && !none ? i : NO_HOP;
	if (known)
		story_name(s, "queue", kind);
	if (none)
		story_say(s, "Queue", "It is handed to %s, which has no queue (noqueue): %s.", device, functions);
	else if (known)
		story_say(s, "Queue", "It is handed to the queue of %s: %s. That queue is %s.", device, functions, kind);
	else
		story_say(s, "Queue", "It is handed to the queue of %s: %s.", device, functions);
}

static const struct {
	const char *stage, *label;
	const char *sentence;	/* with the functions at its only %s; NULL: tell() */
	void (*tell)(struct story *s, uint32_t i, const char *functions);
} stages[] = {
	{ "to_ip", "To IP", .tell = tell_to_ip },
	{ "route", "Routing", .tell = tell_route },
	{ "neigh", "Neighbour", .tell = tell_neigh },
	{ "to_qdisc", "Queue", .tell = tell_to_qdisc },
	{ "to_driver", "Driver", .tell = tell_to_driver },
	{ "receive", "Receive", .tell = tell_receive },
	{ "from_ip_rcv", "IP receive", "IP takes the received packet: %s." },
	{ "forward", "Forward", "IP forwards it, as it is not for this machine: %s." },
	{ "to_transport", "Protocol", "It is handed up to its protocol: %s." },
	{ "to_socket", "Socket", "It is put into a socket's queue: %s." },
	{ "read", "Read", .tell = tell_read },
};

/* The sentence that was just said is about hop i, and named the functions of hops. */
static void step_place(struct story *s, uint32_t i, const uint32_t *hops, size_t n)
{
	struct explain_step *step = s->out->count ? &s->out->steps[s->out->count - 1] : NULL;
	const struct trc_hop *h = packet_hop(s->m, s->p, i);

	for (size_t k = 0; step && k < n; k++)
		step_cite(s, step, hops[k]);
	if (!step)
		return;
	if (s->has_netns)
		step_name(s, step, "netns", model_netns(s->m, s->netns));
	if (s->has_netns && h->have & TRC_HAVE_SKB)
		step_name(s, step, "device", model_dev(s->m, s->netns, h->ifindex));
}

static void tell_stage(struct story *s, uint32_t i)
{
	const char *stage = hop_func(s->m, packet_hop(s->m, s->p, i))->stage;
	uint32_t hops[STAGE_NAMED_MAX];
	size_t nhops;

	if (s->told && !strcmp(s->told, stage))
		return;
	if (!strcmp(stage, "route"))
		s->route_told = true;
	for (size_t k = 0; k < sizeof(stages) / sizeof(stages[0]); k++) {
		char *functions;

		if (strcmp(stages[k].stage, stage))
			continue;
		functions = stage_functions(s, i, hops, &nhops);
		if (!functions)
			s->err = -ENOMEM;
		else if (stages[k].tell)
			stages[k].tell(s, i, functions);
		else
			story_say(s, stages[k].label, stages[k].sentence, functions);
		free(functions);
		step_place(s, i, hops, nhops);
		s->told = stages[k].stage;
		if (!strcmp(stage, "to_socket"))
			s->queued = i;
	}
}

static void tell_crossing(struct story *s, uint32_t i)
{
	const struct trc_hop *h = packet_hop(s->m, s->p, i);

	if (!(h->have & TRC_HAVE_NETNS))
		return;
	if (s->has_netns && s->netns != h->netns) {
		story_name(s, "netns", model_netns(s->m, h->netns));
		story_say(s, "Crossing", "It passes from netns %s to netns %s (hop %u, %s).", model_netns(s->m, s->netns),
			  model_netns(s->m, h->netns), cite(s, i), hop_func(s->m, h)->name);
		s->told = NULL;		/* the same stage on the other side is news */
	}
	s->has_netns = true;
	s->netns = h->netns;
}

/* From a process into an interrupt, or to another CPU.  Its way back to a process is told with the reading. */
static void tell_context(struct story *s, uint32_t i)
{
	const struct trc_hop *h = packet_hop(s->m, s->p, i), *before = i ? packet_hop(s->m, s->p, i - 1) : h;
	char context[96], time[32];

	if (h->context == TRC_PROCESS || (h->context == before->context && h->cpu == before->cpu))
		return;
	story_name(s, "context", context_text(s->m, h, context, sizeof(context)));
	story_count(s, "cpu", h->cpu);
	story_count(s, "after_ns", h->time_ns - before->time_ns);
	story_say(s, "Context", "It goes on in %s on CPU %u, %s later (hop %u, %s).", context_text(s->m, h, context, sizeof(context)), h->cpu,
		  duration_text(h->time_ns - before->time_ns, time, sizeof(time)), cite(s, i), hop_func(s->m, h)->name);
}

/* Asked when the route is known, which put its device into the packet. */
static bool is_post_routing(const struct model *m, const struct trc_hop *h)
{
	return hop_is_hook(m, h) && h->hook == 4 && (h->family == 2 || h->family == 10);
}

static bool is_first_of_ip(const struct model *m, const struct packet *p)
{
	const char *layer = hop_func(m, packet_hop(m, p, 0))->layer;

	return !strcmp(layer, "ip") || !strcmp(layer, "netfilter");
}

/* IP was handed the packet by a transport, not by a tunnel? */
static bool ip_seen(const struct story *s)
{
	for (uint32_t i = 0; i < s->p->nhops; i++) {
		const struct func *f = hop_func(s->m, packet_hop(s->m, s->p, i));

		if (!strcmp(f->stage, "to_ip") && !strcmp(f->layer, "ip"))
			return true;
	}
	return false;
}

int explain_packet(struct explain *out, const struct model *m, const struct packet *p, const struct explain_system *system)
{
	struct story s = { .m = m, .p = p, .out = out, .queued = NO_HOP, .to_queue = NO_HOP, .rules = system->rules, .routes = system->routes };

	*out = (struct explain){};
	s.returns = packet_returns(m, p);
	if (!s.returns)
		return -ENOMEM;
	s.netfilter_known = stage_probed(m, "netfilter") && !p->lossy && !m->missed;
	memset(s.passed, 0xff, sizeof(s.passed));	/* NO_HOP */
	tell_origin(&s);
	tell_tcp(&s);
	if (p->nhops && !has_parent(m, p) && !ip_seen(&s) && is_first_of_ip(m, p))
		tell_to_ip_by_stack(&s);
	for (uint32_t i = 0; i < p->nhops && !s.err; i++) {
		const struct trc_hop *h = packet_hop(m, p, i);

		tell_kin(&s, i ? h->time_ns - !!h->time_ns : h->time_ns);
		if (i)
			tell_made(&s, h->time_ns);
		if (!hop_enters(h))
			continue;
		tell_crossing(&s, i);
		tell_context(&s, i);
		tell_unvisited(&s, i);
		tell_address(&s, i);
		if (is_post_routing(m, h))
			tell_way_out(&s, i);
		if (hop_is_hook(m, h))
			tell_hook(&s, i);
		else if (*hop_func(m, h)->stage)
			tell_stage(&s, i);
		tell_saying(&s, i);
	}
	tell_kin(&s, UINT64_MAX);
	tell_fate(&s);
	tell_unknown(&s);
	free(s.returns);
	explain_step_free(&s.next_step);
	if (s.err)
		explain_free(out);
	return s.err ? -ENOMEM : 0;
}

bool packet_is_housekeeping(const struct packet *p)
{
	const struct tuple *t = &p->tuple;
	unsigned int type = t->sport >> 8;

	if (t->ethertype == 0x0806 || !(t->have & (TRC_HAVE_IP4 | TRC_HAVE_IP6)))
		return true;
	if (t->l4proto == 2 || (t->have & TRC_HAVE_IP6 && t->l4proto == 0))
		return true;		/* IGMP; MLD behind its hop-by-hop header */
	/* ICMPv6: MLD 130-132 and 143, neighbour discovery 133-137 */
	return t->l4proto == 58 && t->have & TRC_HAVE_L4 && ((type >= 130 && type <= 137) || type == 143);
}
