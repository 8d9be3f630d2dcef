/* SPDX-License-Identifier: GPL-2.0 */
/*
 * filter_emit.h - the translation under way: what is known of the classic program, and the eBPF written so far.
 *
 * Registers: r0 is A, r9 is X, r6 the packet's address, r7 the bytes readable, r8 the packet as a pointer (DIRECT)
 * or a place to keep A over a call (PROBE).
 * Calls clobber r1-r5, which hold nothing for longer than one classic instruction, and r0, which a load is to
 * overwrite anyway.
 */
#ifndef PKT_FILTER_EMIT_H
#define PKT_FILTER_EMIT_H

#include <linux/bpf.h>
#include <stdbool.h>

#include "filter_translate.h"

enum { A = BPF_REG_0, BASE = BPF_REG_6, READABLE = BPF_REG_7, PACKET = BPF_REG_8, KEPT = BPF_REG_8, X = BPF_REG_9 };

#define NOWHERE UINT64_MAX	/* as bytes checked: no way leads here */

/* what is known at an instruction, on whatever way it was reached */
struct known {
	uint64_t checked;	/* bytes of the packet that can be read */
	uint16_t stored;	/* words of memory that were written */
};

struct jump {
	size_t at;		/* in out */
	size_t to;		/* in the classic program; its length: reject */
};

struct translation {
	const struct classic *in;
	const struct filter_access *access;
	struct known *known;	/* of each instruction, and of the place behind the last */
	size_t *start;		/* where each begins in out */
	struct ebpf out;
	size_t room;
	struct jump *jumps;
	size_t njumps, jumps_room;
	bool no_memory, rejects;
	/* the stack frame: offsets from r10, 0 = not needed */
	uint32_t frame_max;
	int frame;		/* bytes in use */
	int memory[CLASSIC_MEMWORDS];
	int length, saved, scratch;	/* saved: A over a call (DIRECT) */
	int block;		/* PROBE: the packet's beginning is copied here */
	uint32_t block_bytes;
};

/* one instruction; after the first that found no memory, none */
void emit(struct translation *t, uint8_t code, int dst, int src, int off, int32_t imm);
/* a jump to a classic instruction, or out of the program with 0 */
void emit_jump(struct translation *t, uint8_t code, int dst, int src, int32_t imm, size_t to);
#define REJECT(t) ((t)->in->n)

/* bytes of a packet that an instruction loads, 0 = it is no such load; its place is k, plus X for an indirect one */
uint32_t load_bytes(const struct classic_insn *c);
bool load_is_indirect(const struct classic_insn *c);

void emit_prologue(struct translation *t);
void emit_load(struct translation *t, const struct classic_insn *c, uint64_t checked);
int frame_plan(struct translation *t);	/* 0 or -ENOSPC */

#endif
