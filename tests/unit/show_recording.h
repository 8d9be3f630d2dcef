/* SPDX-License-Identifier: GPL-2.0 */
/*
 * show_recording.h - small recordings for the tests of pktshow, written through the library and loaded as a model.
 *
 * A packet is a list of steps; times, sequence numbers and function ids are filled in.  The DNS query is the one of
 * the main job: once delivered over veth, once dropped by a rule at LOCAL_OUT.
 *
 * Included by test programs only, so everything is static and some of it unused.
 */
#ifndef SHOW_RECORDING_H
#define SHOW_RECORDING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "model.h"

#define UNUSED __attribute__((unused))
#define NETNS_CLIENT 4026532100u
#define NETNS_SERVER 4026532200u
#define PID_DIG 123
#define PID_SERVER 77
#define NETFILTER_DROP 11
#define FUNCS_MAX 64

struct step {
	const char *func;
	uint8_t kind;		/* enum trc_hop_kind */
	uint8_t context;
	uint8_t cpu;
	uint8_t hook, family;	/* family != 0: has a hook */
	int32_t value;
	uint32_t pid;
	uint32_t netns, ifindex;	/* netns 0: nothing of the packet was read */
	uint8_t bare;		/* no headers yet: the tuple is unset */
	uint32_t delta_ns;	/* since the hop before; 0 = 1000 */
};

struct tape {
	int fd;
	struct trc_writer *w;
	const char *funcs[FUNCS_MAX];
	uint32_t nfuncs;
	uint32_t unprobed;	/* functions up to this id are only names */
	uint64_t time_ns, packet, seq[4];
	uint16_t sport;
	uint8_t v6;
};

#define CLIENT .netns = NETNS_CLIENT, .pid = PID_DIG, .cpu = 1
#define SERVER .netns = NETNS_SERVER, .ifindex = 3, .context = TRC_SOFTIRQ, .cpu = 1
#define READER .netns = NETNS_SERVER, .ifindex = 3, .pid = PID_SERVER, .cpu = 0

static UNUSED const struct step step_ok[] = {
	{ "udp4_hwcsum", CLIENT, .bare = 1 },
	{ "ip_send_skb", CLIENT },
	{ "__ip_local_out", CLIENT },
	{ "ip_output", CLIENT },
	{ "nf_hook_slow", CLIENT, .ifindex = 2, .hook = 4, .family = 2 },
	{ "apparmor_ip_postroute", CLIENT, .ifindex = 2 },
	{ "nf_hook_slow", CLIENT, .kind = TRC_RETURN, .value = 1 },
	{ "ip_finish_output", CLIENT, .ifindex = 2 },
	{ "ip_finish_output2", CLIENT, .ifindex = 2 },
	{ "__dev_queue_xmit", CLIENT, .ifindex = 2 },
	{ "dev_hard_start_xmit", CLIENT, .ifindex = 2 },
	{ "veth_xmit", CLIENT, .ifindex = 2, .delta_ns = 12345 },
	{ "__netif_rx", .netns = NETNS_SERVER, .ifindex = 3, .pid = PID_DIG, .cpu = 1 },
	{ "__netif_receive_skb", SERVER },
	{ "ip_rcv", SERVER },
	{ "ip_rcv_core", SERVER },
	{ "ip_route_input_noref", SERVER },
	{ "ip_local_deliver", SERVER },
	{ "ip_protocol_deliver_rcu", SERVER },
	{ "udp_rcv", SERVER },
	{ "__udp4_lib_rcv", SERVER },
	{ "__udp_enqueue_schedule_skb", SERVER },
	{ "skb_consume_udp", READER, .delta_ns = 50000 },
	{ "__consume_stateless_skb", READER },
	{ "skb_release_data", READER },
	{ "kfree_skbmem", READER },
	{},
};

static UNUSED const struct step step_dropped[] = {
	{ "udp4_hwcsum", CLIENT, .bare = 1 },
	{ "ip_send_skb", CLIENT },
	{ "__ip_local_out", CLIENT },
	{ "nf_hook_slow", CLIENT, .hook = 3, .family = 2 },
	{ "ipt_do_table", CLIENT },
	{ "udp_mt", CLIENT },
	{ "sk_skb_reason_drop", CLIENT },
	{ "nf_hook_slow", CLIENT, .kind = TRC_DROP, .value = NETFILTER_DROP },
	{ "skb_release_head_state", CLIENT },
	{ "sock_wfree", CLIENT },
	{ "skb_release_data", CLIENT },
	{ "kfree_skbmem", CLIENT },
	{ "nf_hook_slow", CLIENT, .kind = TRC_RETURN, .value = -1 },
	{},
};

static const char *const stack_sendto[] = {
	"udp4_hwcsum", "udp_send_skb", "udp_sendmsg", "__sys_sendto", "__x64_sys_sendto", "do_syscall_64", NULL,
};

static UNUSED void put(struct tape *t, struct trc_record rec)
{
	assert_int_equal(trc_write(t->w, &rec), 0);
}

/* Functions are written at first mention; enough for tests, where names come before their hops anyway. */
static UNUSED uint32_t func_id(struct tape *t, const char *name)
{
	bool probed = true;

	for (uint32_t i = 0; i < t->nfuncs; i++)
		if (!strcmp(t->funcs[i], name))
			return i;
	for (int i = 1; stack_sendto[i]; i++)
		probed = probed && strcmp(stack_sendto[i], name);
	assert_in_range(t->nfuncs, 0, FUNCS_MAX - 1);
	t->funcs[t->nfuncs] = name;
	put(t, (struct trc_record){ TRC_FUNC, .func = { .id = t->nfuncs, .name = name, .module = "", .offset = 4096 + 64 * t->nfuncs,
		.arg = probed, .why = "", .flags = (probed ? TRC_FUNC_PROBED | TRC_FUNC_ATTACHED : 0) |
			(strcmp(name, "nf_hook_slow") ? 0 : TRC_FUNC_RETURN) } });
	return t->nfuncs++;
}

static UNUSED void put_fact(struct tape *t, const char *key, const char *value)
{
	put(t, (struct trc_record){ TRC_FACT, .fact = { key, value } });
}

static UNUSED struct tape tape_start(void)
{
	struct tape t = { .fd = memfd_create("recording", 0), .time_ns = 5000000000, .sport = 40000 };

	assert_true(t.fd >= 0);
	assert_int_equal(trc_writer_open(&t.w, t.fd), 0);
	put_fact(&t, "clock.monotonic_ns", "4900000000");
	put_fact(&t, "clock.realtime_ns", "1700000000000000000");
	put_fact(&t, "host.name", "box");
	put_fact(&t, "host.kernel", "6.12.1");
	put_fact(&t, "host.machine", "x86_64");
	put_fact(&t, "host.cpus", "2");
	put_fact(&t, "recorder.command", "pktrec -o x.trc -- dig example.test");
	put_fact(&t, "recorder.backend", "kprobe-multi");
	put_fact(&t, "recorder.profile", "all");
	put(&t, (struct trc_record){ TRC_ENUM, .enumeration = { "skb_drop_reason", "NETFILTER_DROP", NETFILTER_DROP } });
	put(&t, (struct trc_record){ TRC_NETNS, .netns = { NETNS_CLIENT, "cl" } });
	put(&t, (struct trc_record){ TRC_NETNS, .netns = { NETNS_SERVER, "sv" } });
	put(&t, (struct trc_record){ TRC_LINK, .link = { NETNS_CLIENT, 2, "veth-c", "veth", "", 3, NETNS_SERVER, 1500, 1 } });
	put(&t, (struct trc_record){ TRC_LINK, .link = { NETNS_SERVER, 3, "veth-s", "veth", "", 2, NETNS_CLIENT, 1500, 1 } });
	put(&t, (struct trc_record){ TRC_PROC, .proc = { PID_DIG, "dig" } });
	put(&t, (struct trc_record){ TRC_PROC, .proc = { PID_SERVER, "dnsd" } });
	return t;
}

static UNUSED void put_tuple(struct trc_hop *h, const struct tape *t)
{
	static const uint8_t v4[2][4] = { { 10, 0, 0, 1 }, { 10, 0, 0, 2 } };
	static const uint8_t v6[2][16] = { { 0xfd, [15] = 1 }, { 0xfd, [15] = 2 } };

	h->have |= (t->v6 ? TRC_HAVE_IP6 : TRC_HAVE_IP4) | TRC_HAVE_L4;
	h->ethertype = t->v6 ? 0x86dd : 0x0800;
	h->l4proto = 17;
	h->ttl = 64;
	h->sport = t->sport;
	h->dport = 53;
	memcpy(h->saddr, t->v6 ? v6[0] : v4[0], t->v6 ? 16 : 4);
	memcpy(h->daddr, t->v6 ? v6[1] : v4[1], t->v6 ? 16 : 4);
}

static UNUSED void put_packet(struct tape *t, const struct step *steps, bool with_stack)
{
	uint32_t frames[TRC_STACK_MAX];
	uint32_t n = 0;

	t->packet++;
	for (; with_stack && stack_sendto[n]; n++)
		frames[n] = func_id(t, stack_sendto[n]);
	if (with_stack)
		put(t, (struct trc_record){ TRC_STACK, .stack = { t->packet, n, frames } });
	for (const struct step *s = steps; s->func; s++) {
		struct trc_hop h = { .time_ns = t->time_ns += s->delta_ns ?: 1000, .packet = t->packet, .seq = t->seq[s->cpu]++,
			.func = func_id(t, s->func), .pid = s->pid, .cpu = s->cpu, .kind = s->kind, .context = s->context,
			.value = s->value, .hook = s->hook, .family = s->family, .netns = s->netns, .ifindex = s->ifindex };

		if (s->kind == TRC_RETURN)
			h.netns = h.ifindex = 0;	/* a return reads nothing of the packet */
		h.have = (h.netns ? TRC_HAVE_NETNS | TRC_HAVE_SKB : 0) | (s->family ? TRC_HAVE_HOOK : 0);
		h.len_bytes = h.netns ? 81 : 0;
		if (h.netns && !s->bare)
			put_tuple(&h, t);
		assert_int_equal(trc_write_hop(t->w, &h), 0);
	}
	t->time_ns += 1000000;
	t->sport++;
}

static UNUSED void put_end(struct tape *t)
{
	for (uint32_t cpu = 0; cpu < 4; cpu++)
		put(t, (struct trc_record){ TRC_LOSS, .loss = { .cpu = cpu, .produced = t->seq[cpu], .recorded = t->seq[cpu] } });
	put(t, (struct trc_record){ TRC_END, .end = { "command ended", t->time_ns, 1700000001000000000, t->packet } });
}

/* The path by which the finished recording can be opened, as long as t lives. */
static UNUSED const char *tape_path(struct tape *t)
{
	static char path[64];

	if (t->w)
		assert_int_equal(trc_writer_finish(t->w), 0);
	trc_writer_free(t->w);
	t->w = NULL;
	lseek(t->fd, 0, SEEK_SET);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", t->fd);
	return path;
}

static UNUSED struct model *tape_load(struct tape *t)
{
	struct model *m;
	char error[256] = "";

	if (model_load(&m, tape_path(t), error, sizeof(error)))
		fail_msg("model_load: %s", error);
	close(t->fd);
	return m;
}

#endif
