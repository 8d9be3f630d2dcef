/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kernel.h - the few kernel structures that the programs read, and what differs between kernels.
 *
 * Only the members that are used; their places are relocated against the running kernel's BTF (CO-RE), so no
 * generated vmlinux.h is needed.  Sources: include/linux/skbuff.h, netdevice.h, netfilter.h, net/net_namespace.h, net/xdp.h.
 */
#ifndef PKT_KERNEL_H
#define PKT_KERNEL_H

#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#define __kernel_layout __attribute__((preserve_access_index))

struct net_device;
struct sock;

struct sk_buff {
	struct sk_buff *next;
	struct net_device *dev;	/* in a union with rbnode and dev_scratch: only plausible values are used */
	struct sock *sk;
	unsigned int len, data_len;
	__u32 mark;
	__be16 protocol;
	__u16 transport_header, network_header, mac_header;
	__u32 tail, end;	/* offsets from head on 64 bit */
	unsigned char *head, *data;
	__be16 vlan_proto;
	__u16 vlan_tci;
	__u32 vlan_all;		/* both; 0: there is no tag (6.2, commit 354259fa73e2) */
} __kernel_layout;

struct sk_buff___before_6_2 {
	__u8 vlan_present : 1;
} __kernel_layout;

/* Opaque: bio_vec, and since 6.9 skb_frag (commit 21d2e6737c97), are a pointer to a struct page, a length and an offset. */
struct skb_frag {
	__u64 page;
	__u32 len, offset;
};

struct skb_shared_info {
	__u8 nr_frags;
	unsigned short gso_size, gso_segs;
	struct sk_buff *frag_list;
	struct skb_frag frags[1];
} __kernel_layout;

struct page {
	unsigned long flags;
} __kernel_layout;

struct ns_common {
	unsigned int inum;
} __kernel_layout;

struct net {
	struct ns_common ns;
} __kernel_layout;

typedef struct {
	struct net *net;
} possible_net_t;

struct net_device {
	int ifindex;
	possible_net_t nd_net;
} __kernel_layout;

struct sock_common {
	possible_net_t skc_net;
} __kernel_layout;

struct sock {
	struct sock_common __sk_common;
} __kernel_layout;

struct xdp_rxq_info {
	struct net_device *dev;
} __kernel_layout;

struct xdp_buff {
	void *data, *data_end, *data_hard_start;
	struct xdp_rxq_info *rxq;
} __kernel_layout;

struct nf_hook_state {
	__u8 hook, pf;		/* u8 since 5.12 (commit ac7b8483) in both; read by their size in BTF */
} __kernel_layout;

struct task_struct {
	struct task_struct *group_leader;
	char comm[16];
} __kernel_layout;

/*
 * Which context runs?  x86 keeps preempt_count per CPU: its own variable until 6.1 and again since 6.15
 * (commit 46e8fff6d45f), inside pcpu_hot in between (since 64701838bf05).  arm64 keeps it in thread_info.
 */
#if defined(__TARGET_ARCH_x86) && !defined(PKT_NO_CONTEXT)
struct pcpu_hot {
	int preempt_count;
} __kernel_layout;

extern const int __preempt_count __ksym __weak;
extern const struct pcpu_hot pcpu_hot __ksym __weak;

static __always_inline int preempt_count(bool *known)
{
	*known = true;
	if (&__preempt_count)
		return *(int *)bpf_this_cpu_ptr(&__preempt_count);
	if (&pcpu_hot)
		return ((struct pcpu_hot *)bpf_this_cpu_ptr(&pcpu_hot))->preempt_count;
	*known = false;
	return 0;
}
#elif defined(__TARGET_ARCH_arm64)
struct thread_info {
	struct {
		__u32 count;
	} preempt;
} __kernel_layout;

struct task_struct___arm64 {
	struct thread_info thread_info;
} __kernel_layout;

static __always_inline int preempt_count(bool *known)
{
	struct task_struct___arm64 *task = (void *)bpf_get_current_task();

	*known = true;
	return BPF_CORE_READ(task, thread_info.preempt.count);
}
#else
static __always_inline int preempt_count(bool *known)
{
	*known = false;
	return 0;
}
#endif

#endif
