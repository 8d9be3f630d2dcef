# SPDX-License-Identifier: GPL-2.0
# The server has no memory to put fragments together.
only=6.1
traffic=large_ping
large_ping() { on client ping -s 3000 -c 1 -W 1 "$server"; }
spoil() { on server sysctl -qw net.ipv4.ipfrag_high_thresh=0 2>/dev/null || { on server sysctl -qw net.ipv4.ipfrag_low_thresh=0 && on server sysctl -qw net.ipv4.ipfrag_high_thresh=0; }; }
function="ip_defrag ip_local_deliver inet_frag_find" reason="NOT_SPECIFIED"
cause='ipfrag_high_thresh'
