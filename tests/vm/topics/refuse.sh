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

# NAME PATTERN: the recorder says PATTERN in one line, before it does anything
is_missing() {
	local status

	pktrec -o "/out/$1.trc" -- true 2>"/out/$1.words"
	status=$?
	is "$status" 2 "$1" && one_line "$1" && grep "$2" "/out/$1.words" && [ ! -e "/out/$1.trc" ]
}

refuse_hidden() {
	local status

	echo 2 >/proc/sys/kernel/kptr_restrict
	is_missing hidden 'hides its addresses'
	status=$?
	echo 0 >/proc/sys/kernel/kptr_restrict
	return $status
}

# NAME PATTERN FOLDER: as on a machine without that folder
refuse_without() {
	local status

	mkdir -p /tmp/nothing && mount --bind /tmp/nothing "$3" || return
	is_missing "$1" "$2"
	status=$?
	umount "$3"
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
	claim "missing_kprobes_are_said" refuse_without kprobes 'no kprobes' /sys/bus/event_source/devices
	claim "missing_tracefs_is_said" refuse_without tracefs 'tracefs is not mounted' /sys/kernel/tracing
}

refuse_host() {
	:
}
