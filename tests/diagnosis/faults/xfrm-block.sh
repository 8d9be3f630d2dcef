# SPDX-License-Identifier: GPL-2.0
# A policy of IPsec forbids the router to forward what comes from the client.
only=6.12
net=routed
spoil() { ip -n router xfrm policy add src 10.1.0.0/24 dst 10.2.0.0/24 dir fwd action block; }
function="ip_forward __xfrm_policy_check" reason=XFRM_POLICY
cause='xfrm|IPsec'
