// SPDX-License-Identifier: GPL-2.0
/*
 * render_json.c - write flat JSON objects, one a line.
 *
 * Escapes more than JSON asks for: markup characters and all that a terminal could act on, because such
 * output ends up in web pages and on screens.
 */
#include <inttypes.h>

#include "render.h"

/* Decode one UTF-8 sequence of at most 4 bytes; 0 = invalid. */
static unsigned int utf8_decode(const unsigned char *s, uint32_t *code)
{
	unsigned int n = *s < 0x80 ? 1 : *s >= 0xc2 && *s < 0xe0 ? 2 : (*s & 0xf0) == 0xe0 ? 3 : *s >= 0xf0 && *s < 0xf5 ? 4 : 0;
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };

	*code = n > 1 ? *s & (0x7f >> n) : *s;
	for (unsigned int i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (s[i] & 0x3f);
	}
	if (*code < least[n] || *code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000))
		return 0;
	return n;
}

static bool must_escape(uint32_t code)
{
	return code < 0x20 || code == '"' || code == '\\' || code == '<' || code == '>' || code == '&' ||
	       (code >= 0x7f && code < 0xa0) ||			/* DEL and the C1 controls */
	       (code >= 0x200e && code <= 0x200f) ||		/* direction marks */
	       (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

static void put_string(FILE *out, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	putc('"', out);
	while (*s) {
		uint32_t code;
		unsigned int n = utf8_decode(s, &code);

		if (!n)
			fputs("\\ufffd", out);
		else if (must_escape(code))
			fprintf(out, "\\u%04x", code);
		else
			fwrite(s, 1, n, out);
		s += n ? n : 1;
	}
	putc('"', out);
}

static void put_key(struct json *j, const char *key)
{
	if (j->more)
		putc(',', j->out);
	j->more = true;
	if (!key)
		return;
	put_string(j->out, key);
	putc(':', j->out);
}

void json_begin(struct json *j, FILE *out)
{
	j->out = out;
	j->more = false;
	putc('{', out);
}

void json_text(struct json *j, const char *key, const char *value)
{
	put_key(j, key);
	put_string(j->out, value);
}

void json_number(struct json *j, const char *key, int64_t value)
{
	put_key(j, key);
	fprintf(j->out, "%" PRId64, value);
}

void json_bool(struct json *j, const char *key, bool value)
{
	put_key(j, key);
	fputs(value ? "true" : "false", j->out);
}

void json_real(struct json *j, const char *key, double value)
{
	if (value != value || value - value != 0) {	/* JSON has neither NaN nor infinity */
		json_null(j, key);
		return;
	}
	put_key(j, key);
	fprintf(j->out, "%.15g", value);
}

void json_null(struct json *j, const char *key)
{
	put_key(j, key);
	fputs("null", j->out);
}

void json_list(struct json *j, const char *key)
{
	put_key(j, key);
	putc('[', j->out);
	j->more = false;
}

void json_list_end(struct json *j)
{
	putc(']', j->out);
	j->more = true;
}

void json_numbers(struct json *j, const char *key, const uint32_t *values, size_t n)
{
	json_list(j, key);
	for (size_t i = 0; i < n; i++)
		json_number(j, NULL, values[i]);
	json_list_end(j);
}

void json_end(struct json *j)
{
	fputs("}\n", j->out);
}
