# SPDX-License-Identifier: GPL-2.0
#
# job.sh - the main job: a query that works, the same one dropped, by each kind of firewall.

job_kinds="iptables-legacy iptables-nft nft"

job_records() {
	local status

	record "ok-$1" -- $dig_command
	status=$?
	is "$status" 0 "ok-$1" && counts_are_said "ok-$1" && grep -q 192.0.2.53 "/out/ok-$1.stdout"
}

# dig ends with 9 when no server could be reached; pktrec hands that on
job_records_drop() {
	local status

	record "dropped-$1" -- $dig_command
	status=$?
	is "$status" 9 "dropped-$1" && counts_are_said "dropped-$1"
}

job_guest() {
	local kind

	for kind in $job_kinds; do
		claim "${kind}_records_working_query" job_records "$kind"
		rule_add "$kind"
		claim "${kind}_records_dropped_query" job_records_drop "$kind"
		rule_del "$kind"
	done
}

job_diff_names_drop() {
	local status first

	pktdiff "$1/ok-$2.trc" "$1/dropped-$2.trc" >"$1/diff-$2"
	status=$?
	first=$(head -n 1 "$1/diff-$2")
	echo "status $status, expected 1; first line: $first"
	[ "$status" = 1 ] && echo "$first" | grep nf_hook_slow | grep LOCAL_OUT | grep -q NETFILTER_DROP
}

job_same_as_itself() {
	pktdiff "$1/ok-$2.trc" "$1/ok-$2.trc" && pktdiff "$1/dropped-$2.trc" "$1/dropped-$2.trc"
}

job_backend() {
	local expected=kprobe-multi

	[ "$2" != 6.1 ] || expected=kprobe
	pktshow --info "$1/ok-nft.trc" | grep -E "backend[^[:alnum:]]+$expected( |\$)" && return
	pktshow --info "$1/ok-nft.trc"
	return 1
}

# What was lost cannot be told apart from what never was: in a calm recording nothing may be.
job_nothing_lost() {
	grep -hE 'packets recorded, 0 lost' "$1"/{ok,dropped}-*.words | wc -l | grep -x 6 && return
	tail -n 1 "$1"/{ok,dropped}-*.words
	return 1
}

# What a function returned is told with the hook it was called for, though the packet may be gone by then.
job_returns_say_hook() {
	pktsql "$1/dropped-$2.trc" --csv "SELECT count(*) > 0 AND count(*) = sum(hook IS 'LOCAL_OUT') AS said FROM hop
		WHERE kind = 'return' AND function = 'nf_hook_slow'" | tr -d '\r' | tail -n 1 | grep -x 1
}

job_host() {
	local kind

	for kind in $job_kinds; do
		claim "${kind}_diff_names_the_drop" job_diff_names_drop "$1" "$kind"
		claim "${kind}_return_says_its_hook" job_returns_say_hook "$1" "$kind"
		claim "${kind}_recording_is_same_as_itself" job_same_as_itself "$1" "$kind"
		claim "${kind}_recordings_are_sound_zstd" zstd -qt "$1/ok-$kind.trc" "$1/dropped-$kind.trc"
	done
	claim "backend_is_the_best_of_this_kernel" job_backend "$1" "$2"
	claim "nothing_is_lost_in_a_calm_recording" job_nothing_lost "$1"
}
