# SPDX-License-Identifier: GPL-2.0
# The router may track no further connection.
only=6.1
net=routed
before() { on router nft 'table inet guard { chain transit { type filter hook forward priority 0; ct state established counter; }; }'; }
spoil() { set_for_now net.netfilter.nf_conntrack_max=1; }
function="nf_conntrack_in ipv4_conntrack_in nf_hook_slow" hook=PRE_ROUTING reason=NETFILTER_DROP
cause='nf_conntrack_max'
