// SPDX-License-Identifier: GPL-2.0
/*
 * filter_fuzz.c - classic BPF programs and packets: what libpcap's interpreter says, the translated program says too,
 * by either way of reading (libFuzzer; make fuzz).
 *
 *     input := n (1 byte) insn[n] more (2 bytes, little-endian: how much longer the packet is than what is there) packet
 *     insn := op jt jf (1 byte each) k (4 bytes, little-endian)     op: a place in codes[], or beyond it a code itself
 *
 * Jumps and words of memory are brought into range, for libpcap refuses most programs otherwise; what has a code that
 * is in no table stays as it is.
 */
#include <errno.h>
#include <linux/filter.h>

#include "ebpf.h"

#define INSNS_MAX 200
#define ZEROING (1 + CLASSIC_MEMWORDS)
#define FRAME_ENOUGH 96		/* for any program */

/* libpcap's; its header cannot be included beside the kernel's */
unsigned bpf_filter(const struct classic_insn *code, const unsigned char *packet, unsigned length, unsigned readable);
int bpf_validate(const struct classic_insn *code, int n);

/* everything that libpcap's interpreter knows */
static const uint8_t codes[] = {
	BPF_LD | BPF_W | BPF_ABS, BPF_LD | BPF_H | BPF_ABS, BPF_LD | BPF_B | BPF_ABS,
	BPF_LD | BPF_W | BPF_IND, BPF_LD | BPF_H | BPF_IND, BPF_LD | BPF_B | BPF_IND,
	BPF_LDX | BPF_B | BPF_MSH, BPF_LD | BPF_W | BPF_LEN, BPF_LDX | BPF_W | BPF_LEN,
	BPF_LD | BPF_IMM, BPF_LDX | BPF_IMM, BPF_LD | BPF_MEM, BPF_LDX | BPF_MEM, BPF_ST, BPF_STX,
	BPF_JMP | BPF_JA, BPF_JMP | BPF_JEQ | BPF_K, BPF_JMP | BPF_JGT | BPF_K, BPF_JMP | BPF_JGE | BPF_K,
	BPF_JMP | BPF_JSET | BPF_K, BPF_JMP | BPF_JEQ | BPF_X, BPF_JMP | BPF_JGT | BPF_X, BPF_JMP | BPF_JGE | BPF_X,
	BPF_JMP | BPF_JSET | BPF_X,
	BPF_ALU | BPF_ADD | BPF_K, BPF_ALU | BPF_SUB | BPF_K, BPF_ALU | BPF_MUL | BPF_K, BPF_ALU | BPF_DIV | BPF_K,
	BPF_ALU | BPF_MOD | BPF_K, BPF_ALU | BPF_AND | BPF_K, BPF_ALU | BPF_OR | BPF_K, BPF_ALU | BPF_XOR | BPF_K,
	BPF_ALU | BPF_LSH | BPF_K, BPF_ALU | BPF_RSH | BPF_K,
	BPF_ALU | BPF_ADD | BPF_X, BPF_ALU | BPF_SUB | BPF_X, BPF_ALU | BPF_MUL | BPF_X, BPF_ALU | BPF_DIV | BPF_X,
	BPF_ALU | BPF_MOD | BPF_X, BPF_ALU | BPF_AND | BPF_X, BPF_ALU | BPF_OR | BPF_X, BPF_ALU | BPF_XOR | BPF_X,
	BPF_ALU | BPF_LSH | BPF_X, BPF_ALU | BPF_RSH | BPF_X, BPF_ALU | BPF_NEG,
	BPF_MISC | BPF_TAX, BPF_MISC | BPF_TXA, BPF_RET | BPF_K, BPF_RET | BPF_A,
};

#define CODES sizeof(codes)

static bool code_is_known(uint16_t code)
{
	return code <= UINT8_MAX && memchr(codes, code, CODES);
}

/* Instruction i of n, from seven bytes. */
static struct classic_insn insn_take(const uint8_t *p, size_t i, size_t n)
{
	struct classic_insn c = { .jt = p[1], .jf = p[2], .k = p[3] | p[4] << 8 | p[5] << 16 | (uint32_t)p[6] << 24 };
	size_t left = n - i - 1;
	uint8_t op;

	c.code = p[0] < CODES ? codes[p[0]] : p[0];
	if (!left && BPF_CLASS(c.code) != BPF_RET)
		c.code = BPF_RET | BPF_A;
	op = BPF_OP(c.code);
	if (BPF_CLASS(c.code) == BPF_JMP && left) {
		c.jt %= left;
		c.jf %= left;
		if (op == BPF_JA && c.k <= INT32_MAX)
			c.k %= left;
	}
	if (c.code == BPF_ST || c.code == BPF_STX || BPF_MODE(c.code) == BPF_MEM)
		c.k %= CLASSIC_MEMWORDS;
	if (BPF_CLASS(c.code) == BPF_ALU && (op == BPF_LSH || op == BPF_RSH) && BPF_SRC(c.code) == BPF_K)
		c.k %= 32;	/* libpcap 1.10.3 leaves the rest to the processor */
	return c;
}

static void compare(const struct classic *c, const struct classic *reference, const struct ebpf_packet *p,
		    const struct filter_access *access)
{
	bool expected, got;
	struct ebpf code;
	int err = filter_translate(&code, c, access), calls, fault;
	bool known = true;
	size_t i;

	if (err) {
		CHECK(!code.v);
		for (i = 0; i < c->n; i++)
			known = known && code_is_known(c->v[i].code);
		CHECK(err == -ELOOP || (err == -EINVAL && !known) || (err == -ENOSPC && access->frame != FRAME_ENOUGH));
		return;
	}
	expected = bpf_filter(reference->v, p->bytes, p->length, p->readable);
	got = ebpf_run(&code, access, p, 0, &calls);
	CHECK(got == expected);
	/* bytes that cannot be read after all, an address gone bad: no packet passes */
	for (fault = calls; fault; fault--)
		CHECK(!ebpf_run(&code, access, p, fault, &calls));
	free(code.v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct filter_access ways[] = {
		{ .load = FILTER_LOAD_PROBE },
		{ .load = FILTER_LOAD_PROBE, .frame = FILTER_FRAME_INNER },
		{ .load = FILTER_LOAD_PROBE, .frame = FRAME_ENOUGH },
		{ .load = FILTER_LOAD_DIRECT, .cast_id = 65477, .bag_id = 162, .frame = FRAME_ENOUGH },
	};
	static struct classic_insn insns[ZEROING + INSNS_MAX];
	struct classic program = { .v = insns + ZEROING }, reference = { .v = insns };
	struct ebpf_packet p;
	uint8_t *bytes;
	size_t i;

	if (size < 3)
		return 0;
	program.n = data[0] < INSNS_MAX ? data[0] : INSNS_MAX;
	if (program.n > (size - 3) / 7)
		program.n = (size - 3) / 7;
	reference.n = ZEROING + program.n;
	insns[0] = (struct classic_insn){ .code = BPF_LD | BPF_IMM };
	for (i = 0; i < CLASSIC_MEMWORDS; i++)	/* libpcap does not, and so cannot be asked about a program that relies on it */
		insns[1 + i] = (struct classic_insn){ .code = BPF_ST, .k = i };
	for (i = 0; i < program.n; i++)
		program.v[i] = insn_take(data + 1 + 7 * i, i, program.n);
	data += 1 + 7 * program.n;
	size -= 1 + 7 * program.n;
	if (!program.n || !bpf_validate(program.v, program.n))
		return 0;
	p.readable = size - 2;
	p.length = p.readable + (data[0] | data[1] << 8);
	bytes = malloc(p.readable);
	CHECK(bytes || !p.readable);
	if (p.readable)
		memcpy(bytes, data + 2, p.readable);
	p.bytes = bytes;
	for (i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		compare(&program, &reference, &p, &ways[i]);
	free(bytes);
	return 0;
}
