# SPDX-License-Identifier: GPL-2.0
# The receiver listens at another of its host's addresses.
traffic=burst_to_bound
burst_to_bound() {
	listen_for endpoint lazy 4001 3 $(cat /tmp/bound) && on client endpoint send "$server" 4001 100 3
	wait "$listener"
}
before() { echo 10.0.0.2 >/tmp/bound; }
spoil() { echo 127.0.0.1 >/tmp/bound; }
function="__udp4_lib_rcv udp_rcv" reason=NO_SOCKET
cause='no (socket|listener)|(nobody|nothing) listens'
