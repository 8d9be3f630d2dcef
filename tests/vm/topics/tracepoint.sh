# SPDX-License-Identifier: GPL-2.0
#
# tracepoint.sh - without kprobes: the path from the stacks of tracepoints, the query that works and the one that is
# dropped, a port where nobody listens, and --light.

tracepoint_flood=300

# tracepoint_records NAME STATUS OPTION... -- COMMAND
tracepoint_records() {
	local name=$1 expected=$2 status

	shift 2
	record "$name" "$@"
	status=$?
	is "$status" "$expected" "$name" && counts_are_said "$name"
}

tracepoint_guest() {
	local kind

	claim "tracepoints_record_a_query" tracepoint_records tp-ok 0 --backend tracepoint 'ip host 10.0.0.2' -- $dig_command
	claim "tracepoints_record_it_again" tracepoint_records tp-again 0 --backend tracepoint 'ip host 10.0.0.2' -- $dig_command
	claim "light_records_a_query" tracepoint_records tp-light 0 --light 'ip host 10.0.0.2' -- $dig_command
	claim "tracepoints_record_with_no_listener" tracepoint_records tp-closed 0 --backend tracepoint 'udp port 9 or icmp' -- \
		$in_client flood 10.0.0.2 9 1
	claim "light_records_a_flood" tracepoint_records tp-flood 0 --light 'udp port 9' -- $in_client flood 10.0.0.2 9 $tracepoint_flood
	for kind in $job_kinds; do	# of job.sh
		rule_add "$kind"
		# dig ends with 9 when no server could be reached
		claim "tracepoints_record_query_dropped_by_$kind" tracepoint_records "tp-dropped-$kind" 9 --backend tracepoint 'ip host 10.0.0.2' -- $dig_command
		rule_del "$kind"
	done
	rule_add nft
	claim "light_records_dropped_query" tracepoint_records tp-dropped-light 9 --light 'ip host 10.0.0.2' -- $dig_command
	rule_del nft
	start tp-killed --backend tracepoint
	kill -KILL "$recorder"
	wait "$recorder" 2>/dev/null
	claim "nothing_is_left_of_tracepoints_after_a_kill" nothing_is_left	# of ends.sh
}

# 6.1 has no tracepoint in a socket's queue: there the next that is seen of the packet is that it was read.
tracepoint_host() {
	local kind arrives="~ip_local_deliver_finish ~__udp_enqueue_schedule_skb" said="into a socket's queue: __udp_enqueue_schedule_skb"

	if [ "$2" = 6.1 ]; then
		arrives="~udp_recvmsg consume_skb" said='read by dns-responder'
	fi
	for kind in ok light; do
		claim "${kind}_tracepoints_show_the_whole_path" path_shows "$1/tp-$kind.trc" 1 ~udp_sendmsg ~ip_send_skb ~ip_output net_dev_queue \
			~dev_hard_start_xmit ~veth_xmit netif_receive_skb $arrives
		claim "${kind}_tracepoints_show_the_delivery" packets_are "$1/tp-$kind.trc" '> 10\.0\.0\.2:53 .* delivered' '10\.0\.0\.2:53 > .* delivered'
		claim "${kind}_tracepoints_compare_as_same" pktdiff "$1/tp-again.trc" "$1/tp-$kind.trc"
	done
	claim "tracepoints_explain_the_delivery" explains "$1/tp-ok.trc" 1 "$said" 'hand-over to a socket'
	for kind in $job_kinds light; do
		claim "tracepoints_show_who_asked_netfilter_$kind" path_shows "$1/tp-dropped-$kind.trc" 1 ~udp_sendmsg ~ip_send_skb ~__ip_local_out ~nf_hook_slow
		claim "tracepoints_diff_names_the_drop_$kind" diff_says "$1/tp-ok.trc" "$1/tp-dropped-$kind.trc" nf_hook_slow LOCAL_OUT NETFILTER_DROP
	done
	claim "tracepoints_show_the_drop_with_no_listener" path_shows "$1/tp-closed.trc" 1 ~udp_sendmsg netif_receive_skb ~__udp4_lib_rcv __udp4_lib_rcv
	claim "tracepoints_show_the_answer_with_no_listener" packets_are "$1/tp-closed.trc" 'dropped: NO_SOCKET' 'ICMP.*10\.0\.0\.2 > 10\.0\.0\.1'
	claim "light_takes_stacks_of_first_packets_only" light_is_light "$1/tp-flood.trc" $tracepoint_flood
}
