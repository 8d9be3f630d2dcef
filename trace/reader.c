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

#include "contents.h"
#include "source.h"

#define ERROR_MAX 256
/*
 * A unit with a bad checksum may have lost bytes, so the next one is looked for inside of it.  After so many the
 * lengths are believed instead: a file made of nothing but such units would be read over and over.
 */
#define RESCAN_MAX 64

struct trc_reader {
	struct source source;
	struct trc_health health;
	int failed;			/* negative errno: the walk is over */
	bool done;

	bool tag_known;			/* false: the preamble is damaged, the first good unit says whose this is */
	uint32_t tag;
	uint64_t expected;		/* sequence number of the next unit */
	bool gap_explained;		/* bytes were skipped as damaged since the last good unit */
	bool cut_pending;		/* a unit reaches beyond the end of the file: cut, unless a good one follows */
	unsigned int rescans;
	uint64_t units_seen;		/* whole ones, good or not */
	uint64_t whole_end;		/* offset behind the last of them */

	struct contents contents;	/* of the current unit */
	char error[ERROR_MAX];
	char trouble[2 * ERROR_MAX];
};

static _Thread_local char open_error[ERROR_MAX];

__attribute__((format(printf, 3, 4)))
static int fail(struct trc_reader *r, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(r->error, sizeof(r->error), fmt, args);
	va_end(args);
	r->failed = err;
	return err;
}

static int source_failed(struct trc_reader *r)
{
	int err = r->source.error;

	if (err == -ENOMEM)
		return fail(r, err, "out of memory");
	if (err == -EISDIR)
		return fail(r, err, "is a directory, not a packet recording");
	return fail(r, err, "cannot read after byte %llu: %s",
		    (unsigned long long)(r->source.offset + r->source.left), strerror(-err));
}

/* --- one unit ------------------------------------------------------------------------------------------------ */

/* These go on by at least a byte, or to the end, and answer 0, or what fail() did; a good unit is then in r->contents. */

static void bad_bytes(struct trc_reader *r, size_t n)
{
	r->health.bytes_bad += n;
	r->gap_explained = true;
	source_skip(&r->source, n);
}

/* There is no unit here: go to the next place that has the signature of one, or to the end. */
static int resync(struct trc_reader *r)
{
	struct source *s = &r->source;
	const uint8_t *p;

	bad_bytes(r, 1);
	while ((p = source_need(s, SIGNATURE_SIZE))) {
		const uint8_t *found = memmem(p, s->left, unit_signature, SIGNATURE_SIZE);

		if (found) {
			bad_bytes(r, found - p);
			break;
		}
		bad_bytes(r, s->left - (SIGNATURE_SIZE - 1));
	}
	return 0;
}

/* Fewer bytes are left than a header has. */
static int tail(struct trc_reader *r)
{
	struct source *s = &r->source;
	size_t n = s->left;

	if (s->error)
		return source_failed(r);
	if (n && (preamble_begins(s->data, n) ||
		  !memcmp(s->data, unit_signature, n < SIGNATURE_SIZE ? n : SIGNATURE_SIZE)))
		r->cut_pending = true;
	bad_bytes(r, n);
	r->health.cut_short = r->cut_pending;
	r->done = true;
	return 0;
}

/* The walk has come to this unit of the recording: those between the last one and it are missing. */
static void sequence_reach(struct trc_reader *r, uint32_t sequence)
{
	uint64_t missing = sequence - r->expected;

	if (r->gap_explained) {
		r->health.damaged += missing;
		r->units_seen += missing;
	} else {
		r->health.out_of_order += missing;
	}
	r->expected = (uint64_t)sequence + 1;
	r->gap_explained = false;
}

/* false: another recording's unit, or one that was passed */
static bool in_order(const struct trc_reader *r, const struct unit *u)
{
	return (!r->tag_known || u->tag == r->tag) && u->sequence >= r->expected;
}

/* The header is good, what follows is not what it says: perhaps bytes are gone, and the next unit is inside. */
static int bad_stored(struct trc_reader *r, const struct unit *u, bool length_plausible)
{
	if (r->tag_known && in_order(r, u))
		sequence_reach(r, u->sequence);
	r->health.damaged++;
	r->units_seen++;
	if (length_plausible && r->rescans++ >= RESCAN_MAX)
		bad_bytes(r, HEADER_SIZE + u->stored_size);
	else
		bad_bytes(r, HEADER_SIZE);
	return 0;
}

static int unknown_unit(struct trc_reader *r, const struct unit *u)
{
	char type[5] = {};

	for (int i = 0; i < 4; i++)	/* a stranger's bytes on their way to a terminal */
		type[i] = u->type[i] > ' ' && u->type[i] < 0x7f ? u->type[i] : '?';
	return fail(r, -EPROTONOSUPPORT, "has units of type %s, version %u, that this program does not know; "
		    "read it with a newer one", type, u->version);
}

/* Header and frame are what they were when they were written. */
static int unit_open(struct trc_reader *r, const struct unit *u, const uint8_t *frame)
{
	int kind = u->version <= UNIT_VERSION && !u->flags ? unit_kind(u->type) : 0;
	int ok = 0;

	r->units_seen++;
	r->whole_end = r->source.offset + HEADER_SIZE + u->stored_size;
	if (!in_order(r, u)) {
		r->health.out_of_order++;
		source_skip(&r->source, HEADER_SIZE + u->stored_size);
		return 0;
	}
	sequence_reach(r, u->sequence);
	r->tag = u->tag;
	r->tag_known = true;
	if (!kind && !unit_skippable(u->type))
		return unknown_unit(r, u);
	if (kind)
		ok = contents_load(&r->contents, u, kind, frame);
	if (ok < 0)
		return fail(r, ok, "out of memory");
	source_skip(&r->source, HEADER_SIZE + u->stored_size);
	if (ok) {
		r->health.units++;
	} else if (kind) {
		r->health.damaged++;
		r->health.bytes_bad += HEADER_SIZE + u->stored_size;
	} else {
		r->health.skipped++;
	}
	return 0;
}

static int unit_next(struct trc_reader *r)
{
	const uint8_t *p = source_need(&r->source, PREAMBLE_SIZE);
	struct preamble other;
	struct unit u;

	if (p && preamble_get(p, &other) == PREAMBLE_GOOD) {	/* a second recording: its units carry another tag */
		r->health.bytes_bad += PREAMBLE_SIZE;
		source_skip(&r->source, PREAMBLE_SIZE);
		return 0;
	}
	p = source_need(&r->source, HEADER_SIZE);
	if (!p)
		return tail(r);
	if (!unit_get(p, &u))
		return resync(r);
	r->cut_pending = false;	/* the unit before was not cut, it only said that it is so long */
	if (u.raw_size > UNIT_RAW_MAX || u.stored_size > UNIT_STORED_MAX)
		return bad_stored(r, &u, false);
	p = source_need(&r->source, HEADER_SIZE + u.stored_size);
	if (!p && r->source.error)
		return source_failed(r);
	if (!p) {
		r->cut_pending = true;
		bad_bytes(r, HEADER_SIZE);
		return 0;
	}
	if (trc_crc32c(0, p + HEADER_SIZE, u.stored_size) != u.crc_stored)
		return bad_stored(r, &u, true);
	return unit_open(r, &u, p + HEADER_SIZE);
}

void trc_reader_select(struct trc_reader *r, uint64_t selected)
{
	r->contents.unwanted = ~selected;
}

int trc_reader_next(struct trc_reader *r, struct trc_record *rec)
{
	while (!r->contents.left) {
		if (r->failed || r->done || unit_next(r))
			return r->failed;
		r->health.bytes = r->source.offset;
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
		return source_failed(r);
	if (!p)
		return fail(r, -EBADMSG, "is empty: not a packet recording");
	if (preamble_begins(p, r->source.left))
		return fail(r, -EBADMSG, "is cut short within its first %zu bytes: nothing of the recording is left",
			    PREAMBLE_SIZE);
	return fail(r, -EBADMSG, "is not a packet recording (.trc)");
}

static int reader_start(struct trc_reader *r)
{
	const uint8_t *p = source_need(&r->source, PREAMBLE_SIZE);
	struct preamble preamble = {};
	enum preamble_state state = p ? preamble_get(p, &preamble) : PREAMBLE_NONE;

	if (p && looks_like_text_transfer(p))
		return fail(r, -EBADMSG, "was changed by a transfer as text; copy the recording again, as binary");
	if (state == PREAMBLE_NONE)
		return not_a_recording(r);
	if (state == PREAMBLE_GOOD && preamble.version != FORMAT_VERSION)
		return fail(r, -EPROTONOSUPPORT, "is of format version %u, this program knows version %d",
			    preamble.version, FORMAT_VERSION);
	if (state == PREAMBLE_GOOD && preamble.incompatible)
		return fail(r, -EPROTONOSUPPORT, "needs features (%#x) that this program does not know",
			    preamble.incompatible);
	if (state == PREAMBLE_GOOD) {
		memcpy(r->health.recording, preamble.recording, sizeof(preamble.recording));
		r->tag = recording_tag(preamble.recording);
		r->tag_known = true;
		source_skip(&r->source, PREAMBLE_SIZE);
	} else {
		bad_bytes(r, PREAMBLE_SIZE);
		r->gap_explained = false;	/* no unit was in it */
	}
	r->whole_end = PREAMBLE_SIZE;
	return 0;
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
	return reader_open(out, &(struct source){ .fd = fd });
}

int trc_reader_open(struct trc_reader **out, const char *path)
{
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
	return reader_open(out, &(struct source){ .fd = fd, .owned = true });
}

int trc_reader_open_memory(struct trc_reader **out, const void *data, size_t size)
{
	return reader_open(out, &(struct source){ .fd = -1, .data = data, .left = size, .eof = true });
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
	free(r);
}
