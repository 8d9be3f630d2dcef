# SPDX-License-Identifier: GPL-2.0
# A packet does not fit the router's way out.
only=6.1
net=routed6 traffic=large6
large6() { on client ping -6 -s 1400 -c 1 -W 1 "$server"; }
spoil() { ip -n router link set r1 mtu 1280; }
function="ip6_forward" reason=PKT_TOO_BIG
cause='\bmtu\b'
