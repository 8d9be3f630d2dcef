# SPDX-License-Identifier: GPL-2.0
# A filter at the egress of the client's device drops what goes to port 53.
traffic=mixed
spoil() {
	tc -n client qdisc add dev c0 clsact &&
		tc -n client filter add dev c0 egress protocol ip u32 match ip dport 53 0xffff action drop
}
function="__dev_queue_xmit sch_handle_egress tcf_classify u32_classify tcf_action_exec tcf_gact_act tc_run" reason=TC_EGRESS
cause='\bu32\b|\bclsact\b|tc filter'
