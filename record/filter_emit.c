// SPDX-License-Identifier: GPL-2.0
/*
 * filter_emit.c - reading the packet from eBPF, in one of two ways, and the stack frame that is needed for it.
 *
 * DIRECT: bpf_rdonly_cast() makes a number a pointer to a struct pt_regs, which may then be read; the verifier turns
 * the call into a move.  Every access must lie inside one member, and these are eight bytes each: what lies so in the
 * packet is read off the pointer made at the beginning, anything else off one made for it.
 *
 * PROBE: a call of bpf_probe_read_kernel() for each load would cost most of the time, so the beginning of the packet,
 * as far as the program may look at fixed places, is copied once.  The stack must be read aligned, therefore the
 * copy begins at an odd place if more of the loads are aligned then: behind an Ethernet header, usually.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/filter.h>

#include "filter_emit.h"


uint32_t load_bytes(const struct classic_insn *c)
{
	switch (c->code) {
	case BPF_LD | BPF_W | BPF_ABS:
	case BPF_LD | BPF_W | BPF_IND:
		return 4;
	case BPF_LD | BPF_H | BPF_ABS:
	case BPF_LD | BPF_H | BPF_IND:
		return 2;
	case BPF_LD | BPF_B | BPF_ABS:
	case BPF_LD | BPF_B | BPF_IND:
	case BPF_LDX | BPF_B | BPF_MSH:
		return 1;
	default:
		return 0;
	}
}

bool load_is_indirect(const struct classic_insn *c)
{
	return BPF_MODE(c->code) == BPF_IND;
}

static bool load_is_fixed(const struct translation *t, size_t i)
{
	const struct classic_insn *c = &t->in->v[i];

	return load_bytes(c) && !load_is_indirect(c) && t->known[i].checked != NOWHERE;
}

/* --- where the bytes of a fixed load are ---------------------------------------------------------------------------- */

static bool in_bag(const struct translation *t, const struct classic_insn *c)
{
	return t->access->load == FILTER_LOAD_DIRECT && !load_is_indirect(c) &&
	       (uint64_t)c->k + load_bytes(c) <= 8 * FILTER_BAG_WORDS && c->k % 8 + load_bytes(c) <= 8;
}

static bool aligned(const struct classic_insn *c, int shift)
{
	return (c->k + shift) % load_bytes(c) == 0;
}

static bool in_block(const struct translation *t, const struct classic_insn *c)
{
	return t->block && !load_is_indirect(c) && (uint64_t)c->k + load_bytes(c) <= t->block_bytes &&
	       aligned(c, t->block & 3);
}

/* --- the stack frame ------------------------------------------------------------------------------------------------ */

static int frame_take(struct translation *t, int bytes)
{
	t->frame = (t->frame + bytes + bytes - 1) / bytes * bytes;
	return -t->frame;
}

/* How far the packet is copied: to the end of the last fixed load that lies within the limit. */
static void block_plan(struct translation *t)
{
	int used = (t->frame + 7) / 8 * 8, shift, best = 0, bytes;
	uint32_t limit, good[4] = {}, loads = 0, end;
	size_t i;

	if ((uint32_t)used + 8 > t->frame_max)
		return;
	limit = t->frame_max - used;
	for (i = 0; i < t->in->n; i++) {
		const struct classic_insn *c = &t->in->v[i];

		end = c->k + load_bytes(c);
		if (!load_is_fixed(t, i) || c->k > limit || end > limit)
			continue;
		loads++;
		t->block_bytes = end > t->block_bytes ? end : t->block_bytes;
		for (shift = 0; shift < 4; shift++)
			good[shift] += aligned(c, shift);
	}
	if (loads < 2)
		return;
	for (shift = 1; shift < 4; shift++)
		if (good[shift] > good[best])
			best = shift;
	if (t->block_bytes + best > limit)	/* its last bytes had better not be in it */
		t->block_bytes = limit - best;
	bytes = (t->block_bytes + best + 7) / 8 * 8;
	t->frame = used + bytes;
	t->block = -t->frame + best;
}

int frame_plan(struct translation *t)
{
	bool probe = t->access->load == FILTER_LOAD_PROBE;
	size_t i;

	for (i = 0; i < t->in->n; i++) {
		const struct classic_insn *c = &t->in->v[i];

		if (t->known[i].checked == NOWHERE)
			continue;
		if (BPF_MODE(c->code) == BPF_LEN && !t->length && BPF_CLASS(c->code) <= BPF_LDX)
			t->length = frame_take(t, 4);
		if (load_bytes(c) && BPF_CLASS(c->code) == BPF_LDX && !probe && !in_bag(t, c) && !t->saved)
			t->saved = frame_take(t, 8);
		if (load_bytes(c) && probe && !t->scratch)
			t->scratch = frame_take(t, 4);
		if ((c->code == BPF_ST || c->code == BPF_STX || c->code == (BPF_LD | BPF_MEM) ||
		     c->code == (BPF_LDX | BPF_MEM)) && !t->memory[c->k])
			t->memory[c->k] = frame_take(t, 4);
	}
	if (probe)
		block_plan(t);
	return (uint32_t)t->frame > t->frame_max ? -ENOSPC : 0;
}

/* --- prologue ------------------------------------------------------------------------------------------------------- */

/* A packet shorter than the block: what is there; nothing beyond is looked at, as every load checks. */
static void emit_block(struct translation *t)
{
	int at = t->block & ~7, end = t->block + (int)t->block_bytes;

	for (; at < end; at += 8)	/* the verifier does not see how much of it is written */
		emit(t, BPF_ST | BPF_MEM | BPF_DW, BPF_REG_10, 0, at, 0);
	emit(t, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1, BPF_REG_10, 0, 0);
	emit(t, BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_1, 0, 0, t->block);
	emit(t, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_2, READABLE, 0, 0);
	emit(t, BPF_JMP | BPF_JLE | BPF_K, BPF_REG_2, 0, 1, t->block_bytes);
	emit(t, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_2, 0, 0, t->block_bytes);
	emit(t, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_3, BASE, 0, 0);
	emit(t, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_probe_read_kernel);
	emit_jump(t, BPF_JMP | BPF_JNE | BPF_K, BPF_REG_0, 0, 0, REJECT(t));
}

/* r1, a number, becomes the pointer r0. */
static void emit_cast(struct translation *t)
{
	emit(t, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_2, 0, 0, t->access->bag_id);
	emit(t, BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, t->access->cast_id);
}

static void emit_memory(struct translation *t)
{
	uint16_t unwritten = 0;
	size_t i;
	int word;

	for (i = 0; i < t->in->n; i++) {
		const struct classic_insn *c = &t->in->v[i];

		if (t->known[i].checked != NOWHERE &&
		    (c->code == (BPF_LD | BPF_MEM) || c->code == (BPF_LDX | BPF_MEM)))
			unwritten |= ~t->known[i].stored & 1u << c->k;
	}
	for (word = 0; word < CLASSIC_MEMWORDS; word++)
		if (unwritten & 1u << word)
			emit(t, BPF_ST | BPF_MEM | BPF_W, BPF_REG_10, 0, t->memory[word], 0);
}

void emit_prologue(struct translation *t)
{
	bool bag = false;
	size_t i;

	for (i = 0; i < t->in->n; i++)
		bag |= load_is_fixed(t, i) && in_bag(t, &t->in->v[i]);
	emit(t, BPF_ALU64 | BPF_MOV | BPF_X, BASE, BPF_REG_1, 0, 0);
	emit(t, BPF_ALU64 | BPF_MOV | BPF_X, READABLE, BPF_REG_2, 0, 0);
	if (t->length)
		emit(t, BPF_STX | BPF_MEM | BPF_W, BPF_REG_10, BPF_REG_3, t->length, 0);
	if (t->block)
		emit_block(t);
	if (bag) {
		emit_cast(t);	/* r1 is the address still */
		emit(t, BPF_ALU64 | BPF_MOV | BPF_X, PACKET, BPF_REG_0, 0, 0);
	}
	emit_memory(t);
	emit(t, BPF_ALU64 | BPF_MOV | BPF_K, A, 0, 0, 0);
	emit(t, BPF_ALU64 | BPF_MOV | BPF_K, X, 0, 0, 0);
}

/* --- loads ---------------------------------------------------------------------------------------------------------- */

static uint8_t width(uint32_t bytes)
{
	return bytes == 4 ? BPF_W : bytes == 2 ? BPF_H : BPF_B;
}

/* Reject unless the bytes are there.  Of an indirect load, leave the offset in r1. */
static void emit_check(struct translation *t, const struct classic_insn *c, uint64_t checked)
{
	int32_t end = c->k + load_bytes(c);

	if (!load_is_indirect(c)) {
		if ((uint64_t)end > checked)
			emit_jump(t, BPF_JMP | BPF_JLT | BPF_K, READABLE, 0, end, REJECT(t));
		return;
	}
	/* X + k does not wrap: libpcap rejects when it would, and in 64 bits it is too much for any packet */
	emit(t, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1, X, 0, 0);
	emit(t, BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_1, 0, 0, end);
	emit_jump(t, BPF_JMP | BPF_JGT | BPF_X, BPF_REG_1, READABLE, 0, REJECT(t));
	emit(t, BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_1, 0, 0, -(int32_t)load_bytes(c));
}

/* r1 = the address of what is to be loaded */
static void emit_address(struct translation *t, const struct classic_insn *c)
{
	if (load_is_indirect(c)) {
		emit(t, BPF_ALU64 | BPF_ADD | BPF_X, BPF_REG_1, BASE, 0, 0);
		return;
	}
	emit(t, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1, BASE, 0, 0);
	if (c->k)
		emit(t, BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_1, 0, 0, c->k);
}

/* Load by a call; what comes is in dst. */
static void emit_call(struct translation *t, const struct classic_insn *c, int dst)
{
	uint32_t bytes = load_bytes(c);

	emit_address(t, c);
	if (t->access->load == FILTER_LOAD_DIRECT) {
		emit_cast(t);
		emit(t, BPF_LDX | BPF_MEM | width(bytes), dst, BPF_REG_0, 0, 0);
		return;
	}
	emit(t, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_3, BPF_REG_1, 0, 0);
	emit(t, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_2, 0, 0, bytes);
	emit(t, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1, BPF_REG_10, 0, 0);
	emit(t, BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_1, 0, 0, t->scratch);
	emit(t, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_probe_read_kernel);
	emit_jump(t, BPF_JMP | BPF_JNE | BPF_K, BPF_REG_0, 0, 0, REJECT(t));
	emit(t, BPF_LDX | BPF_MEM | width(bytes), dst, BPF_REG_10, t->scratch, 0);
}

/* A over a call */
static void emit_keep(struct translation *t)
{
	if (t->saved)
		emit(t, BPF_STX | BPF_MEM | BPF_DW, BPF_REG_10, A, t->saved, 0);
	else
		emit(t, BPF_ALU64 | BPF_MOV | BPF_X, KEPT, A, 0, 0);
}

static void emit_back(struct translation *t)
{
	if (t->saved)
		emit(t, BPF_LDX | BPF_MEM | BPF_DW, A, BPF_REG_10, t->saved, 0);
	else
		emit(t, BPF_ALU64 | BPF_MOV | BPF_X, A, KEPT, 0, 0);
}

void emit_load(struct translation *t, const struct classic_insn *c, uint64_t checked)
{
	bool header = BPF_CLASS(c->code) == BPF_LDX;	/* MSH: into X, and A stays */
	uint32_t bytes = load_bytes(c);
	int dst = header ? X : A;

	if (c->k + (uint64_t)bytes > INT32_MAX) {
		emit_jump(t, BPF_JMP | BPF_JA, 0, 0, 0, REJECT(t));
		return;
	}
	emit_check(t, c, checked);
	if (in_bag(t, c)) {
		emit(t, BPF_LDX | BPF_MEM | width(bytes), dst, PACKET, c->k, 0);
	} else if (in_block(t, c)) {
		emit(t, BPF_LDX | BPF_MEM | width(bytes), dst, BPF_REG_10, t->block + (int)c->k, 0);
	} else {
		if (header)
			emit_keep(t);
		emit_call(t, c, dst);
		if (header)
			emit_back(t);
	}
	if (bytes > 1)
		emit(t, BPF_ALU | BPF_END | BPF_TO_BE, dst, 0, 0, 8 * bytes);
	if (header) {
		emit(t, BPF_ALU | BPF_AND | BPF_K, X, 0, 0, 15);
		emit(t, BPF_ALU | BPF_LSH | BPF_K, X, 0, 0, 2);
	}
}
