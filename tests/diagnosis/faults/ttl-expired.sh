# SPDX-License-Identifier: GPL-2.0
# The client's packets may be forwarded no more.
net=routed
spoil() { on client sysctl -qw net.ipv4.ip_default_ttl=1; }
function="ip_forward" reason=IP_INHDR
cause='ip_default_ttl'
