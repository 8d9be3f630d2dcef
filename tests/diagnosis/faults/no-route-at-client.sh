# SPDX-License-Identifier: GPL-2.0
# The client lost its default route: no packet is made at all, sendmsg() fails.
net=routed
spoil() { ip -n client route del default; }
function="-" reason=-
cause='route.*default|default via 10\.1\.0\.254'
