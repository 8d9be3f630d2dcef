// SPDX-License-Identifier: GPL-2.0
/*
 * writer.c - collect records by kind, and write them as units.
 *
 * A flush writes the kinds in the order of flush_order[]: names come before the stacks and hops that use them.
 * That is also why a kind that is full flushes all of them.  Once a write has failed the writer is done: every
 * later call answers the same error, and a regular file ends with its last whole unit.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "index.h"

#define ERROR_MAX 256

/* What a hop may refer to, or what says more of its packet, comes before the hops. */
static const enum trc_kind flush_order[] = {
	TRC_FACT, TRC_ENUM, TRC_FUNC, TRC_NETNS, TRC_LINK, TRC_PROC, TRC_SNAPSHOT, TRC_STACK, TRC_FRAMES, TRC_EDGE, TRC_DATA,
	TRC_HOP, TRC_LOSS, TRC_END,
};

#define NORDER (sizeof(flush_order) / sizeof(flush_order[0]))

static_assert(NORDER == KIND_LAST, "every kind is written");

/* rows of one kind, encoded, not yet written */
struct pending {
	struct buffer raw;
	uint32_t rows;
	uint64_t time_first, time_last;	/* of them, 0 where they have none */
};

/* the latest losses of a CPU: their sum is in every unit header */
struct cpu_loss {
	uint32_t cpu;
	uint64_t lost;
};

struct trc_writer {
	int fd;
	bool regular;
	off_t base;			/* of a regular file: where the recording begins */
	uint64_t bytes;
	uint64_t hops_written;
	uint32_t sequence;
	uint32_t tag;
	int failed;			/* negative errno: nothing more is written */
	bool finished;
	struct pending pending[KIND_LAST + 1];
	struct trc_hop *hops;		/* UNIT_HOPS_MAX of them */
	uint32_t nhops;
	uint64_t time_first, time_last;	/* of them */
	struct hop_encoder *encoder;
	struct buffer hops_raw;
	struct buffer out;		/* a unit as it goes to the file */
	ZSTD_CCtx *zstd;
	int level;
	struct index_writer index;
	struct cpu_loss *losses;
	size_t nlosses;
	uint64_t lost;
	char error[ERROR_MAX];
};

static _Thread_local char open_error[ERROR_MAX];

__attribute__((format(printf, 3, 4)))
static int complain(struct trc_writer *w, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(w->error, sizeof(w->error), fmt, args);
	va_end(args);
	return err;
}

static int out_of_memory(struct trc_writer *w)
{
	return complain(w, -ENOMEM, "out of memory");
}

/* --- bytes to the file ------------------------------------------------------------------------------------- */

/* Returns how much was written before the error, if any. */
static size_t write_all(int fd, const uint8_t *data, size_t size, int *err)
{
	struct pollfd writable = { .fd = fd, .events = POLLOUT };
	size_t done = 0;

	*err = 0;
	while (done < size) {
		ssize_t n = write(fd, data + done, size - done);

		if (n > 0)
			done += n;
		else if (n < 0 && errno == EAGAIN)
			poll(&writable, 1, -1);
		else if (n == 0 || errno != EINTR) {
			*err = n ? -errno : -EIO;
			break;
		}
	}
	return done;
}

/* A write failed after it had written part: keep only whole units. */
static int write_failed(struct trc_writer *w, int err, size_t part)
{
	off_t whole = w->base + (off_t)w->bytes;

	w->failed = err;
	if (w->regular && part && (ftruncate(w->fd, whole) || lseek(w->fd, whole, SEEK_SET) < 0))
		return complain(w, err, "cannot write after byte %llu: %s; and the partial unit stays: %s",
				(unsigned long long)w->bytes, strerror(-err), strerror(errno));
	return complain(w, err, "cannot write after byte %llu: %s", (unsigned long long)w->bytes, strerror(-err));
}

static int emit(struct trc_writer *w, const uint8_t *data, size_t size)
{
	int err;
	size_t done = write_all(w->fd, data, size, &err);

	if (err)
		return write_failed(w, err, done);
	w->bytes += size;
	return 0;
}

/* --- units --------------------------------------------------------------------------------------------------- */

/* u has type, rows and times; the rest is filled in here, and nothing is noted when it fails */
static int unit_write(struct trc_writer *w, struct unit *u, const struct buffer *raw)
{
	size_t bound = ZSTD_compressBound(raw->size);
	uint64_t offset = w->bytes;
	size_t stored;
	int err;

	w->out.size = 0;
	if (buffer_reserve(&w->out, HEADER_SIZE + bound) || index_reserve(&w->index))
		return out_of_memory(w);
	stored = ZSTD_compressCCtx(w->zstd, w->out.data + HEADER_SIZE, bound, raw->data, raw->size,
				   w->level);
	if (ZSTD_isError(stored))
		return complain(w, -ENOMEM, "cannot compress: %s", ZSTD_getErrorName(stored));

	u->version = UNIT_VERSION;
	u->raw_size = raw->size;
	u->stored_size = stored;
	u->sequence = w->sequence;
	u->tag = w->tag;
	u->lost = w->lost;
	u->crc_stored = trc_crc32c(0, w->out.data + HEADER_SIZE, stored);
	unit_put(w->out.data, u);
	err = emit(w, w->out.data, HEADER_SIZE + stored);
	if (err)
		return err;
	w->sequence++;
	if (raw == &w->index.unit)
		index_restart(&w->index, offset);
	index_note_unit(&w->index, u, offset);
	return 0;
}

static int index_write(struct trc_writer *w)
{
	struct unit u = { .type = INDEX_TYPE, .rows = w->index.rows };

	if (index_build(&w->index))
		return out_of_memory(w);
	return unit_write(w, &u, &w->index.unit);
}

static void hops_restart(struct trc_writer *w)
{
	w->nhops = 0;
	w->time_first = UINT64_MAX;
	w->time_last = 0;
	hop_encoder_reset(w->encoder);
}

static int hops_write(struct trc_writer *w)
{
	struct unit u = { .rows = w->nhops, .time_first = w->time_first, .time_last = w->time_last };
	int err;

	if (!w->nhops)
		return 0;
	memcpy(u.type, unit_type(TRC_HOP), 4);
	w->hops_raw.size = 0;
	if (hops_encode(w->encoder, w->hops, &w->hops_raw))
		return out_of_memory(w);
	err = unit_write(w, &u, &w->hops_raw);
	if (err)
		return err;
	w->hops_written += w->nhops;
	hops_restart(w);
	return 0;
}

static int pending_write(struct trc_writer *w, enum trc_kind kind)
{
	struct pending *p = &w->pending[kind];
	struct unit u = { .rows = p->rows, .time_first = p->time_first, .time_last = p->time_last };
	int err;

	if (!p->rows)
		return 0;
	memcpy(u.type, unit_type(kind), 4);
	err = unit_write(w, &u, &p->raw);
	if (!err) {
		p->raw.size = 0;
		p->rows = 0;
		p->time_first = p->time_last = 0;
	}
	return err;
}

static int writer_ready(struct trc_writer *w)
{
	if (w->failed)
		return w->failed;
	if (w->finished)
		return complain(w, -EINVAL, "the recording is finished");
	return 0;
}

int trc_writer_flush(struct trc_writer *w)
{
	int err = writer_ready(w);

	for (size_t i = 0; i < NORDER && !err; i++)
		err = flush_order[i] == TRC_HOP ? hops_write(w) : pending_write(w, flush_order[i]);
	if (!err && w->index.raw.size >= INDEX_RAW_TARGET)
		err = index_write(w);
	return err;
}

/* --- records --------------------------------------------------------------------------------------------------- */

/* Only the last record of a CPU counts. */
static int loss_note(struct trc_writer *w, const struct trc_loss *loss)
{
	size_t i = 0;

	while (i < w->nlosses && w->losses[i].cpu != loss->cpu)
		i++;
	if (i == w->nlosses) {
		struct cpu_loss *more = realloc(w->losses, (w->nlosses + 1) * sizeof(*more));

		if (!more)
			return out_of_memory(w);
		w->losses = more;
		w->losses[w->nlosses++] = (struct cpu_loss){ .cpu = loss->cpu };
	}
	w->lost += loss->lost - w->losses[i].lost;
	w->losses[i].lost = loss->lost;
	return 0;
}

int trc_write_hop(struct trc_writer *w, const struct trc_hop *hop)
{
	int err = writer_ready(w);

	if (err)
		return err;
	if (!hop->packet || hop->kind > TRC_DROP || hop->context > TRC_CONTEXT_UNKNOWN)
		return complain(w, -EINVAL, "a hop without packet, or of unknown kind or context");
	if (w->nhops == UNIT_HOPS_MAX) {	/* an earlier flush failed for want of memory */
		err = trc_writer_flush(w);
		if (err)
			return err;
	}
	/* all that a unit says of its hops together is noted while each is at hand */
	if (hop->time_ns < w->time_first)
		w->time_first = hop->time_ns;
	if (hop->time_ns > w->time_last)
		w->time_last = hop->time_ns;
	index_note_hop(&w->index, hop);
	hop_encoder_add(w->encoder, hop);
	w->hops[w->nhops++] = *hop;
	return w->nhops == UNIT_HOPS_MAX ? trc_writer_flush(w) : 0;
}

static void pending_note(struct pending *p, const struct trc_record *rec)
{
	uint64_t t;

	if (row_time(rec, &t)) {
		if (!p->rows || t < p->time_first)
			p->time_first = t;
		if (t > p->time_last)
			p->time_last = t;
	}
	p->rows++;
}

int trc_write(struct trc_writer *w, const struct trc_record *rec)
{
	struct pending *p;
	int err;

	if (rec->kind == TRC_HOP)
		return trc_write_hop(w, &rec->hop);
	err = writer_ready(w);
	if (err)
		return err;
	if (rec->kind < TRC_FACT || rec->kind > KIND_LAST)
		return complain(w, -EINVAL, "a record of unknown kind %d", rec->kind);
	if (rec->kind == TRC_LOSS && (err = loss_note(w, &rec->loss)))
		return err;

	p = &w->pending[rec->kind];
	err = row_encode(&p->raw, rec);
	if (err == -ENOMEM)
		return out_of_memory(w);
	if (err)
		return complain(w, err, "%s", row_rules(rec->kind));
	pending_note(p, rec);
	return p->raw.size >= UNIT_RAW_TARGET ? trc_writer_flush(w) : 0;
}

/* --- opening, finishing ------------------------------------------------------------------------------------------ */

static int preamble_write(struct trc_writer *w)
{
	struct preamble p = { .version = FORMAT_VERSION };
	uint8_t bytes[PREAMBLE_SIZE];
	ssize_t n = getrandom(p.recording, sizeof(p.recording), 0);

	if (n != sizeof(p.recording))
		return complain(w, n < 0 ? -errno : -EIO, "cannot make a recording id: no random numbers");
	w->tag = recording_tag(p.recording);
	preamble_put(bytes, &p);
	return emit(w, bytes, sizeof(bytes));
}

static int writer_start(struct trc_writer *w)
{
	struct stat st;

	w->hops = malloc(UNIT_HOPS_MAX * sizeof(*w->hops));
	w->encoder = hop_encoder_new();
	w->zstd = ZSTD_createCCtx();
	if (!w->hops || !w->encoder || !w->zstd)
		return out_of_memory(w);
	hops_restart(w);
	if (fstat(w->fd, &st))
		return complain(w, -errno, "cannot write: %s", strerror(errno));
	if (S_ISREG(st.st_mode)) {
		w->regular = true;
		w->base = fcntl(w->fd, F_GETFL) & O_APPEND ? st.st_size : lseek(w->fd, 0, SEEK_CUR);
	}
	return preamble_write(w);
}

int trc_writer_open(struct trc_writer **out, int fd)
{
	struct trc_writer *w = calloc(1, sizeof(*w));
	int err;

	*out = NULL;
	if (!w) {
		snprintf(open_error, sizeof(open_error), "out of memory");
		return -ENOMEM;
	}
	w->fd = fd;
	w->level = TRC_LEVEL_DEFAULT;
	err = writer_start(w);
	if (err) {
		memcpy(open_error, w->error, sizeof(open_error));
		trc_writer_free(w);
		return err;
	}
	*out = w;
	return 0;
}

int trc_writer_level(struct trc_writer *w, int level)
{
	if (level < TRC_LEVEL_MIN || level > TRC_LEVEL_MAX)
		return complain(w, -EINVAL, "compression levels are %d to %d", TRC_LEVEL_MIN, TRC_LEVEL_MAX);
	w->level = level;
	return 0;
}

int trc_writer_finish(struct trc_writer *w)
{
	int err = w->finished ? w->failed : trc_writer_flush(w);

	if (!err && !w->finished && w->index.hops)
		err = index_write(w);
	if (!err)
		w->finished = true;
	return err;
}

uint64_t trc_writer_hops(const struct trc_writer *w)
{
	return w->hops_written;
}

uint64_t trc_writer_bytes(const struct trc_writer *w)
{
	return w->bytes;
}

const char *trc_writer_error(const struct trc_writer *w)
{
	return w ? w->error : open_error;
}

void trc_writer_free(struct trc_writer *w)
{
	if (!w)
		return;
	for (int kind = TRC_FACT; kind <= KIND_LAST; kind++)
		buffer_free(&w->pending[kind].raw);
	buffer_free(&w->hops_raw);
	buffer_free(&w->out);
	free(w->hops);
	hop_encoder_free(w->encoder);
	ZSTD_freeCCtx(w->zstd);
	index_writer_free(&w->index);
	free(w->losses);
	free(w);
}
