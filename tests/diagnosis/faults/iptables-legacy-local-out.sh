# SPDX-License-Identifier: GPL-2.0
# A rule of iptables-legacy drops queries on the client's way out.
spoil() { on client iptables-legacy -A OUTPUT -p udp --dport 53 -j DROP; }
function="nf_hook_slow ipt_do_table" hook=LOCAL_OUT reason=NETFILTER_DROP
cause='(dport|dpt)[ :]*53.*DROP|DROP.*dport 53'
