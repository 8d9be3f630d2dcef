# SPDX-License-Identifier: GPL-2.0
# A rule of ebtables drops queries between two ports.
only=6.1
net=bridged traffic=mixed
spoil() { on switch xtables-nft-multi ebtables -A FORWARD -p IPv4 --ip-proto udp --ip-dport 53 -j DROP; }
function="nf_hook_slow nft_do_chain nft_do_chain_bridge" hook=FORWARD reason=NETFILTER_DROP
cause='53.*drop'
