/* SPDX-License-Identifier: GPL-2.0 */
/* hooks.h - netfilter's hooks and the functions around them, from schema/hooks.tsv. */
#ifndef PKT_HOOKS_H
#define PKT_HOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOOK_POINTS_MAX 24

enum point_field { POINT_FAMILY, POINT_HOOK, POINT_BEFORE, POINT_BEHIND, POINT_FIELDS };

/* A row, within the text. */
struct hook_point {
	struct { const char *text; size_t len; } field[POINT_FIELDS];
};

const struct hook_point *hook_points(size_t *n);
bool hook_point_is(const struct hook_point *p, uint8_t family, uint8_t hook);
/* Is the function one of the field's words?  Compilers add suffixes such as .isra.0 to names. */
bool hook_point_lists(const struct hook_point *p, enum point_field field, const char *function);
/* The hook that this function asks when it calls nf_hook_slow(); false: not known. */
bool hook_called_by(const char *function, uint8_t *family, uint8_t *hook);

#endif
