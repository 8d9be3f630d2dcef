// SPDX-License-Identifier: GPL-2.0
/*
 * diff_notes.c - what else the two files tell: how they were made, what differs between the systems, what proves nothing.
 *
 * Notes never decide.  They are what an engineer would ask next, and what limits the verdict.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "diff.h"

#define LINKS_MAX 4096	/* interfaces of one recording */
#define SYSTEMS_MAX 8	/* differences of the systems */
#define NOTES_MAX 24	/* of each kind of list at most so many lines */

static __attribute__((format(printf, 2, 3))) void note(struct diff *d, const char *format, ...)
{
	char text[600];
	va_list args;
	size_t n;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	n = strlen(text) + 1;
	d->notes = diff_grow(d->notes, &d->notes_room, d->nnotes + 1, sizeof(*d->notes));
	d->notes[d->nnotes] = diff_alloc(d, n, 1);
	memcpy(d->notes[d->nnotes++], text, n);
}

/* How the recordings were made, and on what. */
static void note_facts(struct diff *d)
{
	static const struct { const char *key, *words; } keys[] = {
		{ "host.name", "host" }, { "host.kernel", "kernel" }, { "host.machine", "machine" },
		{ "recorder.backend", "backend" }, { "recorder.profile", "profile" },
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const char *a = model_fact(d->side[0].m, keys[i].key), *b = model_fact(d->side[1].m, keys[i].key);

		if (strcmp(a, b))
			note(d, "%s differs: %s in %s, %s in %s", keys[i].words, *a ? a : "none", d->side[0].name,
			     *b ? b : "none", d->side[1].name);
	}
}

/* With different filters only what both let pass can be compared. */
static void note_filter(struct diff *d)
{
	const char *a = d->side[0].filter, *b = d->side[1].filter;

	if (!d->same_filter)
		note(d, "the filters differ (%s in %s, %s in %s): only packets that both hold were compared, and none is said to be missing",
		     *a ? a : "none", d->side[0].name, *b ? b : "none", d->side[1].name);
}

/* Functions probed on one side only.  A few come and go with modules; then their number says enough. */
static void note_functions(struct diff *d)
{
	size_t only[2] = {};

	for (int s = 0; s < 2; s++) {
		const struct model *m = d->side[s].m;

		for (size_t i = 0; i < m->nfuncs; i++)
			only[s] += m->funcs[i].flags & TRC_FUNC_ATTACHED && !d->side[s].shared[i];
	}
	if (only[0] || only[1])
		note(d, "%zu probed functions are common to both and were compared; %zu only in %s and %zu only in %s were not",
		     d->shared, only[0], d->side[0].name, only[1], d->side[1].name);
}

static void note_health(struct diff *d)
{
	for (int s = 0; s < 2; s++) {
		const struct side *side = &d->side[s];

		if (*side->m->trouble)
			note(d, "%s: %s", side->name, side->m->trouble);
		if (side->m->lost)
			note(d, "%s lost %llu hops; %zu of its packets may lack some and are no evidence", side->name,
			     (unsigned long long)side->m->lost, side->censored);
		if (side->m->missed)
			note(d, "%s lacks %llu probe hits that the kernel skipped: only the ends of packets were compared, not their ways",
			     side->name, (unsigned long long)side->m->missed);
		if (side->unproved)
			note(d, "%zu kind%s of packets %s not seen in %s, which proves nothing: it is not whole", side->unproved,
			     side->unproved == 1 ? "" : "s", side->unproved == 1 ? "was" : "were", side->name);
	}
}

/* After a difference only the hook that decided: the others lie behind it, where one packet never came. */
static bool hook_matters(const struct diff *d, int family, int hook)
{
	const struct trc_hop *h;
	const struct path *bad;

	if (!d->nfindings)
		return true;
	bad = &d->locus.path[d->findings[0].bad];
	if (!bad->netfilter)
		return false;
	h = step_hop(bad, bad->decisive);
	return h->family == family && h->hook == hook;
}

static void note_hooks(struct diff *d)
{
	for (int family = 0; family < 16; family++) {
		for (int hook = 0; hook < 8; hook++) {
			int a = d->side[0].hooks[family] >> hook & 1, b = d->side[1].hooks[family] >> hook & 1;

			if (a != b && hook_matters(d, family, hook))
				note(d, "netfilter hook %s (%s) is traversed only in %s; in %s nothing is registered there",
				     hook_name(family, hook), family_name(family), d->side[b].name, d->side[a].name);
		}
	}
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Interfaces as text, sorted, each once: "eth0 in netns client (mtu 1500, down)".  Answers how many. */
static size_t links_text(struct diff *d, int s, char ***out)
{
	const struct model *m = d->side[s].m;
	char **texts = diff_alloc(d, m->nlinks + 1, sizeof(*texts));
	size_t n = 0;

	for (size_t i = 0; i < m->nlinks; i++) {
		const struct link *l = &m->links[i];
		uint32_t label = side_netns(d, s, l->netns);

		texts[i] = diff_alloc(d, 1, 300);
		snprintf(texts[i], 300, "interface %.100s in %.100s (mtu %u, %s)", l->name, label ? name_text(d, label) : "another netns",
			 l->mtu, l->flags & 1 ? "up" : "down");
	}
	if (m->nlinks)
		qsort(texts, m->nlinks, sizeof(*texts), by_text);
	for (size_t i = 0; i < m->nlinks; i++)
		if (!i || strcmp(texts[i - 1], texts[i]))
			texts[n++] = texts[i];
	*out = texts;
	return n;
}

static void note_links(struct diff *d)
{
	char **text[2];
	size_t n[2], i[2] = {}, said = 0;

	if (d->side[0].m->nsnapshots && d->side[1].m->nsnapshots)
		return;		/* they tell more of interfaces */

	if (d->side[0].m->nlinks > LINKS_MAX || d->side[1].m->nlinks > LINKS_MAX) {
		note(d, "interfaces were not compared: there are more than %d", LINKS_MAX);
		return;
	}
	for (int s = 0; s < 2; s++)
		n[s] = links_text(d, s, &text[s]);
	while ((i[0] < n[0] || i[1] < n[1]) && said < NOTES_MAX) {
		int c = i[0] == n[0] ? 1 : i[1] == n[1] ? -1 : strcmp(text[0][i[0]], text[1][i[1]]);
		int s = c > 0;

		if (!c) {
			i[0]++;
			i[1]++;
			continue;
		}
		note(d, "only in %s: %s", d->side[s].name, text[s][i[s]]);
		said++;
		i[s]++;
	}
}

/* Classes in which some packets were dropped, but not so that chance could be excluded. */
static void note_stray_drops(struct diff *d)
{
	size_t said = 0;

	for (size_t i = 0; i < d->nclasses && said < NOTES_MAX; i++) {
		const struct class *c = d->classes[i];
		uint32_t dropped[2] = {}, total[2] = {};
		char key[200];

		if (!c->all[0] || !c->all[1] || key_is_background(&c->key) || c->found)
			continue;
		for (size_t j = 0; j < c->ntallies; j++) {
			for (int s = 0; s < 2; s++) {
				total[s] += c->tallies[j]->count[s];
				if (c->tallies[j]->outcome.fate == FATE_DROPPED)
					dropped[s] += c->tallies[j]->count[s];
			}
		}
		if ((uint64_t)dropped[0] * total[1] == (uint64_t)dropped[1] * total[0])
			continue;
		note(d, "%s: %u of %u dropped in %s, %u of %u in %s; chance may explain that", key_text(d, &c->key, key, sizeof(key)),
		     dropped[0], total[0], d->side[0].name, dropped[1], total[1], d->side[1].name);
		said++;
	}
}

/* Classes of which all packets on one side are no evidence. */
static void note_unjudged(struct diff *d)
{
	size_t said = 0;

	for (size_t i = 0; i < d->nclasses && said < NOTES_MAX; i++) {
		const struct class *c = d->classes[i];
		char key[200];

		if (!c->all[0] || !c->all[1] || key_is_background(&c->key) || c->found)
			continue;
		for (int s = 0; s < 2; s++) {
			if (c->lossy[s] < c->all[s] && c->lossy[s] + c->flying[s] < c->all[s])
				continue;
			note(d, "%s: not compared, because in %s all %u of them %s", key_text(d, &c->key, key, sizeof(key)),
			     d->side[s].name, c->all[s], c->lossy[s] ? "may lack hops" : "were still under way at the end");
			said++;
		}
	}
}

/* Answers that say that something failed are no verdict, but a hint. */
static void note_errors(struct diff *d)
{
	size_t said = 0;

	for (size_t i = 0; i < d->nclasses && said < NOTES_MAX; i++) {
		const struct class *c = d->classes[i];
		int s = c->all[0] ? 0 : 1;
		char key[200];

		if (!c->loose || !key_is_error(&c->key) || !c->all[s] || c->present[!s])
			continue;
		note(d, "only in %s: %u %s", d->side[s].name, c->all[s], key_text(d, &c->key, key, sizeof(key)));
		said++;
	}
}

/* Where nothing diverges, what differs in the systems did not matter; still, a few lines of it. */
static void note_systems(struct diff *d)
{
	size_t said = 0, left = 0;
	char text[900];

	if (d->system_trouble)
		note(d, "the systems were not compared: %s", d->system_trouble);
	for (size_t i = 0; i < d->nchanges && !d->nfindings; i++) {
		if (!change_is_other(d, &d->changes[i]))
			continue;
		if (said == SYSTEMS_MAX)
			left++;
		else if (++said)
			note(d, "%s", say_change(d, &d->changes[i], 1, text, sizeof(text)));
	}
	if (left)
		note(d, "and %zu differences more of the systems", left);
}

void notes_collect(struct diff *d)
{
	note_health(d);
	note_facts(d);
	note_filter(d);
	note_functions(d);
	note_errors(d);
	note_hooks(d);
	note_links(d);
	note_systems(d);
	note_stray_drops(d);
	note_unjudged(d);
	if (d->background)
		note(d, "the kernel's own packets (ARP, neighbour discovery, MLD, netlink and the like) were not compared");
}
