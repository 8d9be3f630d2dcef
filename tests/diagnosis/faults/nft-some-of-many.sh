# SPDX-License-Identifier: GPL-2.0
# One query of twelve is dropped at the server, at random.
traffic="ask_many 60"
spoil() { on server nft 'table inet guard { chain in { type filter hook input priority 0; udp dport 53 numgen inc mod 12 == 5 counter drop; }; }'; }
function="nf_hook_slow nft_do_chain nft_do_chain_inet" hook=LOCAL_IN reason=NETFILTER_DROP
cause='numgen.*drop'
