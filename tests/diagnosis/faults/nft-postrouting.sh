# SPDX-License-Identifier: GPL-2.0
# A rule of nftables drops queries as they leave the router.
net=routed
spoil() { on router nft 'table ip guard { chain late { type filter hook postrouting priority 0; oifname "r1" udp dport 53 counter drop; }; }'; }
function="nf_hook_slow nft_do_chain nft_do_chain_ipv4" hook=POST_ROUTING reason=NETFILTER_DROP
cause='dport 53.*drop'
