# SPDX-License-Identifier: GPL-2.0
# A burst, cut into datagrams late, does not fit the backlog of the processor that takes it.
traffic=burst_of_segments
before() { ip -n client link set c0 gso_max_segs 1; }
burst_of_segments() {
	listen_for endpoint lazy 4001 40 && on client endpoint segments "$server" 4001 500 40
	wait "$listener"
}
spoil() { set_for_now net.core.netdev_max_backlog=8; }
function="enqueue_to_backlog netif_rx_internal" reason=CPU_BACKLOG
cause='netdev_max_backlog'
