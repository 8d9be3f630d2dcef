# SPDX-License-Identifier: GPL-2.0
#
# profile.sh - every function probed on a kernel without FPROBE: minutes under emulation, so only in make test-long.

profile_all() {
	local status

	record profile-all --profile all -- $dig_command
	status=$?
	is "$status" 0 profile-all && counts_are_said profile-all
}

profile_guest() {
	claim "profile_all_records" profile_all
}

profile_same() {
	pktshow --verify "$1/profile-all.trc" && pktdiff "$1/profile-all.trc" "$1/profile-all.trc"
}

profile_host() {
	claim "profile_all_verifies" profile_same "$1"
}
