// SPDX-License-Identifier: GPL-2.0
/*
 * trace_golden.c - recordings of format version 1 that every later version must read, row for row.
 *
 * The checksums are over what the rows say, not over how they lie in memory or in the file.  They, and the files in
 * tests/golden, are never changed: a reader that fails here is wrong.
 */
#include <stdio.h>
#include <sys/stat.h>

#include "trace_support.h"

struct golden {
	const char *name;
	size_t size;
	uint64_t rows;
	uint64_t hops;
	uint32_t checksum;
	int ended;
	const char *trouble;
};

static const struct golden files[] = {
	{ "v1-ok.trc", 6898, 418, 88, 0x9e4cb808, 1, "" },
	{ "v1-dropped.trc", 27255, 1779, 18, 0xd741e45b, 1, "" },
	{ "v1-cut.trc", 27600, 1885, 128, 0xfe251f81, 0, "cut short after unit 11 (byte 27588)" },
	{ "v1-index.trc", 23394, 398, 128, 0x38afcd17, 1, "" },
	{ "v1-kinds.trc", 35703, 3524, 1200, 0x8cd4e80d, 1, "" },
};

static uint32_t sum_numbers(uint32_t crc, int n, ...)
{
	va_list args;

	va_start(args, n);
	while (n--) {
		uint64_t v = htole64(va_arg(args, uint64_t));

		crc = trc_crc32c_table(crc, &v, sizeof(v));
	}
	va_end(args);
	return crc;
}

#define U(x) ((uint64_t)(x))
#define NUMBERS(crc, ...) sum_numbers(crc, sizeof((uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t), __VA_ARGS__)

static uint32_t sum_text(uint32_t crc, const char *text)
{
	return trc_crc32c_table(crc, text, strlen(text) + 1);
}

static uint32_t sum_hop(uint32_t crc, const struct trc_hop *h)
{
	crc = NUMBERS(crc, h->time_ns, h->packet, h->seq, U(h->func), U(h->pid), U(h->len_bytes), U(h->paged_bytes),
		      U(h->ifindex), U(h->netns), U(h->mark), U((int64_t)h->value), U(h->tcp_seq), U(h->cpu));
	crc = NUMBERS(crc, U(h->ethertype), U(h->sport), U(h->dport), U(h->ip_id), U(h->frag), U(h->gso_size), U(h->gso_segs),
		      U(h->kind), U(h->context), U(h->hook), U(h->family), U(h->l4proto), U(h->ttl), U(h->tcp_flags), U(h->have));
	crc = trc_crc32c_table(crc, h->saddr, 16);
	crc = trc_crc32c_table(crc, h->daddr, 16);
	return h->stack ? NUMBERS(crc, U(h->stack)) : crc;	/* it was not there when the first checksums were taken */
}

static uint32_t sum_name(uint32_t crc, const struct trc_record *rec)
{
	const struct trc_func *f = &rec->func;
	const struct trc_link *l = &rec->link;

	switch (rec->kind) {
	case TRC_FACT:
		return sum_text(sum_text(crc, rec->fact.key), rec->fact.value);
	case TRC_ENUM:
		crc = sum_text(sum_text(crc, rec->enumeration.type), rec->enumeration.name);
		return NUMBERS(crc, U(rec->enumeration.value));
	case TRC_FUNC:
		crc = sum_text(sum_text(sum_text(crc, f->name), f->module), f->why);
		return NUMBERS(crc, U(f->id), U(f->offset), U(f->arg), U(f->flags), U(f->error));
	case TRC_LINK:
		crc = sum_text(sum_text(sum_text(crc, l->name), l->kind), l->address);
		return NUMBERS(crc, U(l->netns), U(l->ifindex), U(l->peer_ifindex), U(l->peer_netns), U(l->mtu), U(l->flags));
	case TRC_NETNS:
		return NUMBERS(sum_text(crc, rec->netns.name), U(rec->netns.netns));
	default:
		return NUMBERS(sum_text(crc, rec->proc.name), U(rec->proc.pid));
	}
}

static uint32_t sum_frames(uint32_t crc, uint64_t of, uint32_t count, const uint32_t *frames)
{
	crc = NUMBERS(crc, of, U(count));
	for (uint32_t i = 0; i < count; i++)
		crc = NUMBERS(crc, U(frames[i]));
	return crc;
}

static uint32_t sum_snapshot(uint32_t crc, const struct trc_snapshot *s)
{
	crc = NUMBERS(crc, U(s->end), U(s->netns), U(s->part), U(s->last));
	return sum_text(sum_text(sum_text(sum_text(crc, s->what), s->source), s->note), s->text);
}

static uint32_t sum_record(uint32_t crc, const struct trc_record *rec)
{
	const struct trc_loss *l = &rec->loss;
	const struct trc_edge *e = &rec->edge;
	const struct trc_data *d = &rec->data;

	crc = NUMBERS(crc, U(rec->kind));
	switch (rec->kind) {
	case TRC_HOP:
		return sum_hop(crc, &rec->hop);
	case TRC_STACK:
		return sum_frames(crc, rec->stack.packet, rec->stack.count, rec->stack.frames);
	case TRC_FRAMES:
		return sum_frames(crc, rec->frames.id, rec->frames.count, rec->frames.frames);
	case TRC_EDGE:
		return NUMBERS(crc, e->time_ns, e->child, e->parent, U(e->kind), U(e->func));
	case TRC_DATA:
		crc = NUMBERS(crc, d->packet, d->time_ns, U(d->layer), U(d->len_bytes), U(d->size));
		return trc_crc32c_table(crc, d->bytes, d->size);
	case TRC_SNAPSHOT:
		return sum_snapshot(crc, &rec->snapshot);
	case TRC_LOSS:
		return NUMBERS(crc, U(l->cpu), l->produced, l->recorded, l->lost, l->missed, l->others_lost);
	case TRC_END:
		return NUMBERS(sum_text(crc, rec->end.reason), rec->end.time_ns, rec->end.realtime_ns, rec->end.packets);
	default:
		return sum_name(crc, rec);
	}
}

static struct trc_reader *golden_open(const char *name)
{
	struct trc_reader *r;
	char path[512];

	snprintf(path, sizeof(path), "%s/../tests/golden/%s", getenv("SAMPLES") ?: "samples", name);
	if (trc_reader_open(&r, path))
		fail_msg("%s: %s", path, trc_reader_error(NULL));
	return r;
}

static void every_row_of_a_golden_file_is_what_it_was(void **state)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct golden g = { .name = files[i].name };
		struct trc_reader *r = golden_open(g.name);
		struct trc_record rec;

		while (trc_reader_next(r, &rec) == 1) {
			g.rows++;
			g.hops += rec.kind == TRC_HOP;
			g.checksum = sum_record(g.checksum, &rec);
		}
		g.size = trc_reader_health(r)->bytes;
		g.ended = trc_reader_health(r)->ended;
		g.trouble = trc_reader_trouble(r);
		if (g.size != files[i].size || g.rows != files[i].rows || g.hops != files[i].hops ||
		    g.checksum != files[i].checksum || g.ended != files[i].ended || strcmp(g.trouble, files[i].trouble))
			fail_msg("{ \"%s\", %zu, %ju, %ju, 0x%08x, %d, \"%s\" }", g.name, g.size, (uintmax_t)g.rows,
				 (uintmax_t)g.hops, g.checksum, g.ended, g.trouble);
		trc_reader_free(r);
	}
}

/* of packets: not all of that need be found by who seeks */
static bool is_name(enum trc_kind kind)
{
	return kind != TRC_HOP && kind != TRC_STACK && kind != TRC_EDGE && kind != TRC_DATA;
}

/* seeking to each hop's time finds that many hops, whether by index or by headers */
static void golden_files_can_be_sought(void **state)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct trc_reader *r = golden_open(files[i].name);
		struct trc_survey s;
		struct trc_record rec;
		uint64_t names = 0, hops = 0, all = 0;

		while (trc_reader_next(r, &rec) == 1)
			all += is_name(rec.kind);
		assert_int_equal(trc_reader_survey(r, TRC_SURVEY_INDEX, &s), 0);
		assert_int_equal(s.hops, files[i].hops);
		assert_int_equal(s.indexed, strstr(files[i].name, "index") || strstr(files[i].name, "kinds"));
		assert_int_equal(trc_reader_seek_time(r, s.time_last), 0);
		while (trc_reader_next(r, &rec) == 1) {
			names += is_name(rec.kind);
			hops += rec.kind == TRC_HOP;
		}
		assert_in_range(hops, 1, 4);
		assert_int_equal(names, all);
		trc_reader_free(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_of_a_golden_file_is_what_it_was),
		cmocka_unit_test(golden_files_can_be_sought),
	};

	return cmocka_run_group_tests_name("trace: golden files", tests, NULL, NULL);
}
