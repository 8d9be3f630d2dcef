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

EMBED(embedded_object, BUILD_DIR "/hop.bpf.o");
EMBED(embedded_programs, BUILD_DIR "/progs.bpf.o");
EMBED(embedded_functions, "schema/functions.tsv");
EMBED(embedded_hidden, "schema/hidden.tsv");
EMBED(embedded_lineage, "schema/lineage.tsv");
EMBED(embedded_system, "schema/system.tsv");
EMBED(embedded_sysctls, "schema/sysctls.tsv");
