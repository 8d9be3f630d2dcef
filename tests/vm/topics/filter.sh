# SPDX-License-Identifier: GPL-2.0
#
# filter.sh - filters as this kernel runs them: tests/unit/record_filter.c, with kprobes.

# Once, a few seconds of it; the claims below are about what it said.
filter_runs() {
	TEST_SECONDS=10 timeout 300 record_filter >/out/filter.words 2>&1
	cat /out/filter.words
	! grep -q FAILED /out/filter.words && grep 'questions' /out/filter.words
}

# It really ran, was not skipped.
filter_says() {
	grep -F "$1" /out/filter.words && return
	cat /out/filter.words
	return 1
}

filter_guest() {
	claim "filters_agree_with_libpcap" filter_runs
	claim "filters_are_asked_by_kprobes" filter_says '[       OK ] kprobe_asks_filter'
	# neither is there on 6.1
	[ "$series" = 6.1 ] && return
	claim "filters_are_asked_by_many_kprobes" filter_says '[       OK ] kprobe_multi_asks_filter'
	claim "filters_read_packets_directly" filter_says 'both ways'
}

filter_host() {
	:
}
