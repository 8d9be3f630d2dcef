/* SPDX-License-Identifier: GPL-2.0 */
/*
 * index.h - units that list the units before them, so that a reader need not walk to where it wants to be.
 *
 * Internal to trace/.  An index is a convenience: all that it says can be had from the headers, and is checked
 * against them where it is used.
 */
#ifndef TRC_INDEX_H
#define TRC_INDEX_H

#include "source.h"
#include "unit.h"

#define INDEX_TYPE "indx"
#define INDEX_RAW_TARGET (32u << 10)	/* so much makes an index unit: the last one is found in the file's last bytes */
#define INDEX_RAW_MAX (256u << 10)
#define INDEX_TAIL (96u << 10)		/* where the reader looks for it */
#define INDEX_FUNCS 128			/* bytes: bit id % 1024 of functions */

/* --- writing */

struct index_writer {
	struct buffer raw;		/* the rows so far */
	uint32_t rows;
	uint64_t hops;			/* of the whole recording: without any an index serves nothing */
	uint64_t previous;		/* offset of the index unit before, 0 = none */
	uint64_t offset;		/* of the first unit listed */
	uint32_t sequence;
	uint8_t cpus[(UINT16_MAX + 1) / 8];	/* those of the hops noted since the last unit */
	size_t ncpus;			/* bytes of it in use */
	uint8_t funcs[INDEX_FUNCS];
	struct buffer unit;		/* what index_build() made */
};

static inline void index_note_hop(struct index_writer *x, const struct trc_hop *hop)
{
	size_t byte = hop->cpu / 8;

	x->cpus[byte] |= 1 << hop->cpu % 8;
	if (byte >= x->ncpus)
		x->ncpus = byte + 1;
	x->funcs[hop->func / 8 % INDEX_FUNCS] |= 1 << hop->func % 8;
}

int index_reserve(struct index_writer *x);	/* room to note one more unit: 0 or -ENOMEM */
void index_note_unit(struct index_writer *x, const struct unit *u, uint64_t offset);	/* it was written at this offset */
/* What was noted, as an index unit's contents in x->unit: 0 or -ENOMEM.  After it was written, begin anew. */
int index_build(struct index_writer *x);
void index_restart(struct index_writer *x, uint64_t offset);
void index_writer_free(struct index_writer *x);

/* --- reading */

struct index_entry {
	uint64_t offset;
	uint64_t time_first;
	uint64_t time_last;
	uint64_t lost;
	uint32_t stored_size;
	uint32_t rows;
	uint32_t sequence;
	char type[4];
};

struct index {
	struct index_entry *entries;	/* of all units but the last index unit, by offset; while they are loaded, backwards */
	size_t n;
	size_t cap;
};

/*
 * 1: these are the contents of an index unit, at offset end, and x has its entries, last first; 0; or -ENOMEM.
 * With x NULL wherever it lies: one that was moved is of no use, but not damaged.
 */
int index_decode(struct cursor *c, uint32_t rows, uint64_t end, uint64_t *previous, struct index *x);
/* 1: the whole index is there; 0: none, or one that cannot be right; or -ENOMEM */
int index_load(struct index *x, const struct source *s, uint32_t tag);
bool index_agrees(const struct index_entry *e, const struct unit *u);
void index_free(struct index *x);

#endif
