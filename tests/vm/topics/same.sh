# SPDX-License-Identifier: GPL-2.0
#
# same.sh - recordings of the same working query compare as the same, although interrupts and optional hops differ.

# 6.1 attaches its probes in seconds, not in a tenth of one
same_times() {
	[ "$1" = 6.1 ] && echo 3 || echo 10
}

same_guest() {
	local i

	for i in $(seq 0 "$(same_times "$series")"); do
		record "same-$i" -- $dig_command
	done
}

same_host() {
	local i

	for i in $(seq "$(same_times "$2")"); do
		claim "same_query_compares_as_same_$i" pktdiff "$1/same-$((i - 1)).trc" "$1/same-$i.trc"
	done
}
