# SPDX-License-Identifier: GPL-2.0
# A filter at the ingress of the server's device drops queries.
spoil() {
	tc -n server qdisc add dev s0 clsact &&
		tc -n server filter add dev s0 ingress bpf direct-action obj /usr/local/bin/verdicts.bpf.o program tc_drops_queries
}
function="tc_drops_queries __netif_receive_skb_core sch_handle_ingress tcf_classify cls_bpf_classify tcx_run tc_run" reason=TC_INGRESS
cause='tc_drops_queries|\bclsact\b|tc filter'
