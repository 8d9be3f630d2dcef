# SPDX-License-Identifier: GPL-2.0
# One query of eight is dropped at the server.
traffic="ask_many 80"
spoil() { on server nft 'table inet guard { chain in { type filter hook input priority 0; udp dport 53 numgen inc mod 8 == 5 counter drop; }; }'; }
function="nf_hook_slow nft_do_chain nft_do_chain_inet" hook=LOCAL_IN reason=NETFILTER_DROP
cause='numgen.*drop'
