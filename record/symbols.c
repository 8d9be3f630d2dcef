// SPDX-License-Identifier: GPL-2.0
/*
 * symbols.c - read /proc/kallsyms once; the names stay where they were read.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "symbols.h"

static int compare_addr(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static int compare_name(const void *a, const void *b)
{
	const struct symbol *x = *(struct symbol *const *)a, *y = *(struct symbol *const *)b;
	int order = strcmp(x->name, y->name);

	return order ? order : compare_addr(x, y);
}

/* "ffffffff81000000 T name\t[module]": cut in place.  0 when it is not a text symbol. */
static int line_parse(char *line, struct symbol *out)
{
	char *at, *module;

	out->addr = strtoull(line, &at, 16);
	if (at == line || *at != ' ' || !at[1] || at[2] != ' ')
		return 0;
	if (!strchr("tTwW", at[1]))
		return 0;
	out->name = at + 3;
	out->module = "";
	module = strchr(at + 3, '\t');
	if (module) {
		*module = 0;
		if (module[1] == '[') {
			out->module = module + 2;
			module[2 + strcspn(module + 2, "]")] = 0;
		}
	}
	return 1;
}

static int symbols_parse(struct symbols *s)
{
	size_t room = 0;
	char *line, *save = NULL;
	struct symbol sym, *grown;

	for (line = strtok_r(s->text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
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

int symbols_load(struct symbols *s, const char *path)
{
	size_t i;
	int err;

	memset(s, 0, sizeof(*s));
	err = file_read(path, &s->text, NULL);
	if (!err)
		err = symbols_parse(s);
	if (!err && !s->text_base)
		err = -EACCES;
	if (err)
		goto out;
	qsort(s->by_addr, s->n, sizeof(*s->by_addr), compare_addr);
	s->by_name = malloc(s->n * sizeof(*s->by_name));
	if (!s->by_name) {
		err = -ENOMEM;
		goto out;
	}
	for (i = 0; i < s->n; i++)
		s->by_name[i] = &s->by_addr[i];
	qsort(s->by_name, s->n, sizeof(*s->by_name), compare_name);
out:
	if (err)
		symbols_free(s);
	return err;
}

void symbols_free(struct symbols *s)
{
	free(s->by_addr);
	free(s->by_name);
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

/* Index of the first symbol whose name is not below `name`. */
static size_t name_lower(const struct symbols *s, const char *name)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(s->by_name[mid]->name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct symbol **symbols_named(const struct symbols *s, const char *name, size_t *count)
{
	size_t first = name_lower(s, name), last = first;

	while (last < s->n && !strcmp(s->by_name[last]->name, name))
		last++;
	*count = last - first;
	return *count ? &s->by_name[first] : NULL;
}

const struct symbol *symbols_variant(const struct symbols *s, const char *name)
{
	size_t length = strlen(name), i = name_lower(s, name);

	/* '.' sorts before letters and digits, so the variants come right after the name itself */
	while (i < s->n && !strcmp(s->by_name[i]->name, name))
		i++;
	if (i < s->n && !strncmp(s->by_name[i]->name, name, length) && s->by_name[i]->name[length] == '.')
		return s->by_name[i];
	return NULL;
}
