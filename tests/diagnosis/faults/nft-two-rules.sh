# SPDX-License-Identifier: GPL-2.0
# Two independent faults: pings die at the server, and more packets, the queries, at the router.
net=routed traffic=mixed
spoil() {
	on router nft 'table ip guard { chain transit { type filter hook forward priority 0; udp dport 53 counter drop; }; }' &&
		on server nft 'table ip guard { chain in { type filter hook input priority 0; icmp type echo-request counter drop; }; }'
}
function="nf_hook_slow nft_do_chain nft_do_chain_ipv4" hook=FORWARD reason=NETFILTER_DROP
cause='dport 53.*drop'
