// SPDX-License-Identifier: GPL-2.0
/*
 * drain.c - take records out of the per-CPU rings and hand them to the spool; the one place where a ring record
 * becomes a record of the file.
 *
 * Rings are taken in turn, a bounded amount of each, so that one busy CPU does not starve the others.  Order is not
 * lost by that: every hop has its CPU, its number there and its time.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "drain.h"
#include "functable.h"

#define TURN_RECORDS 8192	/* taken from one ring before the next has its turn */
#define SETTLE_NS 2000000000ULL	/* how long the last programs may take to deliver */

struct cpu {
	struct drain *drain;
	struct ring_buffer *ring;
	uint64_t next_seq;	/* above the highest seen */
	uint64_t recorded;
	uint64_t *packets;	/* a bit for each id of this CPU */
	size_t packets_room;	/* in words */
	int turn;
};

struct drain {
	struct probes *probes;
	struct spool *spool;
	struct functable *functions;
	struct cpu *cpus;
	struct cpu_counters *counters;
	struct drain_totals totals;
	uint32_t first;			/* whose turn it is */
	int err;
};

static int trc_kind_of(__u8 kind)
{
	return kind == EVENT_RETURN ? TRC_RETURN : kind == EVENT_DROP ? TRC_DROP : TRC_ENTRY;
}

/* Ids are numbered per CPU (hop.bpf.c, id_fresh): count those that have a hop in the file. */
static int packet_count(struct drain *d, uint64_t id)
{
	struct cpu *c = &d->cpus[(id & 4095) % d->probes->ncpus];
	uint64_t number = id >> 12, *grown;
	size_t word = number / 64, room;

	if (word >= c->packets_room) {
		room = word * 2 + 64;
		grown = realloc(c->packets, room * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		memset(grown + c->packets_room, 0, (room - c->packets_room) * sizeof(*grown));
		c->packets = grown;
		c->packets_room = room;
	}
	if (!(c->packets[word] >> number % 64 & 1)) {
		c->packets[word] |= 1ULL << number % 64;
		d->totals.packets++;
	}
	return 0;
}

/* The ring carries the low half of the sequence number; hops of nested interrupts may swap places. */
static uint64_t seq_extend(struct cpu *c, uint32_t low)
{
	uint64_t seq = c->next_seq + (int32_t)(low - (uint32_t)c->next_seq);

	if (seq >= c->next_seq)
		c->next_seq = seq + 1;
	return seq;
}

static int hop_take(struct cpu *c, const struct hop_event *e)
{
	struct drain *d = c->drain;
	struct trc_hop hop = {
		.time_ns = e->time_ns,
		.packet = e->packet,
		.seq = seq_extend(c, e->head.seq),
		.pid = e->pid,
		.len_bytes = e->len,
		.paged_bytes = e->data_len,
		.ifindex = e->ifindex,
		.netns = e->netns,
		.mark = e->mark,
		.value = e->value,
		.tcp_seq = e->tcp_seq,
		.cpu = e->head.cpu,
		.ethertype = e->protocol,
		.sport = e->sport,
		.dport = e->dport,
		.ip_id = e->ip_id,
		.frag = e->frag,
		.gso_size = e->gso_size,
		.gso_segs = e->gso_segs,
		.kind = trc_kind_of(e->head.kind),
		.context = e->head.context,
		.hook = e->hook,
		.family = e->family,
		.l4proto = e->l4proto,
		.ttl = e->ttl,
		.tcp_flags = e->tcp_flags,
		.have = e->have,
	};
	int err;

	memcpy(hop.saddr, e->saddr, sizeof(hop.saddr));
	memcpy(hop.daddr, e->daddr, sizeof(hop.daddr));
	err = functable_at(d->functions, e->func, &hop.func);
	if (!err)
		err = packet_count(d, e->packet);
	if (!err)
		err = spool_hop(d->spool, &hop);
	if (!err) {
		c->recorded++;
		d->totals.hops++;
	}
	return err;
}

static int stack_take(struct drain *d, const struct stack_event *e)
{
	uint32_t frames[STACK_FRAMES];
	struct trc_record rec = { .kind = TRC_STACK, .stack = { .packet = e->packet, .frames = frames } };
	int err;

	err = functable_stack(d->functions, e, frames, &rec.stack.count);
	if (err || !rec.stack.count)
		return err;
	return spool_write(d->spool, &rec);
}

static int name_take(struct drain *d, const struct name_event *e)
{
	char name[sizeof(e->name) + 1] = {};
	struct trc_record rec = { .kind = TRC_PROC, .proc = { .pid = e->pid, .name = name } };

	memcpy(name, e->name, sizeof(e->name));
	return spool_write(d->spool, &rec);
}

/* libbpf's callback: a negative answer ends this ring's turn. */
static int record_take(void *ctx, void *data, size_t size)
{
	const struct event_head *head = data;
	struct cpu *c = ctx;
	int err = 0;

	if (size == sizeof(struct hop_event) && head->kind <= EVENT_DROP)
		err = hop_take(c, data);
	else if (size == sizeof(struct stack_event) && head->kind == EVENT_STACK)
		err = stack_take(c->drain, data);
	else if (size == sizeof(struct name_event) && head->kind == EVENT_NAME)
		err = name_take(c->drain, data);
	else
		err = -EBADMSG;
	if (err) {
		c->drain->err = err;
		return err;
	}
	/* this record is taken; the next one stays in the ring when there is no room for it */
	return ++c->turn >= TURN_RECORDS || !spool_room(c->drain->spool) ? -EAGAIN : 0;
}

int drain_open(struct drain **out, struct probes *p, struct functions *f, const struct symbols *s, struct spool *spool)
{
	struct drain *d = calloc(1, sizeof(*d));
	uint32_t i;
	int err = -ENOMEM;

	if (!d)
		return -ENOMEM;
	d->probes = p;
	d->spool = spool;
	d->cpus = calloc(p->ncpus, sizeof(*d->cpus));
	d->counters = calloc(p->ncpus, sizeof(*d->counters));
	if (!d->cpus || !d->counters)
		goto out;
	for (i = 0; i < p->ncpus; i++) {
		d->cpus[i].drain = d;
		d->cpus[i].ring = ring_buffer__new(p->rings[i], record_take, &d->cpus[i], NULL);
		if (!d->cpus[i].ring) {
			err = -errno;
			goto out;
		}
	}
	err = functable_open(&d->functions, f, s, spool);
out:
	if (err) {
		drain_free(d);
		d = NULL;
	}
	*out = d;
	return err;
}

int drain_once(struct drain *d)
{
	struct cpu *c;
	uint32_t i;
	int taken = 0;

	for (i = 0; i < d->probes->ncpus && !d->err; i++) {
		c = &d->cpus[(d->first + i) % d->probes->ncpus];
		c->turn = 0;
		if (!spool_room(d->spool))
			break;
		ring_buffer__consume(c->ring);
		taken += c->turn;
	}
	d->first = (d->first + i) % d->probes->ncpus;	/* when room is short, each is the first one once */
	return d->err ? d->err : taken;
}

const struct drain_totals *drain_totals(struct drain *d)
{
	struct drain_totals *t = &d->totals;
	uint64_t produced = 0;
	uint32_t i;

	t->lost = t->untracked = t->others_lost = t->unpaired = 0;
	if (!probes_counters(d->probes, d->counters)) {
		for (i = 0; i < d->probes->ncpus; i++) {
			produced += d->counters[i].hops;
			t->lost += d->counters[i].lost;
			t->untracked += d->counters[i].untracked;
			t->others_lost += d->counters[i].others_lost;
			t->unpaired += d->counters[i].unpaired;
		}
	}
	t->missed = probes_missed(d->probes);
	t->unexplained = produced - t->hops - t->lost;
	return t;
}

static int losses_write(struct drain *d)
{
	struct trc_record rec = { .kind = TRC_LOSS };
	uint32_t i;
	int err = 0;

	for (i = 0; i < d->probes->ncpus && !err; i++) {
		if (!d->counters[i].hops && !d->counters[i].others_lost && i)
			continue;
		rec.loss = (struct trc_loss){
			.cpu = i,
			.produced = d->counters[i].hops,
			.recorded = d->cpus[i].recorded,
			.lost = d->counters[i].lost,
			.missed = i ? 0 : d->totals.missed,	/* the kernel counts them for all CPUs together */
			.others_lost = d->counters[i].others_lost,
		};
		err = spool_write(d->spool, &rec);
	}
	return err;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

int drain_finish(struct drain *d)
{
	uint64_t until = now_ns() + SETTLE_NS;
	bool full;
	int taken;

	/* a program that saw `enabled` just before may still be running: wait until the books balance */
	do {
		taken = spool_error(d->spool) ?: drain_once(d);
		if (taken < 0)
			return taken;
		full = !spool_room(d->spool);	/* a slow file gets the time it needs */
		if (taken || full)
			until = now_ns() + SETTLE_NS;
		if (!taken)
			usleep(1000);
	} while (taken || full || (drain_totals(d)->unexplained && now_ns() < until));
	return losses_write(d);
}

void drain_free(struct drain *d)
{
	uint32_t i;

	if (!d)
		return;
	for (i = 0; d->cpus && i < d->probes->ncpus; i++) {
		ring_buffer__free(d->cpus[i].ring);
		free(d->cpus[i].packets);
	}
	functable_free(d->functions);
	free(d->cpus);
	free(d->counters);
	free(d);
}
