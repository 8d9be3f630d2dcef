# SPDX-License-Identifier: GPL-2.0
# A filter at the router's way out drops what goes to the server's port 53.
only=6.12
net=routed traffic=mixed
spoil() {
	tc -n router qdisc add dev r1 clsact &&
		tc -n router filter add dev r1 egress protocol ip flower dst_ip 10.2.0.1 ip_proto udp dst_port 53 action drop
}
function="__dev_queue_xmit sch_handle_egress tcf_classify fl_classify tcf_action_exec tcf_gact_act tc_run" reason=TC_EGRESS
cause='flower.*drop'
