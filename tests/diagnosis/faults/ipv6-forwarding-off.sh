# SPDX-License-Identifier: GPL-2.0
# The router no longer forwards IPv6.
only=6.12
net=routed6 traffic=ask
spoil() { on router sysctl -qw net.ipv6.conf.all.forwarding=0; }
function="ip6_forward" reason="NOT_SPECIFIED IP_INADDRERRORS"
cause='forwarding'
