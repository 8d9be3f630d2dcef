# SPDX-License-Identifier: GPL-2.0
# The server does not answer ARP, and the router has forgotten its address.
net=routed
before() { on router sysctl -qw net.ipv4.neigh.r1.retrans_time_ms=100; }
spoil() { ip -n server link set s0 arp off && ip -n router neigh flush dev r1; }
function="neigh_invalidate arp_error_report neigh_resolve_output __neigh_event_send ip_finish_output2" reason="NEIGH_FAILED NEIGH_CREATEFAIL"
cause='neigh[^_].*10\.2\.0\.1|10\.2\.0\.1.*(INCOMPLETE|FAILED)|NOARP'
