# SPDX-License-Identifier: GPL-2.0
#
# kill.sh - the recorder is killed at random moments while a flood is recorded: every file opens, with no repair.

# How long the rounds may take here; tests/vm/long/kill200.sh goes on to two hundred.
kill_seconds=60

uptime_seconds() {
	cut -d. -f1 /proc/uptime
}

# kill_round N: the flood stands still at the moment of the kill, because an emulated machine may die of a probe that is
# removed under a running packet; what was recorded until then is still on its way through the recorder.
kill_round() {
	local flooder

	start "kill-$1" -B 1024 --func 'ip_*' --func 'udp_*' --func '__udp*'
	$in_client flood 10.0.0.2 9 1000000 >/dev/null &
	flooder=$!
	sleep "0.$(od -An -N1 -tu1 /dev/urandom | tr -d ' ')"
	kill -STOP "$flooder"
	kill -KILL "$recorder"
	wait "$recorder"
	kill -KILL "$flooder"
	wait "$flooder"
	[ -s "/out/kill-$1.trc" ]
} 2>/dev/null

# kill_rounds FIRST LAST SECONDS
kill_rounds() {
	local i=$1 until=$(($(uptime_seconds) + $3))

	while [ "$i" -le "$2" ] && [ "$(uptime_seconds)" -lt "$until" ]; do
		kill_round "$i" || return
		i=$((i + 1))
	done
	echo "killed $((i - $1)) times"
}

kill_guest() {
	claim "recorder_is_killed_at_random_moments" kill_rounds 1 99 $kill_seconds
	claim "nothing_is_left_after_many_kills" nothing_is_left	# of ends.sh
}

# Whole units, at most the one that was being written is missing.
kill_reads() {
	local file n=0

	for file in "$1"/kill-*.trc; do
		pktshow --info "$file" >"$1/kill.info" 2>&1 &&
			grep -q ' 0 damaged, 0 of unknown kinds, 0 out of order' "$1/kill.info" &&
			grep -Eq 'health +(cut short|has no end)' "$1/kill.info" || { echo "$file:"; cat "$1/kill.info"; return 1; }
		n=$((n + 1))
	done
	echo "$n files"
	[ $n -gt 0 ]
}

kill_host() {
	claim "every_killed_recording_reads" kill_reads "$1"
}
