/* SPDX-License-Identifier: GPL-2.0 */
/*
 * reader.h - a reader from within: the walk over units, and what was seen on it.
 *
 * Internal to trace/.  walk.c goes from unit to unit, merge.c puts hops in order of time, seek.c jumps,
 * reader.c opens and gives out records.
 */
#ifndef TRC_READER_H
#define TRC_READER_H

#include "contents.h"
#include "index.h"
#include "merge.h"
#include "source.h"

#define ERROR_MAX 256

/* How closely units are looked at. */
enum look {
	LOOK_CONTENTS,
	LOOK_CHECKSUMS,
	LOOK_HEADERS,
};

/* What the headers said: for trc_reader_survey(). */
struct totals {
	uint64_t hops;
	uint64_t time_first;
	uint64_t time_last;
	uint64_t lost;
	bool ended;
};

struct trc_reader {
	struct source source;
	struct trc_health health;
	int failed;			/* negative errno: the walk is over */
	bool started;			/* a record was asked for */
	bool done;

	bool tag_known;			/* false: the preamble is damaged, the first good unit says whose this is */
	uint32_t tag;
	uint64_t expected;		/* sequence number of the next unit */
	bool gap_explained;		/* bytes were skipped as damaged since the last good unit */
	bool cut_pending;		/* a unit reaches beyond the end of the file: cut, unless a good one follows */
	unsigned int rescans;
	uint64_t units_seen;		/* whole ones, good or not */
	uint64_t whole_end;		/* offset behind the last of them */

	enum look look;
	struct totals totals;
	uint64_t from_ns;		/* hops before it are not wanted */
	struct index index;		/* empty: none, walk by headers */
	bool index_tried;
	size_t index_at;		/* of the entry that was met last */
	struct jump {			/* back to here when the index turns out to be wrong */
		bool done;
		struct index_entry to;
		uint64_t offset, expected, units_seen, passed;
	} jump;

	struct contents contents;	/* of the current unit */
	struct merge *merge;		/* NULL: hops in the order of the file */
	struct contents unpacker;	/* for the merge */
	char error[ERROR_MAX];
	char trouble[2 * ERROR_MAX];
};

/* reader.c */
__attribute__((format(printf, 3, 4)))
int reader_fail(struct trc_reader *r, int err, const char *fmt, ...);
int reader_rewind(struct trc_reader *r);	/* to the beginning; what was seen is forgotten */

/*
 * walk.c: go on by at least a byte, or to the end, and answer 0, or what reader_fail() did.  A good unit is then in
 * r->contents, or with r->merge.
 */
int walk_next(struct trc_reader *r);
int walk_source_failed(struct trc_reader *r);

/* seek.c: before the unit at the place of the walk is looked at, jump over those that the index says are not wanted */
void seek_jump(struct trc_reader *r);
/* the header at this place; false: it is not what the index said, and the walk is back where it jumped */
bool seek_landed(struct trc_reader *r, const struct unit *u);
bool seek_passes(const struct trc_reader *r, const struct unit *u);	/* nothing of it is wanted */

#endif
