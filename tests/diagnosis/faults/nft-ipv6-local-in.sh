# SPDX-License-Identifier: GPL-2.0
# A rule at the server drops queries by IPv6, those by IPv4 pass.
traffic=both_families
both_families() { ask && ask6; }
spoil() { on server nft 'table ip6 guard { chain in { type filter hook input priority 0; udp dport 53 counter drop; }; }'; }
function="nf_hook_slow nft_do_chain nft_do_chain_ipv6" hook=LOCAL_IN reason=NETFILTER_DROP
cause='dport 53.*drop'
