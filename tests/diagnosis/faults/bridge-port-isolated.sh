# SPDX-License-Identifier: GPL-2.0
# Both ports of the bridge are isolated from each other.  The kernel gives no reason.
net=bridged
spoil() { ip -n switch link set p0 type bridge_slave isolated on && ip -n switch link set p1 type bridge_slave isolated on; }
function="br_forward br_flood br_handle_frame_finish should_deliver" reason=NOT_SPECIFIED
cause='isolated|isolation'
