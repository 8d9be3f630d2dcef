# SPDX-License-Identifier: GPL-2.0
#
# bench.sh - packets a second of a flood, untraced and traced, three runs each; the median counts.

. "${0%/*}/net.sh"
packets=20000

# Hundredths of a second that the flood takes.
flood_time() {
	local begin end

	read -r begin _ </proc/uptime
	$in_client flood 10.0.0.2 9 $packets >/dev/null
	read -r end _ </proc/uptime
	echo "$begin $end" | awk '{ printf "%d\n", ($2 - $1) * 100 }'
}

# median NAME: its packets a second, and the share of the first one's
median() {
	local took

	took=$(for _ in 1 2 3; do flood_time; done | sort -n | sed -n 2p)
	rate=$((packets * 100 / (took + 1)))
	: "${whole:=$rate}"
	printf '%-40s %8d packets/s  %3d %%\n' "$1" $rate $((rate * 100 / whole))
}

traced() {	# traced NAME [OPTION...]
	local name=$1 fifo

	shift
	fifo=$(mktemp -u)
	mkfifo "$fifo"
	pktrec -q -o /tmp/bench.trc --ready-fd 3 "$@" 3>"$fifo" 2>/tmp/words &
	recorder=$!
	read -r _ <"$fifo"
	rm -f "$fifo"
	median "$name"
	kill -INT $recorder
	wait $recorder
	tail -n 1 /tmp/words
}

net_up || exit 2
whole=
median "not traced"
traced "every hop recorded"
traced "every hop recorded, profile path" --profile path
net_down
