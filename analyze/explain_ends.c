// SPDX-License-Identifier: GPL-2.0
/*
 * explain_ends.c - where a packet comes from, where it ends, and what of it is not known.
 */
#include <stdlib.h>
#include <string.h>

#include "explain.h"
#include "show.h"

static bool in_kernel_thread(const struct model *m, const struct packet *p)
{
	for (uint32_t i = 0; i < p->nframes; i++)
		if (!strcmp(m->funcs[p->frames[i]].name, "kthread"))
			return true;
	return false;
}

#define COMMAND_SHOWN 200

static void tell_command(struct story *s, const char *command)
{
	size_t n = strnlen(command, COMMAND_SHOWN + 1);
	bool cut = n > COMMAND_SHOWN;

	while (cut && (--n, (command[n] & 0xc0) == 0x80))	/* between two characters */
		;
	story_name(s, "command", command);
	story_say(s, "Origin", "Its command line is: %.*s%s", (int)n, command, cut ? "..." : "");
}

/*
 * Was it made where it is first seen?  Then its stack, or the first function, is of those that make or send packets;
 * otherwise the recorder met it somewhere on its way.
 */
static bool is_made_here(const struct model *m, const struct packet *p, uint32_t first)
{
	const struct func *f = hop_func(m, packet_hop(m, p, first));

	if (!strcmp(f->stage, "free"))
		return false;
	if (!strcmp(f->layer, "packet") || !strcmp(f->stage, "send") || !strcmp(f->stage, "to_ip"))
		return true;
	for (uint32_t i = 0; i < p->nframes && !function_is_softirq(m->funcs[p->frames[i]].name); i++) {
		f = &m->funcs[p->frames[i]];
		if (!strcmp(f->stage, "send") || !strcmp(f->stage, "to_ip") || strstr(f->name, "alloc_skb") || strstr(f->name, "_send") ||
		    strstr(f->name, "skb_clone") || !strcmp(f->name, "skb_copy") || strstr(f->name, "_push_pending_frames"))
			return true;
	}
	return !p->nframes && strcmp(f->layer, "socket") && strcmp(f->stage, "read");
}

static void tell_process(struct story *s, const char *where, bool made)
{
	const struct packet *p = s->p;
	const char *command = model_command(s->m, p->pid);
	char who[96], call[64];

	proc_text(s->m, p->pid, who, sizeof(who));
	story_count(s, "pid", p->pid);
	story_name(s, "process", model_proc(s->m, p->pid));
	if (packet_syscall(s->m, p, call, sizeof(call)))
		story_name(s, "system_call", call);
	if (!made) {
		story_say(s, "Origin", "It is first seen in process %s%s%s%s: where it comes from was not recorded.", who, where,
			  packet_syscall(s->m, p, call, sizeof(call)) ? ", within the system call " : "",
			  packet_syscall(s->m, p, call, sizeof(call)) ? call : "");
		return;
	}
	if (packet_syscall(s->m, p, call, sizeof(call)))
		story_say(s, "Origin", "Process %s%s calls %s(2).", who, where, call);
	else if (!p->nframes)
		story_say(s, "Origin", "Process %s%s makes it; by which system call is not known (no stack of its birth).", who, where);
	else if (in_kernel_thread(s->m, p))
		story_say(s, "Origin", "The kernel thread %s%s makes it.", who, where);
	else
		story_say(s, "Origin", "It is made in the context of %s%s, in no system call that the stack shows.", who, where);
	if (*command)
		tell_command(s, command);
}

static void tell_interrupt(struct story *s, const struct trc_hop *h, const char *where, uint32_t first)
{
	bool received = !strcmp(hop_func(s->m, packet_hop(s->m, s->p, first))->stage, "receive");
	char context[96];

	story_say(s, "Origin", "It is first seen in %s on CPU %u%s: %s.", context_text(s->m, h, context, sizeof(context)), h->cpu, where,
		  received ? "a device received it" : is_made_here(s->m, s->p, first) ? "no process made it at that moment" :
		  "where it comes from was not recorded");
}

/* What allocates packets and sets them up is of no layer: the first that is of one says more. */
static void first_layer(struct story *s, uint32_t i, char *buf, size_t size)
{
	for (; i < s->p->nhops; i++) {
		const struct trc_hop *h = packet_hop(s->m, s->p, i);
		const struct func *f = hop_func(s->m, h);

		if (!hop_enters(h) || !strcmp(f->layer, "other") || !strcmp(f->layer, "packet") || (!strcmp(f->layer, "socket") && !*f->stage))
			continue;
		snprintf(buf, size, "; the first that belongs to a layer is %s (hop %u, %s)", f->name, cite(s, i), f->layer);
		return;
	}
}

void tell_origin(struct story *s)
{
	const struct packet *p = s->p;
	const struct trc_hop *h;
	const char *layer;
	char where[160] = "", stack[640], more[160] = "";
	uint32_t first = 0;

	if (!p->nhops) {
		story_say(s, "Origin", "No hop of this packet was recorded.");
		return;
	}
	h = packet_hop(s->m, p, 0);
	for (uint32_t i = 0; i < p->nhops && !*where; i++)
		if (packet_hop(s->m, p, i)->have & TRC_HAVE_NETNS)
			snprintf(where, sizeof(where), " in netns %s", model_netns(s->m, packet_hop(s->m, p, i)->netns));
	while (first + 1 < p->nhops && packet_hop(s->m, p, first)->kind == TRC_DERIVED)
		first++;
	if (p->pid)
		tell_process(s, where, is_made_here(s->m, p, first));
	else
		tell_interrupt(s, h, where, first);
	tell_maker(s);
	packet_stack_text(s->m, p, stack, sizeof(stack));
	h = packet_hop(s->m, p, first);
	layer = hop_func(s->m, h)->layer;
	if (!strcmp(layer, "other") || !strcmp(layer, "packet"))
		layer = "";	/* says nothing */
	if (!*layer)
		first_layer(s, first, more, sizeof(more));
	story_name(s, "function", hop_func(s->m, h)->name);
	story_name(s, "layer", layer);
	story_say(s, "Origin", "The first %s that sees it is %s%s (hop %u%s%s)%s%s%s.",
		  hop_is_tracepoint(s->m, h) || h->kind == TRC_DROP ? "tracepoint" : "probed function",
		  h->kind == TRC_DROP ? "kfree_skb, in " : "", hop_func(s->m, h)->name, cite(s, first), *layer ? ", " : "", layer,
		  *stack ? ", reached through " : "", stack, more);
}

/* The kernel reports drops that are no losses; "" = this one may be one. */
static const char *harmless(const struct story *s, char *buf, size_t size)
{
	const struct packet *child = packet_delivered_clone(s->m, s->p);
	const struct trc_hop *tcp;
	char who[160];

	*buf = '\0';
	if (child) {
		snprintf(buf, size, "This is no loss: its clone, packet %u, was %s; only this original found no other taker.", child->number,
			 packet_fate_text(s->m, child, who, sizeof(who)));
		return buf;
	}
	tcp = packet_tcp(s->m, s->p);
	for (uint32_t i = 0; i < s->p->nhops && !strcmp(packet_reason(s->m, s->p), "NOT_SPECIFIED"); i++) {
		const char *name = hop_func(s->m, packet_hop(s->m, s->p, i))->name;

		if (!strcmp(name, "tcp_timewait_state_process"))
			snprintf(buf, size, "Its connection was closed already: the kernel reports such segments as dropped, without a reason, "
				 "once it has dealt with them. That is no loss.");
		else if (!strcmp(name, "tcp_check_req") && tcp && (tcp->tcp_flags & (SYN | ACK | RST)) == SYN)
			snprintf(buf, size, "The same request for a connection came before: it is answered once more, and the kernel reports "
				 "the request itself as dropped, without a reason. Did the answer to the first get lost?");
	}
	return buf;
}

static void tell_drop(struct story *s, const char *after)
{
	const struct packet *p = s->p;
	const char *reason = packet_reason(s->m, p);
	uint32_t hook = packet_drop_hook(s->m, p);
	char at[96] = "", word[64], text[1024];

	if (hook != NO_HOP)
		snprintf(at, sizeof(at), " at hook %s", hook_text(packet_hop(s->m, p, hook), word, sizeof(word)));
	story_name(s, "reason", reason);
	story_name(s, "function", packet_last_function(s->m, p));
	story_say(s, "End", "It is dropped in %s%s (hop %u)%s, with the reason %s.", packet_last_function(s->m, p),
		  at, cite(s, packet_last_hop(s->m, p)), after, reason);
	if (*harmless(s, text, sizeof(text)) || *reason_text(reason, packet_last_function(s->m, p), text, sizeof(text)))
		story_say(s, "Why", "%s", text);
	tell_filters(s);
}

static void tell_in_flight(struct story *s)
{
	const struct trc_hop *last = packet_hop(s->m, s->p, s->p->nhops - 1);
	uint64_t end = s->m->end.reason ? s->m->end.time_ns : s->m->last_ns;
	char time[32];

	story_say(s, "End", "Its end was not seen. The last hop is %s (hop %u), %s before the recording ends.", hop_func(s->m, last)->name,
		  cite(s, s->p->nhops - 1), duration_text(end > last->time_ns ? end - last->time_ns : 0, time, sizeof(time)));
}

/* The packet with the data stays in the send queue, whence clones are sent. */
static bool is_kept_by_tcp(const struct story *s)
{
	bool cloned = false, sends = false;

	for (uint32_t i = 0; i < s->p->nkin; i++) {
		const struct edge *e = &s->m->edges[s->p->kin[i]];

		cloned |= e->parent == s->p->number && e->kind == TRC_EDGE_CLONE;
	}
	for (uint32_t i = 0; i < s->p->nhops && cloned; i++)
		sends |= !strcmp(hop_func(s->m, packet_hop(s->m, s->p, i))->name, "__tcp_transmit_skb") ||
			 !strcmp(hop_func(s->m, packet_hop(s->m, s->p, i))->name, "tcp_rate_skb_sent") ||
			 !strcmp(hop_func(s->m, packet_hop(s->m, s->p, i))->name, "tcp_ack_tstamp");
	return sends && s->p->tuple.l4proto == 6;
}

/* By whom a packet is used up that is no loss. */
static const char *used_up(const struct story *s)
{
	if (packet_went_on(s->m, s->p))
		return "Others go on in its place (see Kin)";
	if (!stage_seen(s, "to_transport"))
		return is_kept_by_tcp(s) ? "It is what TCP keeps until the other side has acknowledged it, and only its clones travel (see Kin)" :
		       "The kernel uses it up itself";
	switch (s->p->tuple.l4proto) {
	case 1: return "ICMP uses it up itself";
	case 6: return "TCP uses it up itself";
	case 58: return "ICMPv6 uses it up itself";
	}
	return "The kernel uses it up itself";
}

void tell_fate(struct story *s)
{
	const struct packet *p = s->p;
	uint32_t hop = p->fate_hop < p->nhops ? p->fate_hop : p->nhops - 1, reader = packet_reader(s->m, p);
	const struct trc_hop *h;
	char time[32], after[64] = "", who[128] = "", word[96];
	uint64_t after_ns;

	if (!p->nhops)
		return;
	h = packet_hop(s->m, p, hop);
	after_ns = h->time_ns - packet_hop(s->m, p, 0)->time_ns;
	duration_text(after_ns, time, sizeof(time));
	if (after_ns)		/* what is derived from a stack is of the moment at which that was taken */
		snprintf(after, sizeof(after), ", %s after its first hop", time);
	story_name(s, "fate", fate_name(p->fate));
	if (p->fate != FATE_IN_FLIGHT)
		story_count(s, "after_ns", after_ns);
	switch (p->fate) {
	case FATE_DROPPED:
		tell_drop(s, after);
		break;
	case FATE_DELIVERED:
		if (reader && !(s->told && !strcmp(s->told, "read")))
			snprintf(who, sizeof(who), "; %s takes it", proc_text(s->m, reader, word, sizeof(word)));
		story_say(s, "End", "It is delivered: %s (hop %u)%s%s.", hop_func(s->m, h)->name, cite(s, hop), after, who);
		break;
	case FATE_SENT:
		story_say(s, "End", "It leaves with the driver: %s (hop %u)%s, and is not seen again.",
			  hop_func(s->m, h)->name, cite(s, hop), after);
		break;
	case FATE_CONSUMED:
		hop = packet_last_hop(s->m, p);
		story_say(s, "End", "%s: %s (hop %u) is the last to touch it, and it is freed %s after its first hop.", used_up(s),
			  packet_last_function(s->m, p), cite(s, hop), time);
		break;
	case FATE_MERGED:
		story_count(s, "other_packet", p->into);
		story_say(s, "End", "Its data goes on in packet %u, which it was %s.", p->into, packet_became(s->m, p));
		break;
	case FATE_IN_FLIGHT:
		tell_in_flight(s);
		break;
	}
}

bool stage_seen(const struct story *s, const char *stage)
{
	for (uint32_t i = 0; i < s->p->nhops; i++)
		if (!strcmp(hop_func(s->m, packet_hop(s->m, s->p, i))->stage, stage))
			return true;
	return false;
}

/* Recordings of tracepoints show a boundary where it is on a stack. */
static void tell_no_stack(struct story *s)
{
	const struct packet *p = s->p;

	if (p->nderived)
		return;
	if (p->like)
		story_say(s, "Not known", "No kernel stack of this packet was taken: the functions are likely those of packet %u.", p->like);
	else
		story_say(s, "Not known", "No kernel stack of this packet was taken, so its functions are not known.");
}

/* What these sentences could not say because nobody looked. */
void tell_unknown(struct story *s)
{
	/* the last: of recordings of tracepoints, whose stacks show the other boundaries when they are crossed */
	static const struct { const char *stage, *what, *on_stacks; } boundaries[] = {
		{ "netfilter", "what netfilter did", "What netfilter did: only where it drops a packet is it on the stack of a tracepoint." },
		{ "route", "which routing function was asked", "Which routing function was asked: it is on the stack of no tracepoint." },
		{ "to_qdisc", "the hand-over to a queue", NULL },
		{ "to_driver", "the hand-over to a driver", NULL },
		{ "to_socket", "the hand-over to a socket", NULL },
	};

	if (s->m->nderived)
		tell_no_stack(s);
	for (size_t i = 0; i < sizeof(boundaries) / sizeof(boundaries[0]); i++) {
		if (stage_probed(s->m, boundaries[i].stage) || stage_seen(s, boundaries[i].stage))
			continue;
		if (!s->m->nderived)
			story_say(s, "Not known", "This recording cannot show %s: no function of that boundary was probed.", boundaries[i].what);
		else if (boundaries[i].on_stacks)
			story_say(s, "Not known", "%s", boundaries[i].on_stacks);
	}
	if (s->p->gone)
		story_say(s, "Not known", "The %s went while this was recorded: a missing step proves nothing.", s->p->gone);
	if (s->p->lossy)
		story_say(s, "Not known", "Hops were lost while this packet lived: a missing step proves nothing.");
}
