# SPDX-License-Identifier: GPL-2.0
#
# copy.sh - put host files into an initramfs tree; read by tests/vm/base and tests/vm/run.
#
# Everything goes under /usr where the guest's /lib and /bin are links to: the kernel replaces a link by a folder
# when a later archive has a folder of that name, and the machine would lose its libraries.

guest_path() {
	case $1 in
	/bin/* | /sbin/* | /lib/* | /lib64/*) echo "/usr$1" ;;
	*) echo "$1" ;;
	esac
}

# put_file ROOT HOSTPATH GUESTPATH: copies the file and the shared libraries it needs
put_file() {
	local lib to

	to=$1$(guest_path "$3")
	mkdir -p "$(dirname "$to")"
	cp -L "$2" "$to" || return
	ldd "$2" 2>/dev/null | grep -oE '/[^ ]+' | while read -r lib; do
		to=$1$(guest_path "$lib")
		[ -e "$to" ] || { mkdir -p "$(dirname "$to")"; cp -L "$lib" "$to"; }
	done
}

pack() {
	(cd "$1" && find . -mindepth 1 -print0 | cpio -0 -o -H newc -R 0:0 --quiet)
}
