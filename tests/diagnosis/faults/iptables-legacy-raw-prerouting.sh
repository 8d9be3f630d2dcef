# SPDX-License-Identifier: GPL-2.0
# A rule of iptables-legacy in the table raw drops what comes to the router from the client.
net=routed traffic=mixed
spoil() { on router iptables-legacy -t raw -A PREROUTING -s 10.1.0.1 -p udp -j DROP; }
function="nf_hook_slow ipt_do_table" hook=PRE_ROUTING reason=NETFILTER_DROP
cause='10\.1\.0\.1.*DROP|DROP.*10\.1\.0\.1'
