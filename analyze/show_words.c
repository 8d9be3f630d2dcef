// SPDX-License-Identifier: GPL-2.0
/*
 * show_words.c - what can be said of one packet in a few words: its place, its fate, who sent and who read it.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "show.h"

#define FRAMES_NAMED 10

const char *packet_place(const struct model *m, const struct packet *p, char *buf, size_t size)
{
	const struct trc_hop *in = NULL, *on = NULL;

	for (uint32_t i = 0; i < p->nhops && !on; i++) {
		const struct trc_hop *h = packet_hop(m, p, i);

		if (!in && h->have & TRC_HAVE_NETNS)
			in = h;
		if (h->have & TRC_HAVE_SKB && h->ifindex)
			on = h;
	}
	snprintf(buf, size, "%s%s%s", in ? model_netns(m, in->netns) : "", in && on ? " " : "",
		 on ? model_dev(m, on->netns, on->ifindex) : "");
	return buf;
}

const struct trc_hop *packet_tcp(const struct model *m, const struct packet *p)
{
	for (uint32_t i = 0; i < p->nhops; i++) {
		const struct trc_hop *h = packet_hop(m, p, i);

		if (hop_enters(h) && h->have & TRC_HAVE_L4 && h->l4proto == 6 && h->dport && h->tcp_flags)
			return h;
	}
	return NULL;
}

const char *packet_text(const struct model *m, const struct packet *p, char *buf, size_t size)
{
	const struct trc_hop *h = p->tuple.l4proto == 6 ? packet_tcp(m, p) : NULL;
	char tuple[160];

	tuple_text(&p->tuple, tuple, sizeof(tuple));
	snprintf(buf, size, "%s%s%s%s%s", tuple, h && h->tcp_flags & SYN ? " SYN" : "", h && (h->tcp_flags & (SYN | ACK)) == (SYN | ACK) ? "+ACK" : "",
		 h && h->tcp_flags & FIN ? " FIN" : "", h && h->tcp_flags & RST ? " RST" : "");
	return buf;
}

const char *proc_text(const struct model *m, uint32_t pid, char *buf, size_t size)
{
	const char *name = model_proc(m, pid);

	if (*name)
		snprintf(buf, size, "%s (%u)", name, pid);
	else
		snprintf(buf, size, "pid %u", pid);
	return buf;
}

const char *context_text(const struct model *m, const struct trc_hop *h, char *buf, size_t size)
{
	static const char *const names[] = {
		[TRC_SOFTIRQ] = "softirq", [TRC_HARDIRQ] = "hard interrupt", [TRC_NMI] = "NMI",
	};

	if (h->context == TRC_PROCESS)
		return proc_text(m, h->pid, buf, size);
	if (h->context < sizeof(names) / sizeof(names[0])) {
		snprintf(buf, size, "%s", names[h->context]);
	} else {
		char proc[64];

		snprintf(buf, size, "unknown context (current: %s)", proc_text(m, h->pid, proc, sizeof(proc)));
	}
	return buf;
}

/* Knowledge as sentences: each with one full stop, unless it ends otherwise. */
/* The reason itself, or as it is meant in that function, where schema/reasons.tsv tells that apart. */
const char *reason_there(const char *reason, const char *function, char *buf, size_t size)
{
	snprintf(buf, size, "%s@%.*s", reason, (int)strcspn(function, "."), function);
	return *reason_meaning(buf) ? buf : reason;
}

const char *reason_text(const char *reason, const char *function, char *buf, size_t size)
{
	const char *parts[2];
	char there[128];
	size_t used = 0;

	reason = reason_there(reason, function, there, sizeof(there));
	parts[0] = reason_meaning(reason);
	parts[1] = reason_advice(reason);

	*buf = '\0';
	for (int i = 0; i < 2 && used < size; i++) {
		size_t len = strlen(parts[i]);

		if (len)
			used += snprintf(buf + used, size - used, "%s%s%s", used ? " " : "", parts[i],
					 strchr(".?!", parts[i][len - 1]) ? "" : ".");
	}
	return buf;
}

const char *hook_text(const struct trc_hop *h, char *buf, size_t size)
{
	snprintf(buf, size, "%s %s", hook_name(h->family, h->hook), family_name(h->family));
	return buf;
}

size_t packets_selected(const struct model *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->npackets; i++)
		n += !m->packets[i].left_out;
	return n;
}

uint64_t packet_duration(const struct model *m, const struct packet *p)
{
	return p->nhops ? packet_hop(m, p, p->nhops - 1)->time_ns - packet_hop(m, p, 0)->time_ns : 0;
}

uint64_t packet_time(const struct model *m, const struct packet *p)
{
	return p->nhops ? packet_hop(m, p, 0)->time_ns - m->first_ns : 0;
}

/* Backwards from the drop: the nearest hook that was entered and had not returned. */
uint32_t packet_drop_hook(const struct model *m, const struct packet *p)
{
	uint32_t open = 0;

	if (p->fate != FATE_DROPPED || p->fate_hop >= p->nhops)
		return NO_HOP;
	for (uint32_t i = p->fate_hop + 1; i-- > 0;) {
		const struct trc_hop *h = packet_hop(m, p, i);

		/* a stack shows no return: the hook was left when a boundary was crossed */
		if (m->nderived && h->kind != TRC_DROP && *hop_func(m, h)->stage && strcmp(hop_func(m, h)->stage, "netfilter") &&
		    strcmp(hop_func(m, h)->stage, "free"))
			return NO_HOP;
		if (strcmp(hop_func(m, h)->stage, "netfilter"))
			continue;
		if (h->kind == TRC_RETURN) {
			open++;
		} else if (hop_is_hook(m, h)) {
			if (!open)
				return i;
			open--;
		}
	}
	return NO_HOP;
}

/*
 * A packet that waits in a socket's queue is next touched by the process that reads it.  A hop in the process that
 * follows the delivery proves that only when the delivery itself was not made by a process.
 */
uint32_t packet_reader(const struct model *m, const struct packet *p)
{
	if (p->fate != FATE_DELIVERED || p->fate_hop >= p->nhops)
		return 0;
	for (uint32_t i = p->fate_hop; i < p->nhops; i++) {
		const struct trc_hop *h = packet_hop(m, p, i);

		if (h->context != TRC_PROCESS || !hop_enters(h) || (i == p->fate_hop && strcmp(hop_func(m, h)->stage, "read")))
			continue;
		if (!strcmp(hop_func(m, h)->stage, "read") || packet_hop(m, p, p->fate_hop)->context == TRC_SOFTIRQ)
			return h->pid;
	}
	return 0;
}

/* Allocation and bookkeeping come first for every packet alike: skip them. */
const char *packet_first_function(const struct model *m, const struct packet *p)
{
	for (uint32_t i = 0; i < p->nhops; i++) {
		const struct func *f = hop_func(m, packet_hop(m, p, i));
		bool dull = !strcmp(f->layer, "other") || !strcmp(f->layer, "packet") || !strcmp(f->layer, "skb") ||
			      !strcmp(f->layer, "socket");

		if (!dull || (*f->stage && strcmp(f->stage, "free")))
			return f->name;
	}
	return p->nhops ? hop_func(m, packet_hop(m, p, 0))->name : "";
}

static bool is_freeing(const struct model *m, const struct trc_hop *h)
{
	return h->kind == TRC_RETURN || !strcmp(hop_func(m, h)->stage, "free");
}

uint32_t packet_last_hop(const struct model *m, const struct packet *p)
{
	uint32_t i = p->nhops;

	if (p->fate == FATE_DROPPED && p->fate_hop < p->nhops)
		return packet_drop_hop(m, p);
	if (p->fate == FATE_DELIVERED && p->fate_hop < p->nhops)
		return p->fate_hop;
	while (i > 1 && is_freeing(m, packet_hop(m, p, i - 1)))
		i--;
	return i ? i - 1 : 0;
}

const char *packet_last_function(const struct model *m, const struct packet *p)
{
	return p->nhops ? hop_func(m, packet_hop(m, p, packet_last_hop(m, p)))->name : "";
}

const char *packet_fate_short(const struct model *m, const struct packet *p, char *buf, size_t size)
{
	if (p->fate == FATE_DROPPED)
		snprintf(buf, size, "dropped: %s", packet_reason(m, p));
	else
		snprintf(buf, size, "%s", fate_name(p->fate));
	return buf;
}

/* What was consumed because others go on in its place; NULL: it was just used up. */
const char *packet_went_on(const struct model *m, const struct packet *p)
{
	for (uint32_t i = p->nkin; i-- > 0;) {
		const struct edge *e = &m->edges[p->kin[i]];

		if (e->parent != p->number)
			continue;
		switch (e->kind) {
		case TRC_EDGE_SEGMENT: return "consumed: segmented";
		case TRC_EDGE_FRAGMENT: return "consumed: fragmented";
		case TRC_EDGE_REBUILD: return "consumed: rebuilt";
		}
	}
	return NULL;
}

const char *packet_fate_text(const struct model *m, const struct packet *p, char *buf, size_t size)
{
	uint32_t hook = packet_drop_hook(m, p), reader = packet_reader(m, p);
	const struct packet *clone = p->fate == FATE_DROPPED ? packet_delivered_clone(m, p) : NULL;
	char word[96];

	switch (p->fate) {
	case FATE_DROPPED:
		snprintf(buf, size, "dropped: %s%s%s", packet_reason(m, p), hook == NO_HOP ? "" : " at ",
			 hook == NO_HOP ? "" : hook_text(packet_hop(m, p, hook), word, sizeof(word)));
		if (clone && strlen(buf) + 1 < size)
			snprintf(buf + strlen(buf), size - strlen(buf), " (no loss: see packet %u)", clone->number);
		break;
	case FATE_DELIVERED:
		snprintf(buf, size, "delivered%s%s", reader ? " to " : "",
			 reader ? proc_text(m, reader, word, sizeof(word)) : "");
		break;
	case FATE_MERGED:
		snprintf(buf, size, "%s packet %u", packet_became(m, p), p->into);
		break;
	case FATE_CONSUMED:
		snprintf(buf, size, "%s", packet_went_on(m, p) ?: fate_name(p->fate));
		break;
	default:
		snprintf(buf, size, "%s", fate_name(p->fate));
	}
	if (p->lossy && strlen(buf) + 1 < size)
		snprintf(buf + strlen(buf), size - strlen(buf), " (hops lost)");
	if (p->gone && strlen(buf) + 1 < size)
		snprintf(buf + strlen(buf), size - strlen(buf), " (%s went)", p->gone);
	return buf;
}

/*
 * The system call that a frame stands for, NULL for other frames.  Of __x64_sys_sendmmsg, __sys_sendmmsg and
 * ____sys_sendmsg the first is what a program calls, the others are inside it.  The wrapper is missing where it
 * ends in a tail call: then ksys_write tells.
 */
static const char *syscall_name(const char *frame)
{
	const char *bare = frame + strspn(frame, "_"), *sys = strstr(bare, "_sys_");

	if (bare - frame == 2 && sys)
		return sys + strlen("_sys_");
	return strncmp(frame, "ksys_", 5) ? NULL : frame + 5;
}

static bool is_inside_syscall(const char *frame)
{
	return *frame == '_' && !strncmp(frame + strspn(frame, "_"), "sys_", 4);
}

/* The frame of the system call, or the end of the stack, or of the softirq's part of it. */
static uint32_t syscall_frame(const struct model *m, const struct packet *p)
{
	uint32_t i = 0;

	while (i < p->nframes && !syscall_name(m->funcs[p->frames[i]].name) && !function_is_softirq(m->funcs[p->frames[i]].name))
		i++;
	return i;
}

const char *packet_stack_text(const struct model *m, const struct packet *p, char *buf, size_t size)
{
	/* the first frame may be the first hop's own function, which adds nothing */
	uint32_t first = p->nframes && p->nhops && p->frames[0] == packet_hop(m, p, 0)->func && packet_hop(m, p, 0)->kind != TRC_DERIVED;
	uint32_t end = syscall_frame(m, p);
	size_t used = 0;

	*buf = '\0';
	if (end > first + FRAMES_NAMED) {
		end = first + FRAMES_NAMED;
		used += snprintf(buf, size, "…");
	}
	for (uint32_t i = end; i-- > first && used < size;) {
		const char *name = m->funcs[p->frames[i]].name;

		if (!is_inside_syscall(name))
			used += snprintf(buf + used, size - used, "%s%s", used ? " → " : "", name);
	}
	return buf;
}

const char *packet_syscall(const struct model *m, const struct packet *p, char *buf, size_t size)
{
	uint32_t i = syscall_frame(m, p);

	if (i == p->nframes || !syscall_name(m->funcs[p->frames[i]].name))
		return NULL;
	snprintf(buf, size, "%s", syscall_name(m->funcs[p->frames[i]].name));
	buf[strcspn(buf, ".")] = '\0';
	return buf;
}

/* A capture program gets a clone of everything, and that says nothing about the original. */
static bool is_captured(const struct model *m, const struct packet *p)
{
	for (uint32_t i = 0; i < p->nhops; i++) {
		const char *name = hop_func(m, packet_hop(m, p, i))->name;

		if (!strncmp(name, "packet_rcv", 10) || !strncmp(name, "tpacket_rcv", 11) || !strncmp(name, "__packet_rcv", 12))
			return true;
	}
	return false;
}

const struct packet *packet_delivered_clone(const struct model *m, const struct packet *p)
{
	/* those that mean: nobody else wanted it */
	static const char *const reasons[] = { "NO_SOCKET", "NOT_SPECIFIED", "UNHANDLED_PROTO", "IP_NOPROTO" };
	bool unwanted = false;

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		unwanted |= !strcmp(packet_reason(m, p), reasons[i]);
	if (!unwanted)
		return NULL;
	for (uint32_t i = 0; i < p->nkin; i++) {
		const struct edge *e = &m->edges[p->kin[i]];
		const struct packet *child = e->parent == p->number && e->child ? &m->packets[e->child - 1] : NULL;

		if (child && (e->kind == TRC_EDGE_CLONE || e->kind == TRC_EDGE_COPY) && child->fate == FATE_DELIVERED && !is_captured(m, child))
			return child;
	}
	return NULL;
}
