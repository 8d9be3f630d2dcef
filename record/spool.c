// SPDX-License-Identifier: GPL-2.0
/*
 * spool.c - a ring of batches and the one thread that empties it into the file.
 *
 * A batch holds hops beside the rarer records that came with them.  It is handed over when it is full, or when a
 * flush is due and the thread has nothing else to do: while the file is slow, batches fill up whole, and when all are
 * full nothing more is taken from the kernel's rings.  What then does not fit there the kernel's programs count as
 * lost, each hop with its number on its CPU, so that the books stay exact whoever was too slow.
 *
 * Within a batch the other records are written first: a function, a name or a stack comes before the hops it explains.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "pieces.h"
#include "spool.h"

#define BATCHES 16
#define BATCH_HOPS 4096		/* a megabyte each with all, 16 */
#define BATCH_OTHERS 2048
#define BATCH_BYTES (192u << 10)	/* what others point to: names, frames, a packet's bytes */

struct batch {
	uint32_t nhops, nothers, nbytes;
	bool flush;
	struct trc_hop hops[BATCH_HOPS];
	struct trc_record others[BATCH_OTHERS];
	_Alignas(uint32_t) uint8_t bytes[BATCH_BYTES];
};

struct spool {
	struct pieces *pieces;
	pthread_t thread;
	bool running;
	struct batch *batches;
	struct batch *filling;		/* the caller's thread's alone; NULL: it must ask for one */
	pthread_mutex_t lock;		/* of what follows */
	pthread_cond_t given_one, taken_one;
	uint64_t given, taken;		/* batches so far; those between wait, or are being written */
	bool ending;
	int err;
	uint64_t bytes;
};

/* --- the thread -------------------------------------------------------------------------------------------- */

static int batch_write(struct pieces *p, const struct batch *b)
{
	uint32_t i;
	int err = 0;

	for (i = 0; i < b->nothers && !err; i++)
		err = pieces_write(p, &b->others[i]);
	for (i = 0; i < b->nhops && !err; i++)
		err = pieces_hop(p, &b->hops[i]);
	return !err && b->flush ? pieces_flush(p) : err;
}

/* After an error it goes on taking, so that nobody waits for it. */
static void *work(void *data)
{
	struct spool *s = data;
	struct batch *b;
	int err;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		while (s->taken == s->given && !s->ending)
			pthread_cond_wait(&s->given_one, &s->lock);
		if (s->taken == s->given)
			break;
		b = &s->batches[s->taken % BATCHES];
		err = s->err;
		pthread_mutex_unlock(&s->lock);
		err = err ? err : batch_write(s->pieces, b);
		b->nhops = b->nothers = b->nbytes = 0;
		b->flush = false;
		pthread_mutex_lock(&s->lock);
		s->taken++;
		s->err = err;
		s->bytes = pieces_bytes(s->pieces);
		pthread_cond_signal(&s->taken_one);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* --- the side that gives ------------------------------------------------------------------------------------- */

static bool fits(const struct batch *b)
{
	return b->nhops < BATCH_HOPS && b->nothers + SPOOL_FRAMES + 1 <= BATCH_OTHERS &&
	       b->nbytes + TRC_STRING_MAX + 1 <= BATCH_BYTES;
}

/* With the lock held. */
static void hand_over(struct spool *s)
{
	s->filling = NULL;
	s->given++;
	pthread_cond_signal(&s->given_one);
}

/* A batch with room becomes s->filling; NULL stays when all are waiting for the thread and the caller will not. */
static int batch_get(struct spool *s, bool wait)
{
	int err;

	if (s->filling && fits(s->filling))
		return 0;	/* the usual case, for every hop: without the lock */
	pthread_mutex_lock(&s->lock);
	if (s->filling)
		hand_over(s);
	while (wait && s->given - s->taken == BATCHES)
		pthread_cond_wait(&s->taken_one, &s->lock);
	if (s->given - s->taken < BATCHES)
		s->filling = &s->batches[s->given % BATCHES];
	err = s->err;
	pthread_mutex_unlock(&s->lock);
	return err;
}

bool spool_room(struct spool *s)
{
	batch_get(s, false);
	return s->filling;
}

int spool_hop(struct spool *s, const struct trc_hop *hop)
{
	int err = batch_get(s, true);

	if (!err)
		s->filling->hops[s->filling->nhops++] = *hop;
	return err;
}

/* A copy that lives as long as the batch; fits() has seen to it that there is room for one. */
static void *bytes_keep(struct batch *b, const void *from, size_t size)
{
	void *to = b->bytes + b->nbytes;

	memcpy(to, from, size);
	b->nbytes += (size + 3) & ~3u;
	return to;
}

static const char *text_keep(struct batch *b, const char *s)
{
	return s ? bytes_keep(b, s, strnlen(s, TRC_STRING_MAX) + 1) : NULL;
}

/* What the record points to is copied, but the texts of a function. */
static int other_keep(struct batch *b, struct trc_record *rec)
{
	switch (rec->kind) {
	case TRC_PROC:
		rec->proc.name = text_keep(b, rec->proc.name);
		rec->proc.command = text_keep(b, rec->proc.command);
		return 0;
	case TRC_FRAMES:
		if (rec->frames.count > SPOOL_FRAMES)
			return -EINVAL;
		rec->frames.frames = bytes_keep(b, rec->frames.frames, rec->frames.count * sizeof(*rec->frames.frames));
		return 0;
	case TRC_DATA:
		if (rec->data.size > TRC_STRING_MAX)
			return -EINVAL;
		rec->data.bytes = bytes_keep(b, rec->data.bytes, rec->data.size);
		return 0;
	case TRC_FUNC:
	case TRC_LOSS:
	case TRC_EDGE:
		return 0;
	default:
		return -EINVAL;		/* its texts would have to be copied; nobody sends it this way */
	}
}

int spool_write(struct spool *s, const struct trc_record *rec)
{
	int err = batch_get(s, true);
	struct trc_record copy = *rec;

	if (!err)
		err = other_keep(s->filling, &copy);
	if (!err)
		s->filling->others[s->filling->nothers++] = copy;
	return err;
}

bool spool_flush(struct spool *s)
{
	bool idle;

	if (!spool_room(s))
		return false;
	pthread_mutex_lock(&s->lock);
	idle = s->given == s->taken;
	if (idle) {
		s->filling->flush = true;	/* an empty one too: the writer may hold rows of those before */
		hand_over(s);
	}
	pthread_mutex_unlock(&s->lock);
	return idle;
}

int spool_error(struct spool *s)
{
	int err;

	pthread_mutex_lock(&s->lock);
	err = s->err;
	pthread_mutex_unlock(&s->lock);
	return err;
}

uint64_t spool_bytes(struct spool *s)
{
	uint64_t bytes;

	pthread_mutex_lock(&s->lock);
	bytes = s->bytes;
	pthread_mutex_unlock(&s->lock);
	return bytes;
}

/* --- opening, finishing ----------------------------------------------------------------------------------------- */

/* Signals are for the main thread: it ends the recording, and the writes of this one are not disturbed. */
static int thread_start(struct spool *s)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&s->thread, NULL, work, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	s->running = !err;
	return -err;
}

int spool_open(struct spool **out, struct pieces *p)
{
	struct spool *s = calloc(1, sizeof(*s));
	int err = -ENOMEM;

	*out = NULL;
	if (!s)
		return err;
	s->pieces = p;
	s->bytes = pieces_bytes(p);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->given_one, NULL);
	pthread_cond_init(&s->taken_one, NULL);
	s->batches = calloc(BATCHES, sizeof(*s->batches));
	if (s->batches)
		err = thread_start(s);
	if (err) {
		spool_free(s);
		return err;
	}
	*out = s;
	return 0;
}

int spool_finish(struct spool *s)
{
	if (!s->running)
		return s->err;
	pthread_mutex_lock(&s->lock);
	if (s->filling)
		hand_over(s);
	s->ending = true;
	pthread_cond_signal(&s->given_one);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	s->running = false;
	return s->err;
}

void spool_free(struct spool *s)
{
	if (!s)
		return;
	spool_finish(s);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->given_one);
	pthread_cond_destroy(&s->taken_one);
	free(s->batches);
	free(s);
}
