# SPDX-License-Identifier: GPL-2.0
#
# hidden.sh - functions whose packet their prototype does not show: by reference, in lists, of the compiler's variants.
#
#   pktrec-client  vx7 10.7.0.1 == vxlan == vx7 10.7.0.2  pktrec-server      received through gro_cells, which makes lists
#                  br7 10.8.0.1 == veth  == port in br8   10.8.0.2

hidden_net() {
	ip -n pktrec-client link add vx7 type vxlan id 7 remote 10.0.0.2 local 10.0.0.1 dstport 4789 dev client0 &&
	ip -n pktrec-server link add vx7 type vxlan id 7 remote 10.0.0.1 local 10.0.0.2 dstport 4789 dev server0 &&
	ip -n pktrec-client link add br7 type veth peer name port7 netns pktrec-server &&
	ip -n pktrec-server link add br8 type bridge &&
	ip -n pktrec-server link set port7 master br8 up || return
	net_end pktrec-client vx7 10.7.0.1
	net_end pktrec-server vx7 10.7.0.2
	net_end pktrec-client br7 10.8.0.1
	net_end pktrec-server br8 10.8.0.2
	$in_client nft 'table inet hidden { chain out { type filter hook output priority 0; policy accept; counter; }; }'
	sleep 1
	$in_client ping -c 1 -W 2 10.7.0.2 && $in_client ping -c 1 -W 2 10.8.0.2	# the neighbours learn each other
}

hidden_net_down() {
	ip -n pktrec-client link delete vx7
	ip -n pktrec-client link delete br7
	ip -n pktrec-server link delete vx7
	ip -n pktrec-server link delete br8
	$in_client nft delete table inet hidden
}

hidden_records() {
	local status

	record hidden -- $in_client sh -c 'ping -c 1 -W 2 10.7.0.2; ping -c 1 -W 2 10.8.0.2; ping -c 1 -W 2 -s 3000 10.0.0.2'
	status=$?
	is "$status" 0 hidden && counts_are_said hidden
}

hidden_listed() {	# what must be in the list
	pktrec --list-functions >/out/hidden.list 2>/out/hidden.count || return
	grep -E "$1" /out/hidden.list && return
	cat /out/hidden.count
	return 1
}

hidden_guest() {
	claim "hidden_network_is_up" hidden_net
	claim "packets_that_prototypes_hide_are_recorded" hidden_records
	hidden_net_down >/dev/null 2>&1
	claim "variant_by_reference_is_listed_as_probed" \
		hidden_listed '^__netif_receive_skb_core\.constprop\.0	arg 1 by reference	probed$'
	claim "variant_to_be_verified_is_listed_so" \
		hidden_listed '^ip_rcv_finish_core\.constprop\.0	arg 2	probed, if it has a known packet$'
	claim "list_is_listed_as_such" hidden_listed '^ip_list_rcv	arg 1 as a list	probed$'
	claim "queue_is_listed_with_the_reason" hidden_listed '^skb_dequeue	arg 1	takes a queue'
	claim "unknown_arguments_are_listed_with_the_reason" hidden_listed '^skb_clone_fraglist\.isra\.0	arg .	the compiler'
	cut -d' ' -f3 /proc/kallsyms | cut -f1 >/out/hidden.symbols
}

hidden_passed() {	# DIR FUNCTION [TUPLE]: whether a packet, of this kind, passed the function
	local n

	n=$(pktsql "$1/hidden.trc" --csv "SELECT count(DISTINCT h.packet) FROM hop h JOIN packet p USING (recording, packet)
		WHERE h.function LIKE '$2' AND p.tuple LIKE '%${3:-}%'" | tr -d '\r' | tail -n 1)
	echo "$n packets passed $2"
	[ "$n" -ge 1 ]
}

# In every profile: identities and lineage depend on them.
hidden_lineage() {
	local function missing=

	for function in $(grep -v '^#' schema/lineage.tsv | cut -f1); do
		grep -qx "$function" "$1/hidden.symbols" || continue
		[ "$(pktsql "$1/hidden.trc" --csv "SELECT attached FROM function WHERE name = '$function'" | tr -d '\r' |
			tail -n 1)" = 1 ] || missing="$missing $function"
	done
	echo "not attached:$missing"
	[ -z "$missing" ]
}

# Only what deserves it is refused: nothing that the list calls probed.
hidden_refused() {
	local said

	said=$(pktsql "$1/hidden.trc" --csv "SELECT name, why FROM function WHERE probed AND NOT attached AND why LIKE 'the kernel%'")
	echo "$said"
	[ "$(echo "$said" | wc -l)" -le 1 ]
}

hidden_host() {
	claim "received_packet_passes_netif_receive_skb_core" hidden_passed "$1" '__netif_receive_skb_core%' 'echo request'
	claim "verified_variant_sees_its_packet" hidden_passed "$1" 'ip_rcv_finish_core%' 'echo request'
	claim "verified_variant_sees_its_packet_in_argument_3" hidden_passed "$1" 'ip_fragment%' 'echo request'
	claim "members_of_a_list_are_seen" hidden_passed "$1" 'ip_list_rcv' 'echo request'
	claim "bridge_port_is_seen_by_reference" hidden_passed "$1" 'br_handle_frame' 'echo request'
	claim "what_makes_packets_of_packets_is_attached" hidden_lineage "$1"
	claim "no_probe_is_refused_by_the_kernel" hidden_refused "$1"
	claim "hidden_packets_recording_verifies" pktshow --verify "$1/hidden.trc"
}
