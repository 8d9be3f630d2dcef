# SPDX-License-Identifier: GPL-2.0
# Nobody answers names any more.
spoil() { kill -9 $(on server busybox pidof dns-responder); }
function="__udp4_lib_rcv udp_rcv" reason=NO_SOCKET
cause='no (socket|listener)|(nobody|nothing) listens'
