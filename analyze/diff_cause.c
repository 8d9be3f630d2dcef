// SPDX-License-Identifier: GPL-2.0
/*
 * diff_cause.c - why they diverge: which difference of the two systems explains it, by schema/causes.tsv.
 *
 * A difference is a cause when the knowledge ties its kind to the symptom (drop reason, function, layer, hook) and it
 * touches the packet: same namespace, a device or an address on its way, a rule that counted it.  What does not is
 * listed and blamed for nothing.
 */
#include <arpa/inet.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "diff.h"
#include "embedded.h"
#include "prefix.h"

#define PLACES_MAX 32		/* namespaces, devices, addresses of the two paths, each */
#define ORIGINS_MAX 2000	/* differences among which it is looked what follows from what */
#define WEIGHT 100		/* one step of the knowledge's weight in a score */

/* Where the two packets were, and what became of the bad one. */
struct symptom {
	const struct diff *d;
	const struct finding *f;
	const struct locus *l;
	const char *reason;		/* "" when it was not dropped */
	const char *word;		/* hook, way, missing, stuck; "" */
	char func[4][128];		/* the drop's, the deciding one, the last places */
	const char *layer[4];
	size_t nfuncs;
	uint32_t at_netns;		/* where it ended: label */
	uint32_t netns[PLACES_MAX];
	size_t nnetns;
	const char *at_device;
	const char *device[PLACES_MAX];
	size_t ndevices;
	uint8_t address[PLACES_MAX][16];
	uint8_t length[PLACES_MAX];	/* of the address: 4 or 16 */
	size_t naddresses;
};

struct row {
	char symptom[64], kind[16], name[96], weight[200];
};

/* --- the symptom --------------------------------------------------------------------------------------------------- */

static void add_func(struct symptom *y, const struct path *path, size_t step)
{
	char name[128];

	if (step >= path->n || y->nfuncs == 4)
		return;
	func_plain(step_func(path, step)->name, name, sizeof(name));
	for (size_t i = 0; i < y->nfuncs; i++)
		if (!strcmp(y->func[i], name))
			return;
	memcpy(y->func[y->nfuncs], name, sizeof(name));
	y->layer[y->nfuncs++] = step_func(path, step)->layer;
}

static void add_address(struct symptom *y, const uint8_t *address, uint8_t length)
{
	for (size_t i = 0; i < y->naddresses; i++)
		if (y->length[i] == length && !memcmp(y->address[i], address, length))
			return;
	if (y->naddresses == PLACES_MAX)
		return;
	memcpy(y->address[y->naddresses], address, length);
	y->length[y->naddresses++] = length;
}

static void add_hop(struct symptom *y, int s, const struct trc_hop *h)
{
	struct diff *d = (struct diff *)y->d;		/* looks names up, which caches nothing new */
	uint32_t netns = h->have & TRC_HAVE_NETNS ? side_netns(d, s, h->netns) : 0;
	const char *device = h->ifindex ? model_dev(d->side[s].m, h->netns, h->ifindex) : "";
	uint8_t length = h->have & TRC_HAVE_IP6 ? 16 : h->have & TRC_HAVE_IP4 ? 4 : 0;
	size_t i;

	for (i = 0; i < y->nnetns && y->netns[i] != netns; i++)
		;
	if (netns && i == y->nnetns && i < PLACES_MAX)
		y->netns[y->nnetns++] = netns;
	for (i = 0; i < y->ndevices && strcmp(y->device[i], device); i++)
		;
	if (*device && i == y->ndevices && i < PLACES_MAX)
		y->device[y->ndevices++] = device;
	if (length) {
		add_address(y, h->saddr, length);
		add_address(y, h->daddr, length);
	}
}

static void symptom_places(struct symptom *y, int s)
{
	const struct path *path = &y->l->path[s];
	for (size_t i = 0; i < path->n; i++)
		add_hop(y, s, step_hop(path, i));
}

/* Where a path was at a step, or last before it. */
static void symptom_end(struct symptom *y, int s, size_t step)
{
	const struct path *path = &y->l->path[s];

	for (size_t i = step < path->n ? step + 1 : path->n; i-- > 0;) {
		const struct trc_hop *h = step_hop(path, i);

		if (!*y->at_device && h->ifindex)
			y->at_device = model_dev(y->d->side[s].m, h->netns, h->ifindex);
		if (h->have & TRC_HAVE_NETNS) {
			y->at_netns = side_netns((struct diff *)y->d, s, h->netns);
			return;
		}
	}
}

static bool is_multicast(const struct tuple *t)
{
	return t->have & TRC_HAVE_IP6 ? t->daddr[0] == 0xff : t->have & TRC_HAVE_IP4 && (t->daddr[0] & 0xf0) == 0xe0;
}

static void symptom_find(struct symptom *y, const struct diff *d, const struct finding *f, const struct locus *l)
{
	int who = f->kind == FINDING_MISSING ? !f->bad : f->bad;
	const struct path *path = &l->path[who];

	memset(y, 0, sizeof(*y));
	y->d = d;
	y->f = f;
	y->l = l;
	y->reason = y->word = y->at_device = "";
	if (f->kind == FINDING_OUTCOME && path->last->fate == FATE_DROPPED)
		y->reason = packet_reason(path->side->m, path->last);
	if (f->kind == FINDING_MISSING)
		y->word = "missing";
	else if (f->kind == FINDING_WAY || (f->outcome[0].fate == f->outcome[1].fate && f->outcome[0].fate != FATE_DROPPED))
		y->word = "way";
	else if (path->netfilter)
		y->word = "hook";
	else if (f->outcome[f->bad].fate == FATE_IN_FLIGHT || f->outcome[f->bad].fate == FATE_SENT)
		y->word = "stuck";
	if (f->kind != FINDING_MISSING) {
		add_func(y, path, path->drop);
		add_func(y, path, path->decisive);
		for (size_t i = path->end; i-- > 0 && y->nfuncs < 3;)
			if (step_is_place(path, i)) {
				add_func(y, path, i);
				break;
			}
	}
	if (!*y->word && *y->reason && y->nfuncs && is_multicast(&path->last->tuple) && (!strcmp(y->layer[0], "ip") || !strcmp(y->layer[0], "routing")))
		y->word = "multicast";
	symptom_end(y, who, f->kind == FINDING_MISSING ? 0 : path->decisive);
	for (int s = 0; s < 2; s++)
		if (f->packet[s])
			symptom_places(y, s);
}

/* --- the knowledge -------------------------------------------------------------------------------------------------- */

/* The next row of causes.tsv; false at its end. */
static bool row_next(const char **at, struct row *r)
{
	char *const field[] = { r->symptom, r->kind, r->name, r->weight };
	const size_t size[] = { sizeof(r->symptom), sizeof(r->kind), sizeof(r->name), sizeof(r->weight) };

	while (**at) {
		size_t length = strcspn(*at, "\n");
		const char *line = *at, *end = line + length;

		*at = end + (*end == '\n');
		if (!length || *line == '#')
			continue;
		for (int i = 0; i < 4; i++) {
			size_t n = 0, room = size[i] - 1;
			char *to = field[i];

			/* the sentence of a "=" is one field, and goes into the last */
			if (i == 2 && !strcmp(r->kind, "=")) {
				*to = '\0';
				to = r->weight;
				room = size[++i] - 1;
			}
			for (; line < end && *line != '\t'; line++)
				if (n < room)
					to[n++] = *line;
			to[n] = '\0';
			line += line < end;
		}
		return true;
	}
	return false;
}

/* How closely a row's symptom is this one: 0 not at all, 1 it is any, more the closer. */
static int symptom_fits(const struct symptom *y, const char *pattern, size_t nfuncs)
{
	if (!strcmp(pattern, "any"))
		return 1;
	if (!strncmp(pattern, "reason:", 7))
		return *y->reason && !fnmatch(pattern + 7, y->reason, 0) ? 4 : 0;
	for (size_t i = 0; i < nfuncs; i++) {
		if (!strncmp(pattern, "func:", 5) && !fnmatch(pattern + 5, y->func[i], 0))
			return 3;
		if (!strncmp(pattern, "layer:", 6) && !fnmatch(pattern + 6, y->layer[i], 0))
			return 2;
	}
	return *y->word && !strcmp(pattern, y->word) ? 4 : 0;
}

static int knowledge_weight(const struct symptom *y, const struct change *c)
{
	const char *at = embedded_causes;
	bool acts = !strcmp(c->kind, "rule") || !strcmp(c->kind, "qdisc");
	char name[400];
	int best = 0;
	struct row r;

	snprintf(name, sizeof(name), "%s%s%s", acts ? c->action[*c->action[y->f->bad] ? y->f->bad : !y->f->bad] : "", acts ? " " : "", c->name);
	while (row_next(&at, &r)) {
		int weight = !strcmp(r.kind, c->kind) ? atoi(r.weight) * WEIGHT : 0;
		int fits = weight ? symptom_fits(y, r.symptom, y->nfuncs) : 0;

		if (fits && weight + fits > best && !fnmatch(r.name, name, 0))
			best = weight + fits;
	}
	return best;
}

/* --- does it touch the packet? -------------------------------------------------------------------------------------- */

static int touch_netns(const struct symptom *y, const struct change *c)
{
	if (!c->netns)		/* the machine's */
		return 0;
	if (c->netns == y->at_netns)
		return 60;
	for (size_t i = 0; i < y->nnetns; i++)
		if (c->netns == y->netns[i])
			return 0;
	return -2000;
}

static int touch_device(const struct symptom *y, const struct change *c)
{
	if (!*c->device)
		return 0;
	if (!strcmp(c->device, y->at_device))
		return 40;
	for (size_t i = 0; i < y->ndevices; i++)
		if (!strcmp(c->device, y->device[i]))
			return 20;
	/* a route or a neighbour may have led it to another device than it should */
	return !strcmp(c->kind, "route") || !strcmp(c->kind, "neighbour") || !strcmp(c->kind, "address") ? 0 : -300;
}

static int touch_address(const struct symptom *y, const struct change *c)
{
	struct prefix p;

	if (!*c->prefix)
		return 0;
	if (prefix_parse(&p, c->prefix))
		for (size_t i = 0; i < y->naddresses; i++)
			if (y->length[i] == (p.family == AF_INET6 ? 16 : 4) && prefix_covers(&p, y->address[i]))
				return p.bits ? 20 : 5;
	return !strcmp(c->kind, "neighbour") ? 0 : -400;
}

static bool is_rule(const struct change *c)
{
	return !strcmp(c->kind, "rule") || !strcmp(c->kind, "chain");
}

/* A rule that counts has counted the packet, or it was not the one. */
static int touch_rule(const struct symptom *y, const struct change *c)
{
	int bad = y->f->bad, score = 0;
	bool refuses = !strcmp(c->action[bad], "drop") || !strcmp(c->action[bad], "reject");

	if (!is_rule(c))
		return 0;
	if (!strcmp(y->word, "hook") && *c->hook) {
		const struct trc_hop *h = step_hop(&y->l->path[bad], y->l->path[bad].decisive);

		score += strcmp(c->hook, hook_name(h->family, h->hook)) ? -300 : 50;
	}
	if (strcmp(c->kind, "rule"))	/* a new chain that accepts is there for its rules */
		return score - (refuses ? 0 : 250);
	if (c->value[bad] && c->counts)
		score += c->moved[bad] > c->moved[!bad] ? 50 : -500;
	if (c->value[bad] && !c->value[!bad])
		score += refuses ? 30 : 10;
	if (c->value[0] && c->value[1] && !refuses)
		score -= 200;		/* the same rule counted otherwise: rather what follows */
	if (!c->value[bad] && c->counts && !c->moved[!bad])
		score -= 300;		/* gone, but it had done nothing either */
	return score;
}

/* A counter is evidence, in the namespace where the packet ended, and only of what came to be more. */
static int touch_counter(const struct symptom *y, const struct change *c)
{
	if (strcmp(c->kind, "counter"))
		return 0;
	return c->netns == y->at_netns && c->moved[y->f->bad] > c->moved[!y->f->bad] ? 0 : -2000;
}

/* Of queues in queues, that which the packet came to last. */
static int touch_qdisc(const struct symptom *y, const struct change *c)
{
	const char *kind = c->action[y->f->bad];
	size_t n = strlen(kind);

	for (size_t i = 0; i < y->nfuncs && n && !strcmp(c->kind, "qdisc"); i++)
		if (!strncmp(y->func[i], kind, n) && y->func[i][n] == '_')
			return 30;
	return 0;
}

static int change_score(const struct symptom *y, const struct change *c)
{
	int weight = knowledge_weight(y, c);

	if (!weight)
		return 0;
	/* settings that were the same when it ended have been changed and changed back: less likely */
	if (!c->counts && !strcmp(c->value[0] ?: "", c->value[1] ?: ""))
		weight -= WEIGHT;
	if (c->value[y->f->bad] && strstr(c->value[y->f->bad], "without carrier"))
		weight -= 150;		/* the other end is down: that is the cause, if it can be seen */
	if (!strcmp(c->kind, "neighbour") && c->value[y->f->bad] && strncmp(c->value[y->f->bad], "permanently", 11))
		weight -= 350;		/* why did nobody answer?  Something that explains this is better */
	return weight + touch_netns(y, c) + touch_device(y, c) + touch_address(y, c) + touch_rule(y, c) + touch_counter(y, c) +
	       touch_qdisc(y, c);
}

/* --- the words ------------------------------------------------------------------------------------------------------ */

/* As they were where it ended, for tunnels and NAT change them: the last that were seen by then. */
static const struct trc_hop *headers_there(const struct model *m, const struct packet *p)
{
	uint32_t end = p->fate_hop < p->nhops ? p->fate_hop : p->nhops - 1;

	for (uint32_t i = end + 1; i-- > 0;)
		if (packet_hop(m, p, i)->have & TRC_HAVE_L4 && packet_hop(m, p, i)->have & (TRC_HAVE_IP4 | TRC_HAVE_IP6))
			return packet_hop(m, p, i);
	return packet_hop(m, p, end);
}

static void add_where(struct symptom *y, char *buf, size_t size, size_t *used, const char *word, size_t length)
{
	int who = y->f->kind == FINDING_MISSING ? !y->f->bad : y->f->bad;
	const struct packet *p = y->l->path[who].last;
	const struct trc_hop *h = headers_there(y->d->side[who].m, p);
	char text[160] = "";
	int family = h->have & TRC_HAVE_IP6 ? AF_INET6 : AF_INET;
	const char *device = *y->at_device ? y->at_device : "its device";

#define IS(name) (length == sizeof(name) - 1 && !memcmp(word, name, length))
	if (IS("dev"))
		snprintf(text, sizeof(text), "%.100s", device);
	else if (IS("netns"))
		snprintf(text, sizeof(text), "%.150s", y->at_netns ? name_text(y->d, y->at_netns) : "this network namespace");
	else if (IS("src") || IS("dst"))
		inet_ntop(family, word[0] == 's' ? h->saddr : h->daddr, text, sizeof(text));
	else if (IS("sport") || IS("dport"))
		snprintf(text, sizeof(text), "%u", word[0] == 's' ? h->sport : h->dport);
	else if (IS("proto"))
		snprintf(text, sizeof(text), "%s", h->l4proto == 6 ? "TCP" : h->l4proto == 17 ? "UDP" : "its");
	else if (IS("len"))
		snprintf(text, sizeof(text), "%u", h->len_bytes);
	else if (IS("ttl"))
		snprintf(text, sizeof(text), "%u", h->ttl);
	else if (IS("func"))
		snprintf(text, sizeof(text), "%.100s", y->nfuncs ? y->func[0] : "?");
#undef IS
	*used += snprintf(buf + *used, size - *used, "%s", text);
	if (*used >= size)
		*used = size - 1;
}

static const char *fill_in(struct symptom *y, const char *sentence, char *buf, size_t size)
{
	size_t used = 0;

	for (const char *c = sentence; *c && used + 1 < size; c++) {
		size_t n = *c == '{' ? strcspn(c, "}") : 0;

		if (n && c[n]) {
			add_where(y, buf, size, &used, c + 1, n - 1);
			c += n;
		} else {
			buf[used++] = *c;
		}
	}
	buf[used] = '\0';
	return buf;
}

/* A hook dropped it, but the rules are not in the recording: at least say why. */
static const char *rules_unknown(struct diff *d, const struct symptom *y)
{
	const struct side *side = &d->side[y->f->bad];
	char text[400];

	for (size_t i = 0; i < side->m->nsnapshots; i++) {
		const struct snapshot *s = &side->m->snapshots[i];

		if (!*s->note || !strncmp(s->note, "not asked", 9) || !s->netns || side_netns(d, y->f->bad, s->netns) != y->at_netns)
			continue;
		if (strcmp(s->what, "nftables") && !strstr(s->what, "tables"))
			continue;
		snprintf(text, sizeof(text), "a rule of %.40s in %.100s that is not in the recording (%.200s)", s->what, name_text(d, y->at_netns), s->note);
		return diff_text(d, text);
	}
	return NULL;
}

/* What the reason or the place says by itself: the closest row wins, of those as close the first. */
static const char *plain_cause(struct diff *d, struct symptom *y)
{
	const char *at = embedded_causes;
	char best[200] = "", text[400];
	int closest = 1;
	struct row r;

	if (y->f->kind == FINDING_WAY)
		return NULL;
	while (row_next(&at, &r)) {
		int fits = !strcmp(r.kind, "=") ? symptom_fits(y, r.symptom, !!y->nfuncs) : 0;

		if (fits <= closest)
			continue;
		closest = fits;
		memcpy(best, r.weight, sizeof(best));
	}
	if (*best)
		return diff_text(d, fill_in(y, best, text, sizeof(text)));
	return !strcmp(y->word, "hook") ? rules_unknown(d, y) : NULL;
}

/* A rule, or a queue, that is so on one side only, and counted what it dropped: no chance is left to exclude. */
bool causes_prove(const struct causes *c, int bad, uint32_t hits)
{
	const struct change *top = c->n ? c->list[0].change : NULL;

	if (!top || c->list[0].score < 9 * WEIGHT || !top->counts || (!is_rule(top) && strcmp(top->kind, "qdisc")))
		return false;
	return top->value[bad] && (!top->value[!bad] || strcmp(top->value[0], top->value[1])) && top->moved[bad] >= hits &&
	       top->moved[bad] > top->moved[!bad];
}

/* --- all of it ------------------------------------------------------------------------------------------------------ */

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && !strcmp(text + n - m, end);
}

/* Did the kernel remove (or add) the route because of this change? */
static bool follows(const struct change *route, const struct change *c)
{
	if (strcmp(route->kind, "route") || c->netns != route->netns || strcmp(c->device, route->device) || !*c->device)
		return false;
	if (!strcmp(c->kind, "device"))
		return ends_with(c->name, " state") || !strchr(c->name + strlen("device "), ' ');
	return !strcmp(c->kind, "address") && !c->value[0] == !route->value[0] && !c->value[1] == !route->value[1];
}

/* What made a route go explains whatever the route explains, and comes before it. */
static void blame_origins(struct causes *out)
{
	size_t n = out->n;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++)
			if (out->list[j].score <= out->list[i].score && follows(out->list[i].change, out->list[j].change))
				out->list[j].score = out->list[i].score + 1;
}

static int by_score(const void *a, const void *b)
{
	const struct cause *x = a, *y = b;

	return x->score != y->score ? (x->score < y->score) - (x->score > y->score) : (x->change > y->change) - (x->change < y->change);
}

static void causes_collect(struct diff *d, const struct symptom *y, struct causes *out)
{
	out->list = diff_alloc(d, d->nchanges + 1, sizeof(*out->list));
	for (size_t i = 0; i < d->nchanges; i++) {
		int score = change_score(y, &d->changes[i]);

		if (score > 0)
			out->list[out->n++] = (struct cause){ .change = &d->changes[i], .score = score };
	}
	if (out->n <= ORIGINS_MAX)
		blame_origins(out);
	if (out->n)
		qsort(out->list, out->n, sizeof(*out->list), by_score);
}

/* Time is no end: the symptom is where it is spent. */
void causes_find_slow(struct diff *d, const struct shift *x, struct causes *out)
{
	int slow = x->ns > 0;
	struct finding f = { .kind = FINDING_WAY, .bad = slow };
	struct locus l = {};
	struct symptom y = { .d = d, .f = &f, .l = &l, .reason = "", .word = "slow", .at_device = "" };
	const struct func *funcs[] = { x->from, x->to, x->boundary[0], x->boundary[1] };

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < 4; i++) {
		func_plain(funcs[i]->name, y.func[i], sizeof(y.func[i]));
		y.layer[i] = funcs[i]->layer;
	}
	y.nfuncs = 4;
	for (int s = 0; s < 2; s++) {
		f.packet[s] = x->packet[s];
		path_build(d, s, &d->side[s].m->packets[x->packet[s] - 1], &l.path[s]);
	}
	y.at_netns = x->hop.have & TRC_HAVE_NETNS ? side_netns(d, slow, x->hop.netns) : 0;
	y.at_device = x->hop.ifindex ? model_dev(d->side[slow].m, x->hop.netns, x->hop.ifindex) : "";
	for (int s = 0; s < 2; s++)
		symptom_places(&y, s);
	causes_collect(d, &y, out);
	locus_free(&l);
}

void causes_find(struct diff *d, const struct finding *f, const struct locus *l, struct causes *out)
{
	struct symptom y;

	memset(out, 0, sizeof(*out));
	symptom_find(&y, d, f, l);
	out->plain = plain_cause(d, &y);
	out->vague = f->kind == FINDING_MISSING;
	causes_collect(d, &y, out);
}

/* A rule that is the same on both sides counts otherwise because of what is in its set. */
static const struct change *set_of(const struct causes *c, const struct change *rule)
{
	if (strcmp(rule->kind, "rule") || !rule->value[0] || !rule->value[1])
		return NULL;
	for (size_t i = 0; i < c->n; i++) {
		const struct change *set = c->list[i].change;
		const char *name = strrchr(set->name, ' '), *at = rule->name;
		size_t n = name ? strlen(++name) : 0;

		if (strcmp(set->kind, "set") || set->netns != rule->netns || !n)
			continue;
		while ((at = strchr(at, '@')))
			if (!strncmp(++at, name, n) && (!at[n] || at[n] == ' '))
				return set;
	}
	return NULL;
}

const char *say_cause(const struct diff *d, const struct causes *c, int bad, char *buf, size_t size)
{
	int need = c->plain && !c->vague ? 7 * WEIGHT : 5 * WEIGHT;
	const struct change *set;
	size_t used;

	*buf = '\0';
	if (c->n && c->list[0].score >= need) {
		say_change(d, c->list[0].change, bad, buf, size);
		set = set_of(c, c->list[0].change);
		used = strlen(buf);
		if (set && used + 2 < size) {
			memcpy(buf + used, "; ", 3);
			say_change(d, set, bad, buf + used + 2, size - used - 2);
		}
		return buf;
	}
	if (c->plain)
		snprintf(buf, size, "%s", c->plain);
	return buf;
}

/* Neither a cause of the first finding nor a counter, of which there are many. */
bool change_is_other(const struct diff *d, const struct change *c)
{
	if (!strcmp(c->kind, "counter") || !strcmp(c->kind, "lladdr") || (c->counts && !strcmp(c->value[0] ?: "", c->value[1] ?: "") && c->value[0] && c->value[1]))
		return false;
	for (size_t i = 0; i < d->causes.n; i++)
		if (d->causes.list[i].change == c)
			return false;
	return true;
}
