/* SPDX-License-Identifier: GPL-2.0 */
/*
 * diff_pair.h - two small recordings, compared: what the tests of pktdiff's verdicts share.
 */
#ifndef DIFF_PAIR_H
#define DIFF_PAIR_H

#include "diff_world.h"

struct pair_of_worlds {
	struct world w[2];
	struct diff d;
	int status;
	char verdict[VERDICT_MAX];
	char error[700];
};

static inline void begin(struct pair_of_worlds *p)
{
	world_open(&p->w[0], 0);
	world_open(&p->w[1], 3);
}

static inline void compare_ended(struct pair_of_worlds *p, bool ended)
{
	p->error[0] = p->verdict[0] = '\0';
	world_model(&p->w[0], true);
	world_model(&p->w[1], ended);
	p->status = diff_run(&p->d, p->w[0].model, p->w[1].model, p->error, sizeof(p->error));
	if (p->status >= 0)
		say_verdict(&p->d, p->verdict, sizeof(p->verdict));
}

static inline void compare(struct pair_of_worlds *p)
{
	compare_ended(p, true);
}

static inline void end(struct pair_of_worlds *p)
{
	diff_free(&p->d);
	world_close(&p->w[0]);
	world_close(&p->w[1]);
}

static inline void assert_says(const char *verdict, const char *words)
{
	if (!strstr(verdict, words))
		fail_msg("\"%s\" is not in: %s", words, verdict);
}

static inline void play(struct world *w, const struct flow *f, const char *script, int times)
{
	while (times-- > 0)
		world_play(w, f, script);
}

static inline bool noted(const struct diff *d, const char *words)
{
	for (size_t i = 0; i < d->nnotes; i++)
		if (strstr(d->notes[i], words))
			return true;
	return false;
}

static const struct flow web = { 6, 40000, 80, 1, 2, 100, .tcp_flags = 2 };
#define WEB_OK "#1 __ip_queue_xmit __ip_local_out " IP_OUT DEV_OUT "#2 " UDP_IN "tcp_v4_rcv consume_skb" FREED

#endif
