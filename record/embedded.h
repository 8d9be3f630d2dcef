/* SPDX-License-Identifier: GPL-2.0 */
/* embedded.h - files that are part of the program; each is followed by a NUL at its _end. */
#ifndef PKT_EMBEDDED_H
#define PKT_EMBEDDED_H

extern const char embedded_hop_direct[], embedded_hop_direct_end[];
extern const char embedded_hop_copied[], embedded_hop_copied_end[];
extern const char embedded_progs_direct[], embedded_progs_direct_end[];
extern const char embedded_progs_copied[], embedded_progs_copied_end[];
extern const char embedded_functions[], embedded_functions_end[];
extern const char embedded_hidden[], embedded_hidden_end[];
extern const char embedded_lineage[], embedded_lineage_end[];
extern const char embedded_system[], embedded_system_end[];
extern const char embedded_sysctls[], embedded_sysctls_end[];

#endif
