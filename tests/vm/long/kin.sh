# SPDX-License-Identifier: GPL-2.0
#
# kin.sh - identity and lineage: what a packet becomes, and what becomes of what is made of it.  kin-net.sh has the
# network, traffic.c what goes through it.

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

# --- all that makes copies, fragments, and a little TCP, whose segments have no header where they are born
kin_many() {
	kin_sink kin-r bridge-r traffic udp-sink 7010 2
	kin_sink kin-b bridge-b traffic udp-sink 7010 2
	kin_sink kin-b fragments traffic udp-sink 7011 2
	kin_sink kin-a multicast-a traffic udp-sink 7012 2 239.1.1.1
	kin_sink kin-r multicast-1 traffic udp-sink 7012 2 239.1.1.1
	kin_sink kin-r multicast-2 traffic udp-sink 7012 2 239.1.1.1
	kin_sink kin-b sniffed traffic udp-sink 7013 2
	kin_sink kin-b sniff traffic sniff b0 20
	$kin_a traffic udp-send 10.3.0.255 7010 100 2
	$kin_a traffic udp-send 10.2.0.1 7011 6000 2
	$kin_a traffic udp-send 239.1.1.1 7012 100 2
	$kin_a traffic udp-send 10.2.0.1 7013 100 2
	kin_sink kin-b little traffic tcp-sink 7014
	$kin_a traffic tcp-send 10.2.0.1 7014 10000
	kin_sunk
}

kin_mirror_up() {
	ip -n kin-r link add dummy0 type dummy && ip -n kin-r link set dummy0 up &&
		tc -n kin-r qdisc add dev ra ingress &&
		tc -n kin-r filter add dev ra ingress bpf bytecode '1,6 0 0 4294967295' action mirred egress mirror dev dummy0
}

# --- TCP: large writes are cut into segments at rb, and merged again at b0, if they meet there
kin_tcp() {
	kin_sink kin-b tcp traffic tcp-sink 7020
	$kin_a traffic tcp-send 10.2.0.1 7020 300000
	kin_sunk
	kin_keys >/out/kin-tcp.keys
}

# How many places of the table are taken while nothing is on its way.
kin_keys() {
	bpftool -j map dump name buckets | grep -o '"value":{"key":\[[0-9,]*\]' | grep -o '[0-9]*' | grep -vc '^0$'
}

kin_tcp_offloads() {
	$kin_r traffic offload rb tso off && $kin_b traffic offload b0 gro on
}

# --- an XDP program on b0, for which a packet gets a buffer of its own
kin_xdp() {
	kin_sink kin-b xdp traffic udp-sink 7030 3
	$kin_a traffic udp-send 10.2.0.1 7030 100 3
	kin_sunk
}

# --- more packets in flight than there is room for
kin_flight_up() {
	ip -n kin-a link add dummy0 type dummy && net_end kin-a dummy0 10.5.0.1 &&
		tc -n kin-a qdisc add dev dummy0 root netem delay 200s limit 400000
}

kin_flight() {
	$kin_a traffic udp-send 10.5.0.9 7040 10 190000
	kin_keys >/out/kin-flight.keys
	tc -n kin-a -s qdisc show dev dummy0 >/out/kin-flight.qdisc
	ip -n kin-a link delete dummy0
}

kin_untracked_is_said() {
	cat /out/kin-flight.words
	grep 'no place in the map of packets in flight' /out/kin-flight.words
}

# 6.1 does not show what GRO puts into its cache of sk_buffs: their places are free when others need them.
kin_few_keys() {
	local most=8

	[ "$series" != 6.1 ] || most=300
	cat "/out/$1.keys"
	[ "$(cat "/out/$1.keys")" -le $most ]
}

kin_full() {
	cat /out/kin-flight.keys
	[ "$(cat /out/kin-flight.keys)" -gt 65536 ]
}

# All that was sent arrived, so that what the claims are about was there.
kin_sunk_all() {
	local name

	for name in nat=3 vxlan=2 vxlan-other=2 bridge-r=2 bridge-b=2 fragments=2 multicast-a=2 multicast-1=2 multicast-2=2 \
		sniffed=2 little=10000 tcp=300000 xdp=3; do
		[ "$(cat "/out/${name%=*}.sink")" = "${name#*=}" ] || { echo "$name, but got $(cat "/out/${name%=*}".*)"; return 1; }
	done
}

kin_guest() {
	. "$here/kin-net.sh"
	claim "kin_network_is_up" kin_up
	claim "nat_is_recorded" kin_records kin-nat kin_nat dst host 10.2.0.99
	claim "vxlan_is_recorded" kin_records kin-vxlan kin_vxlan udp dst port 7002
	claim "vxlan_is_recorded_by_its_inner_packet" kin_records kin-inner kin_vxlan --tunnel 'udp dst port 7002'
	claim "mirror_is_set_up" kin_mirror_up
	claim "copies_are_recorded" kin_records kin-many kin_many
	claim "offloads_are_set" kin_tcp_offloads
	claim "tcp_is_recorded" kin_records kin-tcp kin_tcp tcp port 7020
	claim "places_of_dead_packets_are_free" kin_few_keys kin-tcp
	kin_sink kin-b xdp-pass traffic xdp b0 pass
	claim "xdp_is_recorded" kin_records kin-xdp kin_xdp udp port 7030
	kill ${kin_sinks% *}
	kin_sunk
	claim "traffic_arrived" kin_sunk_all
	claim "delay_is_set_up" kin_flight_up
	claim "many_in_flight_are_recorded" kin_records kin-flight kin_flight --func udp_send_skb
	claim "many_are_in_flight" kin_full
	claim "packets_without_a_place_are_counted" kin_untracked_is_said
	kin_down
}

# kin_sql OUT RECORDING QUERY: answers 1
kin_sql() {
	local answer

	answer=$(pktsql "$1/$2.trc" --csv "$3" | tr -d '\r') || return
	[ "$(echo "$answer" | tail -n 1)" = 1 ] && return
	echo "$3: $answer"
	pktsql "$1/$2.trc" 'SELECT packet, journey, tuple, fate, fate_function, reason, netns, first_function, hops, merged_into FROM packet' | head -100
	pktsql "$1/$2.trc" 'SELECT * FROM lineage' | head -100
	return 1
}

# For every recording: no packet is freed twice, sent twice, or seen after its end.
kin_lives() {
	local name

	for name in kin-nat kin-vxlan kin-inner kin-many kin-tcp kin-xdp kin-flight; do
		kin_sql "$1" $name "SELECT count(*) > 0 AND max(ends) = 1 AND max(sends) <= 1 AND max(after) = 0 FROM (
			SELECT sum(function = 'kfree_skbmem' AND kind = 'entry') AS ends, sum(function = 'udp_send_skb') AS sends,
				max(hop) FILTER (WHERE kind = 'entry') - max(hop) FILTER (WHERE function = 'kfree_skbmem') AS after
			FROM hop GROUP BY packet HAVING ends > 0)" || return
		kin_sql "$1" $name "SELECT min(recorded + lost = produced) FROM loss" || return
	done
}

kin_host_one() {
	claim "nat_changes_no_identity" kin_sql "$1" kin-nat "SELECT count(*) = 3 AND min(delivered) AND min(befores) AND min(afters) FROM (
		SELECT p.fate = 'delivered' AS delivered, sum(h.dst = '10.2.0.99' AND h.netns = 'kin-a') > 0 AS befores,
			sum(h.src = '10.2.0.254' AND h.dst = '10.2.0.1' AND h.dport = 7001 AND h.netns = 'kin-b') > 0 AS afters
		FROM packet p JOIN hop h USING (packet) GROUP BY packet)"
	claim "inner_packet_is_followed_through_its_tunnel" kin_sql "$1" kin-vxlan "SELECT count(*) = 2 AND min(fate) = 'delivered' AND min(outer) AND min(again) FROM (
		SELECT p.fate, sum(h.dport = 4789 AND h.netns = 'kin-r') > 0 AS outer, sum(h.dport = 7002 AND h.netns = 'kin-b') > 0 AS again
		FROM packet p JOIN hop h USING (packet) GROUP BY packet)"
	claim "tunnel_filter_selects_by_the_inner_packet" kin_sql "$1" kin-inner "SELECT count(DISTINCT packet) = 2 AND
		max(dport = 7003) = 0 AND sum(dport = 7002 AND netns = 'kin-b') > 0 AND min(hop) = 1 FROM hop"
}

kin_host_copies() {
	claim "flooded_frames_are_clones" kin_sql "$1" kin-many "SELECT count(*) >= 2 AND min(p.journey = c.journey) FROM lineage l
		JOIN packet p ON p.packet = l.parent JOIN packet c ON c.packet = l.child
		WHERE l.kind = 'clone' AND p.dport = 7010 AND c.dport = 7010 AND p.src = '10.3.0.1'"
	claim "both_flooded_ways_end_in_one_journey" kin_sql "$1" kin-many "SELECT count(*) = 2 AND min(n) >= 2 FROM (
		SELECT sum(fate = 'delivered') AS n FROM packet WHERE dport = 7010 GROUP BY journey)"
	claim "fragments_come_from_the_packet" kin_sql "$1" kin-many "SELECT count(*) = 8 AND count(DISTINCT journey) = 2 FROM lineage
		JOIN packet ON packet = parent WHERE kind = 'fragment' AND dst = '10.2.0.1'"
	claim "fragments_are_put_together" kin_sql "$1" kin-many "SELECT count(*) = 2 AND min(n) = 5 AND min(fate) = 'delivered' FROM (
		SELECT count(DISTINCT parent) AS n, p.fate FROM lineage l JOIN packet p ON p.packet = l.child JOIN packet f ON f.packet = l.parent
		WHERE kind = 'reassemble' AND f.first_function = '__build_skb_around' GROUP BY child)"
	claim "fragments_are_merged" kin_sql "$1" kin-many "SELECT count(*) >= 10 AND min(fate) = 'merged' AND max(fate) = 'merged' AND max(reason) IS NULL
		FROM packet WHERE packet IN (SELECT parent FROM lineage WHERE kind = 'reassemble')"
	claim "no_fragment_is_dropped" kin_sql "$1" kin-many "SELECT count(*) = 0 FROM packet
		WHERE fate = 'dropped' AND src = '10.1.0.1' AND dst = '10.2.0.1' AND proto = 17"
	claim "multicast_is_delivered_three_times_in_one_journey" kin_sql "$1" kin-many "SELECT count(*) = 2 AND min(n) = 3 FROM (
		SELECT sum(fate = 'delivered') AS n FROM packet WHERE dport = 7012 GROUP BY journey)"
	claim "mirrored_packets_are_clones" kin_sql "$1" kin-many "SELECT count(*) = 2 FROM lineage l JOIN packet p ON p.packet = l.child
		WHERE l.kind = 'clone' AND p.dport = 7013 AND p.fate = 'sent' AND p.packet IN (SELECT packet FROM hop WHERE device = 'dummy0')"
	claim "sniffed_packets_are_clones" kin_sql "$1" kin-many "SELECT count(*) = 2 FROM lineage l JOIN packet p ON p.packet = l.child
		WHERE l.kind = 'clone' AND p.dport = 7013 AND p.fate = 'delivered' AND l.parent IN (SELECT packet FROM hop WHERE function = 'packet_rcv')"
	claim "tcp_originals_have_their_clones_addresses" kin_sql "$1" kin-many "SELECT count(*) > 0 FROM packet o JOIN lineage l ON l.parent = o.packet
		JOIN packet c ON c.packet = l.child WHERE l.kind = 'clone' AND o.tuple_of = c.packet AND o.dport = 7014 AND o.src = '10.1.0.1'"
	claim "no_tcp_original_is_without_addresses" kin_sql "$1" kin-many "SELECT count(*) = 0 FROM lineage l JOIN packet o ON o.packet = l.parent
		JOIN packet c ON c.packet = l.child WHERE l.kind = 'clone' AND c.dport IS NOT NULL AND o.src IS NULL"
}

kin_host() {
	claim "no_packet_has_two_lives_nor_two_packets_one" kin_lives "$1"
	kin_host_one "$1"
	kin_host_copies "$1"
	claim "no_tcp_packet_is_lost_sight_of" kin_sql "$1" kin-tcp "SELECT count(*) > 100 AND sum(fate = 'in flight') = 0 FROM packet"
	claim "tcp_segments_come_from_large_packets" kin_sql "$1" kin-tcp "SELECT count(*) > 20 AND min(c.journey = p.journey) FROM lineage l
		JOIN packet c ON c.packet = l.child JOIN packet p ON p.packet = l.parent WHERE l.kind = 'segment'"
	claim "gro_merges_segments" kin_sql "$1" kin-tcp "SELECT count(*) > 0 AND min(p.fate) = 'merged' FROM lineage l
		JOIN packet p ON p.packet = l.parent WHERE l.kind = 'merge'"
	claim "xdp_rebuilds_packets" kin_sql "$1" kin-xdp "SELECT count(*) = 3 AND min(c.fate) = 'delivered' AND min(c.journey = p.journey) FROM lineage l
		JOIN packet c ON c.packet = l.child JOIN packet p ON p.packet = l.parent WHERE l.kind = 'rebuild'"
	claim "packets_without_a_place_are_lost_hops" kin_sql "$1" kin-flight "SELECT sum(lost) > 0 FROM loss"
	claim "packets_with_a_place_are_all_told_apart" kin_sql "$1" kin-flight "SELECT count(*) > 65536 AND count(*) = count(DISTINCT packet)
		FROM hop WHERE function = 'udp_send_skb'"
}
