# SPDX-License-Identifier: GPL-2.0
#
# vlan.sh - filters about VLANs, where the kernel keeps the outer tag beside the packet: over veth it always does.
#
#   client0       10.0.0.1  ====  10.0.0.2      server0
#   client0.5    10.50.0.1   5    10.50.0.2     server0.5
#   client0.5.7  10.57.0.1  5,7   10.57.0.2     server0.5.7
#
# The traffic is a query each way; each recording must have the one that its filter is about, and no other.

vlan_up() {
	local ns device

	modprobe 8021q || return
	for ns in client server; do
		device=${ns}0
		ip -n pktrec-$ns link add link $device name $device.5 type vlan id 5 &&
			ip -n pktrec-$ns link add link $device.5 name $device.5.7 type vlan id 7 || return
	done
	net_end pktrec-client client0.5 10.50.0.1 && net_end pktrec-server server0.5 10.50.0.2 || return
	net_end pktrec-client client0.5.7 10.57.0.1 && net_end pktrec-server server0.5.7 10.57.0.2 || return
	sleep 1
	vlan_traffic
}

vlan_down() {
	ip -n pktrec-client link del client0.5
	ip -n pktrec-server link del server0.5
}

vlan_traffic() {
	$in_client sh -c 'for net in 0 50 57; do dig @10.$net.0.2 example.test A +tries=1 +timeout=3 || exit; done'
}

vlan_record() {	# NAME FILTER
	start "vlan-$1" --func 'ip*_output' --func 'ip_rcv*' --func '*dev_queue_xmit' --func '*_xmit' --func '*netif_receive_skb*' --func 'netif_rx*' $2 || return
	vlan_traffic
	kill -INT "$recorder"
	finish
	is $? 0 "vlan-$1" && counts_are_said "vlan-$1"
}

vlan_guest() {
	claim "vlans_are_up" vlan_up
	claim "vlan_is_recorded" vlan_record right 'vlan 5 and udp port 53'
	claim "any_vlan_is_recorded" vlan_record any 'vlan and ip host 10.50.0.2'
	claim "other_vlan_is_recorded" vlan_record wrong 'vlan 6'
	claim "stacked_vlans_are_recorded" vlan_record stacked 'vlan 5 and vlan 7 and udp port 53'
	claim "stacked_vlans_the_other_way_are_recorded" vlan_record order 'vlan 7 and vlan 5'
	claim "no_vlan_is_recorded" vlan_record none 'udp port 53 and net 10.0.0.0/24'
	vlan_down
}

# DIR NAME EXPECTED: the nets of the queries and answers there, both ways
vlan_nets() {
	local said

	said=$(pktsql "$1/vlan-$2.trc" --csv "SELECT group_concat(n, ' ') FROM (SELECT DISTINCT substr(src, 4, instr(substr(src, 4), '.') - 1) || ':' || (dport = 53) AS n
		FROM packet WHERE proto = 17 ORDER BY n)" | tr -d '\r"' | tail -n 1)
	[ "$said" = "$3" ] && return
	echo "said: $said"
	pktshow "$1/vlan-$2.trc"
	return 1
}

vlan_host() {
	claim "vlan_finds_its_packets_alone" vlan_nets "$1" right "50:0 50:1"
	claim "any_vlan_finds_tagged_packets" vlan_nets "$1" any "50:0 50:1"
	claim "other_vlan_finds_nothing" vlan_nets "$1" wrong ""
	claim "stacked_vlans_find_their_packets_alone" vlan_nets "$1" stacked "57:0 57:1"
	claim "stacked_vlans_have_an_order" vlan_nets "$1" order ""
	claim "filters_without_vlan_see_no_tag" vlan_nets "$1" none "0:0 0:1"
}
