# SPDX-License-Identifier: GPL-2.0
#
# kin.sh - identity and lineage: what a packet becomes, and what becomes of what is made of it.  kin-net.sh has the network.

. "$here/kin-net.sh"

# kin_records NAME COMMAND [OPTION...]: the shell function COMMAND while it is recorded
kin_records() {
	local name=$1 command=$2 status

	shift 2
	start "$name" "$@" || return
	"$command"
	sleep 1
	kill -INT "$recorder"
	finish
	status=$?
	is "$status" 0 "$name" && counts_are_said "$name"
}

# --- NAT: to an address that nobody has
kin_nat() {
	$kin_r nft 'table ip kin {
		chain pre { type nat hook prerouting priority -100; ip daddr 10.2.0.99 udp dport 7000 dnat to 10.2.0.1:7001; };
		chain post { type nat hook postrouting priority 100; udp dport 7001 masquerade; }; }'
	kin_sink kin-b nat traffic udp-sink 7001 3
	$kin_a traffic udp-send 10.2.0.99 7000 100 3
	kin_sunk
	$kin_r nft delete table ip kin
}

# --- two flows through the tunnel, of which one is asked for
kin_vxlan() {
	kin_sink kin-b vxlan traffic udp-sink 7002 2
	kin_sink kin-b vxlan-other traffic udp-sink 7003 2
	$kin_a traffic udp-send 10.9.0.2 7003 100 2
	$kin_a traffic udp-send 10.9.0.2 7002 100 2
	kin_sunk
}

# --- all that makes copies, and fragments
kin_many() {
	kin_sink kin-r bridge-r traffic udp-sink 7010 2
	kin_sink kin-b bridge-b traffic udp-sink 7010 2
	kin_sink kin-b fragments traffic udp-sink 7011 2
	kin_sink kin-a multicast-a traffic udp-sink 7012 2 239.1.1.1
	kin_sink kin-r multicast-1 traffic udp-sink 7012 2 239.1.1.1
	kin_sink kin-r multicast-2 traffic udp-sink 7012 2 239.1.1.1
	kin_sink kin-b sniffed traffic udp-sink 7013 2
	kin_sink kin-b sniff traffic sniff b0 2
	$kin_a traffic udp-send 10.3.0.255 7010 100 2
	$kin_a traffic udp-send 10.2.0.1 7011 6000 2
	$kin_a traffic udp-send 239.1.1.1 7012 100 2
	$kin_a traffic udp-send 10.2.0.1 7013 100 2
	kin_sunk
}

kin_mirror_up() {
	ip -n kin-r link add dummy0 type dummy && ip -n kin-r link set dummy0 up &&
		tc -n kin-r qdisc add dev ra ingress &&
		tc -n kin-r filter add dev ra ingress bpf bytecode '1,6 0 0 4294967295' action mirred egress mirror dev dummy0
}

# --- TCP: large writes are cut into segments at a0, and merged again at b0
kin_tcp() {
	kin_sink kin-b tcp traffic tcp-sink 7020
	$kin_a traffic tcp-send 10.2.0.1 7020 1000000
	kin_sunk
}

# --- XDP programs
kin_xdp() {
	kin_sink kin-b xdp traffic udp-sink 7030 3
	$kin_a traffic udp-send 10.2.0.1 7030 100 3
	kin_sunk
}

kin_guest() {
	claim "kin_network_is_up" kin_up
	claim "nat_is_recorded" kin_records kin-nat kin_nat dst host 10.2.0.99
	claim "vxlan_is_recorded" kin_records kin-vxlan kin_vxlan udp dst port 7002
	claim "vxlan_is_recorded_by_its_inner_packet" kin_records kin-inner kin_vxlan --tunnel 'udp dst port 7002'
	claim "mirror_is_set_up" kin_mirror_up
	claim "copies_are_recorded" kin_records kin-many kin_many
	$kin_a traffic offload a0 tso off
	$kin_b traffic offload b0 gro on
	claim "tcp_is_recorded" kin_records kin-tcp kin_tcp tcp port 7020
	$kin_b traffic offload b0 gro off
	kin_sink kin-b xdp-pass traffic xdp b0 pass
	claim "xdp_is_recorded" kin_records kin-xdp kin_xdp udp port 7030
	kill ${kin_sinks% *}
	kin_sinks=
	kin_down
}

# --- what the recordings say -----------------------------------------------------------------------------------------

# kin_sql DIR NAME QUERY: its answer is 1
kin_sql() {
	local answer

	answer=$(pktsql "$1/kin-$2.trc" --csv "$3" | tr -d '\r') || return
	echo "$3: $answer"
	[ "$(echo "$answer" | tail -n 1)" = 1 ]
}

# kin_got DIR N NAME...: so many arrived at each
kin_got() {
	local dir=$1 n=$2 name

	shift 2
	for name; do
		grep -qx "$n" "$dir/$name.sink" || { echo "$name: $(cat "$dir/$name.sink" "$dir/$name.trouble"), not $n"; return 1; }
	done
}

kin_host() {
	local name

	claim "what_was_sent_arrives" kin_got "$1" 2 vxlan vxlan-other bridge-r bridge-b fragments multicast-a multicast-1 sniffed sniff
	claim "nat_packet_is_one_packet_to_its_end" kin_sql "$1" nat "SELECT count(*) = 3 AND min(fate = 'delivered') FROM packet"
	claim "nat_packet_changes_its_addresses" kin_sql "$1" nat "SELECT count(*) = 3 FROM packet p WHERE dport = 7000 AND EXISTS
		(SELECT 1 FROM hop h WHERE h.packet = p.packet AND h.dst = '10.2.0.1' AND h.dport = 7001 AND h.src = '10.2.0.254')"
	claim "vxlan_filter_follows_the_packet_into_the_tunnel_and_out" kin_sql "$1" vxlan "SELECT count(*) = 2 FROM packet p
		WHERE p.dport = 7002 AND fate = 'delivered' AND EXISTS
		(SELECT 1 FROM hop h WHERE h.packet = p.packet AND h.dport = 4789 AND h.dst = '10.2.0.1')"
	claim "vxlan_filter_rejects_the_other_flow" kin_sql "$1" vxlan "SELECT count(*) = 0 FROM hop WHERE dport = 7003"
	claim "tunnel_filter_knows_the_inner_packet" kin_sql "$1" inner "SELECT count(DISTINCT packet) = 2 FROM hop WHERE dport = 7002"
	claim "tunnel_filter_rejects_the_other_flow" kin_sql "$1" inner "SELECT count(*) = 0 FROM hop WHERE dport = 7003"
	claim "flooded_copies_are_clones_of_one_journey" kin_sql "$1" many "SELECT min(n) >= 3 FROM
		(SELECT journey, count(*) AS n FROM packet WHERE dport = 7010 GROUP BY 1)"
	claim "fragments_are_of_one_journey_with_their_datagram" kin_sql "$1" many "SELECT count(DISTINCT journey) = 2 AND count(*) >= 10
		FROM packet WHERE src = '10.1.0.1' AND dst = '10.2.0.1' AND (dport = 7011 OR ifnull(dport, 0) = 0)"
	claim "fragments_have_their_kinship" kin_sql "$1" many "SELECT sum(kind = 'fragment') >= 6 AND sum(kind IN ('reassemble', 'coalesce')) >= 2
		FROM lineage"
	claim "mirrored_packets_are_clones_on_the_other_device" kin_sql "$1" many "SELECT count(*) > 0 FROM lineage l WHERE kind = 'clone' AND EXISTS
		(SELECT 1 FROM hop h WHERE h.packet = l.child AND h.device = 'dummy0')"
	claim "segments_are_cut_from_large_ones" kin_sql "$1" tcp "SELECT sum(kind = 'segment') > 10 FROM lineage"
	claim "queues_put_segments_together_again" kin_sql "$1" tcp "SELECT sum(kind IN ('coalesce', 'merge')) > 10 FROM lineage"
	claim "copies_made_for_xdp_are_copies" kin_sql "$1" xdp "SELECT count(*) >= 3 FROM lineage WHERE kind IN ('copy', 'rebuild')"
	for name in nat vxlan inner many tcp xdp; do
		claim "${name}_has_no_packet_with_two_lives" kin_sql "$1" $name "SELECT ifnull(max(n), 1) = 1 FROM
			(SELECT count(*) AS n FROM hop WHERE function IN ('kfree_skbmem', 'napi_skb_cache_put') GROUP BY packet)"
		claim "${name}_has_no_packet_cut_in_two" kin_sql "$1" $name "SELECT count(*) = 0 FROM packet WHERE hops = 1 AND NOT lossy
			AND fate = 'in flight' AND first_function IN ('__netif_receive_skb', 'ip_rcv', 'tcp_v4_do_rcv', '__dev_queue_xmit')"
		claim "${name}_recorded_and_lost_make_produced" kin_sql "$1" $name "SELECT min(recorded + lost = produced) FROM loss"
	done
}
