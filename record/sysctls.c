// SPDX-License-Identifier: GPL-2.0
/*
 * sysctls.c - walk /proc/sys/net, keep what the table says.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "embedded.h"
#include "sysctls.h"

#define RULES_MAX 256
#define DEPTH_MAX 8

enum keep { KEEP_NEVER, KEEP_NONZERO, KEEP_ALWAYS };

struct rule {
	const char *path;
	enum keep keep;
};

static struct {
	char *text;
	struct rule v[RULES_MAX];
	size_t n;
} rules;

struct walk {
	struct text *out;
	const char *root;
	size_t read;
};

static void rules_load(void)
{
	char *at, *line, *path, *keep;

	rules.text = at = strndup(embedded_sysctls, embedded_sysctls_end - embedded_sysctls);
	while (at && (line = strsep(&at, "\n")) && rules.n < RULES_MAX) {
		path = strsep(&line, "\t");
		keep = strsep(&line, "\t");
		if (keep && *path != '#')
			rules.v[rules.n++] = (struct rule){ path, !strcmp(keep, "always") ? KEEP_ALWAYS :
							    !strcmp(keep, "nonzero") ? KEEP_NONZERO : KEEP_NEVER };
	}
}

/* NULL: no row fits */
static const struct rule *rule_for(const char *path)
{
	size_t i;

	for (i = 0; i < rules.n; i++)
		if (!fnmatch(rules.v[i].path, path, FNM_PATHNAME))
			return &rules.v[i];
	return NULL;
}

/* sysctl's own way: "/" becomes ".", and a "." in the name of an interface "/" */
static int name_add(struct text *out, const char *path)
{
	char name[PATH_MAX];
	size_t i;

	for (i = 0; path[i] && i < sizeof(name) - 1; i++)
		name[i] = path[i] == '/' ? '.' : path[i] == '.' ? '/' : path[i];
	return text_add(out, name, i);
}

static int value_add(struct walk *w, const char *path, enum keep keep)
{
	char full[PATH_MAX], value[4096], *c;
	ssize_t n;
	int fd, err;

	if (++w->read > SYSCTLS_MAX) {
		w->out->cut = true;
		return 0;
	}
	if (snprintf(full, sizeof(full), "%s/%s", w->root, path) >= (int)sizeof(full))
		return 0;
	fd = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return 0;	/* it can only be written, or went with its interface */
	n = read(fd, value, sizeof(value) - 1);
	close(fd);
	while (n > 0 && value[n - 1] == '\n')
		n--;
	if (n <= 0 || (keep == KEEP_NONZERO && n == 1 && *value == '0'))
		return 0;
	for (c = value; c < value + n; c++)
		if (*c == '\n' || *c == '\t')
			*c = ' ';
	err = name_add(w->out, path);
	err = err ? err : text_add(w->out, " = ", 3);
	err = err ? err : text_add(w->out, value, n);
	return err ? err : text_add(w->out, "\n", 1);
}

static int directory_walk(struct walk *w, const char *path, int depth);

static int entry_walk(struct walk *w, const char *dir, const struct dirent *entry, int depth)
{
	const struct rule *rule;
	char path[PATH_MAX];

	if (entry->d_name[0] == '.' || depth > DEPTH_MAX ||
	    snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name) >= (int)sizeof(path))
		return 0;
	rule = rule_for(path);
	if (rule && rule->keep == KEEP_NEVER)
		return 0;
	if (entry->d_type == DT_DIR)
		return directory_walk(w, path, depth + 1);
	return rule && entry->d_type == DT_REG ? value_add(w, path, rule->keep) : 0;
}

static int directory_walk(struct walk *w, const char *path, int depth)
{
	struct dirent **entries;
	char full[PATH_MAX];
	int i, n, err = 0;

	if (snprintf(full, sizeof(full), "%s/%s", w->root, path) >= (int)sizeof(full))
		return 0;
	n = scandir(full, &entries, NULL, alphasort);
	if (n < 0)
		return depth ? 0 : -errno;
	for (i = 0; i < n; i++) {
		err = err ? err : entry_walk(w, path, entries[i], depth);
		free(entries[i]);
	}
	free(entries);
	return err;
}

int sysctls_read(struct text *out, const char *root)
{
	struct walk w = { .out = out, .root = root };

	if (!rules.text)
		rules_load();
	return directory_walk(&w, "net", 0);
}
