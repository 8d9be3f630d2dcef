# SPDX-License-Identifier: GPL-2.0
#
# full.sh - no room for the file: a small file system, a limit on file sizes, /dev/full; and where files may lie.

# The message names the file and how far it got; the status is 2.
full_says() {	# NAME STATUS PATH REASON
	is "$2" 2 "$1" && grep "^pktrec: $3: cannot write after byte [0-9]*: $4" "/out/$1.words" && return
	cat "/out/$1.words"
	return 1
}

full_tmpfs() {
	local status

	mkdir -p /tmp/small && mount -t tmpfs -o size=64k small /tmp/small || return
	timeout 120 pktrec -o /tmp/small/x.trc -- $in_client flood 10.0.0.2 9 20000 >/dev/null 2>/out/tmpfs.words
	status=$?
	cp /tmp/small/x.trc /out/tmpfs.trc
	umount /tmp/small
	full_says tmpfs $status /tmp/small/x.trc 'No space left'
}

full_limit() {
	local status

	(ulimit -f 64; exec timeout 120 pktrec -o /out/limit.trc -- $in_client flood 10.0.0.2 9 20000 >/dev/null 2>/out/limit.words)
	status=$?
	full_says limit $status /out/limit.trc 'File too large'
}

full_device() {
	local status

	timeout 120 pktrec -o /dev/full -- $dig_command >/dev/null 2>/out/device.words
	status=$?
	is "$status" 2 device && grep '^pktrec: /dev/full: .*No space left' /out/device.words
}

place_keeps_old() {
	record old -- true && cp /out/old.trc /tmp/before.trc && record old -- true && cmp /tmp/before.trc /out/old.trc.old
}

# Refused, and what the link points to is as it was.
place_link() {
	local status

	echo precious >/tmp/precious
	ln -sf /tmp/precious /tmp/link.trc
	pktrec -o /tmp/link.trc -- true 2>/out/link.words
	status=$?
	is "$status" 2 link && grep 'symbolic link' /out/link.words && [ "$(cat /tmp/precious)" = precious ]
}

# In a directory where others may write, somebody else's file is neither written to nor moved out of the way.
place_shared() {
	local status

	mkdir -p /tmp/shared && chmod 1777 /tmp/shared
	echo theirs >/tmp/shared/x.trc
	chown 65534 /tmp/shared/x.trc
	pktrec -o /tmp/shared/x.trc -- true 2>/out/shared.words
	status=$?
	is "$status" 2 shared && grep 'belongs to' /out/shared.words && [ "$(cat /tmp/shared/x.trc)" = theirs ] &&
		pktrec -o /tmp/shared/y.trc -- true 2>/out/shared.words && [ "$(stat -c %a /tmp/shared/y.trc)" = 600 ]
}

full_guest() {
	claim "full_file_system_is_said" full_tmpfs
	claim "file_size_limit_is_said" full_limit
	claim "full_device_is_said" full_device
	claim "nothing_is_left_after_full_disks" nothing_is_left	# of ends.sh
	claim "earlier_recording_is_kept" place_keeps_old
	claim "link_is_never_followed" place_link
	claim "strangers_file_is_left_alone" place_shared
}

# Whole units only, and all that was there until then.
full_reads() {
	pktshow "$1/$2.trc" >/dev/null && zstd -qt "$1/$2.trc" && ! pktshow --verify "$1/$2.trc" 2>"$1/$2.verify" &&
		grep 'has no end' "$1/$2.verify" && ! grep 'cut short\|damaged' "$1/$2.verify"
}

full_host() {
	claim "full_file_system_leaves_whole_units" full_reads "$1" tmpfs
	claim "file_size_limit_leaves_whole_units" full_reads "$1" limit
}
