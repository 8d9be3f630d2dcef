# SPDX-License-Identifier: GPL-2.0
#
# bench.sh - what recording costs a flood of UDP packets from one namespace to the other, where a process reads them.
#
# Measurements take turns: not traced, traced, not traced, ... and each traced one is a share of the mean of its two
# neighbours; the median counts.  Times are in hundredths of a second, of which shells know no smaller ones.
# BENCH is what to measure: "all", or on kernels where attaching is slow "slow".

here=${0%/*}
. "$here/net.sh"
port=9
ms=${BENCH_MS:-1000}
rounds=${BENCH_ROUNDS:-3}
runs=/tmp/runs
words=/tmp/words

# Hundredths of a second since boot.
now() {
	local up

	read -r up _ </proc/uptime
	echo "${up%.*}${up#*.}"
}

# flood_rate: packets a second
flood_rate() {
	$in_client flood --for "$ms" 10.0.0.2 $port | awk '{ printf "%d\n", $1 * 1e9 / $2 }'
}

median() {
	sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# column N: the median of that column of the runs
column() {
	cut -d' ' -f"$1" $runs | median
}

# --- starting and stopping what traces: sets $tracer, $ready (time it took) -----------------------------------------

start_pktrec() {
	local fifo begin

	fifo=$(mktemp -u)
	mkfifo "$fifo"
	begin=$(now)
	pktrec -o /tmp/bench.trc --ready-fd 3 "$@" 3>"$fifo" 2>$words &
	tracer=$!
	read -r _ <"$fifo"
	ready=$(($(now) - begin))
	rm -f "$fifo"
}

# bpftrace says how many probes it is about to attach, and nothing afterwards: BEGIN runs before, interval after that.
start_bpftrace() {
	local begin

	begin=$(now)
	: >/tmp/bpftrace.out
	bpftrace -e "$1 interval:ms:20 { if (!@ready) { @ready = 1; printf(\"ready\\n\"); } }" >/tmp/bpftrace.out 2>$words &
	tracer=$!
	while ! grep -q ready /tmp/bpftrace.out && kill -0 $tracer 2>/dev/null; do
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
}

# --- the table --------------------------------------------------------------------------------------------------------

# measure NAME START ARGUMENT...: one line of the table
measure() {
	local name=$1 start=$2 i before after rate lost

	shift 2
	: >$runs
	before=$(flood_rate)
	for i in $(seq "$rounds"); do
		"$start" "$@"
		kill -0 $tracer 2>/dev/null || { echo "$name: $(tail -n 1 $words)"; return; }
		rate=$(flood_rate)
		stop
		after=$(flood_rate)
		set_counts
		echo "$((rate * 2000 / (before + after))) $rate $(((before + after) / 2)) $ready $gone $cpu $memory $hops $packets $lost" >>$runs
		before=$after
	done
	awk -v name="$name" -v share="$(column 1)" -v rate="$(column 2)" -v whole="$(column 3)" -v ready="$(column 4)" \
		-v gone="$(column 5)" -v cpu="$(column 6)" -v memory="$(column 7)" -v hops="$(column 8)" -v lost="$(cut -d' ' -f10 $runs | sort -n | tail -n 1)" '
	BEGIN { printf "%-32s %5.1f %% %7d %7d  %6.2f %6.2f  %6.2f %6.1f  %9s %s\n", name, share / 10, rate, whole,
		ready / 100, gone / 100, cpu / 100, memory / 1024, hops, lost }' | tee /dev/console
}

# what the tracer said at its end
set_counts() {
	hops=0 packets=0 lost=0
	if grep -q 'hops of' $words; then
		set -- $(sed -n 's/^[^0-9]*\([0-9][0-9]*\) hops of \([0-9]*\) packets recorded, \([0-9]*\) lost.*/\1 \2 \3/p' $words)
		hops=${1:-?} packets=${2:-?} lost=${3:-?}
	else
		lost=$(awk '/^Lost/ { n += $2 } END { print n + 0 }' /tmp/bpftrace.out $words)
		hops=$(grep -c . /tmp/bpftrace.out)
	fi
}

heading() {
	printf '%-32s %7s %7s %7s  %6s %6s  %6s %6s  %9s %s\n' "" kept pps untraced ready gone cpu MiB hops lost
}

# What the kernel says of the programs' own time: counting it costs something too, so it is a run of its own.
program_time() {
	echo 1 >/proc/sys/kernel/bpf_stats_enabled
	start_pktrec "$@"
	flood_rate >/dev/null
	cat /proc/$tracer/fdinfo/* | awk '
		/^run_time_ns/ { time += $2 } /^run_cnt/ { count += $2 }
		END { printf "programs: %d ns a hit (%d hits)\n", count ? time / count : 0, count }'
	stop
	echo 0 >/proc/sys/kernel/bpf_stats_enabled
}

# first_hop [OPTION...]: from the start to the first hop of a packet that is sent as soon as it is possible
first_hop() {
	local begin at

	begin=$(now)
	pktrec -q -o /tmp/first.trc "$@" -- $in_client flood 10.0.0.2 $port 1 >/dev/null 2>&1
	at=$(pktsql /tmp/first.trc 'SELECT min(time_ns) / 10000000 FROM hop' | tail -n 1)
	echo "start to first hop: $((at - begin)) hundredths"
}

# bpftrace_script PORT ACTION: for every function that the flood hit, what happens when the packet goes to that port
bpftrace_script() {
	local arg skb probes

	for arg in 1 2 3 4 5; do
		probes=$(pktsql /tmp/functions.trc "SELECT 'kprobe:' || name FROM function
			WHERE hits AND attached AND argument = $arg AND instr(name, '.') = 0" | grep '^kprobe:' | paste -s -d ,)
		skb="((struct sk_buff *)arg$((arg - 1)))"
		[ -z "$probes" ] || printf '%s\n' "$probes
			/ ((struct udphdr *)($skb->head + $skb->transport_header))->dest == $(($1 % 256 * 256 + $1 / 256)) / { $2 }"
	done
	printf '%s\n' 'interval:ms:20 / !@ready / { @ready = 1; printf("ready\n"); }'
}

net_up || exit 2
$in_server flood --sink $port >/tmp/sink &
sink=$!
if [ "${BENCH:-all}" = all ]; then
	heading
	measure "pktrec, filter matches nothing" start_pktrec udp port 54321
	measure "pktrec, every hop" start_pktrec
	measure "pktrec, every hop of a filter" start_pktrec udp port $port
	measure "pktrec, profile path" start_pktrec --profile path
	measure "pktrec --light" start_pktrec --light
	pktrec -q -o /tmp/functions.trc -- $in_client flood 10.0.0.2 $port 10 >/dev/null
	if command -v bpftrace >/dev/null; then
		bpftrace_script 54321 'printf("%llu %s\n", nsecs, probe);' >/tmp/nothing.bt
		bpftrace_script $port 'printf("%llu %s\n", nsecs, probe);' >/tmp/printf.bt
		bpftrace_script $port '@[probe] = count();' >/tmp/count.bt
		echo 1 >/sys/kernel/rcu_expedited	# its seconds of detaching are not what is measured here
		functions=$(grep -o kprobe: /tmp/nothing.bt | wc -l)
		measure "bpftrace, $functions, matches nothing" start_bpftrace /tmp/nothing.bt
		measure "bpftrace, $functions, printf" start_bpftrace /tmp/printf.bt
		measure "bpftrace, $functions, count" start_bpftrace /tmp/count.bt
		echo 0 >/sys/kernel/rcu_expedited
	fi
	program_time udp port 54321
	program_time
else
	heading
	measure "pktrec, filter matches nothing" start_pktrec udp port 54321
	measure "pktrec, every hop" start_pktrec
	measure "pktrec --light" start_pktrec --light
fi
first_hop
first_hop --light
kill $sink
wait $sink
echo "packets delivered in all: $(cat /tmp/sink)"
net_down
