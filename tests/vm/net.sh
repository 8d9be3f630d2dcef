# SPDX-License-Identifier: GPL-2.0
#
# net.sh - the network of the main job; read by scripts on a host whose kernel can be traced, and in test machines.
#
#     namespace pktrec-client                    namespace pktrec-server
#     client0  10.0.0.1/24  ===== veth =====  server0  10.0.0.2/24     dns-responder on port 53
#
#   net_up, net_down     make it, remove it (net_down is safe to call at any time)
#   query                ask for a name from the client's namespace, once
#   rule_add KIND        drop such queries on the client's OUTPUT: iptables-legacy, iptables-nft or nft
#   rule_del KIND        and no longer
#   detached             wait until no recorder is detaching in the background any more
#
# Plain sh: the guest has dash.

in_client="ip netns exec pktrec-client"
in_server="ip netns exec pktrec-server"

# Quiet: no duplicate address detection, no router solicitations, multicast joins reported at once.
# What IPv6 still says by itself is over before anything is recorded.
net_settings() {
	ip netns exec "$1" sh -c '
		cd /proc/sys/net/ipv6/conf 2>/dev/null || exit 0
		for d in all default; do
			echo 0 >$d/accept_dad
			echo 0 >$d/router_solicitations
			echo 10 >$d/mldv2_unsolicited_report_interval
		done'
}

# namespace, device, address
net_end() {
	ip -n "$1" link set lo up
	ip -n "$1" address add "$3/24" dev "$2"
	ip -n "$1" link set "$2" up
}

net_up() {
	net_down
	ip netns add pktrec-client || return
	ip netns add pktrec-server || return
	net_settings pktrec-client
	net_settings pktrec-server
	ip -n pktrec-client link add client0 type veth peer name server0 netns pktrec-server || return
	net_end pktrec-client client0 10.0.0.1 || return
	net_end pktrec-server server0 10.0.0.2 || return
	net_serve || return
	sleep 1		# carriers come up, MLD reports go out
	query >/dev/null	# the neighbours learn each other
}

# Starts the responder and waits until it listens: the read ends when it closes the pipe.
net_serve() {
	local fifo

	fifo=$(mktemp -u)
	mkfifo -m 600 "$fifo" || return
	$in_server "${DNS_RESPONDER:-dns-responder}" --ready-fd 3 3>"$fifo" >/dev/null 2>&1 &
	net_server=$!
	read -r _ <"$fifo"
	rm -f "$fifo"
	kill -0 "$net_server" || { echo "net: dns-responder did not start" >&2; return 1; }
}

net_down() {
	[ -z "${net_server:-}" ] || { kill "$net_server" && wait "$net_server"; net_server=; } 2>/dev/null
	ip netns delete pktrec-client 2>/dev/null
	ip netns delete pktrec-server 2>/dev/null
	return 0
}

dig_command="$in_client dig @10.0.0.2 example.test A +tries=1 +timeout=1"

query() {
	$dig_command "$@"
}

# An emulated processor may stumble over code that is patched while packets pass: the kernel then dies.
detached() {
	local i

	for i in $(seq 300); do
		grep -qsx pktrec-detach /proc/[0-9]*/comm || return 0
		sleep 0.1
	done
}

rule_words="OUTPUT -p udp --dport 53 -d 10.0.0.2 -j DROP"

rule_add() {
	case $1 in
	iptables-*) $in_client "$1" -A $rule_words ;;
	nft) $in_client nft 'table inet pktrec_test { chain out { type filter hook output priority 0; policy accept;
		ip daddr 10.0.0.2 udp dport 53 counter drop; }; }' ;;
	*) return 2 ;;
	esac
}

rule_del() {
	case $1 in
	iptables-*) $in_client "$1" -D $rule_words ;;
	nft) $in_client nft delete table inet pktrec_test ;;
	*) return 2 ;;
	esac
}
