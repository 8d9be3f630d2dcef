// SPDX-License-Identifier: GPL-2.0
/*
 * unit.c - preamble and unit headers between memory and disk, and the names of unit types.
 */
#include <endian.h>
#include <string.h>

#include "unit.h"

/*
 * As PNG's: a byte that is no ASCII catches 7-bit transfers, CR LF and LF catch both newline conversions, and
 * Control-Z stops an old type command.
 */
static const uint8_t preamble_magic[8] = { 0x8b, 'T', 'R', 'C', '\r', '\n', 0x1a, '\n' };

const uint8_t unit_signature[SIGNATURE_SIZE] = { 0x5b, 0x2a, 0x4d, 0x18, 64, 0, 0, 0, 0xb5, 'n', 'i', 't' };

/* A capital first letter: a reader that does not know this type must refuse the recording. */
static const char types[][5] = {
	[TRC_FACT] = "fact",
	[TRC_ENUM] = "enum",
	[TRC_FUNC] = "FUNC",
	[TRC_NETNS] = "nets",
	[TRC_LINK] = "link",
	[TRC_PROC] = "proc",
	[TRC_STACK] = "stac",
	[TRC_HOP] = "HOPS",
	[TRC_LOSS] = "LOSS",
	[TRC_END] = "DONE",
	[TRC_FRAMES] = "frms",
	[TRC_EDGE] = "edge",
	[TRC_DATA] = "data",
	[TRC_SNAPSHOT] = "snap",
};

static_assert(sizeof(types) / sizeof(types[0]) == KIND_LAST + 1, "every kind has a unit type");

const char *unit_type(enum trc_kind kind)
{
	return types[kind];
}

int unit_kind(const char *type)
{
	for (int kind = TRC_FACT; kind <= KIND_LAST; kind++)
		if (!memcmp(types[kind], type, 4))
			return kind;
	return 0;
}

bool unit_skippable(const char *type)
{
	return type[0] >= 'a' && type[0] <= 'z';
}

bool unit_timed(const char *type)
{
	int kind = unit_kind(type);

	return kind == TRC_HOP || kind == TRC_EDGE || kind == TRC_DATA;
}

uint32_t recording_tag(const uint8_t recording[16])
{
	return trc_crc32c(0, recording, 16);
}

void preamble_put(uint8_t out[PREAMBLE_SIZE], const struct preamble *p)
{
	struct preamble_disk d = {
		.frame_magic = htole32(PREAMBLE_FRAME),
		.frame_size = htole32(PREAMBLE_SIZE - 8),
		.version = htole32(p->version),
		.incompatible = htole32(p->incompatible),
		.compatible = htole32(p->compatible),
	};

	memcpy(d.magic, preamble_magic, sizeof(d.magic));
	memcpy(d.recording, p->recording, sizeof(d.recording));
	d.crc = htole32(trc_crc32c(0, &d, offsetof(struct preamble_disk, crc)));
	memcpy(out, &d, sizeof(d));
}

enum preamble_state preamble_get(const uint8_t in[PREAMBLE_SIZE], struct preamble *p)
{
	struct preamble_disk d;
	bool framed, magical;

	memcpy(&d, in, sizeof(d));
	framed = le32toh(d.frame_magic) == PREAMBLE_FRAME && le32toh(d.frame_size) == PREAMBLE_SIZE - 8;
	magical = !memcmp(d.magic, preamble_magic, sizeof(d.magic));
	if (!framed && !magical)
		return PREAMBLE_NONE;
	if (!framed || !magical || le32toh(d.crc) != trc_crc32c(0, &d, offsetof(struct preamble_disk, crc)))
		return PREAMBLE_DAMAGED;
	p->version = le32toh(d.version);
	p->incompatible = le32toh(d.incompatible);
	p->compatible = le32toh(d.compatible);
	memcpy(p->recording, d.recording, sizeof(p->recording));
	return PREAMBLE_GOOD;
}

bool preamble_begins(const uint8_t *in, size_t size)
{
	const struct preamble none = {};
	uint8_t head[PREAMBLE_SIZE];
	size_t fixed = offsetof(struct preamble_disk, version);

	preamble_put(head, &none);
	return size && !memcmp(in, head, size < fixed ? size : fixed);
}

void unit_put(uint8_t out[HEADER_SIZE], const struct unit *u)
{
	struct unit_disk d = {
		.frame_magic = htole32(UNIT_FRAME),
		.frame_size = htole32(HEADER_SIZE - 8),
		.magic = htole32(UNIT_MAGIC),
		.version = htole16(u->version),
		.flags = htole16(u->flags),
		.rows = htole32(u->rows),
		.raw_size = htole32(u->raw_size),
		.stored_size = htole32(u->stored_size),
		.sequence = htole32(u->sequence),
		.tag = htole32(u->tag),
		.time_first = htole64(u->time_first),
		.time_last = htole64(u->time_last),
		.lost = htole64(u->lost),
		.crc_stored = htole32(u->crc_stored),
	};

	memcpy(d.type, u->type, sizeof(d.type));
	d.crc_header = htole32(trc_crc32c(0, &d, offsetof(struct unit_disk, crc_header)));
	memcpy(out, &d, sizeof(d));
}

bool unit_get(const uint8_t in[HEADER_SIZE], struct unit *u)
{
	struct unit_disk d;

	memcpy(&d, in, sizeof(d));
	if (memcmp(in, unit_signature, SIGNATURE_SIZE))
		return false;
	if (le32toh(d.crc_header) != trc_crc32c(0, &d, offsetof(struct unit_disk, crc_header)))
		return false;
	memcpy(u->type, d.type, sizeof(d.type));
	u->type[4] = 0;
	u->version = le16toh(d.version);
	u->flags = le16toh(d.flags);
	u->rows = le32toh(d.rows);
	u->raw_size = le32toh(d.raw_size);
	u->stored_size = le32toh(d.stored_size);
	u->sequence = le32toh(d.sequence);
	u->tag = le32toh(d.tag);
	u->time_first = le64toh(d.time_first);
	u->time_last = le64toh(d.time_last);
	u->lost = le64toh(d.lost);
	u->crc_stored = le32toh(d.crc_stored);
	return true;
}
