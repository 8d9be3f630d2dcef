/* SPDX-License-Identifier: GPL-2.0 */
/*
 * diff.h - compare two recordings: what pktdiff's files share.
 *
 *   diff.c         the order of it
 *   diff_sides.c   can they be compared, and what of them: functions, namespaces, devices under names common to both
 *   diff_path.c    one packet's hops as a normalized path
 *   diff_class.c   packets into classes by a key that is fixed before the outcome; outcomes and ways counted
 *   diff_judge.c   which classes differ: unanimous, or by Fisher's exact test
 *   diff_typical.c many packets: an exemplar, and the place after which they part
 *   diff_locate.c  where the path of a bad packet parts from that of a good one
 *   diff_words.c   the verdict in one sentence, and the evidence in a few
 *   diff_latency.c where packets became slower or faster, when that is asked for
 *   diff_system.c  in what the two systems differ: rules, routes, settings, devices, by their snapshots
 *   diff_cause.c   which of that explains the divergence
 *   diff_notes.c   what else the two files tell that differs
 *   diff_show.c, diff_json.c   renderers
 *
 * Whatever is compared across the two recordings is a name id: equal text has an equal id, 0 is "none, do not compare".
 * Memory belongs to struct diff and goes with it; running out of it ends the program with status 2.
 */
#ifndef PKT_DIFF_H
#define PKT_DIFF_H

#include "model.h"

struct diff;
struct class;

/* a packet that was in flight and not seen for so long before the end was stuck, not cut off */
#define STUCK_NS 50000000ull
/* an outcome is said to depend on the recording when chance explains it with less than this */
#define SIGNIFICANT 0.01

/* least difference of two shares that is told: of ends, of ways */
#define OUTCOME_EFFECT 0.001
#define WAY_EFFECT 0.1

/* least shift of a time that is told */
#define CLIFF_MIN 0.147
#define SHIFT_SHARE 0.05
#define SHIFT_NS 200

#define VERDICT_MAX 2600	/* bytes of the verdict */

struct side {
	const struct model *m;
	const char *name;	/* what we call it: the file's name, no longer than needed */
	uint32_t *shared;	/* by function id: name id when probed in both, else 0 */
	struct cached *netns;	/* label ids, by inode */
	struct cached *reasons;
	struct cached *devices;
	uint64_t end_ns;	/* when the recording ended */
	const char *filter;	/* which packets were to be recorded */
	uint32_t *next;		/* by packet: chain through the packets of a tally */
	uint32_t *after;	/* by packet: index + 1 of the one that XDP rebuilt it as, and it goes on as; NULL = no packet does */
	struct answer *answers;	/* to what the kernel answers by itself */
	bool *continues;	/* by packet: it is such a one, and none by itself */
	size_t censored;	/* packets that may lack hops */
	size_t compared;	/* packets that were evidence */
	uint8_t hooks[16];	/* by family: bits of the netfilter hooks that were traversed */
	size_t unproved;	/* classes that seem to be missing, but the recording is not whole */
};

/* One function on a packet's way, with what was known only when it returned. */
struct step {
	uint64_t key;		/* the same thing in both recordings has the same key; 0 = not comparable */
	const struct packet *packet;	/* that of the path, or what that was rebuilt as */
	uint32_t hop;		/* index into its hops */
	uint32_t repeats;	/* further times in a row */
	int32_t verdict;
	uint32_t core;		/* name id of the boundary it marks for the way, 0 = none */
	bool returned;		/* verdict is known */
	bool hook;		/* a netfilter hook */
	bool inner;		/* work inside a hook: not part of the outer way */
	bool drop;		/* the kernel's report of the drop */
};

struct path {
	const struct side *side;
	const struct packet *packet;
	const struct packet *last;	/* that ends: the same, or what it was rebuilt as */
	struct step *steps;
	size_t n, room;
	size_t end;		/* steps from here on only free the packet */
	size_t drop;		/* step of the drop that decided, n = none */
	size_t decisive;	/* step that decided: the hook, the function of the drop, or the last one */
	bool netfilter;		/* the decisive step is a hook's verdict */
};

/* Compared as bytes: no padding, and only what can be compared is set. */
struct outcome {
	uint32_t fate;
	uint32_t place;		/* function of a drop; of what is consumed, that left it without an answer */
	uint32_t reason;	/* of a drop */
	uint32_t netns;		/* where it was delivered or sent */
	uint32_t hook;		/* 0x10000 | family << 8 | hook, when netfilter dropped it */
};

static inline bool outcome_unanswered(const struct outcome *o)
{
	return o->fate == FATE_CONSUMED && o->place;
}

enum tcp_kind { TCP_NONE, TCP_SYN, TCP_SYNACK, TCP_RST, TCP_FLOW };

struct key {			/* zeroed before it is filled: hashed as bytes */
	uint32_t entry;		/* first comparable function; 0 in a loose class */
	uint32_t netns;
	uint16_t ethertype;
	uint16_t port;		/* of the service; 0 = none or both ephemeral */
	uint8_t l4proto;
	uint8_t toward;		/* 1 = to the service's port, 2 = from it */
	uint8_t received;	/* came from outside, not from this machine */
	uint8_t icmp_type;
	uint8_t tcp;		/* enum tcp_kind */
	uint8_t multicast;
	uint8_t pad[2];
};

/* Packets of one class with the same outcome on the same way. */
struct tally {
	const struct class *class;
	struct outcome outcome;
	uint64_t way;
	uint32_t count[2];
	uint32_t first[2];	/* packet index + 1, 0 = none; the others follow through side.next */
	uint32_t last[2];
};

struct class {
	struct key key;
	uint32_t all[2];	/* packets, the censored too */
	uint32_t flying[2];	/* of them still in flight at the end, and so no evidence */
	uint32_t lossy[2];	/* of them lived while hops were lost */
	uint32_t originated[2];	/* of them made by a process */
	uint32_t example[2];	/* packet index + 1 of the first of all */
	uint64_t first_ns[2];	/* since the first hop of the recording */
	struct tally **tallies;
	size_t ntallies, room;
	uint32_t number;
	bool found;		/* there is a finding of it */
	bool present[2];	/* of a loose class: packets of its key, in whatever class */
	bool loose;		/* made of classes without a partner, whatever their first function */
};

enum finding_kind {
	FINDING_OUTCOME,	/* the same packets end differently */
	FINDING_WAY,		/* they end alike, but go another way */
	FINDING_MISSING,	/* there are none in one recording */
};

struct finding {
	enum finding_kind kind;
	const struct class *class;
	int bad;		/* side that fares worse; of a missing class: that has none */
	struct outcome outcome[2];
	const struct tally *tally[2];	/* the packets like them; NULL when missing */
	uint32_t packet[2];	/* exemplars: packet index + 1; 0 = none */
	uint32_t hits[2];	/* packets with that outcome (or way) ... */
	uint32_t total[2];	/* ... of so many */
	double p;
	uint64_t when_ns;
	bool origin;		/* the others follow from it */
	bool proved;		/* chance might explain it, but what dropped them is only there, and counted them */
	const char *cause;	/* of others than the first: in words, "" = not known */
};

/* Many packets: the place after which their ways depend most clearly on the recording. */
struct parting {
	uint64_t from;		/* key of the place, 0 = the packet's beginning */
	uint32_t netns;		/* where that is: label */
	uint32_t packet;	/* one of the worse side that went there: index + 1, 0 = no such place */
	size_t step;		/* the step that it came to */
	bool to_end;		/* it ended there */
	uint32_t hits[2], total[2];	/* how many of those at the place went so */
	double p;
};

/* Two packets' paths, step against step. */
struct pair {
	uint32_t step[2];
};

struct locus {
	struct path path[2];
	struct pair *pairs;	/* outer steps that fit, in order */
	size_t npairs;
	size_t last[2];		/* steps of the last common boundary; path.n = none */
	size_t next[2];		/* where each goes from there; path.end = ends */
	bool same_hook;		/* the good packet passed the same hook */
	uint32_t chain;		/* function id + 1 that ran inside the deciding hook, 0 = unknown */
};

/* Something of the two systems that differs: see schema/things.sql. */
struct change {
	const char *kind, *name;
	const char *say;	/* the whole of it, "" = its name and value */
	const char *device, *prefix, *hook;	/* that it is about, "" = none */
	const char *action[2];	/* of a rule */
	const char *value[2];	/* NULL: it is not there */
	const char *was[2];	/* at the start */
	int64_t moved[2];	/* what it counted */
	bool counts;
	uint32_t netns;		/* label, 0 = the machine */
};

struct cause {
	const struct change *change;
	int score;
};

/* What may explain a finding, the likeliest first. */
struct causes {
	struct cause *list;
	size_t n;
	const char *plain;	/* what the drop's reason says by itself, NULL = nothing */
	bool vague;		/* and that is not much: any difference of the systems is better */
};

/* The time of a class between two boundaries, and how it shifted from the first recording to the second. */
struct shift {
	const struct class *class;
	const struct func *boundary[2];	/* between these ... */
	const struct func *from, *to;	/* ... and of that most between these, in the slower one */
	struct trc_hop hop;	/* where that begins */
	unsigned int time;		/* how that is spent: latency.h */
	double ns, low_ns, high_ns;	/* the shift and its 95 % interval */
	double median_ns[2], waiting_ns[2];	/* of the medians of bursts */
	double within_ns[2];		/* how much these vary within a recording */
	double p, delta;		/* rank test; Cliff's delta */
	size_t bursts[2], packets[2];
	uint32_t packet[2];		/* exemplars: index + 1 */
	bool large;
};

struct diff {
	struct side side[2];
	struct names *names;
	struct table *table;	/* of classes and tallies */
	struct block *blocks;

	bool same_kernel;
	bool same_filter;
	size_t shared;		/* functions probed in both */
	struct class **classes;
	size_t nclasses, compared;
	size_t tested;		/* comparisons in which chance had to be excluded */
	size_t background;	/* classes that are nobody's packets and were not judged */
	struct finding *findings;	/* the first is the verdict */
	size_t nfindings, findings_room;
	struct finding *suspects;	/* drops that may be chance */
	size_t nsuspects, suspects_room;
	struct locus locus;		/* of the first */
	struct parting parting;		/* of the first */
	struct change *changes;
	size_t nchanges;
	struct causes causes;		/* of the first */
	bool latency;			/* was asked for, and compared */
	struct shift *shifts;		/* largest first */
	size_t nshifts, shifts_room;
	size_t shifts_tested, shifts_untested;	/* segments; those of too few bursts */
	struct causes slow_causes;	/* of the first shift */
	const char *system_trouble;	/* why the systems could not be compared, NULL = they were */
	char **notes;
	size_t nnotes, notes_room;
};

/* diff_sides.c */
void *diff_alloc(struct diff *d, size_t count, size_t size);	/* zeroed, freed with d */
void *diff_grow(void *array, size_t *room, size_t need, size_t size);	/* an array of your own */
const char *diff_text(struct diff *d, const char *text);	/* a copy */
uint32_t name_id(struct diff *d, const char *text);		/* never 0, but for "" */
const char *name_text(const struct diff *d, uint32_t id);
/* Name two models' common part.  0, or -EINVAL with one sentence in error[size]: they cannot be compared. */
int sides_prepare(struct diff *d, const struct model *a, const struct model *b, char *error, size_t size);
void sides_free(struct diff *d);
bool side_is_whole(const struct side *side);	/* ended, and nothing lost */
uint32_t side_netns(struct diff *d, int s, uint32_t netns);	/* label id, 0 = no counterpart in the other */
uint32_t side_device(struct diff *d, int s, uint32_t netns, uint32_t ifindex);
uint32_t side_reason(struct diff *d, int s, int32_t reason);
const char *func_plain(const char *name, char *buf, size_t size);	/* without .isra.0 and the like */

/* diff_path.c */
void rebuilt_find(struct diff *d, int s);
const struct packet *packet_ends_as(const struct side *side, const struct packet *p);	/* itself, or what it was rebuilt as at last */
void path_build(struct diff *d, int s, const struct packet *p, struct path *path);	/* reuses path->steps */
void path_build_alone(struct diff *d, int s, const struct packet *p, struct path *path);	/* without what it was rebuilt as */
void path_free(struct path *path);
uint64_t path_way(const struct path *path, bool with_socket);	/* hash of the boundaries crossed, in order */
const struct trc_hop *step_hop(const struct path *path, size_t step);
const struct func *step_func(const struct path *path, size_t step);
bool stage_is(const struct func *f, const char *stage);
static inline bool path_is_dropped_by_hook(const struct path *path)
{
	return path->n && path->netfilter;
}

/* diff_class.c */
void classes_build(struct diff *d);
void classes_free(struct diff *d);
bool key_is_background(const struct key *k);	/* made by the kernel for itself: ARP, neighbour discovery, ... */
bool key_is_error(const struct key *k);		/* an answer that says that something failed: ICMP errors, TCP RST */
const char *key_protocol(const struct key *k, char *buf, size_t size);	/* "TCP SYN" */
const char *key_text(const struct diff *d, const struct key *k, char *buf, size_t size);

/* diff_answer.c */
void answers_find(struct diff *d, int s);
bool answer_is_missing(const struct diff *d, int s, const struct packet *p);	/* a request that the kernel answers, but did not */
void answers_free(struct diff *d, int s);

/* diff_judge.c */
double fisher_exact(uint32_t k0, uint32_t n0, uint32_t k1, uint32_t n1);	/* two-sided p */
void classes_judge(struct diff *d);
void suspects_judge(struct diff *d);	/* after system_compare() */

void wilson(uint32_t hits, uint32_t total, double *low, double *high);	/* 95 % confidence interval of a share */

/* diff_typical.c */
uint32_t typical_packet(struct diff *d, int s, const struct tally *t);	/* index + 1 */
double g_test_log(const uint32_t (*cells)[2], size_t n);		/* log p of n kinds on two sides */
void parting_find(struct diff *d, const struct finding *f, struct parting *out);
const char *say_parting(const struct diff *d, const struct parting *p, char *buf, size_t size);

/* diff_locate.c */
void locate(struct diff *d, const struct finding *f, struct locus *l);
bool step_is_place(const struct path *path, size_t step);	/* says where the packet is, not how it is handled there */
size_t next_place(const struct path *path, size_t from);
void locus_free(struct locus *l);

/* diff_words.c: each writes into buf and answers it */
const char *say_verdict(const struct diff *d, char *buf, size_t size);
const char *say_finding(const struct diff *d, const struct finding *f, char *buf, size_t size);
const char *say_outcome(const struct diff *d, const struct finding *f, int s, char *buf, size_t size);
const char *say_hook(const struct step *st, const struct trc_hop *h, char *buf, size_t size);
const char *say_change(const struct diff *d, const struct change *c, int bad, char *buf, size_t size);
bool finding_is_consequence(const struct diff *d, const struct finding *f);

/* diff_latency.c */
void latency_compare(struct diff *d);
double rank_test(const double *a, size_t na, const double *b, size_t nb, double *delta);	/* two-sided p; Cliff's delta of b over a */

/* diff_system.c */
void system_compare(struct diff *d);

/* diff_cause.c */
void causes_find(struct diff *d, const struct finding *f, const struct locus *l, struct causes *out);
bool causes_prove(const struct causes *c, int bad, uint32_t hits);	/* that so many drops are no chance */
const char *say_cause(const struct diff *d, const struct causes *c, int bad, char *buf, size_t size);	/* "": not known */

bool change_is_other(const struct diff *d, const struct change *c);	/* touches nothing, but worth a line */

/* diff_notes.c */
void notes_collect(struct diff *d);

const char *say_shift(const struct diff *d, const struct shift *x, char *buf, size_t size);
void causes_find_slow(struct diff *d, const struct shift *x, struct causes *out);

/* All of it.  0 the same, 1 different, -EINVAL not comparable with one sentence in error[size]. */
int diff_run(struct diff *d, const struct model *a, const struct model *b, char *error, size_t size);
int diff_run_latency(struct diff *d, const struct model *a, const struct model *b, char *error, size_t size);	/* compares times, too */
void diff_free(struct diff *d);

/* renderers */
struct term;
void diff_show(const struct diff *d, const struct term *t, bool brief);
void diff_json(const struct diff *d, FILE *out);

#endif
