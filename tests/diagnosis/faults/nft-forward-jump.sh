# SPDX-License-Identifier: GPL-2.0
# The rule that drops is in a chain that another one jumps to; there were rules before, and they still count.
net=routed traffic=mixed
before() {
	on router nft 'table inet guard { chain dns { udp dport 53 counter accept; }; chain transit {
		type filter hook forward priority 0; tcp dport 80 counter accept; udp dport 53 counter jump dns; icmp type echo-request counter; }; }'
}
spoil() { on router nft insert rule inet guard dns ip saddr 10.1.0.0/24 counter drop; }
function="nf_hook_slow nft_do_chain nft_do_chain_inet" hook=FORWARD reason=NETFILTER_DROP
cause='10\.1\.0\.0/24.*drop'
