// SPDX-License-Identifier: GPL-2.0
/*
 * show_latency_json.c - pktshow --latency as JSON: one object a line, "what" says of which kind; nothing is folded.
 */
#include <stdlib.h>

#include "show_latency.h"

int packet_time_of(struct packet_time *t, struct legs *legs, const struct latency *l, const struct model *m, const struct packet *p)
{
	int err = legs_of(legs, l, m, p);

	*t = (struct packet_time){};
	for (size_t i = 0; i < legs->n && !err; i++) {
		const struct leg *leg = &legs->v[i];

		t->ns[leg->time] = time_add(t->ns[leg->time], leg->ns);
		if (leg->time >= TIME_QUEUES)
			t->queued_ns = time_add(t->queued_ns, leg->ns);
		if (!i || leg->ns > t->longest.ns)
			t->longest = *leg;
	}
	return err;
}

size_t derived_hops(const struct model *m, const struct latency *l)
{
	size_t sum = 0;

	for (size_t i = 0; i < m->npackets; i++)
		if (!m->packets[i].lossy && !m->packets[i].left_out)
			sum += m->packets[i].nderived;
	return sum;
}

static void json_time(struct json *j, const char *key, uint64_t ns)
{
	json_number(j, key, ns < INT64_MAX ? (int64_t)ns : INT64_MAX);
}

static void json_spread(struct json *j, const struct spread *s)
{
	json_number(j, "count", s->count);
	json_time(j, "min_ns", s->min_ns);
	json_time(j, "p50_ns", s->p50_ns);
	json_time(j, "p90_ns", s->p90_ns);
	json_time(j, "p99_ns", s->p99_ns);
	json_time(j, "max_ns", s->max_ns);
	json_time(j, "total_ns", s->total_ns);
}

static void json_share(struct json *j, const struct latency *l, uint64_t ns)
{
	json_real(j, "share", l->total_ns ? (double)ns / (double)l->total_ns : 0);
}

static void json_summary(const struct term *t, const struct model *m, const struct latency *l)
{
	struct json j;

	json_begin(&j, t->out);
	json_text(&j, "what", "latency");
	json_number(&j, "packets", l->npackets);
	json_number(&j, "packets_left_out", l->lossy);
	json_number(&j, "packets_with_one_entry", l->single);
	json_number(&j, "derived_hops", derived_hops(m, l));
	json_number(&j, "steps", l->legs);
	json_spread(&j, &l->took);
	json_end(&j);
	for (unsigned int time = 0; time < times_count(); time++) {
		if (!l->times[time].count)
			continue;
		json_begin(&j, t->out);
		json_text(&j, "what", "time");
		json_text(&j, "time", time_name(time));
		json_bool(&j, "queue", time >= TIME_QUEUES);
		json_text(&j, "meaning", time_meaning(time));
		json_spread(&j, &l->times[time]);
		json_share(&j, l, l->times[time].total_ns);
		json_end(&j);
	}
}

static void json_hop(const struct term *t, const struct model *m, const struct latency *l, const struct latency_hop *h)
{
	const struct func *f = &m->funcs[h->place.func];
	uint64_t queued = 0;
	struct json j;

	for (unsigned int time = TIME_QUEUES; time < times_count(); time++)
		queued = time_add(queued, h->time_ns[time]);
	json_begin(&j, t->out);
	json_text(&j, "what", "hop");
	json_text(&j, "function", f->name);
	json_text(&j, "module", f->module);
	json_text(&j, "layer", f->layer);
	json_bool(&j, "drop", h->place.drop);
	json_spread(&j, &h->spread);
	json_share(&j, l, h->spread.total_ns);
	json_time(&j, "running_ns", h->time_ns[TIME_RUNNING]);
	json_time(&j, "queued_ns", queued);
	json_time(&j, "crossing_ns", h->time_ns[TIME_CROSSING]);
	json_time(&j, "switching_ns", h->time_ns[TIME_SWITCHING]);
	if (h->nedges)
		json_number(&j, "slowest_packet", h->slowest);
	if (h->inside.count) {
		json_number(&j, "inside_count", h->inside.count);
		json_time(&j, "inside_min_ns", h->inside.min_ns);
		json_time(&j, "inside_p50_ns", h->inside.p50_ns);
		json_time(&j, "inside_p90_ns", h->inside.p90_ns);
		json_time(&j, "inside_p99_ns", h->inside.p99_ns);
		json_time(&j, "inside_max_ns", h->inside.max_ns);
		json_time(&j, "inside_total_ns", h->inside.total_ns);
	}
	json_end(&j);
}

static void json_edge(const struct term *t, const struct model *m, const struct latency *l, const struct latency_edge *e)
{
	struct json j;

	json_begin(&j, t->out);
	json_text(&j, "what", "edge");
	json_text(&j, "from", m->funcs[e->from.func].name);
	json_bool(&j, "from_drop", e->from.drop);
	json_text(&j, "to", m->funcs[e->to.func].name);
	json_bool(&j, "to_drop", e->to.drop);
	json_text(&j, "time", time_name(e->time));
	json_spread(&j, &e->spread);
	json_share(&j, l, e->spread.total_ns);
	json_number(&j, "crossed_cpus", e->crossed);
	json_number(&j, "slowest_packet", e->slowest);
	json_end(&j);
}

static void json_histogram(const struct term *t, const struct latency *l)
{
	struct bucket buckets[BUCKETS_MAX];
	size_t n = histogram_of(l, buckets);
	struct json j;

	for (size_t i = 0; i < n; i++) {
		json_begin(&j, t->out);
		json_text(&j, "what", "histogram");
		json_time(&j, "from_ns", buckets[i].from_ns);
		json_time(&j, "to_ns", buckets[i].to_ns);
		json_number(&j, "packets", buckets[i].packets);
		json_end(&j);
	}
}

static int json_slowest(const struct term *t, const struct model *m, const struct latency *l, const struct latency_packet *s,
			struct legs *legs)
{
	const struct packet *p = &m->packets[s->number - 1];
	struct packet_time time;
	int err = packet_time_of(&time, legs, l, m, p);
	char text[192];
	struct json j;

	if (err)
		return err;
	json_begin(&j, t->out);
	json_text(&j, "what", "slowest");
	json_number(&j, "packet", p->number);
	json_text(&j, "tuple", tuple_text(&p->tuple, text, sizeof(text)));
	json_time(&j, "took_ns", s->took_ns);
	json_time(&j, "running_ns", time.ns[TIME_RUNNING]);
	json_time(&j, "queued_ns", time.queued_ns);
	json_time(&j, "crossing_ns", time.ns[TIME_CROSSING]);
	json_time(&j, "switching_ns", time.ns[TIME_SWITCHING]);
	json_time(&j, "longest_ns", time.longest.ns);
	json_text(&j, "longest_time", time_name(time.longest.time));
	json_text(&j, "longest_from", hop_func(m, packet_hop(m, p, time.longest.from))->name);
	json_text(&j, "longest_to", hop_func(m, packet_hop(m, p, time.longest.to))->name);
	json_number(&j, "longest_from_hop", time.longest.from + 1);
	json_end(&j);
	return 0;
}

int show_latency_json(const struct term *t, const struct model *m, const struct latency *l, uint32_t slowest)
{
	struct legs legs = {};
	int err = 0;

	json_summary(t, m, l);
	for (size_t i = 0; i < l->nhops; i++)
		json_hop(t, m, l, &l->hops[i]);
	for (size_t i = 0; i < l->nedges; i++)
		json_edge(t, m, l, &l->edges[i]);
	json_histogram(t, l);
	for (size_t i = 0; i < l->npackets && i < slowest && !err; i++)
		err = json_slowest(t, m, l, &l->packets[i], &legs);
	free(legs.v);
	return err;
}
