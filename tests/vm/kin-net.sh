# SPDX-License-Identifier: GPL-2.0
#
# kin-net.sh - the network of topics/kin.sh: a router, a bridge and a tunnel between two namespaces.
#
#     kin-a                        kin-r                           kin-b
#     a0 10.1.0.1/24  ==== ra 10.1.0.254   rb 10.2.0.254 ====  b0 10.2.0.1/24
#     a1 10.3.0.1/24  ==== pa ---- br0 10.3.0.254 ---- pb ====  b1 10.3.0.2/24
#     vx 10.9.0.1/24  ............ over the router ............  vx 10.9.0.2/24
#
# kin_up, kin_down; kin_sink NAMESPACE NAME COMMAND...: a receiver in the background that is ready when this returns.

kin_a="ip netns exec kin-a"
kin_r="ip netns exec kin-r"
kin_b="ip netns exec kin-b"

# namespace, device, peer, address
kin_pair() {
	ip -n "$1" link add "$2" type veth peer name "$3" netns kin-r &&
		ip -n kin-r link set "$3" up || return
	net_end "$1" "$2" "$4"
}

# The tunnel's end in a namespace: that, its device, from, to, its address
kin_tunnel() {
	ip -n "$1" link add vx type vxlan id 9 local "$3" remote "$4" dstport 4789 dev "$2" || return
	net_end "$1" vx "$5"
}

kin_up() {
	local ns

	kin_down
	for ns in kin-a kin-r kin-b; do
		ip netns add $ns && net_settings $ns || return
	done
	kin_pair kin-a a0 ra 10.1.0.1 && kin_pair kin-b b0 rb 10.2.0.1 && kin_pair kin-a a1 pa 10.3.0.1 &&
		kin_pair kin-b b1 pb 10.3.0.2 || return
	ip -n kin-r link add br0 type bridge && ip -n kin-r link set pa master br0 && ip -n kin-r link set pb master br0 || return
	net_end kin-r br0 10.3.0.254
	net_end kin-r ra 10.1.0.254
	net_end kin-r rb 10.2.0.254
	$kin_r sysctl -qw net.ipv4.ip_forward=1
	ip -n kin-a route add default via 10.1.0.254
	ip -n kin-b route add default via 10.2.0.254
	ip -n kin-r route add 224.0.0.0/4 dev ra
	kin_tunnel kin-a a0 10.1.0.1 10.2.0.1 10.9.0.1 && kin_tunnel kin-b b0 10.2.0.1 10.1.0.1 10.9.0.2 || return
	sleep 1
	kin_knows
}

# The neighbours learn each other.
kin_knows() {
	$kin_a ping -c 1 -W 2 10.2.0.1 && $kin_a ping -c 1 -W 2 10.3.0.2 && $kin_a ping -c 1 -W 2 10.9.0.2
}

kin_down() {
	ip netns delete kin-a 2>/dev/null
	ip netns delete kin-r 2>/dev/null
	ip netns delete kin-b 2>/dev/null
	return 0
}

# What it prints is in /out/NAME.sink; kin_sunk waits for all of them.
kin_sinks=
kin_sink() {
	local fifo namespace=$1 name=$2

	shift 2
	fifo=$(mktemp -u)
	mkfifo "$fifo" || return
	ip netns exec "$namespace" "$@" >"$fifo" 2>"/out/$name.trouble" &
	kin_sinks="$kin_sinks $!"
	exec 9<"$fifo"
	read -r _ <&9
	cat <&9 >"/out/$name.sink" &
	kin_sinks="$kin_sinks $!"
	exec 9<&-
	rm "$fifo"
}

kin_sunk() {
	wait $kin_sinks
	kin_sinks=
}
