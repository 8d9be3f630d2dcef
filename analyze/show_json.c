// SPDX-License-Identifier: GPL-2.0
/*
 * show_json.c - the packet list and a packet's hops as JSON, one object a line, nothing folded.
 *
 * Times are nanoseconds: of a packet since the recording's first hop, of a hop since the packet's first.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "explain.h"
#include "returns.h"
#include "show.h"

static void json_address(struct json *j, const char *key, const struct tuple *t, const uint8_t *address)
{
	char text[INET6_ADDRSTRLEN] = "";

	if (t->have & TRC_HAVE_IP6)
		inet_ntop(AF_INET6, address, text, sizeof(text));
	else if (t->have & (TRC_HAVE_IP4 | TRC_HAVE_ARP))
		inet_ntop(AF_INET, address, text, sizeof(text));
	if (*text)
		json_text(j, key, text);
}

static void json_side(struct json *j, const char *key, const char *kinds, const struct model *m, const struct packet *p, bool parents)
{
	const struct edge *e;
	bool is_parent;

	for (int pass = 0; pass < 2; pass++) {
		json_list(j, pass ? kinds : key);
		for (uint32_t i = 0; i < p->nkin; i++) {
			e = &m->edges[p->kin[i]];
			is_parent = e->child == p->number;
			if (is_parent != parents || !e->child || !e->parent)
				continue;
			if (pass)
				json_text(j, NULL, edge_name(e->kind));
			else
				json_number(j, NULL, parents ? e->parent : e->child);
		}
		json_list_end(j);
	}
}

/* Nothing where a recording has none, so that those without lineage say what they always did. */
static void json_kin(struct json *j, const struct model *m, const struct packet *p)
{
	if (p->nkin) {
		json_side(j, "parents", "parent_kinds", m, p, true);
		json_side(j, "children", "child_kinds", m, p, false);
	}
	if (m->nedges)
		json_number(j, "journey", p->journey);
	if (p->tuple_of)
		json_number(j, "tuple_inherited_from", p->tuple_of);
	if (p->into)
		json_number(j, "merged_into", p->into);
	if (p->nderived)
		json_number(j, "derived_hops", p->nderived);
	if (p->like)
		json_number(j, "functions_as_in", p->like);
}

/* Where the first hops show it; "place" has both in one. */
static void json_place(struct json *j, const struct model *m, const struct packet *p)
{
	const struct trc_hop *in = NULL, *on = NULL;

	for (uint32_t i = 0; i < p->nhops && !on; i++) {
		const struct trc_hop *h = packet_hop(m, p, i);

		in = in || !(h->have & TRC_HAVE_NETNS) ? in : h;
		on = h->have & TRC_HAVE_SKB && h->ifindex ? h : NULL;
	}
	json_text(j, "netns", in ? model_netns(m, in->netns) : "");
	json_text(j, "device", on ? model_dev(m, on->netns, on->ifindex) : "");
}

static void packet_json(FILE *out, const struct model *m, const struct packet *p)
{
	uint32_t hook = packet_drop_hook(m, p), reader = packet_reader(m, p);
	const struct tuple *t = &p->tuple;
	struct json j;
	char word[256];

	json_begin(&j, out);
	json_number(&j, "packet", p->number);
	json_number(&j, "time_ns", packet_time(m, p));
	json_number(&j, "duration_ns", packet_duration(m, p));
	json_number(&j, "hops", p->nhops);
	json_text(&j, "place", packet_place(m, p, word, sizeof(word)));
	json_place(&j, m, p);
	json_text(&j, "tuple", tuple_text(&p->tuple, word, sizeof(word)));
	json_number(&j, "ethertype", t->ethertype);
	json_number(&j, "l4proto", t->l4proto);
	json_address(&j, "saddr", t, t->saddr);
	json_address(&j, "daddr", t, t->daddr);
	if (t->have & TRC_HAVE_L4) {
		json_number(&j, "sport", t->sport);
		json_number(&j, "dport", t->dport);
	}
	json_text(&j, "first", packet_first_function(m, p));
	json_text(&j, "last", packet_last_function(m, p));
	json_text(&j, "fate", fate_name(p->fate));
	if (p->fate_hop < p->nhops)
		json_number(&j, "fate_hop", p->fate_hop + 1);
	if (p->fate == FATE_DROPPED)
		json_text(&j, "reason", packet_reason(m, p));
	if (p->fate == FATE_DROPPED && packet_delivered_clone(m, p))
		json_number(&j, "delivered_clone", packet_delivered_clone(m, p)->number);
	if (hook != NO_HOP)
		json_text(&j, "drop_hook", hook_text(packet_hop(m, p, hook), word, sizeof(word)));
	if (p->pid)
		json_text(&j, "sender", proc_text(m, p->pid, word, sizeof(word)));
	if (p->pid && *model_command(m, p->pid))
		json_text(&j, "command", model_command(m, p->pid));
	if (reader)
		json_text(&j, "reader", proc_text(m, reader, word, sizeof(word)));
	json_bool(&j, "lossy", p->lossy);
	if (p->gone)
		json_text(&j, "gone", p->gone);
	json_kin(&j, m, p);
	json_end(&j);
}

void show_list_json(const struct term *t, const struct model *m)
{
	for (size_t i = 0; i < m->npackets; i++)
		if (!m->packets[i].left_out)
			packet_json(t->out, m, &m->packets[i]);
}

/* What this kind of hop says beyond where it is. */
static void json_outcome(struct json *j, const struct model *m, const struct packet *p, const struct trc_hop *h, uint32_t result)
{
	struct answer a;

	if (h->have & TRC_HAVE_HOOK) {
		json_text(j, "hook", hook_name(h->family, h->hook));
		json_text(j, "family", family_name(h->family));
		if (hop_is_hook(m, h) && result != NO_HOP)
			json_text(j, "verdict", verdict_name(packet_hop(m, p, result)->value));
	}
	if (h->kind == TRC_ENTRY && result != NO_HOP && !hop_is_hook(m, h)) {
		const char *action = action_name(hop_func(m, h), packet_hop(m, p, result)->value);

		answer_of(m, hop_func(m, h)->name, packet_hop(m, p, result)->value, &a);
		if (action || *a.word)
			json_text(j, "verdict", action ? action : a.word);
	}
	if (h->kind == TRC_ENTRY && result != NO_HOP)
		json_number(j, "return_hop", result + 1);
	if (h->kind == TRC_RETURN)
		json_number(j, "value", h->value);
	if (h->kind == TRC_DROP)
		json_text(j, "reason", model_drop_reason(m, h->value));
}

static void json_stack(struct json *j, const struct model *m, const struct trc_hop *h)
{
	const struct stack *s = hop_stack(m, h);

	if (!s)
		return;
	json_list(j, "stack");
	for (uint32_t k = 0; k < s->count; k++)
		json_text(j, NULL, m->funcs[s->frames[k]].name);
	json_list_end(j);
}

static void hop_json(FILE *out, const struct model *m, const struct packet *p, uint32_t i, uint32_t result, unsigned int how)
{
	static const char *const kinds[] = { "entry", "return", "drop", "derived" };
	static const char *const contexts[] = { "process", "softirq", "hardirq", "nmi", "unknown" };
	const struct trc_hop *h = packet_hop(m, p, i);
	const struct func *f = hop_func(m, h);
	struct tuple tuple;
	struct json j;

	json_begin(&j, out);
	json_number(&j, "packet", p->number);
	json_number(&j, "hop", i + 1);
	json_number(&j, "time_ns", h->time_ns - packet_hop(m, p, 0)->time_ns);
	json_number(&j, "delta_ns", i ? h->time_ns - packet_hop(m, p, i - 1)->time_ns : 0);
	json_text(&j, "kind", h->kind < 4 ? kinds[h->kind] : "unknown");
	if (h->kind == TRC_DERIVED)
		json_bool(&j, "derived", true);
	if (hop_is_tracepoint(m, h))
		json_bool(&j, "tracepoint", true);
	json_text(&j, "layer", f->layer);
	json_text(&j, "stage", f->stage);
	json_text(&j, "function", f->name);
	json_text(&j, "module", f->module);
	json_number(&j, "cpu", h->cpu);
	json_text(&j, "context", h->context < 5 ? contexts[h->context] : "unknown");
	json_number(&j, "pid", h->pid);
	json_text(&j, "process", model_proc(m, h->pid));
	if (h->have & TRC_HAVE_NETNS)
		json_text(&j, "netns", model_netns(m, h->netns));
	if (h->have & TRC_HAVE_SKB) {
		json_text(&j, "device", model_dev(m, h->netns, h->ifindex));
		json_number(&j, "len_bytes", h->len_bytes);
		json_number(&j, "mark", h->mark);
	}
	if (hop_tuple(&tuple, h)) {
		json_number(&j, "l4proto", tuple.l4proto);
		json_address(&j, "saddr", &tuple, tuple.saddr);
		json_address(&j, "daddr", &tuple, tuple.daddr);
	}
	if (hop_tuple(&tuple, h) && tuple.have & TRC_HAVE_L4) {
		json_number(&j, "sport", tuple.sport);
		json_number(&j, "dport", tuple.dport);
	}
	json_outcome(&j, m, p, h, result);
	if (how & PATH_STACKS)
		json_stack(&j, m, h);
	json_end(&j);
}

int show_path_json(const struct term *t, const struct model *m, const struct packet *p, unsigned int how)
{
	uint32_t *returns = packet_returns(m, p);

	if (!returns)
		return -ENOMEM;
	for (uint32_t i = 0; i < p->nhops; i++)
		hop_json(t->out, m, p, i, returns[i] == i ? NO_HOP : returns[i], how);
	free(returns);
	return 0;
}
