# SPDX-License-Identifier: GPL-2.0
# The client's address got into a set whose members the router drops; the rule was there before.
only=6.1
net=routed traffic=ask
before() {
	on router nft 'table inet guard { set blocked { type ipv4_addr; }; chain transit {
		type filter hook forward priority 0; ip saddr @blocked counter drop; }; }'
}
spoil() { on router nft add element inet guard blocked '{ 10.1.0.1 }'; }
function="nf_hook_slow nft_do_chain nft_do_chain_inet" hook=FORWARD reason=NETFILTER_DROP
cause='@blocked'
