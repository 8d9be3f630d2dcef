# SPDX-License-Identifier: GPL-2.0
# The server's end of the tunnel listens on another port.
only=6.12
net=tunnel
spoil() {
	ip -n server link del vx &&
		ip -n server link add vx type vxlan id 9 local 10.2.0.1 remote 10.1.0.1 dstport 8472 dev s0 nolearning &&
		ip -n server link set vx up && address server vx 10.9.0.2/24 && sleep 1
}
function="__udp4_lib_rcv udp_rcv" reason=NO_SOCKET
cause='\bvx\b.*port|8472'
