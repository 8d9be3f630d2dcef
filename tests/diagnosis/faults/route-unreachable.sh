# SPDX-License-Identifier: GPL-2.0
# The router answers with an ICMP error for the address behind the server.  ip_error() gives no reason for it.
net=routed traffic=behind
behind() { on client ping -c 1 -W 1 10.99.0.1; }
spoil() { ip -n router route replace unreachable 10.99.0.1; }
function="ip_error ip_route_input_slow" reason=NOT_SPECIFIED
cause='unreachable.*10\.99\.0\.1|10\.99\.0\.1.*unreachable'
