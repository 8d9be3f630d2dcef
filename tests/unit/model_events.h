/* SPDX-License-Identifier: GPL-2.0 */
/*
 * model_events.h - recordings of tracepoints made by hand: events with kernel stacks, and what a UDP query over loopback
 * looks like in them (as on a 6.18 kernel).
 */
#ifndef MODEL_EVENTS_H
#define MODEL_EVENTS_H

#include <stdlib.h>

#include "model_support.h"

#define UNUSED __attribute__((unused))

/* What is on the stack, written innermost first, with spaces between. */
struct event {
	const char *name;
	const char *stack;	/* NULL = none is taken */
	uint8_t context;
	uint8_t cpu;
	uint32_t pid;		/* 0 = DIG */
	int32_t reason;		/* other than 0: a drop, reported in the function of that name */
};

#define SYSCALL " __sys_sendto __x64_sys_sendto do_syscall_64 entry_SYSCALL_64_after_hwframe"
#define SENDING "__dev_queue_xmit ip_finish_output2 ip_output ip_send_skb udp_send_skb udp_sendmsg" SYSCALL
#define ON_TOP " handle_softirqs do_softirq.part.0 __local_bh_enable_ip " SENDING
#define READING "udp_recvmsg inet_recvmsg sock_recvmsg __sys_recvfrom __x64_sys_recvfrom do_syscall_64 entry_SYSCALL_64_after_hwframe"

static UNUSED const struct event loopback_query[] = {
	{ "net_dev_queue", "bpf_prog_7 bpf_trace_run1 " SENDING },
	{ "net_dev_start_xmit", "dev_hard_start_xmit " SENDING },
	{ "netif_rx_entry", "__netif_rx loopback_xmit dev_hard_start_xmit " SENDING },
	{ "netif_rx", "netif_rx_internal __netif_rx loopback_xmit dev_hard_start_xmit " SENDING },
	{ "net_dev_xmit", "dev_hard_start_xmit " SENDING },
	{ "netif_receive_skb", "__netif_receive_skb_core.constprop.0 __netif_receive_skb_one_core process_backlog __napi_poll net_rx_action"
	  ON_TOP, TRC_SOFTIRQ },
	{ "skb_copy_datagram_iovec", "skb_copy_datagram_iter " READING, .pid = 77, .cpu = 1 },
	{ "consume_skb", "consume_skb skb_consume_udp " READING, .pid = 77, .cpu = 1 },
	{},
};
#define QUERY_SENT "~udp_sendmsg ~udp_send_skb ~ip_send_skb ~ip_output ~ip_finish_output2 ~__dev_queue_xmit net_dev_queue " \
	"~dev_hard_start_xmit net_dev_start_xmit ~loopback_xmit ~__netif_rx netif_rx_entry ~netif_rx_internal netif_rx net_dev_xmit "
#define QUERY_WAY QUERY_SENT "~process_backlog ~__netif_receive_skb_one_core ~__netif_receive_skb_core.constprop.0 netif_receive_skb " \
	"~udp_recvmsg ~skb_copy_datagram_iter skb_copy_datagram_iovec ~skb_consume_udp ~consume_skb consume_skb"

/* Names of tracepoints and of functions are apart: id below 64, or not. */
struct events {
	struct tape t;
	const char *points[32];
	char funcs[64][64];
	uint32_t npoints, nfuncs, nstacks;
};

static UNUSED uint32_t point_id(struct events *e, const char *name)
{
	struct trc_record rec = { TRC_FUNC, .func = { .name = name, .module = "", .why = "", .arg = 1,
		.flags = TRC_FUNC_PROBED | TRC_FUNC_ATTACHED | TRC_FUNC_TRACEPOINT } };

	for (rec.func.id = 0; rec.func.id < e->npoints; rec.func.id++)
		if (!strcmp(e->points[rec.func.id], name))
			return rec.func.id;
	e->points[e->npoints++] = name;
	tape_put(&e->t, &rec);
	return rec.func.id;
}

static UNUSED uint32_t plain_id(struct events *e, const char *name)
{
	struct trc_record rec = { TRC_FUNC, .func = { .name = name, .module = "", .why = "" } };
	uint32_t i;

	for (i = 0; i < e->nfuncs; i++)
		if (!strcmp(e->funcs[i], name))
			return 64 + i;
	assert_true(e->nfuncs < 64);
	snprintf(e->funcs[e->nfuncs++], sizeof(e->funcs[0]), "%s", name);
	rec.func.id = 64 + i;
	tape_put(&e->t, &rec);
	return 64 + i;
}

static UNUSED uint32_t stack_put(struct events *e, const char *stack)
{
	uint32_t frames[TRC_STACK_MAX];
	struct trc_record rec = { TRC_FRAMES, .frames = { .frames = frames } };
	char *copy = strdup(stack), *at = copy, *name;

	while ((name = strsep(&at, " ")))
		frames[rec.frames.count++] = plain_id(e, name);
	free(copy);
	rec.frames.id = ++e->nstacks;
	tape_put(&e->t, &rec);
	return rec.frames.id;
}

static UNUSED struct trc_hop event_hop(struct events *e, uint64_t packet, const struct event *ev)
{
	uint32_t stack = ev->stack ? stack_put(e, ev->stack) : 0;
	struct trc_hop h = tape_hop(&e->t, packet, "");		/* the name is not used: the first function is a tracepoint */

	h.func = ev->reason ? plain_id(e, ev->name) : point_id(e, ev->name);
	h.kind = ev->reason ? TRC_DROP : TRC_ENTRY;
	h.value = ev->reason;
	h.stack = stack;
	h.context = ev->context;
	h.cpu = ev->cpu;
	h.pid = ev->pid ? ev->pid : DIG;
	return h;
}

static UNUSED void events_put(struct events *e, uint64_t packet, const struct event *ev)
{
	for (; ev->name; ev++) {
		struct trc_hop h = event_hop(e, packet, ev);

		tape_write(&e->t, &h);
	}
}

static UNUSED void events_open(struct events *e)
{
	memset(e, 0, sizeof(*e));
	tape_open(&e->t);
	tape_names(&e->t);
	e->t.funcs[e->t.nfuncs++] = "";			/* for tape_hop() */
	point_id(e, "net_dev_queue");
}

/* The names of a packet's hops in order, derived ones with a ~. */
static UNUSED const char *way(const struct model *m, uint32_t number)
{
	static char text[4096];
	const struct packet *p = &m->packets[number - 1];
	size_t used = 0;
	uint32_t i;

	*text = 0;
	for (i = 0; i < p->nhops && used < sizeof(text); i++)
		used += snprintf(text + used, sizeof(text) - used, "%s%s%s", i ? " " : "", packet_hop(m, p, i)->kind == TRC_DERIVED ? "~" : "",
				 m->funcs[packet_hop(m, p, i)->func].name);
	return text;
}

#endif
