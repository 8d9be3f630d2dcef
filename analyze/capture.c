// SPDX-License-Identifier: GPL-2.0
/*
 * capture.c - what a recording holds as it was found: the first bytes of packets, and the state of network namespaces.
 *
 * A snapshot comes in parts, which may lie between those of others: they are kept as they come and joined when all are
 * there.  Only then is the text sanitized, because a part may end within a character.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model_private.h"
#include "sanitize.h"
#include "spill.h"

struct part {
	struct trc_snapshot row;	/* texts are copies */
	uint32_t length;
	uint32_t of;			/* index of its snapshot */
};

int data_add(struct model *m, const struct trc_data *d)
{
	struct model_private *v = m->priv;
	uint8_t *bytes;

	if (d->size > TRC_STRING_MAX)
		return 0;
	if (spill_grow((void **)&m->datas, m->ndatas, &v->datas_room, sizeof(*m->datas)))
		return -ENOMEM;
	bytes = arena_alloc(&v->arena, d->size);
	if (!bytes)
		return -ENOMEM;
	if (d->size)
		memcpy(bytes, d->bytes, d->size);
	m->datas[m->ndatas++] = (struct data){
		.packet_id = d->packet, .time_ns = d->time_ns, .layer = d->layer, .len_bytes = d->len_bytes, .size = d->size,
		.bytes = bytes,
	};
	return 0;
}

int snapshot_add(struct model *m, const struct trc_snapshot *s)
{
	struct model_private *v = m->priv;
	size_t length = s->text ? strlen(s->text) : 0;
	struct part *p;
	char *raw;

	if (grow((void **)&v->parts, v->nparts, &v->parts_room, sizeof(*v->parts)))
		return -ENOMEM;
	p = &v->parts[v->nparts];
	*p = (struct part){ .row = *s, .length = length };
	p->row.what = arena_text(&v->arena, s->what);
	p->row.source = arena_text(&v->arena, s->source);
	p->row.note = arena_text(&v->arena, s->note);
	p->row.text = raw = arena_alloc(&v->arena, length + 1);
	if (!p->row.what || !p->row.source || !p->row.note || !raw)
		return -ENOMEM;
	memcpy(raw, s->text ? s->text : "", length + 1);
	v->nparts++;
	v->part_bytes += length + 1;
	return 0;
}

size_t capture_bytes(const struct model *m)
{
	/* a part may be a snapshot of its own, found in a map that doubles; all are joined before their text is sanitized */
	const size_t each = sizeof(struct part) + sizeof(*m->snapshots) + 2 * sizeof(size_t) + sizeof(uint32_t) + 96;

	return m->ndatas * sizeof(*m->datas) + m->priv->part_bytes + m->priv->nparts * each;
}

static uint64_t key_of(const struct trc_snapshot *s)
{
	uint64_t hash = 0xcbf29ce484222325 ^ s->netns ^ (uint64_t)!!s->end << 32;
	const char *c;

	for (c = s->what; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 0x100000001b3;
	return hash;
}

static bool is_part_of(const struct snapshot *s, const struct trc_snapshot *row)
{
	return s->netns == row->netns && s->end == !!row->end && !strcmp(s->what, row->what);
}

/* Which snapshot each part belongs to; lengths[] become those of the texts. */
static int parts_sort(struct model *m, size_t *lengths, uint32_t *due)
{
	struct model_private *v = m->priv;
	struct map *open = map_new();
	struct part *p;
	uint32_t at;
	size_t i;
	int err = open ? 0 : -ENOMEM;

	for (i = 0; i < v->nparts && !err; i++) {
		p = &v->parts[i];
		at = map_get(open, key_of(&p->row));
		if (!p->row.part || at == NONE || !is_part_of(&m->snapshots[at], &p->row)) {
			at = m->nsnapshots++;
			m->snapshots[at] = (struct snapshot){
				.end = p->row.end, .netns = p->row.netns, .what = p->row.what, .source = p->row.source, .note = "",
			};
			err = map_put(open, key_of(&p->row), at);
		}
		p->of = at;
		m->snapshots[at].broken |= p->row.part != due[at]++ || m->snapshots[at].text;
		if (*p->row.note)
			m->snapshots[at].note = p->row.note;
		m->snapshots[at].text = p->row.last ? "" : NULL;	/* for now: was its last part seen? */
		lengths[at] += p->length;
	}
	for (i = 0; i < m->nsnapshots; i++)
		m->snapshots[i].broken |= !m->snapshots[i].text;
	map_free(open);
	return err;
}

/* Lines stay lines; every one is sanitized by itself. */
static int lines_sanitize(struct model *m, char *raw, const char **out)
{
	struct arena *a = &m->priv->arena;
	size_t size = 1, at = 0;
	char *line, *next, *text;
	int err;

	for (line = raw; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		size += sanitize(NULL, 0, line) + !!next;
		if (next)
			next[-1] = '\n';
	}
	a->bytes += size;
	err = model_fits(m);
	a->bytes -= size;
	*out = text = err ? NULL : arena_alloc(a, size);
	if (!text)
		return err ?: -ENOMEM;
	for (line = raw; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		at += sanitize(text + at, size - at, line);
		if (next)
			text[at++] = '\n';
	}
	text[at] = 0;
	return 0;
}

/* All parts' texts into one buffer, each snapshot's together; then one snapshot after the other is sanitized. */
static int texts_join(struct model *m, const size_t *lengths)
{
	struct model_private *v = m->priv;
	size_t i, sum = 0, *at = malloc((m->nsnapshots + 1) * sizeof(*at));
	char *raw = malloc(v->part_bytes + 1);
	int err = raw && at ? 0 : -ENOMEM;
	const struct part *p;

	for (i = 0; i < m->nsnapshots && !err; i++) {
		at[i] = sum;
		sum += lengths[i] + 1;		/* not more than its parts, of which each has a zero */
	}
	for (i = 0; i < v->nparts && !err; i++) {
		p = &v->parts[i];
		memcpy(raw + at[p->of], p->row.text, p->length);
		at[p->of] += p->length;
	}
	for (i = 0; i < m->nsnapshots && !err; i++) {
		raw[at[i]] = 0;
		err = lines_sanitize(m, raw + at[i] - lengths[i], &m->snapshots[i].text);
	}
	free(raw);
	free(at);
	return err;
}

int capture_place(struct model *m)
{
	size_t i, n = m->priv->nparts, *lengths = calloc(n + 1, sizeof(*lengths));
	uint32_t *due = calloc(n + 1, sizeof(*due)), at;
	int err;

	m->snapshots = calloc(n + 1, sizeof(*m->snapshots));
	err = lengths && due && m->snapshots ? 0 : -ENOMEM;
	err = err ?: parts_sort(m, lengths, due);
	err = err ?: texts_join(m, lengths);
	for (i = 0; i < m->ndatas && !err; i++) {
		spill_look(4096);
		at = map_get(m->priv->packet_ids, m->datas[i].packet_id);
		m->datas[i].packet = at == NONE ? 0 : at + 1;
	}
	free(lengths);
	free(due);
	return err;
}
