// SPDX-License-Identifier: GPL-2.0
/*
 * seek_fuzz.c - the ways of reading but from front to back, each against it: order of time, one CPU, seeking with and
 * without an index, surveys (libFuzzer; make fuzz).
 *
 *     input := a time (8 bytes)  a CPU (1 byte)  ways (1 byte)  n (1 byte)  n changes of the index (position, 2 bytes, xor, 1 byte)
 *              and what model_fuzz.c takes
 *
 * What the writer wrote must be found whole on every way.  Of other files nothing may be found that is not there.
 */
#include "make.h"
#include "index.h"
#include "merge.h"
#include "random.h"
#include "same.h"

#define HOPS_MAX 100000

enum ways { BY_FD = 1, IN_TIME = 2, INDEXED = 4, SURVEYED = 8, TWICE = 16 };

struct input {
	uint64_t time_ns;
	uint8_t cpu, ways, nchanges;
	const uint8_t *changes;
	bool sound;			/* the writer wrote it */
};

/* What a way of reading gave. */
struct seen {
	struct trc_hop *hops;
	uint32_t nhops, others;
	uint64_t from_ns;
	uint32_t kin, late_kin;		/* edges and packet bytes, and those from this time on */
	uint64_t sum;			/* of all hops, in any order */
	int ret;
	struct trc_health health;
};

static uint64_t hop_sum(const struct trc_hop *h)
{
	uint64_t sum = h->cpu;
	const uint8_t *p = (const uint8_t *)h;

	for (size_t i = 0; i < sizeof(*h); i++)
		sum = (sum ^ p[i]) * 0x100000001b3;
	return sum;
}

static void see(struct trc_reader *r, struct seen *s, uint32_t records)
{
	struct trc_record rec;

	s->ret = 1;
	while (records-- && (s->ret = trc_reader_next(r, &rec)) == 1) {
		record_use(&rec);
		if (rec.kind == TRC_EDGE || rec.kind == TRC_DATA) {
			s->kin++;
			s->late_kin += (rec.kind == TRC_EDGE ? rec.edge.time_ns : rec.data.time_ns) >= s->from_ns;
		} else if (rec.kind != TRC_HOP) {
			s->others += rec.kind != TRC_STACK;	/* seeking may leave out stacks of earlier packets */
		}
		if (rec.kind != TRC_HOP)
			continue;
		CHECK(s->nhops < HOPS_MAX);
		s->hops[s->nhops++] = rec.hop;
		s->sum += hop_sum(&rec.hop);
	}
	CHECK(s->ret >= 0 || *trc_reader_error(r));
	s->health = *trc_reader_health(r);
}

static void again(struct seen *s)
{
	s->nhops = s->others = s->kin = s->late_kin = s->sum = 0;
}

/* Only what is in whole, in its order: hops for which keep() is true; exactly those when the file is sound. */
static void compare(const struct seen *whole, const struct seen *part, uint64_t from_ns, int cpu, bool exact)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < part->nhops; i++, at++) {
		CHECK(part->hops[i].time_ns >= from_ns && (cpu < 0 || part->hops[i].cpu == cpu));
		for (; at < whole->nhops && !hop_same(&whole->hops[at], &part->hops[i]); at++)
			CHECK(!exact || whole->hops[at].time_ns < from_ns || (cpu >= 0 && whole->hops[at].cpu != cpu));
		CHECK(at < whole->nhops);
	}
	for (; exact && at < whole->nhops; at++)
		CHECK(whole->hops[at].time_ns < from_ns || (cpu >= 0 && whole->hops[at].cpu != cpu));
}

static void time_check(const struct seen *s, const struct seen *whole)
{
	uint64_t newest = 0, late = 0, first = UINT64_MAX;

	for (uint32_t i = 0; i < s->nhops; i++) {
		late += s->hops[i].time_ns < newest;
		if (s->hops[i].time_ns > newest)
			newest = s->hops[i].time_ns;
	}
	CHECK(late == s->health.late);
	for (uint32_t i = 0; i < whole->nhops; i++)
		first = whole->hops[i].time_ns < first ? whole->hops[i].time_ns : first;
	/* what fits into the window whole is in order */
	CHECK(!late || whole->health.units > MERGE_OPEN_MAX || newest - first >= MERGE_WINDOW_NS);
}

/* --- the ways ------------------------------------------------------------------------------------------------------- */

static struct trc_reader *reader_new(const struct input *in, const struct buffer *file, int fd)
{
	struct trc_reader *r = NULL;

	if (in->ways & BY_FD)
		CHECK(!lseek(fd, 0, SEEK_SET) && !trc_reader_open_fd(&r, fd));
	else
		CHECK(!trc_reader_open_memory(&r, file->data, file->size));
	return r;
}

/* The same hops, of a CPU or of all, in the order of time or of the file. */
static void order_check(const struct input *in, struct trc_reader *r, const struct seen *whole, struct seen *s)
{
	int cpu = in->cpu < 128 ? in->cpu : -1;

	CHECK(!trc_reader_order(r, in->ways & IN_TIME ? TRC_ORDER_TIME : TRC_ORDER_FILE) && !trc_reader_cpu(r, cpu));
	see(r, s, UINT32_MAX);
	CHECK(s->ret == whole->ret && s->others == whole->others && s->kin == whole->kin);
	CHECK(s->health.units == whole->health.units && s->health.damaged == whole->health.damaged);
	if (in->ways & IN_TIME)
		time_check(s, whole);
	else
		compare(whole, s, 0, cpu, true);
	CHECK(cpu >= 0 || (s->nhops == whole->nhops && s->sum == whole->sum));
}

static void seek_check(const struct input *in, struct trc_reader *r, const struct seen *whole, struct seen *s)
{
	uint64_t wanted = 0;

	if (in->ways & IN_TIME)
		CHECK(!trc_reader_order(r, TRC_ORDER_TIME));
	if (in->ways & TWICE) {		/* from somewhere in the middle */
		see(r, s, 3 + in->cpu);
		again(s);
	}
	if (trc_reader_seek_time(r, in->time_ns)) {
		CHECK(*trc_reader_error(r));
		return;
	}
	see(r, s, UINT32_MAX);
	for (uint32_t i = 0; i < whole->nhops; i++)
		wanted += whole->hops[i].time_ns >= in->time_ns;
	CHECK(!in->sound || (!s->ret && s->nhops == wanted && s->others == whole->others && !*trc_reader_error(r)));
	CHECK(s->kin <= whole->kin && (!in->sound || s->late_kin == whole->late_kin));
	if (in->ways & IN_TIME)
		time_check(s, whole);
	else
		compare(whole, s, in->time_ns, -1, in->sound);
}

static void survey_check(const struct input *in, struct trc_reader *r, const struct seen *whole, struct seen *s)
{
	struct trc_survey survey = {};
	uint64_t first = UINT64_MAX, last = 0;

	see(r, s, in->cpu);		/* and then go on */
	for (int depth = TRC_SURVEY_INDEX; depth <= TRC_SURVEY_CHECKSUMS; depth++) {
		int ret = trc_reader_survey(r, depth, &survey);

		CHECK(!ret || (!in->sound && *trc_reader_error(r)));
		if (ret || !in->sound)
			continue;
		for (uint32_t i = 0; i < whole->nhops; i++) {
			first = whole->hops[i].time_ns < first ? whole->hops[i].time_ns : first;
			last = whole->hops[i].time_ns > last ? whole->hops[i].time_ns : last;
		}
		CHECK(depth != TRC_SURVEY_INDEX || !survey.indexed == !whole->nhops);
		CHECK(survey.hops == whole->nhops && !survey.health.damaged && !survey.health.bytes_bad);
		CHECK(survey.time_first == (whole->nhops ? first : 0) && survey.time_last == last);
	}
	if (s->ret == 1)
		see(r, s, UINT32_MAX);
	CHECK(s->ret == whole->ret && s->nhops == whole->nhops && s->sum == whole->sum && s->others == whole->others);
	CHECK(s->kin == whole->kin);
}

/* --- the file --------------------------------------------------------------------------------------------------------- */

/* A right index of what make_file() made, but for the changes. */
static void index_append(const struct input *in, struct buffer *file)
{
	struct unit u = { .type = "indx" }, listed;
	uint64_t offset = PREAMBLE_SIZE;
	struct index_writer *x = calloc(1, sizeof(*x));

	CHECK(x);
	for (; offset + HEADER_SIZE <= file->size && unit_get(file->data + offset, &listed); u.sequence++) {
		CHECK(!index_reserve(x));
		x->ncpus = !strcmp(listed.type, "HOPS");	/* the writer's mark of a unit of hops */
		index_note_unit(x, &listed, offset);
		offset += HEADER_SIZE + listed.stored_size;
	}
	u.rows = x->rows;
	CHECK(!u.rows || !index_build(x));
	for (uint8_t i = 0; u.rows && i < in->nchanges; i++) {
		const uint8_t *change = in->changes + 3 * i;

		x->unit.data[(change[0] | change[1] << 8) % x->unit.size] ^= change[2];
	}
	if (u.rows)
		make_unit(file, u, x->unit.data, x->unit.size);
	index_writer_free(x);
	free(x);
}

/* false: no recording */
static bool file_make(struct input *in, struct buffer *file, int fd, const uint8_t *data, size_t size)
{
	const struct random_told told = {};
	struct trc_reader *r;
	struct trc_writer *w;
	off_t bytes;

	in->sound = size && *data == 'R';
	if (in->sound) {
		CHECK(!trc_writer_open(&w, fd));
		random_write(w, data + 1, size - 1, &told);
		trc_writer_free(w);
		bytes = lseek(fd, 0, SEEK_END);
		CHECK(!buffer_reserve(file, bytes));
		file->size = bytes;
		CHECK(pread(fd, file->data, bytes, 0) == bytes);
		return true;
	}
	make_file(file, data, size);
	if (in->ways & INDEXED && size && *data != 'F')
		index_append(in, file);
	CHECK(write(fd, file->data, file->size) == (ssize_t)file->size);
	if (trc_reader_open_memory(&r, file->data, file->size))
		return false;
	trc_reader_free(r);
	return true;
}

/* Too many hops for the arrays here: of no use. */
static bool whole_read(const struct buffer *file, struct seen *whole)
{
	struct trc_reader *r;

	CHECK(!trc_reader_open_memory(&r, file->data, file->size));
	see(r, whole, HOPS_MAX);
	trc_reader_free(r);
	return whole->ret != 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct trc_hop hops[2][HOPS_MAX];
	struct seen whole = { .hops = hops[0] }, part = { .hops = hops[1] };
	struct cursor c = { (uint8_t *)data, (uint8_t *)data + size };
	int fd = make_empty_fd();
	struct trc_reader *r;
	struct buffer file = {};
	struct input in;

	if (size < 11)
		return 0;
	memcpy(&in.time_ns, cursor_take(&c, 8), 8);
	in.cpu = *cursor_take(&c, 1);
	whole.from_ns = part.from_ns = in.time_ns;
	in.ways = *cursor_take(&c, 1);
	in.nchanges = *cursor_take(&c, 1) % 8;
	in.changes = cursor_take(&c, 3 * in.nchanges);
	if (in.changes && file_make(&in, &file, fd, c.at, cursor_left(&c)) && whole_read(&file, &whole)) {
		r = reader_new(&in, &file, fd);
		if (in.ways & SURVEYED)
			survey_check(&in, r, &whole, &part);
		else if (in.ways & 0x80)
			order_check(&in, r, &whole, &part);
		else
			seek_check(&in, r, &whole, &part);
		trc_reader_free(r);
	}
	buffer_free(&file);
	return 0;
}
