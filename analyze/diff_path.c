// SPDX-License-Identifier: GPL-2.0
/*
 * diff_path.c - one packet's hops as a path that can be compared.
 *
 * Returns are attached to their entries, repeats folded, the freeing at the end set apart, and what runs inside
 * a netfilter hook is marked as inner: the outer way is what the packet did, the inner what was asked about it.
 */
#include <stdlib.h>
#include <string.h>

#include "diff.h"

#define OPEN_MAX 8	/* calls whose return is recorded, nested in each other */
#define PERIOD_MAX 4	/* longest sequence that is recognized as repeated */

struct build {
	struct diff *d;
	int s;
	struct path *path;
	size_t open[OPEN_MAX];
	size_t nopen;
	size_t deciding;	/* innermost hook open at the drop, n = none */
};

const struct trc_hop *step_hop(const struct path *path, size_t step)
{
	return packet_hop(path->side->m, path->steps[step].packet, path->steps[step].hop);
}

const struct func *step_func(const struct path *path, size_t step)
{
	return &path->side->m->funcs[step_hop(path, step)->func];
}

bool stage_is(const struct func *f, const char *stage)
{
	return !strcmp(f->stage, stage);
}

/* Boundaries that a packet crosses whatever is cached: the optional ones (route, neigh, send, read) are not among them. */
static bool stage_is_core(const struct func *f)
{
	static const char *const core[] = {
		"to_ip", "to_qdisc", "to_driver", "receive", "from_ip_rcv", "forward", "to_transport", "to_socket",
	};

	for (size_t i = 0; i < sizeof(core) / sizeof(core[0]); i++)
		if (stage_is(f, core[i]))
			return true;
	return false;
}

static uint32_t core_id(struct diff *d, int s, const struct func *f, const struct trc_hop *h)
{
	uint32_t netns = h->have & TRC_HAVE_NETNS ? side_netns(d, s, h->netns) : 0;
	uint32_t device = stage_is(f, "to_driver") ? side_device(d, s, h->netns, h->ifindex) : 0;
	char text[600];

	snprintf(text, sizeof(text), "%.40s|%.200s|%.200s", f->stage, name_text(d, netns), name_text(d, device));
	return name_id(d, text);
}

/* The innermost open call of the function ends; calls inside it whose return was lost end too. */
static void step_return(struct build *b, const struct trc_hop *h)
{
	struct path *path = b->path;

	for (size_t i = b->nopen; i-- > 0;) {
		struct step *st = &path->steps[b->open[i]];

		if (step_hop(path, b->open[i])->func != h->func)
			continue;
		st->returned = true;
		st->verdict = h->value;
		b->nopen = i;
		return;
	}
}

/* Without return probes a hook ends where the packet crosses the next boundary; being freed is none. */
static void close_unreturned(struct build *b, const struct func *f)
{
	while (b->nopen && *f->stage && !stage_is(f, "free") && !(step_func(b->path, b->open[b->nopen - 1])->flags & TRC_FUNC_RETURN))
		b->nopen--;
}

static bool steps_equal(const struct path *path, size_t a, size_t b)
{
	const struct step *x = &path->steps[a], *y = &path->steps[b];

	return step_hop(path, a)->func == step_hop(path, b)->func && x->inner == y->inner &&
	       !x->hook && !y->hook && !x->drop && !y->drop && x->core == y->core;
}

/* If the last p steps say what the p before them say, keep only those. */
static void fold_repeats(struct path *path)
{
	for (size_t p = 1; p <= PERIOD_MAX && 2 * p <= path->n; p++) {
		size_t i;

		for (i = 0; i < p && steps_equal(path, path->n - 2 * p + i, path->n - p + i); i++)
			;
		if (i < p)
			continue;
		path->n -= p;
		path->steps[path->n - p].repeats++;
		return;
	}
}

static void step_add(struct build *b, const struct packet *p, uint32_t hop, const struct trc_hop *h)
{
	struct path *path = b->path;
	const struct func *f = &path->side->m->funcs[h->func];
	uint32_t shared = path->side->shared[h->func];
	struct step *st;

	path->steps = diff_grow(path->steps, &path->room, path->n + 1, sizeof(*path->steps));
	st = &path->steps[path->n];
	*st = (struct step){ .packet = p, .hop = hop, .drop = h->kind == TRC_DROP };
	if (!st->drop) {
		close_unreturned(b, f);
		st->hook = h->have & TRC_HAVE_HOOK && stage_is(f, "netfilter");
		st->inner = b->nopen && !st->hook && (!*f->stage || stage_is(f, "netfilter"));
		st->key = (uint64_t)shared << 17;
		if (shared && st->hook)
			st->key |= 1 << 16 | h->family << 8 | h->hook;
		if (shared && h->kind != TRC_DERIVED && stage_is_core(f))	/* not every packet has stacks */
			st->core = core_id(b->d, b->s, f, h);
		if (st->hook && b->nopen < OPEN_MAX)
			b->open[b->nopen++] = path->n;
	}
	path->n++;
	fold_repeats(path);
}

static void find_end(struct path *path)
{
	path->end = path->drop < path->n ? path->drop : path->n;
	while (path->end && stage_is(step_func(path, path->end - 1), "free"))
		path->end--;
}

/* Last step before the end that says where the packet is; n when there is none. */
static size_t last_place(const struct path *path)
{
	for (size_t i = path->end; i-- > 0;)
		if (step_is_place(path, i))
			return i;
	return path->end ? path->end - 1 : path->n;
}

static void find_decisive(struct build *b)
{
	struct path *path = b->path;
	const struct func *where;
	char name[256], other[256];

	path->decisive = last_place(path);
	path->netfilter = false;
	if (path->drop == path->n)
		return;
	if (b->deciding < path->n) {
		const struct step *hook = &path->steps[b->deciding];
		const char *reason = packet_reason(path->side->m, path->last);

		if (hook->returned ? hook->verdict < 0 : !strcmp(reason, "NETFILTER_DROP")) {
			path->decisive = b->deciding;
			path->netfilter = true;
			return;
		}
	}
	where = step_func(path, path->drop);
	func_plain(where->name, name, sizeof(name));
	for (size_t i = path->end; i-- > 0;) {
		if (!strcmp(func_plain(step_func(path, i)->name, other, sizeof(other)), name)) {
			path->decisive = i;
			return;
		}
	}
	path->decisive = path->drop;
}

/* --- packets that go on as others ------------------------------------------------------------------------------------ */

#define REBUILT_MAX 16		/* times */

/* XDP on a veth puts the same frame into an sk_buff of its own: to whom it was sent, it is the same packet. */
void rebuilt_find(struct diff *d, int s)
{
	const struct model *m = d->side[s].m;
	struct side *side = &d->side[s];

	for (size_t i = 0; i < m->nedges; i++) {
		const struct edge *e = &m->edges[i];

		if (e->kind != TRC_EDGE_REBUILD || !e->parent || !e->child || e->parent == e->child)
			continue;
		if (m->packets[e->parent - 1].fate != FATE_MERGED || m->packets[e->parent - 1].into != e->child || !m->packets[e->child - 1].nhops)
			continue;
		if (!side->after) {
			side->after = diff_alloc(d, m->npackets + 1, sizeof(*side->after));
			side->continues = diff_alloc(d, m->npackets + 1, sizeof(*side->continues));
		}
		/* a forged file may have circles, and two that go on as one */
		if (side->continues[e->child - 1] || e->child < e->parent)
			continue;
		side->after[e->parent - 1] = e->child;
		side->continues[e->child - 1] = true;
	}
}

static const struct packet *packet_after(const struct side *side, const struct packet *p)
{
	uint32_t after = side->after ? side->after[p->number - 1] : 0;

	return after ? &side->m->packets[after - 1] : NULL;
}

const struct packet *packet_ends_as(const struct side *side, const struct packet *p)
{
	const struct packet *next = packet_after(side, p);

	for (int i = 0; next && i < REBUILT_MAX; i++, next = packet_after(side, p))
		p = next;
	return p;
}

static void packet_steps(struct build *b, const struct packet *p, bool last)
{
	struct path *path = b->path;

	for (uint32_t i = 0; i < p->nhops; i++) {
		const struct trc_hop *h = packet_hop(path->side->m, p, i);

		if (h->kind == TRC_RETURN) {
			step_return(b, h);
			continue;
		}
		if (!last && stage_is(&path->side->m->funcs[h->func], "free"))
			continue;	/* of the first sk_buff, not of the packet */
		step_add(b, p, i, h);
		if (last && h->kind == TRC_DROP && p->fate == FATE_DROPPED && path->drop == SIZE_MAX && i >= p->fate_hop) {
			path->drop = path->n - 1;
			b->deciding = b->nopen ? b->open[b->nopen - 1] : SIZE_MAX;
		}
	}
}

/* It was dropped by who had it last, where what only frees reports it: see packet_drop_hop(). */
static void find_dropper(struct path *path)
{
	uint32_t hop = packet_drop_hop(path->side->m, path->last);

	if (path->drop >= path->n || hop == path->last->fate_hop)
		return;
	for (size_t i = path->drop; i-- > 0 && path->steps[i].packet == path->last;) {
		if (path->steps[i].hop <= hop) {
			path->drop = i;
			return;
		}
	}
}

static void build(struct diff *d, int s, const struct packet *p, const struct packet *last, struct path *path)
{
	struct build b = { .d = d, .s = s, .path = path, .deciding = SIZE_MAX };

	path->side = &d->side[s];
	path->packet = p;
	path->last = last;
	path->n = 0;
	path->drop = SIZE_MAX;
	for (; p != last; p = packet_after(path->side, p))
		packet_steps(&b, p, false);
	packet_steps(&b, last, true);
	if (path->drop > path->n)
		path->drop = path->n;
	find_end(path);
	find_dropper(path);
	find_decisive(&b);
}

void path_build(struct diff *d, int s, const struct packet *p, struct path *path)
{
	build(d, s, p, packet_ends_as(&d->side[s], p), path);
}

void path_build_alone(struct diff *d, int s, const struct packet *p, struct path *path)
{
	build(d, s, p, p, path);
}

void path_free(struct path *path)
{
	free(path->steps);
	memset(path, 0, sizeof(*path));
}

static uint64_t way_add(uint64_t way, uint64_t what)
{
	return (way ^ what) * 0x9e3779b97f4a7c15ull ^ way >> 29;
}

uint64_t path_way(const struct path *path, bool with_socket)
{
	uint64_t way = 1;
	uint32_t before = 0;

	for (size_t i = 0; i < path->end; i++) {
		const struct step *st = &path->steps[i];

		/* a hook that keeps the packet (queue, stolen) decides its way; one that accepts does not */
		if (st->hook && st->key && st->returned && st->verdict == 0)
			way = way_add(way, st->key | 1ull << 63);
		if (!st->core || st->core == before)
			continue;
		if (!with_socket && stage_is(step_func(path, i), "to_socket"))
			continue;
		way = way_add(way, st->core);
		before = st->core;
	}
	return way;
}
