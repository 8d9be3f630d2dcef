// SPDX-License-Identifier: GPL-2.0
/*
 * spool.c - a ring of batches and the one thread that empties it into the writer.
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

#include "spool.h"

#define BATCHES 16
#define BATCH_HOPS 4096		/* half a megabyte each, 8 in all */
#define BATCH_OTHERS 512
#define NAME_BYTES 32

struct other {
	struct trc_record rec;
	union {
		char name[NAME_BYTES];
		uint32_t frames[SPOOL_FRAMES];
	};
};

struct batch {
	uint32_t nhops, nothers;
	bool flush;
	struct trc_hop hops[BATCH_HOPS];
	struct other others[BATCH_OTHERS];
};

struct spool {
	struct trc_writer *writer;
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

static int batch_write(struct trc_writer *w, const struct batch *b)
{
	uint32_t i;
	int err = 0;

	for (i = 0; i < b->nothers && !err; i++)
		err = trc_write(w, &b->others[i].rec);
	for (i = 0; i < b->nhops && !err; i++)
		err = trc_write_hop(w, &b->hops[i]);
	return !err && b->flush ? trc_writer_flush(w) : err;
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
		err = err ? err : batch_write(s->writer, b);
		b->nhops = b->nothers = 0;
		b->flush = false;
		pthread_mutex_lock(&s->lock);
		s->taken++;
		s->err = err;
		s->bytes = trc_writer_bytes(s->writer);
		pthread_cond_signal(&s->taken_one);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* --- the side that gives ------------------------------------------------------------------------------------- */

static bool fits(const struct batch *b)
{
	return b->nhops < BATCH_HOPS && b->nothers + SPOOL_FRAMES + 1 <= BATCH_OTHERS;
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

int spool_write(struct spool *s, const struct trc_record *rec)
{
	int err = batch_get(s, true);
	struct other *o;

	if (err)
		return err;
	o = &s->filling->others[s->filling->nothers];
	o->rec = *rec;
	if (rec->kind == TRC_PROC) {
		strncpy(o->name, rec->proc.name, sizeof(o->name) - 1);
		o->name[sizeof(o->name) - 1] = 0;
		o->rec.proc.name = o->name;
	} else if (rec->kind == TRC_STACK) {
		if (rec->stack.count > SPOOL_FRAMES)
			return -EINVAL;
		memcpy(o->frames, rec->stack.frames, rec->stack.count * sizeof(*o->frames));
		o->rec.stack.frames = o->frames;
	} else if (rec->kind != TRC_FUNC && rec->kind != TRC_LOSS) {
		return -EINVAL;		/* its texts would have to be copied; nobody sends it this way */
	}
	s->filling->nothers++;
	return 0;
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

int spool_open(struct spool **out, struct trc_writer *w)
{
	struct spool *s = calloc(1, sizeof(*s));
	int err = -ENOMEM;

	*out = NULL;
	if (!s)
		return err;
	s->writer = w;
	s->bytes = trc_writer_bytes(w);
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
