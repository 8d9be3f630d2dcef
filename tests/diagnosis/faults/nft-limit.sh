# SPDX-License-Identifier: GPL-2.0
# The server drops queries beyond a rate.
traffic="ask_many 24"
spoil() { on server nft 'table inet guard { chain in { type filter hook input priority 0; udp dport 53 limit rate over 1/hour burst 18 packets drop; }; }'; }
function="nf_hook_slow nft_do_chain nft_do_chain_inet" hook=LOCAL_IN reason=NETFILTER_DROP
cause='limit rate.*drop'
