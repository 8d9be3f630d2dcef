# SPDX-License-Identifier: GPL-2.0
# The router drops what has a word in it.
only=6.1
net=routed
spoil() { on router iptables-legacy -A FORWARD -p udp -m string --algo bm --string example -j DROP; }
function="nf_hook_slow ipt_do_table" hook=FORWARD reason=NETFILTER_DROP
cause='string.*DROP'
