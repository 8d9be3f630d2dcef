// SPDX-License-Identifier: GPL-2.0
/*
 * drain.c - take records out of the per-CPU rings and hand them to the spool; the one place where a ring record
 * becomes a record of the file.
 *
 * Rings are taken in turn, a bounded amount of each, so that one busy CPU does not starve the others.  Order is not
 * lost by that: every hop has its CPU, its number there and its time.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmdlines.h"
#include "drain.h"
#include "functable.h"
#include "stacks.h"

#define TURN_SLOTS 8192		/* taken from one ring before the next has its turn */
#define NETNS_MAX 64
#define SETTLE_NS 2000000000ULL	/* how long the last programs may take to deliver */
#define SETTLE_COMMANDS_MS 100	/* and the last command lines to be read */

/* A packet's bytes come in pieces. */
struct piece {
	uint64_t packet, time_ns;
	uint32_t layer, len, total, size;
	uint32_t room;
	uint8_t *bytes;
};

struct cpu {
	uint64_t tail;		/* slots taken */
	uint64_t next_seq;	/* above the highest seen */
	uint64_t recorded;
	uint64_t *packets;	/* a bit for each id of this CPU */
	size_t packets_room;	/* in words */
	struct piece piece;
};

struct drain {
	struct probes *probes;
	struct spool *spool;
	struct functable *functions;
	struct stacks *stacks;
	struct cmdlines *cmdlines;
	pid_t own_pid;			/* of the command that is run while recording, 0 = none */
	char own_name[16];
	char own_command[CMDLINE_BYTES];
	struct cpu *cpus;
	struct drain_totals totals;
	uint32_t netns[NETNS_MAX];	/* seen, the last one first: the next hop's is mostly among the first two */
	size_t nnetns;
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

static void netns_note(struct drain *d, uint32_t netns)
{
	size_t i = 0;

	while (i < d->nnetns && d->netns[i] != netns)
		i++;
	if (!i && d->nnetns)
		return;
	if (i == d->nnetns) {
		if (!netns || i == NETNS_MAX)
			return;
		d->nnetns++;
	}
	memmove(d->netns + 1, d->netns, i * sizeof(*d->netns));
	d->netns[0] = netns;
}

const uint32_t *drain_netns(const struct drain *d, size_t *n)
{
	*n = d->nnetns;
	return d->netns;
}

/* The ring carries the low half of the sequence number; hops of nested interrupts may swap places. */
static uint64_t seq_extend(struct cpu *c, uint32_t low)
{
	uint64_t seq = c->next_seq + (int32_t)(low - (uint32_t)c->next_seq);

	if (seq >= c->next_seq)
		c->next_seq = seq + 1;
	return seq;
}

/* The slot at this place of a CPU's ring; NULL: it is not written yet. */
static const void *slot_at(const struct drain *d, uint32_t cpu, uint64_t at)
{
	const struct probes *p = d->probes;
	size_t index = ((size_t)cpu << p->slot_shift) + (at & ((1u << p->slot_shift) - 1));
	const struct event_head *head = (const void *)(p->slots + index * SLOT_BYTES);
	uint16_t lap = (at >> p->slot_shift) + 1;

	return __atomic_load_n(&head->lap, __ATOMIC_ACQUIRE) == lap ? head : NULL;
}

/* The stack of the hop at this place: in the slots behind it, written before it was.  *slots is how many. */
static int stack_take(struct drain *d, uint32_t cpu, uint64_t at, uint32_t *number, uint32_t *slots)
{
	uint32_t frames[STACK_FRAMES], count = 0, i;
	const struct stack_event *e;
	bool process = true;

	for (*slots = 0; !*slots || *slots * STACK_SLOT_FRAMES < count; (*slots)++) {
		e = slot_at(d, cpu, at + 1 + *slots);
		if (!e || e->head.kind != EVENT_STACK || e->count > STACK_FRAMES)
			return -EBADMSG;
		count = e->count;
		process = e->head.context == CONTEXT_PROCESS;
		for (i = 0; i < STACK_SLOT_FRAMES && *slots * STACK_SLOT_FRAMES + i < count; i++)
			frames[*slots * STACK_SLOT_FRAMES + i] = e->frames[i];
	}
	return stacks_number(d->stacks, frames, count, process, number);
}

/* The number of slots that it fills, or -errno. */
static int hop_take(struct drain *d, uint32_t cpu, uint64_t at, const struct hop_event *e)
{
	struct trc_hop hop = {
		.time_ns = e->time_ns,
		.packet = e->packet,
		.seq = seq_extend(&d->cpus[cpu], e->head.seq),
		.pid = e->pid,
		.len_bytes = e->len,
		.paged_bytes = e->data_len,
		.ifindex = e->ifindex,
		.netns = e->netns,
		.mark = e->mark,
		.value = e->value,
		.tcp_seq = e->tcp_seq,
		.cpu = cpu,
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
		.have = e->have & ~HAVE_STACK,
	};
	uint32_t slots = 0;
	int err;

	memcpy(hop.saddr, e->saddr, sizeof(hop.saddr));
	memcpy(hop.daddr, e->daddr, sizeof(hop.daddr));
	netns_note(d, e->netns);
	err = functable_at(d->functions, e->func, &hop.func);
	if (!err && e->have & HAVE_STACK)
		err = stack_take(d, cpu, at, &hop.stack, &slots);
	if (!err)
		err = packet_count(d, e->packet);
	if (!err)
		err = spool_hop(d->spool, &hop);
	if (err)
		return err;
	d->cpus[cpu].recorded++;
	d->totals.hops++;
	return 1 + slots;
}

/* The name at once, and once more when the command line is known: a reader takes the last. */
static int name_take(struct drain *d, const struct name_event *e)
{
	char name[sizeof(e->name) + 1] = {};
	struct trc_record rec = { .kind = TRC_PROC, .proc = { .pid = e->pid, .name = name, .command = "" } };

	memcpy(name, e->name, sizeof(e->name));
	if (e->pid == (uint32_t)d->own_pid && !strcmp(name, d->own_name))
		rec.proc.command = d->own_command;
	cmdlines_ask(d->cmdlines, e->pid, name);
	return spool_write(d->spool, &rec);
}

static int commands_take(struct drain *d)
{
	struct trc_record rec = { .kind = TRC_PROC };
	pid_t pid;
	int err = 0;

	while (!err && spool_room(d->spool) && cmdlines_take(d->cmdlines, &pid, &rec.proc.name, &rec.proc.command)) {
		rec.proc.pid = pid;
		err = spool_write(d->spool, &rec);
	}
	return err;
}

void drain_own_command(struct drain *d, pid_t pid, char *const argv[])
{
	const char *base = strrchr(argv[0], '/');

	d->own_pid = pid;
	snprintf(d->own_name, sizeof(d->own_name), "%s", base ? base + 1 : argv[0]);
	cmdline_join(d->own_command, argv);
}

static int edge_take(struct drain *d, const struct edge_event *e)
{
	struct trc_record rec = { .kind = TRC_EDGE, .edge = { .time_ns = e->time_ns, .child = e->child, .parent = e->parent,
		.kind = e->kind } };
	int err = functable_at(d->functions, e->func, &rec.edge.func);

	return err ? err : spool_write(d->spool, &rec);
}

/* What has come so far of a packet's bytes; less than was taken when slots were lost. */
static int piece_end(struct drain *d, struct piece *p)
{
	struct trc_record rec = { .kind = TRC_DATA, .data = { .packet = p->packet, .time_ns = p->time_ns, .layer = p->layer,
		.len_bytes = p->len, .size = p->size < TRC_STRING_MAX ? p->size : TRC_STRING_MAX, .bytes = p->bytes } };

	if (!p->size)
		return 0;
	p->size = 0;
	return spool_write(d->spool, &rec);
}

static int piece_room(struct piece *p, uint32_t total)
{
	uint8_t *grown;

	if (total <= p->room)
		return 0;
	grown = realloc(p->bytes, total);
	if (!grown)
		return -ENOMEM;
	p->bytes = grown;
	p->room = total;
	return 0;
}

static int data_take(struct drain *d, uint32_t cpu, const struct data_event *e)
{
	struct piece *p = &d->cpus[cpu].piece;
	int err;

	if (e->size > DATA_SLOT_BYTES || e->total > e->len)
		return -EBADMSG;
	if (!e->offset) {
		err = piece_end(d, p);
		err = err ? err : piece_room(p, e->total);
		if (err)
			return err;
		*p = (struct piece){ .packet = e->packet, .time_ns = e->time_ns, .layer = e->layer, .len = e->len,
			.total = e->total, .room = p->room, .bytes = p->bytes };
	}
	if (e->packet != p->packet || e->offset != p->size || e->offset + e->size > p->total)
		return 0;	/* a piece before it was lost */
	memcpy(p->bytes + p->size, e->bytes, e->size);
	p->size += e->size;
	return p->size == p->total ? piece_end(d, p) : 0;
}

/* The number of slots taken, or -errno. */
static int slot_take(struct drain *d, uint32_t cpu, uint64_t at, const struct event_head *head)
{
	int err = 0;

	switch (head->kind) {
	case EVENT_HOP:
	case EVENT_RETURN:
	case EVENT_DROP:
		return hop_take(d, cpu, at, (const void *)head);
	case EVENT_NAME:
		err = name_take(d, (const void *)head);
		break;
	case EVENT_EDGE:
		err = edge_take(d, (const void *)head);
		break;
	case EVENT_DATA:
		err = data_take(d, cpu, (const void *)head);
		break;
	default:
		err = -EBADMSG;
	}
	return err ? err : 1;
}

int drain_open(struct drain **out, struct probes *p, struct functions *f, const struct symbols *s, struct spool *spool)
{
	struct drain *d = calloc(1, sizeof(*d));
	int err = -ENOMEM;

	if (!d)
		return -ENOMEM;
	d->probes = p;
	d->spool = spool;
	d->cpus = calloc(p->ncpus, sizeof(*d->cpus));
	if (d->cpus)
		err = functable_open(&d->functions, f, s, spool);
	if (!err)
		err = stacks_open(&d->stacks, d->functions, spool);
	if (!err)
		err = cmdlines_open(&d->cmdlines);
	if (err) {
		drain_free(d);
		d = NULL;
	}
	*out = d;
	return err;
}

/* One CPU's turn: the number of slots, or -errno.  Slots are the programs' again once the tail has moved. */
static int cpu_drain(struct drain *d, uint32_t cpu)
{
	struct cpu *c = &d->cpus[cpu];
	uint64_t begin = c->tail;
	const void *slot;
	int n = 0;

	while (c->tail - begin < TURN_SLOTS && spool_room(d->spool)) {
		slot = slot_at(d, cpu, c->tail);
		if (!slot)
			break;
		n = slot_take(d, cpu, c->tail, slot);
		if (n < 0)
			break;
		c->tail += n;
	}
	__atomic_store_n(&d->probes->control[cpu].tail, c->tail, __ATOMIC_RELEASE);
	return n < 0 ? n : (int)(c->tail - begin);
}

int drain_once(struct drain *d)
{
	uint32_t i;
	int taken = 0, n;

	for (i = 0; i < d->probes->ncpus && !d->err; i++) {
		if (!spool_room(d->spool))
			break;
		n = cpu_drain(d, (d->first + i) % d->probes->ncpus);
		if (n < 0)
			d->err = n;
		else
			taken += n;
	}
	if (!d->err)
		d->err = commands_take(d);
	d->first = (d->first + i) % d->probes->ncpus;	/* when room is short, each is the first one once */
	return d->err ? d->err : taken;
}

const struct drain_totals *drain_totals(struct drain *d)
{
	struct drain_totals *t = &d->totals;
	const volatile struct cpu_control *c;
	uint64_t produced = 0;
	uint32_t i;

	t->lost = t->untracked = t->others_lost = t->unpaired = 0;
	for (i = 0; i < d->probes->ncpus; i++) {
		c = &d->probes->control[i];
		t->lost += c->lost;
		t->untracked += c->untracked;
		t->others_lost += c->others_lost;
		t->unpaired += c->unpaired;
		produced += c->hops;
	}
	t->missed = probes_missed(d->probes);
	t->unexplained = produced - t->hops - t->lost;
	return t;
}

static int losses_write(struct drain *d)
{
	struct trc_record rec = { .kind = TRC_LOSS };
	const volatile struct cpu_control *c;
	uint32_t i;
	int err = 0;

	for (i = 0; i < d->probes->ncpus && !err; i++) {
		c = &d->probes->control[i];
		err = piece_end(d, &d->cpus[i].piece);
		if (err || (!c->hops && !c->others_lost && i))
			continue;
		rec.loss = (struct trc_loss){
			.cpu = i,
			.produced = c->hops,
			.recorded = d->cpus[i].recorded,
			.lost = c->lost,
			.missed = i ? 0 : d->totals.missed,	/* the kernel counts them for all CPUs together */
			.others_lost = c->others_lost,
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
	cmdlines_settle(d->cmdlines, SETTLE_COMMANDS_MS);
	taken = commands_take(d);
	return taken ? taken : losses_write(d);
}

void drain_free(struct drain *d)
{
	uint32_t i;

	if (!d)
		return;
	for (i = 0; d->cpus && i < d->probes->ncpus; i++) {
		free(d->cpus[i].packets);
		free(d->cpus[i].piece.bytes);
	}
	cmdlines_free(d->cmdlines);
	stacks_free(d->stacks);
	functable_free(d->functions);
	free(d->cpus);
	free(d);
}
