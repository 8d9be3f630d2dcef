# SPDX-License-Identifier: GPL-2.0
# The tunnel's other end is said to be the router, who knows of no tunnel.
net=tunnel
spoil() { ip -n client link set vx type vxlan id 9 local 10.1.0.1 remote 10.1.0.254 dstport 4789 dev c0; }
function="__udp4_lib_rcv udp_rcv" reason=NO_SOCKET
cause='remote.*10\.1\.0\.254|\bvx\b.*remote'
