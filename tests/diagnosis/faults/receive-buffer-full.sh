# SPDX-License-Identifier: GPL-2.0
# Datagrams come faster than they are read, and receive buffers have become small.
traffic="burst 1000 20"
spoil() { set_for_now net.core.rmem_default=4608; }
function="__udp_enqueue_schedule_skb __udp_queue_rcv_skb udp_queue_rcv_one_skb" reason=SOCKET_RCVBUFF
cause='rmem_default|receive buffer|RcvbufErrors'
