# SPDX-License-Identifier: GPL-2.0
# The tunnel's other end is said to be the router, who knows of no tunnel.
net=tunnel
spoil() {
	ip -n client link del vx &&
		ip -n client link add vx type vxlan id 9 local 10.1.0.1 remote 10.1.0.254 dstport 4789 dev c0 &&
		ip -n client link set vx up && address client vx 10.9.0.1/24 && sleep 1
}
function="__udp4_lib_rcv udp_rcv" reason=NO_SOCKET
cause='vxlan|vx|remote'
