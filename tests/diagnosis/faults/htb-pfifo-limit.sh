# SPDX-License-Identifier: GPL-2.0
# A class of HTB is slow, and its queue is short.
only=6.12
traffic="burst 1000 20"
spoil() {
	tc -n client qdisc add dev c0 root handle 1: htb default 1 &&
		tc -n client class add dev c0 parent 1: classid 1:1 htb rate 200kbit burst 2000 &&
		tc -n client qdisc add dev c0 parent 1:1 handle 10: pfifo limit 3
}
function="htb_enqueue pfifo_enqueue __dev_queue_xmit dev_qdisc_enqueue" reason="QDISC_DROP QDISC_OVERLIMIT"
cause='\bpfifo\b|\bhtb\b'
