# SPDX-License-Identifier: GPL-2.0
#
# record.sh - record the query that works (ok.trc), then the same one dropped (dropped.trc), into $OUT or /out.
#
# Runs as root: on a machine whose kernel can be traced, or in a test machine.  KIND is the kind of firewall rule, FILTER
# of packets.

here=${0%/*}
out=${OUT:-/out}
kind=${KIND:-iptables-legacy}
. "$here/net.sh"

# Under sudo the recorder would run the command as the user, who may not enter a namespace; the files go to the user.
unset SUDO_UID SUDO_GID SUDO_USER SUDO_COMMAND

finish() {
	net_down
	chown --reference="$out" "$out"/*.trc 2>/dev/null
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# dig ends with a status of its own when it gets no answer, and pktrec hands it on: 2 is the recorder's
record() {
	detached
	echo "\$ pktrec -o $1.trc ${FILTER:+$FILTER }-- $dig_command" >&2
	pktrec -o "$out/$1.trc" ${FILTER:-} -- $dig_command >"$out/$1.dig"
	[ $? != 2 ]
}

net_up || exit 2
record ok || exit 2
rule_add "$kind" || exit 2
echo "\$ $in_client $kind -A $rule_words" >&2
record dropped
