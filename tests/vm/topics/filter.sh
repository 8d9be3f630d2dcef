# SPDX-License-Identifier: GPL-2.0
#
# filter.sh - filters as this kernel runs them: tests/unit/record_filter.c and, with kprobes, record_stubs.c.

filter_agrees() {
	TEST_SECONDS=10 timeout 300 record_filter >/out/filter.words 2>&1 && grep 'questions' /out/filter.words && return
	cat /out/filter.words
	return 1
}

filter_replaces() {
	timeout 300 record_stubs >/out/stubs.words 2>&1 && return
	cat /out/stubs.words
	return 1
}

# What was said without being a failure: that it really ran, and was not skipped.
filter_says() {
	grep -F "$2" "/out/$1.words" && return
	cat "/out/$1.words"
	return 1
}

filter_guest() {
	claim "filters_agree_with_libpcap" filter_agrees
	claim "filters_get_to_where_the_stubs_were" filter_replaces
	claim "filters_are_asked_by_kprobes" filter_says stubs '[       OK ] kprobe_asks_filter'
	# neither is there on 6.1
	[ "$series" = 6.1 ] && return
	claim "filters_are_asked_by_many_kprobes" filter_says stubs '[       OK ] kprobe_multi_asks_filter'
	claim "filters_read_packets_directly" filter_says filter 'both ways'
}

filter_host() {
	:
}
