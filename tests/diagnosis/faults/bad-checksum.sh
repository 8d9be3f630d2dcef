# SPDX-License-Identifier: GPL-2.0
# Something on the way out of the client writes a wrong checksum into queries.
before() { on client traffic offload c0 tx off; }
spoil() { on client nft 'table ip mangler { chain out { type filter hook output priority 0; udp dport 53 counter udp checksum set 0x1234; }; }'; }
function="__udp4_lib_rcv udp_rcv" reason=UDP_CSUM
cause='rule.*checksum'
