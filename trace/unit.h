/* SPDX-License-Identifier: GPL-2.0 */
/*
 * unit.h - what a recording is made of: the preamble and the units, as they lie in the file.
 *
 * Internal to trace/; FORMAT.md describes the same in words.  Everything is little-endian.
 */
#ifndef TRC_UNIT_H
#define TRC_UNIT_H

#include <assert.h>

#include "pkttrace.h"
#include "wire.h"

#define PREAMBLE_FRAME 0x184D2A5Au	/* zstd skips frames with these magics */
#define UNIT_FRAME 0x184D2A5Bu
#define UNIT_MAGIC 0x74696EB5u		/* bytes b5 'n' 'i' 't' */
#define FORMAT_VERSION 1
#define UNIT_VERSION 1
#define UNIT_HOPS_MAX 16384
#define UNIT_RAW_TARGET (1u << 20)	/* the writer closes a unit beyond this */
#define UNIT_RAW_MAX (16u << 20)	/* the reader refuses units that claim more, before it allocates anything */
#define UNIT_STORED_MAX (UNIT_RAW_MAX + (1u << 17))
#define KIND_LAST TRC_SNAPSHOT		/* of enum trc_kind */

struct preamble_disk {
	uint32_t frame_magic;
	uint32_t frame_size;	/* of what follows: 40 */
	uint8_t magic[8];
	uint32_t version;
	uint32_t incompatible;	/* feature bits: a reader that does not know one must refuse */
	uint32_t compatible;	/* feature bits: unknown ones do no harm */
	uint8_t recording[16];
	uint32_t crc;		/* CRC32C of all before it */
};

struct unit_disk {
	uint32_t frame_magic;
	uint32_t frame_size;	/* of what follows: 64 */
	uint32_t magic;
	char type[4];
	uint16_t version;
	uint16_t flags;		/* none is defined: a set one is like a newer version */
	uint32_t rows;
	uint32_t raw_size;
	uint32_t stored_size;	/* of the zstd frame that follows */
	uint32_t sequence;	/* of the unit in the recording, from 0 */
	uint32_t tag;		/* CRC32C of the recording id: whose unit this is */
	uint64_t time_first;	/* of its rows, where row_time() knows one; of its hops */
	uint64_t time_last;
	uint64_t lost;		/* hops lost so far, over all CPUs, as far as known */
	uint32_t crc_stored;	/* CRC32C of the zstd frame */
	uint32_t crc_header;	/* CRC32C of the 68 bytes before it */
};

static_assert(sizeof(struct preamble_disk) == 48, "the preamble is 48 bytes on disk");
static_assert(offsetof(struct preamble_disk, recording) == 28, "the preamble has no padding");
static_assert(sizeof(struct unit_disk) == 8 + 64, "a unit header is a frame of 64 bytes");
static_assert(offsetof(struct unit_disk, time_first) == 40, "a unit header has no padding");
static_assert(offsetof(struct unit_disk, crc_header) == 68, "a unit header ends with its checksum");

#define PREAMBLE_SIZE sizeof(struct preamble_disk)
#define HEADER_SIZE sizeof(struct unit_disk)
#define SIGNATURE_SIZE 12		/* the constant bytes at the beginning of a unit */

struct preamble {
	uint32_t version;
	uint32_t incompatible;
	uint32_t compatible;
	uint8_t recording[16];
};

/* A unit header in host order. */
struct unit {
	char type[5];
	uint16_t version;
	uint16_t flags;
	uint32_t rows;
	uint32_t raw_size;
	uint32_t stored_size;
	uint32_t sequence;
	uint32_t tag;
	uint64_t time_first;
	uint64_t time_last;
	uint64_t lost;
	uint32_t crc_stored;
};

enum preamble_state {
	PREAMBLE_GOOD,
	PREAMBLE_DAMAGED,	/* it was one */
	PREAMBLE_NONE,		/* never a recording */
};

void preamble_put(uint8_t out[PREAMBLE_SIZE], const struct preamble *p);
enum preamble_state preamble_get(const uint8_t in[PREAMBLE_SIZE], struct preamble *p);
bool preamble_begins(const uint8_t *in, size_t size);	/* these first bytes could be one, cut short */

void unit_put(uint8_t out[HEADER_SIZE], const struct unit *u);
bool unit_get(const uint8_t in[HEADER_SIZE], struct unit *u);	/* false: none, or its checksum is wrong */
extern const uint8_t unit_signature[SIGNATURE_SIZE];

const char *unit_type(enum trc_kind kind);
int unit_kind(const char *type);			/* enum trc_kind, or 0 */
bool unit_skippable(const char *type);			/* a reader that does not know the type may go on */
bool unit_timed(const char *type);			/* many rows, each with a time: of no use to who reads on from later */
uint32_t recording_tag(const uint8_t recording[16]);

/* rows.c: all kinds but hops */
int row_encode(struct buffer *b, const struct trc_record *rec);	/* 0, -ENOMEM, or -EINVAL: against the rules */
const char *row_rules(enum trc_kind kind);		/* in one sentence */
bool row_time(const struct trc_record *rec, uint64_t *time_ns);	/* false: rows of this kind have none */
/*
 * The next row into rec; false: it is malformed.  With terminate the strings get their NUL, in place, and the row
 * cannot be decoded again; without, they must not be looked at (this checks a unit before its first row is given out).
 */
bool row_decode(struct cursor *c, enum trc_kind kind, struct trc_record *rec, uint32_t frames[TRC_STACK_MAX],
		bool terminate);

/* hops_encode.c */
struct hop_encoder;
struct hop_encoder *hop_encoder_new(void);
void hop_encoder_free(struct hop_encoder *e);
/* one more hop, at most UNIT_HOPS_MAX; its contents are looked at later */
void hop_encoder_add(struct hop_encoder *e, const struct trc_hop *hop);
/* append the hops, which are those that were added, to b, sorted by CPU: 0 or -ENOMEM */
int hops_encode(struct hop_encoder *e, const struct trc_hop *hops, struct buffer *b);
void hop_encoder_reset(struct hop_encoder *e);
/*
 * hops_decode.c: the u->rows hops of a unit, of them the columns of these ids (1 << id); false: malformed.
 * There must be VARINT_SLACK bytes behind the unpacked unit.
 */
#define TRC_COLUMNS_ALWAYS (TRC_COLUMN(1) | TRC_COLUMN(3) | TRC_COLUMN(4))	/* needed to check a unit */
bool hops_decode(struct cursor *c, struct trc_hop *hops, const struct unit *u, uint64_t ids);

#endif
