# SPDX-License-Identifier: GPL-2.0
# A rule of policy routing at the router forbids what comes from the client.  ip_error() gives no reason for it.
net=routed
spoil() { ip -n router rule add from 10.1.0.1 prohibit; }
function="ip_error ip_route_input_slow" reason=NOT_SPECIFIED
cause='prohibit'
