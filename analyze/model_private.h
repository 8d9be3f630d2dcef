/* SPDX-License-Identifier: GPL-2.0 */
/*
 * model_private.h - what the files of the model share: an arena for strings, a hash map of numbers, a sort, and the
 * steps of loading in their order.
 *
 * model.c reads records, hops_store.c packs hops, model_sort.c puts them in order, packets.c judges packets, model_loss.c places gaps,
 * model_knowledge.c knows functions and drop reasons, model_names.c answers names, model_limit.c says when it is too much.
 * stacks.c keeps kernel stacks, derive.c finds hops on them, lineage.c relates packets, capture.c has bytes and snapshots.
 * spill.c has the memory of what grows with the recording, on a disk if need be.
 * live.c judges packets one by one while their recording is still being written.
 */
#ifndef PKT_MODEL_PRIVATE_H
#define PKT_MODEL_PRIVATE_H

#include "model.h"

#define NONE UINT32_MAX

/*
 * Limits for hostile files, far above any real recording: a hop of a long path takes about 15 bytes of memory, 180 as
 * long as its packet is unpacked, and more than two bytes of a file, a packet of one hop 400 and six; and nobody's
 * machine has two million names.
 */
#ifndef MODEL_MEMORY_LEAST			/* fuzzers have a smaller one */
#define MODEL_MEMORY_LEAST (216u << 20)		/* bytes of memory that a file of any size may claim */
#endif
#define MODEL_MEMORY_PER_BYTE 216		/* and for each byte of a file beyond a MiB */
#define MODEL_NAMES_MAX (2u << 20)		/* facts, enums, functions, links, ... in all */

/* --- model_store.c: memory that is given back at once, and numbers looked up fast --- */
struct arena_block;
struct arena {
	struct arena_block *blocks;
	size_t bytes;
};
void *arena_alloc(struct arena *a, size_t size);		/* NULL: no memory */
const char *arena_text(struct arena *a, const char *text);	/* sanitized copy; NULL: no memory */
void arena_free(struct arena *a);

struct map;							/* uint64_t to uint32_t */
struct map *map_new(void);
uint32_t map_get(const struct map *m, uint64_t key);		/* NONE when absent */
int map_put(struct map *m, uint64_t key, uint32_t value);	/* 0 or -ENOMEM; replaces */
size_t map_bytes(const struct map *m);				/* of memory */
void map_free(struct map *m);

/* Make room for one more element of size bytes; *v may move.  0 or -ENOMEM. */
int grow(void **v, size_t n, size_t *room, size_t size);

/* --- model_limit.c --- */
size_t model_limit(uint64_t file_bytes);	/* bytes of memory that such a file may take */
int model_fits(const struct model *m);		/* 0, or -E2BIG: beyond the limit for m->health.bytes */
int hops_fit(const struct model *m, size_t more);	/* the same, with so many derived hops to come */
#define LIMIT_STEPS 4096			/* a loop that makes the model grow asks after so many steps */

/* --- model_sort.c --- */
struct sort_key {
	uint64_t first, second;
	uint32_t index;
};
int sort_keys(struct sort_key *keys, size_t n);		/* stable, fast when nearly sorted; 0 or -ENOMEM */
int hops_sort(struct trc_hop *hops, size_t n);		/* by time, CPU, sequence */

/* --- hops_store.c: a packet's hops, packed --- */
struct hops_store;
struct hops_store *hops_store_new(void);
void hops_store_free(struct hops_store *s);
void hops_store_clear(struct hops_store *s);			/* packets get theirs anew, by packet_set_hops() */
size_t hops_store_bytes(const struct hops_store *s);
size_t hops_store_unpackings(const struct hops_store *s);	/* packets that were unpacked so far */
uint32_t hops_store_largest(const struct hops_store *s);	/* hops of a packet, at most */
/* One more hop, by numbers of the file.  0 or -ENOMEM. */
int packet_add_hop(struct model *m, struct packet *p, const struct trc_hop *h);
/* All its hops anew, by indexes; hops may be what packet_hop() answered.  0 or -ENOMEM. */
int packet_set_hops(struct model *m, struct packet *p, const struct trc_hop *hops, uint32_t n);
/* Room to unpack packets into, little while loading; to be called when one may have grown.  0 or -ENOMEM. */
int hops_store_ring(struct model *m, bool loading);
size_t hops_store_ring_hops(const struct model *m);		/* so much at most */

/* A function's number in the file, of those that hops have. */
struct func_use {
	uint32_t id, index;	/* index once functions are resolved */
	uint64_t hits;
};

/* --- model_knowledge.c --- */
struct known {
	const char *layer, *stage, *flags, *meaning;
};
const struct known *knowledge_of(const char *function);		/* never NULL */
const struct known *knowledge_of_func(const struct func *f);	/* of a tracepoint, a BPF program or a function; never NULL */

/* What a BPF program's answer does to the packet, from schema/actions.tsv. */
enum effect { EFFECT_NONE, EFFECT_DROP, EFFECT_SEND, EFFECT_KEEP };
enum effect action_effect(const struct func *f, int32_t value);

/* A stack as read; it finds its packet when all hops are known. */
struct birth {
	uint64_t packet;
	uint32_t count;
	uint32_t *frames;	/* raw function ids until resolved */
};

/* What a function on a stack says of how the kernel was entered. */
enum call { CALL_NEITHER, CALL_SOFTIRQ, CALL_SYSCALL, CALL_TRACER };	/* the last: the recorder's own */

struct gap {
	uint64_t start_ns, end_ns;
};

struct model_private {
	struct arena arena;
	struct map *func_ids;		/* id in the file -> index */
	struct map *packet_ids;		/* id -> number - 1 */
	struct map *cpus;		/* -> index in losses */
	struct map *netns_names, *link_names;	/* -> index in names[] */
	struct map *procs;	/* pid -> index in model.procs[] */
	const char **names;
	size_t nnames, names_room;
	const struct known **known;	/* beside funcs[] */
	uint8_t *calls;			/* beside funcs[], enum call */
	uint8_t *entries;		/* beside funcs[], what entering it means: packets.c */
	struct hops_store *store;
	struct func_use *func_uses;
	size_t nfunc_uses, func_uses_room;
	uint32_t *func_use_of;		/* index + 1 of small ids */
	struct map *func_use_ids;	/* and of the others */
	struct map *place_ids;
	size_t places_room;
	struct hop_place place;		/* the last one mentioned */
	uint64_t last_packet;		/* id, of last_index */
	uint32_t last_index;
	bool unnumbered;		/* packets are not in the order of their first hops */
	struct losses *losses;
	struct birth *births;
	size_t nbirths, births_room;
	struct map *stack_ids;		/* id in the file -> index */
	uint32_t *kin_lists;		/* all packets' .kin */
	struct part *parts;		/* of snapshots, as they come */
	size_t nparts, parts_room, part_bytes;
	size_t stacks_room, edges_room, datas_room;
	size_t hops_room, packets_room, funcs_room, links_room, netns_room, procs_room, facts_room, enums_room, losses_room;
	size_t rows;			/* of names, against MODEL_NAMES_MAX */
};

/* --- stacks.c --- */
int frames_add(struct model *m, const struct trc_frames *f);
void stacks_trim(struct model *m, size_t from);		/* once functions are explained: those from this index on */
enum call call_of(const char *name);

/* --- lineage.c --- */
int edge_add(struct model *m, const struct trc_edge *e);

/* --- capture.c --- */
int data_add(struct model *m, const struct trc_data *d);
int snapshot_add(struct model *m, const struct trc_snapshot *s);
size_t capture_bytes(const struct model *m);		/* of memory, beside the arena */

/* --- model_loss.c --- */
struct losses;
int loss_see(struct model *m, const struct trc_hop *h);	/* each hop as it comes: 0 or -ENOMEM */
void losses_free(struct losses *l);

/* --- packets.c --- */
uint8_t entry_meaning(const struct known *k);	/* looked up once: hops are many */
int packets_take(struct model *m, const struct trc_hop *hop);

/* --- model.c --- */
struct model *model_new(const char *path);	/* empty; NULL: no memory */
int record_add(struct model *m, const struct trc_record *rec);
int model_order(struct model *m);		/* all the steps below */

/* The steps after reading, in this order; each answers 0 or -errno. */
int functions_resolve(struct model *m);		/* ids become indexes; "?" for unknown ones */
int functions_explain(struct model *m);		/* what is known of each; may be called again when there are more */
int names_resolve(struct model *m);		/* every device and namespace gets a name */
int name_learn(struct model *m, enum trc_kind kind);	/* the same for the last one read of this kind, and no more */
int packets_order(struct model *m);		/* hops in order, packets numbered; stacks find theirs */
int hops_derive(struct model *m);		/* what the stacks of tracepoints show */
int packets_judge(struct model *m);		/* tuple, birth, fate */
int lineage_place(struct model *m);		/* .kin, .journey, inherited tuples, FATE_MERGED */
int packets_liken(struct model *m);		/* .like */
int capture_place(struct model *m);		/* bytes find their packets; snapshots become whole */
int losses_place(struct model *m);		/* gaps in time; .lossy */
int gone_place(struct model *m);		/* .gone */

#endif
