# SPDX-License-Identifier: GPL-2.0
# The server's listener wants signed segments.
only=6.12
traffic=connection_to_kind
connection_to_kind() {
	listen_for endpoint $(cat /tmp/kind) 8000 10.0.0.1 && on client endpoint connect "$server" 8000 1
	set -- $?
	kill $listener
	return $1
}
before() { echo closed >/tmp/kind; }
spoil() { echo signed >/tmp/kind; }
function="tcp_v4_rcv tcp_inbound_md5_hash tcp_inbound_hash" reason="TCP_MD5NOTFOUND"
cause='MD5'
