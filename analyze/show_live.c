// SPDX-License-Identifier: GPL-2.0
/*
 * show_live.c - packets line by line while the recorder is still writing: pktrec -o - | pktshow -
 *
 * A thread of its own waits for the pipe, so that a silence does not hold back the packets that came before it.
 *
 * Ctrl-C reaches the recorder too: it ends the recording, and here the end of the pipe is waited for, but not for long.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "live.h"
#include "sanitize.h"
#include "select.h"
#include "show.h"

#define LOOK_NS 100000000ULL		/* how often to look whether a packet is over */
#define PATIENCE_NS 3000000000ULL	/* after Ctrl-C */

struct feed {
	struct trc_reader *reader;
	pthread_t thread;
	pthread_mutex_t lock;		/* of what follows */
	pthread_cond_t news, room;
	struct live *live;
	bool done;
	int err;
	const struct selector *selector;	/* NULL: every packet */
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
	interrupted = number;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

bool show_is_live(const struct show_options *o)
{
	struct stat st;

	return !strcmp(o->file, "-") && o->view == SHOW_LIST && !o->packet && !o->explain && !o->path && !fstat(STDIN_FILENO, &st) &&
	       (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
}

/* Everything that is read goes into f->live; waiting for the pipe happens without the lock, and can be cancelled. */
static void *feed_run(void *data)
{
	struct feed *f = data;
	struct trc_record rec;
	int err, state;

	for (;;) {
		err = trc_reader_next(f->reader, &rec);
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
		pthread_mutex_lock(&f->lock);
		while (live_full(f->live))
			pthread_cond_signal(&f->news), pthread_cond_wait(&f->room, &f->lock);
		if (err > 0)
			err = live_take(f->live, &rec, now_ns()) ?: 1;
		f->done = err <= 0;
		f->err = err < 0 ? err : 0;
		if (f->done)
			pthread_cond_signal(&f->news);
		pthread_mutex_unlock(&f->lock);
		if (err <= 0)
			return NULL;
		pthread_setcancelstate(state, NULL);
	}
}

/* What is over is printed with the lock held: the pipe, and behind it the recorder's memory, can wait. */
static int print_over(const struct term *t, const struct show_options *o, struct feed *f, bool all)
{
	const struct model *m;
	int err;

	while ((err = live_next(f->live, now_ns(), all, &m)) > 0) {
		if (f->selector && !selector_matches(f->selector, m, &m->packets[0], NULL))
			continue;
		if (o->json)
			show_list_json(t, m);
		else
			show_live_line(t, m);
	}
	pthread_cond_signal(&f->room);
	if (!err && fflush(t->out))
		err = -errno;
	return err;
}

static int print_until_done(const struct term *t, const struct show_options *o, struct feed *f)
{
	uint64_t until = 0;
	struct timespec look;
	bool done;
	int err;

	pthread_mutex_lock(&f->lock);
	do {
		done = f->done || (until && now_ns() >= until);
		err = print_over(t, o, f, done);
		if (done || err)
			break;
		if (interrupted && !until)
			until = now_ns() + PATIENCE_NS;
		clock_gettime(CLOCK_MONOTONIC, &look);
		look.tv_nsec += LOOK_NS;
		look.tv_sec += look.tv_nsec / 1000000000;
		look.tv_nsec %= 1000000000;
		pthread_cond_clockwait(&f->news, &f->lock, CLOCK_MONOTONIC, &look);
	} while (true);
	pthread_mutex_unlock(&f->lock);
	return err;
}

static void counts_print(struct live_counts c)
{
	fprintf(stderr, "%" PRIu64 " packet%s, %" PRIu64 " hop%s", c.packets, c.packets == 1 ? "" : "s", c.hops, c.hops == 1 ? "" : "s");
	if (c.late)
		fprintf(stderr, ", %" PRIu64 " more of packets that were shown before", c.late);
	fprintf(stderr, c.lost ? ", %" PRIu64 " lost\n" : "\n", c.lost);
}

/* The reader's thread was started with signals blocked: they are for the one that prints. */
static int feed_start(struct feed *f)
{
	struct sigaction end = { .sa_handler = on_interrupt, .sa_flags = SA_RESETHAND };
	sigset_t all, old;
	int err;

	sigaction(SIGINT, &end, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&f->thread, NULL, feed_run, f);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -err;
}

static void words(char *trouble, size_t size, const struct trc_reader *r, int err)
{
	const char *said = trc_reader_error(r);

	sanitize(trouble, size, err == -ENOMEM ? "out of memory" : err == -E2BIG ? "claims more names than any machine has" :
		 said && *said ? said : strerror(-err));
}

int show_live(const struct term *t, const struct show_options *o, const struct selector *s, char *trouble, size_t size)
{
	struct feed f = { .selector = s, .lock = PTHREAD_MUTEX_INITIALIZER, .news = PTHREAD_COND_INITIALIZER, .room = PTHREAD_COND_INITIALIZER };
	int err = trc_reader_open(&f.reader, o->file);

	if (err) {
		words(trouble, size, NULL, err);
		return err;
	}
	if (!o->json)
		show_live_line(t, NULL);
	fflush(t->out);
	err = live_open(&f.live, "standard input") ?: feed_start(&f);
	if (!err) {
		err = print_until_done(t, o, &f);
		pthread_cancel(f.thread);
		pthread_join(f.thread, NULL);
		err = err ?: f.err;
		counts_print(live_counts(f.live));
	}
	if (err)
		words(trouble, size, f.reader, err);
	else if (f.done && *trc_reader_trouble(f.reader))
		sanitize(trouble, size, trc_reader_trouble(f.reader));
	live_free(f.live);
	trc_reader_free(f.reader);
	return err;
}
