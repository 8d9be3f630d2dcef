# SPDX-License-Identifier: GPL-2.0
#
# filter.sh - filters as this kernel runs them: tests/unit/record_filter.c and, with kprobes, record_stubs.c; and what
# the recorder makes of them.

filter_agrees() {
	TEST_SECONDS=10 timeout 300 record_filter >/out/filter.words 2>&1 && grep 'questions' /out/filter.words && return
	cat /out/filter.words
	return 1
}

filter_replaces() {
	timeout 300 record_stubs >/out/stubs.words 2>&1 && return
	cat /out/stubs.words
	return 1
}

# What was said without being a failure: that it really ran, and was not skipped.
filter_says() {
	grep -F "$2" "/out/$1.words" && return
	cat "/out/$1.words"
	return 1
}

# Both kinds of packet are there, and only one is asked for.
filter_records() {
	local ping="$in_client ping -c 1" status

	record filtered 'udp port 53' -- sh -c "$ping 10.0.0.2 && $dig_command"
	status=$?
	is "$status" 0 filtered
}

# A VXLAN between the namespaces; 10.9.0.2 is reached through it.
filter_tunnel_up() {
	modprobe vxlan
	ip -n pktrec-client link add vx type vxlan id 7 remote 10.0.0.2 dstport 4789 dev client0 &&
		ip -n pktrec-server link add vx type vxlan id 7 remote 10.0.0.1 dstport 4789 dev server0 || return
	net_end pktrec-client vx 10.9.0.1
	net_end pktrec-server vx 10.9.0.2
	$in_client ping -c 1 10.9.0.2
}

filter_records_inside() {
	local ping="$in_client ping -c 1" status

	filter_tunnel_up || return
	record inside --tunnel 'icmp and host 10.9.0.2' -- sh -c "$ping 10.0.0.2 && $ping 10.9.0.2 && $dig_command"
	status=$?
	ip -n pktrec-client link del vx
	ip -n pktrec-server link del vx
	is "$status" 0 inside
}

filter_guest() {
	claim "filters_agree_with_libpcap" filter_agrees
	claim "filters_get_to_where_the_stubs_were" filter_replaces
	claim "filters_are_asked_by_kprobes" filter_says stubs '[       OK ] kprobe_asks_filter'
	claim "filtered_recording_is_made" filter_records
	claim "recording_filtered_inside_a_tunnel_is_made" filter_records_inside
	# neither is there on 6.1
	[ "$series" = 6.1 ] && return
	claim "filters_are_asked_by_many_kprobes" filter_says stubs '[       OK ] kprobe_multi_asks_filter'
	claim "filters_read_packets_directly" filter_says filter 'both ways'
}

# filter_has FILE PATTERN NOT-THIS-PATTERN
filter_has() {
	pktshow "$1" >"$1.shown" && sed -n '/ fate /,$p' "$1.shown" >"$1.packets"
	grep "$2" "$1.packets" && ! grep "$3" "$1.packets" && return
	cat "$1.shown"
	return 1
}

# Programs of their own turn away for functions with a cookie: what those say is there all the same, and only for both packets.
filter_special() {
	local said

	said=$(pktsql --csv "$1" "SELECT count(*) FILTER (WHERE kind = 'return' AND function = '__dev_queue_xmit'),
		count(*) FILTER (WHERE kind = 'entry' AND function = 'kfree_skbmem') FROM hop" | tr -d '\r' | tail -n 1)
	echo "returns, releases: $said"
	[ "$said" = 2,2 ]
}

filter_host() {
	claim "filtered_recording_has_returns_and_releases" filter_special "$1/filtered.trc"
	claim "filtered_recording_has_only_what_passes" filter_has "$1/filtered.trc" ' > 10\.0\.0\.2:53 ' ICMP
	claim "tunnel_filter_sees_the_packet_inside" filter_has "$1/inside.trc" ' > 10\.0\.0\.2:4789 ' ' 10\.0\.0\.2 \|:53 '
}
