// SPDX-License-Identifier: GPL-2.0
/*
 * render.c - how text looks: styles, cells of a fixed width, wrapped words, durations.
 *
 * Styles are ANSI's sixteen colours, which people have already tuned to their eyes.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "render.h"

static const char *const codes[] = {
	[STYLE_PLAIN] = "",
	[STYLE_BOLD] = "\033[1m",
	[STYLE_DIM] = "\033[2m",
	[STYLE_GOOD] = "\033[32m",
	[STYLE_BAD] = "\033[1;31m",
	[STYLE_WARN] = "\033[33m",
	[STYLE_MARK] = "\033[1;34m",
	[STYLE_TRANSPORT] = "\033[36m",
	[STYLE_IP] = "\033[34m",
	[STYLE_NETFILTER] = "\033[35m",
	[STYLE_DEVICE] = "\033[32m",
};

static const struct { const char *layer; enum style style; } layers[] = {
	{ "syscall", STYLE_TRANSPORT }, { "socket", STYLE_TRANSPORT }, { "transport", STYLE_TRANSPORT },
	{ "ip", STYLE_IP }, { "routing", STYLE_IP }, { "neighbour", STYLE_IP }, { "xfrm", STYLE_IP },
	{ "netfilter", STYLE_NETFILTER }, { "xdp", STYLE_NETFILTER }, { "tc", STYLE_NETFILTER },
	{ "qdisc", STYLE_DEVICE }, { "device", STYLE_DEVICE }, { "driver", STYLE_DEVICE },
	{ "bridge", STYLE_DEVICE }, { "tunnel", STYLE_DEVICE },
};

enum style layer_style(const char *layer)
{
	for (size_t i = 0; i < sizeof(layers) / sizeof(layers[0]); i++)
		if (!strcmp(layers[i].layer, layer))
			return layers[i].style;
	return STYLE_DIM;
}

enum style fate_style(enum fate f)
{
	switch (f) {
	case FATE_DELIVERED:
	case FATE_SENT:
		return STYLE_GOOD;
	case FATE_DROPPED:
		return STYLE_BAD;
	case FATE_IN_FLIGHT:
		return STYLE_WARN;
	case FATE_CONSUMED:
	case FATE_MERGED:
		break;
	}
	return STYLE_PLAIN;
}

const char *style_code(const struct term *t, enum style s)
{
	return t->color ? codes[s] : "";
}

const char *style_end(const struct term *t, enum style s)
{
	return t->color && s != STYLE_PLAIN ? "\033[0m" : "";
}

void term_print(const struct term *t, enum style s, const char *format, ...)
{
	va_list args;

	fputs(style_code(t, s), t->out);
	va_start(args, format);
	vfprintf(t->out, format, args);
	va_end(args);
	fputs(style_end(t, s), t->out);
}

/* Bytes of the character at s, and its columns.  What cannot be decoded counts as one of each. */
static size_t char_at(const char *s, unsigned int *columns)
{
	mbstate_t state = {};
	wchar_t wc;
	size_t n = mbrtowc(&wc, s, strlen(s), &state);
	int w;

	*columns = 1;
	if (n == 0 || n > 4)
		return 1;
	w = wcwidth(wc);
	*columns = w < 0 ? 1 : w;
	return n;
}

/* The longest start of text that fits: its bytes, and its columns. */
static size_t text_fit(const char *text, unsigned int limit, unsigned int *columns)
{
	size_t bytes = 0;

	*columns = 0;
	while (text[bytes]) {
		unsigned int w;
		size_t n = char_at(text + bytes, &w);

		if (*columns + w > limit)
			break;
		*columns += w;
		bytes += n;
	}
	return bytes;
}

unsigned int text_width(const char *text)
{
	unsigned int columns;

	text_fit(text, ~0U, &columns);
	return columns;
}

void term_cell(const struct term *t, enum style s, int width, const char *text)
{
	unsigned int room = abs(width), columns;
	size_t bytes = text_fit(text, room, &columns);
	const char *cut = "";

	if (text[bytes] && room) {
		bytes = text_fit(text, room - 1, &columns);
		columns++;
		cut = "…";
	}
	if (!bytes && !*cut)
		s = STYLE_PLAIN;
	if (width < 0)
		fprintf(t->out, "%*s", (int)(room - columns), "");
	fprintf(t->out, "%s%.*s%s%s", style_code(t, s), (int)bytes, text, cut, style_end(t, s));
	if (width > 0)
		fprintf(t->out, "%*s", (int)(room - columns), "");
}

/* Bytes up to the next place where a line may end: a hop's number stays with its word. */
static size_t piece(const char *text)
{
	size_t n = strcspn(text, " "), next;

	while (n >= 3 && (!strncmp(text + n - 3, "hop", 3) || (n >= 4 && !strncmp(text + n - 4, "hops", 4))) && text[n] == ' ' &&
	       text[n + 1] >= '0' && text[n + 1] <= '9') {
		next = n + 1 + strcspn(text + n + 1, " ");
		if (next == n + 1)
			break;
		n = next;
	}
	return n;
}

void term_wrap(const struct term *t, enum style s, unsigned int at, unsigned int indent, const char *text)
{
	unsigned int column = at;

	fputs(style_code(t, s), t->out);
	while (*text) {
		size_t bytes = piece(text);
		unsigned int word = 0;

		for (size_t i = 0; i < bytes;) {
			unsigned int w;

			i += char_at(text + i, &w);
			word += w;
		}
		if (column > at && t->width && column + 1 + word > t->width) {
			fprintf(t->out, "\n%*s", (int)indent, "");
			column = at = indent;
		} else if (column > at) {
			putc(' ', t->out);
			column++;
		}
		fwrite(text, 1, bytes, t->out);
		column += word;
		text += bytes;
		text += strspn(text, " ");
	}
	fprintf(t->out, "%s\n", style_end(t, s));
}

const char *duration_text(uint64_t ns, char *buf, size_t size)
{
	static const struct { uint64_t ns; const char *unit; } units[] = {
		{ 1000000000, "s" }, { 1000000, "ms" }, { 1000, "µs" },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		double value = (double)ns / (double)units[i].ns;

		/* the bound is where rounding would show 1000 of the smaller unit */
		if (value < 0.9995)
			continue;
		snprintf(buf, size, "%.*f %s", value < 9.995 ? 2 : value < 99.95 ? 1 : 0, value, units[i].unit);
		return buf;
	}
	snprintf(buf, size, "%" PRIu64 " ns", ns);
	return buf;
}
