/* SPDX-License-Identifier: GPL-2.0 */
/*
 * show.h - what the parts of pktshow offer each other.
 *
 * show_words.c says things about one packet in a few words; show_fold.c turns its hops into the rows worth
 * reading; explain.h tells its story; every show_*() prints one view of a recording.
 */
#ifndef PKT_SHOW_H
#define PKT_SHOW_H

#include <string.h>

#include "model.h"
#include "render.h"

#define NO_HOP UINT32_MAX

/* --- words about one packet: each writes into buf and answers it ------------------------------------------ */
const char *packet_place(const struct model *m, const struct packet *p, char *buf, size_t size);	/* "cl veth-c" */
const struct trc_hop *packet_tcp(const struct model *m, const struct packet *p);	/* the first hop with TCP's header, NULL: none */
enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };	/* .tcp_flags */
const char *packet_text(const struct model *m, const struct packet *p, char *buf, size_t size);	/* its tuple; of TCP, what it says: SYN */
/* A clone or copy of p that a socket got: what is reported of p itself then is no loss.  NULL: there is none. */
const struct packet *packet_delivered_clone(const struct model *m, const struct packet *p);
const char *packet_fate_text(const struct model *m, const struct packet *p, char *buf, size_t size);
const char *packet_fate_short(const struct model *m, const struct packet *p, char *buf, size_t size);	/* no names */
const char *proc_text(const struct model *m, uint32_t pid, char *buf, size_t size);			/* "dig (123)" */
const char *context_text(const struct model *m, const struct trc_hop *h, char *buf, size_t size);
/* what a reason given in this function means, and what to check; "" */
const char *reason_there(const char *reason, const char *function, char *buf, size_t size);
const char *reason_text(const char *reason, const char *function, char *buf, size_t size);
const char *hook_text(const struct trc_hop *h, char *buf, size_t size);		/* "LOCAL_OUT IPv4" */
const char *packet_first_function(const struct model *m, const struct packet *p);	/* that says something */
const char *packet_last_function(const struct model *m, const struct packet *p);
const char *packet_went_on(const struct model *m, const struct packet *p);	/* "consumed: segmented"; NULL: it did not */
uint32_t packet_last_hop(const struct model *m, const struct packet *p);	/* of packet_last_function() */
size_t packets_selected(const struct model *m);		/* how many no filter left out */
uint64_t packet_duration(const struct model *m, const struct packet *p);
uint64_t packet_time(const struct model *m, const struct packet *p);	/* since the recording's first hop */
uint32_t packet_drop_hook(const struct model *m, const struct packet *p);	/* the hook it died in, or NO_HOP */
uint32_t packet_reader(const struct model *m, const struct packet *p);	/* pid that took it from a socket, 0 = not known */
/* The system call in a birth stack, as "sendto" from __x64_sys_sendto; NULL when there is none. */
const char *packet_syscall(const struct model *m, const struct packet *p, char *buf, size_t size);
/* "udp_sendmsg → udp_send_skb": the birth stack from the system call inwards, ten frames at most. */
const char *packet_stack_text(const struct model *m, const struct packet *p, char *buf, size_t size);

/* --- show_kin.c: kin, as the packet's edges have it ------------------------------------------------------------- */
/* "1 > 2 > 3,4": parents, itself, children; "" when it has no kin in the recording */
const char *packet_kin_text(const struct model *m, const struct packet *p, char *buf, size_t size);
/* How many of .kin from at on say the same of other packets, and are not later than until_ns. */
uint32_t kin_alike(const struct model *m, const struct packet *p, uint32_t at, uint64_t until_ns);
/* "segmented into packets 5-9, in skb_segment": of n that are alike; to be freed, NULL: no memory */
char *kin_text(const struct model *m, const struct packet *p, uint32_t at, uint32_t n);

static inline const struct func *hop_func(const struct model *m, const struct trc_hop *h)
{
	return &m->funcs[h->func];
}

/* Is this the traversal of a netfilter hook?  The functions called by one know their hook too, but decide less. */
static inline bool hop_is_hook(const struct model *m, const struct trc_hop *h)
{
	return hop_enters(h) && h->have & TRC_HAVE_HOOK && !strcmp(hop_func(m, h)->stage, "netfilter");
}

/* --- the rows of a path ------------------------------------------------------------------------------------ */
enum row_kind {
	ROW_HOP,
	ROW_REPEAT,		/* the .period rows before it, .times times more */
	ROW_FREED,		/* the packet's memory is given back */
};

struct row {
	enum row_kind kind;
	uint32_t first, last;	/* hops it stands for, as indexes into packet.hops */
	uint32_t result;	/* hop with the return of .first, or NO_HOP */
	uint32_t period, times;
};

struct rows {
	struct row *row;
	size_t count;
};

/* every = one row a hop, nothing folded.  0 or -ENOMEM. */
int rows_build(struct rows *rows, const struct model *m, const struct packet *p, bool every);
void rows_free(struct rows *rows);

/* For each hop the hop of its return, or NO_HOP; returns found this way answer their own index.  NULL: no memory. */
uint32_t *packet_returns(const struct model *m, const struct packet *p);

/* --- views: 0, or -errno -------------------------------------------------------------------------------------- */
struct show_options {
	const char *file;
	enum { SHOW_LIST, SHOW_DROPS, SHOW_FUNCTIONS, SHOW_INFO, SHOW_LATENCY, SHOW_PATHS, SHOW_SNAPSHOT, SHOW_VERIFY } view;
	uint32_t packet;	/* 0 = not asked for */
	uint32_t path;		/* 0 = not asked for */
	char *filter;		/* pcap-filter, NULL = every packet */
	uint32_t slowest;	/* packets, with SHOW_LATENCY; 0 = not asked for */
	bool explain;
	bool json;
	bool every;		/* fold nothing */
	bool stack;		/* below each hop that has one */
	bool hex;		/* the packet's bytes */
	const char *snapshot;	/* what to print of the namespaces' states, NULL = not asked for */
	bool no_pager;
	enum color_when color;
};

void show_header(const struct term *t, const struct model *m);
void show_list(const struct term *t, const struct model *m);
enum path_how {			/* or-ed */
	PATH_EVERY = 1,		/* fold nothing */
	PATH_STACKS = 2,
};

int show_path(const struct term *t, const struct model *m, const struct packet *p, unsigned int how);
void show_hex(const struct term *t, const struct model *m, const struct packet *p);
void show_snapshots(const struct term *t, const struct model *m);			/* a line for each namespace and moment */
int show_snapshot(const struct term *t, const struct model *m, const char *what, bool as_json);	/* whole; -ENOENT: there is none */
int show_explain(const struct term *t, const struct model *m, const struct packet *p, bool as_json);
int show_explain_main(const struct term *t, const struct model *m, bool as_json);
int show_paths(const struct term *t, const struct model *m, bool as_json);
/* Leaves out the packets of other paths; -ENOENT: there is none of that number. */
int path_select(struct model *m, uint32_t path);
int show_explain_path(const struct term *t, const struct model *m, uint32_t path, bool as_json);	/* of selected packets */
int show_drops(const struct term *t, const struct model *m, bool as_json);
int show_functions(const struct term *t, const struct model *m);
int show_functions_json(const struct term *t, const struct model *m);
int show_info_json(const struct term *t, const struct model *m);
int show_latency(const struct term *t, const struct model *m, const struct show_options *o);
int show_info(const struct term *t, const struct model *m);
void show_live_line(const struct term *t, const struct model *m);	/* of m's only packet; m NULL: the titles */
void show_list_json(const struct term *t, const struct model *m);
int show_path_json(const struct term *t, const struct model *m, const struct packet *p, unsigned int how);

/* Is standard input a pipe, whose writer may still be at it? */
bool show_is_live(const struct show_options *o);
/* Prints packets as they come.  0; or -errno, and what is wrong in trouble, which may be set for 0 too. */
struct selector;
int show_live(const struct term *t, const struct show_options *o, const struct selector *s, char *trouble, size_t size);

/* Reads file unit by unit without a model: 0 when it is whole; otherwise -EBADMSG and what is wrong in trouble.  Prints where. */
int show_verify(const struct term *t, const char *file, bool as_json, char *trouble, size_t size);

#endif
