/* SPDX-License-Identifier: GPL-2.0 */
/*
 * model_support.h - small recordings made by hand: written with trc_writer into memory, loaded with model_load().
 */
#ifndef MODEL_SUPPORT_H
#define MODEL_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "model.h"
#include "timeline.h"

enum { NS_CLIENT = 4026532001, NS_SERVER = 4026532002, DIG = 4242 };

struct tape {
	struct trc_writer *w;
	int fd;
	char path[64];
	uint64_t now_ns;
	uint64_t seq[4];	/* of each CPU */
	uint32_t nfuncs;
	const char *funcs[128];
};

static inline void tape_put(struct tape *t, const struct trc_record *rec)
{
	assert_int_equal(trc_write(t->w, rec), 0);
}

static inline void tape_open(struct tape *t)
{
	memset(t, 0, sizeof(*t));
	t->fd = memfd_create("tape.trc", 0);
	assert_true(t->fd >= 0);
	snprintf(t->path, sizeof(t->path), "/proc/self/fd/%d", t->fd);
	t->now_ns = 1000000;
	assert_int_equal(trc_writer_open(&t->w, t->fd), 0);
}

/* All hops in the order of time, to be freed. */
static inline struct trc_hop *hops_in_time(const struct model *m)
{
	struct trc_hop *hops = calloc(m->nhops + 1, sizeof(*hops));
	const struct packet *p;
	const struct trc_hop *h;
	struct timeline *t;
	uint32_t hop;
	size_t n = 0;

	assert_non_null(hops);
	assert_int_equal(timeline_open(&t, m, 0, UINT64_MAX), 0);
	while (timeline_next(t, &p, &hop, &h)) {
		assert_true(n < m->nhops);
		assert_memory_equal(h, packet_hop(m, p, hop), sizeof(*h));
		hops[n++] = *h;
	}
	timeline_free(t);
	assert_int_equal(n, m->nhops);
	return hops;
}

/* The names of a usual recording: two namespaces with a veth pair, dig, three drop reasons. */
static inline void tape_names(struct tape *t)
{
	const struct trc_record names[] = {
		{ TRC_FACT, .fact = { "host.kernel", "6.12.0-test" } },
		{ TRC_ENUM, .enumeration = { "skb_drop_reason", "SKB_CONSUMED", 1 } },
		{ TRC_ENUM, .enumeration = { "skb_drop_reason", "SKB_DROP_REASON_NOT_SPECIFIED", 2 } },
		{ TRC_ENUM, .enumeration = { "skb_drop_reason", "SKB_DROP_REASON_NO_SOCKET", 3 } },
		{ TRC_ENUM, .enumeration = { "skb_drop_reason", "SKB_DROP_REASON_NETFILTER_DROP", 11 } },
		{ TRC_NETNS, .netns = { NS_CLIENT, "client" } },
		{ TRC_NETNS, .netns = { NS_SERVER, "server" } },
		{ TRC_LINK, .link = { NS_CLIENT, 2, "veth0", "veth", "02:00:00:00:00:01", 2, NS_SERVER, 1500, 1 } },
		{ TRC_LINK, .link = { NS_SERVER, 2, "veth1", "veth", "02:00:00:00:00:02", 2, NS_CLIENT, 1500, 1 } },
		{ TRC_PROC, .proc = { DIG, "dig" } },
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		tape_put(t, &names[i]);
}

/* The id of a function, which is recorded when first named. */
static inline uint32_t tape_func(struct tape *t, const char *name)
{
	struct trc_record rec = { .kind = TRC_FUNC };
	uint32_t i;

	for (i = 0; i < t->nfuncs; i++)
		if (!strcmp(t->funcs[i], name))
			return i;
	assert_true(t->nfuncs < 128);
	rec.func = (struct trc_func){
		.id = i, .name = name, .module = "", .arg = 1, .flags = TRC_FUNC_PROBED | TRC_FUNC_ATTACHED, .why = "",
	};
	tape_put(t, &rec);
	t->funcs[t->nfuncs++] = name;
	return i;
}

/* A hop of the client's query to the server's port 53, in process context, 100 ns after the last; to be changed at will. */
static inline struct trc_hop tape_hop(struct tape *t, uint64_t packet, const char *func)
{
	t->now_ns += 100;
	return (struct trc_hop){
		.time_ns = t->now_ns, .packet = packet, .seq = t->seq[0]++, .func = tape_func(t, func), .pid = DIG,
		.len_bytes = 60, .ifindex = 2, .netns = NS_CLIENT, .ethertype = 0x0800, .l4proto = 17,
		.sport = 40000, .dport = 53, .ttl = 64, .saddr = { 10, 0, 0, 1 }, .daddr = { 10, 0, 0, 2 },
		.have = TRC_HAVE_SKB | TRC_HAVE_IP4 | TRC_HAVE_L4 | TRC_HAVE_NETNS,
	};
}

static inline void tape_write(struct tape *t, const struct trc_hop *hop)
{
	assert_int_equal(trc_write_hop(t->w, hop), 0);
}

/* Entries of functions in turn; the list ends with NULL. */
static inline void tape_path(struct tape *t, uint64_t packet, const char *const *funcs)
{
	for (; *funcs; funcs++) {
		struct trc_hop h = tape_hop(t, packet, *funcs);

		tape_write(t, &h);
	}
}
#define PATH(t, packet, ...) tape_path(t, packet, (const char *const[]){ __VA_ARGS__, NULL })

static inline void tape_drop(struct tape *t, uint64_t packet, const char *where, int32_t reason)
{
	struct trc_hop h = tape_hop(t, packet, where);

	h.kind = TRC_DROP;
	h.value = reason;
	tape_write(t, &h);
}

static inline struct model *tape_load(struct tape *t)
{
	struct model *m = NULL;
	char error[256] = "";

	assert_int_equal(trc_writer_finish(t->w), 0);
	trc_writer_free(t->w);
	t->w = NULL;
	if (model_load(&m, t->path, error, sizeof(error)))
		fail_msg("model_load: %s", error);
	return m;
}

static inline void tape_close(struct tape *t, struct model *m)
{
	model_free(m);
	trc_writer_free(t->w);
	close(t->fd);
}

#endif
