# SPDX-License-Identifier: GPL-2.0
# A rule at the server drops requests for its link-layer address, and the client has forgotten it.
only=6.12
spoil() {
	on client sysctl -qw net.ipv4.neigh.c0.retrans_time_ms=100 &&
		on server nft 'table arp guard { chain in { type filter hook input priority 0; counter drop; }; }' && ip -n client neigh flush dev c0
}
function="nf_hook_slow nft_do_chain nft_do_chain_arp neigh_invalidate arp_error_report neigh_resolve_output __neigh_event_send ip_finish_output2" reason="NETFILTER_DROP NEIGH_FAILED"
cause='arp guard.*drop|drop.*arp'
