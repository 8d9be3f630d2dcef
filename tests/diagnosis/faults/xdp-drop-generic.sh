# SPDX-License-Identifier: GPL-2.0
# A program of generic XDP at the server drops queries.  The kernel gives no reason; the verdict is the program's.
spoil() { ip -n server link set dev s0 xdpgeneric obj /usr/local/bin/verdicts.bpf.o program xdp_drops_queries; }
function="xdp_drops_queries do_xdp_generic netif_receive_generic_xdp bpf_prog_run_generic_xdp" reason="NOT_SPECIFIED XDP_DROP"
cause='\bxdp\b|xdp_drops_queries'
