# SPDX-License-Identifier: GPL-2.0
# A datagram that may not be fragmented does not fit the router's way out.
net=routed traffic="burst 1200 3"
spoil() { ip -n router link set r1 mtu 600; }
function="ip_forward" reason=PKT_TOO_BIG
cause='\bmtu\b'
