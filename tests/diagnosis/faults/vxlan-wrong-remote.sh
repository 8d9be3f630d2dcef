# SPDX-License-Identifier: GPL-2.0
# The tunnel's other end is said to be the router, who knows of no tunnel.
net=tunnel
spoil() {
	ip -n client link del vx &&
		ip -n client link add vx type vxlan id 9 local 10.1.0.1 remote 10.1.0.254 dstport 4789 dev c0 nolearning &&
		ip -n client link set vx up && address client vx 10.9.0.1/24 &&
		ip -n client neigh replace 10.9.0.2 lladdr "$(on server cat /sys/class/net/vx/address)" dev vx nud permanent && sleep 1
}
function="__udp4_lib_rcv udp_rcv" reason=NO_SOCKET
cause='remote.*10\.1\.0\.254|\bvx\b.*remote'
