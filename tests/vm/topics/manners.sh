# SPDX-License-Identifier: GPL-2.0
#
# manners.sh - rights are given up once the probes are attached, and whose the file and the command are.

# what the recorder holds: FIELD of every one of its threads, each value once
held() {
	sed -n "s/^$1:[[:space:]]*//p" /proc/"$recorder"/task/*/status | sort -u
}

manners_root() {
	local effective permitted status

	start manners-root --profile drop
	effective=$(held CapEff)
	permitted=$(held CapPrm)
	[ "$(ls /proc/"$recorder"/task | wc -l)" -gt 1 ] || echo "it has no threads to look at"
	query >/dev/null
	kill -INT "$recorder"
	finish
	status=$?
	echo "effective $effective, permitted $permitted"
	is "$status" 0 manners-root && [ "$effective$permitted" = 00000000000000000000000000000000 ]
}

# Everything under somebody's sudo: uids, gids, groups and capabilities of the recorder, owner of the file.
manners_sudo() {
	local status

	export SUDO_UID=65534 SUDO_GID=65534 SUDO_USER=nobody
	start manners-sudo --profile drop
	unset SUDO_UID SUDO_GID SUDO_USER
	echo "$(held Uid | tr '\t' ' ')|$(held Gid | tr '\t' ' ')|$(held CapEff)|$(held CapPrm)" >/tmp/held
	query >/dev/null
	kill -INT "$recorder"
	finish
	status=$?
	cat /tmp/held
	is "$status" 0 manners-sudo && grep -qx '65534 65534 65534 65534|65534 65534 65534 65534|0000000000000000|0000000000000000' /tmp/held &&
		[ "$(stat -c '%u:%g %a' /out/manners-sudo.trc)" = '65534:65534 600' ]
}

# ... and of the command: never root by surprise, and told who it is.
manners_command() {
	local status

	SUDO_UID=65534 SUDO_GID=65534 pktrec -o /out/manners-command.trc --profile drop -- \
		sh -c 'echo "$(id -u) $(id -g) $USER $LOGNAME $HOME $KEPT"; grep ^CapEff /proc/self/status' \
		>/out/manners-command.stdout 2>/out/manners-command.words
	status=$?
	cat /out/manners-command.stdout
	is "$status" 0 manners-command && grep -qx '65534 65534 nobody nobody / kept' /out/manners-command.stdout &&
		grep -q '^CapEff:.0000000000000000$' /out/manners-command.stdout
}

manners_named() {
	local status

	pktrec -o /out/manners-named.trc --profile drop -Z nobody -- id -u >/out/manners-named.stdout 2>/out/manners-named.words
	status=$?
	is "$status" 0 manners-named && grep -qx 65534 /out/manners-named.stdout && [ "$(stat -c %u /out/manners-named.trc)" = 65534 ]
}

# Without sudo root's command is root's: the tests themselves rely on it.
manners_roots_command() {
	local status

	pktrec -o /out/manners-id.trc --profile drop -- sh -c 'id -u; ip netns exec pktrec-client true && echo entered' \
		>/out/manners-id.stdout 2>/out/manners-id.words
	status=$?
	is "$status" 0 manners-id && grep -qx 0 /out/manners-id.stdout && grep -qx entered /out/manners-id.stdout
}

manners_unknown() {
	local status

	pktrec -o /out/manners-unknown.trc -Z nosuchuser 2>/out/manners-unknown.words
	status=$?
	is "$status" 2 manners-unknown && grep -q 'no such user' /out/manners-unknown.words && [ ! -e /out/manners-unknown.trc ]
}

# A user who kills the recorder does not keep it from tidying up.
manners_killed() {
	SUDO_UID=65534 SUDO_GID=65534
	export SUDO_UID SUDO_GID
	start manners-killed --profile drop
	unset SUDO_UID SUDO_GID
	setpriv --reuid 65534 --regid 65534 --clear-groups sh -c "kill -KILL $recorder" || { echo "its owner may not kill it"; return 1; }
	wait "$recorder"
	nothing_is_left		# of ends.sh
}

# An ordinary user with the capabilities that --check names, and no others.
manners_capable() {
	local caps=+bpf,+perfmon,+sys_admin,+syslog,+dac_read_search,+dac_override status

	mkdir -p /out/capable && chown 65534 /out/capable
	setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps $caps --ambient-caps $caps \
		pktrec -o /out/capable/x.trc --profile drop -- grep ^CapEff /proc/self/status \
		>/out/manners-capable.stdout 2>/out/manners-capable.words
	status=$?
	cat /out/manners-capable.stdout
	is "$status" 0 manners-capable && grep -q '^CapEff:.0000000000000000$' /out/manners-capable.stdout
}

manners_silent() {
	local status

	echo 'nameserver 127.0.0.53' >/etc/resolv.conf
	pktrec -o /out/manners-silent.trc --func 'no_such_function*' -- dig -v >/dev/null 2>/out/manners-silent.words
	status=$?
	rm /etc/resolv.conf
	cat /out/manners-silent.words
	[ "$(grep -c '^pktrec: nothing was recorded: ' /out/manners-silent.words)" = 1 ] &&
		grep '^pktrec: nothing was recorded: ' /out/manners-silent.words | grep -q 'local resolver'
}

manners_guest() {
	export KEPT=kept
	claim "root_keeps_no_capability_while_recording" manners_root
	claim "recorder_becomes_the_user_behind_sudo" manners_sudo
	claim "command_runs_as_the_user_behind_sudo" manners_command
	claim "named_user_owns_recording_and_command" manners_named
	claim "roots_own_command_is_roots" manners_roots_command
	claim "unknown_user_is_refused" manners_unknown
	claim "capabilities_suffice_without_root" manners_capable
	claim "nothing_recorded_says_why_it_may_be" manners_silent
	claim "nothing_is_left_after_rights_were_given_up" nothing_is_left
	claim "nothing_is_left_when_the_user_kills_the_recorder" manners_killed
}

manners_host() {
	:
}
