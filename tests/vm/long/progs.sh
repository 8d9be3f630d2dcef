# SPDX-License-Identifier: GPL-2.0
#
# progs.sh - loaded programs of XDP and TC on the packet's way are hops: with their name, and what they decide.
#
#   pktrec-client   client0 ==== veth ==== server0   pktrec-server       verdicts.bpf.o: its programs, about queries alone

verdicts=/usr/local/bin/verdicts.bpf.o

progs_on() {	# NAMESPACE DEVICE xdpdrv|xdpgeneric|ingress|egress PROGRAM
	case $3 in
	xdp*)
		ip -n "$1" link set dev "$2" "$3" obj $verdicts program "$4" ;;
	*)
		tc -n "$1" qdisc add dev "$2" clsact 2>/dev/null
		tc -n "$1" filter add dev "$2" "$3" bpf direct-action obj $verdicts program "$4" ;;
	esac
}

progs_off() {
	local device

	for device in client0 server0; do
		ip -n "pktrec-${device%0}" link set dev $device xdpgeneric off
		ip -n "pktrec-${device%0}" link set dev $device xdpdrv off
		tc -n "pktrec-${device%0}" qdisc del dev $device clsact
	done >/dev/null 2>&1
}

# What is left of ours in the kernel: these two are the programs on programs.
progs_left() {
	detached
	bpftool prog list | grep -E 'name (xdp|tc)_(enter|leave)'
}

progs_record() {	# NAME STATUS [PKTREC-OPTION...]: a query, of which dig says so
	local name=$1 expected=$2 status

	shift 2
	record "progs-$name" "$@" udp port 53 -- $dig_command
	status=$?
	[ "$name" != pass ] || bpftool prog list
	progs_off
	is $status "$expected" "progs-$name" && counts_are_said "progs-$name" && ! progs_left
}

progs_pass() {
	progs_on pktrec-client client0 egress tc_lets_queries_pass && progs_on pktrec-server server0 xdpdrv xdp_lets_queries_pass &&
		progs_record pass 0
}

progs_drop() {	# xdpdrv or xdpgeneric
	progs_on pktrec-server server0 "$1" xdp_drops_queries && progs_record "drop-$1" 9
}

# The frame comes back to a device with a program of its own, which lets an sk_buff be built around it.
progs_tx() {	# xdpdrv or xdpgeneric
	progs_on pktrec-client client0 "$1" xdp_lets_queries_pass && progs_on pktrec-server server0 "$1" xdp_sends_queries_back &&
		progs_record "tx-$1" 9
}

progs_shot() {
	progs_on pktrec-client client0 egress tc_drops_queries && progs_record shot 9
}

progs_redirect() {
	progs_on pktrec-server server0 ingress tc_redirects_queries && progs_record redirect 9
}

progs_listed() {
	progs_on pktrec-server server0 xdpgeneric xdp_drops_queries || return
	pktrec --list-functions >/out/progs.list
	progs_off
	grep -Fx 'xdp_drops_queries [bpf]	arg 1	probed' /out/progs.list
}

progs_killed() {
	progs_on pktrec-server server0 xdpdrv xdp_drops_queries || return
	start progs-killed --func 'xdp_*'
	progs_left || { echo "no program is traced"; return 1; }
	kill -KILL "$recorder"
	wait "$recorder"
	sleep 2
	progs_off
	! progs_left
}

progs_guest() {
	claim "query_that_programs_let_pass_is_recorded" progs_pass
	claim "query_that_xdp_drops_is_recorded" progs_drop xdpdrv
	claim "query_that_generic_xdp_drops_is_recorded" progs_drop xdpgeneric
	claim "query_that_xdp_sends_back_is_recorded" progs_tx xdpdrv
	claim "query_that_generic_xdp_sends_back_is_recorded" progs_tx xdpgeneric
	claim "query_that_tc_shoots_is_recorded" progs_shot
	claim "query_that_tc_redirects_is_recorded" progs_redirect
	claim "loaded_program_is_listed" progs_listed
	claim "nothing_of_a_killed_recorder_stays_on_programs" progs_killed
}

progs_says() {	# FILE EXPECTED QUERY
	local said

	said=$(pktsql "$1" --csv "$3" | tr -d '\r' | tail -n +2 | paste -sd' ')
	[ "$said" = "$2" ] && return
	printf 'expected: %s\nsaid:     %s\n' "$2" "$said"
	pktshow "$1"
	pktshow "$1" --packet 1
	return 1
}

# What was decided about the query and what came of it, in order.
progs_decide() {	# FILE EXPECTED
	progs_says "$1" "$2" "SELECT f.name || '=' || h.verdict FROM hop h JOIN function f ON f.name = h.function
		WHERE f.module = 'bpf' AND h.verdict IS NOT NULL AND h.packet IN (SELECT packet FROM packet WHERE tuple LIKE '%> 10.0.0.2:53%')
		ORDER BY h.time_ns"
}

progs_dropped() {	# FILE REASON PROGRAM
	progs_says "$1" "dropped,$2" "SELECT p.fate, d.reason FROM packet p JOIN dropped d USING (packet) WHERE p.tuple LIKE '%> 10.0.0.2:53%'" &&
		{ pktshow "$1" --packet 1 --color never; pktshow "$1" --packet 2 --color never; } | grep -E "$3 .*→ $2"
}

progs_rebuilt() {
	progs_says "$1" "$2" "SELECT count(*) FROM lineage WHERE kind = 'rebuild'"
}

# One packet goes on in the next; where veth copies it before its program may write (6.1), that is one packet more.
progs_linked() {
	progs_says "$1" 1 "SELECT (SELECT count(*) FROM packet) - count(*) FROM lineage WHERE kind = 'rebuild'" &&
		progs_says "$1" 1 "SELECT count(*) >= 2 FROM lineage WHERE kind = 'rebuild'"
}

progs_host() {
	local mode

	claim "programs_that_let_pass_are_hops" progs_decide "$1/progs-pass.trc" \
		"tc_lets_queries_pass=TC_ACT_OK xdp_lets_queries_pass=XDP_PASS"
	for mode in xdpdrv xdpgeneric; do
		claim "${mode}_drops_there" progs_decide "$1/progs-drop-$mode.trc" "xdp_drops_queries=XDP_DROP"
		claim "${mode}_drop_is_the_fate" progs_dropped "$1/progs-drop-$mode.trc" XDP_DROP xdp_drops_queries
	done
	claim "xdpdrv_sends_back_and_the_next_program_sees_it" progs_decide "$1/progs-tx-xdpdrv.trc" \
		"xdp_sends_queries_back=XDP_TX xdp_lets_queries_pass=XDP_PASS"
	claim "frames_are_kin_of_the_packets_before_and_after" progs_linked "$1/progs-tx-xdpdrv.trc"
	claim "xdpgeneric_sends_back" progs_decide "$1/progs-tx-xdpgeneric.trc" \
		"xdp_sends_queries_back=XDP_TX xdp_lets_queries_pass=XDP_PASS"
	claim "no_frame_is_made_up_in_generic_mode" progs_rebuilt "$1/progs-tx-xdpgeneric.trc" 0
	claim "tc_drops_there" progs_decide "$1/progs-shot.trc" "tc_drops_queries=TC_ACT_SHOT"
	claim "tc_redirects" progs_decide "$1/progs-redirect.trc" "tc_redirects_queries=TC_ACT_REDIRECT"
	claim "progs_recordings_verify" pktshow --verify "$1/progs-tx-xdpdrv.trc"
}
