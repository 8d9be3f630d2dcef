# SPDX-License-Identifier: GPL-2.0
# A fifth of the queries is lost on the client's way out.
traffic="ask_many 40"
spoil() { tc -n client qdisc add dev c0 root netem loss 20%; }
function="netem_enqueue __dev_queue_xmit" reason=QDISC_DROP
cause='\bnetem\b'
