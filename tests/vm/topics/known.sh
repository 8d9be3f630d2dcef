# SPDX-License-Identifier: GPL-2.0
#
# known.sh - what schema/functions.tsv knows of the functions that this kernel's packets enter, in what other topics recorded.

known_guest() {
	:
}

# At least 90 % of the functions and 98 % of the hops have a layer.
known_enough() {
	local line functions hops

	line=$(pktshow --functions "$1" | tail -n 1)
	echo "$line"
	read -r functions _ hops _ <<<"$(grep -o '[0-9.]* %' <<<"$line" | tr '\n' ' ')"
	awk "BEGIN { exit !(${functions:-0} >= 90 && ${hops:-0} >= 98) }"
}

known_host() {
	local name

	for name in same-0 same-1 system; do
		claim "layers_are_known_in_$name" known_enough "$1/$name.trc"
	done
}
