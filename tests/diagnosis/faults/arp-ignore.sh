# SPDX-License-Identifier: GPL-2.0
# The server answers no ARP request, and the client has forgotten it.
only=6.12
spoil() {
	on client sysctl -qw net.ipv4.neigh.c0.retrans_time_ms=100 && on server sysctl -qw net.ipv4.conf.all.arp_ignore=8 &&
		ip -n client neigh flush dev c0
}
function="neigh_invalidate arp_error_report neigh_resolve_output __neigh_event_send ip_finish_output2 arp_process" reason="NEIGH_FAILED -"
cause='arp_ignore'
