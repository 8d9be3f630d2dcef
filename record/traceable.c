// SPDX-License-Identifier: GPL-2.0
/*
 * traceable.c - ftrace's list of functions, lines "name" or "name [module]", found by a hash of the name.
 *
 * The list has some 40,000 lines and a recording waits for it: it is not sorted, and its lines stay where they were read.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "traceable.h"

#define HASH_START 2166136261u
#define HASH_PRIME 16777619u

/* Of the name at the start of a line; *end is where it stops. */
static uint32_t name_hash(const char *name, const char **end)
{
	uint32_t hash = HASH_START;

	for (; *name && *name != ' ' && *name != '\n'; name++)
		hash = (hash ^ (uint8_t)*name) * HASH_PRIME;
	*end = name;
	return hash;
}

static void line_add(struct traceable *t, const char *line)
{
	struct traceable_line *l = &t->lines[t->n++];
	const char *end;
	uint32_t *bucket;

	l->name = line;
	l->hash = name_hash(line, &end);
	l->module = end[0] == ' ' && end[1] == '[' ? end + 2 : "";
	bucket = &t->buckets[l->hash & t->mask];
	l->next = *bucket;
	*bucket = t->n;
}

int traceable_load(struct traceable *t, const char *path)
{
	size_t size, lines = 0, buckets = 1;
	const char *at, *end;

	memset(t, 0, sizeof(*t));
	if (file_read(path, &t->text, &size) || size >= UINT32_MAX)
		return 0;
	for (at = t->text; (at = strchr(at, '\n')); at++)
		lines++;
	while (buckets < lines)
		buckets *= 2;
	t->mask = buckets - 1;
	t->lines = calloc(lines ? lines : 1, sizeof(*t->lines));
	t->buckets = calloc(buckets, sizeof(*t->buckets));
	if (!t->lines || !t->buckets)
		return -ENOMEM;
	for (at = t->text; (end = strchr(at, '\n')); at = end + 1)
		line_add(t, at);
	t->known = t->n > 0;
	return 0;
}

void traceable_free(struct traceable *t)
{
	free(t->lines);
	free(t->buckets);
	free(t->text);
	memset(t, 0, sizeof(*t));
}

static bool is_module(const struct traceable_line *l, const char *module, size_t length)
{
	return !*l->module == !length && !strncmp(l->module, module, length) && (!length || l->module[length] == ']');
}

size_t traceable_count(const struct traceable *t, const char *name, const char *module)
{
	const struct traceable_line *l;
	const char *end;
	uint32_t hash = name_hash(name, &end), i;
	size_t length = end - name, module_length = strlen(module), count = 0;

	if (!t->known || *end)
		return 0;
	for (i = t->buckets[hash & t->mask]; i; i = l->next) {
		l = &t->lines[i - 1];
		count += l->hash == hash && !strncmp(l->name, name, length) && strchr(" \n", l->name[length]) &&
			 is_module(l, module, module_length);
	}
	return count;
}
