# SPDX-License-Identifier: GPL-2.0
#
# filters.sh - what is recorded and what is not: each filter lets its own packets in and turns others away.
#
# The traffic is always the same, one of each kind, in both directions: a query by UDP over IPv4 and over IPv6, echoes of
# both, a page over TCP.  filters_all, without a filter, shows that the others were there to be turned away.

hosts60="host 192.0.2.1$(seq -f ' or host 192.0.2.%.0f' 2 60)"
nets40="net 10.0.0.0/24$(seq -f ' and not net 10.%.0f.0.0/16' 1 40)"

# name, what its packets look like, kinds that must be there ("|" between them), filter
filters_list() {
	cat <<-EOF2
	udp	^UDP	4query 4answer 6query 6answer	udp
	tcp	^TCP	get page	tcp
	icmp	^ICMP 	4echo 4reply	icmp
	icmp6	^ICMPv6	6echo 6reply	icmp6
	ip6	^(UDP|ICMPv6) .*fd00	6query 6answer 6echo 6reply	ip6 and net fd00::/64
	from	10\\.0\\.0\\.2.* > 	4answer page 4reply	src host 10.0.0.2
	net	10\\.0\\.0\\.	4query 4answer get page 4echo 4reply	net 10.0.0.0/24
	port	:53\\b	4query 4answer 6query 6answer	port 53
	to	> .*:53\\b	4query 6query	dst port 53
	from6	fd00::2.* > 	6answer 6reply	src host fd00::2
	ether	10\\.0\\.0\\.2.* > |fd00::2.* > |fe80	4answer	ether src $(cat /tmp/server0.mac)
	name	^UDP 10\\.0\\.0\\.	4query 4answer	udp and ip[((ip[0] & 0xf) << 2) + 20:4] = 0x07657861
	get	^TCP .* > 10\\.0\\.0\\.2:80	-	tcp[((tcp[12:1] & 0xf0) >> 2):4] = 0x47455420
	big	10\\.0\\.0\\.2	4echo 4reply	icmp and greater 1000
	hosts	10\\.0\\.0\\.2	4query 4answer get page 4echo 4reply	$hosts60 or host 10.0.0.2
	nets	10\\.0\\.0\\.	4query 4answer get page 4echo 4reply	$nets40
	EOF2
}

# what a kind of packet looks like
filters_kind() {
	case $1 in
	4query) echo '^UDP 10\.0\.0\.1:[0-9]+ > 10\.0\.0\.2:53' ;;
	4answer) echo '^UDP 10\.0\.0\.2:53 > 10\.0\.0\.1:' ;;
	6query) echo '^UDP .*fd00::1.* > .*fd00::2.*53' ;;
	6answer) echo '^UDP .*fd00::2.* > .*fd00::1' ;;
	get) echo '^TCP 10\.0\.0\.1:[0-9]+ > 10\.0\.0\.2:80' ;;
	page) echo '^TCP 10\.0\.0\.2:80 > 10\.0\.0\.1:' ;;
	4echo) echo '^ICMP echo request 10\.0\.0\.1 > 10\.0\.0\.2' ;;
	4reply) echo '^ICMP echo reply 10\.0\.0\.2 > 10\.0\.0\.1' ;;
	6echo) echo '^ICMPv6 echo request fd00::1 > fd00::2' ;;
	6reply) echo '^ICMPv6 echo reply fd00::2 > fd00::1' ;;
	esac
}

# Enough to see where packets begin, pass and end; few are attached quickly on kernels without multi-probes.
filters_functions="--func ip*_output --func ip*_rcv --func *dev_queue_xmit --func *_local_out --func *__udp_enqueue*
	--func netif_rx* --func *netif_receive_skb_core* --func nf_hook_slow"

filters_net() {
	ip -n pktrec-client address add fd00::1/64 dev client0 nodad &&
		ip -n pktrec-server address add fd00::2/64 dev server0 nodad || return
	mkdir -p /tmp/www
	echo "the page" >/tmp/www/index.html
	$in_server busybox httpd -f -p 10.0.0.2:80 -h /tmp/www &
	filters_httpd=$!
	ip -n pktrec-server -o link show server0 | sed 's/.*ether \([0-9a-f:]*\).*/\1/' >/tmp/server0.mac
	cat >/tmp/traffic <<-'EOF2'
		dig @10.0.0.2 example.test A +tries=1 +timeout=2
		dig @fd00::2 example.test A +tries=1 +timeout=2
		ping -c 1 -W 2 -s 1200 10.0.0.2
		ping -c 1 -W 2 10.0.0.2
		ping -6 -c 1 -W 2 fd00::2
		printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 2 10.0.0.2 80
	EOF2
	sleep 1
	filters_traffic
}

filters_traffic() {
	$in_client sh /tmp/traffic
}

filters_record() {	# NAME [OPTION...]
	local name=$1 status

	shift
	record "$name" $filters_functions "$@" -- $in_client sh /tmp/traffic
	status=$?
	is "$status" 0 "$name"
}

filters_each() {
	local name only kinds filter

	# what differs only for libpcap is not asked again where attaching takes seconds
	filters_list | { [ "$series" != 6.1 ] && cat || grep -vE '^(tcp|icmp6?|net|port|to|from6)	'; } | tee /out/filters.list | while IFS='	' read -r name only kinds filter; do
		filters_record "filters-$name" $filter || return
	done
}

filters_file() {
	printf 'udp # this is\n  and port 53\n' >/tmp/filter.txt
	filters_record filters-file -F /tmp/filter.txt
}

# What was accepted in one place is followed to the other: its first hop tells.
filters_places() {
	filters_record filters-netns-name --netns pktrec-server udp &&
		filters_record filters-netns-pid --netns "$net_server" udp &&
		filters_record filters-netns-path --netns /run/netns/pktrec-server udp &&
		filters_record filters-netns-other --netns pktrec-client udp &&
		filters_record filters-if-server --netns pktrec-server -i server0 udp &&
		filters_record filters-if-client --netns pktrec-client -i client0 udp &&
		filters_record filters-if-lo --netns pktrec-client -i lo
}

filters_marked() {
	$in_client nft 'table inet marks { chain out { type filter hook output priority 0; policy accept;
		udp dport 53 meta mark set 0x15; ip protocol icmp meta mark set 0x25; }; }' || return
	filters_record filters-mark --mark 0x10/0xf0 &&
		filters_record filters-mark-whole --mark 0x25 &&
		filters_record filters-mark-none --mark 0x5
	set -- $?
	$in_client nft delete table inet marks
	return "$1"
}

# Its address is another one after the first hook, and its answer's is put back: both are followed to their end.
filters_nat() {
	$in_client nft 'table ip nat7 { chain out { type nat hook output priority -100; policy accept;
		ip daddr 10.0.0.9 dnat to 10.0.0.2; }; }' || return
	record filters-nat $filters_functions dst host 10.0.0.9 -- $in_client dig @10.0.0.9 example.test A +tries=1 +timeout=2
	set -- $?
	$in_client nft delete table ip nat7
	is "$1" 0 filters-nat
}

filters_counted() {
	filters_record filters-count -c 3 udp &&
		filters_record filters-s40 -s 40 icmp &&
		filters_record filters-s0 -s 0 icmp &&
		filters_record filters-no-payload --no-payload icmp &&
		filters_record filters-stack --stack udp port 53
}

filters_refused() {	# what libpcap cannot compile is one line, before anything is attached
	pktrec -o /out/filters-bad.trc udp portt 53 >/out/filters-bad.words 2>&1
	[ $? = 2 ] && [ "$(wc -l </out/filters-bad.words)" = 1 ] && grep "^pktrec: filter 'udp portt 53': " /out/filters-bad.words &&
		[ ! -e /out/filters-bad.trc ]
}

filters_guest() {
	claim "filters_network_is_up" filters_net
	claim "everything_is_recorded_without_filter" filters_record filters-all
	claim "expressions_record" filters_each
	claim "expression_from_a_file_records" filters_file
	claim "places_record" filters_places
	claim "marks_record" filters_marked
	claim "translated_packet_records" filters_nat
	claim "counts_and_sizes_record" filters_counted
	claim "only_functions_of_a_pattern_record" record filters-func --func 'udp_queue*' -- $in_client sh /tmp/traffic
	claim "bad_expression_is_refused_in_a_line" filters_refused
	kill $filters_httpd
	ip -n pktrec-client address del fd00::1/64 dev client0
	ip -n pktrec-server address del fd00::2/64 dev server0
}

# --- on the host -------------------------------------------------------------------------------------------------------

filters_query() {	# DIR NAME QUERY: rows, without a header
	pktsql "$1/$2.trc" --csv "$3" | tr -d '\r' | tail -n +2 | sed 's/^"\(.*\)"$/\1/'
}

filters_tuples() {
	filters_query "$1" "$2" "SELECT tuple FROM packet ORDER BY packet"
}

filters_hold() {	# DIR NAME ONLY KINDS: nothing but ONLY is there, and of each kind at least one
	local tuples kind

	tuples=$(filters_tuples "$1" "$2")
	echo "$tuples"
	! echo "$tuples" | grep . | grep -vE "$3" || { echo "these are not $3"; return 1; }
	[ "$4" = - ] && return		# what it is about lies in pages, where filters do not look: that it loads is enough
	for kind in $4; do
		echo "$tuples" | grep -qE "$(filters_kind $kind)" || { echo "no $kind"; return 1; }
	done
}

filters_first_in() {	# DIR NAME COLUMN VALUE KINDS: every packet is first seen there, and of each kind is one
	local first

	first=$(filters_query "$1" "$2" "SELECT DISTINCT $3 FROM hop WHERE hop = 1")
	echo "first seen in $first"
	[ "$first" = "$4" ] && filters_hold "$1" "$2" '^UDP' "$5"
}

filters_none() {
	[ "$(filters_tuples "$1" "$2" | wc -l)" = 0 ]
}

filters_followed() {	# accepted in the client, and seen in the server, with another address
	filters_query "$1" filters-nat "SELECT DISTINCT netns, dst FROM hop WHERE function LIKE '%ip_rcv%' OR hop = 1" | tee /dev/stderr |
		grep -qx 'pktrec-server,10.0.0.2' && filters_query "$1" filters-nat "SELECT DISTINCT fate FROM packet" | grep -qx delivered
}

filters_number() {	# DIR NAME QUERY NUMBER
	local n

	n=$(filters_query "$1" "$2" "$3")
	echo "$n, expected $4"
	[ "$n" = "$4" ]
}

filters_host() {
	local name only kinds filter

	claim "all_kinds_are_there_without_filter" filters_hold "$1" filters-all . "4query 4answer 6query 6answer get page 4echo 4reply 6echo 6reply"
	while IFS='	' read -r name only kinds filter; do
		claim "filter_${name}_lets_in_what_it_says_and_nothing_else" filters_hold "$1" "filters-$name" "$only" "$kinds"
		claim "filter_${name}_verifies" pktshow --verify "$1/filters-$name.trc"
	done <"$1/filters.list"
	claim "filter_from_a_file_holds" filters_hold "$1" filters-file ':53\b' "4query 4answer 6query 6answer"
	claim "netns_by_name_holds" filters_first_in "$1" filters-netns-name netns pktrec-server "4query 4answer 6query 6answer"
	claim "netns_by_pid_holds" filters_first_in "$1" filters-netns-pid netns pktrec-server "4query 4answer 6query 6answer"
	claim "netns_by_path_holds" filters_first_in "$1" filters-netns-path netns pktrec-server "4query 4answer 6query 6answer"
	claim "other_netns_holds" filters_first_in "$1" filters-netns-other netns pktrec-client "4query 4answer 6query 6answer"
	claim "interface_of_the_server_holds" filters_first_in "$1" filters-if-server device server0 "4query 4answer 6query 6answer"
	claim "interface_of_the_client_holds" filters_first_in "$1" filters-if-client device client0 "4query 4answer 6query 6answer"
	claim "interface_without_packets_has_none" filters_none "$1" filters-if-lo
	claim "mark_under_a_mask_holds" filters_hold "$1" filters-mark '> .*:53\b' "4query 6query"
	claim "whole_mark_holds" filters_hold "$1" filters-mark-whole '^ICMP echo request 10.0.0.1 > ' "4echo"
	claim "other_mark_has_none" filters_none "$1" filters-mark-none
	claim "translated_packet_is_followed_to_its_end" filters_followed "$1"
	claim "count_is_exact" filters_number "$1" filters-count "SELECT count(*) FROM packet" 3
	claim "bytes_are_those_asked_for" filters_number "$1" filters-s40 "SELECT min(length(bytes)) || ' ' || max(length(bytes)) FROM payload" "40 40"
	claim "all_bytes_are_kept_when_asked" filters_number "$1" filters-s0 \
		"SELECT min(length(bytes) = len_bytes) || ' ' || (max(length(bytes)) > 1200) FROM payload" "1 1"
	claim "no_bytes_are_kept_when_asked" filters_number "$1" filters-no-payload "SELECT count(*) FROM payload" 0
	claim "every_entry_has_a_stack_when_asked" filters_number "$1" filters-stack \
		"SELECT (count(*) > 20) || ' ' || count(*) FILTER (WHERE stack IS NULL) FROM hop WHERE kind = 'entry'" "1 0"
	claim "else_only_first_hops_have_a_stack" filters_number "$1" filters-udp \
		"SELECT (count(*) > 20) || ' ' || count(*) FILTER (WHERE (stack IS NOT NULL) != (hop = 1)) FROM hop WHERE kind = 'entry'" "1 0"
	claim "only_functions_of_the_pattern_are_probed" filters_number "$1" filters-func \
		"SELECT count(*) FROM function WHERE hits > 0 AND name NOT LIKE 'udp%_queue%' AND layer != 'packet'" 0
}
