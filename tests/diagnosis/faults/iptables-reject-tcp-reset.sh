# SPDX-License-Identifier: GPL-2.0
# The router's firewall resets connections to the web server.
net=routed traffic=fetch
spoil() { on router iptables-nft -A FORWARD -p tcp --dport 80 -j REJECT --reject-with tcp-reset; }
function="nf_hook_slow nft_do_chain nft_do_chain_ipv4 reject_tg" hook=FORWARD reason=NETFILTER_DROP
cause='dport 80.*reject'
