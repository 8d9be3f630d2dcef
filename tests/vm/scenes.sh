# SPDX-License-Identifier: GPL-2.0
#
# scenes.sh - record what the samples besides ok.trc and dropped.trc show, into $OUT or /out, in a test machine.
#
#   tcp.trc    a client fetches 10 kB through a qdisc that shapes and loses; several segments are sent again
#   router.trc a router hides the client's address; requests go through one link, answers come back through another;
#              rules of iptables and of nft that drop, reject, count or let pass; a port where nobody listens
#
#     namespace client                 namespace router                   namespace server
#     c0 10.1.0.1/24  ===== veth =====  r0 10.1.0.2/24
#     c1 10.2.0.1/24  ===== veth =====  r1 10.2.0.2/24    r2 10.9.0.1/24  ===== veth =====  s0 10.9.0.2/24

here=${0%/*}
out=${OUT:-/out}
. "$here/net.sh"

# ping, nc and wget are busybox's wherever this runs
in_net() {
	local net=$1

	shift
	ip netns exec "$net" "$@"
}

link() {	# link NETNS DEVICE ADDRESS NETNS DEVICE ADDRESS
	ip -n "$1" link add "$2" type veth peer name "$5" netns "$4" || return
	net_end "$1" "$2" "$3"
	net_end "$4" "$5" "$6"
}

up() {
	for net in client router server; do
		ip netns add $net || return
		net_settings $net
	done
	link client c0 10.1.0.1 router r0 10.1.0.2 || return
	link client c1 10.2.0.1 router r1 10.2.0.2 || return
	link server s0 10.9.0.2 router r2 10.9.0.1 || return
	ip -n client route add 10.9.0.0/24 via 10.1.0.2
	ip -n server route add default via 10.9.0.1
	for net in client router; do
		in_net $net sh -c 'for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$f; done; echo 1 >/proc/sys/net/ipv4/ip_forward'
	done
	mkdir -p /tmp/www
	dd if=/dev/zero of=/tmp/www/page bs=1000 count=10 2>/dev/null
	in_net server busybox httpd -f -p 80 -h /tmp/www &
	in_net server dns-responder >/dev/null &
	sleep 2
	in_net client busybox ping -c 1 10.9.0.2 >/dev/null
}

record() {	# record NAME [OPTION...] -- COMMAND...
	local name=$1 status

	shift
	detached
	pktrec -o "$out/$name.trc" "$@" >"$out/$name.words" 2>&1
	status=$?
	tail -n 1 "$out/$name.words"
	[ $status != 2 ]
}

fetch="ip netns exec client busybox wget -q -O /dev/null http://10.9.0.2/page"
dig_server="ip netns exec client dig @10.9.0.2 +tries=1 +timeout=1"

scene_tcp() {
	tc -n server qdisc add dev s0 root netem delay 2ms loss 15% || return
	record tcp 'tcp port 80' -- $fetch
	tc -n server qdisc del dev s0 root
}

rules_up() {
	in_net router nft 'table ip hide { chain post { type nat hook postrouting priority 100; oifname "r2" counter masquerade; };
		chain pre { type nat hook prerouting priority -100; udp dport 5353 counter dnat to :53; }; }' &&
	in_net router nft 'table inet guard { chain transit { type filter hook forward priority 0; policy accept;
		udp dport 53 counter accept; tcp dport 8080 counter drop comment "no proxies"; tcp dport 23 counter reject; }; }' &&
	in_net client iptables-legacy -A OUTPUT -p udp -d 10.9.0.2 --dport 69 -m comment --comment "no tftp" -j DROP
}

scene_router() {
	rules_up || return
	# what the client is answered goes another way
	ip -n router route add 10.1.0.1 via 10.2.0.1 dev r1 || return
	record router 'host 10.9.0.2' -- sh -c "$dig_server one.test A
		$dig_server -p 5353 two.test A
		$dig_server -p 69 three.test A
		$dig_server -p 54 four.test A
		ip netns exec client busybox ping -c 1 10.9.0.2
		ip netns exec client busybox nc -w 1 10.9.0.2 8080
		ip netns exec client busybox nc -w 1 10.9.0.2 23"
}

unset SUDO_UID SUDO_GID SUDO_USER SUDO_COMMAND
ln -sf xtables-legacy-multi /usr/bin/iptables-legacy-save
up || { echo "scenes: the network could not be made" >&2; exit 2; }
scene_tcp && scene_router
