# SPDX-License-Identifier: GPL-2.0
# The router no longer forwards.
net=routed traffic=mixed
spoil() { on router sysctl -qw net.ipv4.ip_forward=0; }
function="ip_error ip_route_input_slow" reason=IP_INADDRERRORS
cause='ip_forward|forwarding'
