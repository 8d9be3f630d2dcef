# SPDX-License-Identifier: GPL-2.0
# The ends of a GRE tunnel disagree about its key.
only=6.1
net=routed traffic=through_gre
through_gre() { on client ping -c 1 -W 1 10.9.0.2; }
gre() { ip -n "$1" link add g1 type gre local "$2" remote "$3" key "$4" && ip -n "$1" link set g1 up && address "$1" g1 "$5/24"; }
before() { gre client 10.1.0.1 10.2.0.1 9 10.9.0.1 && gre server 10.2.0.1 10.1.0.1 9 10.9.0.2; }
spoil() { ip -n server link del g1 && gre server 10.2.0.1 10.1.0.1 10 10.9.0.2; }
function="gre_rcv ipgre_rcv __ipgre_rcv" reason=NOT_SPECIFIED
cause='\bkey\b|\bg1\b'
