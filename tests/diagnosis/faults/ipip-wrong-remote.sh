# SPDX-License-Identifier: GPL-2.0
# The tunnel's other end is said to be the router, who knows of no tunnel.
net=routed traffic=through_ipip
through_ipip() { on client ping -c 1 -W 1 10.9.0.2; }
ipip() { ip -n "$1" link add i1 type ipip local "$2" remote "$3" && ip -n "$1" link set i1 up && address "$1" i1 "$4/24"; }
before() { ipip client 10.1.0.1 10.2.0.1 10.9.0.1 && ipip server 10.2.0.1 10.1.0.1 10.9.0.2; }
spoil() { ip -n client link del i1 && ipip client 10.1.0.1 10.1.0.254 10.9.0.1; }
function="tunnel4_rcv ip_protocol_deliver_rcu ipip_rcv ip_tunnel_rcv" reason="NOT_SPECIFIED IP_NOPROTO"
cause='remote.*10\.1\.0\.254|\bi1\b.*remote'
