// SPDX-License-Identifier: GPL-2.0
/*
 * show_select.c - which packets of a recording a pcap-filter selects: by recorded bytes, and by headers made of hops.
 */
#include <errno.h>

#include "model_support.h"
#include "select.h"

/* Packets of the scene, by number. */
enum { UDP4 = 1, SYN4, SYNACK6, PING, SOLICIT, ARP, FRAGMENT, NATTED, BARE, LATE, TAGGED, BYTES, LARGE, NPACKETS = LARGE };

static void put(struct tape *t, struct trc_hop h, void (*change)(struct trc_hop *))
{
	if (change)
		change(&h);
	tape_write(t, &h);
}

static void syn4(struct trc_hop *h)
{
	memcpy(h->daddr, (uint8_t[]){ 192, 168, 7, 9 }, 4);
	h->l4proto = 6;
	h->sport = 41000;
	h->dport = 443;
	h->tcp_flags = 2;
	h->tcp_seq = 0x01020304;
	h->ttl = 1;
}

static void v6(struct trc_hop *h)
{
	h->have = TRC_HAVE_SKB | TRC_HAVE_IP6 | TRC_HAVE_L4;
	h->ethertype = 0x86dd;
	memcpy(h->saddr, (uint8_t[]){ 0x20, 0x01, 0x0d, 0xb8, [15] = 1 }, 16);
	memcpy(h->daddr, (uint8_t[]){ 0x20, 0x01, 0x0d, 0xb8, [15] = 2 }, 16);
}

static void synack6(struct trc_hop *h)
{
	v6(h);
	h->l4proto = 6;
	h->sport = 80;
	h->dport = 5000;
	h->tcp_flags = 0x12;
}

static void ping(struct trc_hop *h)
{
	h->l4proto = 1;
	h->sport = 8 << 8;
	h->dport = 77;
}

static void solicit(struct trc_hop *h)
{
	v6(h);
	h->l4proto = 58;
	h->sport = 135 << 8;
	h->dport = 0;
}

static void arp(struct trc_hop *h)
{
	h->have = TRC_HAVE_SKB | TRC_HAVE_ARP;
	h->ethertype = 0x0806;
	h->l4proto = 0;
	h->sport = 2;
	h->dport = 0;
}

static void fragment(struct trc_hop *h)
{
	h->have &= ~TRC_HAVE_L4;
	h->frag = 0x2000 | 185;
	h->ip_id = 0xbeef;
	h->sport = h->dport = 0;
}

static void natted(struct trc_hop *h)
{
	memcpy(h->saddr, (uint8_t[]){ 203, 0, 113, 5 }, 4);
	h->sport = 1024;
}

static void bare(struct trc_hop *h)
{
	h->have = TRC_HAVE_SKB;
	h->ethertype = 0x88cc;
}

static void late(struct trc_hop *h)
{
	memset(h->daddr, 0, sizeof(h->daddr));
	h->dport = 0;
}

static void portless(struct trc_hop *h)
{
	h->dport = 0;
}

static void other_port(struct trc_hop *h)
{
	h->sport = 1025;
}

static void syn4_again(struct trc_hop *h)
{
	syn4(h);
	h->tcp_seq = 7;
}

static void large(struct trc_hop *h)
{
	h->len_bytes = 60000;
	h->l4proto = 132;
}

static void bytes_put(struct tape *t, uint64_t packet, uint32_t layer, const void *bytes, uint32_t size)
{
	const struct trc_record rec = { TRC_DATA, .data = { packet, t->now_ns, layer, size, size, bytes } };

	tape_put(t, &rec);
}

#define IP4_UDP(a) 0x45, 0, 0, 33, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, a, 10, 0, 0, 2, 0x9c, 0x40, 0, 53, 0, 13, 0, 0, 'h', 'e', 'l', 'l', 'o'

static struct model *scene(struct tape *t)
{
	static const uint8_t tagged[] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x81, 0, 0, 100, 8, 0, IP4_UDP(9) }, ip[] = { IP4_UDP(8) };
	void (*const changes[])(struct trc_hop *) = {
		NULL, syn4, synack6, ping, solicit, arp, fragment, NULL, bare, late, bare, bare, large,
	};

	tape_open(t);
	tape_names(t);
	for (uint64_t p = 1; p <= NPACKETS; p++)
		put(t, tape_hop(t, p, "ip_rcv"), changes[p - 1]);
	put(t, tape_hop(t, NATTED, "ip_forward"), natted);
	put(t, tape_hop(t, LATE, "ip_local_out"), portless);
	put(t, tape_hop(t, LATE, "ip_output"), NULL);
	put(t, tape_hop(t, UDP4, "ip_forward"), other_port);
	put(t, tape_hop(t, SYN4, "ip_forward"), syn4_again);
	bytes_put(t, TAGGED, 2, tagged, sizeof(tagged));
	bytes_put(t, BYTES, 3, ip, sizeof(ip));
	return tape_load(t);
}

/* The numbers of those that are selected, each with a blank before it. */
static const char *selected(struct model *m, const char *expression)
{
	static char list[256];
	struct selector *s;
	char error[256];
	size_t n = 0;

	if (selector_open(&s, expression, error, sizeof(error)))
		fail_msg("%s", error);
	assert_int_equal(selector_apply(s, m), 0);
	selector_free(s);
	*list = 0;
	for (size_t i = 0; i < m->npackets; i++)
		if (!m->packets[i].left_out)
			n += snprintf(list + n, sizeof(list) - n, " %u", m->packets[i].number);
	return list;
}

static void filters_select_by_headers_and_by_bytes(void **state)
{
	static const struct { const char *expression, *numbers; } rows[] = {
		{ "", " 1 2 3 4 5 6 7 8 9 10 11 12 13" },
		{ "udp", " 1 7 8 10 12" }, { "not udp", " 2 3 4 5 6 9 11 13" },
		{ "tcp", " 2 3" }, { "icmp", " 4" }, { "icmp6", " 5" }, { "arp", " 6" }, { "sctp", " 13" },
		{ "ip", " 1 2 4 7 8 10 12 13" }, { "ip6", " 3 5" },
		{ "host 192.168.7.9", " 2" }, { "src host 192.168.7.9", "" }, { "net 192.168.0.0/16", " 2" }, { "dst net 192.168.0.0/22", "" },
		{ "src net 2001:db8::/32", " 3 5" }, { "ip6 host 2001:db8::2", " 3 5" },
		{ "src host 203.0.113.5", " 8" }, { "src host 10.0.0.1 and udp port 53", " 1 8 10" }, { "src port 1024", " 8" }, { "src port 1025", " 1" }, { "udp dst port 0", "" },
		{ "dst host 0.0.0.0", "" },	/* a header that is not filled in yet is none */
		{ "port 443", " 2" }, { "portrange 400-500", " 2" }, { "dst portrange 442-442", "" }, { "tcp portrange 79-80", " 3" },
		{ "tcp[tcpflags] & tcp-syn != 0", " 2" }, { "tcp[tcpflags] = tcp-syn", " 2" }, { "ip6[53] & 0x12 = 0x12", " 3" },
		{ "tcp[4:4] = 0x01020304", " 2" }, { "tcp[4:4] = 7", " 2" }, { "ip[8] < 64", " 2" },
		{ "icmp[icmptype] = icmp-echo", " 4" }, { "icmp[4:2] = 77", " 4" }, { "ip6[40] = 135", " 5" },
		{ "arp[6:2] = 2", " 6" }, { "arp[6:2] = 1", "" }, { "arp host 10.0.0.2", " 6" },
		{ "ip[6:2] & 0x3fff != 0", " 7" }, { "ip[4:2] = 0xbeef", " 7" },
		{ "ether proto 0x88cc", " 9" },
		{ "vlan", " 11" }, { "vlan 100 and udp port 53", " 11" }, { "vlan 101", "" }, { "ether src 02:00:00:00:00:01", " 11" },
		{ "udp[8:4] = 0x68656c6c", " 12" }, { "host 10.0.0.8", " 12" },
		{ "greater 60000", " 13" }, { "ip and less 60", " 12" },
	};
	struct tape t;
	struct model *m = scene(&t);
	int wrong = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(selected(m, rows[i].expression), rows[i].numbers))
			print_error("%s:%s, not%s\n", rows[i].expression, selected(m, rows[i].expression), rows[i].numbers), wrong++;
	tape_close(&t, m);
	assert_int_equal(wrong, 0);
}

static void what_is_no_filter_is_refused_in_a_line(void **state)
{
	static const char *const bad[] = {
		"port", "host 300.1.1.1", "tcp[", "udp and", "portrange 5-99999", "net 10.0.0.1/40", "dir x", "a\033[31mb",
		"proto \xff\xfe", "((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((",
	};
	struct selector *s;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char error[256] = "";

		s = (struct selector *)-1;
		assert_int_equal(selector_open(&s, bad[i], error, sizeof(error)), -EINVAL);
		assert_null(s);
		assert_non_null(strstr(error, "filter '"));
		assert_non_null(strstr(error, "see man 7 pcap-filter"));
		for (const char *c = error; *c; c++)
			assert_true((unsigned char)*c >= 0x20 && *c != 0x7f);
		assert_true(strlen(error) < 250);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filters_select_by_headers_and_by_bytes),
		cmocka_unit_test(what_is_no_filter_is_refused_in_a_line),
	};
	struct selector *s;
	char error[256] = "";

	if (selector_open(&s, "ip", error, sizeof(error))) {
		printf("skipped: %s\n", error);
		return 77;
	}
	selector_free(s);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
