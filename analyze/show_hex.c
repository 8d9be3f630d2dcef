// SPDX-License-Identifier: GPL-2.0
/*
 * show_hex.c - a packet's first bytes, as tcpdump -x prints them, with the characters beside them.
 */
#include "show.h"

#define LINE_BYTES 16

static void hex_line(FILE *out, const struct data *d, uint32_t at)
{
	uint32_t i;

	fprintf(out, "  0x%04x:  ", at);
	for (i = 0; i < LINE_BYTES; i++) {
		if (at + i < d->size)
			fprintf(out, "%02x", d->bytes[at + i]);
		else
			fputs("  ", out);
		if (i % 2)
			putc(' ', out);
	}
	putc(' ', out);
	for (i = 0; i < LINE_BYTES && at + i < d->size; i++)
		putc(d->bytes[at + i] >= 0x20 && d->bytes[at + i] < 0x7f ? d->bytes[at + i] : '.', out);
	putc('\n', out);
}

void show_hex(const struct term *t, const struct model *m, const struct packet *p)
{
	const struct data *d;
	bool any = false;
	size_t i;

	for (i = 0; i < m->ndatas; i++) {
		d = &m->datas[i];
		if (d->packet != p->number)
			continue;
		any = true;
		fprintf(t->out, "\n  from the %s header on, %u of %u bytes\n", d->layer == 2 ? "link-layer" : "network", d->size, d->len_bytes);
		for (uint32_t at = 0; at < d->size; at += LINE_BYTES)
			hex_line(t->out, d, at);
	}
	if (!any)
		term_print(t, STYLE_DIM, "\n  no bytes of this packet were recorded%s\n", m->ndatas ? "" : " (nor of any other)");
}
