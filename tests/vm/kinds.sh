# SPDX-License-Identifier: GPL-2.0
#
# kinds.sh - record small samples of the kinds of traffic that the others do not show, into $OUT or /out, in a test machine.
#
#   bridge.trc   a ping across a bridge, whose neighbours must first be found (ARP)
#   tunnel.trc   a ping through VXLAN, over a router
#   six.trc      a ping of IPv6 across the bridge, with neighbour discovery
#   reset.trc    a connection to a port where nobody listens, refused by a reset
#   local.trc    a query over loopback
#   lost.trc     pings that a router cannot forward: no route, hops used up; and one too large for the MTU
#
# The network is that of kin-net.sh.

here=${0%/*}
out=${OUT:-/out}
. "$here/net.sh"
. "$here/kin-net.sh"
unset SUDO_UID SUDO_GID SUDO_USER SUDO_COMMAND

record() {	# record NAME FILTER -- COMMAND...
	local name=$1 status

	shift
	detached
	pktrec -o "$out/$name.trc" "$@" >"$out/$name.words" 2>&1
	status=$?
	tail -n 1 "$out/$name.words"
	[ $status != 2 ]
}

kin_up >/dev/null || { echo "kinds: the network could not be made" >&2; exit 2; }
ip -n kin-a address add fd00::1/64 dev a1
ip -n kin-b address add fd00::2/64 dev b1
$kin_a dns-responder >/dev/null &
sleep 2
ping6='ping -6'
$kin_a busybox ping -6 -c 1 fd00::2 >/dev/null 2>&1 && ping6='busybox ping -6'

record bridge 'arp or icmp' -- $kin_a sh -c 'ip neigh flush dev a1; ping -c 1 -W 2 10.3.0.2' || exit 2
record tunnel 'icmp or udp port 4789' -- $kin_a ping -c 1 -W 2 10.9.0.2 || exit 2
record six 'icmp6' -- $kin_a sh -c "ip -6 neigh flush dev a1; $ping6 -c 1 -W 2 fd00::2" || exit 2
record reset 'tcp port 81' -- $kin_a busybox nc -w 1 10.2.0.1 81 || exit 2
record local 'udp port 53' -- $kin_a dig @127.0.0.1 local.test A +tries=1 +timeout=1 || exit 2
record lost 'icmp' -- $kin_a sh -c 'ping -c 1 -W 1 10.77.0.1; ping -c 1 -W 1 -t 1 10.2.0.1; ping -c 1 -W 1 -s 3000 10.2.0.1' || exit 2
kin_down
