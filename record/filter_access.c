// SPDX-License-Identifier: GPL-2.0
/*
 * filter_access.c - which way of reading packets does this kernel accept?
 *
 * Having bpf_rdonly_cast() in its BTF says little: it may be refused without a JIT, or struct pt_regs may look
 * otherwise on some architecture.  A filter that makes every kind of load is tried.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "filter.h"
#include "types.h"

#define TRY_MAX 128	/* instructions */

/* As a raw tracepoint's program, which every kernel has: a call of the filter with no packet. */
static bool accepts(const struct filter_access *a)
{
	struct classic_insn loads[] = {
		{ .code = BPF_LD | BPF_W | BPF_ABS, .k = 0 },
		{ .code = BPF_LD | BPF_W | BPF_ABS, .k = 8 * FILTER_BAG_WORDS - 4 },
		{ .code = BPF_LD | BPF_H | BPF_ABS, .k = 8 * FILTER_BAG_WORDS - 14 },
		{ .code = BPF_LDX | BPF_B | BPF_MSH, .k = 15 },
		{ .code = BPF_LD | BPF_W | BPF_IND, .k = 0 },
		{ .code = BPF_RET | BPF_A },
	};
	const struct classic all = { .v = loads, .n = sizeof(loads) / sizeof(*loads) };
	struct bpf_insn insns[TRY_MAX] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_1 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_3 },
		{ .code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_CALL, .imm = 1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	struct ebpf code;
	int fd = -1;

	if (filter_translate(&code, &all, a))
		return false;
	if (code.n + 5 <= TRY_MAX) {
		memcpy(insns + 5, code.v, code.n * sizeof(*insns));
		fd = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "pktrec_try", "GPL", insns, code.n + 5, NULL);
	}
	free(code.v);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

void filter_access_find(struct filter_access *a, const struct btf *vmlinux)
{
	int cast, bag;

	*a = (struct filter_access){ .load = FILTER_LOAD_PROBE };
	if (!vmlinux)
		vmlinux = types_kernel();
	if (!vmlinux)
		return;
	cast = btf__find_by_name_kind(vmlinux, "bpf_rdonly_cast", BTF_KIND_FUNC);
	bag = btf__find_by_name_kind(vmlinux, "pt_regs", BTF_KIND_STRUCT);
	if (cast <= 0 || bag <= 0)
		return;
	*a = (struct filter_access){ .load = FILTER_LOAD_DIRECT, .cast_id = cast, .bag_id = bag };
	if (!accepts(a))
		*a = (struct filter_access){ .load = FILTER_LOAD_PROBE };
}
