# SPDX-License-Identifier: GPL-2.0
# The router gives packets a source that does not lead back to it.
only=6.1
net=routed
spoil() {
	on server sysctl -qw net.ipv4.neigh.s0.retrans_time_ms=100 &&
		on router nft 'table ip nat { chain post { type nat hook postrouting priority 100; oifname "r1" counter snat to 10.2.0.77; }; }'
}
function="neigh_invalidate arp_error_report neigh_resolve_output __neigh_event_send ip_finish_output2" reason=NEIGH_FAILED
cause='\bsnat\b'
