// SPDX-License-Identifier: GPL-2.0
/*
 * hooks.c - where netfilter's hooks lie between the kernel's functions: schema/hooks.tsv.
 *
 * The text is part of the program; its rows are found at the first question, and stay within it.
 */
#include <string.h>

#include "embedded.h"
#include "hooks.h"
#include "model.h"

static struct {
	struct hook_point points[HOOK_POINTS_MAX];
	size_t n;
} hooks;

static void points_load(void)
{
	const char *line = embedded_hooks;

	for (; *line && hooks.n < HOOK_POINTS_MAX; line += strcspn(line, "\n"), line += *line == '\n') {
		struct hook_point *point = &hooks.points[hooks.n];
		const char *at = line;

		if (*line == '#' || *line == '\n')
			continue;
		for (int i = 0; i < POINT_FIELDS; i++) {
			point->field[i].text = at;
			point->field[i].len = strcspn(at, "\t\n");
			at += point->field[i].len + (at[point->field[i].len] == '\t');
		}
		hooks.n++;
	}
}

const struct hook_point *hook_points(size_t *n)
{
	if (!hooks.n)
		points_load();
	*n = hooks.n;
	return hooks.points;
}

static bool is_field(const struct hook_point *p, int field, const char *text)
{
	return strlen(text) == p->field[field].len && !memcmp(text, p->field[field].text, p->field[field].len);
}

bool hook_point_is(const struct hook_point *p, uint8_t family, uint8_t hook)
{
	return is_field(p, POINT_FAMILY, family_name(family)) && is_field(p, POINT_HOOK, hook_name(family, hook));
}

bool hook_point_lists(const struct hook_point *p, enum point_field field, const char *function)
{
	const char *word = p->field[field].text, *end = word + p->field[field].len;
	size_t len = strcspn(function, ".");

	while (word < end) {
		size_t n = strcspn(word, " \t\n");

		if (n == len && !memcmp(word, function, len))
			return true;
		word += n + 1;
	}
	return false;
}

bool hook_called_by(const char *function, uint8_t *family, uint8_t *hook)
{
	size_t n, i;
	const struct hook_point *points = hook_points(&n);

	for (i = 0; i < n; i++) {
		if (!hook_point_lists(&points[i], POINT_BEFORE, function))
			continue;
		for (*family = 0; *family < 16; ++*family)
			for (*hook = 0; *hook < 8; ++*hook)
				if (hook_point_is(&points[i], *family, *hook))
					return true;
	}
	return false;
}
