# SPDX-License-Identifier: GPL-2.0
# The receiver is no member of the group it is sent to.
only=6.12
traffic=burst_to_group
burst_to_group() {
	listen_for endpoint lazy 4001 3 $(cat /tmp/bound) && on client endpoint send 239.1.1.1 4001 100 3
	wait "$listener"
}
before() { echo 239.1.1.1 >/tmp/bound; ip -n client route add 239.0.0.0/8 dev c0; }
spoil() { echo 0.0.0.0 >/tmp/bound; }
function="ip_rcv_finish_core ip_rcv_finish ip_route_input_noref ip_route_input_rcu ip_rcv ip_check_mc_rcu" reason=NOT_SPECIFIED
cause='multicast|group|igmp'
