# SPDX-License-Identifier: GPL-2.0
#
# kill200.sh - as topics/kill.sh, until the recorder has been killed 200 times: many minutes under emulation.

kill200_guest() {
	claim "recorder_is_killed_200_times" kill_rounds 100 299 1500
	claim "nothing_is_left_after_200_kills" nothing_is_left
}

kill200_host() {
	claim "200_killed_recordings_read" kill_reads "$1"
}
