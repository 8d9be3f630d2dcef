# SPDX-License-Identifier: GPL-2.0
# The router lost its route to the address behind the server.
net=routed traffic=behind
behind() { on client ping -c 1 -W 1 10.99.0.1; }
spoil() { ip -n router route del 10.99.0.1; }
function="ip_error ip_route_input_slow fib_validate_source ip_route_input_rcu" reason=IP_INNOROUTES
cause='route.*10\.99\.0\.1|10\.99\.0\.1.* via 10\.2\.0\.1'
