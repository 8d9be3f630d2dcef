/* SPDX-License-Identifier: GPL-2.0 */
/*
 * trace_between.h - a unit made by hand, read between two good ones: what does the reader make of it?
 */
#ifndef TRACE_BETWEEN_H
#define TRACE_BETWEEN_H

#include <stdio.h>

#include "trace_support.h"

static const struct preamble today = { .version = FORMAT_VERSION, .recording = "0123456789abcde" };

/* What the reader made of: fact "a", the unit, fact "z". */
struct outcome {
	int end;
	int units;
	int damaged;
	int skipped;
	int rows;			/* of the unit in the middle */
	struct trc_record first;	/* of them; its strings are gone */
	char name[64];			/* of a function */
	char error[256];
};

static UNUSED struct unit unit_of(const char *type, uint32_t rows, uint32_t sequence)
{
	struct unit u = { .version = UNIT_VERSION, .rows = rows, .sequence = sequence };

	u.tag = recording_tag(today.recording);
	memcpy(u.type, type, 4);
	return u;
}

static UNUSED struct image between_begin(void)
{
	struct image img = {};

	image_begin(&img, &today);
	image_unit(&img, unit_of("fact", 1, 0), "\4\1a\1A", 5);
	return img;
}

static UNUSED struct outcome between_end(struct image *img)
{
	struct outcome o = {};
	struct trc_record rec;
	struct trc_reader *r;
	bool last = false;

	image_unit(img, unit_of("fact", 1, 2), "\4\1z\1Z", 5);
	assert_int_equal(trc_reader_open_memory(&r, img->data, img->size), 0);
	assert_int_equal(trc_reader_next(r, &rec), 1);
	assert_string_equal(rec.fact.key, "a");
	assert_string_equal(rec.fact.value, "A");
	while ((o.end = trc_reader_next(r, &rec)) == 1) {
		last = rec.kind == TRC_FACT && !strcmp(rec.fact.key, "z");
		if (last)
			continue;
		if (!o.rows++)
			o.first = rec;
		if (rec.kind == TRC_FUNC)
			snprintf(o.name, sizeof(o.name), "%s/%s/%s", rec.func.name, rec.func.module, rec.func.why);
	}
	assert_true(last || o.end < 0);
	o.units = trc_reader_health(r)->units;
	o.damaged = trc_reader_health(r)->damaged;
	o.skipped = trc_reader_health(r)->skipped;
	assert_int_equal(trc_reader_health(r)->out_of_order, 0);
	snprintf(o.error, sizeof(o.error), "%s", trc_reader_error(r));
	if (o.end < 0)
		assert_int_equal(trc_reader_next(r, &rec), o.end);
	trc_reader_free(r);
	free(img->data);
	return o;
}

static UNUSED struct outcome between(struct unit u, const void *raw, size_t size)
{
	struct image img = between_begin();

	image_unit(&img, u, raw, size);
	return between_end(&img);
}

static UNUSED void assert_damaged(struct unit u, const void *raw, size_t size)
{
	struct outcome o = between(u, raw, size);

	assert_int_equal(o.end, 0);
	assert_int_equal(o.damaged, 1);
	assert_int_equal(o.units, 2);
	assert_int_equal(o.rows, 0);
}

#endif
