// SPDX-License-Identifier: GPL-2.0
/*
 * rows.c - records of every kind but hops, as rows of varints, strings and lists.
 *
 * One table of field descriptors drives both directions.  A row is its length and its fields, so a newer writer
 * may append fields that this reader does not know, and those that an older writer did not have read as 0 or "".
 * Fields are only ever appended.
 */
#include <string.h>

#include "unit.h"

enum field_type {
	FIELD_NONE,	/* ends a list */
	FIELD_U32,
	FIELD_U64,
	FIELD_I64,
	FIELD_STRING,
	FIELD_FRAMES,	/* of a stack: their number, then each */
	FIELD_BYTES,	/* as a string, but any bytes: not ended by a NUL */
};

struct field {
	enum field_type type;
	size_t offset;	/* in struct trc_record */
	size_t list;	/* of frames and bytes, whose number is at offset: where the pointer to them is */
};

#define U32(member) { FIELD_U32, offsetof(struct trc_record, member) }
#define U64(member) { FIELD_U64, offsetof(struct trc_record, member) }
#define I64(member) { FIELD_I64, offsetof(struct trc_record, member) }
#define STRING(member) { FIELD_STRING, offsetof(struct trc_record, member) }
#define LIST(type, count, member) { FIELD_##type, offsetof(struct trc_record, count), offsetof(struct trc_record, member) }

static const struct field fields[KIND_LAST + 1][10] = {
	[TRC_FACT] = { STRING(fact.key), STRING(fact.value) },
	[TRC_ENUM] = { STRING(enumeration.type), STRING(enumeration.name), I64(enumeration.value) },
	[TRC_FUNC] = { U32(func.id), STRING(func.name), STRING(func.module), I64(func.offset), U32(func.arg),
		       U32(func.flags), U32(func.error), STRING(func.why) },
	[TRC_NETNS] = { U32(netns.netns), STRING(netns.name) },
	[TRC_LINK] = { U32(link.netns), U32(link.ifindex), STRING(link.name), STRING(link.kind), STRING(link.address),
		       U32(link.peer_ifindex), U32(link.peer_netns), U32(link.mtu), U32(link.flags) },
	[TRC_PROC] = { U32(proc.pid), STRING(proc.name), STRING(proc.command) },
	[TRC_STACK] = { U64(stack.packet), LIST(FRAMES, stack.count, stack.frames) },
	[TRC_LOSS] = { U32(loss.cpu), U64(loss.produced), U64(loss.recorded), U64(loss.lost), U64(loss.missed),
		       U64(loss.others_lost) },
	[TRC_END] = { STRING(end.reason), U64(end.time_ns), U64(end.realtime_ns), U64(end.packets) },
	[TRC_FRAMES] = { U32(frames.id), LIST(FRAMES, frames.count, frames.frames) },
	[TRC_EDGE] = { U64(edge.time_ns), U64(edge.child), U64(edge.parent), U32(edge.kind), U32(edge.func) },
	[TRC_DATA] = { U64(data.packet), U64(data.time_ns), U32(data.layer), U32(data.len_bytes),
		       LIST(BYTES, data.size, data.bytes) },
	[TRC_SNAPSHOT] = { U32(snapshot.end), U32(snapshot.netns), STRING(snapshot.what), STRING(snapshot.source),
			   STRING(snapshot.note), U32(snapshot.part), U32(snapshot.last), STRING(snapshot.text) },
};

/* --- what a row promises to those who use it ---------------------------------------------------------------- */

static bool list_valid(uint32_t n, uint32_t max, const void *list)
{
	return n <= max && (list || !n);
}

static bool record_valid(const struct trc_record *rec)
{
	const struct trc_edge *e = &rec->edge;
	const struct trc_data *d = &rec->data;

	switch (rec->kind) {
	case TRC_STACK:
		return rec->stack.packet && list_valid(rec->stack.count, TRC_STACK_MAX, rec->stack.frames);
	case TRC_FRAMES:
		return rec->frames.id && list_valid(rec->frames.count, TRC_STACK_MAX, rec->frames.frames);
	case TRC_EDGE:
		return e->child && e->parent && e->child != e->parent;
	case TRC_DATA:
		return d->packet && (d->layer == 2 || d->layer == 3) && d->size <= d->len_bytes &&
		       list_valid(d->size, TRC_STRING_MAX, d->bytes);
	case TRC_SNAPSHOT:
		return rec->snapshot.end <= 1 && rec->snapshot.last <= 1;
	default:
		return true;
	}
}

const char *row_rules(enum trc_kind kind)
{
	switch (kind) {
	case TRC_STACK:
		return "a stack has a packet and at most 128 frames";
	case TRC_FRAMES:
		return "a stack has a number above 0 and at most 128 frames";
	case TRC_EDGE:
		return "an edge has a child and another packet as parent";
	case TRC_DATA:
		return "bytes have a packet and a layer, 2 or 3, and are at most 65535 and no more than the packet's length";
	case TRC_SNAPSHOT:
		return "a snapshot is of the beginning, 0, or the end, 1, and is its last part, 1, or not, 0";
	default:
		return "a record is not as it should be";
	}
}

static_assert(TRC_STACK_MAX == 128 && TRC_STRING_MAX == 65535, "row_rules() names these");

bool row_time(const struct trc_record *rec, uint64_t *time_ns)
{
	if (rec->kind != TRC_EDGE && rec->kind != TRC_DATA && rec->kind != TRC_END)
		return false;
	*time_ns = rec->kind == TRC_EDGE ? rec->edge.time_ns : rec->kind == TRC_DATA ? rec->data.time_ns : rec->end.time_ns;
	return true;
}

/* --- writing ----------------------------------------------------------------------------------------------- */

static size_t string_length(const char *s)
{
	return s ? strnlen(s, TRC_STRING_MAX) : 0;
}

static uint8_t *frames_put(uint8_t *p, const uint32_t *frames, uint32_t count)
{
	p = varint_put(p, count);
	for (uint32_t i = 0; i < count; i++)
		p = varint_put(p, frames[i]);
	return p;
}

static uint8_t *bytes_put(uint8_t *p, const void *bytes, size_t length)
{
	p = varint_put(p, length);
	return length ? (uint8_t *)mempcpy(p, bytes, length) : p;
}

static uint8_t *field_put(uint8_t *p, const struct field *f, const uint8_t *rec)
{
	const void *at = rec + f->offset, *list = rec + f->list;
	const char *s;

	switch (f->type) {
	case FIELD_U32:
		return varint_put(p, *(const uint32_t *)at);
	case FIELD_U64:
		return varint_put(p, *(const uint64_t *)at);
	case FIELD_I64:
		return varint_put(p, zigzag(*(const int64_t *)at));
	case FIELD_STRING:
		s = *(const char *const *)at;
		return bytes_put(p, s, string_length(s));
	case FIELD_FRAMES:
		return frames_put(p, *(const uint32_t *const *)list, *(const uint32_t *)at);
	case FIELD_BYTES:
		return bytes_put(p, *(const uint8_t *const *)list, *(const uint32_t *)at);
	default:
		return p;
	}
}

/* at most so many bytes will field_put() write */
static size_t field_bound(const struct field *f, const void *at)
{
	if (f->type == FIELD_STRING)
		return VARINT_MAX + string_length(*(const char *const *)at);
	if (f->type == FIELD_FRAMES)
		return VARINT_MAX * (1 + TRC_STACK_MAX);
	if (f->type == FIELD_BYTES)
		return VARINT_MAX + *(const uint32_t *)at;
	return VARINT_MAX;
}

int row_encode(struct buffer *b, const struct trc_record *rec)
{
	const uint8_t *base = (const uint8_t *)rec;
	size_t bound = VARINT_MAX, length;
	uint8_t *row, *p;
	int err;

	if (!record_valid(rec))
		return -EINVAL;
	for (const struct field *f = fields[rec->kind]; f->type; f++)
		bound += field_bound(f, base + f->offset);
	err = buffer_reserve(b, bound);
	if (err)
		return err;
	/* the length comes first but is known last: leave it the most room it may need, then close up */
	row = p = b->data + b->size + VARINT_MAX;
	for (const struct field *f = fields[rec->kind]; f->type; f++)
		p = field_put(p, f, base);
	length = p - row;
	buffer_varint(b, length);
	memmove(b->data + b->size, row, length);
	b->size += length;
	return 0;
}

/* --- reading ----------------------------------------------------------------------------------------------- */

static bool string_take(struct cursor *c, const char **out, bool terminate)
{
	uint64_t length;
	uint8_t *s;

	if (!cursor_varint_upto(c, &length, TRC_STRING_MAX))
		return false;
	s = cursor_take(c, length);
	if (!s)
		return false;
	if (terminate) {
		/* its length is before it: move it one byte over that, and the NUL has room */
		memmove(s - 1, s, length);
		s--;
		s[length] = 0;
		*out = (const char *)s;
	}
	return true;
}

static bool frames_take(struct cursor *c, uint32_t *count, const uint32_t **out, uint32_t frames[TRC_STACK_MAX])
{
	uint64_t n, frame;

	if (!cursor_varint_upto(c, &n, TRC_STACK_MAX))
		return false;
	for (uint64_t i = 0; i < n; i++) {
		if (!cursor_varint_upto(c, &frame, UINT32_MAX))
			return false;
		frames[i] = frame;
	}
	*count = n;
	*out = frames;
	return true;
}

static bool bytes_take(struct cursor *c, uint32_t *size, const uint8_t **out)
{
	uint64_t length;

	if (!cursor_varint_upto(c, &length, TRC_STRING_MAX))
		return false;
	*size = length;
	*out = cursor_take(c, length);
	return *out;
}

static bool field_take(struct cursor *c, const struct field *f, uint8_t *rec, uint32_t frames[TRC_STACK_MAX],
		       bool terminate)
{
	void *at = rec + f->offset, *list = rec + f->list;
	uint64_t v;

	switch (f->type) {
	case FIELD_U32:
		if (!cursor_varint_upto(c, &v, UINT32_MAX))
			return false;
		*(uint32_t *)at = v;
		return true;
	case FIELD_U64:
		return cursor_varint(c, at);
	case FIELD_I64:
		if (!cursor_varint(c, &v))
			return false;
		*(int64_t *)at = unzigzag(v);
		return true;
	case FIELD_STRING:
		return string_take(c, at, terminate);
	case FIELD_FRAMES:
		return frames_take(c, at, list, frames);
	case FIELD_BYTES:
		return bytes_take(c, at, list);
	default:
		return false;
	}
}

/* a field that the writer did not have is 0 or "" */
static void field_default(const struct field *f, void *at)
{
	if (f->type == FIELD_STRING)
		*(const char **)at = "";
}

bool row_decode(struct cursor *c, enum trc_kind kind, struct trc_record *rec, uint32_t frames[TRC_STACK_MAX],
		bool terminate)
{
	struct cursor row;
	uint64_t length;

	if (!cursor_varint(c, &length))
		return false;
	row.at = cursor_take(c, length);
	if (!row.at)
		return false;
	row.end = row.at + length;

	memset(rec, 0, sizeof(*rec));
	rec->kind = kind;
	for (const struct field *f = fields[kind]; f->type; f++) {
		if (!cursor_left(&row))
			field_default(f, (uint8_t *)rec + f->offset);
		else if (!field_take(&row, f, (uint8_t *)rec, frames, terminate))
			return false;
	}
	return record_valid(rec);
}
