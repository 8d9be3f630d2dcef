# SPDX-License-Identifier: GPL-2.0
#
# driver-net.sh - the network of long/driver.sh: four network cards of this machine, two on each of two wires.
#
#     drv-a                            drv-b                        drv-c
#     virtio0   10.6.0.1/24  =======  virtio0   10.6.0.2/24
#     vmxnet0   10.7.0.1/24  =======  vmxnet0   10.7.0.2/24
#                                     near0  ==== veth =======  far0   both of drv-b's addresses
#
# What is sent goes through a driver, out of this machine, and comes back through the other card's.  driver_up, driver_down.

drv_a="ip netns exec drv-a"
drv_b="ip netns exec drv-b"
drv_c="ip netns exec drv-c"

# The machine's cards of a driver, by their number on the bus: the first is the one of drv-a.
driver_cards() {
	local card

	for card in /sys/class/net/*; do
		[ "$(basename "$(readlink "$card/device/driver")")" = "$1" ] && echo "$(readlink -f "$card/device") ${card##*/}"
	done | sort | cut -d' ' -f2
}

# card, namespace, its name there, address
driver_card() {
	ip link set "$1" netns "$2" name "$3" && net_end "$2" "$3" "$4"
}

driver_wire() {	# DRIVER NAME NET: its two cards
	set -- "$2" "$3" $(driver_cards "$1")
	[ $# = 4 ] || { echo "$1: the machine has the cards: $*"; return 1; }
	driver_card "$3" drv-a "${1}0" "10.$2.0.1" && driver_card "$4" drv-b "${1}0" "10.$2.0.2"
}

# What comes to a card of drv-b, drv-c takes for its own as well, when it is redirected there.
driver_far() {	# CARD NET
	ip -n drv-c link set far0 address "$($drv_b cat /sys/class/net/${1}0/address)" && ip -n drv-c address replace "10.$2.0.2/24" dev far0
}

driver_veth() {
	ip -n drv-b link add near0 index 77 type veth peer name far0 netns drv-c && ip -n drv-b link set near0 up &&
		ip -n drv-c link set lo up && ip -n drv-c link set far0 up
}

driver_serve() {
	for net in "$drv_b" "$drv_c"; do
		fifo=$(mktemp -u)
		mkfifo "$fifo"
		$net dns-responder --ready-fd 3 3>"$fifo" >/dev/null 2>&1 &
		echo $! >>/tmp/driver.servers
		read -r _ <"$fifo"
		rm -f "$fifo"
	done
}

driver_up() {
	local ns

	modprobe virtio_net && modprobe vmxnet3 || return
	for ns in drv-a drv-b drv-c; do
		ip netns add $ns && net_settings $ns || return
	done
	driver_wire virtio_net virtio 6 || return
	driver_wire vmxnet3 vmxnet 7 && driver_veth && driver_serve || return
	sleep 2
	$drv_a ping -c 1 -W 3 10.6.0.2 && $drv_a ping -c 1 -W 3 10.7.0.2
}

driver_down() {
	kill $(cat /tmp/driver.servers)
	for ns in drv-a drv-b drv-c; do
		ip netns delete $ns
	done 2>/dev/null
	rmmod vmxnet3 virtio_net
}
