# SPDX-License-Identifier: GPL-2.0
# The router's DNAT points to a port where nobody listens.
net=routed traffic="ask_router"
ask_router() { dig_client @10.1.0.254 -p 5353; }
dnat() { on router nft "table ip nat { chain pre { type nat hook prerouting priority -100; udp dport 5353 counter dnat to $1; }; }"; }
before() { dnat 10.2.0.1:53; }
spoil() { on router nft delete table ip nat && dnat 10.2.0.1:54; }
function="__udp4_lib_rcv udp_rcv" reason=NO_SOCKET
cause='\bdnat\b'
