// SPDX-License-Identifier: GPL-2.0
/*
 * diff_words.c - the verdict in one sentence, and its evidence in a few words.
 *
 * Says only what the recordings show: a packet not seen again "is not seen again", it is not "lost".
 */
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "diff.h"
#include "latency.h"
#include "render.h"

struct text {
	char *buf;
	size_t size, used;
};

static __attribute__((format(printf, 2, 3))) void add(struct text *t, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(t->buf + t->used, t->size - t->used, format, args);
	va_end(args);
	if (n > 0)
		t->used += (size_t)n < t->size - t->used ? (size_t)n : t->size - t->used - 1;
}

static void add_func(struct text *t, const struct path *path, size_t step)
{
	char name[256];

	add(t, "%s", func_plain(step_func(path, step)->name, name, sizeof(name)));
}

/* "the TCP SYN packet 10.0.0.1:40000 > 10.0.0.2:80 (and 2 like it)", "3 of 100 packets like UDP ..." */
static void add_packet(struct text *t, const struct path *path, const struct finding *f, int s)
{
	uint32_t hits = f->hits[s], total = f->total[s];
	char tuple[160], protocol[40];
	const char *space;

	tuple_text(&path->packet->tuple, tuple, sizeof(tuple));
	space = strchr(tuple, ' ');
	if (hits < total)
		add(t, "%u of %u packets like %s", hits, total, tuple);
	else if (space && space[1] >= 'a' && space[1] <= 'z')
		add(t, "the %s", tuple);	/* "ICMP echo request 10.0.0.1 > 10.0.0.2" */
	else if (space)
		add(t, "the %s packet %s", key_protocol(&f->class->key, protocol, sizeof(protocol)), space + 1);
	else
		add(t, "the packet %s", tuple);
	if (hits == total && hits > 1)
		add(t, " (and %u like it)", hits - 1);
}

/* " on eth0 in netns cl": as of that step, or what was seen last before it */
static void add_where(struct text *t, const struct path *path, size_t step)
{
	const char *device = "", *netns = "";

	for (size_t i = step < path->n ? step + 1 : path->n; i-- > 0 && !*netns;) {
		const struct trc_hop *h = step_hop(path, i);

		if (!*device)
			device = model_dev(path->side->m, h->netns, h->ifindex);
		if (h->have & TRC_HAVE_NETNS)
			netns = model_netns(path->side->m, h->netns);
	}
	if (*device)
		add(t, " on %s", device);
	if (*netns)
		add(t, " in netns %s", netns);
}

static void add_drop(struct text *t, const struct path *path)
{
	const char *reason = packet_reason(path->side->m, path->last);

	if (path->netfilter) {
		const struct trc_hop *h = step_hop(path, path->decisive);

		add(t, "dropped by netfilter at hook %s (%s), %s", hook_name(h->family, h->hook), family_name(h->family), reason);
		return;
	}
	add(t, "dropped");
	if (path->drop < path->n) {
		add(t, " in ");
		add_func(t, path, path->drop);
	}
	add(t, ", %s", reason);
}

/* "is", of one packet; of 3 of 100 "are" */
static void add_fate(struct text *t, const struct path *path, const struct outcome *o, bool many)
{
	const char *is = many ? "are" : "is";
	uint64_t last_ns;
	char time[32];

	if (o->fate == FATE_DELIVERED && path->last->fate != FATE_DELIVERED) {
		add(t, many ? "reach TCP" : "reaches TCP");
		return;
	}
	switch (path->last->fate) {
	case FATE_DELIVERED:
		add(t, "%s delivered", is);
		break;
	case FATE_SENT:
		add(t, "%s sent", is);
		break;
	case FATE_CONSUMED:
		add(t, "%s used up by the kernel%s", is, outcome_unanswered(o) ? ", without an answer" : "");
		break;
	case FATE_MERGED:
		add(t, "%s %s another", is, packet_became(path->side->m, path->last));
		break;
	case FATE_DROPPED:
		add(t, "%s ", is);
		add_drop(t, path);
		break;
	case FATE_IN_FLIGHT:
		last_ns = step_hop(path, path->n - 1)->time_ns;
		add(t, "%s not seen again for the last %s of the recording", is, duration_text(path->side->end_ns - last_ns, time, sizeof(time)));
		break;
	}
}

/* "it goes on from __ip_local_out to ip_output and is delivered" */
static void add_good(struct text *t, const struct diff *d, const struct finding *f)
{
	const struct locus *l = &d->locus;
	const struct path *path = &l->path[!f->bad];
	size_t last = l->last[!f->bad], next = l->next[!f->bad];

	add(t, "in %s ", path->side->name);
	if (l->same_hook)
		add(t, "the same hook lets it pass and ");
	add(t, "it ");
	if (next < path->end) {
		add(t, "goes on ");
		if (last < path->n && !l->same_hook) {
			add(t, "from ");
			add_func(t, path, last);
			add(t, " ");
		}
		add(t, "to ");
		add_func(t, path, next);
		if (path->steps[next].hook)
			add(t, " (hook %s)", hook_name(step_hop(path, next)->family, step_hop(path, next)->hook));
		add(t, " and ");
	}
	add_fate(t, path, &f->outcome[!f->bad], false);
	add(t, ".");
}

static void add_netfilter(struct text *t, const struct diff *d, const struct finding *f)
{
	const struct path *bad = &d->locus.path[f->bad];
	const struct trc_hop *h = step_hop(bad, bad->decisive);
	char name[256];

	add(t, "Diverges at ");
	add_func(t, bad, bad->decisive);
	add(t, ": in %s netfilter drops ", bad->side->name);
	add_packet(t, bad, f, f->bad);
	add_where(t, bad, bad->decisive);
	add(t, " at hook %s (%s), drop reason %s", hook_name(h->family, h->hook), family_name(h->family),
	    packet_reason(bad->side->m, bad->last));
	if (d->locus.chain)
		add(t, ", by %s", func_plain(bad->side->m->funcs[d->locus.chain - 1].name, name, sizeof(name)));
	add(t, "; ");
	add_good(t, d, f);
}

/* Who dropped it.  Layers that are no agent of their own are the kernel. */
static const char *layer_text(const char *layer)
{
	static const struct { const char *layer, *words; } names[] = {
		{ "ip", "the IP layer" }, { "transport", "the transport layer" }, { "socket", "the socket layer" },
		{ "routing", "routing" }, { "neighbour", "the neighbour layer" }, { "qdisc", "the queueing discipline" },
		{ "device", "the device layer" }, { "driver", "the driver" }, { "bridge", "the bridge" }, { "tunnel", "the tunnel" },
		{ "netfilter", "netfilter" }, { "xfrm", "IPsec" }, { "xdp", "XDP" }, { "tc", "traffic control" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i].layer, layer))
			return names[i].words;
	return "the kernel";
}

static void add_dropped(struct text *t, const struct diff *d, const struct finding *f)
{
	const struct path *bad = &d->locus.path[f->bad];
	size_t where = bad->drop < bad->n ? bad->drop : bad->decisive;
	const char *reason = packet_reason(bad->side->m, bad->last);
	const struct func *func = step_func(bad, where);

	add(t, "Diverges at ");
	add_func(t, bad, where);
	add(t, ": in %s %s drops ", bad->side->name, layer_text(strncmp(reason, "TC_", 3) ? func->layer : "tc"));
	add_packet(t, bad, f, f->bad);
	add_where(t, bad, where);
	add(t, ", drop reason %s; ", reason);
	add_good(t, d, f);
}

/* Neither was dropped, or they only took another way. */
static void add_parted(struct text *t, const struct diff *d, const struct finding *f)
{
	const struct locus *l = &d->locus;

	if (l->npairs) {
		add(t, "Diverges after ");
		add_func(t, &l->path[f->bad], l->last[f->bad]);
	} else {
		add(t, "Diverges at the first hop");
	}
	for (int i = 0; i < 2; i++) {
		int s = i ? !f->bad : f->bad;
		const struct path *path = &l->path[s];
		bool many = !i && f->hits[s] < f->total[s];

		add(t, "%s in %s ", i ? ";" : ":", path->side->name);
		if (i)
			add(t, "it");
		else
			add_packet(t, path, f, s);
		if (l->next[s] < path->end) {
			add(t, many ? " go on to " : " goes on to ");
			add_func(t, path, l->next[s]);
			add_where(t, path, l->next[s]);
			add(t, " and");
		}
		add(t, " ");
		add_fate(t, path, &f->outcome[s], many);
	}
	add(t, ".");
}

static void add_missing(struct text *t, const struct diff *d, const struct finding *f)
{
	const struct path *good = &d->locus.path[!f->bad];
	const char *process = model_proc(good->side->m, good->packet->pid);
	char key[200];

	add(t, "Diverges before the first hop: in %s no %s are seen; in %s ", d->side[f->bad].name,
	    key_text(d, &f->class->key, key, sizeof(key)), d->side[!f->bad].name);
	add(t, "%s (pid %u) sends ", *process ? process : "a process", good->packet->pid);
	add_packet(t, good, f, !f->bad);
	if (good->n) {
		add(t, ", first seen in ");
		add_func(t, good, 0);
	}
	add(t, ".");
}

static void add_same(struct text *t, const struct diff *d)
{
	const struct side *a = &d->side[0], *b = &d->side[1];

	if (!d->compared) {
		add(t, "No difference seen, but no packet ended in both recordings, so little was compared.");
		return;
	}
	if (!memcmp(a->m->health.recording, b->m->health.recording, sizeof(a->m->health.recording))) {
		add(t, "No difference: the two files are one recording, of %zu packets in %zu class%s.", a->compared, d->compared,
		    d->compared == 1 ? "" : "es");
		return;
	}
	add(t, "No difference: %zu packet%s in %s and %zu in %s, of %zu class%s, end alike and cross the same boundaries.",
	    a->compared, a->compared == 1 ? "" : "s", a->name, b->compared, b->name, d->compared, d->compared == 1 ? "" : "es");
}

static const char *ns_text(double ns, char *buf, size_t size)
{
	char text[32];

	snprintf(buf, size, "%s%s", ns < 0 ? "-" : "", duration_text(ns < 0 ? -ns : ns, text, sizeof(text)));
	return buf;
}

/* What became of the time: "all of it waiting in the queue of a device, ..." */
const char *say_shift(const struct diff *d, const struct shift *x, char *buf, size_t size)
{
	struct text t = { .buf = buf, .size = size };
	int slow = x->ns > 0;
	double wait = x->waiting_ns[slow] - x->waiting_ns[!slow], run = x->median_ns[slow] - x->median_ns[!slow] - wait;
	char a[160], b[160], key[200], times[4][40];

	*buf = '\0';
	add(&t, "in %s %s take %s longer from %s to %s (%s against %s): ", d->side[slow].name, key_text(d, &x->class->key, key, sizeof(key)),
	    ns_text(fabs(x->ns), times[0], sizeof(times[0])), func_plain(x->boundary[0]->name, a, sizeof(a)),
	    func_plain(x->boundary[1]->name, b, sizeof(b)), ns_text(x->median_ns[slow], times[1], sizeof(times[1])),
	    ns_text(x->median_ns[!slow], times[2], sizeof(times[2])));
	if (wait > 0 && run < 0 && -run > wait / 4)
		add(&t, "running became waiting (%s)", time_meaning(x->time));
	else if (wait >= run)
		add(&t, "they wait there (%s%s)", x->time >= TIME_QUEUES ? "" : time_name(x->time), x->time >= TIME_QUEUES ? time_meaning(x->time) : "");
	else
		add(&t, "they run longer");
	add(&t, ", most of it between %s and %s", func_plain(x->from->name, a, sizeof(a)), func_plain(x->to->name, b, sizeof(b)));
	return buf;
}

static void add_slow(struct text *t, const struct diff *d)
{
	const struct shift *x = d->shifts;
	char text[900], cause[900], name[128];

	add(t, "Slower after %s: %s.", func_plain(x->boundary[0]->name, name, sizeof(name)), say_shift(d, x, text, sizeof(text)));
	if (*say_cause(d, &d->slow_causes, x->ns > 0, cause, sizeof(cause)))
		add(t, " Cause: %s.", cause);
}

const char *say_verdict(const struct diff *d, char *buf, size_t size)
{
	struct text t = { .buf = buf, .size = size };
	const struct finding *f = d->findings;
	char cause[900];

	*buf = '\0';
	if (!d->nfindings && d->nshifts)
		add_slow(&t, d);
	else if (!d->nfindings)
		add_same(&t, d);
	else if (f->kind == FINDING_MISSING)
		add_missing(&t, d, f);
	else if (f->kind == FINDING_OUTCOME && d->locus.path[f->bad].netfilter)
		add_netfilter(&t, d, f);
	else if (f->kind == FINDING_OUTCOME && f->outcome[f->bad].fate == FATE_DROPPED)
		add_dropped(&t, d, f);
	else
		add_parted(&t, d, f);
	if (d->nfindings && *say_cause(d, &d->causes, f->bad, cause, sizeof(cause)))
		add(&t, " Cause: %s.", cause);
	return buf;
}

bool finding_is_consequence(const struct diff *d, const struct finding *f)
{
	return f != d->findings && (f->kind == FINDING_MISSING || key_is_error(&f->class->key));
}

const char *say_finding(const struct diff *d, const struct finding *f, char *buf, size_t size)
{
	struct text t = { .buf = buf, .size = size };
	char key[200];

	*buf = '\0';
	key_text(d, &f->class->key, key, sizeof(key));
	if (f->kind == FINDING_MISSING) {
		add(&t, "%s: %u in %s, none in %s", key, f->total[!f->bad], d->side[!f->bad].name, d->side[f->bad].name);
		return buf;
	}
	add(&t, "%s", key);
	for (int s = 0; s < 2; s++) {
		char outcome[300];

		add(&t, "%s in %s %s", s ? ";" : ":", d->side[s].name, say_outcome(d, f, s, outcome, sizeof(outcome)));
	}
	if (f->kind == FINDING_WAY)
		add(&t, ", by another way");
	if (f->cause && *f->cause)
		add(&t, ". Cause: %s", f->cause);
	return buf;
}

const char *say_outcome(const struct diff *d, const struct finding *f, int s, char *buf, size_t size)
{
	struct text t = { .buf = buf, .size = size };
	const struct outcome *o = &f->outcome[s];
	const struct model *m = d->side[s].m;

	*buf = '\0';
	if (!f->packet[s]) {
		add(&t, "none");
		return buf;
	}
	add(&t, "%u of %u %s", f->hits[s], f->total[s], fate_name(f->kind == FINDING_MISSING ? packet_ends_as(&d->side[s], &m->packets[f->packet[s] - 1])->fate : o->fate));
	if (f->kind == FINDING_MISSING)
		return buf;
	if (o->netns)
		add(&t, " in %s", name_text(d, o->netns));
	if (o->place && strcmp(name_text(d, o->place), packet_reason(m, packet_ends_as(&d->side[s], &m->packets[f->packet[s] - 1]))))
		add(&t, d->same_kernel || o->fate != FATE_DROPPED ? " in %s" : " in the layer %s", name_text(d, o->place));
	if (outcome_unanswered(o))
		add(&t, ", without an answer");
	if (o->hook)
		add(&t, " by netfilter at %s (%s)", hook_name(o->hook >> 8 & 0xff, o->hook & 0xff), family_name(o->hook >> 8 & 0xff));
	if (o->fate == FATE_DROPPED)
		add(&t, ", %s", packet_reason(m, packet_ends_as(&d->side[s], &m->packets[f->packet[s] - 1])));
	return buf;
}

/* "after netif_receive_skb 325 of 10000 go to nf_hook_slow FORWARD here, none of 10000 there" */
const char *say_parting(const struct diff *d, const struct parting *p, char *buf, size_t size)
{
	struct text t = { .buf = buf, .size = size };
	int bad = d->findings[0].bad;
	struct path path = {};
	char name[128];

	*buf = '\0';
	path_build((struct diff *)d, bad, &d->side[bad].m->packets[p->packet - 1], &path);
	if (p->from)
		add(&t, "after %s%s%s%s%s", name_text(d, p->from >> 17), p->from & 0x10000 ? " " : "",
		    p->from & 0x10000 ? hook_name(p->from >> 8 & 0xff, p->from & 0xff) : "", p->netns ? " in " : "", name_text(d, p->netns));
	else
		add(&t, "at the beginning");
	if (p->to_end || p->step >= path.end) {
		add(&t, ", they end (%s)", fate_name(path.last->fate));
	} else {
		const struct trc_hop *h = step_hop(&path, p->step);

		add(&t, ", they go on to %s", func_plain(step_func(&path, p->step)->name, name, sizeof(name)));
		if (path.steps[p->step].hook)
			add(&t, " %s", hook_name(h->family, h->hook));
	}
	add(&t, ": %u of %u in %s, %u of %u in %s (p = %.1e, G-test)", p->hits[bad], p->total[bad], d->side[bad].name, p->hits[!bad],
	    p->total[!bad], d->side[!bad].name, p->p);
	path_free(&path);
	return buf;
}

/* "LOCAL_OUT → DROP" */
const char *say_hook(const struct step *st, const struct trc_hop *h, char *buf, size_t size)
{
	snprintf(buf, size, "%s%s%s", hook_name(h->family, h->hook), st->returned ? " → " : "",
		 st->returned ? verdict_name(st->verdict) : "");
	return buf;
}

/* --- a difference of the two systems -------------------------------------------------------------------------------- */

/* "its counter moved by 3" */
static void add_moved(struct text *t, const struct diff *d, const struct change *c, int bad)
{
	if (!c->counts)
		return;
	if (c->value[bad])
		add(t, "; its counter moved by %lld", (long long)c->moved[bad]);
	if (c->value[!bad])
		add(t, c->value[bad] ? ", and by %lld in %s" : "; it had counted %lld in %s", (long long)c->moved[!bad], d->side[!bad].name);
}

/* "; it dropped 5 packets" */
static void add_dropped_by(struct text *t, const struct diff *d, const struct change *c, int bad)
{
	if (c->counts && c->value[bad] && c->moved[bad] > 0)
		add(t, "; it dropped %lld packet%s", (long long)c->moved[bad], c->moved[bad] == 1 ? "" : "s");
}

const char *say_change(const struct diff *d, const struct change *c, int bad, char *buf, size_t size)
{
	struct text t = { .buf = buf, .size = size };
	bool rule = !strcmp(c->kind, "rule");
	const char *v = c->value[bad], *w = c->value[!bad];
	bool counted = c->counts && c->moved[0] != c->moved[1];

	*buf = '\0';
	if (!strcmp(c->kind, "counter")) {
		add(&t, "counter %s%s%s moved by %lld in %s and by %lld in %s", c->name, c->netns ? " of " : "", name_text(d, c->netns),
		    (long long)c->moved[bad], d->side[bad].name, (long long)c->moved[!bad], d->side[!bad].name);
		return buf;
	}
	add(&t, "%s%s%s", (!v || !w) && *c->say ? c->say : rule ? c->say : c->name, c->netns ? " in " : "", name_text(d, c->netns));
	if (rule || (v && w && !strcmp(v, w) && counted)) {
		if (!v || !w)
			add(&t, " %s %s", v ? "is only in" : "is missing in", d->side[bad].name);
		add_moved(&t, d, c, bad);
	} else if (v && w && strcmp(v, w)) {
		add(&t, " is %.300s in %s and %.300s in %s", v, d->side[bad].name, w, d->side[!bad].name);
		if (!strcmp(c->kind, "qdisc"))
			add_dropped_by(&t, d, c, bad);
	} else if (v && w) {
		add(&t, " was %.300s at the start of %s, but %.300s at that of %s", c->was[bad] ?: "not set", d->side[bad].name, c->was[!bad] ?: "not set",
		    d->side[!bad].name);
	} else if (!strcmp(c->kind, "sysctl")) {
		/* settings that are 0 are mostly not kept: schema/sysctls.tsv */
		add(&t, " is %.300s in %s and %.300s in %s", v ? v : d->same_kernel ? "0" : "not set", d->side[bad].name,
		    w ? w : d->same_kernel ? "0" : "not set", d->side[!bad].name);
	} else {
		const char *value = v ?: w ?: "";

		if (*value && !*c->say)
			add(&t, " (%.300s)", value);
		add(&t, " %s %s", v ? "is only in" : "is missing in", d->side[bad].name);
		if (!strcmp(c->kind, "chain"))
			add_moved(&t, d, c, bad);
		else if (!strcmp(c->kind, "qdisc"))
			add_dropped_by(&t, d, c, bad);
	}
	return buf;
}
