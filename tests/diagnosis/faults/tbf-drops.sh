# SPDX-License-Identifier: GPL-2.0
# A token bucket with a short queue drops the rest of a burst.
traffic="burst 1000 20"
spoil() { tc -n client qdisc add dev c0 root tbf rate 100kbit burst 2000 limit 4000; }
function="tbf_enqueue __dev_queue_xmit bfifo_enqueue qdisc_enqueue" reason="QDISC_DROP QDISC_OVERLIMIT"
cause='\btbf\b'
