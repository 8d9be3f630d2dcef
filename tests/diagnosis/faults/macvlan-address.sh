# SPDX-License-Identifier: GPL-2.0
# The macvlan that has the server's address got another link-layer address, which the client does not know.
only=6.1
traffic=ping_macvlan
ping_macvlan() { on client ping -c 1 -W 1 10.0.0.3; }
before() {
	ip -n server link add link s0 name mv0 address 02:00:00:00:00:31 type macvlan mode bridge && ip -n server link set mv0 up &&
		address server mv0 10.0.0.3/24 && ip -n client neigh replace 10.0.0.3 lladdr 02:00:00:00:00:31 dev c0 nud permanent && sleep 1
}
spoil() { ip -n server link set mv0 address 02:00:00:00:00:32; }
function="ip_rcv_core ip_rcv" reason=OTHERHOST
cause='\bmv0\b|02:00:00:00:00:3[12]'
