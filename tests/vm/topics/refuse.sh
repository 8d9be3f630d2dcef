# SPDX-License-Identifier: GPL-2.0
#
# refuse.sh - what cannot be done is refused with one line and status 2.

one_line() {
	[ "$(wc -l <"/out/$1.words")" = 1 ] && grep -q '^pktrec: ' "/out/$1.words" && return
	echo "expected one line, got:"
	cat "/out/$1.words"
	return 1
}

refuse_user() {
	local status

	cd /tmp && setpriv --reuid 65534 --regid 65534 --clear-groups pktrec -o /tmp/user.trc -- true 2>/out/user.words
	status=$?
	is "$status" 2 user && one_line user
}

refuse_full() {
	local status

	timeout 120 pktrec -o /dev/full -- $dig_command >/out/full.stdout 2>/out/full.words
	status=$?
	is "$status" 2 full && grep '^pktrec: .*/dev/full' /out/full.words
}

refuse_option() {
	local status

	pktrec --no-such-option 2>/out/option.words
	status=$?
	is "$status" 2 option && grep '^pktrec: ' /out/option.words
}

refuse_lists() {
	local n

	n=$(pktrec --profile all --list-functions | wc -l)
	echo "$n functions listed"
	[ "$n" -gt 1000 ]
}

refuse_check() {
	pktrec --check && pktrec --check -q
}

# NAME PATTERN [OPTION...]: the recorder says PATTERN in one line, before it does anything; and --check says it too
is_missing() {
	local name=$1 pattern=$2 status

	shift 2
	$refuse_how pktrec -o "/out/$name.trc" "$@" -- true 2>"/out/$name.words"
	status=$?
	is "$status" 2 "$name" && one_line "$name" && grep "$pattern" "/out/$name.words" && [ ! -e "/out/$name.trc" ] || return
	! $refuse_how pktrec --check "$@" >"/out/$name.table" && grep "$pattern" "/out/$name.table"
}
refuse_how=

# NAME CAPABILITIES PATTERN: root without them
refuse_without_capability() {
	local status

	refuse_how="setpriv --bounding-set $2 --inh-caps $2"
	is_missing "$1" "$3"
	status=$?
	refuse_how=
	return $status
}

# Enough for one backend is enough, and the table says which it is.
refuse_table() {
	pktrec --check >/out/table.words || return
	cat /out/table.words
	[ "$(grep -c 'would be used' /out/table.words)" = 1 ] && grep -Eq '^tracepoint +works' /out/table.words
}

refuse_hidden() {
	local status

	echo 2 >/proc/sys/kernel/kptr_restrict
	is_missing addresses 'hides its addresses'
	status=$?
	echo 0 >/proc/sys/kernel/kptr_restrict
	return $status
}

# NAME PATTERN FOLDER [OPTION...]: as on a machine without that folder
refuse_without() {
	local folder=$3 name=$1 pattern=$2 status

	shift 3
	mkdir -p /tmp/nothing && mount --bind /tmp/nothing "$folder" || return
	is_missing "$name" "$pattern" "$@"
	status=$?
	umount "$folder"
	return $status
}

private_file() {
	stat -c %a /out/ok-nft.trc | grep -x 600
}

refuse_guest() {
	claim "user_without_rights_is_refused_in_one_line" refuse_user
	claim "full_disk_ends_with_status_2" refuse_full
	claim "unknown_option_is_refused" refuse_option
	claim "functions_are_listed" refuse_lists
	claim "check_finds_this_kernel_fit" refuse_check
	claim "recording_is_private" private_file
	claim "hidden_symbols_are_said" refuse_hidden
	claim "missing_types_are_said" refuse_without types 'no BTF' /sys/kernel/btf
	claim "missing_kprobes_are_said" refuse_without kprobes 'no kprobes' /sys/bus/event_source/devices --backend kprobe
	claim "missing_tracefs_is_said" refuse_without tracefs 'tracefs is not mounted' /sys/kernel/tracing --backend kprobe
	claim "missing_cap_bpf_is_said" refuse_without_capability bpf -bpf,-sys_admin 'CAP_BPF is missing'
	claim "missing_cap_perfmon_is_said" refuse_without_capability perfmon -perfmon,-sys_admin 'CAP_PERFMON is missing'
	claim "missing_cap_sys_admin_is_said" refuse_without_capability admin -sys_admin 'CAP_SYS_ADMIN is missing'
	echo 1 >/proc/sys/kernel/kptr_restrict
	claim "missing_cap_syslog_is_said" refuse_without_capability syslog -syslog 'hides its addresses'
	echo 0 >/proc/sys/kernel/kptr_restrict
	claim "table_says_which_backend_would_be_used" refuse_table
}

refuse_host() {
	:
}
