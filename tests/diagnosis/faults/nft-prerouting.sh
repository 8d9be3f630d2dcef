# SPDX-License-Identifier: GPL-2.0
# A rule of nftables drops queries where they come into the router.
net=routed
spoil() { on router nft 'table ip guard { chain early { type filter hook prerouting priority -200; udp dport 53 counter drop; }; }'; }
function="nf_hook_slow nft_do_chain nft_do_chain_ipv4" hook=PRE_ROUTING reason=NETFILTER_DROP
cause='dport 53.*drop'
