# SPDX-License-Identifier: GPL-2.0
# The router's device towards the server is down, and the route by it went with it.
net=routed traffic=mixed
spoil() { ip -n router link set r1 down; }
function="ip_error ip_route_input_slow" reason=IP_INNOROUTES
cause='\br1\b.*\bdown\b|\bdown\b.*\br1\b|route.*\br1\b'
