/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pkttrace.h - read and write .trc packet recordings: the one public header of libpkttrace.
 *
 * A recording is a stream of records of a few kinds: facts about the machine, the functions that were probed,
 * names of enums, interfaces, namespaces and processes, kernel stacks, and the hops themselves.  The writer
 * collects them into units; the reader gives them back in file order, names before the hops that use them.
 * The layout on disk is in FORMAT.md.
 *
 * Functions answer 0 (or a count) or a negative errno; trc_*_error() then says what happened in one sentence.
 * The library never prints, never exits, never reads the environment and is not thread-safe for one handle.
 */
#ifndef PKTTRACE_H
#define PKTTRACE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TRC_LEVEL_MIN 1
#define TRC_LEVEL_MAX 19
#define TRC_LEVEL_DEFAULT 1

/* A limit on every string in a recording, in bytes; the writer cuts longer ones. */
#define TRC_STRING_MAX 65535
#define TRC_STACK_MAX 128

enum trc_kind {
	TRC_FACT = 1,
	TRC_ENUM,
	TRC_FUNC,
	TRC_NETNS,
	TRC_LINK,
	TRC_PROC,
	TRC_STACK,
	TRC_HOP,
	TRC_LOSS,
	TRC_END,
	TRC_FRAMES,		/* a stack of the dictionary: trc_hop.stack names it */
	TRC_EDGE,
	TRC_DATA,
	TRC_SNAPSHOT,
};

enum trc_hop_kind {
	TRC_ENTRY = 0,		/* the function was entered with the packet */
	TRC_RETURN = 1,		/* the function returned, value is what it returned; nothing of the packet was read */
	TRC_DROP = 2,		/* the kernel reported a drop inside this function, value is the drop reason */
};

enum trc_context {
	TRC_PROCESS = 0,
	TRC_SOFTIRQ = 1,
	TRC_HARDIRQ = 2,
	TRC_NMI = 3,
	TRC_CONTEXT_UNKNOWN = 4,
};

/* trc_hop.have: which groups of fields were really read */
enum trc_have {
	TRC_HAVE_SKB = 1,	/* len, paged, mark, ethertype, ifindex, gso */
	TRC_HAVE_IP4 = 2,	/* saddr[0..3], daddr[0..3], l4proto, ttl, ip_id, frag */
	TRC_HAVE_IP6 = 4,	/* saddr, daddr, l4proto, ttl, frag */
	TRC_HAVE_L4 = 8,	/* sport, dport (ICMP: type << 8 | code, and the echo id), tcp_flags, tcp_seq */
	TRC_HAVE_ARP = 16,	/* saddr[0..3] sender, daddr[0..3] target, sport the operation */
	TRC_HAVE_HOOK = 32,	/* hook and family */
	TRC_HAVE_NETNS = 64,	/* netns */
};

/* A fact about the recording, as text.  Keys in use are listed in FORMAT.md ("host.kernel", "clock.realtime_ns", ...). */
struct trc_fact {
	const char *key;
	const char *value;
};

/* One member of an enum of the recorded kernel, such as skb_drop_reason. */
struct trc_enum {
	const char *type;
	const char *name;
	int64_t value;
};

enum trc_func_flags {
	TRC_FUNC_PROBED = 1,	/* asked for: hops may carry it */
	TRC_FUNC_ATTACHED = 2,	/* and attached; without this flag, error says why not */
	TRC_FUNC_RETURN = 4,	/* its return is recorded too */
	TRC_FUNC_XDP = 8,	/* a loaded BPF program: what it returns is an XDP action */
	TRC_FUNC_TC = 16,	/* a loaded BPF program: what it returns is a TC action */
	TRC_FUNC_TRACEPOINT = 32,	/* no function but a tracepoint: an entry is one event of it */
};

/* A kernel function.  Names are not unique; ids are, within a recording. */
struct trc_func {
	uint32_t id;		/* dense, from 0: never more than the number of functions in the file */
	const char *name;
	const char *module;	/* "" = vmlinux */
	int64_t offset;		/* from _stext, in bytes; 0 where withheld */
	uint32_t arg;		/* position of the sk_buff argument, 1..5; 0 = none */
	uint32_t flags;
	uint32_t error;		/* positive errno of a refused probe */
	const char *why;	/* reason of a refusal in words, or "" */
};

struct trc_netns {
	uint32_t netns;		/* inode number */
	const char *name;	/* as under /run/netns, "" = unnamed; "init" for the one of pid 1 */
};

struct trc_link {
	uint32_t netns;
	uint32_t ifindex;
	const char *name;
	const char *kind;	/* "veth", "bridge", ... or "" */
	const char *address;	/* of the link layer, as text, or "" */
	uint32_t peer_ifindex;	/* of a veth pair, 0 = none */
	uint32_t peer_netns;	/* 0 = unknown */
	uint32_t mtu;		/* bytes */
	uint32_t flags;		/* IFF_* */
};

struct trc_proc {
	uint32_t pid;
	const char *name;	/* comm */
	const char *command;	/* its arguments, blanks between them; "" = not known */
};

/* The kernel stack at a packet's first hop, innermost first; frames are function ids.  Recordings of version 0.1 only. */
struct trc_stack {
	uint64_t packet;
	uint32_t count;
	const uint32_t *frames;
};

/* A kernel stack, stored once however many hops have it; innermost frame first, as function ids. */
struct trc_frames {
	uint32_t id;		/* from 1, unique in the recording; comes before the hops that name it */
	uint32_t count;		/* at most TRC_STACK_MAX */
	const uint32_t *frames;
};

/* How a packet came from another: the journey of one packet is the tree of these. */
enum trc_edge_kind {
	TRC_EDGE_CLONE = 1,	/* shares the data */
	TRC_EDGE_COPY,		/* has its own data */
	TRC_EDGE_SEGMENT,	/* cut from a large one: GSO */
	TRC_EDGE_FRAGMENT,	/* IP fragmentation */
	TRC_EDGE_MERGE,		/* GRO: the parent's data went into the child, which goes on */
	TRC_EDGE_COALESCE,	/* a queue appended the parent's data to the child */
	TRC_EDGE_REASSEMBLE,	/* the fragment `parent` is part of the datagram `child` */
	TRC_EDGE_SPLIT,		/* a transport cut the child off its parent */
	TRC_EDGE_REBUILD,	/* a new sk_buff around the same data: XDP, drivers */
	TRC_EDGE_ENCAPSULATE,	/* the parent travels inside the child */
	TRC_EDGE_LAST = TRC_EDGE_ENCAPSULATE,
};

struct trc_edge {
	uint64_t time_ns;
	uint64_t child;		/* packet ids */
	uint64_t parent;
	uint32_t kind;		/* enum trc_edge_kind; an unknown one is some kin */
	uint32_t func;		/* where it was noticed */
};

/* The first bytes of a packet, as they were when it was first seen with headers. */
struct trc_data {
	uint64_t packet;
	uint64_t time_ns;
	uint32_t layer;		/* 2: from the link-layer header on, 3: from the network header on */
	uint32_t len_bytes;	/* of the whole packet from there */
	uint32_t size;		/* bytes that are here, at most TRC_STRING_MAX */
	const uint8_t *bytes;
};

/* What a network namespace looked like: routes, rulesets, counters, ... as text. */
struct trc_snapshot {
	uint32_t end;		/* 0: when the recording began, 1: when it ended */
	uint32_t netns;		/* inode number; 0: of the whole machine */
	const char *what;	/* "routes", "nftables", ...: FORMAT.md lists them */
	const char *source;	/* the command or file it is from */
	const char *note;	/* why it is missing or cut, "" = it is whole */
	uint32_t part;		/* a long one is in several rows, in order: 0, 1, ... */
	uint32_t last;		/* 1 in its last row */
	const char *text;	/* at most TRC_STRING_MAX bytes a row */
};

struct trc_hop {
	uint64_t time_ns;	/* CLOCK_MONOTONIC of the recorded machine */
	uint64_t packet;	/* id of one life of one sk_buff; never 0 */
	uint64_t seq;		/* number of this hop on its CPU, from 0; a gap is loss */
	uint32_t func;		/* trc_func.id */
	uint32_t pid;		/* of the task that was current */
	uint32_t len_bytes;
	uint32_t paged_bytes;
	uint32_t ifindex;
	uint32_t netns;
	uint32_t mark;
	int32_t value;		/* return value or drop reason, by kind */
	uint32_t tcp_seq;
	uint16_t cpu;
	uint16_t ethertype;	/* host order; 0 = not yet set */
	uint16_t sport;		/* host order */
	uint16_t dport;
	uint16_t ip_id;
	uint16_t frag;		/* host order, flags included */
	uint16_t gso_size;
	uint16_t gso_segs;
	uint8_t kind;		/* enum trc_hop_kind */
	uint8_t context;	/* enum trc_context */
	uint8_t hook;
	uint8_t family;		/* NFPROTO_* of the hook: 2 = IPv4, 10 = IPv6 */
	uint8_t l4proto;
	uint8_t ttl;
	uint8_t tcp_flags;
	uint8_t have;		/* enum trc_have */
	uint8_t saddr[16];	/* network order */
	uint8_t daddr[16];
	uint32_t stack;		/* trc_frames.id, 0 = none was taken */
};

/* Columns of a hop, by the ids that FORMAT.md lists: for trc_reader_select(). */
#define TRC_COLUMN(id) (1ull << (id))
#define TRC_COLUMN_FUNC TRC_COLUMN(2)
#define TRC_COLUMN_VALUE TRC_COLUMN(5)
#define TRC_COLUMN_HAVE TRC_COLUMN(6)
#define TRC_COLUMN_LENGTH (TRC_COLUMN(7) | TRC_COLUMN(15))
#define TRC_COLUMN_CONTEXT (TRC_COLUMN(8) | TRC_COLUMN(9))			/* and pid */
#define TRC_COLUMN_PLACE (TRC_COLUMN(10) | TRC_COLUMN(11))			/* ifindex, netns */
#define TRC_COLUMN_HOOK (TRC_COLUMN(12) | TRC_COLUMN(13))			/* and family */
#define TRC_COLUMN_SEQ TRC_COLUMN(14)
#define TRC_COLUMN_MARK TRC_COLUMN(16)
#define TRC_COLUMN_HEADERS (TRC_COLUMN(17) | 0xfull << 18 | TRC_COLUMN(22) | 0x7ull << 25 | 0xffull << 28)	/* of packet: l2 to l4 */
#define TRC_COLUMN_GSO (TRC_COLUMN(23) | TRC_COLUMN(24))
#define TRC_COLUMN_STACK TRC_COLUMN(36)
#define TRC_COLUMNS_ALL UINT64_MAX

/* What one CPU's programs produced.  The last such record of a CPU counts: produced = recorded + lost. */
struct trc_loss {
	uint32_t cpu;
	uint64_t produced;	/* hops, as counted by the programs in the kernel */
	uint64_t recorded;	/* hops that reached this file */
	uint64_t lost;		/* hops without room in the ring or in the map of packets */
	uint64_t missed;	/* probe hits on which the kernel did not run the program: not in produced */
	uint64_t others_lost;	/* stacks and names */
};

/* The last record of a recording that ended properly. */
struct trc_end {
	const char *reason;	/* "command ended", "signal", "count", "duration" */
	uint64_t time_ns;	/* CLOCK_MONOTONIC */
	uint64_t realtime_ns;	/* CLOCK_REALTIME at the same moment */
	uint64_t packets;	/* ids handed out */
};

struct trc_record {
	enum trc_kind kind;
	union {
		struct trc_fact fact;
		struct trc_enum enumeration;
		struct trc_func func;
		struct trc_netns netns;
		struct trc_link link;
		struct trc_proc proc;
		struct trc_stack stack;
		struct trc_hop hop;
		struct trc_loss loss;
		struct trc_end end;
		struct trc_frames frames;
		struct trc_edge edge;
		struct trc_data data;
		struct trc_snapshot snapshot;
	};
};

/*
 * Writing.  Rows are copied.  A unit is written out with one write() when it is full (16,384 hops) or at
 * trc_writer_flush(); the caller flushes at least every 250 ms so that a killed recorder loses little.
 * After a failed write every call answers the same error, and a regular file ends with its last whole unit; the
 * caller ignores SIGPIPE and SIGXFSZ to see that error.  After trc_writer_open() failed ask trc_writer_error(NULL).
 */
struct trc_writer;

int trc_writer_open(struct trc_writer **out, int fd);	/* fd is borrowed; files, pipes and sockets will do */
int trc_writer_level(struct trc_writer *w, int level);	/* of zstd, TRC_LEVEL_MIN to _MAX, from the next unit on; else -EINVAL */
int trc_write(struct trc_writer *w, const struct trc_record *rec);
int trc_write_hop(struct trc_writer *w, const struct trc_hop *hop);	/* the same for the hot path */
int trc_writer_flush(struct trc_writer *w);
int trc_writer_finish(struct trc_writer *w);		/* flush, and no more after it; trc_writer_free() does not flush */
uint64_t trc_writer_bytes(const struct trc_writer *w);	/* written to fd so far */
uint64_t trc_writer_hops(const struct trc_writer *w);	/* of them, in whole units */
const char *trc_writer_error(const struct trc_writer *w);
void trc_writer_free(struct trc_writer *w);

/*
 * Reading.  trc_reader_open() fails with -EBADMSG when this is no recording and -EPROTONOSUPPORT when it is of a
 * version or needs a feature that this library does not know.
 */
struct trc_reader;

int trc_reader_open(struct trc_reader **out, const char *path);	/* "-" is standard input */
int trc_reader_open_fd(struct trc_reader **out, int fd);	/* borrowed */
int trc_reader_open_memory(struct trc_reader **out, const void *data, size_t size);	/* borrowed */

/*
 * How it is read; these are called before the first trc_reader_next(), and answer -EBUSY later.
 *
 * TRC_ORDER_FILE: as records lie in the file: names before the hops that use them, and of a unit's hops those of one CPU
 * after the other, each CPU's in the order in which they happened.
 * TRC_ORDER_TIME: hops in the order of their times across CPUs.  A hop is given out once another was read that is 500 ms
 * newer, or 256 units or 32 MiB wait, or a pipe was silent for 300 ms; one that comes later than that is given out of
 * order, and counted in trc_health.late.  Other records are given as they are met, before the hops of their time; the
 * TRC_END comes last.  Needs up to about 128 MiB, mostly much less.
 */
enum trc_order {
	TRC_ORDER_FILE,
	TRC_ORDER_TIME,
};

int trc_reader_order(struct trc_reader *r, enum trc_order order);
/* Only these columns of hops are wanted (TRC_COLUMN_*, or-ed); the others read as 0.  Time, packet, kind and CPU always are. */
int trc_reader_select(struct trc_reader *r, uint64_t columns);
int trc_reader_cpu(struct trc_reader *r, int cpu);	/* only hops of this CPU; -1: of all */

/*
 * Start again, and give out hops from time_ns on, and all other records, but perhaps not edges and data from before that,
 * and TRC_STACKs of packets that were first seen earlier.  Units of hops before that are not read but for their headers,
 * and with an index not even those.
 * On a pipe only before the first trc_reader_next(), else -ESPIPE.
 */
int trc_reader_seek_time(struct trc_reader *r, uint64_t time_ns);

/* 1: *rec is set and valid until the next call; 0: end of what can be read; <0: -errno (memory, I/O). */
int trc_reader_next(struct trc_reader *r, struct trc_record *rec);

/* What was seen so far of the state of the file; complete after trc_reader_next() answered 0. */
struct trc_health {
	uint64_t units;		/* whole and good */
	uint64_t damaged;	/* units whose checksum or content is wrong, skipped */
	uint64_t skipped;	/* good units of unknown, skippable kinds */
	uint64_t bytes;		/* read in all */
	uint64_t bytes_bad;	/* in no readable unit */
	uint64_t out_of_order;	/* units missing, doubled, moved or of another recording */
	int cut_short;		/* the file ends inside a unit */
	int ended;		/* a TRC_END record was read: the recorder ended properly */
	uint8_t recording[16];	/* id */
	uint64_t passed;	/* units that trc_reader_seek_time() passed over, unread */
	uint64_t late;		/* hops that TRC_ORDER_TIME gave out after a newer one */
};

const struct trc_health *trc_reader_health(const struct trc_reader *r);
/* Health in one sentence for people, "" when all is well; borrowed, valid until the next call. */
const char *trc_reader_trouble(struct trc_reader *r);

/* What is in a recording, without decoding it.  Not on a pipe (-ESPIPE); trc_reader_next() goes on where it was. */
enum trc_depth {
	TRC_SURVEY_INDEX,	/* what the index says, when there is one: in no time; else the headers */
	TRC_SURVEY_HEADERS,	/* every header: finds what is cut, missing or moved */
	TRC_SURVEY_CHECKSUMS,	/* and the checksum of every unit: finds all that is not as it was written */
};

struct trc_survey {
	struct trc_health health;
	const char *trouble;	/* as trc_reader_trouble(), valid until the next call */
	uint64_t hops;
	uint64_t time_first;	/* of hops, 0 without any */
	uint64_t time_last;
	uint64_t lost;		/* hops, as far as the recorder knew */
	int indexed;		/* this is what the index says */
};

int trc_reader_survey(struct trc_reader *r, enum trc_depth depth, struct trc_survey *out);

/* What went wrong, after a negative answer.  r may be NULL after a failed open: the error of the last open. */
const char *trc_reader_error(const struct trc_reader *r);
void trc_reader_free(struct trc_reader *r);	/* NULL is fine */

#ifdef __cplusplus
}
#endif

#endif
