/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ebpf.h - run what the filter translator emits, on a packet in this process's memory, as strictly as the verifier and
 * the kernel together: every register has a kind, stack bytes are written before they are read, and a read of the
 * packet outside of what is readable is a breach.  Only what the translator may emit is known.
 */
#ifndef FUZZ_EBPF_H
#define FUZZ_EBPF_H

#include <endian.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "filter_translate.h"

#define CHECK(holds) ((holds) ? (void)0 : abort())	/* a promise; a breach is a finding */

#define EBPF_FRAME 512
#define EBPF_BASE 0xffff888012345670ull	/* where the packet is said to be */

enum kind { UNSET, NUMBER, STACK, PACKET_POINTER };

struct ebpf_packet {
	const uint8_t *bytes;	/* no more than readable */
	uint64_t readable, length;
};

struct ebpf_machine {
	const struct ebpf *code;
	const struct filter_access *access;
	const struct ebpf_packet *packet;
	uint64_t r[11];
	enum kind kind[11];
	uint8_t stack[EBPF_FRAME];	/* r10 is its end: offset 0 of STACK */
	bool written[EBPF_FRAME];
	int calls, fault;			/* the call that fails, 0 = none */
};

static inline uint64_t ebpf_number(const struct ebpf_machine *m, int reg)
{
	CHECK(m->kind[reg] == NUMBER);
	return m->r[reg];
}

static inline void ebpf_set(struct ebpf_machine *m, int reg, uint64_t value)
{
	CHECK(reg < 10);
	m->r[reg] = value;
	m->kind[reg] = NUMBER;
}

/* size bytes of the packet, which must be readable */
static inline const uint8_t *ebpf_bytes(const struct ebpf_machine *m, uint64_t address, uint64_t size)
{
	uint64_t at = address - EBPF_BASE;

	CHECK(at <= m->packet->readable && size <= m->packet->readable - at);
	return m->packet->bytes + at;
}

static inline int ebpf_stack(const struct ebpf_machine *m, int reg, int off, int size)
{
	int64_t at = (int64_t)m->r[reg] + off + EBPF_FRAME, least = EBPF_FRAME - (m->access->frame ?: FILTER_FRAME);

	CHECK(m->kind[reg] == STACK && at >= least && at + size <= EBPF_FRAME);
	return at;
}

static inline int ebpf_size(uint8_t code)
{
	static const int sizes[] = { 4, 2, 1, 8 };

	return sizes[BPF_SIZE(code) >> 3];
}

static inline uint64_t ebpf_word(const uint8_t *p, int size)
{
	uint64_t v = 0;

	while (size--)		/* of a little-endian machine */
		v = v << 8 | p[size];
	return v;
}

static inline void ebpf_load(struct ebpf_machine *m, const struct bpf_insn *i)
{
	int size = ebpf_size(i->code), at, b;

	if (m->kind[i->src_reg] == PACKET_POINTER) {
		CHECK(size <= 4 && i->off >= 0 && i->off % 8 + size <= 8 && i->off + size <= 8 * FILTER_BAG_WORDS);
		ebpf_set(m, i->dst_reg, ebpf_word(ebpf_bytes(m, m->r[i->src_reg] + i->off, size), size));
		return;
	}
	at = ebpf_stack(m, i->src_reg, i->off, size);
	CHECK(at % size == 0);
	for (b = 0; b < size; b++)
		CHECK(m->written[at + b]);
	ebpf_set(m, i->dst_reg, ebpf_word(m->stack + at, size));
}

static inline void ebpf_store(struct ebpf_machine *m, const struct bpf_insn *i)
{
	uint64_t v = BPF_CLASS(i->code) == BPF_ST ? (uint64_t)(int64_t)i->imm : ebpf_number(m, i->src_reg);
	int size = ebpf_size(i->code), at = ebpf_stack(m, i->dst_reg, i->off, size), b;

	CHECK(BPF_MODE(i->code) == BPF_MEM && at % size == 0);
	for (b = 0; b < size; b++, v >>= 8) {
		m->stack[at + b] = v;
		m->written[at + b] = true;
	}
}

static inline uint64_t ebpf_alu(uint8_t op, uint64_t a, uint64_t b, int bits)
{
	switch (op) {
	case BPF_ADD: return a + b;
	case BPF_SUB: return a - b;
	case BPF_MUL: return a * b;
	case BPF_DIV: return b ? a / b : 0;
	case BPF_MOD: return b ? a % b : a;
	case BPF_AND: return a & b;
	case BPF_OR: return a | b;
	case BPF_XOR: return a ^ b;
	case BPF_LSH: return a << (b & (bits - 1));
	case BPF_RSH: return a >> (b & (bits - 1));
	case BPF_NEG: return -a;
	case BPF_MOV: return b;
	}
	abort();
}

static inline void ebpf_arithmetic(struct ebpf_machine *m, const struct bpf_insn *i)
{
	bool wide = BPF_CLASS(i->code) == BPF_ALU64, reg = BPF_SRC(i->code) == BPF_X;
	uint8_t op = BPF_OP(i->code);
	uint64_t b, a;

	CHECK(!i->off && i->dst_reg < 10);
	if (op == BPF_END) {
		CHECK(!wide && reg && (i->imm == 16 || i->imm == 32));
		a = ebpf_number(m, i->dst_reg);
		ebpf_set(m, i->dst_reg, i->imm == 16 ? htobe16(a) : htobe32(a));
		return;
	}
	if (wide && op == BPF_MOV && reg) {	/* a pointer stays one */
		CHECK(m->kind[i->src_reg] != UNSET);
		m->r[i->dst_reg] = m->r[i->src_reg];
		m->kind[i->dst_reg] = m->kind[i->src_reg];
		return;
	}
	if (wide && op == BPF_ADD && !reg && m->kind[i->dst_reg] == STACK) {
		m->r[i->dst_reg] += (int64_t)i->imm;
		return;
	}
	b = reg ? ebpf_number(m, i->src_reg) : (uint64_t)(int64_t)i->imm;
	a = op == BPF_MOV ? 0 : ebpf_number(m, i->dst_reg);
	if (!reg && (op == BPF_LSH || op == BPF_RSH))
		CHECK((uint32_t)i->imm < (wide ? 64 : 32));
	if (!reg && (op == BPF_DIV || op == BPF_MOD))
		CHECK(i->imm);
	ebpf_set(m, i->dst_reg, wide ? ebpf_alu(op, a, b, 64) : (uint32_t)ebpf_alu(op, (uint32_t)a, (uint32_t)b, 32));
}

static inline bool ebpf_holds(const struct ebpf_machine *m, const struct bpf_insn *i)
{
	uint64_t a = ebpf_number(m, i->dst_reg);
	uint64_t b = BPF_SRC(i->code) == BPF_X ? ebpf_number(m, i->src_reg) : (uint64_t)(int64_t)i->imm;

	if (BPF_CLASS(i->code) == BPF_JMP32) {
		a = (uint32_t)a;
		b = (uint32_t)b;
	}
	switch (BPF_OP(i->code)) {
	case BPF_JEQ: return a == b;
	case BPF_JNE: return a != b;
	case BPF_JGT: return a > b;
	case BPF_JGE: return a >= b;
	case BPF_JLT: return a < b;
	case BPF_JLE: return a <= b;
	case BPF_JSET: return a & b;
	}
	abort();
}

/* bpf_probe_read_kernel() into the stack; what could not be read is made zero there. */
static inline uint64_t ebpf_probe_read(struct ebpf_machine *m)
{
	uint64_t size = ebpf_number(m, 2);
	int at, b;

	CHECK(size <= EBPF_FRAME);
	at = ebpf_stack(m, 1, 0, size);
	if (++m->calls == m->fault)
		memset(m->stack + at, 0, size);
	else if (size)
		memcpy(m->stack + at, ebpf_bytes(m, ebpf_number(m, 3), size), size);
	for (b = 0; b < (int)size; b++)
		m->written[at + b] = true;
	return m->calls == m->fault ? -14 : 0;
}

static inline void ebpf_call(struct ebpf_machine *m, const struct bpf_insn *i)
{
	uint64_t value;
	int reg;

	if (i->src_reg == BPF_PSEUDO_KFUNC_CALL) {
		CHECK(m->access->load == FILTER_LOAD_DIRECT && (uint32_t)i->imm == m->access->cast_id);
		CHECK(ebpf_number(m, 2) == m->access->bag_id);
		value = ebpf_number(m, 1);
	} else {
		CHECK(!i->src_reg && i->imm == BPF_FUNC_probe_read_kernel && m->access->load == FILTER_LOAD_PROBE);
		value = ebpf_probe_read(m);
	}
	for (reg = 1; reg <= 5; reg++)
		m->kind[reg] = UNSET;
	ebpf_set(m, 0, value);
	if (i->src_reg == BPF_PSEUDO_KFUNC_CALL)
		m->kind[0] = PACKET_POINTER;
}

/* One instruction; where the next one is, or -1 at the end. */
static inline long ebpf_step(struct ebpf_machine *m, long at)
{
	const struct bpf_insn *i = &m->code->v[at];

	CHECK(i->dst_reg <= 10 && i->src_reg <= 10);
	switch (BPF_CLASS(i->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		ebpf_arithmetic(m, i);
		return at + 1;
	case BPF_LDX:
		CHECK(BPF_MODE(i->code) == BPF_MEM);
		ebpf_load(m, i);
		return at + 1;
	case BPF_ST:
	case BPF_STX:
		ebpf_store(m, i);
		return at + 1;
	case BPF_JMP:
	case BPF_JMP32:
		if (i->code == (BPF_JMP | BPF_EXIT))
			return -1;
		if (i->code == (BPF_JMP | BPF_CALL)) {
			ebpf_call(m, i);
			return at + 1;
		}
		CHECK(i->off >= 0);	/* there are no loops */
		return at + 1 + (i->code == (BPF_JMP | BPF_JA) || ebpf_holds(m, i) ? i->off : 0);
	}
	abort();
}

/* What the function returns; *calls: how often it asked the kernel for bytes. */
static inline uint32_t ebpf_run(const struct ebpf *code, const struct filter_access *access,
				const struct ebpf_packet *packet, int fault, int *calls)
{
	struct ebpf_machine m = { .code = code, .access = access, .packet = packet, .fault = fault };
	long at = 0;

	ebpf_set(&m, 1, EBPF_BASE);
	ebpf_set(&m, 2, packet->readable);
	ebpf_set(&m, 3, packet->length);
	m.kind[10] = STACK;
	while (at >= 0) {
		CHECK((size_t)at < code->n);
		at = ebpf_step(&m, at);
	}
	*calls = m.calls;
	return ebpf_number(&m, 0);
}

#endif
