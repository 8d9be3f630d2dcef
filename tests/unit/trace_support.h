/* SPDX-License-Identifier: GPL-2.0 */
/*
 * trace_support.h - what the tests of libpkttrace share: recordings in memory, rows to fill them with, reading back.
 *
 * Included by test programs only, so everything is static and some of it unused.
 */
#ifndef TRACE_SUPPORT_H
#define TRACE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <zstd.h>

#include "pkttrace.h"
#include "unit.h"

#define UNUSED __attribute__((unused))
#define HOP_BYTES (offsetof(struct trc_hop, stack) + sizeof(uint32_t))	/* of a hop: there is no padding */

/* A recording as bytes. */
struct image {
	uint8_t *data;
	size_t size;
};

/* A writer into an unnamed file, and what it wrote. */
struct tape {
	int fd;
	struct trc_writer *w;
};

static UNUSED struct tape tape_start(void)
{
	struct tape t = { .fd = memfd_create("tape", MFD_CLOEXEC) };

	assert_true(t.fd >= 0);
	assert_int_equal(trc_writer_open(&t.w, t.fd), 0);
	return t;
}

static UNUSED void tape_put(struct tape *t, const struct trc_record *rec)
{
	assert_int_equal(trc_write(t->w, rec), 0);
}

static UNUSED struct image tape_end(struct tape *t)
{
	struct image img;

	assert_int_equal(trc_writer_finish(t->w), 0);
	img.size = trc_writer_bytes(t->w);
	img.data = malloc(img.size);
	assert_non_null(img.data);
	assert_int_equal(pread(t->fd, img.data, img.size, 0), img.size);
	trc_writer_free(t->w);
	close(t->fd);
	return img;
}

/* One unit of an image: where it lies, and which of the rows are its. */
struct extent {
	size_t start;
	size_t end;
	size_t first_row;
	size_t rows;
};

/* find the units of a good image: how many there are */
static UNUSED size_t image_extents(const struct image *img, struct extent *extents, size_t max)
{
	size_t at = PREAMBLE_SIZE, n = 0, row = 0;
	struct unit u;

	while (at < img->size) {
		assert_in_range(n, 0, max - 1);
		assert_in_range(at, 0, img->size - HEADER_SIZE);
		assert_true(unit_get(img->data + at, &u));
		if (!memcmp(u.type, "indx", 4))		/* none of its rows is given out */
			u.rows = 0;
		extents[n] = (struct extent){ at, at + HEADER_SIZE + u.stored_size, row, u.rows };
		at = extents[n++].end;
		row += u.rows;
	}
	assert_int_equal(at, img->size);
	return n;
}

static UNUSED void image_append(struct image *img, const void *data, size_t size)
{
	img->data = realloc(img->data, img->size + size);
	assert_non_null(img->data);
	memcpy(img->data + img->size, data, size);
	img->size += size;
}

static UNUSED void image_begin(struct image *img, const struct preamble *p)
{
	uint8_t bytes[PREAMBLE_SIZE];

	preamble_put(bytes, p);
	image_append(img, bytes, sizeof(bytes));
}

/* compress raw and append it as a unit: u has the rest, but for sizes and checksum of what is stored */
static UNUSED void image_unit(struct image *img, struct unit u, const void *raw, size_t size)
{
	size_t bound = ZSTD_compressBound(size);
	uint8_t *unit = malloc(HEADER_SIZE + bound);

	assert_non_null(unit);
	u.raw_size = size;
	u.stored_size = ZSTD_compress(unit + HEADER_SIZE, bound, raw, size, 1);
	u.crc_stored = trc_crc32c(0, unit + HEADER_SIZE, u.stored_size);
	unit_put(unit, &u);
	image_append(img, unit, HEADER_SIZE + u.stored_size);
	free(unit);
}

/* xorshift: the same rows on every run */
static UNUSED uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static UNUSED void assert_string_same(const char *a, const char *b)
{
	assert_string_equal(a ? a : "", b);
}

static UNUSED void assert_frames_equal(const uint32_t *a, uint32_t na, const uint32_t *b, uint32_t nb)
{
	assert_int_equal(na, nb);
	if (na)
		assert_memory_equal(a, b, na * sizeof(*a));
}

static UNUSED void assert_snapshot_equal(const struct trc_snapshot *a, const struct trc_snapshot *b)
{
	assert_int_equal(a->end, b->end);
	assert_int_equal(a->netns, b->netns);
	assert_string_same(a->what, b->what);
	assert_string_same(a->source, b->source);
	assert_string_same(a->note, b->note);
	assert_int_equal(a->part, b->part);
	assert_int_equal(a->last, b->last);
	assert_string_same(a->text, b->text);
}

static UNUSED void assert_data_equal(const struct trc_data *a, const struct trc_data *b)
{
	assert_true(a->packet == b->packet);
	assert_true(a->time_ns == b->time_ns);
	assert_int_equal(a->layer, b->layer);
	assert_int_equal(a->len_bytes, b->len_bytes);
	assert_int_equal(a->size, b->size);
	if (a->size)
		assert_memory_equal(a->bytes, b->bytes, a->size);
}

/* what was written and what was read; strings and frames by content */
static UNUSED void assert_record_equal(const struct trc_record *a, const struct trc_record *b)
{
	assert_int_equal(a->kind, b->kind);
	switch (a->kind) {
	case TRC_FACT:
		assert_string_same(a->fact.key, b->fact.key);
		assert_string_same(a->fact.value, b->fact.value);
		break;
	case TRC_ENUM:
		assert_string_same(a->enumeration.type, b->enumeration.type);
		assert_string_same(a->enumeration.name, b->enumeration.name);
		assert_true(a->enumeration.value == b->enumeration.value);
		break;
	case TRC_FUNC:
		assert_int_equal(a->func.id, b->func.id);
		assert_string_same(a->func.name, b->func.name);
		assert_string_same(a->func.module, b->func.module);
		assert_true(a->func.offset == b->func.offset);
		assert_int_equal(a->func.arg, b->func.arg);
		assert_int_equal(a->func.flags, b->func.flags);
		assert_int_equal(a->func.error, b->func.error);
		assert_string_same(a->func.why, b->func.why);
		break;
	case TRC_NETNS:
		assert_int_equal(a->netns.netns, b->netns.netns);
		assert_string_same(a->netns.name, b->netns.name);
		break;
	case TRC_LINK:
		assert_int_equal(a->link.netns, b->link.netns);
		assert_int_equal(a->link.ifindex, b->link.ifindex);
		assert_string_same(a->link.name, b->link.name);
		assert_string_same(a->link.kind, b->link.kind);
		assert_string_same(a->link.address, b->link.address);
		assert_int_equal(a->link.peer_ifindex, b->link.peer_ifindex);
		assert_int_equal(a->link.peer_netns, b->link.peer_netns);
		assert_int_equal(a->link.mtu, b->link.mtu);
		assert_int_equal(a->link.flags, b->link.flags);
		break;
	case TRC_PROC:
		assert_int_equal(a->proc.pid, b->proc.pid);
		assert_string_same(a->proc.name, b->proc.name);
		assert_string_same(a->proc.command, b->proc.command);
		break;
	case TRC_STACK:
		assert_true(a->stack.packet == b->stack.packet);
		assert_frames_equal(a->stack.frames, a->stack.count, b->stack.frames, b->stack.count);
		break;
	case TRC_HOP:
		assert_memory_equal(&a->hop, &b->hop, HOP_BYTES);
		break;
	case TRC_LOSS:
		assert_memory_equal(&a->loss.produced, &b->loss.produced,
				    sizeof(a->loss) - offsetof(struct trc_loss, produced));
		assert_int_equal(a->loss.cpu, b->loss.cpu);
		break;
	case TRC_END:
		assert_string_same(a->end.reason, b->end.reason);
		assert_true(a->end.time_ns == b->end.time_ns);
		assert_true(a->end.realtime_ns == b->end.realtime_ns);
		assert_true(a->end.packets == b->end.packets);
		break;
	case TRC_FRAMES:
		assert_int_equal(a->frames.id, b->frames.id);
		assert_frames_equal(a->frames.frames, a->frames.count, b->frames.frames, b->frames.count);
		break;
	case TRC_EDGE:
		assert_true(a->edge.time_ns == b->edge.time_ns);
		assert_true(a->edge.child == b->edge.child);
		assert_true(a->edge.parent == b->edge.parent);
		assert_int_equal(a->edge.kind, b->edge.kind);
		assert_int_equal(a->edge.func, b->edge.func);
		break;
	case TRC_DATA:
		assert_data_equal(&a->data, &b->data);
		break;
	case TRC_SNAPSHOT:
		assert_snapshot_equal(&a->snapshot, &b->snapshot);
		break;
	}
}

/* a hop as a kernel might produce it: most fields are those of the hop before it */
static UNUSED void hop_step(struct trc_hop *hop, uint64_t *state)
{
	uint64_t r = random_next(state);

	hop->time_ns += r % 5000;
	hop->func = r >> 16 & 1023;
	if (r % 8 == 0) {
		hop->packet = 1 + (random_next(state) & 0xffff);
		hop->have = TRC_HAVE_SKB | TRC_HAVE_IP4 | TRC_HAVE_L4;
		hop->stack = r >> 48 & 63;
		hop->sport = random_next(state);
		hop->dport = 53;
		hop->l4proto = 17;
		hop->ethertype = 0x0800;
		hop->len_bytes = r >> 32 & 0xffff;
		memcpy(hop->saddr, "\x0a\0\0\x01", 4);
		memcpy(hop->daddr, "\x0a\0\0\x02", 4);
	}
	hop->context = r >> 40 & 3;
	hop->kind = r % 50 == 0 ? TRC_RETURN : TRC_ENTRY;
	hop->value = hop->kind == TRC_RETURN ? -1 : 0;
}

/* all bits of every field at random */
static UNUSED void hop_noise(struct trc_hop *hop, uint64_t *state)
{
	uint8_t *p = (uint8_t *)hop;

	for (size_t i = 0; i < HOP_BYTES; i++)
		p[i] = random_next(state);
	hop->packet |= 1;
	hop->kind %= TRC_DROP + 1;
	hop->context %= TRC_CONTEXT_UNKNOWN + 1;
}

/* a recording of every kind, with so many hops of two CPUs, 500 a unit */
static UNUSED struct image record_something(uint64_t seed, int hops)
{
	static const uint32_t frames[] = { 3, 2, 1 };
	const struct trc_record rows[] = {
		{ .kind = TRC_FACT, .fact = { "host.kernel", "6.12.0" } },
		{ .kind = TRC_FACT, .fact = { "host.name", "here" } },
		{ .kind = TRC_ENUM, .enumeration = { "skb_drop_reason", "NETFILTER_DROP", 11 } },
		{ .kind = TRC_FUNC, .func = { 0, "ip_rcv", "", 16, 1, 3, 0, "" } },
		{ .kind = TRC_FUNC, .func = { 1, "nft_do_chain", "nf_tables", 32, 0, 1, 22, "invalid" } },
		{ .kind = TRC_NETNS, .netns = { 7, "cl" } },
		{ .kind = TRC_LINK, .link = { 7, 2, "veth0", "veth", "aa:bb", 3, 4, 1500, 1 } },
		{ .kind = TRC_PROC, .proc = { 1, "init" } },
		{ .kind = TRC_SNAPSHOT, .snapshot = { 0, 7, "routes", "ip route", "", 0, 1, "default via 10.0.0.1\n" } },
		{ .kind = TRC_STACK, .stack = { 1, 3, frames } },
		{ .kind = TRC_FRAMES, .frames = { 1, 3, frames } },
		{ .kind = TRC_EDGE, .edge = { 5, 2, 1, TRC_EDGE_CLONE, 1 } },
		{ .kind = TRC_DATA, .data = { 1, 5, 3, 84, 4, (const uint8_t *)"\x45\0\0\x54" } },
		{ .kind = TRC_LOSS, .loss = { 0, 1, 2, 3, 4, 5 } },
		{ .kind = TRC_END, .end = { "signal", 1, 2, 3 } },
	};
	struct tape t = tape_start();
	struct trc_hop hop = { .packet = 1 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (int k = 0; rows[i].kind == TRC_LOSS && k < hops; k++) {
			hop_step(&hop, &seed);
			hop.cpu = k & 1;
			assert_int_equal(trc_write_hop(t.w, &hop), 0);
			if (k % 500 == 499)
				assert_int_equal(trc_writer_flush(t.w), 0);
		}
		tape_put(&t, &rows[i]);
	}
	return tape_end(&t);
}

#endif
