# SPDX-License-Identifier: GPL-2.0
# The bond has lost its only port.
only=6.12
traffic=ask
before() {
	ip -n client link add bond0 type bond mode active-backup miimon 100 && ip -n client link set c0 down &&
		ip -n client link set c0 master bond0 && ip -n client link set bond0 up && ip -n client address flush dev c0 &&
		address client bond0 10.0.0.1/24 && sleep 1 && on client ping -c 1 -W 2 10.0.0.2
}
spoil() { ip -n client link set c0 nomaster && on client sysctl -qw net.ipv4.neigh.bond0.retrans_time_ms=100 && sleep 1; }
function="neigh_resolve_output __neigh_event_send neigh_invalidate noop_enqueue __dev_queue_xmit bond_start_xmit dev_hard_start_xmit neigh_invalidate arp_error_report" reason="QDISC_DROP NOT_SPECIFIED NEIGH_FAILED"
cause='\bbond0\b|\bc0\b'
