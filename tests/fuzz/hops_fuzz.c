// SPDX-License-Identifier: GPL-2.0
/*
 * hops_fuzz.c - arbitrary columns of hops through the decoder, against a second decoder (libFuzzer; make fuzz).
 *
 *     input := rows (2 bytes, little-endian) a selection of columns (8 bytes) a unit's unpacked bytes
 *
 * The second decoder is FORMAT.md written down once more, a byte and a field at a time.  The two must agree on what is
 * malformed and on each row; and a selection of columns must give what all columns give.
 */
#include "make.h"
#include "same.h"

#define ROWS_MAX 2048

/* --- the second decoder ------------------------------------------------------------------------------------------- */

struct stream {
	uint64_t id, kind, length;
	struct cursor in;
};

struct plain {
	uint64_t values[37];	/* of the row before, by column id */
	struct stream streams[64];
	uint64_t nstreams;
	struct cursor runs, masks;
	uint64_t nruns;
};

static const uint8_t kinds[37] = {
	0, 8, 4, 8, 1, 0x14, 1, 4, 1, 4, 4, 4, 1, 1, 0x28, 4, 4, 4, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 4, 4, 4, 4, 4, 4, 4, 4, 4,
};

static bool known(const struct stream *s)
{
	return s->id >= 1 && s->id < 37;
}

static bool fits(uint64_t kind, uint64_t v)
{
	if (kind == 0x14)
		return (int64_t)v >= INT32_MIN && (int64_t)v <= INT32_MAX;
	return (kind & 15) == 8 || v < 1ull << 8 * (kind & 15);
}

static bool plain_runs(struct cursor *in, struct plain *d, uint64_t rows)
{
	uint64_t cpu, n, last = 0;

	if (!cursor_varint(in, &d->nruns))
		return false;
	d->runs = *in;
	for (uint64_t i = 0; i < d->nruns; i++, last = cpu) {
		if (!cursor_varint(in, &cpu) || !cursor_varint(in, &n) || cpu > 65535 || n < 1 || n > rows || (i && cpu <= last))
			return false;
		rows -= n;
	}
	return !rows;
}

static bool plain_columns(struct cursor *in, struct plain *d)
{
	uint64_t length;

	if (!cursor_varint(in, &d->nstreams) || d->nstreams > 64)
		return false;
	for (uint64_t i = 0; i < d->nstreams; i++) {
		struct stream *s = &d->streams[i];

		if (!cursor_varint(in, &s->id) || !cursor_varint(in, &s->kind) || !cursor_varint(in, &length) ||
		    length > 64 || !cursor_take(in, length) || !cursor_varint(in, &s->length))
			return false;
		if (known(s) && s->kind != kinds[s->id])
			return false;
		for (uint64_t j = 0; j < i && known(s); j++)
			if (d->streams[j].id == s->id)
				return false;
	}
	if (!cursor_varint(in, &length) || !(d->masks.at = cursor_take(in, length)))
		return false;
	d->masks.end = d->masks.at + length;
	for (uint64_t i = 0; i < d->nstreams; i++) {
		d->streams[i].in.at = cursor_take(in, d->streams[i].length);
		if (!d->streams[i].in.at)
			return false;
		d->streams[i].in.end = d->streams[i].in.at + d->streams[i].length;
	}
	return !cursor_left(in);
}

static bool plain_row(struct plain *d)
{
	uint64_t mask, z;

	if (!cursor_varint(&d->masks, &mask))
		return false;
	for (uint64_t i = 0; i < d->nstreams; i++)
		d->values[14] += d->streams[i].id == 14;
	for (uint64_t i = 0; i < 64; i++) {
		struct stream *s = &d->streams[i];

		if (!(mask >> i & 1))
			continue;
		if (i >= d->nstreams)
			return false;
		if (!known(s))
			continue;
		if (!cursor_varint(&s->in, &z))
			return false;
		d->values[s->id] += z >> 1 ^ -(z & 1);
		if (!fits(s->kind, d->values[s->id]))
			return false;
	}
	return d->values[3] && d->values[4] <= 2;
}

static void plain_address(uint8_t out[16], const uint64_t words[4])
{
	for (int i = 0; i < 16; i++)
		out[i] = words[i / 4] >> 8 * (3 - i % 4);
}

static void plain_hop(const uint64_t *v, uint64_t cpu, struct trc_hop *h)
{
	memset(h, 0, sizeof(*h));
	*h = (struct trc_hop){
		.time_ns = v[1], .func = v[2], .packet = v[3], .kind = v[4], .value = v[5], .have = v[6],
		.len_bytes = v[7], .context = v[8] > 4 ? 4 : v[8], .pid = v[9], .ifindex = v[10], .netns = v[11],
		.hook = v[12], .family = v[13], .seq = v[14], .paged_bytes = v[15], .mark = v[16], .tcp_seq = v[17],
		.ethertype = v[18], .sport = v[19], .dport = v[20], .ip_id = v[21], .frag = v[22], .gso_size = v[23],
		.gso_segs = v[24], .l4proto = v[25], .ttl = v[26], .tcp_flags = v[27], .cpu = cpu, .stack = v[36],
	};
	plain_address(h->saddr, v + 28);
	plain_address(h->daddr, v + 32);
}

/* as many rows as are asked for, or false */
static bool plain_decode(struct cursor in, uint64_t rows, struct trc_hop *hops)
{
	struct plain d = {};
	uint64_t cpu, n;

	if (!rows || !plain_runs(&in, &d, rows) || !plain_columns(&in, &d))
		return false;
	for (uint64_t i = 0; i < d.nruns; i++) {
		CHECK(cursor_varint(&d.runs, &cpu) && cursor_varint(&d.runs, &n));
		memset(d.values, 0, sizeof(d.values));
		while (n--) {
			if (!plain_row(&d))
				return false;
			plain_hop(d.values, cpu, hops++);
		}
	}
	for (uint64_t i = 0; i < d.nstreams; i++)
		if (known(&d.streams[i]) && cursor_left(&d.streams[i].in))
			return false;
	return !cursor_left(&d.masks);
}

/* --- the library's ------------------------------------------------------------------------------------------------- */

/* The rows that the reader gives: 0, or rows */
static uint32_t library_decode(const struct buffer *file, uint64_t columns, struct trc_hop *hops, uint32_t rows)
{
	struct trc_record rec;
	struct trc_reader *r;
	uint32_t n = 0;
	int ret;

	CHECK(!trc_reader_open_memory(&r, file->data, file->size));
	trc_reader_select(r, columns);
	while ((ret = trc_reader_next(r, &rec)) == 1) {
		CHECK(rec.kind == TRC_HOP && n < rows);
		record_use(&rec);
		hops[n++] = rec.hop;
	}
	CHECK(!ret && (!n || n == rows));
	CHECK(trc_reader_health(r)->units == !!n && trc_reader_health(r)->damaged == !n);
	trc_reader_free(r);
	return n;
}

/* What a selection leaves of the hop. */
static struct trc_hop selected(struct trc_hop h, uint64_t columns)
{
	if (!(columns & TRC_COLUMN_FUNC))
		h.func = 0;
	if (!(columns & TRC_COLUMN_VALUE))
		h.value = 0;
	if (!(columns & TRC_COLUMN_HAVE))
		h.have = 0;
	if (!(columns & TRC_COLUMN_LENGTH))
		h.len_bytes = h.paged_bytes = 0;
	if (!(columns & TRC_COLUMN_CONTEXT))
		h.context = h.pid = 0;
	if (!(columns & TRC_COLUMN_PLACE))
		h.ifindex = h.netns = 0;
	if (!(columns & TRC_COLUMN_HOOK))
		h.hook = h.family = 0;
	if (!(columns & TRC_COLUMN_SEQ))
		h.seq = 0;
	if (!(columns & TRC_COLUMN_MARK))
		h.mark = 0;
	if (!(columns & TRC_COLUMN_GSO))
		h.gso_size = h.gso_segs = 0;
	if (!(columns & TRC_COLUMN_STACK))
		h.stack = 0;
	if (columns & TRC_COLUMN_HEADERS)
		return h;
	h.tcp_seq = h.ethertype = h.sport = h.dport = h.ip_id = h.frag = h.l4proto = h.ttl = h.tcp_flags = 0;
	memset(h.saddr, 0, sizeof(h.saddr));
	memset(h.daddr, 0, sizeof(h.daddr));
	return h;
}

/* whole groups of columns, as the header names them */
static uint64_t groups(uint64_t bits)
{
	static const uint64_t group[] = {
		TRC_COLUMN_FUNC, TRC_COLUMN_VALUE, TRC_COLUMN_HAVE, TRC_COLUMN_LENGTH, TRC_COLUMN_CONTEXT, TRC_COLUMN_PLACE,
		TRC_COLUMN_HOOK, TRC_COLUMN_SEQ, TRC_COLUMN_MARK, TRC_COLUMN_HEADERS, TRC_COLUMN_GSO,
		TRC_COLUMN_STACK,
	};
	uint64_t columns = 0;

	for (size_t i = 0; i < sizeof(group) / sizeof(group[0]); i++)
		columns |= bits >> i & 1 ? group[i] : 0;
	return columns;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct trc_hop plain[ROWS_MAX], all[ROWS_MAX], some[ROWS_MAX];
	static struct buffer file;
	struct unit u = { .type = "HOPS", .time_last = UINT64_MAX };
	uint64_t columns;

	if (size < 10)
		return 0;
	u.rows = (data[0] | data[1] << 8) % (ROWS_MAX + 1);
	memcpy(&columns, data + 2, sizeof(columns));
	columns = groups(columns);
	data += 10;
	size -= 10;
	make_preamble(&file);
	make_unit(&file, u, data, size);
	if (library_decode(&file, TRC_COLUMNS_ALL, all, u.rows)) {
		CHECK(plain_decode((struct cursor){ (uint8_t *)data, (uint8_t *)data + size }, u.rows, plain));
		CHECK(library_decode(&file, columns, some, u.rows));
		for (uint32_t i = 0; i < u.rows; i++) {
			struct trc_hop h = selected(all[i], columns);

			CHECK(hop_same(&all[i], &plain[i]) && hop_same(&some[i], &h));
		}
	} else {
		CHECK(!plain_decode((struct cursor){ (uint8_t *)data, (uint8_t *)data + size }, u.rows, plain));
	}
	return 0;
}
