/* SPDX-License-Identifier: GPL-2.0 */
/* symbols.h - the kernel's text symbols: from address to name and back. */
#ifndef PKT_SYMBOLS_H
#define PKT_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

struct symbol {
	uint64_t addr;
	const char *name;
	const char *module;	/* "" = vmlinux */
};

struct symbols {
	struct symbol *by_addr;
	struct symbol **by_name;	/* sorted by name, then address */
	size_t n;
	uint64_t text_base;		/* _stext */
	char *text;
};

/* 0; -EACCES when the addresses are hidden (all zero); other negative errno. */
int symbols_load(struct symbols *s, const char *path);
void symbols_free(struct symbols *s);

/* The symbol that addr lies in, or NULL. */
const struct symbol *symbols_at(const struct symbols *s, uint64_t addr);
/* First of the symbols of that name, *count of them side by side; NULL when there is none. */
struct symbol **symbols_named(const struct symbols *s, const char *name, size_t *count);
/* First symbol that begins with name and a dot (a compiler's variant), or NULL. */
const struct symbol *symbols_variant(const struct symbols *s, const char *name);

#endif
