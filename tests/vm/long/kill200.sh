# SPDX-License-Identifier: GPL-2.0
#
# kill200.sh - as topics/kill.sh, until the recorder has been killed 200 times, or for as long as there is time: a kill takes
# seconds under emulation.  tests/unit/record_spool.c kills the thread that writes 200 times, wherever it runs.

kill200_guest() {
	claim "recorder_is_killed_many_times" kill_rounds 100 299 1300
	claim "nothing_is_left_after_those_kills" nothing_is_left
}

kill200_host() {
	claim "many_killed_recordings_read" kill_reads "$1"
}
