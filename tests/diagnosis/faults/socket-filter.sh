# SPDX-License-Identifier: GPL-2.0
# The receiver has a socket filter that lets nothing pass.
traffic=burst_to_the_picky
burst_to_the_picky() {
	listen_for endpoint $(cat /tmp/kind) 4001 3 && on client endpoint send "$server" 4001 100 3
	wait "$listener"
}
before() { echo lazy >/tmp/kind; }
spoil() { echo picky >/tmp/kind; }
function="sk_filter_trim_cap udp_queue_rcv_one_skb __udp_queue_rcv_skb" reason=SOCKET_FILTER
cause='socket filter|filter of the socket|SO_ATTACH_FILTER'
