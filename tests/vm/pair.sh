# SPDX-License-Identifier: GPL-2.0
#
# pair.sh - one of two machines on a wire; tests/vm/pair starts both.  What it leaves in /out: client.trc or server.trc.
#
#     client (6.12)                        server (6.1), its clock 7 s ahead
#     eth0  10.77.0.1/24  ==== wire ====  eth0  10.77.0.2/24    DNS on port 53, a page on port 80
#
# Who is which, the kernel says.  They wait for each other at port 7999 (the server records) and 7998 (that is all), which
# the recordings leave out.  The client asks for the server's clock as well, by other means: /out/clocks has lines
# "sent answered received", nanoseconds, the first and last of its own clock.

here=${0%/*}
. "$here/net.sh"
. "$here/kin-net.sh"
unset SUDO_UID SUDO_GID SUDO_USER SUDO_COMMAND

ahead=7
filter='udp port 53 or icmp or tcp port 80'

up() {	# NAME ADDRESS
	hostname "$1"
	modprobe virtio_net || return
	for conf in all default; do
		echo 0 >/proc/sys/net/ipv6/conf/$conf/accept_dad
		echo 0 >/proc/sys/net/ipv6/conf/$conf/router_solicitations
	done
	ip address add "$2/24" dev eth0 && ip link set eth0 up
}

record() {	# NAME: until it is killed; returns when every probe is attached
	mkfifo /tmp/ready
	pktrec -o "/out/$1.trc" --ready-fd 3 $filter 3>/tmp/ready >"/out/$1.words" 2>&1 &
	recorder=$!
	timeout 120 head -n 1 /tmp/ready >/dev/null
}

end() {	# NAME
	sleep 1
	kill -INT "$recorder"
	wait "$recorder"
	tail -n 1 "/out/$1.words" | grep 'recorded, 0 lost'
}

serve() {
	up server 10.77.0.2 || return
	date -s "@$(($(date +%s) + ahead))" >/dev/null
	mkdir -p /tmp/www/cgi-bin
	seq 700 >/tmp/www/page
	printf '#!/bin/sh\nprintf "Content-Type: text/plain\\r\\n\\r\\n"\n/usr/local/bin/date +%%s%%N\n' >/tmp/www/cgi-bin/clock
	chmod 755 /tmp/www/cgi-bin/clock
	busybox httpd -p 80 -h /tmp/www
	busybox httpd -p 8080 -h /tmp/www
	dns-responder >/dev/null 2>&1 &
	sleep 1
	record server
	traffic tcp-sink 7999
	traffic tcp-sink 7998
	end server
}

clocks() {
	for i in 1 2 3 4 5; do
		sent=$(date +%s%N)
		answered=$(busybox wget -q -O - http://10.77.0.2:8080/cgi-bin/clock)
		echo "$sent $answered $(date +%s%N)"
	done >/out/clocks
	cat /out/clocks
}

ask() {
	up client 10.77.0.1 || return
	for i in $(seq 200); do
		traffic tcp-send 10.77.0.2 7999 1 2>/dev/null && break
		sleep 1
	done
	clocks
	record client
	dig @10.77.0.2 example.test A +tries=1 +timeout=5
	busybox ping -c 3 -i 1 -W 3 10.77.0.2
	busybox wget -q -O /dev/null http://10.77.0.2/page
	end client
	status=$?
	traffic tcp-send 10.77.0.2 7998 1
	return $status
}

case $(uname -r) in
6.1.*) serve ;;
*) ask ;;
esac
