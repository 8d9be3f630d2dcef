/* SPDX-License-Identifier: GPL-2.0 */
/*
 * random.h - a fuzzer's bytes as records and as what a recorder does with them.
 *
 *     input := step*     step := op (1 byte) and what it needs
 *     op mod 13, 0–9: a record of this kind (0: a hop)   10: flush   11: the hop again, many times   12: compression level
 *     op 0xf0 and up: a record of the newest kinds
 *
 * A hop says which fields differ from the hop before it, so that few bytes make hops as they are in real recordings.
 */
#ifndef FUZZ_RANDOM_H
#define FUZZ_RANDOM_H

#include "make.h"

#define RANDOM_HOPS_MAX 20000	/* of one input: more than a unit holds */
#define RANDOM_TEXT_MAX 300

struct random {
	struct cursor in;
	struct trc_hop hop;		/* the last one */
	uint32_t hops;
	char text[4][RANDOM_TEXT_MAX + 1];
	uint32_t frames[TRC_STACK_MAX];
};

/* the next byte, 0 behind the end */
static inline uint8_t random_byte(struct random *r)
{
	const uint8_t *p = cursor_take(&r->in, 1);

	return p ? *p : 0;
}

/* Mostly small, or near a limit of a width. */
static inline uint64_t random_number(struct random *r)
{
	uint8_t how = random_byte(r);
	uint64_t v = 0;

	if (how < 0xc0)
		return how;
	if (how < 0xe0)
		return (1ull << 2 * (how & 31)) - 1 + (random_byte(r) & 3);
	for (int i = how & 7; i >= 0; i--)
		v = v << 8 | random_byte(r);
	return v;
}

static inline const char *random_text(struct random *r, int which)
{
	size_t length = random_number(r) % (RANDOM_TEXT_MAX + 1);
	const uint8_t *p;

	if (length > cursor_left(&r->in))
		length = cursor_left(&r->in);
	p = cursor_take(&r->in, length);
	memcpy(r->text[which], p, length);
	r->text[which][length] = 0;
	return r->text[which];
}

static inline void random_headers(struct random *r, struct trc_hop *h, uint8_t which)
{
	if (which & 1)
		h->sport = random_number(r), h->dport = random_number(r);
	if (which & 2)
		h->saddr[random_byte(r) & 15] = random_byte(r), h->daddr[random_byte(r) & 15] = random_byte(r);
	if (which & 4)
		h->ethertype = random_number(r), h->l4proto = random_byte(r), h->have = random_byte(r);
	if (which & 8)
		h->tcp_seq = random_number(r), h->tcp_flags = random_byte(r);
	if (which & 16)
		h->ip_id = random_number(r), h->frag = random_number(r), h->ttl = random_byte(r);
	if (which & 32)
		h->gso_size = random_number(r), h->gso_segs = random_number(r);
	if (which & 64)
		h->mark = random_number(r), h->paged_bytes = random_number(r);
	if (which & 128)
		h->hook = random_byte(r), h->family = random_byte(r);
}

/* Sound, but for what the field may hold at all. */
static inline const struct trc_hop *random_hop(struct random *r)
{
	struct trc_hop *h = &r->hop;
	uint8_t which = random_byte(r);

	h->seq++;
	h->time_ns += which & 1 ? random_number(r) : 100;
	if (which & 2)
		h->packet = random_number(r);
	if (which & 4)
		h->func = random_number(r);
	if (which & 8)
		h->cpu = random_byte(r) == 0xff ? random_number(r) : random_byte(r) & 3;	/* many CPUs are slow */
	if (which & 16)
		h->kind = random_byte(r) % 3, h->value = random_number(r);
	if (which & 32)
		h->ifindex = random_number(r), h->netns = random_number(r), h->len_bytes = random_number(r);
	if (which & 64)
		h->context = random_byte(r) % 5, h->pid = random_number(r), h->seq = random_number(r), h->stack = h->pid ^ h->func;
	if (which & 128)
		random_headers(r, h, random_byte(r));
	h->packet += !h->packet;
	r->hops++;
	return h;
}

/* their number */
static inline uint32_t random_frames(struct random *r)
{
	uint32_t n = random_number(r) % (TRC_STACK_MAX + 1);

	for (uint32_t i = 0; i < n; i++)
		r->frames[i] = random_number(r);
	return n;
}

static inline uint64_t random_id(struct random *r)
{
	return random_number(r) ?: 1;
}

static inline struct trc_edge random_edge(struct random *r)
{
	struct trc_edge e = { random_number(r), random_id(r), random_id(r), random_number(r), random_number(r) };

	if (e.child == e.parent)
		e.parent = e.child == 1 ? 2 : 1;
	return e;
}

static inline struct trc_data random_data(struct random *r)
{
	const char *bytes = random_text(r, 0);
	uint32_t size = strlen(bytes);		/* and the NUL, which must come through */

	return (struct trc_data){ random_id(r), random_number(r), 2 + (random_byte(r) & 1), size + 1 + random_number(r) % 65536,
				  size + 1, (const uint8_t *)bytes };
}

static inline struct trc_snapshot random_snapshot(struct random *r)
{
	return (struct trc_snapshot){ random_byte(r) & 1, random_number(r), random_text(r, 0), random_text(r, 1), random_text(r, 2),
				      random_number(r), random_byte(r) & 1, random_text(r, 3) };
}

static inline struct trc_link random_link(struct random *r)
{
	return (struct trc_link){ random_number(r), random_number(r), random_text(r, 0), random_text(r, 1), random_text(r, 2),
				  random_number(r), random_number(r), random_number(r), random_number(r) };
}

static inline struct trc_record random_newest(struct random *r, enum trc_kind kind)
{
	struct trc_record rec = { kind };

	if (kind == TRC_FRAMES) {
		rec.frames.id = random_number(r);
		rec.frames.id += !rec.frames.id;
		rec.frames.count = random_frames(r);
		rec.frames.frames = r->frames;
	} else if (kind == TRC_EDGE) {
		rec.edge = random_edge(r);
	} else if (kind == TRC_DATA) {
		rec.data = random_data(r);
	} else {
		rec.snapshot = random_snapshot(r);
	}
	return rec;
}

/* A record, good until the next. */
static inline struct trc_record random_record(struct random *r, enum trc_kind kind)
{
	uint64_t packet;

	switch (kind) {
	case TRC_FACT:
		return (struct trc_record){ kind, .fact = { random_text(r, 0), random_text(r, 1) } };
	case TRC_ENUM:
		return (struct trc_record){ kind, .enumeration = { random_text(r, 0), random_text(r, 1), random_number(r) } };
	case TRC_FUNC:
		return (struct trc_record){ kind, .func = {
			random_number(r), random_text(r, 0), random_text(r, 1), random_number(r), random_number(r),
			random_number(r), random_number(r), random_text(r, 2) } };
	case TRC_NETNS:
		return (struct trc_record){ kind, .netns = { random_number(r), random_text(r, 0) } };
	case TRC_LINK:
		return (struct trc_record){ kind, .link = random_link(r) };
	case TRC_PROC:
		return (struct trc_record){ kind, .proc = { random_number(r), random_text(r, 0), random_text(r, 1) } };
	case TRC_STACK:
		packet = random_id(r);
		return (struct trc_record){ kind, .stack = { packet, random_frames(r), r->frames } };
	case TRC_LOSS:
		return (struct trc_record){ kind, .loss = { random_number(r), random_number(r), random_number(r),
							    random_number(r), random_number(r), random_number(r) } };
	case TRC_END:
		return (struct trc_record){ kind, .end = { random_text(r, 0), random_number(r), random_number(r),
							   random_number(r) } };
	case TRC_HOP:
		return (struct trc_record){ kind, .hop = *random_hop(r) };
	default:
		return random_newest(r, kind);
	}
}

/* what is told of each step, beside doing it: NULL members are fine */
struct random_told {
	void (*record)(void *arg, const struct trc_record *rec);
	void (*flush)(void *arg);
	void *arg;
};

static inline void random_put(struct trc_writer *w, const struct trc_record *rec, const struct random_told *told)
{
	CHECK(!trc_write(w, rec));
	if (told->record)
		told->record(told->arg, rec);
}

/* Seldom so often that the unit is full: that takes long. */
static inline void random_repeat(struct trc_writer *w, struct random *r, const struct random_told *told)
{
	uint32_t n = random_byte(r);

	for (n = n == 0xff ? UNIT_HOPS_MAX : n & 31; n && r->hops < RANDOM_HOPS_MAX; n--, r->hops++) {
		struct trc_record rec = { TRC_HOP, .hop = r->hop };

		rec.hop.seq = ++r->hop.seq;
		rec.hop.time_ns = r->hop.time_ns += 100;
		random_put(w, &rec, told);
	}
}

/* The whole input through the writer, up to its finish. */
static inline void random_write(struct trc_writer *w, const uint8_t *data, size_t size, const struct random_told *told)
{
	struct random r = { .in = { (uint8_t *)data, (uint8_t *)data + size }, .hop = { .packet = 1 } };
	struct trc_record rec;
	uint8_t byte, op;

	while (cursor_left(&r.in) && r.hops < RANDOM_HOPS_MAX) {
		byte = random_byte(&r);
		op = byte % 13;
		if (byte >= 0xf0) {
			rec = random_record(&r, TRC_FRAMES + (byte & 3));
			random_put(w, &rec, told);
		} else if (op == 10) {
			CHECK(!trc_writer_flush(w));
			if (told->flush)
				told->flush(told->arg);
		} else if (op == 11) {
			random_repeat(w, &r, told);
		} else if (op == 12) {
			CHECK(!trc_writer_level(w, 1 + random_byte(&r) % 3));
		} else {
			rec = random_record(&r, op && op != TRC_HOP ? op : TRC_HOP);
			random_put(w, &rec, told);
		}
	}
	CHECK(!trc_writer_finish(w));
}

/* A file of 'R' and steps, or of what make_file() takes. */
static inline int random_fd(const uint8_t *data, size_t size)
{
	const struct random_told told = {};
	int fd = make_empty_fd();
	struct buffer file = {};
	struct trc_writer *w;

	if (size && *data == 'R') {
		CHECK(!trc_writer_open(&w, fd));
		random_write(w, data + 1, size - 1, &told);
		trc_writer_free(w);
		return fd;
	}
	make_file(&file, data, size);
	CHECK(write(fd, file.data, file.size) == (ssize_t)file.size);
	buffer_free(&file);
	return fd;
}

#endif
