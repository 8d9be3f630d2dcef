# SPDX-License-Identifier: GPL-2.0
#
# stages.sh - the stages of tests/run, in the order they run; those of the library are in foreign/stages.sh,
# that of recordings on this machine in host/stage.sh.

. tests/foreign/stages.sh
. tests/host/stage.sh

# --- compile: the same without a warning from the other compiler ------------------------------------------------

stage_compile() {
	prefix="compile " claim clang_compiles_without_warnings build clang all lib units helpers CC=clang WERROR=1
}

# --- unit: programs of cmocka tests, each test counted ------------------------------------------------------------

# Reads cmocka's TAP: "ok 3 - name", "not ok 3 - name", and (1.1.5) "not ok 3 # SKIP name".
unit_count() {
	local words seen=0 bad=0

	while read -r words; do
		case $words in
		*"# SKIP "*) skip "$1 ${words##*# SKIP }" "by itself" ;;
		"ok "*) pass "$1 ${words#ok * - }" ;;
		"not ok "*) bad=1; fail "$1 ${words#not ok * - }" <"$2" ;;
		*) continue ;;
		esac
		seen=1
	done < <(grep -aE '^(not )?ok [0-9]+' "$2")
	# a program that crashes, leaks or tests nothing has no line of its own for it
	if [ "$3" = 77 ]; then
		skip "$1" "$(tail -n 1 "$2")"
		return
	fi
	if [ "$3" != 0 ]; then
		[ "$bad" = 1 ] || fail "$1 ends_with_status_0 (it was $3)" <"$2"
	elif [ "$seen" = 0 ]; then
		fail "$1 has_tests" <"$2"
	fi
}

unit_run() {	# unit_run VARIANT
	local program name status

	for program in tests/unit/*.c; do
		name=$(basename "$program" .c)
		[ -x "$T/$1/tests/$name" ] || continue
		CMOCKA_MESSAGE_OUTPUT=TAP SAMPLES=$root/samples ${long:+env TEST_LONG=1} timeout 300 "$T/$1/tests/$name" >"$T/$1/$name.log" 2>&1 </dev/null
		status=$?
		unit_count "$1 $name" "$T/$1/$name.log" $status
	done
}

stage_unit() {
	unit_run gcc
}

# --- sanitize: again, with AddressSanitizer and UndefinedBehaviorSanitizer -----------------------------------------

sanitizers="-fsanitize=address,undefined -fno-sanitize-recover=all"

build_sanitized() {
	build asan analyze units helpers CFLAGS="-O1 -g $sanitizers" LDFLAGS="$sanitizers"
}

stage_sanitize() {
	local said

	if said=$(build_sanitized 2>&1); then
		unit_run asan
	else
		fail "compile with_sanitizers" <<<"$said"
	fi
}

# --- alone: the analyzer builds where there is no clang, no libbpf, no root -----------------------------------------

# Their headers are covered by ones that cannot be compiled, their programs by ones that fail, and pkg-config
# denies them.
alone_cover() {
	local header tool

	rm -rf "$T/alone" "$T/cover"
	mkdir -p "$T"/cover/{bin,include/{bpf,libmnl,pcap}}
	for header in bpf/bpf.h bpf/libbpf.h bpf/btf.h bpf/bpf_helpers.h libelf.h gelf.h libmnl/libmnl.h cap-ng.h pcap/pcap.h; do
		echo "#error \"$header is not here\"" >"$T/cover/include/$header"
	done
	for tool in clang clang-14 llc bpftool; do
		printf '#!/bin/sh\necho "%s is not here" >&2\nexit 127\n' $tool >"$T/cover/bin/$tool"
	done
	cat >"$T/cover/bin/pkg-config" <<-EOF2
		#!/bin/sh
		case " \$* " in *libbpf*|*libelf*|*libmnl*|*libcap-ng*|*libpcap*) exit 1;; esac
		exec $(command -v pkg-config) "\$@"
	EOF2
	chmod +x "$T"/cover/bin/*
}

alone_builds() {
	PATH=$root/$T/cover/bin:$PATH build alone analyze lib CC="gcc -isystem $root/$T/cover/include"
}

alone_links_little() {
	local tool needed

	for tool in pktshow pktdiff pktsql; do
		needed=$(readelf -d "$T/alone/$tool") || return
		grep -q 'NEEDED.*libzstd' <<<"$needed" || return
		! grep -E 'NEEDED.*(libbpf|libelf|libmnl|libcap|libpcap)' <<<"$needed" || return
	done
}

alone_has_no_filters() {
	! "$T/alone/pktshow" samples/ok.trc udp 2>"$T/alone.log" && grep -c . "$T/alone.log" | grep -qx 1 &&
		grep 'built without libpcap' "$T/alone.log"
}

# The cover must bite: what needs libbpf cannot be built under it.
alone_recorder_fails() {
	! PATH=$root/$T/cover/bin:$PATH build alone "$T/alone/pktrec" CC="gcc -isystem $root/$T/cover/include" >"$T/alone.log" 2>&1 &&
		grep 'is not here' "$T/alone.log"
}

stage_alone() {
	local prefix="alone "

	alone_cover
	claim analyzer_builds_without_clang_and_libbpf alone_builds
	claim analyzer_links_no_libbpf alone_links_little
	claim filters_are_refused_where_libpcap_is_not alone_has_no_filters
	claim recorder_does_not_build_there alone_recorder_fails
}

# --- install: tools and man pages go where they belong -----------------------------------------------------------------

install_puts_all() {
	local tool

	rm -rf "$T/install"
	build gcc install DESTDIR="$root/$T/install" prefix=/usr || return
	for tool in pktrec pktshow pktdiff pktsql; do
		"$T/install/usr/bin/$tool" --version || return
		[ ! -e "man/$tool.1.scd" ] || [ -s "$T/install/usr/share/man/man1/$tool.1" ] || return
	done
}

stage_install() {
	local prefix="install "

	claim puts_tools_and_pages_in_place install_puts_all
	claim puts_the_library_in_place library_installs
	claim library_exports_what_its_header_declares_and_nothing_else library_exports_its_header
	claim library_is_not_found_by_chance library_is_not_found_by_chance
	claim library_serves_c library_serves "gcc -std=c11 -D_GNU_SOURCE"
	claim library_serves_clang library_serves "clang -std=gnu11"
	claim library_serves_cplusplus library_serves "g++ -std=c++11 -x c++"
	claim library_serves_a_static_program library_serves "gcc -static -std=gnu11" --static
}

# --- dns: the responder of the test network answers a real client ----------------------------------------------------

dns_says() {	# dns_says PATTERN DIG-ARGUMENT...
	local pattern=$1 said

	shift
	said=$(dig -p "$dns_port" +tries=2 +timeout=2 "$@" 2>&1)
	echo "$said"
	grep -Eq "$pattern" <<<"$said"
}

stage_dns() {
	local prefix="dns " server

	dns_port=$((20000 + $$ % 20000))
	"$T/gcc/dns-responder" --port $dns_port --ready-fd 3 3>"$T/dns.ready" &
	server=$!
	for _ in $(seq 50); do [ -s "$T/dns.ready" ] && break; sleep 0.1; done
	claim answers_a dns_says '^example\.test\..*192\.0\.2\.53' @127.0.0.1 example.test
	claim answers_edns dns_says 'EDNS: version: 0' @127.0.0.1 example.test +edns
	claim answers_without_edns dns_says 'ADDITIONAL: 0' @127.0.0.1 example.test +noedns
	claim has_no_aaaa dns_says 'ANSWER: 0' @127.0.0.1 example.test AAAA
	claim knows_invalid dns_says NXDOMAIN @127.0.0.1 some.invalid
	claim refuses_opcode dns_says NOTIMP @127.0.0.1 example.test +opcode=status
	[ ! -e /proc/net/if_inet6 ] || claim answers_over_ipv6 dns_says '192\.0\.2\.53' @::1 example.test
	kill $server
}

# --- cases: tests/cases/NAME/{cmd,expected[,status]} ------------------------------------------------------------------

# Runs a case's command at the root of the tree, with the tools in PATH: the same names on every machine.
# CASE is the case's own folder, SCRATCH an empty one.
case_output() {
	rm -rf "$T/scratch"
	mkdir "$T/scratch"
	SAMPLES=samples CASE=$1 SCRATCH=$T/scratch timeout 60 bash "$1/cmd" 2>&1 </dev/null
}

case_holds() {
	local expected=0 status

	[ ! -f "$1/status" ] || read -r expected <"$1/status"
	case_output "$1" >"$T/case.out"
	status=$?
	diff -u --label expected --label got "$1/expected" "$T/case.out" || return
	[ "$status" = "$expected" ] && return
	echo "status $status, expected $expected"
	return 1
}

stage_cases() {
	local dir

	for dir in tests/cases/*/; do
		[ -f "$dir/cmd" ] || continue
		prefix="cases " claim "$(basename "$dir")" case_holds "${dir%/}"
	done
	cases_kept
}

# A few faults of the proving ground, recorded on a real kernel once: the right function, reason and cause
cases_kept() {
	local prefix="cases diagnosis-" file name kernel

	B=$T/gcc tests/diagnosis/run --kept >"$T/kept" 2>&1
	for file in tests/diagnosis/kept/*/*.ok.trc; do
		name=$(basename "$file" .ok.trc) kernel=$(basename "$(dirname "$file")")
		claim "$kernel-$name" kept_is_right "$kernel $name"
	done
}

kept_is_right() {
	grep -qx "ok $1" "$T/kept" && return
	grep -A 1 "^WRONG $1:" "$T/kept" || cat "$T/kept"
	return 1
}

cases_update() {
	local name dir status

	PATH=$root/$T/gcc:$PATH
	for name in ${*:-$(ls tests/cases)}; do
		dir=tests/cases/$name
		[ -f "$dir/cmd" ] || continue
		case_output "$dir" >"$dir/expected"
		status=$?
		rm -f "$dir/status"
		[ $status = 0 ] || echo $status >"$dir/status"
	done
	git --no-pager diff --stat -- tests/cases
}

# --- cut: recordings cut short ----------------------------------------------------------------------------------------

cut_shows() {	# every piece is shown, or refused with one line
	local size i

	size=$(stat -c %s "$1")
	for i in $(seq 0 40); do
		head -c $((size * i / 40)) "$1" >"$T/cut.trc"
		pktshow "$T/cut.trc" >/dev/null 2>"$T/cut.words"
		case $? in
		0 | 2) ;;
		*) echo "cut at $((size * i / 40)): status $?"; cat "$T/cut.words"; return 1 ;;
		esac
		[ "$(wc -l <"$T/cut.words")" -le 1 ] || { cat "$T/cut.words"; return 1; }
	done
}

stage_cut() {
	local prefix="cut " file

	[ -x "$T/asan/cut-reader" ] || build_sanitized >/dev/null 2>&1
	for file in ok dropped; do
		if [ -s "samples/$file.trc" ]; then
			claim "${file}_reads_at_1000_offsets" "$T/asan/cut-reader" "samples/$file.trc" 1000
			claim "${file}_shows_or_refuses_in_one_line" cut_shows "samples/$file.trc"
		else
			skip "cut $file" "no samples/$file.trc; run make samples"
		fi
	done
}

# --- vm: the main job on real kernels ---------------------------------------------------------------------------------

vm_seconds=1800
[ -z "$long" ] || vm_seconds=2400

vm_topics() {
	echo tests/vm/topics/*.sh
	[ -z "$long" ] || echo tests/vm/long/*.sh
}

vm_start() {	# vm_start SERIES: its results are in $T/vm/SERIES when the job ends
	local topic files=() wires=()

	# network cards; their drivers are loaded by the topic that is about them
	[ -z "$long" ] || wires=(-w "virtio-net-pci virtio-net-pci" -w "vmxnet3 vmxnet3")
	for topic in $(vm_topics); do
		files+=("$topic:/usr/local/bin/topics/$(basename "$topic")")
	done
	rm -rf "$T/vm/$1"
	mkdir -p "$T/vm/$1"
	tests/vm/run -o "$T/vm/$1" -t $vm_seconds "${wires[@]}" "$1" tests/vm/guest.sh tests/vm/net.sh tests/vm/kin-net.sh tests/vm/driver-net.sh "${files[@]}" \
		"$T/gcc/pktrec" "$T/gcc/pktshow" "$T/gcc/dns-responder" "$T/gcc/verdicts.bpf.o" "$T/gcc/flood" "$T/gcc/traffic" "$T/gcc/tests/record_filter" "$T/gcc/tests/record_stubs" >"$T/vm/$1.words" 2>&1 </dev/null &
}

# What the guest judged, then what the files that came back say.
vm_judge() {	# vm_judge SERIES
	local out=$T/vm/$1 prefix="$1 " verdict name topic

	while read -r verdict name; do
		case $verdict in
		ok) pass "$prefix$name" ;;
		*) fail "$prefix$name" <"$out/claims.d/$name" ;;
		esac
	done <"$out/claims"
	for topic in $(vm_topics); do
		. "$topic"
		"$(basename "$topic" .sh)_host" "$out" "$1"
	done
}

vm_finish() {	# vm_finish SERIES PID
	local status topic

	wait "$2"
	status=$?
	if [ $status = 77 ]; then
		for topic in $(vm_topics); do
			skip "$1 $(basename "$topic" .sh)" "$(tail -n 1 "$T/vm/$1.words")"
		done
	elif [ $status != 0 ] || [ ! -s "$T/vm/$1/claims" ]; then
		cat "$T/vm/$1.words" "$T/vm/$1/log" 2>/dev/null | fail "$1 machine_runs_to_its_end (status $status)"
	else
		pass "$1 machine_runs_to_its_end"
		vm_judge "$1"
	fi
}

stage_vm() {
	local first second

	vm_start 6.1
	first=$!
	vm_start 6.12
	second=$!
	vm_finish 6.12 $second
	vm_finish 6.1 $first
}

# --- fuzz: a bounded run of each fuzzer ----------------------------------------------------------------------------------------------

# A finding is kept in the work folder, and its name is in what is printed.  It becomes a file of tests/fuzz/corpus/.
fuzz_survives() {	# fuzz_survives NAME SECONDS
	local said

	rm -rf "$T/fuzz/$1"
	mkdir -p "$T/fuzz/$1"
	said=$("$T/gcc/fuzz/$1" -max_total_time="$2" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
		-artifact_prefix="$T/fuzz/found-$1-" "$T/fuzz/$1" "tests/fuzz/corpus/$1" 2>&1) || { tail -n 60 <<<"$said"; return 1; }
	# one that could not run its input says nothing wrong
	grep 'number_of_executed_units: [1-9]' <<<"$said"
}

# The seeds alone, each: what was found once is not there any more.
fuzz_knows() {
	"$T/gcc/fuzz/$1" -timeout=10 -rss_limit_mb=1024 tests/fuzz/corpus/"$1"/* 2>&1 | tail -n 60
	return "${PIPESTATUS[0]}"
}

# FUZZ_SECONDS: for all fuzzers together; in the long run for each.
stage_fuzz() {
	local prefix="fuzz " names name seconds=${FUZZ_SECONDS:-60} said

	if ! echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' |
		clang -fsanitize=fuzzer -x c -o "$T/fuzz-there" - 2>/dev/null; then
		skip "fuzz" "clang has no fuzzer here; install libclang-rt-dev"
		return
	fi
	said=$(build gcc fuzz WERROR=1 2>&1) || { fail "fuzz compiles" <<<"$said"; return; }
	rm -f "$T"/fuzz/found-*
	names=(tests/fuzz/*_fuzz.c)
	[ -n "$long" ] || seconds=$(((seconds + ${#names[@]} - 1) / ${#names[@]}))
	for name in "${names[@]}"; do
		name=$(basename "$name" _fuzz.c)
		claim "${name}_survives_its_corpus" fuzz_knows "$name"
		claim "${name}_survives_${seconds}_seconds" fuzz_survives "$name" "$seconds"
	done
}
