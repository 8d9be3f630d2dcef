# SPDX-License-Identifier: GPL-2.0
# The bridge was told that the server is where the client is.
only=6.12
net=bridged
spoil() { bridge -n switch fdb replace "$(on server cat /sys/class/net/s0/address)" dev p0 master static; }
function="br_forward br_handle_frame_finish should_deliver __br_forward" reason=NOT_SPECIFIED
cause='fdb|forwarding entry'
