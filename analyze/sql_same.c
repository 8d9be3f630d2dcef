// SPDX-License-Identifier: GPL-2.0
/*
 * sql_same.c - packets that left one recorded machine and came to another, and what that says of their clocks.
 *
 * On a wire a packet keeps its addresses, ports, IP id, TCP sequence number and flags.  As it was last seen by the
 * machine that sent it, so it is first seen by the one that receives it.  Where several packets of a recording (but for
 * those of one journey) show the same, nothing is said of them.
 *
 * A packet takes time, so that the receiver's clock shows at least that much more.  The least difference of each direction
 * has least of it: half of what the two differ by is the clocks' difference, and half of what they have in common the most
 * that this can be wrong, as in NTP.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "spill.h"
#include "sql.h"
#include "sql_insert.h"

/* What a packet keeps; zeroed before it is filled, for it is compared as bytes. */
struct face {
	uint8_t saddr[16], daddr[16];
	uint32_t tcp_seq;
	uint16_t sport, dport, ip_id;
	uint8_t l4proto, tcp_flags;
};

struct sight {
	struct face face;
	uint64_t time_ns;
	uint32_t packet, journey;
	bool ambiguous;
};

struct sights {
	struct sight *v;
	size_t n;
};

struct seen {
	struct sights left, came;	/* how packets left this machine, and how they came to it */
};

/* Stages that only what was made here passes first, and that what came from outside does. */
static const char *const leaving[] = { "send", "to_ip", "to_qdisc", "to_driver", NULL };
static const char *const coming[] = { "receive", "from_ip_rcv", NULL };

static bool shows_face(const struct trc_hop *h)
{
	return h->have & (TRC_HAVE_IP4 | TRC_HAVE_IP6) && h->have & TRC_HAVE_L4 && h->kind != TRC_RETURN;
}

static struct sight sight_of(const struct packet *p, const struct trc_hop *h, uint64_t time_ns)
{
	struct sight s = { .time_ns = time_ns, .packet = p->number, .journey = p->journey };
	size_t bytes = h->have & TRC_HAVE_IP6 ? 16 : 4;

	memset(&s.face, 0, sizeof(s.face));
	memcpy(s.face.saddr, h->saddr, bytes);
	memcpy(s.face.daddr, h->daddr, bytes);
	s.face.sport = h->sport;
	s.face.dport = h->dport;
	s.face.l4proto = h->l4proto;
	s.face.ip_id = h->have & TRC_HAVE_IP4 ? h->ip_id : 0;
	if (h->l4proto == 6) {
		s.face.tcp_seq = h->tcp_seq;
		s.face.tcp_flags = h->tcp_flags;
	}
	return s;
}

static void left_add(struct sights *s, const struct model *m, const struct packet *p)
{
	uint32_t i = p->nhops;

	if (p->fate != FATE_SENT)
		return;
	while (i-- > 0)
		if (shows_face(packet_hop(m, p, i))) {
			s->v[s->n++] = sight_of(p, packet_hop(m, p, i), packet_hop(m, p, p->fate_hop)->time_ns);
			return;
		}
}

static bool is_one_of(const char *stage, const char *const *stages)
{
	for (; *stages; stages++)
		if (!strcmp(stage, *stages))
			return true;
	return false;
}

static void came_add(struct sights *s, const struct model *m, const struct packet *p)
{
	bool came = false;
	uint32_t i;

	for (i = 0; i < p->nhops; i++) {
		const char *stage = m->funcs[packet_hop(m, p, i)->func].stage;

		if (!came && is_one_of(stage, leaving))
			return;		/* born here */
		came |= is_one_of(stage, coming);
		if (came && shows_face(packet_hop(m, p, i))) {
			s->v[s->n++] = sight_of(p, packet_hop(m, p, i), p->first_ns);
			return;
		}
	}
}

static int compare_sights(const void *a, const void *b)
{
	const struct sight *x = a, *y = b;
	int order = memcmp(&x->face, &y->face, sizeof(x->face));

	return order ? order : (x->time_ns > y->time_ns) - (x->time_ns < y->time_ns) ?: (x->packet > y->packet) - (x->packet < y->packet);
}

/* One sight a face: of those that left the last, of those that came the first; of two journeys neither. */
static void sights_unite(struct sights *s, bool last)
{
	size_t i, n = 0;

	qsort(s->v, s->n, sizeof(*s->v), compare_sights);
	for (i = 0; i < s->n; i++) {
		struct sight *kept = n ? &s->v[n - 1] : NULL;

		if (!kept || memcmp(&kept->face, &s->v[i].face, sizeof(kept->face))) {
			s->v[n++] = s->v[i];
		} else if (kept->journey != s->v[i].journey) {
			kept->ambiguous = true;
		} else if (last) {
			bool ambiguous = kept->ambiguous;

			*kept = s->v[i];
			kept->ambiguous = ambiguous;
		}
	}
	s->n = n;
}

static void seen_free(struct seen *s)
{
	spill_free(s->left.v);
	spill_free(s->came.v);
}

static int seen_make(struct seen *s, const struct model *m)
{
	size_t i;

	s->left.v = spill_array(m->npackets, sizeof(*s->left.v));
	s->came.v = spill_array(m->npackets, sizeof(*s->came.v));
	if (!s->left.v || !s->came.v)
		return -ENOMEM;
	for (i = 0; i < m->npackets; i++) {
		left_add(&s->left, m, &m->packets[i]);
		came_add(&s->came, m, &m->packets[i]);
	}
	sights_unite(&s->left, true);
	sights_unite(&s->came, false);
	return 0;
}

/* What all packets of one direction say. */
struct trips {
	sqlite3_int64 n, least_ns;
};

/* From what left recording `from` to what came to recording `to`. */
static struct trips trips_insert(struct insert *in, const struct seen *from, int from_rec, const struct seen *to, int to_rec)
{
	struct trips t = { 0, INT64_MAX };
	size_t i = 0, k = 0;

	while (i < from->left.n && k < to->came.n) {
		const struct sight *a = &from->left.v[i], *b = &to->came.v[k];
		int order = memcmp(&a->face, &b->face, sizeof(a->face));
		sqlite3_int64 took = b->time_ns - a->time_ns;

		i += order <= 0;
		k += order >= 0;
		if (order || a->ambiguous || b->ambiguous)
			continue;
		insert_row(in, I(from_rec), I(a->packet), I(to_rec), I(b->packet), time_of(a->time_ns), time_of(b->time_ns),
			   a->face.l4proto == 6 ? "TCP sequence" : a->face.ip_id ? "IP id" : "addresses");
		t.n++;
		if (took < t.least_ns)
			t.least_ns = took;
	}
	return t;
}

static void offset_insert(struct insert *in, int a, int b, const struct trips *there, const struct trips *back)
{
	/* differences of clocks that anybody may claim: no sum of two of them may overflow */
	sqlite3_int64 x = there->n ? there->least_ns / 2 : 0, y = back->n ? back->least_ns / 2 : 0;

	if (!there->n && !back->n)
		return;
	in->types = there->n && back->n ? "iiiiii" : "iiiiiN";
	if (!back->n)
		insert_row(in, I(a), I(b), I(there->n), I(0), there->least_ns, I(0));
	else if (!there->n)
		insert_row(in, I(a), I(b), I(0), I(back->n), back->least_ns == INT64_MIN ? INT64_MAX : -back->least_ns, I(0));
	else
		insert_row(in, I(a), I(b), I(there->n), I(back->n), x - y, x + y >= 0 ? x + y : x + y < -INT64_MAX ? INT64_MAX : -(x + y));
}

static int pairs_load(sqlite3 *db, const struct seen *seen, size_t n)
{
	struct insert same, offset;
	struct trips there, back;
	size_t a, b;
	int rc;

	insert_open(&same, db, "INSERT INTO same_packet VALUES (?,?,?,?,?,?,?)", "iiiiiit");
	insert_open(&offset, db, "INSERT INTO clock_offset VALUES (?,?,?,?,?,?)", "");
	for (a = 0; a < n; a++)
		for (b = a + 1; b < n; b++) {
			there = trips_insert(&same, &seen[a], a + 1, &seen[b], b + 1);
			back = trips_insert(&same, &seen[b], b + 1, &seen[a], a + 1);
			offset_insert(&offset, a + 1, b + 1, &there, &back);
		}
	rc = insert_close(&same);
	return insert_close(&offset) ?: rc;
}

int same_load(sqlite3 *db, const struct recordings *recs)
{
	struct seen *seen = calloc(recs->n + 1, sizeof(*seen));
	size_t i;
	int rc = seen ? SQLITE_OK : SQLITE_NOMEM;

	for (i = 0; i < recs->n && recs->n > 1 && rc == SQLITE_OK; i++)
		rc = seen_make(&seen[i], recs->models[i]) ? SQLITE_NOMEM : SQLITE_OK;
	if (rc == SQLITE_OK && recs->n > 1)
		rc = pairs_load(db, seen, recs->n);
	for (i = 0; seen && i < recs->n; i++)
		seen_free(&seen[i]);
	free(seen);
	return rc;
}
