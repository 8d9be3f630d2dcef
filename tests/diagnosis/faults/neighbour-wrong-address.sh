# SPDX-License-Identifier: GPL-2.0
# The client was told a wrong link-layer address of the server.
spoil() { ip -n client neigh replace 10.0.0.2 lladdr 02:00:00:00:00:99 dev c0 nud permanent; }
function="ip_rcv_core ip_rcv" reason=OTHERHOST
cause='02:00:00:00:00:99'
