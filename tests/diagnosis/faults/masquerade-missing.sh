# SPDX-License-Identifier: GPL-2.0
# The server has no route back, and the router no longer hides the client behind its own address.  Its answer is not made.
only=6.12
net=routed
before() {
	on router nft 'table ip nat { chain post { type nat hook postrouting priority 100; oifname "r1" counter masquerade; }; }' &&
		ip -n server route del default
}
spoil() { on router nft flush chain ip nat post; }
function="-" reason=-
cause='masquerade'
