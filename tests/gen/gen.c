// SPDX-License-Identifier: GPL-2.0
/*
 * gen.c - send packets of many flows along the samples' paths, as a recorder would see them.
 *
 * The CPU that is furthest behind goes on: with a packet that waits for it, or with a new burst of a flow.  So the
 * rows lie in the file as a recorder drains them: a stretch of one CPU, then one of another, times nearly in order.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gen/gen.h"

#define BURST_MAX 16
#define WAITING_MAX 64
#define FLUSH_NS 250000000ull
#define NETS_STEP 1000		/* between the copies of a namespace */
#define PIDS 200

/* One conversation: what its packets have in common. */
struct flow {
	uint32_t change;	/* of addresses: xor */
	uint16_t port;
	bool ipv6, tcp, dropped;
	uint8_t net;
	uint32_t pid;
	uint16_t ip_id;
	uint32_t tcp_seq;
};

/* One packet on its way. */
struct journey {
	const struct gen_path *path;
	const struct flow *flow;
	uint32_t next;		/* hop of the path */
	uint32_t pause;		/* before this hop another CPU takes over, 0 = as in the sample */
	uint64_t packet;
	uint64_t ready_ns;
	uint16_t ip_id;
	uint32_t tcp_seq;
};

struct cpu {
	uint64_t now_ns;
	uint64_t seq;
	uint64_t lost;
	struct journey waiting[WAITING_MAX];
	uint32_t first, count;
};

struct gen {
	const struct gen_source *s;
	const struct gen_options *o;
	struct trc_writer *w;
	uint64_t random;
	uint64_t packets;
	uint64_t hops;
	uint64_t flush_ns, flush_hops;	/* when the next flush is due */
	struct flow *flows;
	struct cpu *cpus;
	const struct gen_path **lived, **died;
	size_t nlived, ndied;
};

/* numbers that look random and are the same everywhere: a Weyl sequence, mixed */
static uint64_t draw(struct gen *g)
{
	uint64_t x = g->random += 0x9e3779b97f4a7c15ull;

	x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93ull;
	x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93ull;
	return x ^ (x >> 32);
}

/* --- hops ------------------------------------------------------------------------------------------------------- */

static void address_change(uint8_t *a, const struct flow *f)
{
	uint8_t v4[4];

	for (int i = 0; i < 4; i++)
		v4[i] = a[i] ^ (uint8_t)(f->change >> (8 * i));
	if (!f->ipv6) {
		memcpy(a, v4, 4);
		return;
	}
	memset(a, 0, 16);
	a[0] = 0xfd;
	a[15 - 8] = f->net;
	memcpy(a + 12, v4, 4);
}

/* The client's port is its flow's; the server's stays. */
static uint16_t port_change(uint16_t port, const struct flow *f)
{
	return port >= 32768 ? f->port : port;
}

static void hop_change_packet(struct trc_hop *h, const struct journey *j)
{
	const struct flow *f = j->flow;

	if (h->have & TRC_HAVE_IP4) {
		address_change(h->saddr, f);
		address_change(h->daddr, f);
		h->ip_id = f->ipv6 ? 0 : j->ip_id;
		if (f->ipv6)
			h->have ^= TRC_HAVE_IP4 | TRC_HAVE_IP6;
		if (f->tcp && h->l4proto == 17)
			h->l4proto = 6;
	}
	if (f->ipv6 && h->ethertype == 0x0800)
		h->ethertype = 0x86dd;
	if (h->have & TRC_HAVE_L4) {
		h->sport = port_change(h->sport, f);
		h->dport = port_change(h->dport, f);
		h->tcp_flags = f->tcp ? 0x10 : 0;
		h->tcp_seq = f->tcp ? j->tcp_seq : 0;
	}
}

/* Distances vary as they do on real machines: by half, and now and then something else was in the way. */
static uint64_t distance_ns(struct gen *g, uint64_t sample_ns)
{
	uint64_t r = draw(g), ns = sample_ns / g->o->speed;

	ns = (ns * (192 + (r & 127))) >> 8;
	if (!(r >> 8 & 255))
		ns += r >> 16 & 8191;
	return ns + 20 + (r >> 32 & 15);
}

static int hop_send(struct gen *g, struct cpu *c, const struct journey *j)
{
	const struct flow *f = j->flow;
	struct trc_hop h = j->path->hops[j->next];

	c->now_ns += distance_ns(g, h.time_ns);
	h.time_ns = c->now_ns;
	h.packet = j->packet;
	h.seq = c->seq++;
	h.cpu = c - g->cpus;
	h.func = g->s->twins[f->ipv6][f->tcp][h.func];
	h.stack = g->o->stacks ? h.stack : 0;
	if (h.pid)
		h.pid = f->pid + (h.pid != j->path->pid);
	if (h.have & TRC_HAVE_NETNS && h.netns)
		h.netns += f->net * NETS_STEP;
	hop_change_packet(&h, j);
	g->hops++;
	return trc_write_hop(g->w, &h);
}

/* --- packets ---------------------------------------------------------------------------------------------------- */

/* The next hop is another CPU's. */
static bool leaves(const struct journey *j)
{
	const struct trc_hop *h = &j->path->hops[j->next];

	return j->next == j->pause || h->cpu != h[-1].cpu;
}

static void wait_for(struct gen *g, struct cpu *from, const struct journey *j)
{
	struct cpu *c = &g->cpus[(from - g->cpus + 1 + draw(g) % (g->o->cpus - 1)) % g->o->cpus];
	struct journey *place;

	if (c->count == WAITING_MAX)
		return;		/* the sample's packet was seen no more, either, when its CPU was too slow */
	place = &c->waiting[(c->first + c->count++) % WAITING_MAX];
	*place = *j;
	place->ready_ns = from->now_ns;
}

static int journey_go(struct gen *g, struct cpu *c, struct journey *j)
{
	bool moved = j->next;	/* it has just come here */
	int err = 0;

	for (; !err && j->next < j->path->nhops && g->hops < g->o->hops; j->next++) {
		if (!moved && g->o->cpus > 1 && j->next && leaves(j)) {
			wait_for(g, c, j);
			return 0;
		}
		moved = false;
		err = hop_send(g, c, j);
	}
	return err;
}

/* The first bytes: an IP header without options, with an eye on what varies from packet to packet, and ports. */
static int data_write(struct gen *g, const struct cpu *c, const struct journey *j)
{
	uint8_t bytes[64] = { j->flow->ipv6 ? 0x60 : 0x45, [4] = j->ip_id >> 8, [5] = j->ip_id, [8] = 64,
			      [9] = j->flow->tcp ? 6 : 17, [20] = j->flow->port >> 8, [21] = j->flow->port, [23] = 53 };
	struct trc_hop h = j->path->hops[j->path->nhops / 2];
	struct trc_record rec = { .kind = TRC_DATA, .data = { .packet = j->packet, .time_ns = c->now_ns, .layer = 3,
				  .len_bytes = sizeof(bytes) + h.len_bytes, .size = sizeof(bytes), .bytes = bytes } };

	hop_change_packet(&h, j);
	memcpy(bytes + 12, h.saddr, 4);
	memcpy(bytes + 16, h.daddr, 4);
	return trc_write(g->w, &rec);
}

/* Some packets are made of the one before. */
static int edge_write(struct gen *g, const struct cpu *c, const struct journey *j)
{
	uint64_t r = draw(g);
	struct trc_record rec = { .kind = TRC_EDGE, .edge = { .time_ns = c->now_ns, .child = j->packet, .parent = j->packet - 1,
				  .kind = 1 + (r >> 8) % TRC_EDGE_LAST, .func = j->path->hops[0].func } };

	return r % 4 || j->packet == 1 ? 0 : trc_write(g->w, &rec);
}

static int packet_send(struct gen *g, struct cpu *c, struct flow *f)
{
	const struct gen_path *path = f->dropped ? g->died[draw(g) % g->ndied] : g->lived[draw(g) % g->nlived];
	struct journey j = { .path = path, .flow = f, .packet = ++g->packets, .ip_id = f->ip_id++,
			     .tcp_seq = f->tcp_seq };
	int err = 0;

	f->tcp_seq += path->hops[path->nhops - 1].len_bytes;
	if (draw(g) % 8 == 0)		/* steered to another CPU where the softirq begins */
		j.pause = path->softirq;
	if (g->o->all)
		err = data_write(g, c, &j) ?: edge_write(g, c, &j);
	return err ? err : journey_go(g, c, &j);
}

static int burst_send(struct gen *g, struct cpu *c)
{
	uint64_t r = draw(g);
	/* few flows have most of the packets */
	uint64_t which = (r & 0xffff) * (r >> 16 & 0xffff) * g->o->flows >> 32;
	unsigned int n = 1 + (r >> 32 & (BURST_MAX - 1) & r >> 40);
	int err = 0;

	c->now_ns += 2000 + (r >> 48);
	if (g->o->lose && (r >> 20) % g->o->lose < n * 64) {
		c->lost += 1 + (r >> 50 & 63);
		c->seq += 1 + (r >> 50 & 63);
	}
	while (!err && n-- && g->hops < g->o->hops)
		err = packet_send(g, c, &g->flows[which]);
	return err;
}

static int cpu_go(struct gen *g, struct cpu *c)
{
	struct journey *j = &c->waiting[c->first];

	if (!c->count)
		return burst_send(g, c);
	c->first = (c->first + 1) % WAITING_MAX;
	c->count--;
	if (c->now_ns < j->ready_ns)
		c->now_ns = j->ready_ns;
	return journey_go(g, c, j);
}

/* --- names and counts --------------------------------------------------------------------------------------------- */

/* Namespaces and links lie several times beside each other. */
static int copies_write(struct gen *g, const struct trc_record *from)
{
	struct trc_record rec = *from;
	int err = trc_write(g->w, &rec);

	for (int i = 1; i < GEN_NETS && !err; i++) {
		if (rec.kind == TRC_NETNS)
			rec.netns.netns += NETS_STEP;
		else
			rec.link.netns += NETS_STEP;
		if (rec.kind == TRC_LINK && rec.link.peer_netns)
			rec.link.peer_netns += NETS_STEP;
		err = trc_write(g->w, &rec);
	}
	return err;
}

static int stacks_write(struct gen *g)
{
	int err = 0;

	for (uint32_t i = 0; g->o->stacks && i < g->s->nstacks && !err; i++)
		err = trc_write(g->w, &(struct trc_record){ .kind = TRC_FRAMES, .frames = g->s->stacks[i] });
	return err;
}

/* Of the machine and of the first namespace; a long one is in parts. */
static int snapshots_write(struct gen *g, uint32_t end)
{
	static const struct trc_snapshot taken[] = {
		{ .what = "routes", .source = "ip route show table all", .note = "", .last = 1,
		  .text = "default via 10.0.0.1 dev veth0\n10.0.0.0/24 dev veth0 proto kernel\n" },
		{ .what = "sysctls", .source = "/proc/sys/net", .note = "", .text = "net.ipv4.ip_forward = 1\n" },
		{ .what = "sysctls", .source = "/proc/sys/net", .note = "", .part = 1, .last = 1, .text = "net.core.somaxconn = 4096\n" },
		{ .what = "nftables", .source = "nft -a list ruleset", .note = "nft: not found", .last = 1, .text = "" },
	};
	uint32_t netns = 0;
	int err = 0;

	for (size_t i = 0; i < g->s->nnames && !netns; i++)
		netns = g->s->names[i].kind == TRC_NETNS ? g->s->names[i].netns.netns : 0;
	for (size_t i = 0; g->o->all && i < 2 * sizeof(taken) / sizeof(taken[0]) && !err; i++) {
		struct trc_record rec = { .kind = TRC_SNAPSHOT, .snapshot = taken[i / 2] };

		rec.snapshot.end = end;
		rec.snapshot.netns = i & 1 ? netns : 0;
		err = trc_write(g->w, &rec);
	}
	return err;
}

static int names_write(struct gen *g)
{
	uint32_t nprocs = 0;
	int err = stacks_write(g) ?: snapshots_write(g, 0);

	for (size_t i = 0; i < g->s->nnames && !err; i++) {
		const struct trc_record *rec = &g->s->names[i];

		nprocs += rec->kind == TRC_PROC;
		if (rec->kind == TRC_NETNS || rec->kind == TRC_LINK)
			err = copies_write(g, rec);
		else
			err = trc_write(g->w, rec);
	}
	for (uint32_t pid = 1000, i = 0; nprocs && pid < 1000 + 2 * PIDS && !err; i++) {
		struct trc_record rec = g->s->names[i % g->s->nnames];

		if (rec.kind != TRC_PROC)
			continue;
		rec.proc.pid = pid++;
		err = trc_write(g->w, &rec);
	}
	return err;
}

static int counts_write(struct gen *g)
{
	int err = 0;

	for (unsigned int i = 0; i < g->o->cpus && !err; i++) {
		const struct cpu *c = &g->cpus[i];
		struct trc_record rec = { .kind = TRC_LOSS, .loss = { .cpu = i, .produced = c->seq,
					  .recorded = c->seq - c->lost, .lost = c->lost } };

		err = trc_write(g->w, &rec);
	}
	return err;
}

/* every 250 ms, as the recorder, or more often */
static int flush(struct gen *g, uint64_t now_ns)
{
	int err;

	if (now_ns < g->flush_ns && g->hops < g->flush_hops)
		return 0;
	g->flush_ns = now_ns + FLUSH_NS;
	g->flush_hops = g->o->flush ? g->hops + g->o->flush : UINT64_MAX;
	err = counts_write(g);
	return err ? err : trc_writer_flush(g->w);
}

static int end_write(struct gen *g)
{
	struct trc_record rec = { .kind = TRC_END, .end = { .reason = "count", .packets = g->packets } };
	int err = counts_write(g) ?: snapshots_write(g, 1);

	for (unsigned int i = 0; i < g->o->cpus; i++)
		if (g->cpus[i].now_ns > rec.end.time_ns)
			rec.end.time_ns = g->cpus[i].now_ns;
	rec.end.realtime_ns = rec.end.time_ns;
	return err ? err : trc_write(g->w, &rec);
}

/* --- all of it ------------------------------------------------------------------------------------------------------ */

static void flows_make(struct gen *g)
{
	for (unsigned int i = 0; i < g->o->flows; i++) {
		uint64_t r = draw(g);

		g->flows[i] = (struct flow){
			.change = (r & 0xffffff) << 8,	/* the network stays */
			.port = 32768 + (r >> 24 & 0x7fff),
			.ipv6 = !(r >> 40 & 3),
			.tcp = r >> 42 & 1,
			.dropped = !(r >> 44 & 15) && g->ndied,
			.net = r >> 48 & (GEN_NETS - 1),
			.pid = 1000 + 2 * ((r >> 52) % PIDS),
			.ip_id = r >> 13,
			.tcp_seq = r >> 7,
		};
		g->flows[i].dropped |= !g->nlived;
	}
	for (unsigned int i = 0; i < g->o->cpus; i++)
		g->cpus[i].now_ns = 10000000000ull + draw(g) % 100000;
	g->flush_ns = 10000000000ull + FLUSH_NS;
	g->flush_hops = g->o->flush ? g->o->flush : UINT64_MAX;
}

static int hops_write(struct gen *g)
{
	int err = 0;

	while (!err && g->hops < g->o->hops) {
		struct cpu *c = g->cpus;

		for (unsigned int i = 1; i < g->o->cpus; i++)
			if (g->cpus[i].now_ns < c->now_ns)
				c = &g->cpus[i];
		err = flush(g, c->now_ns);
		if (!err)
			err = cpu_go(g, c);
	}
	return err;
}

int gen_write(const struct gen_source *s, const struct gen_options *o, struct trc_writer *w)
{
	struct gen g = { .s = s, .o = o, .w = w, .random = o->seed };
	int err = -ENOMEM;

	g.flows = calloc(o->flows, sizeof(*g.flows));
	g.cpus = calloc(o->cpus, sizeof(*g.cpus));
	g.lived = calloc(s->npaths, sizeof(*g.lived));
	g.died = calloc(s->npaths, sizeof(*g.died));
	if (!g.flows || !g.cpus || !g.lived || !g.died)
		goto out;
	for (size_t i = 0; i < s->npaths; i++) {
		if (s->paths[i].dropped)
			g.died[g.ndied++] = &s->paths[i];
		else
			g.lived[g.nlived++] = &s->paths[i];
	}
	flows_make(&g);
	err = names_write(&g);
	if (!err)
		err = hops_write(&g);
	if (!err)
		err = end_write(&g);
out:
	free(g.flows);
	free(g.cpus);
	free(g.lived);
	free(g.died);
	return err;
}
