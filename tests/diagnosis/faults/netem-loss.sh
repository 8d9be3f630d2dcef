# SPDX-License-Identifier: GPL-2.0
# A quarter of the queries is lost on the client's way out.
traffic="ask_many 24"
spoil() { tc -n client qdisc add dev c0 root netem loss 25%; }
function="netem_enqueue __dev_queue_xmit" reason=QDISC_DROP
cause='\bnetem\b'
