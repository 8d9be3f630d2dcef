# SPDX-License-Identifier: GPL-2.0
#
# rotate.sh - a recording in several files: each stands alone, together they are the whole.

rotate_all() {
	local status

	mkdir -p /out/rotate
	pktrec -o /out/rotate/x.trc -C 64K --profile path -- $in_client flood 10.0.0.2 9 6000 >/dev/null 2>/out/rotate-all.words
	status=$?
	ls -l /out/rotate
	is "$status" 0 rotate-all && [ -e /out/rotate/x.trc3 ] && tail -n 1 /out/rotate-all.words | grep -q 'x.trc to /out/rotate/x.trc[0-9]*: '
}

# The files after the first are the user's doing.
rotate_ring() {
	local status

	mkdir -p /out/ring && chown 65534 /out/ring
	# a user may not enter the client's namespace: the packets are not its command's
	export SUDO_UID=65534 SUDO_GID=65534
	start rotate-ring --profile path -C 64K -W 2 -o /out/ring/x.trc
	unset SUDO_UID SUDO_GID
	$in_client flood 10.0.0.2 9 6000 >/dev/null
	kill -INT "$recorder"
	finish
	status=$?
	ls -l /out/ring
	is "$status" 0 rotate-ring && [ "$(ls /out/ring)" = "$(printf 'x.trc0\nx.trc1')" ] &&
		[ "$(stat -c '%u %a' /out/ring/* | sort -u)" = '65534 600' ] && grep -q 'overwritten' /out/rotate-ring.words
}

rotate_forbidden() {
	local status

	mkdir -p /out/forbidden
	SUDO_UID=65534 SUDO_GID=65534 pktrec -o /out/forbidden/x.trc -C 64K --profile drop -- true 2>/out/rotate-forbidden.words
	status=$?
	is "$status" 2 rotate-forbidden && one_line rotate-forbidden && grep 'makes the files after the first' /out/rotate-forbidden.words
}

rotate_full() {
	local status

	mkdir -p /tmp/small && mount -t tmpfs -o size=256k small /tmp/small || return
	timeout 120 pktrec -o /tmp/small/x.trc -C 64K --profile path -- $in_client flood 10.0.0.2 9 6000 >/dev/null 2>/out/rotate-full.words
	status=$?
	ls -l /tmp/small
	mkdir -p /out/rotate-full && cp /tmp/small/* /out/rotate-full
	umount /tmp/small
	is "$status" 2 rotate-full && grep '^pktrec: /tmp/small/x.trc[0-9]: cannot write after byte [0-9]*: No space left' /out/rotate-full.words
}

rotate_guest() {
	claim "recording_goes_on_in_more_files" rotate_all
	claim "ring_of_files_is_the_users_and_bounded" rotate_ring
	claim "folder_where_the_user_may_not_write_is_refused" rotate_forbidden
	claim "full_disk_ends_a_rotated_recording" rotate_full
	claim "nothing_is_left_after_rotation" nothing_is_left		# of ends.sh
}

rotate_verifies() {
	local file

	for file in "$@"; do
		pktshow --verify "$file" && zstd -qt "$file" || return
	done
}

# Hops of all files are what the last line says; names are in each.
rotate_adds_up() {
	local file said sum=0 n

	said=$(sed -n 's/^\([0-9]*\) hops of .*/\1/p' "$1/rotate-all.words")
	for file in "$1"/rotate/x.trc*; do
		n=$(pktsql --csv "$file" 'SELECT count(*) FROM hop' | tail -n 1 | tr -d '\r')
		sum=$((sum + n))
		pktshow --functions "$file" >/dev/null 2>&1
	done
	echo "$sum hops in the files, $said said"
	[ "$sum" = "$said" ]
}

rotate_host() {
	claim "every_file_of_a_rotation_verifies" rotate_verifies "$1"/rotate/x.trc*
	claim "files_of_a_ring_verify" rotate_verifies "$1"/ring/x.trc*
	claim "files_of_a_rotation_add_up" rotate_adds_up "$1"
}
