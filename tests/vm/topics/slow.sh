# SPDX-License-Identifier: GPL-2.0
#
# slow.sh - the output is slower than the packets, or its reader leaves: draining goes on, and the books stay exact.

# A pipe that stalls: nothing is read for some seconds while a flood runs.
slow_reader() {
	local status

	rm -f /tmp/slow.status
	{
		pktrec -o - -B 64 -- $in_client flood 10.0.0.2 9 6000 2>/out/slow.words
		echo $? >/tmp/slow.status
	} | (sleep 12; cat >/out/slow.trc)
	status=$(cat /tmp/slow.status)
	is "$status" 0 slow && counts_are_said slow
}

# Nothing is sent meanwhile, so that no write fails: it is noticed nevertheless, long before the minute is over.
slow_leaves() {
	local status

	rm -f /tmp/left.status
	{
		pktrec -o - --duration 60s 2>/out/left.words
		echo $? >/tmp/left.status
	} | (head -c 2000 >/dev/null)
	status=$(cat /tmp/left.status)
	is "$status" 2 left && grep 'Broken pipe' /out/left.words
}

# Interrupted system calls are no errors: stopped and continued again and again, signals that mean nothing.
slow_interrupted() {
	local i status

	start eintr
	for i in 1 2 3 4 5; do
		query >/dev/null
		kill -STOP "$recorder"
		kill -CONT "$recorder"
		kill -WINCH "$recorder"
	done
	kill -HUP "$recorder"
	finish
	status=$?
	is "$status" 0 eintr && counts_are_said eintr
}

slow_guest() {
	claim "stalled_pipe_is_recorded_into" slow_reader
	claim "reader_that_leaves_ends_the_recording" slow_leaves
	claim "nothing_is_left_after_the_reader_left" nothing_is_left	# of ends.sh
	claim "interrupted_calls_are_no_errors" slow_interrupted
}

slow_sql() {	# DIR FILE QUERY: answers 1 when it holds
	local answer

	answer=$(pktsql "$1/$2.trc" --csv "$3" | tr -d '\r') || return
	echo "$3: $answer"
	[ "$(echo "$answer" | tail -n 1)" = 1 ]
}

slow_host() {
	claim "stalled_pipe_verifies" pktshow --verify "$1/slow.trc"
	claim "stalled_pipe_keeps_the_books" slow_sql "$1" slow \
		"SELECT count(*) > 0 AND min(recorded + lost = produced) AND min(recorded = (SELECT count(*) FROM hop WHERE hop.cpu = loss.cpu)) FROM loss"
	claim "stalled_pipe_loses" slow_sql "$1" slow "SELECT sum(lost) > 0 FROM loss"
	claim "interrupted_recording_verifies" pktshow --verify "$1/eintr.trc"
}
