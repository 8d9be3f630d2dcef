# SPDX-License-Identifier: GPL-2.0
# The server lets a client have three connections.
only=6.12
traffic="connections"
connections() {
	listen_for endpoint closed 8000 && on client endpoint connect "$server" 8000 5
	set -- $?
	kill $listener
	return $1
}
spoil() { on server iptables-nft -A INPUT -p tcp --syn --dport 8000 -m connlimit --connlimit-above 3 -j DROP; }
function="nf_hook_slow nft_do_chain nft_do_chain_ipv4" hook=LOCAL_IN reason=NETFILTER_DROP
cause='connlimit.*drop'
