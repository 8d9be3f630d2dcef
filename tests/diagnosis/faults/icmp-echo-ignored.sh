# SPDX-License-Identifier: GPL-2.0
# The server answers no pings.  It consumes them without a drop reason.
only=6.1
traffic=ping_server
ping_server() { on client ping -c 1 -W 1 "$server"; }
spoil() { on server sysctl -qw net.ipv4.icmp_echo_ignore_all=1; }
function="icmp_echo icmp_rcv" reason=-
cause='icmp_echo_ignore_all'
