# SPDX-License-Identifier: GPL-2.0
# The server's device was put into a VRF, its listeners were not.
only=6.12
spoil() { ip -n server link add red type vrf table 10 && ip -n server link set red up && ip -n server link set s0 master red && sleep 1; }
function="__udp4_lib_rcv udp_rcv" reason=NO_SOCKET
cause='\bvrf\b|\bred\b|\bs0\b.*master'
