// SPDX-License-Identifier: GPL-2.0
/*
 * pieces.c - cut a recording into files that each stand alone.
 *
 * Only the thread that writes knows how large a file has become, so it is the one that begins the next, between two
 * hops.  What later hops refer to is kept beside the file as a second recording, in memory, of all that is no hop; each
 * new piece begins with a copy of it.
 *
 * The counts of a piece come from the numbers that hops have on their CPU: a gap is what was lost.  The books of the
 * whole recording come at its end from the kernel; the last piece gets what is left of them, so that the pieces
 * together say what the kernel says.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "output.h"
#include "pieces.h"

/* What one CPU has in the current piece, and had in those before it. */
struct piece_cpu {
	uint64_t first, next;		/* numbers of hops: of this piece; above the highest seen */
	uint64_t recorded;
	uint64_t before_recorded, before_lost;
};

struct slot {				/* a file name that -W comes back to */
	dev_t dev;
	ino_t ino;
	uint64_t hops;
};

struct pieces {
	struct pieces_plan plan;
	struct trc_writer *writer;
	int fd;
	uint32_t number;		/* of the current one, from 1 */
	char name[PATH_MAX];
	uint64_t bytes, hops, overwritten;	/* of the pieces before */
	struct slot *slots;		/* plan.keep of them */
	struct trc_writer *notes;	/* NULL: only one piece */
	int notes_fd;
	struct piece_cpu *cpus;
	size_t ncpus;
	uint64_t packets;
	char error[PATH_MAX + 320];
};

static int failed(struct pieces *p, int err, const char *why)
{
	if (!p->error[0])
		snprintf(p->error, sizeof(p->error), "%s: %s", strcmp(p->name, "-") ? p->name : "standard output",
			 *why ? why : strerror(-err));
	return err;
}

static int writer_failed(struct pieces *p, int err)
{
	return failed(p, err, trc_writer_error(p->writer));
}

/* --- names ------------------------------------------------------------------------------------------------- */

/* As tcpdump has them: x, x1, x2, ... with -C; with -W all have a number, of one width, from 0. */
static void piece_name(const struct pieces *p, uint32_t number, char *buf, size_t size)
{
	uint32_t n = number - 1, last;
	int digits = 0;

	if (p->plan.keep) {
		n %= p->plan.keep;
		for (last = p->plan.keep - 1; last; last /= 10)
			digits++;
	}
	if (!n && !digits)
		snprintf(buf, size, "%s", p->plan.path);
	else
		snprintf(buf, size, "%s%0*u", p->plan.path, digits, n);
}

static struct slot *slot_of(struct pieces *p)
{
	return p->plan.keep ? &p->slots[(p->number - 1) % p->plan.keep] : NULL;
}

/* Our own piece of a round ago is overwritten; anything else of that name is kept as .old, like any other file. */
static void slot_clear(struct pieces *p)
{
	struct slot *slot = slot_of(p);
	struct stat st;

	if (!slot || p->number <= p->plan.keep)
		return;
	p->overwritten += slot->hops;
	if (!lstat(p->name, &st) && st.st_dev == slot->dev && st.st_ino == slot->ino)
		unlink(p->name);
}

static void slot_note(struct pieces *p)
{
	struct slot *slot = slot_of(p);
	struct stat st;

	if (slot && !fstat(p->fd, &st))
		*slot = (struct slot){ .dev = st.st_dev, .ino = st.st_ino };
}

/* --- beginning one ------------------------------------------------------------------------------------------- */

static int notes_copy(struct pieces *p)
{
	struct trc_reader *r = NULL;
	struct trc_record rec;
	struct stat st;
	void *data;
	int got, err = trc_writer_flush(p->notes);

	if (err)
		return failed(p, err, trc_writer_error(p->notes));
	if (fstat(p->notes_fd, &st))
		return failed(p, -errno, "");
	data = mmap(NULL, st.st_size, PROT_READ, MAP_SHARED, p->notes_fd, 0);
	if (data == MAP_FAILED)
		return failed(p, -errno, "");
	err = trc_reader_open_memory(&r, data, st.st_size);
	while (!err && (got = trc_reader_next(r, &rec))) {
		err = got < 0 ? got : trc_write(p->writer, &rec);
		if (err && got > 0)
			writer_failed(p, err);
	}
	if (err)
		failed(p, err, trc_reader_error(r));
	trc_reader_free(r);
	munmap(data, st.st_size);
	return err;
}

static int piece_begin(struct pieces *p)
{
	char error[sizeof(p->error)];
	int err;

	p->number++;
	piece_name(p, p->number, p->name, sizeof(p->name));
	slot_clear(p);
	p->fd = output_open(p->name, p->plan.who, error, sizeof(error));
	if (p->fd < 0) {
		snprintf(p->error, sizeof(p->error), "%s", error);
		return -EIO;
	}
	slot_note(p);
	err = trc_writer_open(&p->writer, p->fd);
	if (!err && p->plan.level)
		err = trc_writer_level(p->writer, p->plan.level);
	if (!err)
		err = p->plan.facts(p->writer, p->number, p->plan.data);
	if (err)
		return writer_failed(p, err);
	if (p->notes)
		err = notes_copy(p);
	else
		err = p->plan.common(p->writer, p->plan.data);
	err = err ? err : trc_writer_flush(p->writer);
	return err ? writer_failed(p, err) : 0;
}

static int notes_open(struct pieces *p)
{
	int err;

	p->notes_fd = memfd_create("pktrec", MFD_CLOEXEC);
	if (p->notes_fd < 0)
		return failed(p, -errno, "");
	err = trc_writer_open(&p->notes, p->notes_fd);
	err = err ? err : p->plan.common(p->notes, p->plan.data);
	return err ? failed(p, err, trc_writer_error(p->notes)) : 0;
}

int pieces_open(struct pieces **out, const struct pieces_plan *plan)
{
	struct pieces *p = calloc(1, sizeof(*p));
	int err = 0;

	*out = p;
	if (!p)
		return -ENOMEM;
	p->plan = *plan;
	p->fd = p->notes_fd = -1;
	snprintf(p->name, sizeof(p->name), "%s", plan->path);
	if (plan->keep) {
		p->slots = calloc(plan->keep, sizeof(*p->slots));
		if (!p->slots)
			return failed(p, -ENOMEM, "");
	}
	if (plan->bytes)
		err = notes_open(p);
	return err ? err : piece_begin(p);
}

/* --- ending one ---------------------------------------------------------------------------------------------- */

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static int losses_write(struct pieces *p)
{
	struct trc_record rec = { .kind = TRC_LOSS };
	struct piece_cpu *c;
	uint64_t lost;
	size_t i;
	int err = 0;

	for (i = 0; i < p->ncpus && !err; i++) {
		c = &p->cpus[i];
		if (!c->recorded)
			continue;
		/* a hop that swapped places with one of the next piece may be one too many */
		lost = c->next - c->first > c->recorded ? c->next - c->first - c->recorded : 0;
		rec.loss = (struct trc_loss){ .cpu = i, .produced = c->recorded + lost, .recorded = c->recorded, .lost = lost };
		err = trc_write(p->writer, &rec);
		c->before_recorded += c->recorded;
		c->before_lost += lost;
		c->recorded = 0;
		c->first = c->next;
	}
	return err;
}

static void piece_close(struct pieces *p)
{
	struct slot *slot = slot_of(p);

	p->bytes += trc_writer_bytes(p->writer);
	p->hops += trc_writer_hops(p->writer);
	if (slot)
		slot->hops = trc_writer_hops(p->writer);
	trc_writer_free(p->writer);
	p->writer = NULL;
	close(p->fd);
	p->fd = -1;
}

static int piece_end(struct pieces *p)
{
	struct trc_record rec = { .kind = TRC_END, .end.reason = "next piece" };
	int err = losses_write(p);

	rec.end.time_ns = clock_ns(CLOCK_MONOTONIC);
	rec.end.realtime_ns = clock_ns(CLOCK_REALTIME);
	rec.end.packets = __atomic_load_n(&p->packets, __ATOMIC_RELAXED);
	err = err ? err : trc_write(p->writer, &rec);
	err = err ? err : trc_writer_finish(p->writer);
	if (err)
		return writer_failed(p, err);
	piece_close(p);
	return 0;
}

/* Not before something was recorded: names alone may be larger than a piece is to be. */
static int rotate(struct pieces *p)
{
	int err;

	if (!p->notes || trc_writer_bytes(p->writer) < p->plan.bytes || !trc_writer_hops(p->writer))
		return 0;
	err = piece_end(p);
	return err ? err : piece_begin(p);
}

/* --- records ------------------------------------------------------------------------------------------------- */

static struct piece_cpu *cpu_at(struct pieces *p, uint32_t cpu)
{
	struct piece_cpu *grown;

	if (cpu < p->ncpus)
		return &p->cpus[cpu];
	if (cpu > UINT16_MAX || !(grown = reallocarray(p->cpus, cpu + 1, sizeof(*grown))))
		return NULL;
	memset(grown + p->ncpus, 0, (cpu + 1 - p->ncpus) * sizeof(*grown));
	p->cpus = grown;
	p->ncpus = cpu + 1;
	return &grown[cpu];
}

/* What later rows refer to, or readers ask for. */
static bool is_common(enum trc_kind kind)
{
	return kind == TRC_ENUM || kind == TRC_FUNC || kind == TRC_NETNS || kind == TRC_LINK || kind == TRC_PROC ||
	       kind == TRC_FRAMES;
}

int pieces_write(struct pieces *p, const struct trc_record *rec)
{
	struct trc_record last = *rec;
	struct piece_cpu *c;
	int err = 0;

	if (p->error[0])
		return -EIO;
	if (p->notes && rec->kind == TRC_LOSS) {
		c = cpu_at(p, rec->loss.cpu);
		if (!c)
			return failed(p, -ENOMEM, "");
		last.loss.recorded -= c->before_recorded;
		last.loss.lost -= c->before_lost < last.loss.lost ? c->before_lost : last.loss.lost;
		last.loss.produced = last.loss.recorded + last.loss.lost;
	}
	if (p->notes && is_common(rec->kind)) {
		err = trc_write(p->notes, rec);
		if (err)
			return failed(p, err, trc_writer_error(p->notes));
	}
	err = trc_write(p->writer, &last);
	return err ? writer_failed(p, err) : 0;
}

int pieces_hop(struct pieces *p, const struct trc_hop *hop)
{
	struct piece_cpu *c;
	int err;

	if (p->error[0])
		return -EIO;
	err = trc_write_hop(p->writer, hop);
	if (err)
		return writer_failed(p, err);
	if (!p->notes)
		return 0;
	c = cpu_at(p, hop->cpu);
	if (!c)
		return failed(p, -ENOMEM, "");
	c->recorded++;
	if (hop->seq >= c->next)
		c->next = hop->seq + 1;
	return rotate(p);
}

int pieces_flush(struct pieces *p)
{
	int err;

	if (p->error[0])
		return -EIO;
	err = trc_writer_flush(p->writer);
	return err ? writer_failed(p, err) : rotate(p);
}

int pieces_finish(struct pieces *p)
{
	int err = trc_writer_finish(p->writer);

	return err ? writer_failed(p, err) : 0;
}

void pieces_packets(struct pieces *p, uint64_t packets)
{
	__atomic_store_n(&p->packets, packets, __ATOMIC_RELAXED);
}

/* --- what became of it --------------------------------------------------------------------------------------- */

struct trc_writer *pieces_writer(struct pieces *p)
{
	return p->writer;
}

int pieces_fd(const struct pieces *p)
{
	return p->fd;
}

uint64_t pieces_bytes(const struct pieces *p)
{
	return p->bytes + (p->writer ? trc_writer_bytes(p->writer) : 0);
}

uint64_t pieces_hops(const struct pieces *p)
{
	return p->hops + (p->writer ? trc_writer_hops(p->writer) : 0);
}

uint64_t pieces_hops_overwritten(const struct pieces *p)
{
	return p->overwritten;
}

void pieces_names(const struct pieces *p, char *buf, size_t size)
{
	uint32_t first = p->plan.keep && p->number > p->plan.keep ? p->number - p->plan.keep + 1 : 1;
	char name[PATH_MAX], note[40] = "";

	piece_name(p, first, name, sizeof(name));
	if (first > 1)
		snprintf(note, sizeof(note), ", the last of %u", p->number);
	if (!strcmp(p->plan.path, "-"))
		snprintf(buf, size, "standard output");
	else if (p->number <= 1 || first == p->number)
		snprintf(buf, size, "%s%s", p->name, note);
	else
		snprintf(buf, size, "%s to %s: %u files%s", name, p->name, p->number - first + 1, note);
}

const char *pieces_error(const struct pieces *p)
{
	return p ? p->error : "out of memory";
}

void pieces_free(struct pieces *p)
{
	if (!p)
		return;
	trc_writer_free(p->writer);
	trc_writer_free(p->notes);
	if (p->fd >= 0)
		close(p->fd);
	if (p->notes_fd >= 0)
		close(p->notes_fd);
	free(p->slots);
	free(p->cpus);
	free(p);
}
