// SPDX-License-Identifier: GPL-2.0
/*
 * symbols.c - read /proc/kallsyms once; the names stay where they were read.
 *
 * A recording waits for this, so it is one pass over the text without a sort where the kernel has sorted already, and
 * names are found by a hash of what comes before their first dot: a name and its variants are in one bucket.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "symbols.h"

#define HASH_START 2166136261u
#define HASH_PRIME 16777619u

static int compare_addr(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* 16 digits as a rule; what is no digit ends the number. */
static char *hex_parse(char *at, uint64_t *out)
{
	uint64_t value = 0;

	for (;; at++) {
		if (*at >= '0' && *at <= '9')
			value = value << 4 | (*at - '0');
		else if (*at >= 'a' && *at <= 'f')
			value = value << 4 | (*at - 'a' + 10);
		else
			break;
	}
	*out = value;
	return at;
}

static uint32_t base_hash(const char *name)
{
	uint32_t hash = HASH_START;

	for (; *name && *name != '.' && *name != '\t' && *name != '\n'; name++)
		hash = (hash ^ (uint8_t)*name) * HASH_PRIME;
	return hash;
}

/* The name's end in place, and what stands in brackets behind a tab. */
static const char *module_cut(char *name)
{
	char *end = name + strcspn(name, "\t"), *module;

	if (!*end)
		return "";
	*end = 0;
	if (end[1] != '[')
		return "";
	module = end + 2;
	module[strcspn(module, "]")] = 0;
	return module;
}

/* "ffffffff81000000 T name\t[module]": cut in place.  False when it is no function's symbol. */
static bool line_parse(char *line, struct symbol *out)
{
	char *at = hex_parse(line, &out->addr);

	if (at == line || *at != ' ' || !at[1] || at[2] != ' ')
		return false;
	if (at[1] != 't' && at[1] != 'T' && at[1] != 'w' && at[1] != 'W')
		return false;
	if (!strncmp(at + 3, "__pfx_", 6))
		return false;	/* the padding before each function, since 6.2 */
	out->name = at + 3;
	out->module = module_cut(at + 3);
	out->base_hash = base_hash(out->name);
	out->next = 0;
	return true;
}

/* Of the data only this is asked for: "ffffffff82a4c5b8 R name\n"; 0 = there is none. */
static uint64_t variable_find(const char *text, size_t size, const char *name)
{
	char line[64];
	int n = snprintf(line, sizeof(line), " %s\n", name);
	const char *at = memmem(text, size, line, n);
	uint64_t addr;

	if (!at)
		return 0;
	while (at > text && at[-1] != '\n')
		at--;
	hex_parse((char *)at, &addr);
	return addr;
}

static int symbols_parse(struct symbols *s, size_t size)
{
	char *line, *end;
	struct symbol sym, *grown;
	size_t room = 0;

	s->page_offset_base = variable_find(s->text, size, "page_offset_base");
	s->vmemmap_base = variable_find(s->text, size, "vmemmap_base");
	for (line = s->text; line < s->text + size; line = end + 1) {
		end = memchr(line, '\n', s->text + size - line);
		if (!end)
			end = s->text + size;
		*end = 0;
		if (!line_parse(line, &sym))
			continue;
		if (s->n == room) {
			room = room ? room * 2 : 65536;
			grown = realloc(s->by_addr, room * sizeof(*grown));
			if (!grown)
				return -ENOMEM;
			s->by_addr = grown;
		}
		if (!s->text_base && !strcmp(sym.name, "_stext"))
			s->text_base = sym.addr;
		s->by_addr[s->n++] = sym;
	}
	return s->n ? 0 : -ENOENT;
}

/* The kernel's own symbols come in order, those of modules after them in any. */
static void symbols_sort(struct symbols *s)
{
	size_t sorted = 1, i;
	uint64_t least = UINT64_MAX;

	while (sorted < s->n && s->by_addr[sorted - 1].addr <= s->by_addr[sorted].addr)
		sorted++;
	for (i = sorted; i < s->n; i++)
		least = s->by_addr[i].addr < least ? s->by_addr[i].addr : least;
	while (sorted && s->by_addr[sorted - 1].addr > least)
		sorted--;
	qsort(s->by_addr + sorted, s->n - sorted, sizeof(*s->by_addr), compare_addr);
}

static int symbols_index(struct symbols *s)
{
	uint32_t *bucket;
	size_t size = 1, i;

	if (s->n >= UINT32_MAX / 2)
		return -E2BIG;
	while (size < s->n)
		size *= 2;
	s->buckets = calloc(size, sizeof(*s->buckets));
	if (!s->buckets)
		return -ENOMEM;
	s->mask = size - 1;
	for (i = s->n; i-- > 0; ) {	/* backwards: the first in a bucket is the lowest */
		bucket = &s->buckets[s->by_addr[i].base_hash & s->mask];
		s->by_addr[i].next = *bucket;
		*bucket = i + 1;
	}
	return 0;
}

int symbols_load(struct symbols *s, const char *path)
{
	size_t size = 0;
	int err;

	memset(s, 0, sizeof(*s));
	err = file_read(path, &s->text, &size);
	if (!err)
		err = symbols_parse(s, size);
	if (!err && !s->text_base)
		err = -EACCES;
	if (!err) {
		symbols_sort(s);
		err = symbols_index(s);
	}
	if (err)
		symbols_free(s);
	return err;
}

uint64_t symbols_text_base(const char *path)
{
	FILE *f = fopen(path, "re");
	uint64_t base = 0;
	struct symbol sym;
	char line[1024];

	while (f && !base && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		if (line_parse(line, &sym) && !strcmp(sym.name, "_stext"))
			base = sym.addr;
	}
	if (f)
		fclose(f);
	return base;
}

void symbols_free(struct symbols *s)
{
	free(s->by_addr);
	free(s->buckets);
	free(s->text);
	memset(s, 0, sizeof(*s));
}

const struct symbol *symbols_at(const struct symbols *s, uint64_t addr)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (s->by_addr[mid].addr <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	/* several names may stand for one address: the first is as good as any, and always the same */
	while (low > 1 && s->by_addr[low - 2].addr == s->by_addr[low - 1].addr)
		low--;
	return low ? &s->by_addr[low - 1] : NULL;
}

/* The next one in the bucket of this name that is the name itself (dot = 0) or a variant of it (dot = '.'). */
static const struct symbol *bucket_find(const struct symbols *s, const char *name, const struct symbol *after, char dot)
{
	size_t length = strlen(name);
	const struct symbol *sym;
	uint32_t hash, i;

	if (!s->n)
		return NULL;
	hash = base_hash(name);
	for (i = after ? after->next : s->buckets[hash & s->mask]; i; i = sym->next) {
		sym = &s->by_addr[i - 1];
		if (sym->base_hash == hash && !strncmp(sym->name, name, length) && sym->name[length] == dot)
			return sym;
	}
	return NULL;
}

const struct symbol *symbols_named(const struct symbols *s, const char *name, const struct symbol *after)
{
	return bucket_find(s, name, after, 0);
}

const struct symbol *symbols_variant(const struct symbols *s, const char *name, const struct symbol *after)
{
	return bucket_find(s, name, after, '.');
}
