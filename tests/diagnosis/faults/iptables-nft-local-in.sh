# SPDX-License-Identifier: GPL-2.0
# A rule of iptables-nft drops queries at the server.
spoil() { on server iptables-nft -A INPUT -p udp --dport 53 -j DROP; }
function="nf_hook_slow nft_do_chain nft_do_chain_ipv4" hook=LOCAL_IN reason=NETFILTER_DROP
cause='dport 53.*drop'
