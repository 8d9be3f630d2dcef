# SPDX-License-Identifier: GPL-2.0
# A rule at the client leaves packets a single hop.
only=6.1
net=routed traffic=mixed
spoil() { on client nft 'table ip mangler { chain out { type filter hook postrouting priority 0; ip daddr 10.2.0.0/24 ip ttl set 1; }; }'; }
function="ip_forward" reason=IP_INHDR
cause='ip ttl set 1'
