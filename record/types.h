/* SPDX-License-Identifier: GPL-2.0 */
/* types.h - the kernel's types (BTF of vmlinux), parsed once for all who look something up in them. */
#ifndef PKT_TYPES_H
#define PKT_TYPES_H

struct btf;

/* Borrowed until types_free(), to look at; NULL and errno when it cannot be had.  For any thread. */
struct btf *types_kernel(void);
/* What is asked for later is parsed anew. */
void types_free(void);

#endif
