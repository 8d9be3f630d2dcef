# SPDX-License-Identifier: GPL-2.0
#
# stages.sh - libpkttrace for strangers: installed, read by others, and big recordings.  tests/stages.sh reads it.

# --- install: what stage_install claims of the library --------------------------------------------------------------------

# The library as a stranger gets it, under a prefix that no compiler searches by itself.
library_installs() {
	rm -rf "$T/library"
	build gcc install-lib DESTDIR="$root/$T/library" prefix=/opt/pkttrace
}

library_flags() {
	PKG_CONFIG_SYSROOT_DIR=$root/$T/library PKG_CONFIG_PATH=$root/$T/library/opt/pkttrace/lib/pkgconfig \
		pkg-config --cflags --libs "$@" pkttrace
}

library_exports_its_header() {
	gcc -fpreprocessed -dD -E -P trace/pkttrace.h | grep -oE '\btrc_[a-z0-9_]+\(' | tr -d '(' | sort -u >"$T/declared"
	nm -D --defined-only "$T/library/opt/pkttrace/lib/libpkttrace.so" | sed -n 's/.* [A-Z] \([^@]*\)@.*/\1/p' |
		sort -u >"$T/exported"
	[ -s "$T/declared" ] && diff -u "$T/declared" "$T/exported" &&
		readelf -d "$T/library/opt/pkttrace/lib/libpkttrace.so" | grep 'SONAME.*\[libpkttrace\.so\.0\]'
}

library_serves() {	# library_serves COMPILER [--static]
	local flags

	flags=$(library_flags ${2:-}) || return
	$1 -Wall -Wextra -pedantic -Werror tests/foreign/consumer.c -x none $flags -o "$T/consumer" || return
	LD_LIBRARY_PATH=$T/library/opt/pkttrace/lib "$T/consumer" samples/ok.trc
}

# Without the flags there is no consumer: they are what makes it compile.
library_is_not_found_by_chance() {
	[ -e /usr/include/pkttrace.h ] || [ -e /usr/local/include/pkttrace.h ] || ! gcc -fsyntax-only tests/foreign/consumer.c
}

# --- foreign: a reader written from FORMAT.md alone says the same as the library ------------------------------------------

# A recording that is not whole, such as one of the golden ones, must not be whole to either.
foreign_agrees() {	# foreign_agrees FILE
	if ! "$T/gcc/trc-dump" "$1" >"$T/foreign.library"; then
		! python3 tests/foreign/read_trc.py "$1" >"$T/foreign.python"
		return
	fi
	python3 tests/foreign/read_trc.py "$1" >"$T/foreign.python" && [ -s "$T/foreign.library" ] && diff "$T/foreign.library" "$T/foreign.python" | head -n 20
	[ "${PIPESTATUS[*]}" = "0 0" ]
}

# Edges and bytes from a time on.
foreign_kin() {
	awk -v from="$1" '($1 == "edge" && $2 >= from) || ($1 == "data" && $3 >= from)'
}

# What the library selects and sorts, against what the foreign reader's lines say should come.
foreign_selects() {	# foreign_selects FILE AWK-CONDITION TRC-DUMP-OPTION...
	local file=$1 condition=$2

	shift 2
	python3 tests/foreign/read_trc.py "$file" | awk "\$1 != \"HOPS\" || ($condition)" >"$T/foreign.python" &&
		"$T/gcc/trc-dump" "$@" "$file" >"$T/foreign.library" && grep -q '^HOPS' "$T/foreign.library" || return
	if [ "$1" = -s ]; then	# what is of packets that were first seen earlier may be left out, but none be made up
		! grep -E '^(stac|edge|data)' "$T/foreign.library" | grep -vxFf <(grep -E '^(stac|edge|data)' "$T/foreign.python") || return
		foreign_kin "$2" <"$T/foreign.python" >"$T/foreign.kin"
		[ -s "$T/foreign.kin" ] && foreign_kin "$2" <"$T/foreign.library" | diff - "$T/foreign.kin" || return
		sed -i -E '/^(stac|edge|data)/d' "$T/foreign.library" "$T/foreign.python"
	fi
	! cmp -s "$T/foreign.python" "$file.rows" && diff "$T/foreign.library" "$T/foreign.python" | head -n 20
	[ "${PIPESTATUS[*]}" = "0 0" ]
}

# The time in the middle of a recording.
foreign_middle() {
	awk '$1 == "HOPS" { if (!first || $3 < first) first = $3; if ($3 > last) last = $3 } END { printf "%.0f", (first + last) / 2 }' "$1"
}

# The same hops, and no time goes back.
foreign_sorts() {
	"$T/gcc/trc-dump" -t "$1" >"$T/foreign.library" && ! cmp -s "$T/foreign.library" "$1.rows" &&
		awk '$1 == "HOPS" { if ($3 < last) exit 1; last = $3 }' "$T/foreign.library" &&
		sort "$T/foreign.library" >"$T/foreign.sorted" &&
		python3 tests/foreign/read_trc.py "$1" | sort | diff -q - "$T/foreign.sorted"
}

# Index units say of every unit what it holds: one for a short recording, a chain for many units.
foreign_finds_index() {	# foreign_finds_index PATTERN TRC-GEN-OPTION...
	local pattern=$1

	shift
	"$T/gcc/trc-gen" "$@" -o "$T/indexed.trc" samples/ok.trc samples/dropped.trc &&
		python3 tests/foreign/read_trc.py --index "$T/indexed.trc" | grep -x "$pattern"
}

# One byte in the middle: both see it, and say so in one line.
foreign_sees_damage() {
	local size

	size=$(stat -c %s samples/ok.trc)
	head -c $((size / 2)) samples/ok.trc >"$T/foreign.trc"
	tail -c +$((size / 2 + 1)) samples/ok.trc | head -c 1 | LC_ALL=C tr '\000-\377' '\001-\377\000' >>"$T/foreign.trc"
	tail -c +$((size / 2 + 2)) samples/ok.trc >>"$T/foreign.trc"
	! python3 tests/foreign/read_trc.py "$T/foreign.trc" >/dev/null 2>"$T/foreign.words" || return
	! "$T/gcc/trc-dump" "$T/foreign.trc" >/dev/null 2>>"$T/foreign.words" || return
	cat "$T/foreign.words"
	grep -q 'wrong checksum' "$T/foreign.words" && grep -q 'damaged' "$T/foreign.words" &&
		[ "$(wc -l <"$T/foreign.words")" = 2 ]
}

# Of a small recording: each kind has one unit, so each is forged about as often.
foreign_forges_kin() {
	"$T/gcc/trc-gen" -a -n 300 -o "$T/kin.trc" samples/ok.trc &&
		python3 tests/foreign/forge.py "$T/gcc/trc-dump" "$T/kin.trc" "$T/forged.trc" 200
}

generate() {	# generate FILE OPTION...: of rows, not of recordings, for their ids are random
	local file=$1

	shift
	"$T/gcc/trc-gen" "$@" -o "$file" samples/ok.trc samples/dropped.trc && "$T/gcc/trc-dump" "$file" >"$file.rows"
}

generator_repeats() {
	generate "$T/first.trc" -n 20000 -r 7 && generate "$T/second.trc" -n 20000 -r 7 && generate "$T/third.trc" -n 20000 -r 8 &&
		cmp "$T/first.trc.rows" "$T/second.trc.rows" && ! cmp "$T/second.trc.rows" "$T/third.trc.rows" &&
		[ "$(grep -c '^HOPS ' "$T/first.trc.rows")" = 20000 ]
}

# Each kind of row, and each number of a stack is of one that came before.
generator_has_every_kind() {
	local kind

	for kind in fact enum FUNC nets link proc snap frms edge data HOPS LOSS DONE; do
		grep -q "^$kind " "$T/varied.trc.rows" || return
	done
	awk '$1 == "frms" { there[$2] = 1 } $1 == "HOPS" && $NF { named++; if (!($NF in there)) exit 1 }
		END { exit named < 100 }' "$T/varied.trc.rows"
}

# What realistic means: all of it is there, and what was lost is lost exactly.
generator_varies() {
	generate "$T/varied.trc" -a -n 40000 -c 8 -l 2000 || return
	pktshow --verify "$T/varied.trc" || return
	pktsql --csv "$T/varied.trc" "SELECT count(*), count(DISTINCT cpu) = 8, count(DISTINCT pid) > 50, count(DISTINCT sport) > 50,
		sum(proto = 6) > 1000, sum(proto = 17) > 1000, sum(src LIKE 'fd00:%') > 1000, sum(src LIKE '10.%') > 1000,
		sum(kind = 'drop') > 5 FROM hop" | tr -d '\r' | tee /dev/stderr | grep -qx '40000,1,1,1,1,1,1,1,1' || return
	# numbers that are missing on a CPU are the ones its last LOSS row counts
	awk '$1 == "HOPS" { hops[$2]++ } $1 == "LOSS" { recorded[$2] = $4; lost[$2] = $5; produced[$2] = $3 }
		END { for (c in recorded) { if (recorded[c] != hops[c] || produced[c] != recorded[c] + lost[c]) exit 1; all += lost[c] }
		exit all == 0 }' "$T/varied.trc.rows"
}

stage_foreign() {
	local prefix="foreign " file name middle

	claim generator_gives_the_same_rows_for_the_same_seed generator_repeats
	claim generator_varies_what_varies_on_real_machines generator_varies
	claim generator_has_every_kind_of_row generator_has_every_kind
	if ! command -v python3 >/dev/null; then
		skip "foreign reader" "no python3"
		return
	fi
	for file in samples/*.trc tests/golden/*.trc "$T/varied.trc"; do
		name=$(basename "$file" .trc)
		[ ! -s "$file" ] || claim "reader_agrees_row_for_row_on_$name" foreign_agrees "$file"
	done
	claim reader_and_library_agree_on_one_cpu foreign_selects "$T/varied.trc" '$2 == 3' -c 3
	middle=$(foreign_middle "$T/varied.trc.rows")
	claim reader_and_library_agree_from_a_time_on foreign_selects "$T/varied.trc" "\$3 >= $middle" -s "$middle"
	claim reader_and_library_agree_in_order_of_time foreign_sorts "$T/varied.trc"
	claim index_is_as_its_description_says foreign_finds_index '1 index units list [0-9]* units' -n 50000 -c 70
	claim chain_of_indexes_is_as_its_description_says \
		foreign_finds_index '[2-9] index units list [0-9]\{4\} units' -n 150000 -u 40
	claim reader_and_library_see_a_changed_byte foreign_sees_damage
	claim reader_and_library_judge_forged_contents_alike \
		python3 tests/foreign/forge.py "$T/gcc/trc-dump" samples/dropped.trc "$T/forged.trc" 100
	claim reader_and_library_judge_forged_kin_and_snapshots_alike foreign_forges_kin
}

# --- big: ten million hops, in little memory ----------------------------------------------------------------------------

in_mib() {	# in_mib LIMIT COMMAND...: of address space, so more than it may use
	(ulimit -v $(($1 * 1024)) && "${@:2}")
}

big_is_whole() {
	in_mib 128 "$T/gcc/pktshow" --verify "$T/big.trc" | grep '^whole: .* 10000000 hops'
}

big_goes_through_a_pipe() {
	cat "$T/big.trc" | in_mib 64 "$T/gcc/trc-bench" -m read -
}

stage_big() {
	local prefix="big "

	claim ten_million_hops_are_written_in_64_mib \
		in_mib 64 "$T/gcc/trc-gen" -n 10000000 -c 16 -o "$T/big.trc" samples/ok.trc samples/dropped.trc
	claim they_are_verified_in_128_mib big_is_whole
	claim they_are_read_in_64_mib in_mib 64 "$T/gcc/trc-bench" -m read "$T/big.trc"
	claim they_are_read_through_a_pipe_in_64_mib big_goes_through_a_pipe
	claim they_are_read_in_order_of_time_in_256_mib in_mib 256 "$T/gcc/trc-bench" -m "read in order of time" "$T/big.trc"
	rm -f "$T/big.trc"
}
