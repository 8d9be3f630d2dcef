# SPDX-License-Identifier: GPL-2.0
#
# guest.sh - what runs in the test machine: every topic that was put beside it, in order of name.
#
# A topic NAME.sh has NAME_guest, run here, which records and judges what only the living kernel knows, and
# NAME_host, run by tests/run over what came back in /out.  `claim NAME command...` is the one way to judge in both.

here=${0%/*}
. "$here/net.sh"

series=$(uname -r | cut -d. -f1,2)
mkdir -p /out/claims.d
: >/out/claims

# claim NAME COMMAND...: ok when the command succeeds; what it prints is shown when it fails
claim() {
	local name=$1 verdict=ok

	shift
	detached
	("$@") >"/out/claims.d/$name" 2>&1 || verdict=FAIL
	echo "$verdict $name" >>/out/claims
	echo "$verdict $name" >/dev/console	# seen when the machine dies before it can hand /out back
}

# record NAME [OPTION...] -- COMMAND...: into /out/NAME.trc, words into /out/NAME.words; pktrec's status
record() {
	local name=$1

	shift
	detached
	pktrec -o "/out/$name.trc" "$@" >"/out/$name.stdout" 2>"/out/$name.words"
}

# start NAME [OPTION...]: record in the background; returns when every probe is attached
start() {
	local name=$1 fifo

	shift
	detached
	fifo=$(mktemp -u)
	mkfifo "$fifo"
	pktrec -o "/out/$name.trc" --ready-fd 3 "$@" 3>"$fifo" >"/out/$name.stdout" 2>"/out/$name.words" &
	recorder=$!
	timeout 120 head -n 1 "$fifo" >/dev/null
	rm -f "$fifo"
	kill -0 "$recorder" || cat "/out/$name.words"
}

# finish: wait for the recorder that start left running; its status, 137 when it had to be killed
finish() {
	local dog status

	(sleep 120; kill -KILL "$recorder") >/dev/null 2>&1 &
	dog=$!
	wait "$recorder"
	status=$?
	kill "$dog"
	return $status
}

# The last line of a recording's words gives the counts.
counts_are_said() {
	tail -n 1 "/out/$1.words" | grep -Eq '^(pktrec: )?[0-9]+ hops of [0-9]+ packets recorded, [0-9]+ lost' && return
	echo "no counts in the last line of:"
	cat "/out/$1.words"
	return 1
}

# is STATUS EXPECTED NAME: the status, with the recorder's words when it is another one
is() {
	[ "$1" = "$2" ] && return
	echo "status $1, expected $2; it said:"
	cat "/out/$3.words"
	return 1
}

# Detaching waits for grace periods, which are what takes the time here; no test is about how long they take.
echo 1 >/sys/kernel/rcu_expedited

net_up || { echo "the test network could not be made"; exit 1; }
for topic in "$here"/topics/*.sh; do
	. "$topic"
	name=${topic##*/}
	"${name%.sh}_guest"
done
net_down
exit 0
