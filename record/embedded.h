/* SPDX-License-Identifier: GPL-2.0 */
/* embedded.h - files that are part of the program; each is followed by a NUL at its _end. */
#ifndef PKT_EMBEDDED_H
#define PKT_EMBEDDED_H

extern const char embedded_object[], embedded_object_end[];
extern const char embedded_programs[], embedded_programs_end[];
extern const char embedded_functions[], embedded_functions_end[];
extern const char embedded_hidden[], embedded_hidden_end[];
extern const char embedded_lineage[], embedded_lineage_end[];
extern const char embedded_system[], embedded_system_end[];
extern const char embedded_sysctls[], embedded_sysctls_end[];

#endif
