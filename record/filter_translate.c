// SPDX-License-Identifier: GPL-2.0
/*
 * filter_translate.c - translate a classic BPF program, instruction by instruction.
 *
 * All jumps go forward, so that one pass from the first instruction to the last knows for each, before anything is
 * written: whether any way leads to it (the verifier refuses dead code), how much of the packet was found readable on
 * every way (no need to check again), and which words of memory were written (the others are made zero first).
 */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <stdlib.h>
#include <string.h>

#include "filter_emit.h"

void emit(struct translation *t, uint8_t code, int dst, int src, int off, int32_t imm)
{
	struct bpf_insn *grown;

	if (t->no_memory)
		return;
	if (t->out.n == t->room) {
		t->room = t->room ? 2 * t->room : 64;
		grown = realloc(t->out.v, t->room * sizeof(*grown));
		if (!grown) {
			t->no_memory = true;
			return;
		}
		t->out.v = grown;
	}
	t->out.v[t->out.n++] = (struct bpf_insn){ .code = code, .dst_reg = dst, .src_reg = src, .off = off, .imm = imm };
}

void emit_jump(struct translation *t, uint8_t code, int dst, int src, int32_t imm, size_t to)
{
	struct jump *grown;

	if (t->njumps == t->jumps_room) {
		t->jumps_room = t->jumps_room ? 2 * t->jumps_room : 64;
		grown = realloc(t->jumps, t->jumps_room * sizeof(*grown));
		if (!grown) {
			t->no_memory = true;
			t->jumps_room = t->njumps;
			return;
		}
		t->jumps = grown;
	}
	t->jumps[t->njumps++] = (struct jump){ .at = t->out.n, .to = to };
	t->rejects |= to == REJECT(t);
	emit(t, code, dst, src, 0, imm);
}

/* --- what is known beforehand ----------------------------------------------------------------------------------- */

/* A way leads from an instruction to another one. */
static int flow_to(struct translation *t, const struct known *from, uint64_t to)
{
	struct known *k = &t->known[to];

	if (to >= t->in->n)
		return -EINVAL;
	k->checked = from->checked < k->checked ? from->checked : k->checked;
	k->stored &= from->stored;
	return 0;
}

static bool reads_memory(const struct classic_insn *c)
{
	return c->code == (BPF_LD | BPF_MEM) || c->code == (BPF_LDX | BPF_MEM);
}

static bool writes_memory(const struct classic_insn *c)
{
	return c->code == BPF_ST || c->code == BPF_STX;
}

static int flow_from(struct translation *t, size_t i)
{
	const struct classic_insn *c = &t->in->v[i];
	struct known k = t->known[i];
	uint64_t end = c->k + (uint64_t)load_bytes(c);
	int err;

	if (load_bytes(c)) {
		if (end > INT32_MAX)
			return 0;	/* no packet is that long: it rejects */
		if (!load_is_indirect(c) && end > k.checked)
			k.checked = end;
	}
	if (reads_memory(c) || writes_memory(c)) {
		if (c->k >= CLASSIC_MEMWORDS)
			return -EINVAL;
		if (writes_memory(c))
			k.stored |= 1u << c->k;
	}
	if (BPF_CLASS(c->code) == BPF_RET)
		return 0;
	if (BPF_CLASS(c->code) != BPF_JMP)
		return flow_to(t, &k, i + 1);
	if (c->code == (BPF_JMP | BPF_JA))
		return c->k > INT32_MAX ? -ELOOP : flow_to(t, &k, i + 1 + (uint64_t)c->k);
	err = flow_to(t, &k, i + 1 + c->jt);
	return err ?: flow_to(t, &k, i + 1 + c->jf);
}

static int flow(struct translation *t)
{
	size_t i;
	int err = 0;

	for (i = 0; i <= t->in->n; i++)
		t->known[i] = (struct known){ .checked = NOWHERE, .stored = UINT16_MAX };
	t->known[0] = (struct known){};
	for (i = 0; i < t->in->n && !err; i++)
		if (t->known[i].checked != NOWHERE)
			err = flow_from(t, i);
	return err;
}

/* --- instructions --------------------------------------------------------------------------------------------------- */

static void emit_shift(struct translation *t, const struct classic_insn *c, uint8_t op)
{
	if (BPF_SRC(c->code) == BPF_K) {
		if (c->k < 32)
			emit(t, BPF_ALU | op | BPF_K, A, 0, 0, c->k);
		else
			emit(t, BPF_ALU | BPF_MOV | BPF_K, A, 0, 0, 0);
		return;
	}
	/* eBPF would mask the distance */
	emit(t, BPF_JMP32 | BPF_JLT | BPF_K, X, 0, 2, 32);
	emit(t, BPF_ALU | BPF_MOV | BPF_K, A, 0, 0, 0);
	emit(t, BPF_JMP | BPF_JA, 0, 0, 1, 0);
	emit(t, BPF_ALU | op | BPF_X, A, X, 0, 0);
}

static int emit_alu(struct translation *t, const struct classic_insn *c)
{
	uint8_t op = BPF_OP(c->code), src = BPF_SRC(c->code);

	switch (op) {
	case BPF_ADD: case BPF_SUB: case BPF_MUL: case BPF_AND: case BPF_OR: case BPF_XOR:
		break;
	case BPF_DIV: case BPF_MOD:
		if (src == BPF_K && !c->k)
			return -EINVAL;
		if (src == BPF_X)
			emit_jump(t, BPF_JMP32 | BPF_JEQ | BPF_K, X, 0, 0, REJECT(t));
		break;
	case BPF_LSH: case BPF_RSH:
		emit_shift(t, c, op);
		return 0;
	case BPF_NEG:
		if (src == BPF_X)
			return -EINVAL;
		emit(t, BPF_ALU | BPF_NEG, A, 0, 0, 0);
		return 0;
	default:
		return -EINVAL;
	}
	emit(t, BPF_ALU | op | src, A, src == BPF_X ? X : 0, 0, src == BPF_X ? 0 : c->k);
	return 0;
}

/* The comparison that holds when this one does not; JSET has none. */
static uint8_t inverse(uint8_t op)
{
	switch (op) {
	case BPF_JEQ:
		return BPF_JNE;
	case BPF_JGT:
		return BPF_JLE;
	case BPF_JGE:
		return BPF_JLT;
	default:
		return 0;
	}
}

static int emit_branch(struct translation *t, const struct classic_insn *c, size_t i)
{
	size_t yes = i + 1 + c->jt, no = i + 1 + c->jf, next = i + 1;
	uint8_t op = BPF_OP(c->code), src = BPF_SRC(c->code);

	if (op == BPF_JA) {
		if (src != BPF_K)
			return -EINVAL;
		yes = no = i + 1 + c->k;
	} else if (op != BPF_JEQ && op != BPF_JGT && op != BPF_JGE && op != BPF_JSET) {
		return -EINVAL;
	}
	if (yes != no && yes == next && inverse(op)) {
		yes = no;
		no = next;
		op = inverse(op);
	}
	if (yes != no)
		emit_jump(t, BPF_JMP32 | op | src, A, src == BPF_X ? X : 0, src == BPF_X ? 0 : c->k, yes);
	if (no != next)
		emit_jump(t, BPF_JMP | BPF_JA, 0, 0, 0, no);
	return 0;
}

/* Any number that is not 0 passes, and the caller only asks for that. */
static void emit_return(struct translation *t, const struct classic_insn *c)
{
	if (BPF_RVAL(c->code) == BPF_K)
		emit(t, BPF_ALU | BPF_MOV | BPF_K, A, 0, 0, !!c->k);
	emit(t, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static int emit_other(struct translation *t, const struct classic_insn *c)
{
	switch (c->code) {
	case BPF_LD | BPF_IMM:
		emit(t, BPF_ALU | BPF_MOV | BPF_K, A, 0, 0, c->k);
		return 0;
	case BPF_LDX | BPF_IMM:
		emit(t, BPF_ALU | BPF_MOV | BPF_K, X, 0, 0, c->k);
		return 0;
	case BPF_LD | BPF_W | BPF_LEN:
		emit(t, BPF_LDX | BPF_MEM | BPF_W, A, BPF_REG_10, t->length, 0);
		return 0;
	case BPF_LDX | BPF_W | BPF_LEN:
		emit(t, BPF_LDX | BPF_MEM | BPF_W, X, BPF_REG_10, t->length, 0);
		return 0;
	case BPF_LD | BPF_MEM:
		emit(t, BPF_LDX | BPF_MEM | BPF_W, A, BPF_REG_10, t->memory[c->k], 0);
		return 0;
	case BPF_LDX | BPF_MEM:
		emit(t, BPF_LDX | BPF_MEM | BPF_W, X, BPF_REG_10, t->memory[c->k], 0);
		return 0;
	case BPF_ST:
	case BPF_STX:
		emit(t, BPF_STX | BPF_MEM | BPF_W, BPF_REG_10, c->code == BPF_ST ? A : X, t->memory[c->k], 0);
		return 0;
	case BPF_MISC | BPF_TAX:
		emit(t, BPF_ALU | BPF_MOV | BPF_X, X, A, 0, 0);
		return 0;
	case BPF_MISC | BPF_TXA:
		emit(t, BPF_ALU | BPF_MOV | BPF_X, A, X, 0, 0);
		return 0;
	case BPF_RET | BPF_K:
	case BPF_RET | BPF_A:
		emit_return(t, c);
		return 0;
	}
	return -EINVAL;
}

static int emit_insn(struct translation *t, size_t i)
{
	const struct classic_insn *c = &t->in->v[i];

	if (c->code > UINT8_MAX)
		return -EINVAL;
	if (load_bytes(c)) {
		emit_load(t, c, t->known[i].checked);
		return 0;
	}
	if (BPF_CLASS(c->code) == BPF_ALU)
		return emit_alu(t, c);
	if (BPF_CLASS(c->code) == BPF_JMP)
		return emit_branch(t, c, i);
	return emit_other(t, c);
}

/* --- the whole ------------------------------------------------------------------------------------------------------- */

static int jumps_fix(struct translation *t)
{
	size_t i;
	long off;

	for (i = 0; i < t->njumps; i++) {
		off = (long)t->start[t->jumps[i].to] - (long)t->jumps[i].at - 1;
		if (off > INT16_MAX)
			return -E2BIG;
		t->out.v[t->jumps[i].at].off = off;
	}
	return 0;
}

static int translate(struct translation *t)
{
	size_t i;
	int err = flow(t);

	if (!err)
		err = frame_plan(t);
	if (err)
		return err;
	emit_prologue(t);
	for (i = 0; i < t->in->n; i++) {
		t->start[i] = t->out.n;
		if (t->known[i].checked == NOWHERE)
			continue;
		err = emit_insn(t, i);
		if (err)
			return err;
	}
	t->start[REJECT(t)] = t->out.n;
	if (t->rejects) {
		emit(t, BPF_ALU | BPF_MOV | BPF_K, A, 0, 0, 0);
		emit(t, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	}
	return t->no_memory ? -ENOMEM : jumps_fix(t);
}

int filter_translate(struct ebpf *out, const struct classic *in, const struct filter_access *access)
{
	struct translation t = { .in = in, .access = access, .frame_max = access->frame ?: FILTER_FRAME };
	int err;

	*out = (struct ebpf){};
	if (!in->n)
		return -EINVAL;
	t.known = malloc((in->n + 1) * sizeof(*t.known));
	t.start = malloc((in->n + 1) * sizeof(*t.start));
	err = t.known && t.start ? translate(&t) : -ENOMEM;
	free(t.known);
	free(t.start);
	free(t.jumps);
	if (err)
		free(t.out.v);
	else
		*out = t.out;
	return err;
}
