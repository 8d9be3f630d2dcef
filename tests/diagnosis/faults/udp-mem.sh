# SPDX-License-Identifier: GPL-2.0
# All sockets of UDP together may keep very little.
traffic="burst 1000 20"
spoil() { set_for_now "net.ipv4.udp_mem=0 0 0"; }
function="__udp_enqueue_schedule_skb __udp_queue_rcv_skb udp_queue_rcv_one_skb" reason=PROTO_MEM
cause='udp_mem'
