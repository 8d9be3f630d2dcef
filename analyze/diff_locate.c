// SPDX-License-Identifier: GPL-2.0
/*
 * diff_locate.c - where the path of a bad packet parts from that of a good one.
 *
 * The two outer ways are walked together.  Where they differ, the nearest place ahead at which they fit again is
 * looked for: what lies between is optional (a neighbour not yet cached, another interrupt).  Where there is none
 * near, or the decisive step is reached, they have parted.
 *
 *   bad    a b c   e f HOOK(drop)        pairs: a b c e f
 *   good   a b c d e f g h i             they part after f: the good one goes on to g
 */
#include <stdlib.h>
#include <string.h>

#include "diff.h"

#define AHEAD_MAX 40		/* steps skipped at most, on both sides together, to fit again */
#define WORK_MAX 20000000	/* comparisons at most; then what was found so far stands */

/* The comparable outer steps of a path, up to a limit. */
struct way {
	size_t *steps;
	size_t n;
};

struct walk {
	const struct path *path;
	struct way way[2];
	size_t work;
};

static void way_collect(const struct path *path, size_t limit, struct way *way)
{
	size_t room = 0;

	*way = (struct way){};
	for (size_t i = 0; i < limit; i++) {
		if (!path->steps[i].key || path->steps[i].inner)
			continue;
		way->steps = diff_grow(way->steps, &room, way->n + 1, sizeof(*way->steps));
		way->steps[way->n++] = i;
	}
}

static bool is_boundary(const struct func *f)
{
	return *f->stage && !stage_is(f, "free");	/* owners are given back at many places on the way */
}

static bool fits(struct walk *w, size_t i, size_t j)
{
	w->work++;
	return w->path[0].steps[w->way[0].steps[i]].key == w->path[1].steps[w->way[1].steps[j]].key;
}

/* Strong enough to skip something for: a boundary, two functions in a row, or a place when only one side skips. */
static bool anchors(struct walk *w, size_t i, size_t j, bool one_sided)
{
	if (!fits(w, i, j))
		return false;
	if (is_boundary(step_func(&w->path[0], w->way[0].steps[i])))
		return true;
	if (one_sided && step_is_place(&w->path[0], w->way[0].steps[i]))
		return true;
	return i + 1 < w->way[0].n && j + 1 < w->way[1].n && fits(w, i + 1, j + 1);
}

static bool at_hook(const struct walk *w, int s, size_t i)
{
	return w->path[s].steps[w->way[s].steps[i]].hook;
}

/* Move to the nearest place where both fit again. */
static bool fit_again(struct walk *w, size_t *i, size_t *j)
{
	/* a hook is traversed only where something is registered: optional by nature */
	if (at_hook(w, 0, *i) && *i + 1 < w->way[0].n && fits(w, *i + 1, *j))
		return ++*i;
	if (at_hook(w, 1, *j) && *j + 1 < w->way[1].n && fits(w, *i, *j + 1))
		return ++*j;
	for (size_t ahead = 1; ahead <= AHEAD_MAX && w->work < WORK_MAX; ahead++) {
		for (size_t skip = 0; skip <= ahead; skip++) {
			size_t x = *i + skip, y = *j + ahead - skip;

			if (x < w->way[0].n && y < w->way[1].n && anchors(w, x, y, !skip || skip == ahead)) {
				*i = x;
				*j = y;
				return true;
			}
		}
	}
	return false;
}

static void walk_together(struct walk *w, struct locus *l)
{
	size_t i = 0, j = 0, room = 0;

	while (i < w->way[0].n && j < w->way[1].n) {
		if (!fits(w, i, j) && !fit_again(w, &i, &j))
			break;
		l->pairs = diff_grow(l->pairs, &room, l->npairs + 1, sizeof(*l->pairs));
		l->pairs[l->npairs++] = (struct pair){ { w->way[0].steps[i++], w->way[1].steps[j++] } };
	}
}

/* A step that says where the packet is, and not only how it is handled there. */
bool step_is_place(const struct path *path, size_t step)
{
	const struct func *f = step_func(path, step);

	if (path->steps[step].inner)
		return false;
	return path->steps[step].hook || is_boundary(f) ||
	       (strcmp(f->layer, "skb") && strcmp(f->layer, "other") && strcmp(f->layer, "packet"));
}

/* Where the path goes after a step: the next place, or the next step if there is no place near. */
size_t next_place(const struct path *path, size_t after)
{
	size_t first = path->end;

	for (size_t i = after; i < path->end && i < after + AHEAD_MAX; i++) {
		if (step_is_place(path, i))
			return i;
		if (first == path->end && !path->steps[i].inner)
			first = i;
	}
	return first;
}

/* Both ends alike: the first boundary at which the ways differ, on each side; the ends if there is none. */
static void find_other_way(const struct path *path, size_t *limit)
{
	size_t i = 0, j = 0;

	for (;; i++, j++) {
		while (i < path[0].end && !path[0].steps[i].core)
			i++;
		while (j < path[1].end && !path[1].steps[j].core)
			j++;
		if (i >= path[0].end || j >= path[1].end || path[0].steps[i].core != path[1].steps[j].core)
			break;
		/* a boundary is often several functions in a row */
		while (i + 1 < path[0].end && (!path[0].steps[i + 1].core || path[0].steps[i + 1].core == path[0].steps[i].core))
			i++;
		while (j + 1 < path[1].end && (!path[1].steps[j + 1].core || path[1].steps[j + 1].core == path[1].steps[j].core))
			j++;
	}
	limit[0] = i < path[0].end ? i : path[0].end;
	limit[1] = j < path[1].end ? j : path[1].end;
}

/* A dropped packet is quoted in an error to its sender: what is done for that is not its way any more. */
static size_t before_error(const struct path *path)
{
	static const char *const senders[] = { "icmp_send", "__icmp_send", "icmp6_send", "icmpv6_send", "tcp_v4_send_reset", "tcp_v6_send_reset" };
	char name[128];

	if (path->last->fate != FATE_DROPPED)
		return path->end;
	for (size_t i = 0; i < path->end; i++) {
		func_plain(step_func(path, i)->name, name, sizeof(name));
		for (size_t j = 0; j < sizeof(senders) / sizeof(senders[0]); j++)
			if (!strcmp(name, senders[j]))
				return i;
	}
	return path->end;
}

/* How far each path is compared: up to its end, and to the hook's verdict when that decided. */
static void find_limits(const struct finding *f, const struct path *path, size_t *limit)
{
	if (f->kind == FINDING_WAY) {
		find_other_way(path, limit);
		return;
	}
	for (int s = 0; s < 2; s++) {
		const struct path *p = &path[s];

		limit[s] = p->netfilter ? p->decisive + 1 : before_error(p);
	}
}

/* The function that gave the hook's verdict: the last table or chain that ran in it, or what decides there, or whoever reported the drop. */
static uint32_t find_chain(const struct path *path)
{
	static const char *const evaluators[] = { "_do_table", "_do_chain" };
	size_t found = path->n, other = path->n;

	if (!path->netfilter)
		return 0;
	for (size_t i = path->decisive + 1; i < path->end && path->steps[i].inner; i++) {
		const char *name = step_func(path, i)->name;

		if (strstr(name, evaluators[0]) || strstr(name, evaluators[1]))
			found = i;
		else if (step_func(path, i)->flags & TRC_FUNC_RETURN)
			other = i;
	}
	found = found < path->n ? found : other;
	if (found == path->n && path->drop < path->n && path->drop != path->decisive)
		found = path->drop;
	if (found == path->n || step_hop(path, found)->func == step_hop(path, path->decisive)->func)
		return 0;
	return step_hop(path, found)->func + 1;
}

void locate(struct diff *d, const struct finding *f, struct locus *l)
{
	struct walk w = { .path = l->path };
	size_t limit[2], bad = f->bad;

	memset(l, 0, sizeof(*l));
	for (int s = 0; s < 2; s++)
		if (f->packet[s])
			path_build(d, s, &d->side[s].m->packets[f->packet[s] - 1], &l->path[s]);
	if (f->kind == FINDING_MISSING)
		return;
	find_limits(f, l->path, limit);
	for (int s = 0; s < 2; s++)
		way_collect(&l->path[s], limit[s], &w.way[s]);
	walk_together(&w, l);
	if (l->npairs && l->path[bad].netfilter && l->pairs[l->npairs - 1].step[bad] == l->path[bad].decisive) {
		l->npairs--;
		l->same_hook = true;
	}
	for (int s = 0; s < 2; s++) {
		const struct path *p = &l->path[s];

		l->last[s] = l->npairs ? l->pairs[l->npairs - 1].step[s] : p->n;
		l->next[s] = next_place(p, l->npairs ? l->last[s] + 1 : 0);
		free(w.way[s].steps);
	}
	if (l->path[bad].netfilter) {
		l->next[bad] = l->path[bad].decisive;
		l->chain = find_chain(&l->path[bad]);
	}
	if (l->same_hook)	/* where it goes after the hook that it passed */
		l->next[!bad] = next_place(&l->path[!bad], l->pairs[l->npairs].step[!bad] + 1);
}

void locus_free(struct locus *l)
{
	path_free(&l->path[0]);
	path_free(&l->path[1]);
	free(l->pairs);
}
