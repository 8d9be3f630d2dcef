# SPDX-License-Identifier: GPL-2.0
#
# loss.sh - a flood into a small ring while the recorder is stopped: what is missing is counted, exactly.

loss_under_flood() {
	local status

	start flood -B 64
	$in_client flood 10.0.0.2 9 200 || return
	kill -STOP "$recorder"
	$in_client flood 10.0.0.2 9 2000
	sleep 1
	kill -CONT "$recorder"
	$in_client flood 10.0.0.2 9 200
	kill -INT "$recorder"
	finish
	status=$?
	is "$status" 0 flood && counts_are_said flood
}

loss_guest() {
	claim "flood_into_small_ring_is_recorded" loss_under_flood
}

# The query answers 1 when it holds.
loss_sql() {
	local answer

	answer=$(pktsql "$1/flood.trc" --csv "$2" | tr -d '\r') || return
	echo "$2: $answer"
	[ "$(echo "$answer" | tail -n 1)" = 1 ]
}

loss_host() {
	claim "recorded_and_lost_make_produced" loss_sql "$1" \
		"SELECT count(*) > 0 AND min(recorded + lost = produced) FROM loss"
	claim "recorded_is_what_is_in_the_file" loss_sql "$1" \
		"SELECT min(recorded = (SELECT count(*) FROM hop WHERE hop.cpu = loss.cpu)) FROM loss"
	claim "stopped_recorder_loses" loss_sql "$1" "SELECT sum(lost) > 0 FROM loss"
	claim "no_hop_has_a_number_beyond_produced" loss_sql "$1" \
		"SELECT min(produced > (SELECT max(seq) FROM hop WHERE hop.cpu = loss.cpu)) FROM loss WHERE recorded > 0"
	# the flood uses the same addresses of sk_buffs again and again
	claim "no_packet_has_two_lives" loss_sql "$1" \
		"SELECT max(ends) = 1 FROM (SELECT count(*) AS ends FROM hop WHERE function = 'kfree_skbmem' GROUP BY packet)"
	claim "no_packet_is_sent_twice" loss_sql "$1" \
		"SELECT max(sends) = 1 FROM (SELECT count(*) AS sends FROM hop WHERE function = 'udp_send_skb' GROUP BY packet)"
	claim "no_number_is_given_twice" loss_sql "$1" \
		"SELECT count(*) > 0 AND count(*) = count(DISTINCT cpu || ' ' || seq) FROM hop"
}
