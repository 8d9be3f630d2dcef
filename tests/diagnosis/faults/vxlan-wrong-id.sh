# SPDX-License-Identifier: GPL-2.0
# The two ends of the tunnel disagree about its number.
net=tunnel
spoil() {
	ip -n server link del vx &&
		ip -n server link add vx type vxlan id 10 local 10.2.0.1 remote 10.1.0.1 dstport 4789 dev s0 &&
		ip -n server link set vx up && address server vx 10.9.0.2/24 && sleep 1
}
function="vxlan_rcv" reason="NOT_SPECIFIED VXLAN_VNI_NOT_FOUND"
cause='\bvx\b.*\bid\b|\bvni\b'
