# SPDX-License-Identifier: GPL-2.0
# A rule at the ingress of the server's device drops queries before IP sees them.
spoil() { on server nft 'table netdev guard { chain in { type filter hook ingress device "s0" priority 0; udp dport 53 counter drop; }; }'; }
function="nf_hook_slow nft_do_chain nft_do_chain_netdev __netif_receive_skb_core" hook=INGRESS reason=NETFILTER_DROP
cause='dport 53.*drop'
