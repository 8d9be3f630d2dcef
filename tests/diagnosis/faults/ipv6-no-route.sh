# SPDX-License-Identifier: GPL-2.0
# The router lost its route to the address behind the server.
only=6.12
net=routed6 traffic=behind6
behind6() { on client ping -6 -c 1 -W 1 fd99::1; }
spoil() { ip -n router -6 route del fd99::1; }
function="ip6_pkt_drop ip6_pkt_discard" reason="NOT_SPECIFIED IP_INNOROUTES IP_OUTNOROUTES"
cause='fd99::1'
