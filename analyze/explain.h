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
#include "routes.h"
#include "rules.h"

/* Something that a sentence names, for those who read with programs. */
struct explain_thing {
	const char *key;	/* "hook", "route", "duration_ns": borrowed */
	char *text;		/* NULL: it is a number */
	int64_t number;
};

struct explain_step {
	const char *label;	/* "Origin", "Netfilter", ...: borrowed */
	char *text;
	uint32_t *hops;		/* that it cites, from 1, in order and once each */
	size_t nhops;
	struct explain_thing *things;
	size_t nthings;
};

struct explain {
	struct explain_step *steps;
	size_t count;
};

/* What the snapshots of the same recording say; a part that is NULL is not known. */
struct explain_system {
	struct rulebook *rules;
	struct routebook *routes;
};

int explain_system_open(struct explain_system *out, const struct model *m);	/* 0 or -ENOMEM */
void explain_system_close(struct explain_system *system);

int explain_packet(struct explain *out, const struct model *m, const struct packet *p, const struct explain_system *system);	/* 0 or -ENOMEM */
void explain_free(struct explain *e);

/* Neighbour discovery, ARP, multicast reports: traffic that no process asked for. */
bool packet_is_housekeeping(const struct packet *p);

/* --- between the files of explain ---------------------------------------------------------------------------- */

/* To whom the route leads, "" = to nobody or not known. */
struct next_hop {
	uint32_t netns;
	char dev[64], address[64];
};

struct story {
	const struct model *m;
	const struct packet *p;
	struct explain *out;
	uint32_t *returns;	/* packet_returns() */
	const char *told;	/* the stage that was told last */
	bool has_netns;
	uint32_t netns;		/* of the hop before */
	uint32_t queued;	/* hop at which a socket got it, or NO_HOP */
	uint32_t to_queue;	/* hop at which a device's queue got it, or NO_HOP */
	bool netfilter_known;	/* the function that traverses hooks was probed and no hop was lost */
	uint32_t passed[HOOK_POINTS_MAX];	/* hop at which a hook's place was reached, or NO_HOP */
	const struct rulebook *rules;
	const struct routebook *routes;
	struct next_hop next;
	bool has_tuple;
	struct tuple tuple;	/* as the last boundary saw it */
	uint32_t tuple_hop;	/* that boundary */
	bool sent, received, route_told;	/* handed to IP; taken from a device; a route was spoken of */
	const char *said;	/* the saying that came last */
	uint32_t said_device;
	uint32_t kin;		/* of p->kin so many were told */
	size_t made;		/* index of the next packet that may have been made by this one */
	struct explain_step next_step;	/* what was cited and named for it so far */
	int err;
};

/* The hop's number as people write it; the sentence that is said next cites it. */
uint32_t cite(struct story *s, uint32_t i);
void step_cite(struct story *s, struct explain_step *step, uint32_t i);
void step_name(struct story *s, struct explain_step *step, const char *key, const char *text);
void explain_step_free(struct explain_step *step);
/* The sentence that is said next names this; "" is nothing. */
void story_name(struct story *s, const char *key, const char *text);
void story_count(struct story *s, const char *key, int64_t number);
void story_say(struct story *s, const char *label, const char *format, ...) __attribute__((format(printf, 3, 4)));
void tell_origin(struct story *s);
void tell_hook(struct story *s, uint32_t i);
void tell_unvisited(struct story *s, uint32_t i);
void tell_rules(struct story *s, uint32_t hook, bool drops);
void tell_filters(struct story *s);	/* of a packet that traffic control dropped */
bool has_saying(const char *function);
bool has_parent(const struct model *m, const struct packet *p);	/* came from another packet */
void tell_saying(struct story *s, uint32_t i);
void tell_address(struct story *s, uint32_t i);
void tell_kin(struct story *s, uint64_t until_ns);
void tell_made(struct story *s, uint64_t until_ns);
void tell_maker(struct story *s);
void tell_tcp(struct story *s);
void tell_fate(struct story *s);
void tell_unknown(struct story *s);
bool stage_seen(const struct story *s, const char *stage);
bool stage_probed(const struct model *m, const char *stage);
#define STAGE_NAMED_MAX 6	/* functions named in one sentence */
/* "ip_send_skb (hop 2), __ip_local_out (hop 3)": functions of that stage from hop i until another stage begins; their hops */
char *stage_functions(const struct story *s, uint32_t i, uint32_t hops[STAGE_NAMED_MAX], size_t *nhops);

/* Where a packet was seen to go after a route was looked up: to this machine, on to another, out of it, nowhere. */
enum goes { GOES_HERE, GOES_ON, GOES_OUT, GOES_NONE };
/* What can be said of the route in the snapshots: its text alone, as all agree, or a sentence without its full stop. */
enum told_route { TOLD_NOTHING, TOLD_ROUTE, TOLD_SENTENCE };
/* in: device that it came from, NULL = this machine sends it; out: device it leaves by, NULL = not seen */
enum told_route tell_of_route(struct story *s, uint32_t i, const char *in, const char *out, enum goes goes, char *buf, size_t size);
bool next_hop_text(struct story *s, const char *dev, char *buf, size_t size);
void tell_next_hop(struct story *s, const char *dev);
bool queue_text(const struct story *s, const char *dev, bool *none, char *buf, size_t size);

/* The packet during whose handling p was made, and the hop that shows it; NULL: none is known. */
const struct packet *packet_maker(const struct model *m, const struct packet *p, uint32_t *hop);

/* What a hop shows of addresses; false: nothing that is whole. */
bool hop_tuple(struct tuple *t, const struct trc_hop *h);
enum header_change { CHANGE_SOURCE = 1, CHANGE_DESTINATION = 2, CHANGE_HEADER = 4 };	/* or-ed; the last is another protocol */
const char *tuple_end(const struct tuple *t, bool source, char *buf, size_t size);	/* "10.0.0.1:53" */
enum header_change tuple_change(const struct tuple *a, const struct tuple *b);

#endif
