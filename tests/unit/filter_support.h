/* SPDX-License-Identifier: GPL-2.0 */
/* filter_support.h - packets that the kernel's programs can be asked about, at an address that is known here. */
#ifndef TEST_FILTER_SUPPORT_H
#define TEST_FILTER_SUPPORT_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "filter.h"
#include "filter_random.h"

#define PACKETS 48

static struct filter_access probe = { .load = FILTER_LOAD_PROBE }, direct;	/* direct.load is 0 where it cannot be done */
static struct packet *shared;	/* memory of the kernel's, mapped */
static uint64_t shared_address;

/* --- a program that calls the filters ----------------------------------------------------------------------------- */

static inline int run(int prog, uint64_t which, uint64_t base, uint64_t readable, uint64_t length)
{
	uint64_t args[4] = { which, base, readable, length };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = args, .ctx_size_in = sizeof(args));

	if (bpf_prog_test_run_opts(prog, &opts))
		return -errno;
	return opts.retval;
}

/* The kernel's address of the shared packets: a program writes it where this one can read it. */
static inline bool shared_make(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "packets", 4, PACKETS * sizeof(*shared), 1, &opts), prog;
	struct bpf_insn insns[] = {
		{ .code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = BPF_REG_1, .src_reg = BPF_PSEUDO_MAP_VALUE, .imm = map },
		{},
		{ .code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_1, .src_reg = BPF_REG_1 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	if (map < 0)
		return false;
	shared = mmap(NULL, PACKETS * sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);
	prog = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "address", "GPL", insns, 5, NULL);
	if (shared == MAP_FAILED || prog < 0 || run(prog, 0, 0, 0, 0) != 1)
		return false;
	memcpy(&shared_address, shared, sizeof(shared_address));
	close(prog);
	return true;
}

/* 0, or 77 with the reason why nothing can be tested here. */
static inline int support_begin(void)
{
	if (!shared_make()) {
		fprintf(stderr, "BPF programs cannot be loaded here (%s); run as root\n", strerror(errno));
		return 77;
	}
	filter_access_find(&direct, NULL);
	if (direct.load != FILTER_LOAD_DIRECT)
		direct = (struct filter_access){};
	if (!getenv("TEST_VERBOSE"))	/* then libbpf says what the verifier did not like */
		libbpf_set_print(NULL);
	return 0;
}

#endif
