# SPDX-License-Identifier: GPL-2.0
#
# system.sh - what a recording keeps of the system around it: rulesets with counters, routes, qdiscs, at start and end.

modules_loaded() {
	cut -d' ' -f1 /proc/modules | sort
}

# Neither iptables nor nftables is in the kernel, no ip(8), no tc(8): looking makes no difference to that.  The recorder
# gives up its rights in between, and may not go into another namespace then.
system_bare() {
	local status

	modprobe -qr iptable_filter ip6table_filter nft_compat nft_counter nft_ct nf_tables ip_tables ip6_tables
	modules_loaded >/tmp/modules.before
	! grep -E '^(nf_tables|ip_tables|nft_compat)$' /tmp/modules.before || { echo "still there from an earlier test"; return 1; }
	mv /usr/bin/ip /usr/bin/tc /tmp
	record system-bare -Z nobody --func 'udp_*' --duration 10ms -- true
	status=$?
	mv /tmp/ip /tmp/tc /usr/bin
	is $status 0 system-bare || return
	modules_loaded | diff /tmp/modules.before -
}

system_settings() {
	local ip

	for ip in ip ip6; do
		ln -sf xtables-legacy-multi /usr/bin/${ip}tables-legacy-save
		ln -sf xtables-nft-multi /usr/bin/${ip}tables-nft-save
	done
	rule_add iptables-legacy || return
	$in_client iptables-nft -t raw -A OUTPUT -p udp --dport 53 -m comment --comment "seen by iptables-nft" || return
	$in_client nft 'table inet pktrec_count { chain out { type filter hook output priority -350; policy accept;
		udp dport 53 counter comment "seen by nft"; }; }' || return
	ip -n pktrec-client route add 198.51.100.0/24 via 10.0.0.2 || return
	ip -n pktrec-client route add 203.0.113.0/24 dev client0 table 77 || return
	ip -n pktrec-client rule add fwmark 7 lookup 77 || return
	ip netns exec pktrec-client sh -c 'echo 1 >/proc/sys/net/ipv4/conf/client0/arp_ignore' || return
	tc -n pktrec-client qdisc add dev client0 clsact &&
		tc -n pktrec-client filter add dev client0 egress protocol ip u32 match ip dport 53 0xffff action pass || return
	tc -n pktrec-client qdisc add dev client0 root netem delay 1ms
}

# The rules are there, and so are the modules they need: looking loads nothing more.
system_record() {
	modules_loaded >/tmp/modules.before
	record system --func 'udp_*' --func 'ip_*' -- $dig_command
	modules_loaded | diff /tmp/modules.before -
}

system_settings_undo() {
	tc -n pktrec-client qdisc del dev client0 root
	tc -n pktrec-client qdisc del dev client0 clsact
	ip -n pktrec-client rule del fwmark 7
	ip -n pktrec-client route del 203.0.113.0/24 dev client0 table 77
	ip -n pktrec-client route del 198.51.100.0/24
	$in_client nft delete table inet pktrec_count
	$in_client iptables-nft -t raw -F
	rule_del iptables-legacy
}

lookers() {
	cat /proc/[0-9]*/comm 2>/dev/null | grep -c '^pktrec-system$'
}

system_kill() {
	local i

	start system-kill --func 'udp_*'
	[ "$(lookers)" = 1 ] || { echo "$(lookers) processes look, not 1"; return 1; }
	kill -KILL "$recorder"
	wait "$recorder"
	for i in $(seq 50); do
		[ "$(lookers)" != 0 ] || return 0
		sleep 0.1
	done
	echo "it is still there"
	return 1
}

system_guest() {
	claim "looking_at_the_system_loads_nothing" system_bare
	claim "system_gets_rules_and_routes" system_settings
	claim "looking_at_rules_loads_nothing_more" system_record
	system_settings_undo >/dev/null 2>&1
	claim "process_that_looks_goes_with_a_killed_recorder" system_kill
}

# system_rows FILE END WHAT [NAMESPACE]: source, note and text, each row a line, blanks as they are
system_rows() {
	local netns=0

	[ -z "${4:-}" ] || netns=$(trc-dump "$1" | grep -a "^nets .*\"$4\"\$" | head -n 1 | cut -d' ' -f2)
	trc-dump "$1" | grep -a "^snap $2 $netns \"$3\" " | sed 's/\\x20/ /g; s/\\x22/"/g; s/\\x5c/\\/g'
}

# system_says FILE END WHAT NAMESPACE PATTERN...: each pattern is in those rows
system_says() {
	local rows pattern

	rows=$(system_rows "$1" "$2" "$3" "$4")
	shift 4
	for pattern; do
		printf '%s\n' "$rows" | grep -aE -e "$pattern" >/dev/null && continue
		echo "no $pattern in:"
		echo "$rows"
		return 1
	done
}

# Start and end hold it, and what it counted is the query.
system_counts_legacy() {
	system_says "$1" 0 iptables pktrec-client '\[0:0\] -A OUTPUT -d 10\.0\.0\.2/32 -p udp' &&
		system_says "$1" 1 iptables pktrec-client '\[1:[0-9]+\] -A OUTPUT -d 10\.0\.0\.2/32 -p udp.* -j DROP'
}

system_counts_iptables_nft() {
	system_says "$1" 0 iptables-nft pktrec-client "\[0:0\] -A OUTPUT -p udp .*seen by iptables-nft" &&
		system_says "$1" 1 iptables-nft pktrec-client "\[1:[0-9]+\] -A OUTPUT -p udp .*seen by iptables-nft"
}

system_counts_nft() {
	system_says "$1" 0 nftables pktrec-client '"comment": "seen by nft"' '"packets": 0, "bytes": 0' &&
		system_says "$1" 1 nftables pktrec-client '"comment": "seen by nft"' '"table": "pktrec_count".*"packets": 1, "bytes": [1-9]'
}

system_has_routes() {
	local end

	for end in 0 1; do
		system_says "$1" $end routes pktrec-client '"dst":"198.51.100.0/24","gateway":"10.0.0.2"' \
			'"dst":"203.0.113.0/24".*"table":"77"' &&
			system_says "$1" $end rules pktrec-client '"fwmark":"0x7"' &&
			system_says "$1" $end qdiscs pktrec-client '"kind":"netem"' &&
			system_says "$1" $end filters pktrec-client '"dev":"client0","parent":"egress"' '"kind":"u32"' '"stats":\{"bytes":0,"packets":0' &&
			system_says "$1" $end addresses pktrec-client '"ifname":"client0"' '"local":"10.0.0.1"' &&
			system_says "$1" $end neighbours pktrec-client '"dst":"10.0.0.2"' &&
			system_says "$1" $end sysctls pktrec-client 'net\.ipv4\.conf\.client0\.arp_ignore = 1' &&
			system_says "$1" $end snmp pktrec-client 'Ip: Forwarding' &&
			system_says "$1" $end sysctls pktrec-client 'net\.ipv4\.ip_forward = 0' || return
	done
	system_says "$1" 0 addresses pktrec-server '"ifname":"server0"' &&
		system_says "$1" 0 addresses init '"ifname":"lo"'
}

# A pair of veth: each end names the other's namespace.
system_pairs() {
	local client server

	client=$(trc-dump "$1" | grep -a '^nets .*"pktrec-client"$' | head -n 1 | cut -d' ' -f2)
	server=$(trc-dump "$1" | grep -a '^nets .*"pktrec-server"$' | head -n 1 | cut -d' ' -f2)
	trc-dump "$1" | grep -a '^link ' | tee /dev/stderr | grep -aE "^link $client .*\"veth\" \"[0-9a-f:]+\" [0-9]+ $server " &&
		trc-dump "$1" | grep -aE "^link $server .*\"veth\" \"[0-9a-f:]+\" [0-9]+ $client "
}

# Without ip(8) the kernel is asked, without tc(8) there is a note; a kernel without rulesets has empty ones, and that is all.
system_notes() {
	system_says "$1" 0 addresses pktrec-client '"netlink addresses" "" ' '"ifname":"client0"' '"local":"10.0.0.1"' &&
		system_says "$1" 0 routes pktrec-client '"netlink routes" "" ' '"dst":"10.0.0.0"' &&
		system_says "$1" 0 qdiscs pktrec-client '"tc is not installed" 0 1 ""$' &&
		system_says "$1" 0 nftables pktrec-client '"/proc/modules" "" 0 1 ""$' &&
		system_says "$1" 0 iptables pktrec-client '"/proc/net/ip_tables_names" "" 0 1 ""$'
}

system_looks_without_rights() {
	local end

	for end in 0 1; do
		system_says "$1" $end addresses pktrec-client '"ifname":"client0"' &&
			system_says "$1" $end sysctls pktrec-client 'net\.ipv4\.ip_forward = ' || return
	done
}

system_host() {
	claim "start_and_end_hold_a_rule_of_iptables_legacy_and_its_count" system_counts_legacy "$1/system.trc"
	claim "start_and_end_hold_a_rule_of_iptables_nft_and_its_count" system_counts_iptables_nft "$1/system.trc"
	claim "start_and_end_hold_a_rule_of_nft_and_its_count" system_counts_nft "$1/system.trc"
	claim "start_and_end_hold_routes_qdiscs_settings_and_counters" system_has_routes "$1/system.trc"
	claim "ends_of_a_veth_pair_know_each_others_namespace" system_pairs "$1/system.trc"
	claim "missing_tool_is_a_note_or_asked_from_the_kernel" system_notes "$1/system-bare.trc"
	claim "end_is_looked_at_after_rights_were_given_up" system_looks_without_rights "$1/system-bare.trc"
}
