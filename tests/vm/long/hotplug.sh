# SPDX-License-Identifier: GPL-2.0
#
# hotplug.sh - what can change under a recording: clocks, CPUs, network namespaces, modules.  It ends cleanly all the same.

hotplug_cpu=/sys/devices/system/cpu/cpu1/online

hotplug_changes() {
	local status now

	ip netns add pktrec-passing && ip -n pktrec-passing link set lo up
	modprobe dummy && ip link add passing0 type dummy && ip link set passing0 up
	start hotplug
	query >/dev/null
	now=$(date +%s)
	date -s "@$((now + 3600))" >/dev/null && query >/dev/null
	date -s "@$((now - 3600))" >/dev/null && query >/dev/null
	date -s "@$now" >/dev/null
	echo 0 >$hotplug_cpu || echo "CPU 1 cannot be taken offline"
	query >/dev/null
	echo 1 >$hotplug_cpu
	query >/dev/null
	ip netns delete pktrec-passing
	ip link del passing0
	rmmod dummy || echo "the module could not be unloaded"
	query >/dev/null
	kill -INT "$recorder"
	finish
	status=$?
	cat /out/hotplug.words
	is "$status" 0 hotplug && counts_are_said hotplug && ! grep unaccounted /out/hotplug.words
}

hotplug_guest() {
	claim "clocks_cpus_namespaces_and_modules_may_change" hotplug_changes
	claim "nothing_is_left_after_such_changes" nothing_is_left	# of ends.sh
}

# Times are of the steady clock: an hour forth and back is not in them.
hotplug_is_sound() {
	local span

	pktshow --verify "$1/hotplug.trc" && zstd -qt "$1/hotplug.trc" || return
	span=$(pktsql --csv "$1/hotplug.trc" 'SELECT (max(time_ns) - min(time_ns)) / 1000000000 FROM hop' | tail -n 1 | tr -d '\r')
	echo "$span seconds"
	[ "$span" -lt 600 ]
}

hotplug_host() {
	claim "recording_of_such_changes_verifies" hotplug_is_sound "$1"
}
