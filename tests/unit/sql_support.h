/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sql_support.h - databases of small recordings, and questions to them that answer one number or one text.
 */
#ifndef SQL_SUPPORT_H
#define SQL_SUPPORT_H

#include <stdlib.h>

#include "model_support.h"
#include "sql.h"

#define RULES(n, policy)							\
	"# a comment\n*filter\n:INPUT ACCEPT [1:60]\n:OUTPUT DROP " policy "\n:mine - [0:0]\n"	\
	n " -A OUTPUT -p udp -m comment --comment \"a b\" -j DROP\n[5:300] -A OUTPUT -j mine\nCOMMIT\n*nat\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n"
#define RULES_BEFORE RULES("[2:120]", "[0:0]")
#define RULES_AFTER RULES("[3:180]", "[1:40]")
#define NFT_AFTER								\
	"{\"nftables\": [{\"metainfo\": {}}, {\"rule\": {\"family\": \"inet\", \"table\": \"t\", \"chain\": \"c\", \"handle\": 4,"	\
	"\"comment\": \"why\", \"expr\": [{\"match\": {\"op\": \"!=\", \"left\": {\"payload\": {\"protocol\": \"tcp\", \"field\": \"dport\"}},"	\
	"\"right\": 22}}, {\"counter\": {\"packets\": 7, \"bytes\": 420}}, {\"jump\": {\"target\": \"deep\\u001b[2J\"}}]}}]}"

/* A stack at the first packet's second hop, its bytes, a clone, and what one namespace looked like. */
static inline void tape_besides(struct tape *t)
{
	static const uint8_t bytes[] = { 0x45, 0, 0x1b, 0xff };
	const struct trc_record recs[] = {
		{ TRC_EDGE, .edge = { t->now_ns, 2, 1, TRC_EDGE_CLONE, tape_func(t, "udp_send_skb") } },
		{ TRC_DATA, .data = { 1, t->now_ns, 3, 60, sizeof(bytes), bytes } },
		{ TRC_SNAPSHOT, .snapshot = { 0, NS_CLIENT, "routes", "ip -j route", "", 0, 0, "[{\"dst\": \"def" } },
		{ TRC_SNAPSHOT, .snapshot = { 0, NS_CLIENT, "routes", "ip -j route", "", 1, 1, "ault\"},\n{\"dst\": \"10.0.0.0/8\"}]\n" } },
		{ TRC_SNAPSHOT, .snapshot = { 0, NS_CLIENT, "iptables", "iptables-save -c", "", 0, 1, RULES_BEFORE } },
		{ TRC_SNAPSHOT, .snapshot = { 1, NS_CLIENT, "iptables", "iptables-save -c", "", 0, 1, RULES_AFTER } },
		{ TRC_SNAPSHOT, .snapshot = { 1, NS_SERVER, "nftables", "nft -j list ruleset", "", 0, 1, NFT_AFTER } },
		{ TRC_SNAPSHOT, .snapshot = { 0, NS_CLIENT, "snmp", "/proc/net/snmp", "", 0, 1, "Udp: InDatagrams NoPorts\nUdp: 4 0\n" } },
		{ TRC_SNAPSHOT, .snapshot = { 1, NS_CLIENT, "snmp", "/proc/net/snmp", "", 0, 1, "Udp: InDatagrams NoPorts\nUdp: 4 3\n" } },
		{ TRC_SNAPSHOT, .snapshot = { 1, NS_CLIENT, "snmp6", "/proc/net/snmp6", "", 0, 1, "Ip6InReceives     \t7\n" } },
		{ TRC_SNAPSHOT, .snapshot = { 1, 0, "nftables", "nft -j list ruleset", "nft is not installed", 0, 1, "" } },
	};
	size_t i;

	for (i = 0; i < sizeof(recs) / sizeof(recs[0]); i++)
		tape_put(t, &recs[i]);
}

/* Three packets: a query that is delivered, the same query dropped at LOCAL_OUT, an ARP request that is consumed. */
static inline void tape_scene(struct tape *t)
{
	struct trc_hop h;
	uint32_t frames[2];
	struct trc_record stack = { TRC_STACK, .stack = { 1, 2, frames } };
	struct trc_record loss = { TRC_LOSS, .loss = { .cpu = 0 } };
	struct trc_record dictionary = { TRC_FRAMES, .frames = { 9, 2, frames } };

	tape_names(t);
	frames[0] = tape_func(t, "udp_send_skb");
	frames[1] = tape_func(t, "__x64_sys_sendto");
	tape_put(t, &stack);
	PATH(t, 1, "udp_send_skb");
	tape_put(t, &dictionary);
	h = tape_hop(t, 1, "ip_send_skb");
	h.stack = 9;
	tape_write(t, &h);
	PATH(t, 1, "__ip_local_out", "ip_output", "dev_hard_start_xmit");
	h = tape_hop(t, 1, "__netif_rx");
	h.netns = NS_SERVER;
	h.context = TRC_SOFTIRQ;
	tape_write(t, &h);
	PATH(t, 1, "ip_rcv", "__udp_enqueue_schedule_skb");
	PATH(t, 2, "udp_send_skb", "ip_send_skb", "__ip_local_out");
	h = tape_hop(t, 2, "nf_hook_slow");
	h.have |= TRC_HAVE_HOOK;
	h.hook = 3;
	h.family = 2;
	tape_write(t, &h);
	tape_drop(t, 2, "nf_hook_slow", 11);
	PATH(t, 2, "skb_release_head_state", "kfree_skbmem");
	h = tape_hop(t, 2, "nf_hook_slow");
	h.kind = TRC_RETURN;
	h.value = -1;
	h.have = TRC_HAVE_HOOK;
	h.hook = 3;
	h.family = 2;
	h.netns = h.ifindex = 0;
	tape_write(t, &h);
	h = tape_hop(t, 3, "arp_rcv");
	h.have = TRC_HAVE_SKB | TRC_HAVE_ARP;
	h.ethertype = 0x0806;
	h.sport = 1;
	tape_write(t, &h);
	PATH(t, 3, "consume_skb", "consume_skb", "skb_release_head_state");
	tape_besides(t);
	loss.loss.produced = loss.loss.recorded = t->seq[0];
	tape_put(t, &loss);
}

static inline char *ask(sqlite3 *db, const char *sql)
{
	static char answer[4][512];
	static unsigned int turn;
	char *a = answer[turn++ % 4];
	sqlite3_stmt *stmt = NULL;
	const char *text;
	int rc;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	rc = sqlite3_step(stmt);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	text = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(stmt, 0) : "no row";
	snprintf(a, 512, "%s", text ? text : "NULL");
	sqlite3_finalize(stmt);
	return a;
}
#define assert_answer(db, sql, text) assert_string_equal(ask(db, sql), text)

#endif
