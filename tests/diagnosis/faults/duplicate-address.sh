# SPDX-License-Identifier: GPL-2.0
# The server has got the client's address, too, and takes what comes from there for forged.
only=6.12
spoil() { address server lo 10.0.0.1/32; }
function="fib_validate_source __fib_validate_source ip_route_input_slow ip_route_input_noref ip_route_input_rcu ip_rcv_finish_core ip_rcv_finish" reason="NOT_SPECIFIED"
cause='10\.0\.0\.1'
