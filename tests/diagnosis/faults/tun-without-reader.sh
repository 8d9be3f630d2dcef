# SPDX-License-Identifier: GPL-2.0
# The client's way to the server is a tunnel device that no program has open.
only=6.12
net=routed
spoil() { modprobe tun && ip -n client tuntap add t0 mode tun && ip -n client link set t0 up && ip -n client route add 10.2.0.1 dev t0; }
function="noop_enqueue __dev_queue_xmit tun_net_xmit dev_qdisc_enqueue" reason="QDISC_DROP DEV_READY"
cause='\bt0\b'
