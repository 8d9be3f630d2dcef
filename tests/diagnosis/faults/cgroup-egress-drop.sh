# SPDX-License-Identifier: GPL-2.0
# A program of the cgroup keeps queries from leaving.
spoil() { bpf_programs && bpftool cgroup attach /sys/fs/cgroup egress pinned /run/bpf/programs/cgroup_drops_queries; }
mend() { bpftool cgroup detach /sys/fs/cgroup egress pinned /run/bpf/programs/cgroup_drops_queries; }
function="ip_finish_output __cgroup_bpf_run_filter_skb cgroup_drops_queries" reason=BPF_CGROUP_EGRESS
cause='\bcgroup\b|cgroup_drops_queries'
