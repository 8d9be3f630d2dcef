// SPDX-License-Identifier: GPL-2.0
/*
 * select.c - a pcap-filter over packets that are long gone.
 *
 * As for pktrec, a packet is selected when the filter matches at any of its hops, so that an address that NAT gave it
 * finds it too.  The filter runs over its recorded bytes, and over headers made anew from what each hop shows of them:
 * addresses, ports, protocol, identification, TTL, fragment, TCP's flags and sequence.  Everything is filtered as a frame
 * of Ethernet; what has no recorded link-layer header gets one without addresses.
 *
 * Without libpcap when it was built, every expression is refused.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sanitize.h"
#include "select.h"

#ifdef HAVE_PCAP
#include <pcap/pcap.h>

#define FRAME_MAX 65535
#define ETHER 14
#define HEADERS_MAX (ETHER + 40 + 20)

struct selector {
	struct bpf_program program;
};

struct frame {
	uint8_t bytes[HEADERS_MAX];
	uint32_t n;
};

int selector_open(struct selector **out, const char *expression, char *error, size_t size)
{
	pcap_t *pcap = pcap_open_dead(DLT_EN10MB, FRAME_MAX);
	char said[PCAP_ERRBUF_SIZE + 96], shown[64];

	*out = pcap ? calloc(1, sizeof(**out)) : NULL;
	if (!*out) {
		if (pcap)
			pcap_close(pcap);
		return -ENOMEM;
	}
	if (!pcap_compile(pcap, &(*out)->program, expression, 1, PCAP_NETMASK_UNKNOWN)) {
		pcap_close(pcap);
		return 0;
	}
	snprintf(shown, sizeof(shown), "%s", expression);
	snprintf(said, sizeof(said), "filter '%s%s': %s; see man 7 pcap-filter", shown, strlen(expression) >= sizeof(shown) ? "…" : "",
		 pcap_geterr(pcap));
	sanitize(error, size, said);
	pcap_close(pcap);
	free(*out);
	*out = NULL;
	return -EINVAL;
}

void selector_free(struct selector *s)
{
	if (s)
		pcap_freecode(&s->program);
	free(s);
}

static bool run(const struct selector *s, const uint8_t *bytes, uint32_t n, uint32_t wire)
{
	const struct pcap_pkthdr header = { .caplen = n, .len = wire < n ? n : wire };

	return pcap_offline_filter(&s->program, &header, bytes);
}

static void put(struct frame *f, const void *bytes, size_t n)
{
	memcpy(f->bytes + f->n, bytes, n);
	f->n += n;
}

static void put8(struct frame *f, uint8_t value)
{
	f->bytes[f->n++] = value;
}

static void put16(struct frame *f, uint16_t value)
{
	put8(f, value >> 8);
	put8(f, value);
}

static void zeros(struct frame *f, size_t n)
{
	memset(f->bytes + f->n, 0, n);
	f->n += n;
}

static void put_ether(struct frame *f, uint16_t type)
{
	f->n = 0;
	zeros(f, 12);
	put16(f, type);
}

/* len: of IP with everything in it */
static void put_ip4(struct frame *f, const struct trc_hop *h, uint16_t len)
{
	put_ether(f, 0x0800);
	put16(f, 0x4500);
	put16(f, len);
	put16(f, h->ip_id);
	put16(f, h->frag);
	put8(f, h->ttl);
	put8(f, h->l4proto);
	put16(f, 0);
	put(f, h->saddr, 4);
	put(f, h->daddr, 4);
}

static void put_ip6(struct frame *f, const struct trc_hop *h, uint16_t len)
{
	put_ether(f, 0x86dd);
	put16(f, 0x6000);
	put16(f, 0);
	put16(f, len > 40 ? len - 40 : 0);
	put8(f, h->l4proto);
	put8(f, h->ttl);
	put(f, h->saddr, 16);
	put(f, h->daddr, 16);
}

static void put_arp(struct frame *f, const struct trc_hop *h)
{
	put_ether(f, 0x0806);
	put16(f, 1);
	put16(f, 0x0800);
	put16(f, 0x0604);
	put16(f, h->sport);
	zeros(f, 6);
	put(f, h->saddr, 4);
	zeros(f, 6);
	put(f, h->daddr, 4);
}

static void put_l4(struct frame *f, const struct trc_hop *h, uint16_t len)
{
	put16(f, h->sport);		/* ICMP: type and code */
	if (h->l4proto == 1 || h->l4proto == 58) {
		put16(f, 0);
		put16(f, h->dport);
		put16(f, 0);
		return;
	}
	put16(f, h->dport);
	if (h->l4proto != 6) {
		put16(f, len);
		put16(f, 0);
		return;
	}
	put16(f, h->tcp_seq >> 16);
	put16(f, h->tcp_seq);
	zeros(f, 4);
	put8(f, 5 << 4);
	put8(f, h->tcp_flags);
	zeros(f, 6);
}

/* What a hop shows of the headers.  false: nothing that a filter could ask for */
static bool frame_of(struct frame *f, const struct trc_hop *h)
{
	uint32_t len = h->len_bytes < 65535 ? h->len_bytes : 65535;

	if (h->have & TRC_HAVE_ARP) {
		put_arp(f, h);
		return true;
	}
	if (!(h->have & (TRC_HAVE_IP4 | TRC_HAVE_IP6)) || !h->l4proto)
		return false;
	if (h->have & TRC_HAVE_IP4)
		put_ip4(f, h, len);
	else
		put_ip6(f, h, len);
	if (h->have & TRC_HAVE_L4)
		put_l4(f, h, len > 20 ? len - 20 : 0);
	return true;
}

static bool same_headers(const struct trc_hop *a, const struct trc_hop *b)
{
	return a->have == b->have && a->l4proto == b->l4proto && a->sport == b->sport && a->dport == b->dport && a->ttl == b->ttl &&
	       a->ip_id == b->ip_id && a->frag == b->frag && a->tcp_flags == b->tcp_flags &&
	       a->tcp_seq == b->tcp_seq && a->len_bytes == b->len_bytes &&
	       !memcmp(a->saddr, b->saddr, sizeof(a->saddr)) && !memcmp(a->daddr, b->daddr, sizeof(a->daddr));
}

/* A header that is not filled in yet is none. */
static bool is_filled(const struct trc_hop *h)
{
	static const uint8_t zero[16];

	if (h->have & TRC_HAVE_ARP)
		return true;
	if (!(h->have & (TRC_HAVE_IP4 | TRC_HAVE_IP6)) || !memcmp(h->daddr, zero, h->have & TRC_HAVE_IP6 ? 16 : 4))
		return false;
	return !(h->have & TRC_HAVE_L4) || (h->l4proto != 6 && h->l4proto != 17) || h->dport;
}

static bool match_bytes(const struct selector *s, const struct data *d)
{
	struct frame f = {};
	uint8_t *whole;
	bool matches;

	if (!d->size)
		return false;
	if (d->layer == 2)
		return run(s, d->bytes, d->size, d->len_bytes);
	whole = malloc(ETHER + d->size);
	if (!whole)
		return false;
	put_ether(&f, *d->bytes >> 4 == 6 ? 0x86dd : 0x0800);
	memcpy(whole, f.bytes, ETHER);
	memcpy(whole + ETHER, d->bytes, d->size);
	matches = run(s, whole, ETHER + d->size, d->len_bytes > UINT32_MAX - ETHER ? UINT32_MAX : ETHER + d->len_bytes);
	free(whole);
	return matches;
}

/* One that showed no headers has the tuple of its kin. */
static bool match_tuple(const struct selector *s, const struct packet *p)
{
	const struct tuple *t = &p->tuple;
	struct trc_hop h = { .have = t->have, .l4proto = t->l4proto, .sport = t->sport, .dport = t->dport, .ethertype = t->ethertype };
	struct frame f;

	memcpy(h.saddr, t->saddr, sizeof(h.saddr));
	memcpy(h.daddr, t->daddr, sizeof(h.daddr));
	if (frame_of(&f, &h))
		return run(s, f.bytes, f.n, f.n);
	put_ether(&f, t->ethertype);
	return run(s, f.bytes, f.n, f.n);
}

bool selector_matches(const struct selector *s, const struct model *m, const struct packet *p, const struct data *d)
{
	const struct trc_hop *before = NULL;
	struct frame f;

	if (d && match_bytes(s, d))
		return true;
	for (uint32_t i = 0; i < p->nhops; i++) {
		const struct trc_hop *h = packet_hop(m, p, i);

		if (!is_filled(h) || (before && same_headers(h, before)) || !frame_of(&f, h))
			continue;
		before = h;
		if (run(s, f.bytes, f.n, ETHER + h->len_bytes))
			return true;
	}
	return !before && !d && match_tuple(s, p);
}

#else

struct selector {
	int none;
};

int selector_open(struct selector **out, const char *expression, char *error, size_t size)
{
	*out = NULL;
	snprintf(error, size, "no filters: this pktshow was built without libpcap; use --packet N");
	return -EINVAL;
}

void selector_free(struct selector *s)
{
}

bool selector_matches(const struct selector *s, const struct model *m, const struct packet *p, const struct data *d)
{
	return true;
}

#endif

int selector_apply(const struct selector *s, struct model *m)
{
	const struct data **first = calloc(m->npackets + 1, sizeof(*first));

	if (!first)
		return -ENOMEM;
	for (size_t i = m->ndatas; i-- > 0;)
		if (m->datas[i].packet)
			first[m->datas[i].packet - 1] = &m->datas[i];
	for (size_t i = 0; i < m->npackets; i++)
		m->packets[i].left_out = !selector_matches(s, m, &m->packets[i], first[i]);
	free(first);
	return 0;
}
