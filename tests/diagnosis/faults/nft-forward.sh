# SPDX-License-Identifier: GPL-2.0
# A rule of nftables, without a counter, drops what the router is to forward to the server's port 53.
net=routed traffic=mixed
spoil() { on router nft 'table inet guard { chain transit { type filter hook forward priority 0; ip daddr 10.2.0.1 udp dport 53 drop; }; }'; }
function="nf_hook_slow nft_do_chain nft_do_chain_inet" hook=FORWARD reason=NETFILTER_DROP
cause='dport 53.*drop'
