# SPDX-License-Identifier: GPL-2.0
# The web server is gone: connections are refused.
traffic=mixed
spoil() { for pid in $(ip netns pids server); do grep -qa httpd /proc/$pid/cmdline && kill -9 $pid; done; sleep 0.2; }
function="tcp_v4_rcv" reason=NO_SOCKET
cause='no (socket|listener)|(nobody|nothing) listens'
