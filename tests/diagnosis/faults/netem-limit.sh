# SPDX-License-Identifier: GPL-2.0
# The client's device holds packets, but not many.
only=6.12
traffic="burst 1000 20"
spoil() { tc -n client qdisc add dev c0 root netem delay 50ms limit 6; }
function="netem_enqueue __dev_queue_xmit dev_qdisc_enqueue" reason="QDISC_DROP QDISC_OVERLIMIT"
cause='\bnetem\b'
