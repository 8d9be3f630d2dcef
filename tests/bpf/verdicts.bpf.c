// SPDX-License-Identifier: GPL-2.0
/*
 * verdicts.bpf.c - programs of XDP and TC that decide about the test network's packets, for tests/vm/topics/progs.sh.
 *
 * They are about UDP from the client's port 53xx alone, whatever else a test machine sends passes.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define ETH_BYTES 14
#define TEST_BYTES (ETH_BYTES + 20 + 8)

/* IPv4 without options, UDP, to port 5300 to 5399: one of the packets that the tests send */
static __always_inline int is_ours(const unsigned char *at, const unsigned char *end)
{
	int port;

	if (at + TEST_BYTES > end || at[12] != 8 || at[13] || at[ETH_BYTES] != 0x45 || at[ETH_BYTES + 9] != 17)
		return 0;
	port = at[ETH_BYTES + 22] << 8 | at[ETH_BYTES + 23];
	return port >= 5300 && port < 5400;
}

#define XDP_OURS(ctx) is_ours((void *)(long)(ctx)->data, (void *)(long)(ctx)->data_end)

SEC("xdp")
int xdp_lets_everything_pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp")
int xdp_drops_some(struct xdp_md *ctx)
{
	return XDP_OURS(ctx) ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int xdp_sends_back(struct xdp_md *ctx)
{
	return XDP_OURS(ctx) ? XDP_TX : XDP_PASS;
}

SEC("tc")
int tc_lets_everything_pass(struct __sk_buff *ctx)
{
	return TC_ACT_OK;
}

SEC("tc")
int tc_drops_some(struct __sk_buff *ctx)
{
	return is_ours((void *)(long)ctx->data, (void *)(long)ctx->data_end) ? TC_ACT_SHOT : TC_ACT_OK;
}

/* Back to where it came from. */
SEC("tc")
int tc_redirects(struct __sk_buff *ctx)
{
	return is_ours((void *)(long)ctx->data, (void *)(long)ctx->data_end) ? bpf_redirect(ctx->ifindex, 0) : TC_ACT_OK;
}
