# SPDX-License-Identifier: GPL-2.0
#
# guest.sh - in a test machine: record every fault of the catalogue that was put beside it, working and broken.
#
# For each: the network is made, `before` done, the traffic recorded (NAME.ok.trc), `spoil` done, the traffic recorded
# again (NAME.bad.trc).  Every working network is recorded $least times at least; what is alike has a line with the same
# first word in /out/alike: GROUP RECORDING.  NAME.failed says why there is no recording of a fault.

here=/usr/local/bin
unset SUDO_UID SUDO_GID SUDO_USER SUDO_COMMAND
read -r until least <"$here/seconds"	# from when on no other fault begins; see $least above
: "${least:=2}"

defaults() {
	net=pair traffic=ask filter= options= still= kind=outcome hook=
	before() { :; }
	spoil() { false; }
	mend() { :; }
}

read_fault() {	# read_fault NAME
	defaults
	. "$here/faults/$1.sh"
}

record() {	# record FAULT FILE
	rm -f /tmp/status
	detached
	# the server's address is the network's, and known to who sends
	export server
	timeout 120 pktrec -q -o "/out/$2.trc" $options $filter -- dash "$here/run.sh" traffic "$1" >"/out/$2.said" 2>&1 </dev/null
	[ $? = 0 ] || { tail -n 1 "/out/$2.said"; return 1; }
	cp /tmp/status "/out/$2.status"
}

works() {	# works FILE: what the traffic of that recording said
	[ "$(cat "/out/$1.status")" = 0 ]
}

group() {	# group NAME: one word for what its working network is alike to
	local own=

	grep -q '^before()' "$here/faults/$1.sh" && own=$1
	echo "$net|$traffic|$filter|$options|$own" | md5sum | cut -c1-12
}

# Until the working state of its group was recorded often enough
record_again() {
	local n

	while n=$(grep -c "^$2 " /out/alike); [ "$n" -lt $least ]; do
		record "$1" "$1.ok$n" && works "$1.ok$n" || return
		echo "$2 $1.ok$n" >>/out/alike
	done
}

fault() {	# fault NAME: prints why it failed
	local key

	read_fault "$1"
	key=$(group "$1")
	net_$net && before || { echo "the network could not be made"; return 1; }
	record "$1" "$1.ok" || return
	works "$1.ok" || { echo "the traffic does not work before it is broken"; return 1; }
	echo "$key $1.ok" >>/out/alike
	record_again "$1" "$key" || { echo "the traffic does not work when it is repeated"; return 1; }
	spoil || { echo "it could not be broken"; return 1; }
	record "$1" "$1.bad" || return
	[ -n "$still" ] || ! works "$1.bad" || { echo "the traffic works although it is broken"; return 1; }
}

# What a process of its own does: a fault that hangs is ended, and the next one begins on clean ground.
. "$here/diagnosis/net.sh"
case ${1:-} in
traffic)
	read_fault "$2"
	$traffic
	echo $? >/tmp/status
	exit 0 ;;
fault)
	fault "$2"
	exit ;;
mend)
	read_fault "$2"
	mend
	exit ;;
esac

own() {	# own SECONDS fault|mend NAME: status 124 when it took longer
	timeout -k 5 "$1" dash "$here/run.sh" "$2" "$3" >"/out/$3.$2" 2>&1 </dev/null
}

echo 1 >/sys/kernel/rcu_expedited	# detaching waits for grace periods
for tool in iptables ip6tables; do	# by which the recorder asks for the rules
	ln -sf xtables-legacy-multi /usr/bin/$tool-legacy-save
	ln -sf xtables-nft-multi /usr/bin/$tool-nft-save
done
: >/out/alike
for file in "$here"/faults/*.sh; do
	name=${file##*/} name=${name%.sh}
	began=$(cut -d. -f1 /proc/uptime)
	[ "$began" -lt "$until" ] || break	# the rest has a machine of its own
	own 240 fault "$name" || { [ $? = 124 ] && echo "it hangs" || tail -n 1 "/out/$name.fault"; } >"/out/$name.failed"
	own 20 mend "$name"
	net_gone
	settings_back
	echo "$name: $(($(cut -d. -f1 /proc/uptime) - began)) s $(cat "/out/$name.failed" 2>/dev/null)" | tee /dev/console
done
exit 0
