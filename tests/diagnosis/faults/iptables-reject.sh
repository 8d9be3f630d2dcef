# SPDX-License-Identifier: GPL-2.0
# A rule at the server answers queries with an ICMP error.
spoil() { on server iptables-legacy -A INPUT -p udp --dport 53 -j REJECT; }
function="nf_hook_slow ipt_do_table reject_tg" hook=LOCAL_IN reason=NETFILTER_DROP
cause='dport 53.*REJECT'
