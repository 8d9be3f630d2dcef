# SPDX-License-Identifier: GPL-2.0
# The bridge's port to the client is disabled.  The kernel gives no reason.
net=bridged
spoil() { bridge -n switch link set dev p0 state 0; }
function="br_handle_frame" reason=NOT_SPECIFIED
cause='p0.*(disabled|state)|state.*disabled'
