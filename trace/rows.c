// SPDX-License-Identifier: GPL-2.0
/*
 * rows.c - records of every kind but hops, as rows of varints and strings.
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
};

struct field {
	enum field_type type;
	size_t offset;	/* in struct trc_record */
};

#define U32(member) { FIELD_U32, offsetof(struct trc_record, member) }
#define U64(member) { FIELD_U64, offsetof(struct trc_record, member) }
#define I64(member) { FIELD_I64, offsetof(struct trc_record, member) }
#define STRING(member) { FIELD_STRING, offsetof(struct trc_record, member) }
#define FRAMES(member) { FIELD_FRAMES, offsetof(struct trc_record, member) }

static const struct field fields[][10] = {
	[TRC_FACT] = { STRING(fact.key), STRING(fact.value) },
	[TRC_ENUM] = { STRING(enumeration.type), STRING(enumeration.name), I64(enumeration.value) },
	[TRC_FUNC] = { U32(func.id), STRING(func.name), STRING(func.module), I64(func.offset), U32(func.arg),
		       U32(func.flags), U32(func.error), STRING(func.why) },
	[TRC_NETNS] = { U32(netns.netns), STRING(netns.name) },
	[TRC_LINK] = { U32(link.netns), U32(link.ifindex), STRING(link.name), STRING(link.kind), STRING(link.address),
		       U32(link.peer_ifindex), U32(link.peer_netns), U32(link.mtu), U32(link.flags) },
	[TRC_PROC] = { U32(proc.pid), STRING(proc.name) },
	[TRC_STACK] = { U64(stack.packet), FRAMES(stack) },
	[TRC_LOSS] = { U32(loss.cpu), U64(loss.produced), U64(loss.recorded), U64(loss.lost), U64(loss.missed),
		       U64(loss.others_lost) },
	[TRC_END] = { STRING(end.reason), U64(end.time_ns), U64(end.realtime_ns), U64(end.packets) },
};

/* --- writing ----------------------------------------------------------------------------------------------- */

static size_t string_length(const char *s)
{
	return s ? strnlen(s, TRC_STRING_MAX) : 0;
}

static uint8_t *frames_put(uint8_t *p, const struct trc_stack *stack)
{
	p = varint_put(p, stack->count);
	for (uint32_t i = 0; i < stack->count; i++)
		p = varint_put(p, stack->frames[i]);
	return p;
}

static uint8_t *field_put(uint8_t *p, const struct field *f, const void *at)
{
	const char *s;
	size_t length;

	switch (f->type) {
	case FIELD_U32:
		return varint_put(p, *(const uint32_t *)at);
	case FIELD_U64:
		return varint_put(p, *(const uint64_t *)at);
	case FIELD_I64:
		return varint_put(p, zigzag(*(const int64_t *)at));
	case FIELD_STRING:
		s = *(const char *const *)at;
		length = string_length(s);
		p = varint_put(p, length);
		return length ? (uint8_t *)mempcpy(p, s, length) : p;
	case FIELD_FRAMES:
		return frames_put(p, at);
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
	return VARINT_MAX;
}

static bool record_valid(const struct trc_record *rec)
{
	const struct trc_stack *stack = &rec->stack;

	if (rec->kind != TRC_STACK)
		return true;
	return stack->packet && stack->count <= TRC_STACK_MAX && (stack->frames || !stack->count);
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
		p = field_put(p, f, base + f->offset);
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

static bool frames_take(struct cursor *c, struct trc_stack *stack, uint32_t frames[TRC_STACK_MAX])
{
	uint64_t count, frame;

	if (!cursor_varint_upto(c, &count, TRC_STACK_MAX))
		return false;
	for (uint64_t i = 0; i < count; i++) {
		if (!cursor_varint_upto(c, &frame, UINT32_MAX))
			return false;
		frames[i] = frame;
	}
	stack->count = count;
	stack->frames = frames;
	return true;
}

static bool field_take(struct cursor *c, const struct field *f, void *at, uint32_t frames[TRC_STACK_MAX],
		       bool terminate)
{
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
		return frames_take(c, at, frames);
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
		void *at = (uint8_t *)rec + f->offset;

		if (!cursor_left(&row))
			field_default(f, at);
		else if (!field_take(&row, f, at, frames, terminate))
			return false;
	}
	return record_valid(rec);
}
