/* SPDX-License-Identifier: GPL-2.0 */
/*
 * filter_translate.h - a classic BPF program, as libpcap makes them, becomes a function of an eBPF program.
 *
 * The function is called with r1 = kernel address of the packet's first byte (a plain number), r2 = bytes that can be
 * read there, r3 = length of the whole packet; r0 is 0 when the packet is rejected, something else when it passes.
 * The result is what libpcap's bpf_filter() says.
 */
#ifndef PKT_FILTER_TRANSLATE_H
#define PKT_FILTER_TRANSLATE_H

#include <stddef.h>
#include <stdint.h>

struct bpf_insn;	/* the kernel's */

#define CLASSIC_MEMWORDS 16
/*
 * All the stack frames of a chain of calls have 512 bytes together, and count in steps of 32.  What is left for a
 * filter, behind the functions of bpf/ that lead to it: for one of the packet, and for one of the packet inside.
 */
#define FILTER_FRAME 64
#define FILTER_FRAME_INNER 32

/* laid out as libpcap's struct bpf_insn and the kernel's struct sock_filter */
struct classic_insn {
	uint16_t code;
	uint8_t jt, jf;
	uint32_t k;
};

struct classic {
	struct classic_insn *v;
	size_t n;
};

enum filter_load {
	FILTER_LOAD_UNKNOWN,
	FILTER_LOAD_PROBE,	/* bpf_probe_read_kernel() */
	FILTER_LOAD_DIRECT,	/* through bpf_rdonly_cast(): a load is a load (Linux 6.2, commit a35b9af4ec2c) */
};

struct filter_access {
	enum filter_load load;
	uint32_t cast_id;	/* BTF ids in vmlinux: function bpf_rdonly_cast */
	uint32_t bag_id;	/* and struct pt_regs: FILTER_BAG_WORDS eight-byte members, as good as any others */
	uint32_t frame;		/* bytes of stack that a filter may have, 0 = FILTER_FRAME */
};

#define FILTER_BAG_WORDS 16

struct ebpf {
	struct bpf_insn *v;
	size_t n;
};

/*
 * *out is yours to free.  0 or -errno: EINVAL no program that libpcap would run; ELOOP it jumps backwards
 * (protochain); E2BIG too long; ENOSPC it needs more stack than it may have; ENOMEM.
 */
int filter_translate(struct ebpf *out, const struct classic *in, const struct filter_access *access);

#endif
