# SPDX-License-Identifier: GPL-2.0
# What comes from the client is looked up in a table that throws it away.  ip_error() gives no reason for it.
only=6.1
net=routed
spoil() { ip -n router route add blackhole default table 66 && ip -n router rule add from 10.1.0.0/24 lookup 66; }
function="ip_error ip_route_input_slow" reason=NOT_SPECIFIED
cause='blackhole|lookup 66|table 66'
