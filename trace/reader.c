// SPDX-License-Identifier: GPL-2.0
/*
 * reader.c - walk a recording unit by unit and give out its records.
 *
 * Every byte is suspect.  Whatever is wrong with a unit costs that unit: it is counted, and the walk goes on at the
 * next place that has the signature and a header with a right checksum.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "reader.h"

static _Thread_local char open_error[ERROR_MAX];

int reader_fail(struct trc_reader *r, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(r->error, sizeof(r->error), fmt, args);
	va_end(args);
	r->failed = err;
	return err;
}

/* --- records --------------------------------------------------------------------------------------------------- */

static int not_now(struct trc_reader *r, const char *what)
{
	snprintf(r->error, sizeof(r->error), "%s is chosen before the first record is read", what);
	return -EBUSY;
}

int trc_reader_select(struct trc_reader *r, uint64_t selected)
{
	if (r->started)
		return not_now(r, "which columns");
	r->contents.unwanted = r->unpacker.unwanted = ~selected;
	return 0;
}

int trc_reader_cpu(struct trc_reader *r, int cpu)
{
	if (r->started)
		return not_now(r, "which CPU");
	r->contents.cpu_wanted = r->unpacker.cpu_wanted = cpu < 0 ? 0 : cpu + 1;
	return 0;
}

int trc_reader_order(struct trc_reader *r, enum trc_order order)
{
	if (r->started)
		return not_now(r, "the order");
	if (order == TRC_ORDER_FILE) {
		merge_free(r->merge);
		r->merge = NULL;
	} else if (!r->merge) {
		r->merge = merge_new();
		if (!r->merge)
			return reader_fail(r, -ENOMEM, "out of memory");
	}
	return 0;
}

/* In order of time: 1 when a hop is in rec, 0 when more units are needed first. */
static int merged_next(struct trc_reader *r, struct trc_record *rec)
{
	int got;

	/* the end of the recording waits for the last hops */
	if (r->done || r->failed || r->contents.left)
		merge_drain(r->merge);
	else if (merge_holds(r->merge) && source_idle(&r->source, MERGE_IDLE_MS))
		merge_drain(r->merge);
	got = merge_next(r->merge, &r->unpacker, &r->health, &rec->hop);
	if (got < 0) {
		merge_clear(r->merge);
		return reader_fail(r, got, "out of memory");
	}
	rec->kind = TRC_HOP;
	return got;
}

int trc_reader_next(struct trc_reader *r, struct trc_record *rec)
{
	r->started = true;
	for (;;) {
		bool waits = r->contents.left && r->contents.kind == TRC_END;

		if (r->merge && (!r->contents.left || waits)) {
			int got = merged_next(r, rec);

			if (got)
				return got;
		}
		if (r->contents.left)
			break;
		if (r->failed || r->done)
			return r->failed;
		walk_next(r);
	}
	contents_next(&r->contents, rec);
	if (rec->kind == TRC_END)
		r->health.ended = 1;
	return 1;
}

/* --- opening --------------------------------------------------------------------------------------------------- */

static bool looks_like_text_transfer(const uint8_t *p)
{
	/* the newlines of the magic converted one way or the other, the rest of it whole */
	return !memcmp(p + 8, "\x8bTRC\n\x1a\n", 7) || !memcmp(p + 8, "\x8bTRC\r\r\n\x1a", 8);
}

static int not_a_recording(struct trc_reader *r)
{
	const uint8_t *p = source_need(&r->source, 1);

	if (r->source.error)
		return walk_source_failed(r);
	if (!p)
		return reader_fail(r, -EBADMSG, "is empty: not a packet recording");
	if (preamble_begins(p, r->source.left))
		return reader_fail(r, -EBADMSG, "is cut short within its first %zu bytes: nothing of the recording is left",
			    PREAMBLE_SIZE);
	return reader_fail(r, -EBADMSG, "is not a packet recording (.trc)");
}

static int reader_start(struct trc_reader *r)
{
	const uint8_t *p = source_need(&r->source, PREAMBLE_SIZE);
	struct preamble preamble = {};
	enum preamble_state state = p ? preamble_get(p, &preamble) : PREAMBLE_NONE;

	if (p && looks_like_text_transfer(p))
		return reader_fail(r, -EBADMSG, "was changed by a transfer as text; copy the recording again, as binary");
	if (state == PREAMBLE_NONE)
		return not_a_recording(r);
	if (state == PREAMBLE_GOOD && preamble.version != FORMAT_VERSION)
		return reader_fail(r, -EPROTONOSUPPORT, "is of format version %u, this program knows version %d",
			    preamble.version, FORMAT_VERSION);
	if (state == PREAMBLE_GOOD && preamble.incompatible)
		return reader_fail(r, -EPROTONOSUPPORT, "needs features (%#x) that this program does not know",
			    preamble.incompatible);
	if (state == PREAMBLE_GOOD) {
		memcpy(r->health.recording, preamble.recording, sizeof(preamble.recording));
		r->tag = recording_tag(preamble.recording);
		r->tag_known = true;
		source_skip(&r->source, PREAMBLE_SIZE);
	} else {
		r->health.bytes_bad = PREAMBLE_SIZE;	/* no unit was in it: that explains no gap */
		source_skip(&r->source, PREAMBLE_SIZE);
	}
	r->whole_end = PREAMBLE_SIZE;
	return 0;
}

int reader_rewind(struct trc_reader *r)
{
	source_seek(&r->source, 0);
	r->source.sparse = false;
	r->health = (struct trc_health){};
	r->totals = (struct totals){};
	r->jump.done = r->started = r->done = r->tag_known = r->gap_explained = r->cut_pending = false;
	r->failed = 0;
	r->expected = r->units_seen = r->index_at = r->rescans = 0;
	r->contents.left = 0;
	if (r->merge)
		merge_clear(r->merge);
	return reader_start(r);
}

static int reader_open(struct trc_reader **out, const struct source *source)
{
	struct trc_reader *r = calloc(1, sizeof(*r));
	struct source unused = *source;
	int err;

	*out = NULL;
	if (!r) {
		snprintf(open_error, sizeof(open_error), "out of memory");
		source_close(&unused);
		return -ENOMEM;
	}
	r->source = *source;
	err = reader_start(r);
	if (err) {
		memcpy(open_error, r->error, sizeof(open_error));
		trc_reader_free(r);
		return err;
	}
	*out = r;
	return 0;
}

int trc_reader_open_fd(struct trc_reader **out, int fd)
{
	struct source s;

	source_start_fd(&s, fd, false);
	return reader_open(out, &s);
}

int trc_reader_open(struct trc_reader **out, const char *path)
{
	struct source s;
	int fd;

	if (!strcmp(path, "-"))
		return trc_reader_open_fd(out, STDIN_FILENO);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		int err = -errno;

		*out = NULL;
		snprintf(open_error, sizeof(open_error), "cannot open: %s", strerror(-err));
		return err;
	}
	source_start_fd(&s, fd, true);
	return reader_open(out, &s);
}

int trc_reader_open_memory(struct trc_reader **out, const void *data, size_t size)
{
	struct source s;

	source_start_memory(&s, data, size);
	return reader_open(out, &s);
}

/* --- what was seen ----------------------------------------------------------------------------------------------- */

const struct trc_health *trc_reader_health(const struct trc_reader *r)
{
	return &r->health;
}

/* one more part of the sentence */
__attribute__((format(printf, 2, 3)))
static void trouble_add(struct trc_reader *r, const char *fmt, ...)
{
	size_t used = strlen(r->trouble);
	va_list args;

	if (used)
		used += snprintf(r->trouble + used, sizeof(r->trouble) - used, "; ");
	va_start(args, fmt);
	vsnprintf(r->trouble + used, sizeof(r->trouble) - used, fmt, args);
	va_end(args);
}

static void trouble_where(struct trc_reader *r)
{
	unsigned long long unit = r->units_seen, byte = r->whole_end;

	if (r->health.cut_short)
		trouble_add(r, "cut short after unit %llu (byte %llu)", unit, byte);
	else if (r->done && !r->health.ended)
		trouble_add(r, "has no end: the recorder was killed, or the file was cut after unit %llu (byte %llu)",
			    unit, byte);
}

const char *trc_reader_trouble(struct trc_reader *r)
{
	const struct trc_health *h = &r->health;
	unsigned long long damaged = h->damaged, seen = r->units_seen;

	r->trouble[0] = 0;
	trouble_where(r);
	if (damaged)
		trouble_add(r, damaged == 1 ? "%llu of %llu units is damaged and was skipped" :
			    "%llu of %llu units are damaged and were skipped", damaged, seen);
	else if (h->bytes_bad && !h->cut_short && !h->out_of_order)
		trouble_add(r, "%llu bytes are damaged and were skipped", (unsigned long long)h->bytes_bad);
	if (h->out_of_order)
		trouble_add(r, h->out_of_order == 1 ? "%llu unit is missing, doubled, moved or of another recording" :
			    "%llu units are missing, doubled, moved or of another recording",
			    (unsigned long long)h->out_of_order);
	return r->trouble;
}

const char *trc_reader_error(const struct trc_reader *r)
{
	return r ? r->error : open_error;
}

void trc_reader_free(struct trc_reader *r)
{
	if (!r)
		return;
	source_close(&r->source);
	contents_free(&r->contents);
	contents_free(&r->unpacker);
	merge_free(r->merge);
	index_free(&r->index);
	free(r);
}
