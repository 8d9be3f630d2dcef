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
	uint32_t base_hash;	/* of the name up to its first dot */
	uint32_t next;		/* index + 1 of the next one in the same bucket, by address; 0 = none */
};

struct symbols {
	struct symbol *by_addr;
	uint32_t *buckets;	/* index + 1 of the first symbol, by base_hash; a power of two of them */
	uint32_t mask;
	size_t n;
	uint64_t text_base;	/* _stext */
	uint64_t page_offset_base, vmemmap_base;	/* variables that say where memory is mapped, and its struct pages; 0 = not here */
	char *text;
};

/* 0; -EACCES when the addresses are hidden (all zero); other negative errno. */
int symbols_load(struct symbols *s, const char *path);
void symbols_free(struct symbols *s);
/* Only where the kernel's text begins, which is soon known: text_base, 0 when it is hidden. */
uint64_t symbols_text_base(const char *path);

/* The symbol that addr lies in, or NULL. */
const struct symbol *symbols_at(const struct symbols *s, uint64_t addr);
/* The next symbol of that name after one of them (NULL: the first), by address; NULL when there is none. */
const struct symbol *symbols_named(const struct symbols *s, const char *name, const struct symbol *after);
/* The same for the compiler's variants: symbols whose name is this one, a dot and more. */
const struct symbol *symbols_variant(const struct symbols *s, const char *name, const struct symbol *after);

#endif
