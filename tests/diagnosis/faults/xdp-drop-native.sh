# SPDX-License-Identifier: GPL-2.0
# A program of XDP in the driver of the server's device drops queries.  veth gives no reason; the verdict is the program's.
spoil() { ip -n server link set dev s0 xdpdrv obj /usr/local/bin/verdicts.bpf.o program xdp_drops_queries; }
function="xdp_drops_queries veth_xdp_rcv_skb veth_xdp_rcv veth_poll" reason="NOT_SPECIFIED XDP_DROP"
cause='\bxdp\b|xdp_drops_queries'
