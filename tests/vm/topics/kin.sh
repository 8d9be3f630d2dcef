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
