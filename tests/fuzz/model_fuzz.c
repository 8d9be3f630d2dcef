// SPDX-License-Identifier: GPL-2.0
/*
 * model_fuzz.c - arbitrary units, and records made of arbitrary bytes, loaded by the analyzer (libFuzzer; make fuzz).
 *
 * 'R' and steps as for roundtrip_fuzz.c, or what reader_fuzz.c takes.  The model's own limit on memory is built smaller
 * here (Makefile), so that it is met.  What model.h promises is checked for all that was loaded.
 */
#include "make.h"
#include "model.h"
#include "random.h"
#include "select.h"
#include "spill.h"
#include "timeline.h"

static void text_check(const char *s)
{
	for (CHECK(s); *s; s++)
		CHECK((unsigned char)*s >= 0x20 && *s != 0x7f);
}

static void hops_check(const struct model *m)
{
	const struct packet *p;
	const struct trc_hop *h;
	struct timeline *t;
	uint64_t before_ns = 0;
	size_t n = 0, derived = 0;
	uint32_t hop;
	char words[512];

	CHECK(!timeline_open(&t, m, 0, UINT64_MAX));
	for (; timeline_next(t, &p, &hop, &h) > 0; n++) {
		CHECK(h->func < m->nfuncs && before_ns <= h->time_ns && h->stack <= m->nstacks);
		CHECK(!memcmp(h, packet_hop(m, p, hop), sizeof(*h)));
		before_ns = h->time_ns;
		derived += h->kind == TRC_DERIVED;
		text_check(model_dev(m, h->netns, h->ifindex));
		text_check(model_netns(m, h->netns));
		text_check(model_proc(m, h->pid));
		if (h->kind == TRC_DROP) {
			const char *reason = model_drop_reason(m, h->value);

			text_check(reason);
			text_check(reason_meaning(reason));
			text_check(reason_advice(reason));
		}
		snprintf(words, sizeof(words), "%s %s %s", hook_name(h->family, h->hook), family_name(h->family),
			 verdict_name(h->value));
	}
	timeline_free(t);
	CHECK(n == m->nhops && derived == m->nderived);
}

static void packets_check(const struct model *m)
{
	size_t total = 0;
	char words[512];

	for (size_t i = 0; i < m->npackets; i++) {
		const struct packet *p = &m->packets[i];

		CHECK(p->number == i + 1 && p->nhops && p->fate_hop < p->nhops);
		for (uint32_t k = 0; k < p->nhops; k++) {
			CHECK(!k || packet_hop(m, p, k - 1)->time_ns <= packet_hop(m, p, k)->time_ns);
			CHECK(packet_hop(m, p, k)->packet == p->id);
		}
		for (uint32_t k = 0; k < p->nframes; k++)
			CHECK(p->frames[k] < m->nfuncs);
		text_check(tuple_text(&p->tuple, words, sizeof(words)));
		text_check(fate_name(p->fate));
		total += p->nhops;
	}
	CHECK(total == m->nhops);
}

/* Line feeds are what a text of several lines has of them. */
static void lines_check(const char *s)
{
	for (CHECK(s); *s; s++)
		CHECK((unsigned char)*s == '\n' || ((unsigned char)*s >= 0x20 && *s != 0x7f));
}

static void besides_check(const struct model *m)
{
	size_t kin = 0, ends = 0;

	for (size_t i = 0; i < m->nstacks; i++) {
		CHECK(m->stacks[i].call <= m->stacks[i].count && m->stacks[i].count <= TRC_STACK_MAX);
		for (uint32_t k = 0; k < m->stacks[i].count; k++)
			CHECK(m->stacks[i].frames[k] < m->nfuncs);
	}
	for (size_t i = 0; i < m->nedges; i++) {
		const struct edge *e = &m->edges[i];

		CHECK(e->func < m->nfuncs && e->child <= m->npackets && e->parent <= m->npackets && (e->child || e->parent));
		CHECK(!i || m->edges[i - 1].time_ns <= e->time_ns);
		text_check(edge_name(e->kind));
		ends += !!e->child + !!e->parent;
	}
	for (size_t i = 0; i < m->npackets; i++) {
		const struct packet *p = &m->packets[i];

		CHECK(p->journey && p->journey <= m->npackets && p->tuple_of <= m->npackets && p->like <= m->npackets);
		CHECK(p->into <= m->npackets && (p->fate != FATE_MERGED || p->into));
		text_check(packet_reason(m, p));
		for (uint32_t k = 0; k < p->nkin; k++)
			CHECK(p->kin[k] < m->nedges);
		kin += p->nkin;
	}
	CHECK(kin == ends);
	for (size_t i = 0; i < m->ndatas; i++)
		CHECK(m->datas[i].packet <= m->npackets && m->datas[i].size <= TRC_STRING_MAX);
	for (size_t i = 0; i < m->nsnapshots; i++) {
		text_check(m->snapshots[i].what);
		text_check(m->snapshots[i].source);
		text_check(m->snapshots[i].note);
		lines_check(m->snapshots[i].text);
	}
}

static void names_check(const struct model *m)
{
	text_check(m->trouble);
	text_check(model_fact(m, "host.kernel"));
	for (size_t i = 0; i < m->nfuncs; i++) {
		text_check(m->funcs[i].name);
		text_check(m->funcs[i].module);
		text_check(m->funcs[i].layer);
		text_check(m->funcs[i].why);
	}
	for (size_t i = 0; i < m->nlinks; i++) {
		text_check(m->links[i].name);
		text_check(m->links[i].kind);
		text_check(m->links[i].address);
	}
	for (size_t i = 0; i < m->nfacts; i++) {
		text_check(m->facts[i].key);
		text_check(m->facts[i].value);
	}
	for (size_t i = 0; i < m->nenums; i++)
		text_check(m->enums[i].name);
}

/* Filters over headers made of whatever hops show. */
static void select_check(struct model *m)
{
	static const char *const filters[] = { "tcp[13] & 2 != 0 or udp[8:4] = 1 or icmp6", "vlan or ip6 protochain 17 or arp[6:2] = 1", "len > 100" };
	static struct selector *selectors[sizeof(filters) / sizeof(filters[0])];
	char error[256];

	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		if (!selectors[i] && selector_open(&selectors[i], filters[i], error, sizeof(error)))
			return;		/* without libpcap */
		CHECK(!selector_apply(selectors[i], m));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64], error[256] = "";
	struct model *m;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", random_fd(data, size));
	if (size % 8 == 1)	/* as if memory held none of it */
		spill_limits = (struct spill_limits){ .held = 1 << 20, .least = 65536, .resident = 1 << 20 };
	else
		spill_limits = (struct spill_limits){ .held = SIZE_MAX / 2, .least = 1 << 20, .resident = SIZE_MAX };
	if (model_load(&m, path, error, sizeof(error))) {
		CHECK(*error && !m);
		text_check(error);
		return 0;
	}
	hops_check(m);
	packets_check(m);
	names_check(m);
	besides_check(m);
	select_check(m);
	model_free(m);
	return 0;
}
