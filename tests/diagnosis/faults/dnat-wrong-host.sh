# SPDX-License-Identifier: GPL-2.0
# The router's DNAT points to a host that does not exist.  Whoever waits for a neighbour is dropped by arp_error_report(), in a tail call of neigh_invalidate().
net=routed traffic="ask_router"
ask_router() { dig_client @10.1.0.254 -p 5353; }
dnat() { on router nft "table ip nat { chain pre { type nat hook prerouting priority -100; udp dport 5353 counter dnat to $1; }; }"; }
before() { on router sysctl -qw net.ipv4.neigh.r1.retrans_time_ms=100; dnat 10.2.0.1:53; }
spoil() { on router nft delete table ip nat && dnat 10.2.0.9:53; }
function="neigh_invalidate arp_error_report neigh_resolve_output __neigh_event_send ip_finish_output2" reason="NEIGH_FAILED"
cause='\bdnat\b'
