# SPDX-License-Identifier: GPL-2.0
#
# bench.sh - what recording costs a flood of small UDP packets that a process at the other end reads, or not.
#
# Measurements take turns: not traced, traced, not traced, ...  Each traced one is a share of the mean of its two
# neighbours, and the median of three counts; where it takes long to start, one.  Shells know hundredths of a second.
# BENCH says where: "fast", "slow" (attaching is, so less is measured), both over a veth pair of the test machine, or
# "host": this machine's own kernel, over its loopback.

here=${0%/*}
. "$here/net.sh"
bench=${BENCH:-fast}
ms=${BENCH_MS:-1000}
rounds=${BENCH_ROUNDS:-3}
port=54399
nobody=54321		# to which nothing is sent
work=$(mktemp -d) || exit 2
words=$work/words

# Hundredths of a second since boot.
now() {
	local up

	read -r up _ </proc/uptime
	echo "${up%.*}${up#*.}"
}

# packets a second
flood_rate() {
	$from flood --for "$ms" "$address" $port | awk '{ printf "%d\n", $1 * 1e9 / $2 }'
}

# --- starting and stopping what traces: $tracer, and the time until it is $ready -------------------------------------

start_pktrec() {
	local begin

	mkfifo "$work/fifo"
	begin=$(now)
	pktrec -o "$work/bench.trc" --ready-fd 3 "$@" 3>"$work/fifo" 2>"$words" &
	tracer=$!
	read -r _ <"$work/fifo"
	ready=$(($(now) - begin))
	rm -f "$work/fifo" "$work/bench.trc.old"
}

# An interval of the script says "ready", which comes when everything is attached.
start_bpftrace() {
	local begin

	begin=$(now)
	bpftrace "$1" >"$work/out" 2>"$words" &
	tracer=$!
	while ! grep -q ready "$work/out" && kill -0 $tracer 2>/dev/null; do
		sleep 0.02
	done
	ready=$(($(now) - begin))
}

# stop: CPU time and memory of what traced, then how long it takes to be gone
stop() {
	local begin

	cpu=$(($(cut -d' ' -f14,15 /proc/$tracer/stat | tr ' ' +)))
	memory=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' /proc/$tracer/status)
	begin=$(now)
	kill -INT $tracer
	wait $tracer
	gone=$(($(now) - begin))
	detached
}

# What the tracer says at its end; bpftrace has a line for each hit, or counts them, and says what it lost.
counts() {
	hops=0 packets=0 lost=0
	if grep -q 'hops of' "$words"; then
		set -- $(sed -n 's/^[^0-9]*\([0-9]*\) hops of \([0-9]*\) packets recorded, \([0-9]*\) lost.*/\1 \2 \3/p' "$words")
		hops=$1 packets=$2 lost=$3
	else
		hops=$(awk '/^@\[kprobe:/ { n += $NF } /^[0-9]+ kprobe:/ { n++ } END { print n + 0 }' "$work/out")
		lost=$(awk '/^Lost/ { n += $2 } END { print n + 0 }' "$work/out" "$words")
	fi
}

# --- the table -------------------------------------------------------------------------------------------------------

heading() {
	printf '%-26s %7s %8s %9s %6s %6s %6s %6s %9s %7s %7s %6s\n' "" kept packets/s untraced ready gone CPU MiB hops lost \
		hops/p. ns/hop
}

# The median of each column of the runs, of losses the worst; ns/hop is what a packet takes longer, over its hops.
summary() {
	sort -n "$work/runs" | awk -v name="$1" '
		{ for (i = 1; i <= NF; i++) v[i, NR] = $i }
		function median(c,   i, j, t, s) {
			for (i = 1; i <= NR; i++) s[i] = v[c, i]
			for (i = 1; i <= NR; i++) for (j = i + 1; j <= NR; j++) if (s[j] < s[i]) { t = s[i]; s[i] = s[j]; s[j] = t }
			return s[int((NR + 1) / 2)]
		}
		END {
			for (i = 1; i <= NR; i++) if (v[10, i] > lost) lost = v[10, i]
			rate = median(2); whole = median(3); hops = median(8); each = median(9) ? hops / median(9) : 0
			printf "%-26s %5.1f %% %8d %9d %6.2f %6.2f %6.2f %6.1f %9d %7d %7s %6s\n", name, median(1) / 10, rate, whole,
				median(4) / 100, median(5) / 100, median(6) / 100, median(7) / 1024, hops, lost,
				each ? sprintf("%.1f", each) : "-", each ? sprintf("%d", (1e9 / rate - 1e9 / whole) / each) : "-"
		}'
}

# measure NAME START ARGUMENT...
measure() {
	local name=$1 start=$2 before after rate

	shift 2
	: >"$work/runs"
	before=$(flood_rate)
	for _ in $(seq "$rounds"); do
		"$start" "$@"
		kill -0 $tracer 2>/dev/null || { echo "$name: $(tail -n 1 "$words")"; return; }
		rate=$(flood_rate)
		stop
		after=$(flood_rate)
		counts
		echo "$((rate * 2000 / (before + after))) $rate $(((before + after) / 2)) $ready $gone $cpu $memory $hops $packets $lost" >>"$work/runs"
		before=$after
	done
	summary "$name" | tee "$console"
}

# What the kernel says of the programs' own time.  To count it costs something too, so this is a run of its own.
program_time() {
	local name=$1 stats=/proc/sys/kernel/bpf_stats_enabled was

	shift
	read -r was <$stats
	echo 1 >$stats || return
	start_pktrec "$@"
	flood_rate >/dev/null
	cat /proc/$tracer/fdinfo/* 2>/dev/null | awk -v name="$name" '
		/^prog_id/ { id = $2 } /^run_time_ns/ { time[id] = $2 } /^run_cnt/ { count[id] = $2 }
		END {
			for (i in time) { ns += time[i]; n += count[i] }
			printf "%-26s %d ns in the programs a hit, %d hits\n", name, n ? ns / n : 0, n
		}'
	stop
	echo "$was" >$stats
}

# first_hop NAME [OPTION...]: of a packet that is sent as soon as that is possible
first_hop() {
	local name=$1 begin

	shift
	begin=$(now)
	pktrec -v -o "$work/first.trc" "$@" -- $from flood "$address" $port 1 >/dev/null 2>"$words"
	pktsql "$work/first.trc" "SELECT printf('%-26s first hop after %.2f s', '$name', min(time_ns) / 1e9 - $begin / 100.0) FROM hop" |
		tail -n 1
	grep ' s: ' "$words"
}

# bpftrace_script PORT ACTION: for every function that a packet hit, what happens when it goes to that port
bpftrace_script() {
	local arg skb probes

	for arg in 1 2 3 4 5; do
		probes=$(pktsql "$work/functions.trc" "SELECT 'kprobe:' || name FROM function
			WHERE hits AND attached AND argument = $arg AND instr(name, '.') = 0" | grep '^kprobe:' | paste -s -d ,)
		skb="((struct sk_buff *)arg$((arg - 1)))"
		[ -z "$probes" ] || printf '%s\n' "$probes
			/ ((struct udphdr *)($skb->head + $skb->transport_header))->dest == $(($1 % 256 * 256 + $1 / 256)) / { $2 }"
	done
	printf '%s\n' 'interval:ms:20 / !@ready / { @ready = 1; printf("ready\n"); }'
}

bpftrace_measure() {
	local expedited=/sys/kernel/rcu_expedited n

	command -v bpftrace >/dev/null || { echo "bpftrace is not installed; run tools/setup bench"; return; }
	pktrec -q -o "$work/functions.trc" -- $from flood "$address" $port 10 >/dev/null 2>&1
	bpftrace_script $nobody 'printf("%llu %s\n", nsecs, probe);' >"$work/nothing.bt"
	bpftrace_script $port 'printf("%llu %s\n", nsecs, probe);' >"$work/printf.bt"
	bpftrace_script $port '@[probe] = count();' >"$work/count.bt"
	n=$(grep -o kprobe: "$work/nothing.bt" | wc -l)
	rounds=1		# it takes half a minute to start here
	echo 1 >$expedited	# the seconds it takes to detach are not what is measured here
	measure "bpftrace $n, no match" start_bpftrace "$work/nothing.bt"
	measure "bpftrace $n, a line a hit" start_bpftrace "$work/printf.bt"
	measure "bpftrace $n, a count a hit" start_bpftrace "$work/count.bt"
	echo 0 >$expedited
}

finish() {
	kill $sink 2>/dev/null && wait $sink
	[ "$bench" = host ] || net_down
	rm -rf "$work"
}

if [ "$bench" = host ]; then
	from= to= address=127.0.0.1 console=/dev/null
else
	net_up || exit 2
	from=$in_client to=$in_server address=10.0.0.2 console=/dev/console
fi
[ "$bench" != slow ] || rounds=1
trap finish EXIT
trap 'exit 130' INT
$to flood --sink $port >/dev/null &
sink=$!
heading
if [ "$bench" != host ]; then
	measure "filter matches nothing" start_pktrec udp port $nobody
	measure "every hop" start_pktrec
fi
if [ "$bench" = fast ]; then	# with a process less on two processors
	kill -STOP $sink
	measure "no match, nobody reads" start_pktrec udp port $nobody
	measure "every hop, nobody reads" start_pktrec
	kill -CONT $sink
fi
measure "--light, no match" start_pktrec --light udp port $nobody
measure "--light, every event" start_pktrec --light
if [ "$bench" = fast ]; then
	measure "--profile path" start_pktrec --profile path
	bpftrace_measure
	program_time "filter matches nothing" udp port $nobody
	program_time "every hop"
fi
[ "$bench" = host ] || first_hop "every hop"
first_hop "--light" --light
if [ "$bench" = slow ]; then
	echo 1 >/sys/kernel/rcu_expedited
	measure "every hop, RCU expedited" start_pktrec
fi
