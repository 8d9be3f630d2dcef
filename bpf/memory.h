/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memory.h - reading kernel memory, in one of two ways.
 *
 * Where the kernel has bpf_rdonly_cast() (6.2), any address becomes a pointer that is read by plain loads, which the
 * verifier makes safe: a bad address reads as 0.  It costs no call.  Elsewhere bpf_probe_read_kernel() copies.  All programs
 * are compiled for both: DIRECT says for which.
 */
#ifndef PKT_MEMORY_H
#define PKT_MEMORY_H

#include "kernel.h"
#include "event.h"

const volatile struct program_constants constants;

extern void *bpf_rdonly_cast(const void *address, __u32 type) __ksym __weak;

/* Words of any memory: a structure that is big enough and has nothing but numbers. */
#define words_at(address) ((const __u64 *)bpf_rdonly_cast((void *)(address), bpf_core_type_id_kernel(struct pt_regs)))
#define struct_at(type, address) ((struct type *)bpf_rdonly_cast((void *)(address), bpf_core_type_id_kernel(struct type)))

/* So many whole words; false: nothing is there.  n is a constant. */
static __always_inline bool words_read(__u64 *to, __u64 address, int n)
{
	const __u64 *from;
	int i;

	if (!DIRECT)
		return !bpf_probe_read_kernel(to, n * 8, (void *)address);
	from = words_at(address);
#pragma unroll
	for (i = 0; i < n; i++)
		to[i] = from[i];
	return true;
}

/* One member of a structure of the kernel's, relocated; 0 when it cannot be read. */
#define member_read(type, address, member)						\
({											\
	typeof(((struct type *)0)->member) value_ = 0;					\
	struct type *at_ = (void *)(address);	/* relocated is what comes after it */	\
											\
	if (DIRECT)								\
		value_ = struct_at(type, at_)->member;					\
	else										\
		bpf_core_read(&value_, sizeof(value_), &at_->member);			\
	value_;										\
})

static __always_inline bool is_kernel_pointer(__u64 p)
{
	return (__s64)p < 0 && p < -4096ULL;
}

#endif
