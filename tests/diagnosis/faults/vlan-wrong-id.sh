# SPDX-License-Identifier: GPL-2.0
# The server's end of the VLAN has another number.
only=6.1
traffic=through_vlan
through_vlan() { on client ping -c 1 -W 1 10.8.0.2; }
vlan() { ip -n "$1" link add link "$2" name v1 type vlan id "$3" && ip -n "$1" link set v1 up && address "$1" v1 "$4/24"; }
before() { vlan client c0 10 10.8.0.1 && vlan server s0 10 10.8.0.2 && sleep 1 && on client ping -c 1 -W 2 10.8.0.2; }
spoil() { ip -n server link del v1 && vlan server s0 11 10.8.0.2 && sleep 1; }
function="__netif_receive_skb_core ip_rcv_core ip_rcv" reason=OTHERHOST
cause='\bv1\b|vlan'
