# SPDX-License-Identifier: GPL-2.0
# A token bucket shapes the client's bursts but drops nothing.
kind=latency traffic="bursts" still=yes
bursts() {
	listen_for endpoint lazy 4001 120
	on client sh -c 'for i in $(seq 30); do endpoint send 10.0.0.2 4001 1000 4; usleep 60000; done'
	wait "$listener"
}
spoil() { tc -n client qdisc add dev c0 root tbf rate 1mbit burst 2000 limit 100000; }
function="tbf_enqueue __dev_queue_xmit tbf_dequeue dev_hard_start_xmit sch_direct_xmit" reason="queue wait"
cause='\btbf\b'
