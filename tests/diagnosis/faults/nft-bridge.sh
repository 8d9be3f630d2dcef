# SPDX-License-Identifier: GPL-2.0
# A rule of the bridge family drops queries between two ports.
net=bridged
spoil() { on switch nft 'table bridge guard { chain transit { type filter hook forward priority 0; udp dport 53 counter drop; }; }'; }
function="nf_hook_slow nft_do_chain nft_do_chain_bridge" hook=FORWARD reason=NETFILTER_DROP
cause='dport 53.*drop'
