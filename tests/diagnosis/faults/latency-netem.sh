# SPDX-License-Identifier: GPL-2.0
# The client's device holds every packet for 20 ms.
kind=latency traffic="paced 200 60 30" still=yes
spoil() { tc -n client qdisc add dev c0 root netem delay 20ms; }
function="netem_enqueue __dev_queue_xmit netem_dequeue dev_hard_start_xmit sch_direct_xmit" reason="queue wait"
cause='\bnetem\b'
