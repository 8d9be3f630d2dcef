/* SPDX-License-Identifier: GPL-2.0 */
/*
 * filter_random.h - filter expressions and packets from a seed, made of the same few addresses and ports, so that
 * expressions often hold.  The same seed gives the same on every machine.
 */
#ifndef TEST_FILTER_RANDOM_H
#define TEST_FILTER_RANDOM_H

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX 1024
#define PACKET_MAX 256

struct dice {
	uint64_t state;
};

/* 0 .. n - 1: splitmix64 */
static inline uint32_t roll(struct dice *d, uint32_t n)
{
	uint64_t z = d->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (uint32_t)((z ^ z >> 31) >> 32) % n;
}

#define PICK(d, list) ((list)[roll(d, sizeof(list) / sizeof(*(list)))])

/* --- expressions ------------------------------------------------------------------------------------------------ */

static const char *const hosts[] = { "10.0.0.1", "10.0.0.2", "10.0.1.77", "192.0.2.53", "224.0.0.251" };
static const char *const hosts6[] = { "fe80::1", "2001:db8::2", "2001:db8:1::53", "::1", "ff02::fb" };
static const char *const macs[] = { "02:00:00:00:00:01", "02:00:00:00:00:02", "ff:ff:ff:ff:ff:ff", "33:33:00:00:00:fb" };
static const uint16_t ports[] = { 53, 80, 443, 4789, 8080, 123, 65535 };

struct text {
	char s[TEXT_MAX];
	size_t n;
};

static inline void say(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline void say(struct text *t, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(t->s + t->n, sizeof(t->s) - t->n, format, args);
	va_end(args);
	t->n += n < (int)(sizeof(t->s) - t->n) ? n : 0;
	t->s[t->n] = 0;
}

static inline void say_number(struct text *t, struct dice *d)
{
	static const uint32_t odd[] = { 0, 1, 2, 14, 20, 31, 64, 0xff, 0x800, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff };

	say(t, "%u", roll(d, 3) ? roll(d, 70) : PICK(d, odd));
}

static inline void say_arithmetic(struct text *t, struct dice *d, int depth);

/* proto[offset:size], the offset computed at times */
static inline void say_load(struct text *t, struct dice *d, int depth)
{
	static const char *const protos[] = { "ip", "tcp", "udp", "icmp", "ip6", "ether", "arp", "icmp6" };
	static const char *const sizes[] = { "", ":1", ":2", ":4" };

	say(t, "%s[", PICK(d, protos));
	if (depth > 0 && !roll(d, 3))
		say_arithmetic(t, d, depth - 1);
	else
		say(t, "%u", roll(d, 8) ? roll(d, 44) : roll(d, 300));
	say(t, "%s]", PICK(d, sizes));
}

static inline void say_arithmetic(struct text *t, struct dice *d, int depth)
{
	static const char *const ops[] = { "+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>" };

	switch (depth > 0 ? roll(d, 6) : roll(d, 3)) {
	case 0:
		say_number(t, d);
		return;
	case 1:
		say_load(t, d, depth);
		return;
	case 2:
		say(t, "len");
		return;
	default:
		say(t, "(");
		say_arithmetic(t, d, depth - 1);
		say(t, " %s ", PICK(d, ops));
		say_arithmetic(t, d, depth - 1);
		say(t, ")");
	}
}

static inline void say_primitive(struct text *t, struct dice *d)
{
	static const char *const directions[] = { "", "src ", "dst ", "src or dst ", "src and dst " };
	static const char *const transports[] = { "", "tcp ", "udp ", "sctp " };
	static const char *const words[] = { "ip", "ip6", "tcp", "udp", "icmp", "icmp6", "arp", "rarp", "sctp", "igmp",
		"ip multicast", "ip6 multicast", "ether broadcast", "ether multicast", "ether proto 0x88cc", "stp",
		"ip proto 47", "ip6 proto 6", "proto 17", "vlan", "vlan 7", "mpls", "pppoes", "esp", "ah",
		"tcp[tcpflags] & (tcp-syn|tcp-fin) != 0", "icmp[icmptype] == icmp-echo", "decnet src 10.15", "isis" };
	static const char *const compare[] = { "==", "!=", "<", ">", "<=", ">=" };
	uint32_t a = roll(d, 16);

	if (a < 2)
		say(t, "%shost %s", PICK(d, directions), PICK(d, hosts));
	else if (a == 2)
		say(t, "%shost %s", PICK(d, directions), PICK(d, hosts6));
	else if (a == 3)
		say(t, roll(d, 2) ? "%snet 10.0.0.0/%u" : "%snet 192.0.0.0/%u", PICK(d, directions), 8 + roll(d, 17) / 8 * 8);
	else if (a == 4)
		say(t, "%snet 2001:db8::/32", PICK(d, directions));
	else if (a < 8)
		say(t, "%s%sport %u", PICK(d, transports), PICK(d, directions), PICK(d, ports));
	else if (a == 8)
		say(t, "%s%sportrange %u-%u", PICK(d, transports), PICK(d, directions), roll(d, 400), 400 + roll(d, 9000));
	else if (a == 9)
		say(t, "ether %shost %s", PICK(d, directions), PICK(d, macs));
	else if (a == 10)
		say(t, "%s %u", roll(d, 2) ? "less" : "greater", roll(d, 200));
	else if (a < 14)
		say(t, "%s", PICK(d, words));
	else {
		say_arithmetic(t, d, 2);
		say(t, " %s ", PICK(d, compare));
		say_arithmetic(t, d, roll(d, 2));
	}
}

static inline void say_expression(struct text *t, struct dice *d, int depth)
{
	uint32_t i, n = 1 + roll(d, 3);

	for (i = 0; i < n; i++) {
		if (i)
			say(t, roll(d, 2) ? " and " : " or ");
		if (!roll(d, 4))
			say(t, "not ");
		if (depth && !roll(d, 3)) {
			say(t, "(");
			say_expression(t, d, depth - 1);
			say(t, ")");
		} else {
			say_primitive(t, d);
		}
	}
}

/* --- packets ---------------------------------------------------------------------------------------------------- */

struct packet {
	uint8_t b[PACKET_MAX];
	uint32_t n;		/* bytes that are there */
	uint32_t readable;	/* of them, that may be read */
	uint32_t length;	/* of the packet */
};

static inline void put(struct packet *p, uint64_t value, int bytes)
{
	while (bytes-- > 0 && p->n < PACKET_MAX)
		p->b[p->n++] = bytes < 8 ? value >> 8 * bytes : 0;
}

static inline void put_bytes(struct packet *p, const void *bytes, int n)
{
	const uint8_t *b = bytes;

	while (n-- > 0)
		put(p, *b++, 1);
}

static inline void put_noise(struct packet *p, struct dice *d, uint32_t n)
{
	while (n--)
		put(p, roll(d, 256), 1);
}

static inline void put_host(struct packet *p, struct dice *d)
{
	static const uint32_t all[] = { 0x0a000001, 0x0a000002, 0x0a00014d, 0xc0000235, 0xe00000fb };

	put(p, PICK(d, all), 4);
}

static inline void put_host6(struct packet *p, struct dice *d)
{
	static const uint64_t all[][2] = { { 0xfe80000000000000, 1 }, { 0x20010db800000000, 2 },
		{ 0x20010db800010000, 0x53 }, { 0, 1 }, { 0xff02000000000000, 0xfb } };
	uint32_t i = roll(d, 5);

	put(p, all[i][0], 8);
	put(p, all[i][1], 8);
}

static inline void put_mac(struct packet *p, struct dice *d)
{
	static const uint64_t all[] = { 0x020000000001, 0x020000000002, 0xffffffffffff, 0x3333000000fb };

	put(p, PICK(d, all), 6);
}

static inline void put_transport(struct packet *p, struct dice *d, uint8_t proto)
{
	if (proto == 1 || proto == 58) {
		put(p, roll(d, 2) ? 8 : roll(d, 256), 1);
		put_noise(p, d, 7);
	} else {
		put(p, PICK(d, ports), 2);
		put(p, roll(d, 2) ? PICK(d, ports) : roll(d, 65536), 2);
		put_noise(p, d, 8);
		put(p, (5 + roll(d, 4)) << 4, 1);
		put(p, roll(d, 64), 1);
	}
	put_noise(p, d, roll(d, 40));
}

static inline void put_ip(struct packet *p, struct dice *d)
{
	static const uint8_t protos[] = { 6, 17, 6, 17, 1, 47, 50, 132, 2 };
	uint8_t words = roll(d, 4) ? 5 : 5 + roll(d, 11), proto = PICK(d, protos);

	put(p, 0x40 | words, 1);
	put_noise(p, d, 5);
	put(p, roll(d, 4) ? 0x4000 : roll(d, 65536), 2);
	put(p, 64, 1);
	put(p, proto, 1);
	put_noise(p, d, 2);
	put_host(p, d);
	put_host(p, d);
	put_noise(p, d, (words - 5) * 4);
	put_transport(p, d, proto);
}

static inline void put_ip6(struct packet *p, struct dice *d)
{
	static const uint8_t protos[] = { 6, 17, 58, 132, 44, 0 };
	uint8_t proto = PICK(d, protos);

	put(p, 0x60000000, 4);
	put_noise(p, d, 2);
	put(p, proto, 1);
	put(p, 64, 1);
	put_host6(p, d);
	put_host6(p, d);
	if (proto == 44 || proto == 0) {
		put(p, 17, 1);
		put_noise(p, d, 7);
	}
	put_transport(p, d, proto);
}

static inline void put_arp(struct packet *p, struct dice *d)
{
	put(p, 0x0001080006040001, 8);
	put_mac(p, d);
	put_host(p, d);
	put_mac(p, d);
	put_host(p, d);
}

/* An Ethernet packet; ip_at: where its network header begins. */
static inline uint32_t packet_roll(struct packet *p, struct dice *d)
{
	static const uint16_t types[] = { 0x0800, 0x0800, 0x0800, 0x86dd, 0x86dd, 0x0806, 0x88cc, 0x0026 };
	uint16_t type = PICK(d, types);
	uint32_t at;

	memset(p, 0, sizeof(*p));
	put_mac(p, d);
	put_mac(p, d);
	if (!roll(d, 6)) {
		put(p, 0x8100, 2);
		put(p, roll(d, 3) ? 7 : roll(d, 65536), 2);
	}
	put(p, type, 2);
	at = p->n;
	if (!roll(d, 10))
		put_noise(p, d, roll(d, 100));
	else if (type == 0x0800)
		put_ip(p, d);
	else if (type == 0x86dd)
		put_ip6(p, d);
	else if (type == 0x0806)
		put_arp(p, d);
	else
		put_noise(p, d, roll(d, 60));
	p->length = roll(d, 3) ? p->n : p->n + roll(d, 2000);
	p->readable = roll(d, 3) ? p->n : roll(d, p->n + 1);
	return at;
}

#endif
