# SPDX-License-Identifier: GPL-2.0
# There is no room for another neighbour.
only=6.12
spoil() {
	set_for_now net.ipv4.neigh.default.gc_thresh2=0 && set_for_now net.ipv4.neigh.default.gc_thresh3=0 &&
		ip -n client neigh flush dev c0 && ip -n server neigh flush dev s0
}
function="ip_finish_output2" reason=NEIGH_CREATEFAIL
cause='gc_thresh3'
