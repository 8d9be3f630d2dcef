# SPDX-License-Identifier: GPL-2.0
# A program of the cgroup refuses connections: no packet is made, connect() fails.
only=6.12
traffic=fetch
spoil() { bpf_programs && bpftool cgroup attach /sys/fs/cgroup connect4 pinned /run/bpf/programs/cgroup_refuses_connections; }
mend() { bpftool cgroup detach /sys/fs/cgroup connect4 pinned /run/bpf/programs/cgroup_refuses_connections; }
function="-" reason=-
cause='cgroup'
