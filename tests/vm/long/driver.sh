# SPDX-License-Identifier: GPL-2.0
#
# driver.sh - a packet through real drivers: out through one network card, in through another.  driver-net.sh has the
# network.  What veth has not: rings, completion, polling, sk_buffs that a driver builds and that come back to it.

# driver_traffic NET: a query, pings, a transfer, two packets that the receiver's firewall drops
driver_traffic() {
	kin_sink drv-b "driver-$1" traffic tcp-sink 7050
	$drv_a dig @10.$1.0.2 example.test A +tries=1 +timeout=3 >/dev/null
	$drv_a ping -c 2 -i 0.2 -W 2 10.$1.0.2 >/dev/null
	$drv_a traffic tcp-send 10.$1.0.2 7050 200000
	$drv_a traffic udp-send 10.$1.0.2 7051 100 2
	kin_sunk
	sleep 1
}

driver_record() {	# NAME NET
	local status

	start "driver-$1" host 10.$2.0.2 || return
	driver_traffic "$2"
	kill -INT "$recorder"
	finish
	status=$?
	detached
	is "$status" 0 "driver-$1" && counts_are_said "driver-$1"
}

# --- XDP on the receiving card

driver_xdp_on() {	# NAMESPACE DEVICE MODE PROGRAM
	ip -n "$1" link set dev "$2" "$3" obj /usr/local/bin/verdicts.bpf.o program "$4"
}

driver_xdp_off() {
	local ns device

	for device in drv-a/virtio0 drv-b/virtio0 drv-a/vmxnet0 drv-b/vmxnet0 drv-c/far0; do
		ns=${device%/*}
		ip -n "$ns" link set dev "${device#*/}" xdpgeneric off
		ip -n "$ns" link set dev "${device#*/}" xdpdrv off
	done >/dev/null 2>&1
}

driver_xdp() {	# NAME NET STATUS: a query, of which dig says so
	local status

	record "driver-$1" udp port 53 -- $drv_a dig @10.$2.0.2 example.test A +tries=1 +timeout=1
	status=$?
	detached
	driver_xdp_off
	is $status "$3" "driver-$1" && counts_are_said "driver-$1"
}

driver_xdp_one() {	# CARD NET MODE
	local card=$1 net=$2 mode=$3 name=$1-$3

	driver_xdp_on drv-b ${card}0 $mode xdp_lets_queries_pass && driver_xdp "$name-pass" $net 0 || return
	driver_xdp_on drv-b ${card}0 $mode xdp_drops_queries && driver_xdp "$name-drop" $net 9 || return
	driver_xdp_on drv-a ${card}0 $mode xdp_lets_queries_pass && driver_xdp_on drv-b ${card}0 $mode xdp_sends_queries_back &&
		driver_xdp "$name-tx" $net 9 || return
	driver_far $card $net && driver_xdp_on drv-c far0 $mode xdp_lets_queries_pass && driver_xdp_on drv-b ${card}0 $mode xdp_redirects_queries &&
		driver_xdp "$name-redirect" $net 9
}

# --- a VLAN over the card: the tag lies in the packet, or, where the card puts it in, beside it

driver_vlan() {	# CARD NET
	local ns n

	modprobe 8021q || return
	n=0
	for ns in drv-a drv-b; do
		n=$((n + 1))
		ip -n $ns link add link "${1}0" name "${1}0.5" type vlan id 5 && net_end $ns "${1}0.5" "10.${2}5.0.$n" || return
	done
	sleep 1
	$drv_a dig @10.${2}5.0.2 example.test A +tries=1 +timeout=3
}

driver_vlan_record() {	# NAME NET FILTER: untagged and tagged queries
	record "driver-$1" --func '*_output' --func '*_rcv' --func '*dev_queue_xmit' --func '*_xmit' --func '*receive_skb*' --func 'eth_type_trans' \
		$3 -- $drv_a sh -c "dig @10.$2.0.2 example.test A +tries=1 +timeout=3; dig @10.${2}5.0.2 example.test A +tries=1 +timeout=3"
	is $? 0 "driver-$1" && counts_are_said "driver-$1"
}

driver_guest() {
	. "$here/kin-net.sh"
	. "$here/driver-net.sh"
	claim "driver_network_is_up" driver_up
	$drv_b iptables-legacy -A INPUT -p udp --dport 7051 -j DROP
	claim "virtio_net_is_recorded" driver_record virtio 6
	claim "vmxnet3_is_recorded" driver_record vmxnet 7
	claim "native_xdp_of_virtio_net_is_recorded" driver_xdp_one virtio 6 xdpdrv
	claim "generic_xdp_of_vmxnet3_is_recorded" driver_xdp_one vmxnet 7 xdpgeneric
	claim "vlan_of_virtio_net_is_up" driver_vlan virtio 6
	claim "vlan_of_vmxnet3_is_up" driver_vlan vmxnet 7
	claim "vlan_of_virtio_net_is_recorded" driver_vlan_record virtio-vlan 6 'vlan 5 and udp port 53'
	claim "vlan_of_vmxnet3_is_recorded" driver_vlan_record vmxnet-vlan 7 'vlan 5 and udp port 53'
	claim "other_vlan_of_vmxnet3_is_recorded" driver_vlan_record vmxnet-other-vlan 7 'vlan 6 and udp port 53'
	driver_down
}

# --- on the host -------------------------------------------------------------------------------------------------------

driver_sql() {	# DIR NAME QUERY: answers 1
	local answer

	answer=$(pktsql "$1/driver-$2.trc" --csv "$3" | tr -d '\r' | tail -n 1)
	[ "$answer" = 1 ] && return
	echo "$3: $answer"
	pktshow "$1/driver-$2.trc" | head -60
	pktsql "$1/driver-$2.trc" 'SELECT packet, tuple, fate, fate_function, reason, netns, first_function, hops FROM packet LIMIT 100'
	return 1
}

driver_shows() {	# DIR NAME PATTERN: in the path of the first packet
	pktshow "$1/driver-$2.trc" --packet 1 --color never | tee /dev/stderr | grep -q "$3"
}

driver_host_card() {	# DIR CARD NET XMIT POLL
	local query="src = '10.$3.0.1' AND dst = '10.$3.0.2' AND dport = 53"

	claim "$2_takes_the_query" driver_sql "$1" $2 "SELECT count(*) = 1 FROM packet WHERE $query AND netns = 'drv-a' AND fate = 'sent' AND
		packet IN (SELECT packet FROM hop WHERE function = '$4' AND device = '${2}0')"
	claim "$2_brings_the_query" driver_sql "$1" $2 "SELECT count(*) = 1 FROM packet WHERE $query AND netns = 'drv-b' AND fate = 'delivered' AND
		packet IN (SELECT packet FROM stack WHERE function = '$5')"
	claim "$2_packets_end_once_and_are_not_seen_after" driver_sql "$1" $2 "SELECT max(ends) = 1 AND max(after) = 0 AND count(*) > 50 FROM (
		SELECT sum(function IN ('kfree_skbmem', 'napi_skb_cache_put') AND kind = 'entry') AS ends, max(hop) FILTER (WHERE kind = 'entry') -
			max(hop) FILTER (WHERE function IN ('kfree_skbmem', 'napi_skb_cache_put')) AS after FROM hop GROUP BY packet HAVING ends > 0)"
	claim "$2_sk_buffs_that_come_back_are_other_packets" driver_sql "$1" $2 "SELECT max(n) = 1 AND count(*) > 50 FROM (
		SELECT count(DISTINCT src || sport || dst || dport) AS n FROM hop WHERE kind = 'entry' AND dport > 0 GROUP BY packet)"
	claim "$2_account_is_balanced" driver_sql "$1" $2 "SELECT min(recorded + lost = produced) FROM loss"
	claim "$2_drop_of_the_receivers_firewall_is_the_fate" driver_sql "$1" $2 "SELECT count(*) = 2 AND min(netns) = 'drv-b' AND min(fate) = 'dropped'
		AND min(reason) = 'NETFILTER_DROP' FROM packet WHERE dport = 7051 AND fate != 'sent'"
	claim "$2_what_it_was_given_is_sent" driver_sql "$1" $2 "SELECT count(*) > 20 AND min(fate) = 'sent' AND max(fate) = 'sent' FROM packet
		WHERE packet IN (SELECT packet FROM hop WHERE function = '$4')"
	claim "$2_drops_nothing" driver_sql "$1" $2 "SELECT count(*) = 0 FROM packet WHERE fate = 'dropped' AND
		fate_function IN (SELECT name FROM function WHERE layer = 'driver')"
	claim "$2_kin_are_of_one_journey" driver_sql "$1" $2 "SELECT count(*) > 20 AND min(p.journey = c.journey) FROM lineage
		JOIN packet p ON p.packet = parent JOIN packet c ON c.packet = child"
	claim "$2_functions_have_a_layer" driver_sql "$1" $2 "SELECT count(*) = 0 FROM function WHERE hits > 0 AND layer IS NULL"
}

driver_decides() {	# DIR NAME EXPECTED: what was decided about the query, in order
	driver_sql "$1" "$2" "SELECT coalesce(group_concat(v, ' '), '') = '$3' FROM (SELECT function || '=' || verdict AS v FROM hop
		WHERE function GLOB 'xdp_*queries*' AND verdict IS NOT NULL AND packet IN (SELECT packet FROM packet WHERE dport = 53) ORDER BY time_ns)"
}

driver_fate() {	# DIR NAME FATE: of what the receiver's program decided about
	driver_sql "$1" "$2" "SELECT count(*) = 1 AND fate = '$3' FROM packet WHERE dport = 53 AND packet IN (
		SELECT packet FROM hop WHERE netns = 'drv-b' AND function GLOB 'xdp_*queries*')"
}

driver_host_xdp() {	# DIR NAME
	claim "$2_pass_is_a_hop" driver_decides "$1" $2-pass "xdp_lets_queries_pass=XDP_PASS"
	claim "$2_drop_is_a_hop" driver_decides "$1" $2-drop "xdp_drops_queries=XDP_DROP"
	claim "$2_drop_is_the_fate" driver_fate "$1" $2-drop dropped
	claim "$2_tx_is_a_hop" driver_decides "$1" $2-tx "xdp_sends_queries_back=XDP_TX"
	claim "$2_tx_is_the_fate" driver_fate "$1" $2-tx sent
	claim "$2_redirect_is_a_hop" driver_decides "$1" $2-redirect "xdp_redirects_queries=XDP_REDIRECT xdp_lets_queries_pass=XDP_PASS"
	claim "$2_redirected_query_is_delivered_in_the_same_journey" driver_sql "$1" $2-redirect "SELECT count(*) = 1 FROM packet
		WHERE dport = 53 AND fate = 'delivered' AND journey IN (SELECT journey FROM packet JOIN hop USING (packet)
			WHERE function = 'xdp_redirects_queries')"
}

driver_host() {
	# GRO takes segments whose headers are in pages; an emulated machine may miss a few, in interrupts, and says so
	claim "virtio_tcp_is_received_whole" driver_sql "$1" virtio "SELECT sum(netns = 'drv-a' AND fate = 'sent') <=
		sum(netns = 'drv-b') + 2 + (SELECT missed / 20 FROM recording) FROM packet WHERE dport = 7050"
	driver_host_card "$1" virtio 6 start_xmit virtnet_poll
	driver_host_card "$1" vmxnet 7 vmxnet3_xmit_frame vmxnet3_poll_rx_only
	claim "vmxnet_free_of_what_was_sent_is_shown_as_no_drop" driver_shows "$1" vmxnet 'tx_complete.*freed here, without a reason'
	claim "virtio_segments_are_sent" driver_sql "$1" virtio "SELECT count(*) > 20 AND min(fate) = 'sent' AND max(fate) = 'sent' FROM lineage
		JOIN packet ON packet = child WHERE kind = 'segment'"
	claim "virtio_segments_are_merged" driver_sql "$1" virtio "SELECT count(*) > 5 AND min(fate) = 'merged' AND max(fate) = 'merged' FROM lineage
		JOIN packet ON packet = parent WHERE kind = 'merge'"
	driver_host_xdp "$1" virtio-xdpdrv
	driver_host_xdp "$1" vmxnet-xdpgeneric
	# 6.1's virtio_net copies small frames that may pass: nothing says which sk_buff one is in then
	[ "$2" = 6.1 ] || claim "native_xdp_frames_are_kin_of_the_packets_after" driver_sql "$1" virtio-xdpdrv-pass "SELECT count(*) = 1 AND min(fate) = 'delivered' FROM lineage
		JOIN packet ON packet = child WHERE kind = 'rebuild'"
	claim "vlan_of_virtio_net_is_found" driver_sql "$1" virtio-vlan "SELECT count(DISTINCT netns || dport) = 4 AND
		min(src LIKE '10.65.%') FROM packet"
	claim "vlan_of_vmxnet3_is_found" driver_sql "$1" vmxnet-vlan "SELECT count(DISTINCT netns || dport) = 4 AND min(src LIKE '10.75.%') FROM packet"
	claim "other_vlan_is_not_found" driver_sql "$1" vmxnet-other-vlan "SELECT count(*) = 0 FROM packet"
}
