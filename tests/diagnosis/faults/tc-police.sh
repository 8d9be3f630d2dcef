# SPDX-License-Identifier: GPL-2.0
# A policer at the server's device drops what is too much.
only=6.1
traffic="ask_many 24"
spoil() {
	tc -n server qdisc add dev s0 clsact &&
		tc -n server filter add dev s0 ingress protocol ip matchall action police rate 100bit burst 1000 conform-exceed drop
}
function="__netif_receive_skb_core sch_handle_ingress tcf_classify tc_run tcf_police_act" reason=TC_INGRESS
cause='police'
