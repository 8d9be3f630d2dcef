# SPDX-License-Identifier: GPL-2.0
# A rule of nftables drops the server's answers.
spoil() { on server nft 'table inet guard { chain out { type filter hook output priority 0; udp sport 53 counter drop; }; }'; }
function="nf_hook_slow nft_do_chain nft_do_chain_inet" hook=LOCAL_OUT reason=NETFILTER_DROP
cause='sport 53.*drop'
