# SPDX-License-Identifier: GPL-2.0
# A verdict map at the server drops queries.
only=6.12
spoil() { on server nft 'table inet guard { chain in { type filter hook input priority 0; udp dport vmap { 53 : drop, 123 : accept }; }; }'; }
function="nf_hook_slow nft_do_chain nft_do_chain_inet" hook=LOCAL_IN reason=NETFILTER_DROP
cause='vmap.*drop'
