# SPDX-License-Identifier: GPL-2.0
# The bridge's port to the client is disabled.  The kernel gives no reason.
net=bridged
spoil() { ip -n switch link set p0 type bridge_slave state 0; }
function="br_handle_frame" reason=NOT_SPECIFIED
cause='p0|state|disabled'
