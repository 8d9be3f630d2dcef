# SPDX-License-Identifier: GPL-2.0
# The bridge begins to filter by VLAN, and the client's port is in none.
net=bridged
spoil() {
	ip -n switch link set br0 type bridge vlan_default_pvid 0 && ip -n switch link set br0 type bridge vlan_filtering 1
}
function="br_handle_frame_finish br_allowed_ingress br_handle_frame" reason=NOT_SPECIFIED
cause='vlan_(filtering|default_pvid)|\b(pvid|vlan)\b'
