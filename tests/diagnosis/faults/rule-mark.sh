# SPDX-License-Identifier: GPL-2.0
# A mark sends queries to a gateway that is none.
only=6.1
net=routed traffic=mixed
spoil() {
	on client sysctl -qw net.ipv4.neigh.c0.retrans_time_ms=100 && ip -n client route add default via 10.1.0.9 table 77 &&
		ip -n client rule add fwmark 7 lookup 77 &&
		on client nft 'table ip steer { chain out { type route hook output priority -150; udp dport 53 meta mark set 7; }; }'
}
function="neigh_invalidate arp_error_report neigh_resolve_output __neigh_event_send ip_finish_output2" reason=NEIGH_FAILED
cause='mark|lookup 77|10\.1\.0\.9'
