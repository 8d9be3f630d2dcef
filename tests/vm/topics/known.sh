# SPDX-License-Identifier: GPL-2.0
#
# known.sh - what schema/functions.tsv knows of the functions that this kernel's packets enter, in what other topics recorded.

known_guest() {
	:
}

# At least 90 % of the functions and 98 % of the hops have a layer.
known_enough() {
	local line

	line=$(pktshow --functions "$1" | tail -n 1)
	echo "$line"
	echo "$line" | grep -o '[0-9.]* %' | awk 'NR == 1 { functions = $1 } NR == 2 { hops = $1 } END { exit !(functions >= 90 && hops >= 98) }'
}

known_host() {
	local name

	for name in same-0 same-1 system; do
		claim "layers_are_known_in_$name" known_enough "$1/$name.trc"
	done
}
