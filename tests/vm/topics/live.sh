# SPDX-License-Identifier: GPL-2.0
#
# live.sh - pktrec -o - | pktshow -: packets are shown while the recorder is still at it.

# live_start NAME: pids in $recorder and $viewer
live_start() {
	local fifo pipe

	fifo=$(mktemp -u)
	pipe=$(mktemp -u)
	mkfifo "$fifo" "$pipe"
	pktshow - <"$pipe" >"/out/$1.txt" 2>"/out/$1.shown" &
	viewer=$!
	pktrec -o - --ready-fd 3 3>"$fifo" >"$pipe" 2>"/out/$1.words" &
	recorder=$!
	timeout 120 head -n 1 "$fifo" >/dev/null
	rm -f "$fifo" "$pipe"
}

# live_sees FILE PATTERN: within a time that says nothing about how fast it was, only that no end had to come first
live_sees() {
	local i

	for i in $(seq 60); do
		grep -q "$2" "/out/$1.txt" && kill -0 "$recorder" && return
		sleep 0.5
	done
	echo "not seen while recording: $2"
	cat "/out/$1.txt"
	return 1
}

# live_ends NAME SIGNAL PID...: the signal to these; both end with status 0
live_ends() {
	local name=$1 signal=$2 status

	shift 2
	kill "-$signal" "$@"
	finish
	status=$?
	is "$status" 0 "$name" && counts_are_said "$name" || return
	wait "$viewer"
	status=$?
	cat "/out/$name.shown"
	[ "$status" = 0 ] && grep -Eq '^[0-9]+ packets?, [0-9]+ hops?' "/out/$name.shown"
}

live_query() {
	live_start live
	query >/dev/null
	live_sees live '10\.0\.0\.1:[0-9]* > 10\.0\.0\.2:53.*delivered' && live_ends live INT "$recorder"
}

# As the terminal does it: to both.  What was recorded last is still shown.
live_interrupted() {
	live_start live-both
	$in_client flood 10.0.0.2 9 20 >/dev/null
	live_ends live-both INT "$recorder" "$viewer" &&
		[ "$(grep -c '10\.0\.0\.1:[0-9]* > 10\.0\.0\.2:9 ' /out/live-both.txt)" = 20 ]
}

live_viewer_leaves() {
	local status

	live_start live-left
	kill -KILL "$viewer"
	finish
	status=$?
	is "$status" 2 live-left && grep 'Broken pipe' /out/live-left.words
}

live_guest() {
	claim "packets_are_shown_while_recording" live_query
	claim "interrupt_ends_recorder_and_viewer" live_interrupted
	claim "viewer_that_leaves_ends_the_recorder" live_viewer_leaves
}

# In order of birth: the second column.
live_in_order() {
	awk 'NR > 1 { print $2 }' "$1/$2.txt" | sort -n -c
}

live_host() {
	claim "live_packets_are_in_order" live_in_order "$1" live-both
}
