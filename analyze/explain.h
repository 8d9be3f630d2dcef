/* SPDX-License-Identifier: GPL-2.0 */
/*
 * explain.h - the story of one packet in sentences, each with the hops that prove it.
 *
 * Nothing is said that the recording does not show; what it cannot show is said to be not known.
 */
#ifndef PKT_EXPLAIN_H
#define PKT_EXPLAIN_H

#include "hooks.h"
#include "model.h"

struct explain_step {
	const char *label;	/* "Origin", "Netfilter", ...: borrowed */
	char *text;
};

struct explain {
	struct explain_step *steps;
	size_t count;
};

int explain_packet(struct explain *out, const struct model *m, const struct packet *p);	/* 0 or -ENOMEM */
void explain_free(struct explain *e);

/* Neighbour discovery, ARP, multicast reports: traffic that no process asked for. */
bool packet_is_housekeeping(const struct packet *p);

/* --- between the files of explain ---------------------------------------------------------------------------- */

struct story {
	const struct model *m;
	const struct packet *p;
	struct explain *out;
	uint32_t *returns;	/* packet_returns() */
	const char *told;	/* the stage that was told last */
	bool has_netns;
	uint32_t netns;		/* of the hop before */
	uint32_t queued;	/* hop at which a socket got it, or NO_HOP */
	bool netfilter_known;	/* the function that traverses hooks was probed and no hop was lost */
	uint32_t passed[HOOK_POINTS_MAX];	/* hop at which a hook's place was reached, or NO_HOP */
	int err;
};

void story_say(struct story *s, const char *label, const char *format, ...) __attribute__((format(printf, 3, 4)));
void tell_origin(struct story *s);
void tell_hook(struct story *s, uint32_t i);
void tell_unvisited(struct story *s, uint32_t i);
void tell_fate(struct story *s);
void tell_unknown(struct story *s);
bool stage_probed(const struct model *m, const char *stage);
/* "ip_send_skb (hop 2), __ip_local_out (hop 3)": functions of that stage from hop i until another stage begins */
char *stage_functions(const struct story *s, uint32_t i);

#endif
