// SPDX-License-Identifier: GPL-2.0
/*
 * sql_columns.c - one hop, one column, one SQL value.  What was not read of the packet is NULL.
 */
#include <arpa/inet.h>

#include "returns.h"
#include "sql_columns.h"

static void result_time(sqlite3_context *ctx, uint64_t ns)
{
	sqlite3_result_int64(ctx, ns < INT64_MAX ? (sqlite3_int64)ns : INT64_MAX);
}

static void result_if(sqlite3_context *ctx, bool known, sqlite3_int64 n)
{
	if (known)
		sqlite3_result_int64(ctx, n);
}

static void result_text(sqlite3_context *ctx, const char *text)
{
	sqlite3_result_text(ctx, text, -1, SQLITE_TRANSIENT);
}

/* What a function that decides answered; of a hook's function the verdict is known in any case. */
static void result_answer(sqlite3_context *ctx, const struct model *m, const struct trc_hop *h)
{
	const char *action = action_name(&m->funcs[h->func], h->value);
	struct answer a;

	if (action) {
		result_text(ctx, action);
		return;
	}
	answer_of(m, m->funcs[h->func].name, h->value, &a);
	if (*a.word)
		result_text(ctx, a.word);
	else if (h->have & TRC_HAVE_HOOK)
		result_text(ctx, verdict_name(h->value));
}

static void result_address(sqlite3_context *ctx, const struct trc_hop *h, const uint8_t *address)
{
	char text[INET6_ADDRSTRLEN];

	if (h->have & TRC_HAVE_IP6)
		result_text(ctx, inet_ntop(AF_INET6, address, text, sizeof(text)));
	else if (h->have & (TRC_HAVE_IP4 | TRC_HAVE_ARP))
		result_text(ctx, inet_ntop(AF_INET, address, text, sizeof(text)));
}

static void column_place(sqlite3_context *ctx, const struct model *m, const struct packet *p, uint32_t i, int column)
{
	const struct trc_hop *h = packet_hop(m, p, i);

	switch (column) {
	case COL_PACKET:
		sqlite3_result_int64(ctx, p->number);
		break;
	case COL_HOP:
		sqlite3_result_int64(ctx, (sqlite3_int64)i + 1);
		break;
	case COL_TIME:
		result_time(ctx, h->time_ns);
		break;
	case COL_AT:
		result_time(ctx, h->time_ns - packet_hop(m, p, 0)->time_ns);
		break;
	case COL_DELTA:
		if (i)
			result_time(ctx, h->time_ns - packet_hop(m, p, i - 1)->time_ns);
		break;
	}
}

static void column_headers(sqlite3_context *ctx, const struct trc_hop *h, int column)
{
	bool ip = h->have & (TRC_HAVE_IP4 | TRC_HAVE_IP6), ports = h->have & (TRC_HAVE_L4 | TRC_HAVE_ARP);
	bool tcp = h->have & TRC_HAVE_L4 && h->l4proto == 6;

	switch (column) {
	case COL_PROTO:
		return result_if(ctx, ip, h->l4proto);
	case COL_SRC:
		return result_address(ctx, h, h->saddr);
	case COL_SPORT:
		return result_if(ctx, ports, h->sport);
	case COL_DST:
		return result_address(ctx, h, h->daddr);
	case COL_DPORT:
		return result_if(ctx, h->have & TRC_HAVE_L4, h->dport);
	case COL_TTL:
		return result_if(ctx, ip, h->ttl);
	case COL_IP_ID:
		return result_if(ctx, h->have & TRC_HAVE_IP4, h->ip_id);
	case COL_FRAG:
		return result_if(ctx, ip, h->frag);
	case COL_TCP_FLAGS:
		return result_if(ctx, tcp, h->tcp_flags);
	case COL_TCP_SEQ:
		return result_if(ctx, tcp, h->tcp_seq);
	}
}

static void column_skb(sqlite3_context *ctx, const struct trc_hop *h, int column)
{
	bool skb = h->have & TRC_HAVE_SKB;

	switch (column) {
	case COL_NETNS:
		return result_if(ctx, h->have & TRC_HAVE_NETNS && h->netns, h->netns);
	case COL_IFINDEX:
		return result_if(ctx, h->ifindex, h->ifindex);
	case COL_LEN:
		return result_if(ctx, skb, h->len_bytes);
	case COL_PAGED:
		return result_if(ctx, skb, h->paged_bytes);
	case COL_MARK:
		return result_if(ctx, skb, h->mark);
	case COL_ETHERTYPE:
		return result_if(ctx, skb && h->ethertype, h->ethertype);
	case COL_GSO:
		return result_if(ctx, skb && h->gso_size, h->gso_size);
	case COL_GSO_SEGMENTS:
		return result_if(ctx, skb && h->gso_size, h->gso_segs);
	}
}

static void column_event(sqlite3_context *ctx, const struct model *m, const struct trc_hop *h, int column)
{
	static const char *const kinds[] = { "entry", "return", "drop", "derived" };
	static const char *const contexts[] = { "process", "softirq", "hardirq", "nmi" };
	bool hook = h->have & TRC_HAVE_HOOK;

	switch (column) {
	case COL_KIND:
		return result_text(ctx, h->kind < 4 ? kinds[h->kind] : "unknown");
	case COL_FUNC:
		return sqlite3_result_int64(ctx, h->func);
	case COL_CPU:
		return sqlite3_result_int64(ctx, h->cpu);
	case COL_SEQ:
		return sqlite3_result_int64(ctx, h->seq);
	case COL_PID:
		return sqlite3_result_int64(ctx, h->pid);
	case COL_CONTEXT:
		return h->context < 4 ? result_text(ctx, contexts[h->context]) : (void)0;
	case COL_HOOK:
		return hook ? result_text(ctx, hook_name(h->family, h->hook)) : (void)0;
	case COL_FAMILY:
		return hook ? result_text(ctx, family_name(h->family)) : (void)0;
	case COL_VERDICT:
		return h->kind == TRC_RETURN ? result_answer(ctx, m, h) : (void)0;
	case COL_REASON:
		return h->kind == TRC_DROP ? result_text(ctx, model_drop_reason(m, h->value)) : (void)0;
	case COL_VALUE:
		return result_if(ctx, h->kind == TRC_RETURN || h->kind == TRC_DROP, h->value);
	case COL_STACK:
		return result_if(ctx, hop_stack(m, h), h->stack);
	}
}

void hop_column(sqlite3_context *ctx, const struct model *m, const struct packet *p, uint32_t hop, int column)
{
	const struct trc_hop *h = packet_hop(m, p, hop);

	if (column <= COL_DELTA)
		column_place(ctx, m, p, hop, column);
	else if (column >= COL_PROTO && column <= COL_TCP_SEQ)
		column_headers(ctx, h, column);
	else if (column >= COL_NETNS && column <= COL_GSO_SEGMENTS)
		column_skb(ctx, h, column);
	else
		column_event(ctx, m, h, column);
}
