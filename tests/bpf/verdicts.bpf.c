// SPDX-License-Identifier: GPL-2.0
/*
 * verdicts.bpf.c - programs of XDP, TC and cgroups that decide about the test network's packets, for
 * tests/vm/long/progs.sh, driver.sh and tests/diagnosis.
 *
 * They are about DNS queries alone: whatever else a test machine sends passes.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define ETH_BYTES 14
#define QUERY_BYTES (ETH_BYTES + 20 + 8)

/* IPv4 without options, UDP, to port 53 */
static __always_inline int is_query(const unsigned char *at, const unsigned char *end)
{
	return at + QUERY_BYTES <= end && at[12] == 8 && at[13] == 0 && at[ETH_BYTES] == 0x45 && at[ETH_BYTES + 9] == 17 &&
	       at[ETH_BYTES + 22] == 0 && at[ETH_BYTES + 23] == 53;
}

#define IS_QUERY(ctx) is_query((void *)(long)(ctx)->data, (void *)(long)(ctx)->data_end)

SEC("xdp")
int xdp_lets_queries_pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp")
int xdp_drops_queries(struct xdp_md *ctx)
{
	return IS_QUERY(ctx) ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int xdp_sends_queries_back(struct xdp_md *ctx)
{
	return IS_QUERY(ctx) ? XDP_TX : XDP_PASS;
}

/* To another device. */
#define OTHER_DEVICE 77		/* its number, which whoever makes it can choose */

SEC("xdp")
int xdp_redirects_queries(struct xdp_md *ctx)
{
	return IS_QUERY(ctx) ? bpf_redirect(OTHER_DEVICE, 0) : XDP_PASS;
}

SEC("tc")
int tc_lets_queries_pass(struct __sk_buff *ctx)
{
	return TC_ACT_OK;
}

SEC("tc")
int tc_drops_queries(struct __sk_buff *ctx)
{
	return IS_QUERY(ctx) ? TC_ACT_SHOT : TC_ACT_OK;
}

/* Back to where it came from. */
SEC("tc")
int tc_redirects_queries(struct __sk_buff *ctx)
{
	return IS_QUERY(ctx) ? bpf_redirect(ctx->ifindex, 0) : TC_ACT_OK;
}

/* What a cgroup's program sees begins with the IP header. */
SEC("cgroup_skb/egress")
int cgroup_drops_queries(struct __sk_buff *ctx)
{
	unsigned char ip[24] = {};

	if (bpf_skb_load_bytes(ctx, 0, ip, sizeof(ip)))
		return 1;
	return !(ip[0] == 0x45 && ip[9] == 17 && ip[22] == 0 && ip[23] == 53);
}

SEC("cgroup/connect4")
int cgroup_refuses_connections(struct bpf_sock_addr *ctx)
{
	return 0;
}
