# SPDX-License-Identifier: GPL-2.0
# The client's packets reach the server by another cable than its answers would go, and it begins to mind.
net=detour
spoil() { on server sysctl -qw net.ipv4.conf.all.rp_filter=1 && on server sysctl -qw net.ipv4.conf.s1.rp_filter=1; }
function="fib_validate_source __fib_validate_source ip_route_input_slow ip_route_input_noref ip_route_input_rcu ip_rcv_finish_core ip_rcv_finish" reason=IP_RPFILTER
cause='rp_filter'
