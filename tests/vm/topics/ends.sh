# SPDX-License-Identifier: GPL-2.0
#
# ends.sh - every way a recording can end.

kernel_is_clean() {
	[ -z "$(bpftool prog list; bpftool link list; cat /sys/kernel/tracing/kprobe_events)" ]
}

ends_by_signal() {
	local status

	start "end-$1"
	! kernel_is_clean || { echo "nothing of a running recorder is seen in the kernel"; return 1; }
	query >/dev/null
	kill "-$1" "$recorder"
	finish
	status=$?
	is "$status" 0 "end-$1" && counts_are_said "end-$1"
}

ends_by_count() {
	local status

	start end-count -c 3
	query >/dev/null
	query >/dev/null
	finish
	status=$?
	is "$status" 0 end-count && counts_are_said end-count
}

ends_by_duration() {
	local status

	timeout 120 pktrec -o /out/end-duration.trc --duration 1s 2>/out/end-duration.words
	status=$?
	is "$status" 0 end-duration && counts_are_said end-duration
}

# Stuck in a pipe that nobody reads, the end has to wait; a second interrupt does not.
ends_by_second_interrupt() {
	local fifo pipe

	fifo=$(mktemp -u)
	pipe=$(mktemp -u)
	mkfifo "$fifo" "$pipe"
	sleep 100 <"$pipe" &
	echo $! >/tmp/pipe_holder
	pktrec -o - --ready-fd 3 3>"$fifo" >"$pipe" 2>/out/second.words &
	recorder=$!
	read -r _ <"$fifo"
	$in_client flood 10.0.0.2 9 5000
	kill -INT "$recorder"
	sleep 3
	kill -0 "$recorder" || { echo "the first interrupt was enough"; cat /out/second.words; return 1; }
	kill -INT "$recorder"
	finish
	[ $? = 130 ]
}

# The query is in units that were written before the kill: at most the last quarter of a second is lost.
ends_by_kill() {
	start end-kill
	query >/dev/null
	sleep 2
	kill -KILL "$recorder"
	wait "$recorder"
	[ -s /out/end-kill.trc ]
}

detacher() {
	local comm

	for comm in /proc/[0-9]*/comm; do
		[ "$(cat "$comm" 2>/dev/null)" != pktrec-detach ] || basename "${comm%/comm}"
	done
}

# Where kprobes are removed one by one, a child does it: whoever reads the recording, or what was said, does not wait for it.
ends_before_detaching() {
	{ pktrec -o - -- true | cat >/dev/null; } 2>&1 | cat >/out/background.words
	[ -n "$(detacher)" ] && return
	echo "nobody detaches in the background"
	cat /out/background.words
	return 1
}

ends_detacher() {
	pktrec -q -o /out/detacher.trc -- true 2>/out/detacher.words
	kill -KILL $(detacher)
}

# Detaching waits for grace periods, which take their time under emulation.
nothing_is_left() {
	local i

	for i in $(seq 60); do
		kernel_is_clean && return
		sleep 1
	done
	bpftool prog list
	bpftool link list
	head /sys/kernel/tracing/kprobe_events
	return 1
}

ends_guest() {
	claim "interrupt_ends_recording_properly" ends_by_signal INT
	claim "termination_ends_recording_properly" ends_by_signal TERM
	claim "hangup_ends_recording_properly" ends_by_signal HUP
	claim "count_ends_recording" ends_by_count
	claim "duration_ends_recording" ends_by_duration
	claim "nothing_is_left_in_the_kernel_after_proper_ends" nothing_is_left
	if [ "$series" = 6.1 ]; then
		claim "pipe_ends_before_detaching_does" ends_before_detaching
		claim "detacher_can_be_killed" ends_detacher
		claim "nothing_is_left_of_a_killed_detacher" nothing_is_left
	fi
	claim "second_interrupt_forces_out" ends_by_second_interrupt
	kill "$(cat /tmp/pipe_holder)"
	claim "nothing_is_left_in_the_kernel_after_being_forced_out" nothing_is_left
	claim "killed_recorder_leaves_a_file" ends_by_kill
	claim "nothing_is_left_in_the_kernel_after_a_kill" nothing_is_left
}

ends_verifies() {
	pktshow --verify "$1/end-$2.trc" && zstd -qt "$1/end-$2.trc"
}

# Whole units only, and the end record is not among them.
ends_kill_is_readable() {
	pktshow "$1/end-kill.trc" && zstd -qt "$1/end-kill.trc" && pktshow "$1/end-kill.trc" | grep -q '10\.0\.0\.2:53'
}

ends_host() {
	local how

	for how in INT TERM HUP count duration; do
		claim "recording_ended_by_${how}_verifies" ends_verifies "$1" "$how"
	done
	claim "killed_recording_shows_the_query" ends_kill_is_readable "$1"
}
