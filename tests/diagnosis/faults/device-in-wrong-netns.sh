# SPDX-License-Identifier: GPL-2.0
# The server's device was moved to another namespace.  Its peer loses the carrier, and the server's address is gone.
net=routed
before() { on router sysctl -qw net.ipv4.neigh.r1.retrans_time_ms=100; ns_add other; }
spoil() { ip -n server link set s0 netns other; sleep 1; }
function="neigh_invalidate arp_error_report neigh_resolve_output __neigh_event_send ip_finish_output2 noop_enqueue __dev_queue_xmit" reason="NEIGH_FAILED QDISC_DROP"
cause='\bs0\b.*(gone|moved|missing|other|removed)|(gone|moved|missing|removed).*\bs0\b|\br1\b.*(carrier|\bdown\b)'
