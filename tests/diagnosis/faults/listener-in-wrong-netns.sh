# SPDX-License-Identifier: GPL-2.0
# The responder was started again in the client's namespace.
net=routed
spoil() {
	kill -9 $(busybox pidof dns-responder)
	on client dns-responder >/dev/null 2>&1 &
	sleep 1
}
function="__udp4_lib_rcv udp_rcv" reason=NO_SOCKET
cause='no (socket|listener)|(nobody|nothing) listens'
