# SPDX-License-Identifier: GPL-2.0
#
# origin.sh - where a packet comes from: system call, process, command; and stacks, each stored once.

# Few are attached quickly on kernels without multi-probes.
origin_functions="--func udp_* --func ip_* --func *dev_queue_xmit --func *netif_rx* --func *netif_receive_skb_core* --func *consume*
	--func security_sock_rcv_skb"

origin_records() {
	record origin --stack $origin_functions udp port 53 -- $dig_command +nocookie
	is $? 0 origin
}

# Processes that are gone at once, one after the other; the shell that starts them stays.
origin_short() {
	record origin-short $origin_functions udp port 53 -- $in_client sh -c \
		'for i in 1 2 3 4 5 6 7 8; do dig @10.0.0.2 "short$i.test" A +tries=1 +timeout=1; done'
	is $? 0 origin-short
}

# Arguments with what a terminal would obey.
origin_hostile() {
	record origin-hostile $origin_functions udp port 53 -- $in_client sh -c 'dig @10.0.0.2 "$(printf "a\033[31mb\nc.test")" A +tries=1 +timeout=1'
	[ $? != 2 ]
}

origin_guest() {
	claim "origin_records" origin_records
	claim "short_processes_record" origin_short
	claim "hostile_arguments_record" origin_hostile
}

origin_rows() {	# DIR NAME QUERY
	pktsql "$1/$2.trc" --csv "$3" | tr -d '\r' | tail -n +2
}

origin_one() {	# DIR NAME QUERY PATTERN: every row is like it, and there is one
	local rows

	rows=$(origin_rows "$1" "$2" "$3")
	echo "$rows"
	echo "$rows" | grep -qxE "$4" && ! echo "$rows" | grep -vxE "$4"
}

origin_none() {	# DIR NAME QUERY
	local rows

	rows=$(origin_rows "$1" "$2" "$3")
	echo "$rows"
	[ -z "$rows" ]
}

# What a hop has that it should not, and the other way round.
origin_query="FROM packet p WHERE p.dport = 53"
origin_answer="FROM packet p WHERE p.sport = 53"

origin_explained() {
	local said

	said=$(pktshow "$1/origin.trc" --packet 1 --explain)
	echo "$said"
	echo "$said" | grep -qE 'Process dig \([0-9]+\) in netns pktrec-client calls send(m?msg|to)\(2\)\.' &&
		echo "$said" | grep -qF 'Its command line is: dig @10.0.0.2 example.test A +tries=1 +timeout=1 +nocookie'
}

origin_says_no_escape() {
	local said

	said=$(pktshow "$1/origin-hostile.trc" --info; pktsql "$1/origin-hostile.trc" --csv "SELECT * FROM process")
	echo "$said" | cat -v
	echo "$said" | grep -F 'a' >/dev/null && ! echo "$said" | tr -d '\r' | LC_ALL=C grep -q "$(printf '\033')"
}

origin_host() {
	claim "query_is_of_dig" origin_one "$1" origin "SELECT process $origin_query" dig
	claim "querys_first_stack_has_the_system_call" origin_one "$1" origin "SELECT count(*) || max(s.function LIKE '%sys_send%') FROM packet p
		JOIN stack s USING (recording, packet) WHERE p.dport = 53" '[0-9]+1'
	claim "answer_is_of_the_responder" origin_one "$1" origin "SELECT process $origin_answer" dns-responder
	claim "command_is_known_with_its_arguments" origin_one "$1" origin "SELECT command FROM process WHERE process = 'dig'" \
		'dig @10.0.0.2 example.test A \+tries=1 \+timeout=1 \+nocookie'
	claim "command_of_a_process_that_ran_before_is_known" origin_one "$1" origin "SELECT command FROM process WHERE process = 'dns-responder'" \
		'dns-responder --ready-fd 3'
	claim "origin_is_explained" origin_explained "$1"
	claim "commands_of_short_processes_are_known" origin_one "$1" origin-short "SELECT count(DISTINCT c.command) FROM packet p
		JOIN process c USING (recording, pid) WHERE p.dport = 53 AND c.command LIKE 'dig @10.0.0.2 short_.test %'" 8
	claim "hostile_arguments_are_shown_harmless" origin_says_no_escape "$1"
	claim "softirq_makes_no_process_the_origin" origin_none "$1" origin "SELECT p.packet, p.process FROM packet p
		JOIN hop h USING (recording, packet) WHERE h.hop = 1 AND h.context != 'process' AND p.pid IS NOT NULL"
	claim "every_stack_of_a_hop_is_in_the_dictionary" origin_none "$1" origin "SELECT h.packet, h.hop FROM hop h
		LEFT JOIN frame f ON f.recording = h.recording AND f.stack = h.stack AND f.frame = 1 WHERE h.stack IS NOT NULL AND f.func IS NULL"
	claim "every_stack_is_stored_once" origin_none "$1" origin "SELECT count(*) FROM (SELECT stack, group_concat(func) AS frames FROM
		(SELECT stack, func FROM frame ORDER BY stack, frame) GROUP BY stack) GROUP BY frames HAVING count(*) > 1"
	claim "frames_of_a_stack_are_numbered_without_gap" origin_none "$1" origin "SELECT stack FROM frame GROUP BY stack
		HAVING max(frame) != count(*) OR min(frame) != 1"
	# a stub of the security modules is called through a trampoline that stacks do not show
	claim "stack_of_a_hop_is_its_own" origin_none "$1" origin "SELECT h.packet, h.hop, h.function FROM hop h WHERE h.kind = 'entry' AND h.stack IS NOT NULL
		AND h.function NOT LIKE 'bpf_lsm_%' AND NOT EXISTS (SELECT 1 FROM hop_stack s WHERE s.recording = h.recording AND s.packet = h.packet AND s.hop = h.hop AND s.frame <= 2
			AND s.function = h.function)"
	claim "origin_verifies" pktshow --verify "$1/origin.trc"
}
