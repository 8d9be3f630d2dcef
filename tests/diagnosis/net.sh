# SPDX-License-Identifier: GPL-2.0
#
# net.sh - the networks of the proving ground and what is sent over them; read by guest.sh in a test machine.
#
# The client asks, the server answers names (port 53) and serves a page (port 80).  A fault says which one it needs:
#
#   pair      client c0 10.0.0.1 ==== s0 10.0.0.2 server; fd00::1 and fd00::2
#   routed    client c0 10.1.0.1 ==== r0 10.1.0.254 router r1 10.2.0.254 ==== s0 10.2.0.1 server
#             behind the server 10.99.0.1, for which the router has a route
#   routed6   the same by IPv6: fd01::1 ==== fd01::ff, fd02::ff ==== fd02::1; behind the server fd99::1
#   detour    routed, and a cable client c1 10.3.0.1 ==== s1 10.3.0.2 server: what is asked of 10.2.0.1 goes by it,
#             the answers by the router
#   bridged   client c0 10.0.0.1 ==== p0 (br0 of switch) p1 ==== s0 10.0.0.2 server
#   tunnel    routed, and over it VXLAN: client vx 10.9.0.1 .... vx 10.9.0.2 server
#
# net_NAME makes it, $server is the address to ask, and these are what a fault can have as its traffic:
#
#   ask             one query for a name         ask6      the same by IPv6
#   ask_many N      N queries, one at a time     fetch     the page, by TCP
#   mixed           three queries, the page, a ping
#   burst SIZE N    N datagrams at once to one who reads them late
#   paced SIZE N MS one datagram every so many milliseconds
#
# Their status says whether it worked.  Plain sh: the guest has dash.

. /usr/local/bin/net.sh		# tests/vm/net.sh

on() {	# on NETNS COMMAND...
	local ns=$1

	shift
	ip netns exec "$ns" "$@"
}

# --- building -------------------------------------------------------------------------------------------------------

ns_add() {
	local ns

	for ns; do
		ip netns add "$ns" && net_settings "$ns" && on "$ns" ip link set lo up || return
	done
}

cable() {	# cable NETNS DEVICE NETNS DEVICE
	ip -n "$1" link add "$2" type veth peer name "$4" netns "$3" && ip -n "$1" link set "$2" up && ip -n "$3" link set "$4" up
}

address() {	# address NETNS DEVICE ADDRESS/BITS
	ip -n "$1" address add "$3" dev "$2"
}

# The responder says when it listens; httpd forks when it does.
serve() {
	local fifo=/tmp/serve.$$

	mkfifo -m 600 "$fifo" || return
	on server dns-responder --ready-fd 3 3>"$fifo" >/dev/null 2>&1 &
	read -r _ <"$fifo"
	rm -f "$fifo"
	mkdir -p /tmp/www
	dd if=/dev/zero of=/tmp/www/page bs=1000 count=10 2>/dev/null
	on server busybox httpd -p 80 -h /tmp/www
}

# The neighbours learn each other, and what IPv6 says by itself is over.
settle() {
	sleep 1
	on client ping -c 1 -W 2 "$server" >/dev/null
}

net_pair() {
	server=10.0.0.2
	ns_add client server && cable client c0 server s0 && address client c0 10.0.0.1/24 && address server s0 10.0.0.2/24 &&
		address client c0 fd00::1/64 && address server s0 fd00::2/64 && serve && settle && on client ping -6 -c 1 -W 2 fd00::2 >/dev/null
}

routed_cables() {
	server=10.2.0.1
	ns_add client router server && cable client c0 router r0 && cable router r1 server s0 &&
		address client c0 10.1.0.1/24 && address router r0 10.1.0.254/24 && address router r1 10.2.0.254/24 &&
		address server s0 10.2.0.1/24 && address server lo 10.99.0.1/32 && on router sysctl -qw net.ipv4.ip_forward=1 &&
		ip -n client route add default via 10.1.0.254 && ip -n server route add default via 10.2.0.254 &&
		ip -n router route add 10.99.0.1 via 10.2.0.1
}

net_routed() {
	routed_cables && serve && settle
}

net_routed6() {
	server=fd02::1
	ns_add client router server && cable client c0 router r0 && cable router r1 server s0 &&
		address client c0 fd01::1/64 && address router r0 fd01::ff/64 && address router r1 fd02::ff/64 &&
		address server s0 fd02::1/64 && address server lo fd99::1/128 && on router sysctl -qw net.ipv6.conf.all.forwarding=1 &&
		ip -n client route add default via fd01::ff && ip -n server route add default via fd02::ff &&
		ip -n router route add fd99::1 via fd02::1 && serve && sleep 1 && on client ping -6 -c 1 -W 2 "$server" >/dev/null
}

net_detour() {
	routed_cables && cable client c1 server s1 && address client c1 10.3.0.1/24 && address server s1 10.3.0.2/24 &&
		ip -n client route add 10.2.0.1 via 10.3.0.2 dev c1 src 10.1.0.1 && serve && settle
}

net_bridged() {
	server=10.0.0.2
	ns_add client switch server && ip -n switch link add br0 type bridge && ip -n switch link set br0 up &&
		cable client c0 switch p0 && cable server s0 switch p1 &&
		ip -n switch link set p0 master br0 && ip -n switch link set p1 master br0 &&
		address client c0 10.0.0.1/24 && address server s0 10.0.0.2/24 && serve && sleep 2 && settle
}

net_tunnel() {
	routed_cables && server=10.9.0.2 &&
		ip -n client link add vx type vxlan id 9 local 10.1.0.1 remote 10.2.0.1 dstport 4789 dev c0 nolearning &&
		ip -n server link add vx type vxlan id 9 local 10.2.0.1 remote 10.1.0.1 dstport 4789 dev s0 nolearning &&
		ip -n client link set vx up && ip -n server link set vx up && address client vx 10.9.0.1/24 &&
		address server vx 10.9.0.2/24 && serve && settle
}

net_gone() {
	local ns pid

	for ns in client router switch server other; do
		[ -e "/run/netns/$ns" ] || continue
		for pid in $(ip netns pids $ns); do
			kill -9 "$pid"
		done
		ip netns delete $ns
	done 2>/dev/null
	return 0
}

# set_for_now NAME=VALUE: a setting of the whole machine, until settings_back
set_for_now() {
	echo "${1%%=*}=$(sysctl -n "${1%%=*}")" >>/tmp/settings
	sysctl -qw "$1"
}

settings_back() {
	local setting

	[ -e /tmp/settings ] || return 0
	while read -r setting; do
		sysctl -qw "$setting"
	done </tmp/settings
	rm /tmp/settings
}

# --- traffic --------------------------------------------------------------------------------------------------------

dig_client() {
	on client dig +noedns +tries=1 "+timeout=${patience:-1}" "$@" example.test A
}

ask() {
	dig_client "@$server"
}

ask6() {
	dig_client @fd00::2
}

ask_many() {
	local n=$1 bad=0

	while [ "$n" -gt 0 ]; do
		ask || bad=1
		n=$((n - 1))
	done
	return $bad
}

fetch() {
	on client timeout "${patience:-2}" busybox wget -q -O /dev/null "http://$server/page"
}

mixed() {
	local bad=0

	ask_many 3 || bad=1
	fetch || bad=1
	on client ping -c 1 -W 1 "$server" || bad=1
	return $bad
}

# listen_for NAME COMMAND...: in the server's namespace, in the background; it is ready when this returns
listen_for() {
	local fifo=/tmp/listen.$$

	rm -f "$fifo"
	mkfifo "$fifo" || return
	ip netns exec server "$@" >"$fifo" &
	listener=$!
	exec 9<"$fifo"
	read -r _ <&9
	rm -f "$fifo"
}

burst() {
	listen_for endpoint lazy 4001 "$2" && on client endpoint send "$server" 4001 "$1" "$2"
	wait "$listener"
}

# paced SIZE N MILLISECONDS: one datagram each time
paced() {
	listen_for endpoint lazy 4001 "$2" && on client endpoint send "$server" 4001 "$1" "$2" "$3"
	wait "$listener"
}

# --- BPF ------------------------------------------------------------------------------------------------------------

# /sys is another one within `ip netns exec`; bpftool would mount a bpffs over the folder above the one it makes
bpf_programs() {
	[ ! -e /run/bpf/programs ] || return 0
	mkdir -p /run/bpf && mount -t bpf bpf /run/bpf && bpftool prog loadall /usr/local/bin/verdicts.bpf.o /run/bpf/programs
}
