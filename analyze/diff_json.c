// SPDX-License-Identifier: GPL-2.0
/*
 * diff_json.c - the comparison as one JSON object on one line; its keys are documented in pktdiff(1).
 */
#include "diff.h"
#include "render.h"

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
		json_text(&j, "fate", fate_name(p->fate));
		if (p->fate == FATE_DROPPED)
			json_text(&j, "reason", packet_reason(m, p));
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
	if (located && d->locus.chain) {
		const struct func *chain = &d->locus.path[f->bad].side->m->funcs[d->locus.chain - 1];

		json_text(&j, "chain", func_plain(chain->name, text, sizeof(text)));
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
		json_bool(&j, "consequence", finding_is_consequence(d, &d->findings[i]));
		inner_end(&j);
	}
	fputs("]", out->out);
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
	json_bool(&j, "different", d->nfindings > 0);
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
