# SPDX-License-Identifier: GPL-2.0
# Connections are accepted too slowly, and the queue for them has become short.  A SYN that finds no room is consumed by
# tcp_conn_request() without an answer or a drop reason.
traffic="connections"
connections() {
	listen_for endpoint closed 8000 && on client endpoint connect "$server" 8000 5
	set -- $?
	kill $listener
	return $1
}
spoil() { on server sysctl -qw net.core.somaxconn=1; }
function="tcp_conn_request tcp_v4_conn_request tcp_rcv_state_process tcp_v4_do_rcv" reason=-
cause='somaxconn|ListenOverflows|accept queue'
