# SPDX-License-Identifier: GPL-2.0
#
# verdicts.sh - what the firewalls decide, hook by hook, and that each return belongs to the call that it ends.
#
#   pktrec-client ==== pktrec-server ==== pktrec-third        the server forwards; its port to the third is in a bridge
#    10.0.0.1   10.0.0.2   10.9.0.1   10.9.0.2                IPv6: fd00::1 fd00::2 fd09::1 fd09::2
#
# A query to a port of its own for each decision, so that the port says which one it is:
#   7001 dropped at INPUT        7002 at FORWARD       7003 at OUTPUT       7004 at PREROUTING (raw)
#   7005 at POSTROUTING (mangle) 7006 accepted at INPUT by a rule           7007 rejected at INPUT
#   7008 queued at INPUT, where no program waits                            7009 is left alone

# Few are attached quickly on kernels without multi-probes.
verdicts_functions="--func nf_hook_slow --func *_do_table --func nft_do_chain* --func *reject* --func nf_queue --func *send_unreach*
	--func *dev_queue_xmit --func ip*_rcv --func br_handle_frame --func udp*_rcv --func *udp_enqueue*"

verdicts_ns() {	# NAMESPACE DEVICE ADDRESS4 ADDRESS6
	ip -n "$1" address add "$3/24" dev "$2"
	ip -n "$1" address add "$4/64" dev "$2" nodad
	ip -n "$1" link set "$2" up
}

verdicts_net() {
	ip netns add pktrec-third &&
		ip -n pktrec-server link add br9 type bridge &&
		ip -n pktrec-server link add third0 type veth peer name third1 netns pktrec-third || return
	net_settings pktrec-third
	ip -n pktrec-client address add fd00::1/64 dev client0 nodad
	ip -n pktrec-server address add fd00::2/64 dev server0 nodad
	ip -n pktrec-server link set third0 master br9 up
	ip -n pktrec-third link set lo up
	verdicts_ns pktrec-server br9 10.9.0.1 fd09::1
	verdicts_ns pktrec-third third1 10.9.0.2 fd09::2
	$in_server sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
	ip -n pktrec-client route add 10.9.0.0/24 via 10.0.0.2 &&
		ip -n pktrec-client -6 route add fd09::/64 via fd00::2 &&
		ip -n pktrec-third route add 10.0.0.0/24 via 10.9.0.1 &&
		ip -n pktrec-third -6 route add fd00::/64 via fd09::1 || return
	sleep 2
	$in_client ping -c 1 -W 3 10.9.0.2 && $in_client ping -6 -c 1 -W 3 fd09::2
}

verdicts_net_down() {
	ip netns delete pktrec-third
	ip -n pktrec-server link delete br9
	ip -n pktrec-client address del fd00::1/64 dev client0
	ip -n pktrec-server address del fd00::2/64 dev server0
	$in_server sh -c 'echo 0 >/proc/sys/net/ipv4/ip_forward; echo 0 >/proc/sys/net/ipv6/conf/all/forwarding'
}

# iptables-legacy, ip6tables-nft, ...: one program, its rules
verdicts_tables() {	# A or D, PROGRAM
	local udp="-p udp --dport"

	$in_server "$2" -$1 INPUT $udp 7001 -j DROP &&
		$in_server "$2" -$1 FORWARD $udp 7002 -j DROP &&
		$in_client "$2" -$1 OUTPUT $udp 7003 -j DROP &&
		$in_server "$2" -t raw -$1 PREROUTING $udp 7004 -j DROP &&
		$in_client "$2" -t mangle -$1 POSTROUTING $udp 7005 -j DROP &&
		$in_server "$2" -$1 INPUT $udp 7006 -j ACCEPT &&
		$in_server "$2" -$1 INPUT $udp 7007 -j REJECT &&
		$in_server "$2" -$1 INPUT $udp 7008 -j NFQUEUE --queue-num 8
}

verdicts_nft() {	# FAMILY: ip, ip6 or inet
	$in_client nft "table $1 verdicts {
		chain out { type filter hook output priority 0; policy accept; udp dport 7003 drop; };
		chain post { type filter hook postrouting priority 0; policy accept; udp dport 7005 drop; }; }" &&
	$in_server nft "table $1 verdicts {
		chain pre { type filter hook prerouting priority -300; policy accept; udp dport 7004 drop; };
		chain forwarded { type filter hook forward priority 0; policy accept; udp dport 7002 drop; };
		chain in { type filter hook input priority 0; policy accept;
			udp dport 7001 drop; udp dport 7006 accept; udp dport 7007 reject; udp dport 7008 queue num 8; }; }"
}

verdicts_queries() {	# ADDRESS of the server, ADDRESS of the third
	local port

	for port in 7001 7003 7004 7005 7006 7007 7008 7009; do
		echo "dig @$1 -p $port example.test A +tries=1 +timeout=1 &"
	done
	echo "dig @$2 -p 7002 example.test A +tries=1 +timeout=1 &"
	echo "wait"
}

verdicts_record() {	# NAME SERVER THIRD
	verdicts_queries "$2" "$3" >/tmp/queries
	record "verdicts-$1" $verdicts_functions udp -- $in_client sh /tmp/queries
	is $? 0 "verdicts-$1"
}

verdicts_by_tables() {	# PROGRAM SERVER THIRD
	local status

	verdicts_tables A "$1" && verdicts_record "$1" "$2" "$3"
	status=$?
	verdicts_tables D "$1"
	return $status
}

verdicts_by_nft() {	# FAMILY SERVER THIRD
	local status

	verdicts_nft "$1" && verdicts_record "nft-$1" "$2" "$3"
	status=$?
	$in_client nft delete table "$1" verdicts
	$in_server nft delete table "$1" verdicts
	return $status
}

# At the device, before IP; and in a bridge.
verdicts_below() {
	local status

	$in_server nft 'table netdev verdicts { chain in { type filter hook ingress device server0 priority 0; policy accept;
		udp dport 7001 drop; }; }' &&
		$in_server nft 'table bridge verdicts {
			chain in { type filter hook input priority 0; policy accept; udp dport 7002 drop; };
			chain pre { type filter hook prerouting priority 0; policy accept; udp dport 7003 drop; }; }' || return
	cat >/tmp/queries <<-'EOF2'
		ip netns exec pktrec-client dig @10.0.0.2 -p 7001 example.test A +tries=1 +timeout=1 &
		ip netns exec pktrec-third dig @10.9.0.1 -p 7002 example.test A +tries=1 +timeout=1 &
		ip netns exec pktrec-third dig @10.9.0.1 -p 7003 example.test A +tries=1 +timeout=1 &
		wait
	EOF2
	record verdicts-below $verdicts_functions udp -- sh /tmp/queries
	status=$?
	$in_server nft delete table netdev verdicts
	$in_server nft delete table bridge verdicts
	is $status 0 verdicts-below
}

# Over loopback the receiver's hooks run in softirqs on top of the sender's, on both CPUs at once.
verdicts_nested() {
	local status

	$in_client nft 'table inet nested {
		chain out { type filter hook output priority 0; policy accept; counter; };
		chain post { type filter hook postrouting priority 0; policy accept; counter; };
		chain pre { type filter hook prerouting priority 0; policy accept; counter; };
		chain in { type filter hook input priority 0; policy accept; counter; }; }' || return
	record verdicts-nested -B 16M --func 'nf_hook_slow' --func 'nft_do_chain*' --func '*dev_queue_xmit' --func '*neigh_event_send' \
		--func 'sk_filter_trim_cap' --func 'ip_route_input_noref' --func 'icmp_rcv' --func '*udp_enqueue*' -- \
		$in_client sh -c 'flood 127.0.0.1 9 400 & flood 10.0.0.1 9 400 & flood 10.0.0.2 9 400 & wait'
	status=$?
	$in_client nft delete table inet nested
	is $status 0 verdicts-nested
}

verdicts_guest() {
	local program

	modprobe -q openvswitch		# has drop reasons of its own

	claim "verdicts_network_is_up" verdicts_net
	for program in iptables-legacy iptables-nft; do
		claim "verdicts_of_${program}_record" verdicts_by_tables $program 10.0.0.2 10.9.0.2
	done
	for program in ip6tables-legacy ip6tables-nft; do
		claim "verdicts_of_${program}_record" verdicts_by_tables $program fd00::2 fd09::2
	done
	claim "verdicts_of_nft_record" verdicts_by_nft inet 10.0.0.2 10.9.0.2
	claim "verdicts_of_nft_for_ipv6_record" verdicts_by_nft ip6 fd00::2 fd09::2
	claim "verdicts_below_ip_record" verdicts_below
	claim "nested_verdicts_record" verdicts_nested
	verdicts_net_down >/dev/null 2>&1
}

# --- on the host -------------------------------------------------------------------------------------------------------

verdicts_rows() {	# DIR NAME QUERY
	pktsql "$1/verdicts-$2.trc" --csv "$3" | tr -d '\r' | tail -n +2
}

# Port, hook, what the table function says, and nf_hook_slow, the packet's fate and reason.  "-" = whatever.
verdicts_list() {
	cat <<-EOF2
	7001 LOCAL_IN DROP DROP dropped NETFILTER_DROP
	7002 FORWARD DROP DROP dropped NETFILTER_DROP
	7003 LOCAL_OUT DROP DROP dropped NETFILTER_DROP
	7004 PRE_ROUTING DROP DROP dropped NETFILTER_DROP
	7005 POST_ROUTING DROP DROP dropped NETFILTER_DROP
	7006 LOCAL_IN ACCEPT ACCEPT - -
	7007 LOCAL_IN DROP DROP dropped NETFILTER_DROP
	7008 LOCAL_IN QUEUE STOLEN dropped -
	7009 LOCAL_IN ACCEPT ACCEPT - -
	EOF2
}

verdicts_hold() {	# DIR NAME FAMILY FUNCTION
	local port hook table slow fate reason said bad=0

	while read -r port hook table slow fate reason; do
		said=$(verdicts_rows "$1" "$2" "SELECT v.function, v.family, v.hook, v.verdict, p.fate, p.reason FROM hop v
			JOIN packet p USING (recording, packet) WHERE p.dport = $port AND v.hook = '$hook' AND v.verdict IS NOT NULL
			ORDER BY v.packet, v.hop")
		for want in "$4,$3,$hook,$table,$fate,$reason" "nf_hook_slow,$3,$hook,$slow,$fate,$reason"; do
			want=$(echo "$want" | sed 's/,-/,[^,]*/g')
			echo "$said" | grep -qx "$want" && continue
			bad=1
			echo "$port: no $want in:"
			echo "$said"
		done
	done <<-EOF2
	$(verdicts_list)
	EOF2
	return $bad
}

# The view of the hooks names who was asked there.
verdicts_asked() {	# DIR NAME FUNCTION
	local said

	said=$(verdicts_rows "$1" "$2" "SELECT v.hook, v.verdict, v.asked FROM verdict v JOIN packet p USING (recording, packet)
		WHERE p.dport = 7001 AND v.hook IN ('LOCAL_OUT', 'LOCAL_IN') ORDER BY v.packet, v.hop")
	echo "$said"
	echo "$said" | grep -q "^LOCAL_IN,DROP,\"*$3 DROP\"*\$" && echo "$said" | grep -q "^LOCAL_OUT,ACCEPT,.*$3 ACCEPT"
}

verdicts_say() {	# DIR NAME PORT ROW: one is there
	local said

	said=$(verdicts_rows "$1" "$2" "SELECT v.function, v.family, v.hook, v.verdict, p.fate, p.reason FROM hop v
		JOIN packet p USING (recording, packet) WHERE p.dport = $3 AND v.verdict IS NOT NULL ORDER BY v.packet, v.hop")
	echo "$said"
	echo "$said" | grep -qx "$4"
}

# A rejected query passes the function that rejects.
verdicts_rejects() {	# DIR NAME
	verdicts_rows "$1" "$2" "SELECT DISTINCT function FROM hop JOIN packet USING (recording, packet)
		WHERE packet.dport = 7007" | tee /dev/stderr | grep -qE '^(reject_tg6?|nft_reject_inet_eval|nft_reject_ipv[46]_eval|nf_send_unreach6?|reject_tg.*)$'
}

verdicts_say_reasons() {
	verdicts_rows "$1" nested "SELECT name, value FROM enum_member WHERE type = 'skb_drop_reason' AND value > 65535" | tee /dev/stderr |
		grep -q '^OVS_DROP_EXPLICIT,'
}

# On each CPU calls and returns are brackets: nothing returns that was not entered, and nothing returns for another packet.
verdicts_pair() {	# DIR NAME LEAST
	verdicts_rows "$1" "$2" "SELECT h.cpu, h.kind, h.func, h.packet, h.seq FROM hop h JOIN function f USING (recording, func)
		WHERE f.returns AND h.kind IN ('entry', 'return') ORDER BY h.cpu, h.seq" | awk -F, -v least="$3" '
		$2 == "entry" { depth[$1]++; open[$1, depth[$1]] = $3 "," $4; entries++; if (depth[$1] > deepest) deepest = depth[$1]; next }
		{
			returns++
			if (open[$1, depth[$1]] != $3 "," $4) {
				print "cpu " $1 " seq " $5 ": return of " $3 "," $4 " where " open[$1, depth[$1]] " is open"
				bad++
			}
			depth[$1]--
		}
		END { print entries " entries, " returns " returns, at most " deepest " deep, " bad + 0 " wrong"
			exit !(!bad && entries == returns && returns >= least && deepest >= 2) }'
}

verdicts_host() {
	local name

	claim "iptables_legacy_verdicts_hold" verdicts_hold "$1" iptables-legacy IPv4 ipt_do_table
	claim "ip6tables_legacy_verdicts_hold" verdicts_hold "$1" ip6tables-legacy IPv6 ip6t_do_table
	claim "iptables_nft_verdicts_hold" verdicts_hold "$1" iptables-nft IPv4 nft_do_chain_ipv4
	claim "ip6tables_nft_verdicts_hold" verdicts_hold "$1" ip6tables-nft IPv6 nft_do_chain_ipv6
	claim "nft_inet_verdicts_hold" verdicts_hold "$1" nft-inet IPv4 nft_do_chain_inet
	claim "nft_ip6_verdicts_hold" verdicts_hold "$1" nft-ip6 IPv6 nft_do_chain_ipv6
	claim "view_of_hooks_names_the_table_that_was_asked" verdicts_asked "$1" iptables-legacy ipt_do_table
	claim "view_of_hooks_names_the_chain_that_was_asked" verdicts_asked "$1" nft-inet nft_do_chain_inet
	[ "$2" = 6.1 ] || claim "drop_reasons_of_a_module_are_known" verdicts_say_reasons "$1"
	for name in iptables-legacy iptables-nft ip6tables-legacy ip6tables-nft nft-inet nft-ip6; do
		claim "who_rejects_is_seen_in_${name}" verdicts_rejects "$1" $name
	done
	claim "netdev_verdict_holds" verdicts_say "$1" below 7001 'nft_do_chain_netdev,netdev,INGRESS,DROP,dropped,NETFILTER_DROP'
	claim "netdev_hook_holds" verdicts_say "$1" below 7001 'nf_hook_slow,netdev,INGRESS,DROP,dropped,NETFILTER_DROP'
	claim "bridge_verdict_holds" verdicts_say "$1" below 7002 'nft_do_chain_bridge,bridge,LOCAL_IN,DROP,dropped,NETFILTER_DROP'
	claim "bridge_prerouting_verdict_holds" verdicts_say "$1" below 7003 'nft_do_chain_bridge,bridge,PRE_ROUTING,DROP,dropped,NETFILTER_DROP'
	for name in iptables-legacy ip6tables-legacy iptables-nft ip6tables-nft nft-inet nft-ip6 below; do
		claim "every_return_of_${name}_ends_its_own_call" verdicts_pair "$1" $name 10
		claim "verdicts_of_${name}_verify" pktshow --verify "$1/verdicts-$name.trc"
	done
	claim "every_nested_return_ends_its_own_call" verdicts_pair "$1" nested 5000
}
