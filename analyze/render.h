/* SPDX-License-Identifier: GPL-2.0 */
/*
 * render.h - where text goes and how it looks: colour, width, cells, durations, JSON.
 *
 * Knows nothing of recordings beyond the names of layers and fates.  All text is UTF-8, whatever the locale;
 * widths are columns of a terminal, not bytes.
 */
#ifndef PKT_RENDER_H
#define PKT_RENDER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "model.h"

enum color_when { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

enum style {
	STYLE_PLAIN,
	STYLE_BOLD,
	STYLE_DIM,
	STYLE_GOOD,
	STYLE_BAD,
	STYLE_WARN,
	STYLE_MARK,		/* a change of surroundings: netns, device, CPU, context */
	STYLE_TRANSPORT,
	STYLE_IP,
	STYLE_NETFILTER,
	STYLE_DEVICE,
};

struct term {
	FILE *out;
	bool color;
	unsigned int width;	/* columns; 0 = not a terminal, no limit */
	pid_t pager;
};

/* "auto", "always", "never": 0, or -EINVAL */
int color_parse(const char *word, enum color_when *when);
/* Look at standard output: colour, width ($COLUMNS wins), and a pager when asked for and it is a terminal. */
void term_open(struct term *t, enum color_when when, bool pager);
/* Flush, and wait for the pager: 0, or -errno when not all of it could be written. */
int term_close(struct term *t);

const char *style_code(const struct term *t, enum style s);	/* the escape sequence, "" without colour */
const char *style_end(const struct term *t, enum style s);
enum style layer_style(const char *layer);
enum style fate_style(enum fate f);

/* printf in a style */
void term_print(const struct term *t, enum style s, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* text in exactly width columns, cut with "…" when longer; width < 0 aligns right */
void term_cell(const struct term *t, enum style s, int width, const char *text);
/* words broken at the width of the terminal; the first line starts at column at, the others are indented */
void term_wrap(const struct term *t, enum style s, unsigned int at, unsigned int indent, const char *text);

unsigned int text_width(const char *text);
const char *duration_text(uint64_t ns, char *buf, size_t size);	/* "850 ns", "12.3 µs", "1.52 ms", "2.31 s" */

/* One JSON object a line.  Keys are ours; values are escaped, invalid UTF-8 included. */
struct json {
	FILE *out;
	bool more;		/* a comma is due */
};

void json_begin(struct json *j, FILE *out);
void json_text(struct json *j, const char *key, const char *value);
void json_number(struct json *j, const char *key, int64_t value);
void json_bool(struct json *j, const char *key, bool value);
void json_real(struct json *j, const char *key, double value);	/* null when it is no number */
void json_null(struct json *j, const char *key);
void json_numbers(struct json *j, const char *key, const uint32_t *values, size_t n);
/* A list of texts: begin, each with a NULL key, end. */
void json_list(struct json *j, const char *key);
void json_list_end(struct json *j);
void json_end(struct json *j);

#endif
