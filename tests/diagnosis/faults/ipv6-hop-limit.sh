# SPDX-License-Identifier: GPL-2.0
# The client's route leaves packets a single hop.
only=6.1
net=routed6 traffic=ask
spoil() { ip -n client -6 route replace default via fd01::ff hoplimit 1; }
function="ip6_forward" reason="IP_INHDR"
cause='hoplimit 1'
