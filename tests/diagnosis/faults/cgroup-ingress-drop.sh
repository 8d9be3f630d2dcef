# SPDX-License-Identifier: GPL-2.0
# A program of the cgroup keeps queries from being received; to the kernel it is a socket filter.
spoil() { bpf_programs && bpftool cgroup attach /sys/fs/cgroup ingress pinned /run/bpf/programs/cgroup_drops_queries; }
mend() { bpftool cgroup detach /sys/fs/cgroup ingress pinned /run/bpf/programs/cgroup_drops_queries; }
function="sk_filter_trim_cap udp_queue_rcv_one_skb __cgroup_bpf_run_filter_skb cgroup_drops_queries" reason=SOCKET_FILTER
cause='\bcgroup\b|cgroup_drops_queries'
