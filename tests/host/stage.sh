# SPDX-License-Identifier: GPL-2.0
#
# stage.sh - records on this machine's own kernel, by tracepoints, over loopback; and what is asked of recordings by
# tracepoints wherever they were made.  tests/stages.sh reads it.

# --- judging a recording -------------------------------------------------------------------------------------------------

sql_answer() {	# sql_answer FILE QUERY: its last row, as CSV
	pktsql "$1" --csv "$2" | tail -n 1 | tr -d '\r"'
}

# path_shows FILE PACKET FUNCTION...: in this order, with others between them; ~ marks one that was derived from a stack
path_shows() {
	local file=$1 packet=$2 function way

	shift 2
	way=$(sql_answer "$file" "SELECT group_concat(iif(kind = 'derived', '~', '') || function, ' ')
		FROM (SELECT kind, function FROM hop WHERE packet = $packet ORDER BY hop)")
	echo "$way"
	way=" $way "
	for function; do
		[[ $way == *" $function "* ]] || { echo "no $function behind the one before"; return 1; }
		way=" ${way#*" $function "}"
	done
}

packets_are() {	# packets_are FILE PATTERN...: of the list
	local file=$1 pattern said

	shift
	said=$(pktshow "$file") || return
	echo "$said"
	for pattern; do
		grep -q -- "$pattern" <<<"$said" || { echo "no $pattern"; return 1; }
	done
}

explains() {	# explains FILE PACKET PATTERN NOT-THIS-PATTERN
	local said

	said=$(pktshow "$1" --packet "$2" --explain | tr -s '\n ' ' ') || return
	echo "$said"
	grep -q -- "$3" <<<"$said" && ! grep -q -- "$4" <<<"$said"
}

diff_says() {	# diff_says A B WORD...: in the first line
	local said status word

	said=$(pktdiff --brief "$1" "$2")
	status=$?
	shift 2
	echo "status $status: $said"
	for word; do
		grep -q -- "$word" <<<"$said" || { echo "no $word"; return 1; }
	done
	[ $status = 1 ]
}

# light_is_light FILE PACKETS: of one flow; four of them, or as many as a race lets through, have stacks, at their birth and drop
light_is_light() {
	local stacks all last

	IFS=, read -r all last <<<"$(sql_answer "$1" 'SELECT count(*), max(iif("like" IS NULL, 0, packet)) FROM packet WHERE proto = 17')"
	stacks=$(sql_answer "$1" "SELECT count(DISTINCT h.packet) FROM hop_row h JOIN packet p USING (packet)
		WHERE h.stack IS NOT NULL AND p.proto = 17")
	echo "$all packets, $stacks with stacks; the last that is told where its functions are is $last"
	[ "$all" -ge "$2" ] && [ "$stacks" -ge 1 ] && [ "$stacks" -le 10 ] || return
	pktshow "$1" --packet "$last" | grep 'functions as in packet [0-9]'
}

# --- the stage -------------------------------------------------------------------------------------------------------------

host_refuses() {	# why there is nothing to test here, on standard output
	local said

	[ "$(id -u)" = 0 ] || { echo "not root"; return; }
	said=$(pktrec --backend tracepoint --check -q 2>&1) && return 1
	echo "${said##*$'\n'}"
}

# host_records NAME STATUS OPTION... -- COMMAND: recorded + lost = produced, and here nothing is lost
host_records() {
	local name=$1 expected=$2 status

	shift 2
	pktrec -o "$T/host/$name.trc" --backend tracepoint "$@" >"$T/host/$name.out" 2>"$T/host/$name.words"
	status=$?
	cat "$T/host/$name.words"
	[ $status = "$expected" ] || { echo "status $status, expected $expected"; return 1; }
	tail -n 1 "$T/host/$name.words" | grep -Eq '[1-9][0-9]* hops of [1-9][0-9]* packets recorded, 0 lost' &&
		[ "$(sql_answer "$T/host/$name.trc" 'SELECT sum(produced) = sum(recorded) + sum(lost) FROM loss')" = 1 ]
}

host_tcp() {	# host_tcp PORT N: so many connections, one after the other
	python3 - "$1" "$2" <<-EOF2
		import socket, sys, threading
		port, n = int(sys.argv[1]), int(sys.argv[2])
		server = socket.create_server(("127.0.0.1", port))
		def serve():
		    for _ in range(n):
		        c = server.accept()[0]
		        c.recv(100)
		        c.sendall(b"x" * 3000)
		        c.close()
		t = threading.Thread(target=serve)
		t.start()
		for _ in range(n):
		    c = socket.create_connection(("127.0.0.1", port))
		    c.sendall(b"hello")
		    while c.recv(65536):
		        pass
		    c.close()
		t.join()
	EOF2
}

# Each segment is one packet, and each packet one segment.
lives_are_apart() {
	local said

	said=$(sql_answer "$1" "
		SELECT (SELECT count(*) FROM (SELECT 1 FROM hop_row WHERE kind != 'derived' AND ip_id > 0 GROUP BY packet
				HAVING count(DISTINCT ip_id || src || sport || dport || tcp_seq) > 1)),
		       (SELECT count(*) FROM (SELECT 1 FROM hop_row WHERE kind != 'derived' AND ip_id > 0 GROUP BY src, sport, dst, dport, ip_id
				HAVING count(DISTINCT packet) > 1))")
	echo "$said packets of two segments, segments of two packets"
	[ "$said" = 0,0 ]
}

# Of a recorder that is killed; its links and programs are known by their numbers before.
host_leaves_nothing() {
	local recorder ids id left i

	pktrec -o "$T/host/killed.trc" --backend tracepoint --ready-fd 3 udp port 9 3>"$T/host/ready" >/dev/null 2>&1 &
	recorder=$!
	for i in $(seq 600); do [ -s "$T/host/ready" ] && break; sleep 0.1; done
	ids=$(cat /proc/$recorder/fdinfo/* | sed -n 's/^link_id:[[:space:]]*//p')
	kill -KILL $recorder
	wait $recorder 2>/dev/null
	[ -n "$ids" ] || { echo "it had no links"; return 1; }
	for i in $(seq 50); do
		left=
		for id in $ids; do ! bpftool link show id "$id" >/dev/null 2>&1 || left+=" $id"; done
		[ -n "$left" ] || return 0
		sleep 0.1
	done
	echo "links$left are left of $ids"
	return 1
}

host_path=(~udp_sendmsg ~ip_send_skb ~ip_output net_dev_queue ~dev_hard_start_xmit ~loopback_xmit netif_receive_skb ~ip_local_deliver_finish
	~__udp_enqueue_schedule_skb)

host_query() {	# host_query NAME OPTION...
	local prefix=$prefix$1_ name=$1

	shift
	claim is_recorded host_records "$name" 0 "$@" udp port $host_port -- dig -p $host_port @127.0.0.1 example.test +tries=1 +timeout=2
	claim shows_its_whole_path path_shows "$T/host/$name.trc" 1 "${host_path[@]}"
	claim and_its_answer_are_delivered packets_are "$T/host/$name.trc" "> 127.0.0.1:$host_port .* delivered" "127.0.0.1:$host_port > .* delivered"
	claim is_explained explains "$T/host/$name.trc" 1 "into a socket's queue: __udp_enqueue_schedule_skb" 'hand-over to a socket'
	claim compares_as_same pktdiff "$T/host/query.trc" "$T/host/$name.trc"
}

# Linux 6.18 says NO_SOCKET; the name is the kernel's own.
host_closed() {	# host_closed NAME OPTION...
	local prefix=$prefix$1_ name=$1

	shift
	claim is_recorded host_records "$name" 0 "$@" "udp port $((host_port + 1)) or icmp" -- flood 127.0.0.1 $((host_port + 1)) 1
	claim shows_where_it_is_dropped path_shows "$T/host/$name.trc" 1 ~udp_sendmsg netif_receive_skb ~__udp4_lib_rcv __udp4_lib_rcv
	claim and_icmp_answer_are_listed packets_are "$T/host/$name.trc" 'dropped: NO_SOCKET' 'ICMP.* 127\.0\.0\.1 > 127\.0\.0\.1'
}

stage_host() {
	local prefix="host " why server

	if why=$(host_refuses); then
		skip "host" "$why"
		return
	fi
	rm -rf "$T/host"
	mkdir -p "$T/host"
	host_port=$((20000 + $$ % 20000))
	"$T/gcc/dns-responder" --port $host_port --ready-fd 3 3>"$T/host/dns" &
	server=$!
	for _ in $(seq 50); do [ -s "$T/host/dns" ] && break; sleep 0.1; done
	host_query query
	host_query light_query --light
	kill $server
	host_closed unheard_query
	host_closed light_unheard_query --light
	claim filter_rejects_what_does_not_match host_rejects
	claim connections_are_recorded host_records tcp 0 -B 64M tcp port $host_port -- bash -c "$(declare -f host_tcp); host_tcp $host_port 50"
	claim connection_path_reaches_the_socket path_shows "$T/host/tcp.trc" 1 ~tcp_v4_connect net_dev_queue netif_receive_skb ~tcp_v4_do_rcv
	claim lives_of_packets_are_apart lives_are_apart "$T/host/tcp.trc"
	claim light_takes_stacks_of_first_packets_only host_floods
	if command -v bpftool >/dev/null; then
		claim nothing_is_left_after_a_kill host_leaves_nothing
	else
		skip "host nothing_is_left_after_a_kill" "there is no bpftool"
	fi
}

# Packets of the queries before may be freed only now: another port is asked for.
host_rejects() {
	local status

	pktrec -o "$T/host/none.trc" --backend tracepoint udp port $((host_port + 2)) -- flood 127.0.0.1 $((host_port + 1)) 3 >/dev/null 2>"$T/host/none.words"
	status=$?
	cat "$T/host/none.words"
	[ $status = 0 ] && tail -n 1 "$T/host/none.words" | grep -q '0 hops of 0 packets recorded, 0 lost'
}

host_floods() {
	host_records flood 0 --light -B 64M udp port $((host_port + 1)) -- flood 127.0.0.1 $((host_port + 1)) 300 || return
	light_is_light "$T/host/flood.trc" 300
}
