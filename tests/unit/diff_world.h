/* SPDX-License-Identifier: GPL-2.0 */
/*
 * diff_world.h - small recordings for the tests of pktdiff, written as one line of words a packet.
 *
 * They go through the real writer and the real loader, so that fates, layers and names are those of the tools.
 * Words of a packet's script:
 *
 *   func          entered          func@4        a hook of IPv4 (4 = POST_ROUTING)     <func=1   it returned 1
 *   !func=2       dropped in func, reason 2      #2        from here in namespace 2    ~         in a softirq
 *   %3            on interface 3                 +500      500 ms later                ^5   5 hops were lost here
 *   *7            7 µs later
 */
#ifndef DIFF_WORLD_H
#define DIFF_WORLD_H

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "diff.h"

#define WORLD_FUNCS 160

enum { REASON_NOT_SPECIFIED = 2, REASON_NO_SOCKET = 3, REASON_NETFILTER = 11, REASON_RPFILTER = 15, REASON_QDISC = 50, REASON_TC_EGRESS = 51 };

struct world {
	int fd;
	struct trc_writer *writer;
	char funcs[WORLD_FUNCS][48];
	uint32_t nfuncs;
	uint64_t time_ns, seq, packet;
	uint32_t hops;
	uint64_t missed;	/* probe hits skipped by the kernel */
	uint32_t cl, sv;	/* inode numbers of the namespaces */
	struct model *model;
};

struct flow {
	uint8_t l4proto;
	uint16_t sport, dport;
	uint8_t from, to;	/* last byte of 10.0.0.x */
	uint32_t pid;
	uint16_t ethertype;	/* 0 = IPv4 */
	bool v6;
	uint8_t tcp_flags;
};

static const char *world_device = "veth0";	/* of the client, in recordings opened from now on */
static bool world_named = true;			/* whether their namespaces have names */
static const char *world_kernel = "6.12.1";
static const struct flow query = { 17, 40000, 53, 1, 2, 100 };
static const struct flow answer = { 17, 53, 40000, 2, 1, 200 };

#define UDP_BIRTH "udp4_hwcsum ip_send_skb __ip_local_out "
#define IP_OUT "ip_output nf_hook_slow@4 apparmor_ip_postroute <nf_hook_slow=1 ip_finish_output __ip_finish_output ip_finish_output2 "
#define DEV_OUT "__dev_queue_xmit netdev_core_pick_tx validate_xmit_skb netif_skb_features skb_network_protocol dev_hard_start_xmit veth_xmit " \
	"skb_clone_tx_timestamp __dev_forward_skb skb_scrub_packet eth_type_trans "
#define UDP_IN "__netif_rx netif_rx_internal enqueue_to_backlog ~ __netif_receive_skb __netif_receive_skb_one_core ip_rcv ip_rcv_core " \
	"sock_wfree udp_v4_early_demux ip_route_input_noref ip_local_deliver ip_local_deliver_finish ip_protocol_deliver_rcu " \
	"raw_local_deliver udp_rcv __udp4_lib_rcv "
#define UDP_QUEUE "inet_lookup_reuseport udp_unicast_rcv_skb udp_queue_rcv_skb udp_queue_rcv_one_skb sk_filter_trim_cap " \
	"ipv4_pktinfo_prepare __udp_enqueue_schedule_skb "
#define READ "+1 skb_consume_udp __consume_stateless_skb skb_release_data skb_free_head kfree_skbmem"
#define FREED " skb_release_head_state skb_release_data skb_free_head kfree_skbmem"

#define QUERY_OK "#1 " UDP_BIRTH IP_OUT DEV_OUT "#2 " UDP_IN UDP_QUEUE READ
#define QUERY_UNCACHED "#1 " UDP_BIRTH IP_OUT "neigh_resolve_output eth_header skb_push " DEV_OUT "#2 " UDP_IN UDP_QUEUE READ
#define ANSWER_OK "#2 " UDP_BIRTH IP_OUT DEV_OUT "#1 " UDP_IN UDP_QUEUE READ
#define QUERY_LEGACY "#1 " UDP_BIRTH "nf_hook_slow@3 ipt_do_table udp_mt sk_skb_reason_drop !nf_hook_slow=11" FREED " <nf_hook_slow=-1"
#define QUERY_NFT "#1 " UDP_BIRTH "nf_hook_slow@3 nft_do_chain_ipv4 sk_skb_reason_drop !nft_do_chain=11" FREED " <nf_hook_slow=-1"
#define QUERY_ALLOWED "#1 " UDP_BIRTH "nf_hook_slow@3 ipt_do_table udp_mt <nf_hook_slow=1 " IP_OUT DEV_OUT "#2 " UDP_IN UDP_QUEUE READ
#define QUERY_NO_SOCKET "#1 " UDP_BIRTH IP_OUT DEV_OUT "#2 " UDP_IN "__icmp_send sk_skb_reason_drop !__udp4_lib_rcv=3" FREED
#define ARP_SEEN "#1 arp_xmit " DEV_OUT "#2 __netif_rx netif_rx_internal enqueue_to_backlog ~ __netif_receive_skb arp_rcv arp_process consume_skb" FREED

static uint32_t world_func(struct world *w, const char *name, size_t length, uint32_t flags)
{
	struct trc_record rec = { .kind = TRC_FUNC };

	for (uint32_t i = 0; i < w->nfuncs; i++)
		if (strlen(w->funcs[i]) == length && !memcmp(w->funcs[i], name, length))
			return i;
	assert_true(w->nfuncs < WORLD_FUNCS && length < sizeof(w->funcs[0]));
	memcpy(w->funcs[w->nfuncs], name, length);
	rec.func = (struct trc_func){ .id = w->nfuncs, .name = w->funcs[w->nfuncs], .module = "", .why = "", .arg = 1, .flags = flags };
	assert_int_equal(trc_write(w->writer, &rec), 0);
	return w->nfuncs++;
}

static void world_fact(struct world *w, const char *key, const char *value)
{
	struct trc_record rec = { .kind = TRC_FACT, .fact = { key, value } };

	assert_int_equal(trc_write(w->writer, &rec), 0);
}

static void world_probe(struct world *w, const char *names)
{
	for (const char *at = names; *at; at += strspn(at, " ")) {
		size_t n = strcspn(at, " ");
		size_t length = strcspn(at, " @=");

		if (!strchr("#~+!<%^*", *at))
			world_func(w, at, length, TRC_FUNC_PROBED | TRC_FUNC_ATTACHED |
				   (length == 12 && !memcmp(at, "nf_hook_slow", 12) ? TRC_FUNC_RETURN : 0));
		at += n;
	}
}

static void world_netns(struct world *w, uint32_t netns, const char *name, const char *device)
{
	struct trc_record rec = { .kind = TRC_NETNS, .netns = { netns, name } };

	assert_int_equal(trc_write(w->writer, &rec), 0);
	rec = (struct trc_record){ .kind = TRC_LINK, .link = { .netns = netns, .ifindex = 2, .name = device, .kind = "veth", .address = "",
							       .mtu = 1500, .flags = 1 } };
	assert_int_equal(trc_write(w->writer, &rec), 0);
}

static void world_enum(struct world *w, const char *name, int64_t value)
{
	struct trc_record rec = { .kind = TRC_ENUM, .enumeration = { "skb_drop_reason", name, value } };

	assert_int_equal(trc_write(w->writer, &rec), 0);
}

/* An empty recording; everything that differs between two boots differs by salt. */
static void world_open_bare(struct world *w, uint32_t salt)
{
	struct trc_record rec = { .kind = TRC_PROC, .proc = { 100, "dig" } };

	memset(w, 0, sizeof(*w));
	w->fd = memfd_create("world", 0);
	assert_true(w->fd >= 0);
	assert_int_equal(trc_writer_open(&w->writer, w->fd), 0);
	w->time_ns = 1000000000ull * (salt + 1);
	w->packet = 1000 * salt;
	w->cl = 4026532000 + salt;
	w->sv = 4026533000 + salt;
	for (uint32_t i = 0; i < salt % 7; i++)		/* other function ids */
		world_func(w, &"filler_abcdefg"[i], 8, 0);
	assert_int_equal(trc_write(w->writer, &rec), 0);
	world_enum(w, "SKB_DROP_REASON_NOT_SPECIFIED", REASON_NOT_SPECIFIED);
	world_enum(w, "SKB_DROP_REASON_NO_SOCKET", REASON_NO_SOCKET);
	world_enum(w, "SKB_DROP_REASON_NETFILTER_DROP", REASON_NETFILTER);
	world_enum(w, "SKB_DROP_REASON_IP_RPFILTER", REASON_RPFILTER);
	world_enum(w, "SKB_DROP_REASON_QDISC_DROP", REASON_QDISC);
	world_enum(w, "SKB_DROP_REASON_TC_EGRESS", REASON_TC_EGRESS);
	world_netns(w, w->cl, world_named ? "cl" : "", world_device);
	world_netns(w, w->sv, world_named ? "sv" : "", "veth1");
}

static void world_open(struct world *w, uint32_t salt)
{
	world_open_bare(w, salt);
	world_fact(w, "host.kernel", world_kernel);
	world_fact(w, "recorder.backend", "kprobe-multi");
	world_probe(w, QUERY_UNCACHED " " QUERY_LEGACY " " QUERY_NO_SOCKET " " ARP_SEEN " nft_do_chain_ipv4 ip_forward ip_forward_finish icmp_send "
		    "nf_queue ip6_output tcp_v4_rcv tcp_queue_rcv __tcp_transmit_skb __ip_queue_xmit kfree_skb_reason");
}

static void world_hop(struct world *w, const struct flow *f, struct trc_hop *h, uint32_t func, enum trc_hop_kind kind)
{
	h->time_ns = w->time_ns += 1000;
	h->seq = w->seq++;
	h->func = func;
	h->kind = kind;
	h->have = TRC_HAVE_SKB | TRC_HAVE_NETNS;
	if (!f->ethertype)
		h->have |= f->v6 ? TRC_HAVE_IP6 | TRC_HAVE_L4 : TRC_HAVE_IP4 | TRC_HAVE_L4;
	if (kind == TRC_RETURN)
		h->have = 0;
	assert_int_equal(trc_write_hop(w->writer, h), 0);
	w->hops++;
}

static void world_word(struct world *w, const struct flow *f, struct trc_hop *h, const char *word, size_t length)
{
	const char *value = memchr(word, '=', length), *hook = memchr(word, '@', length);
	size_t name = strcspn(word, " =@");

	switch (*word) {
	case '#':
		h->netns = atoi(word + 1) == 1 ? w->cl : w->sv;
		return;
	case '~':
		h->context = TRC_SOFTIRQ;
		return;
	case '%':
		h->ifindex = atoi(word + 1);
		return;
	case '^':
		w->seq += atoi(word + 1);
		return;
	case '+':
		w->time_ns += atoi(word + 1) * 1000000ull;
		return;
	case '*':
		w->time_ns += atoi(word + 1) * 1000ull;
		return;
	case '<':
	case '!':
		h->value = atoi(value + 1);
		world_hop(w, f, h, world_func(w, word + 1, name - 1, 0), *word == '<' ? TRC_RETURN : TRC_DROP);
		h->value = 0;
		return;
	}
	if (hook) {
		struct trc_hop at = *h;

		at.hook = atoi(hook + 1);
		at.family = 2;
		at.time_ns = w->time_ns += 1000;
		at.seq = w->seq++;
		at.func = world_func(w, word, name, 0);
		at.kind = TRC_ENTRY;
		at.have = TRC_HAVE_SKB | TRC_HAVE_NETNS | TRC_HAVE_HOOK | TRC_HAVE_IP4 | TRC_HAVE_L4;
		assert_int_equal(trc_write_hop(w->writer, &at), 0);
		w->hops++;
		return;
	}
	world_hop(w, f, h, world_func(w, word, name, 0), TRC_ENTRY);
}

/* One packet. */
static void world_play(struct world *w, const struct flow *f, const char *script)
{
	struct trc_hop h = { .packet = ++w->packet, .pid = f->pid, .len_bytes = 60, .ifindex = 2, .l4proto = f->ethertype ? 0 : f->l4proto,
			     .sport = f->sport, .dport = f->dport, .ttl = 64, .tcp_flags = f->tcp_flags, .netns = w->cl,
			     .ethertype = f->ethertype ? f->ethertype : f->v6 ? 0x86dd : 0x0800,
			     .context = f->pid ? TRC_PROCESS : TRC_SOFTIRQ };
	uint8_t from[4] = { 10, 0, 0, f->from }, to[4] = { 10, 0, 0, f->to };

	memcpy(h.saddr, from, 4);
	memcpy(h.daddr, to, 4);
	for (const char *at = script + strspn(script, " "); *at; at += strspn(at, " ")) {
		size_t n = strcspn(at, " ");

		world_word(w, f, &h, at, n);
		at += n;
	}
	w->time_ns += 100000;
}

static struct model *world_model(struct world *w, bool ended)
{
	struct trc_record loss = { .kind = TRC_LOSS, .loss = { .produced = w->seq, .recorded = w->hops, .lost = w->seq - w->hops,
								    .missed = w->missed } };
	struct trc_record end = { .kind = TRC_END, .end = { "command ended", w->time_ns + 1000000, 0, w->packet } };
	char path[64], error[300] = "";

	assert_int_equal(trc_write(w->writer, &loss), 0);
	if (ended)
		assert_int_equal(trc_write(w->writer, &end), 0);
	assert_int_equal(trc_writer_finish(w->writer), 0);
	trc_writer_free(w->writer);
	lseek(w->fd, 0, SEEK_SET);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", w->fd);
	assert_int_equal(model_load(&w->model, path, error, sizeof(error)), 0);
	return w->model;
}

static void world_close(struct world *w)
{
	model_free(w->model);
	close(w->fd);
}

#endif
