// SPDX-License-Identifier: GPL-2.0
/*
 * embedded.c - files that are part of the program: the BPF object and parts of schema/, assembled in as they are.
 */
#include "embedded.h"

#define EMBED(symbol, path)				\
	__asm__(".section .rodata\n"			\
		".balign 16\n"				\
		".global " #symbol "\n"			\
		#symbol ":\n"				\
		".incbin \"" path "\"\n"		\
		".global " #symbol "_end\n"		\
		#symbol "_end:\n"			\
		".byte 0\n"				\
		".previous\n")

EMBED(embedded_hop_direct, BUILD_DIR "/hop.direct.bpf.o");
EMBED(embedded_hop_copied, BUILD_DIR "/hop.copied.bpf.o");
EMBED(embedded_progs_direct, BUILD_DIR "/progs.direct.bpf.o");
EMBED(embedded_progs_copied, BUILD_DIR "/progs.copied.bpf.o");
EMBED(embedded_functions, "schema/functions.tsv");
EMBED(embedded_hidden, "schema/hidden.tsv");
EMBED(embedded_lineage, "schema/lineage.tsv");
EMBED(embedded_system, "schema/system.tsv");
EMBED(embedded_sysctls, "schema/sysctls.tsv");
