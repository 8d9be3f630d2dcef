// SPDX-License-Identifier: GPL-2.0
/*
 * diff_json.c - the comparison as one JSON object on one line; its keys are documented in pktdiff(1).
 */
#include "diff.h"
#include "latency.h"
#include "render.h"

#define EXAMPLES_MAX 10

/* An object inside of the line: the shared writer ends its own with a newline. */
static void inner_begin(struct json *in, struct json *out, const char *key)
{
	fprintf(out->out, "%s\"%s\":", out->more ? "," : "", key);
	out->more = true;
	json_begin(in, out->out);
}

static void inner_end(const struct json *in)
{
	putc('}', in->out);
}

static void json_step(struct json *out, const char *key, const struct path *path, size_t step)
{
	struct json j;
	const struct trc_hop *h;
	const struct func *f;
	char name[256];

	if (step >= path->n)
		return;
	h = step_hop(path, step);
	f = step_func(path, step);
	inner_begin(&j, out, key);
	json_text(&j, "function", func_plain(f->name, name, sizeof(name)));
	json_text(&j, "layer", f->layer);
	json_number(&j, "hop", path->steps[step].hop + 1);
	if (path->steps[step].hook) {
		json_text(&j, "hook", hook_name(h->family, h->hook));
		json_text(&j, "family", family_name(h->family));
		if (path->steps[step].returned)
			json_text(&j, "verdict", verdict_name(path->steps[step].verdict));
	}
	inner_end(&j);
}

static void json_examples(struct json *out, const struct diff *d, const struct finding *f, int s)
{
	uint32_t numbers[EXAMPLES_MAX], at = f->tally[s] ? f->tally[s]->first[s] : f->packet[s];
	size_t n = 0;

	for (; at && n < EXAMPLES_MAX; at = d->side[s].next[at - 1])
		numbers[n++] = d->side[s].m->packets[at - 1].number;
	json_numbers(out, "examples", numbers, n);
}

static void json_side(struct json *out, const struct diff *d, const struct finding *f, int s, bool located)
{
	const struct model *m = d->side[s].m;
	const struct locus *l = &d->locus;
	struct json j;

	inner_begin(&j, out, s ? "b" : "a");
	json_number(&j, "packets", f->hits[s]);
	json_number(&j, "of", f->total[s]);
	if (f->packet[s]) {
		const struct packet *p = &m->packets[f->packet[s] - 1];

		json_number(&j, "example", p->number);
		json_text(&j, "fate", fate_name(packet_ends_as(&d->side[s], p)->fate));
		if (packet_ends_as(&d->side[s], p)->fate == FATE_DROPPED)
			json_text(&j, "reason", packet_reason(m, packet_ends_as(&d->side[s], p)));
		json_examples(&j, d, f, s);
	}
	if (f->total[s]) {
		double low, high;

		wilson(f->hits[s], f->total[s], &low, &high);
		json_real(&j, "share", f->hits[s] / (double)f->total[s]);
		json_real(&j, "share_low", low);
		json_real(&j, "share_high", high);
	}
	if (located && f->packet[s]) {
		const struct path *path = &l->path[s];

		json_step(&j, "last_common", path, f->kind == FINDING_MISSING ? path->n : l->last[s]);
		json_step(&j, "next", path, l->next[s] < path->end ? l->next[s] : path->n);
		json_step(&j, "decisive", path, path->decisive);
		if (path->drop < path->n)
			json_text(&j, "drop_location", step_func(path, path->drop)->name);
	}
	inner_end(&j);
}

static void json_finding(struct json *out, const struct diff *d, const struct finding *f, const char *key, bool located)
{
	static const char *const kinds[] = {
		[FINDING_OUTCOME] = "outcome", [FINDING_WAY] = "way", [FINDING_MISSING] = "missing",
	};
	struct json j;
	char text[900];

	inner_begin(&j, out, key);
	json_text(&j, "kind", kinds[f->kind]);
	json_text(&j, "class", key_text(d, &f->class->key, text, sizeof(text)));
	json_text(&j, "worse", f->bad ? "b" : "a");
	json_text(&j, "text", say_finding(d, f, text, sizeof(text)));
	if (f->p > 0) {
		snprintf(text, sizeof(text), "%.3e", f->p);
		json_text(&j, "p", text);
	}
	if (f->proved)
		json_bool(&j, "proved", true);
	if (located && d->locus.chain) {
		const struct func *chain = &d->locus.path[f->bad].side->m->funcs[d->locus.chain - 1];

		json_text(&j, "chain", func_plain(chain->name, text, sizeof(text)));
	}
	if (located) {
		json_text(&j, "cause", say_cause(d, &d->causes, f->bad, text, sizeof(text)));
		if (d->parting.packet)
			json_text(&j, "parting", say_parting(d, &d->parting, text, sizeof(text)));
	}
	for (int s = 0; s < 2; s++)
		json_side(&j, d, f, s, located);
	inner_end(&j);
}

static void list_begin(struct json *out, const char *key)
{
	fprintf(out->out, "%s\"%s\":[", out->more ? "," : "", key);
	out->more = true;
}

static void json_value(struct json *j, const char *key, const char *value)
{
	if (value)
		json_text(j, key, value);
	else
		json_null(j, key);
}

/* A difference of the systems; which side fares worse decides how it is put. */
static void json_change(struct json *out, const struct diff *d, const struct change *c, int bad, int64_t score)
{
	struct json j;
	char text[900];

	fputs(out->more ? "," : "", out->out);
	out->more = true;
	json_begin(&j, out->out);
	json_text(&j, "text", say_change(d, c, bad, text, sizeof(text)));
	json_text(&j, "kind", c->kind);
	json_text(&j, "name", c->name);
	json_text(&j, "netns", name_text(d, c->netns));
	json_value(&j, "a", c->value[0]);
	json_value(&j, "b", c->value[1]);
	if (c->counts) {
		json_number(&j, "moved_a", c->moved[0]);
		json_number(&j, "moved_b", c->moved[1]);
	}
	json_number(&j, "score", score);
	inner_end(&j);
}

static void json_changes(struct json *out, const struct diff *d)
{
	int bad = d->nfindings ? d->findings[0].bad : 1;
	const struct causes *causes = d->nfindings ? &d->causes : &d->slow_causes;
	struct json list = { .out = out->out };

	list_begin(out, "causes");
	for (size_t i = 0; i < causes->n; i++)
		json_change(&list, d, causes->list[i].change, bad, causes->list[i].score);
	fputs("]", out->out);
	list_begin(out, "systems");
	list.more = false;
	for (size_t i = 0; i < d->nchanges; i++)
		if (change_is_other(d, &d->changes[i]))
			json_change(&list, d, &d->changes[i], bad, 0);
	fputs("]", out->out);
}

static void json_shift(struct json *out, const struct diff *d, const struct shift *x)
{
	struct json j;
	char text[900];

	json_begin(&j, out->out);
	json_text(&j, "text", say_shift(d, x, text, sizeof(text)));
	json_text(&j, "class", key_text(d, &x->class->key, text, sizeof(text)));
	json_text(&j, "slower", x->ns > 0 ? "b" : "a");
	json_text(&j, "from", func_plain(x->boundary[0]->name, text, sizeof(text)));
	json_text(&j, "to", func_plain(x->boundary[1]->name, text, sizeof(text)));
	json_text(&j, "most_from", func_plain(x->from->name, text, sizeof(text)));
	json_text(&j, "most_to", func_plain(x->to->name, text, sizeof(text)));
	json_text(&j, "time", time_name(x->time));
	json_real(&j, "shift_ns", x->ns);
	json_real(&j, "low_ns", x->low_ns);
	json_real(&j, "high_ns", x->high_ns);
	json_real(&j, "median_a_ns", x->median_ns[0]);
	json_real(&j, "median_b_ns", x->median_ns[1]);
	json_real(&j, "waiting_a_ns", x->waiting_ns[0]);
	json_real(&j, "waiting_b_ns", x->waiting_ns[1]);
	json_real(&j, "delta", x->delta);
	snprintf(text, sizeof(text), "%.3e", x->p);
	json_text(&j, "p", text);
	json_number(&j, "bursts_a", x->bursts[0]);
	json_number(&j, "bursts_b", x->bursts[1]);
	json_number(&j, "example_a", x->packet[0]);
	json_number(&j, "example_b", x->packet[1]);
	inner_end(&j);
}

/* Texts and findings are objects of their own: {"text":...}. */
static void json_lists(struct json *out, const struct diff *d)
{
	struct json j;
	char text[900];

	list_begin(out, "others");
	for (size_t i = 1; i < d->nfindings; i++) {
		fputs(i > 1 ? "," : "", out->out);
		json_begin(&j, out->out);
		json_text(&j, "text", say_finding(d, &d->findings[i], text, sizeof(text)));
		json_text(&j, "class", key_text(d, &d->findings[i].class->key, text, sizeof(text)));
		json_text(&j, "cause", d->findings[i].cause);
		json_bool(&j, "consequence", finding_is_consequence(d, &d->findings[i]));
		inner_end(&j);
	}
	fputs("]", out->out);
	if (d->latency) {
		list_begin(out, "times");
		for (size_t i = 0; i < d->nshifts; i++) {
			fputs(i ? "," : "", out->out);
			json_shift(out, d, &d->shifts[i]);
		}
		fputs("]", out->out);
	}
	json_changes(out, d);
	list_begin(out, "notes");
	for (size_t i = 0; i < d->nnotes; i++) {
		fputs(i ? "," : "", out->out);
		json_begin(&j, out->out);
		json_text(&j, "text", d->notes[i]);
		inner_end(&j);
	}
	fputs("]", out->out);
}

void diff_json(const struct diff *d, FILE *out)
{
	struct json j;
	char verdict[VERDICT_MAX];

	json_begin(&j, out);
	json_bool(&j, "different", d->nfindings || d->nshifts);
	json_text(&j, "verdict", say_verdict(d, verdict, sizeof(verdict)));
	json_text(&j, "a", d->side[0].m->file);
	json_text(&j, "b", d->side[1].m->file);
	json_number(&j, "classes_compared", d->compared);
	json_number(&j, "packets_compared_a", d->side[0].compared);
	json_number(&j, "packets_compared_b", d->side[1].compared);
	json_number(&j, "functions_common", d->shared);
	if (d->nfindings)
		json_finding(&j, d, &d->findings[0], "divergence", true);
	json_lists(&j, d);
	json_end(&j);
}
