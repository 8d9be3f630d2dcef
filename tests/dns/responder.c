// SPDX-License-Identifier: GPL-2.0
/*
 * responder.c - a small real DNS server for the test networks: one fixed address for every name.
 *
 *   dns-responder [--port N] [--ready-fd N] [--address A.B.C.D]
 *
 * Listens on UDP, IPv4 and IPv6, and answers until killed.  A queries get the address, names below .invalid get
 * NXDOMAIN, other types an empty answer, other opcodes NOTIMP.  Queries come from the test network, but nothing is
 * read past the bytes that arrived.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEADER = 12, NAME_MAX_BYTES = 255, REPLY_MAX = 512, UDP_MAX = 65535 };
enum rcode { NOERROR = 0, FORMERR = 1, NXDOMAIN = 3, NOTIMP = 4, REFUSED = 5, BADVERS = 16 };
enum { TYPE_A = 1, TYPE_OPT = 41, TYPE_ANY = 255, CLASS_IN = 1 };

struct options {
	int port;
	int ready_fd;
	struct in_addr address;
};

struct query {
	const uint8_t *data;
	size_t size;
	size_t question_end;	/* offset after the question; 0 = it could not be read */
	uint16_t type, class;
	bool invalid_name;	/* below .invalid (RFC 6761) */
	bool edns;
	uint8_t edns_version;
};

static uint16_t get16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = v >> 8;
	p[1] = v & 0xff;
}

/* Steps over an uncompressed name at offset at; answers the offset after it, 0 when it is malformed. */
static size_t name_end(const uint8_t *data, size_t size, size_t at, const uint8_t **last)
{
	size_t begin = at;

	*last = NULL;
	while (at < size && data[at]) {
		if (data[at] > 63 || at + 1 + data[at] >= size || at + 2 + data[at] - begin > NAME_MAX_BYTES)
			return 0;
		*last = data + at;
		at += 1 + data[at];
	}
	return at < size ? at + 1 : 0;
}

/* The OPT record is looked for only as the first additional record, where every resolver puts it. */
static void query_read_edns(struct query *q)
{
	const uint8_t *p = q->data + q->question_end;
	bool additional = !get16(q->data + 6) && !get16(q->data + 8) && get16(q->data + 10);

	if (!additional || q->size - q->question_end < 11 || p[0] || get16(p + 1) != TYPE_OPT)
		return;
	q->edns = true;
	q->edns_version = p[6];
}

static void query_read(struct query *q)
{
	const uint8_t *last;
	size_t end;

	if (get16(q->data + 4) != 1)
		return;
	end = name_end(q->data, q->size, HEADER, &last);
	if (!end || q->size - end < 4)
		return;
	q->type = get16(q->data + end);
	q->class = get16(q->data + end + 2);
	q->invalid_name = last && last[0] == 7 && !strncasecmp((const char *)last + 1, "invalid", 7);
	q->question_end = end + 4;
	query_read_edns(q);
}

static enum rcode query_judge(const struct query *q)
{
	if (q->data[2] & 0x78)
		return NOTIMP;
	if (!q->question_end)
		return FORMERR;
	if (q->edns_version)
		return BADVERS;
	if (q->class != CLASS_IN)
		return REFUSED;
	return q->invalid_name ? NXDOMAIN : NOERROR;
}

static size_t put_address(uint8_t *p, const struct in_addr *address)
{
	put16(p, 0xc000 | HEADER);	/* the name: that of the question */
	put16(p + 2, TYPE_A);
	put16(p + 4, CLASS_IN);
	put16(p + 6, 0);
	put16(p + 8, 60);		/* seconds to live */
	put16(p + 10, 4);
	memcpy(p + 12, address, 4);
	return 16;
}

static size_t put_edns(uint8_t *p, enum rcode rcode)
{
	memset(p, 0, 11);
	put16(p + 1, TYPE_OPT);
	put16(p + 3, 1232);		/* what fits everywhere without fragments */
	p[5] = rcode >> 4;
	return 11;
}

/* Writes the reply to data[size] into reply[REPLY_MAX]; answers its size, 0 = say nothing. */
static size_t answer(const uint8_t *data, size_t size, const struct in_addr *address, uint8_t *reply)
{
	struct query q = { .data = data, .size = size };
	size_t n = HEADER;
	enum rcode rcode;

	if (size < HEADER || data[2] & 0x80)	/* an answer to an answer would never end */
		return 0;
	query_read(&q);
	rcode = query_judge(&q);

	memset(reply, 0, HEADER);
	memcpy(reply, data, 2);
	reply[2] = 0x84 | (data[2] & 0x79);	/* QR and AA; opcode and RD as asked */
	reply[3] = rcode & 0xf;
	if (q.question_end) {
		memcpy(reply + n, data + HEADER, q.question_end - HEADER);
		n = q.question_end;
		put16(reply + 4, 1);
	}
	if (rcode == NOERROR && (q.type == TYPE_A || q.type == TYPE_ANY)) {
		n += put_address(reply + n, address);
		put16(reply + 6, 1);
	}
	if (q.edns) {
		n += put_edns(reply + n, rcode);
		put16(reply + 10, 1);
	}
	return n;
}

static int listen_on(int family, int port)
{
	struct sockaddr_in in4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0)
		return -1;
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (!bind(fd, family == AF_INET ? (void *)&in4 : (void *)&in6, family == AF_INET ? sizeof(in4) : sizeof(in6)))
		return fd;
	close(fd);
	return -1;
}

static void serve_one(int fd, const struct in_addr *address)
{
	static uint8_t data[UDP_MAX], reply[REPLY_MAX];
	struct sockaddr_storage from;
	socklen_t from_size = sizeof(from);
	ssize_t n = recvfrom(fd, data, sizeof(data), MSG_DONTWAIT, (struct sockaddr *)&from, &from_size);
	size_t size = n > 0 ? answer(data, n, address, reply) : 0;

	/* a reply that cannot be sent is the client's timeout, as with any DNS server */
	if (size)
		sendto(fd, reply, size, 0, (struct sockaddr *)&from, from_size);
}

static int serve(const struct options *o)
{
	struct pollfd fds[2] = {
		{ .fd = listen_on(AF_INET, o->port), .events = POLLIN },
		{ .fd = listen_on(AF_INET6, o->port), .events = POLLIN },	/* -1 is skipped by poll: no IPv6 here */
	};

	if (fds[0].fd < 0) {
		fprintf(stderr, "dns-responder: cannot listen on UDP port %d: %s\n", o->port, strerror(errno));
		return 2;
	}
	if (o->ready_fd >= 0) {
		if (write(o->ready_fd, "\n", 1) != 1)
			return 2;
		close(o->ready_fd);
	}
	while (poll(fds, 2, -1) >= 0 || errno == EINTR)
		for (int i = 0; i < 2; i++)
			if (fds[i].revents)
				serve_one(fds[i].fd, &o->address);
	perror("dns-responder: poll");
	return 2;
}

static int options_parse(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "port", required_argument, NULL, 'p' },
		{ "ready-fd", required_argument, NULL, 'r' },
		{ "address", required_argument, NULL, 'a' },
		{}
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'p')
			o->port = atoi(optarg);
		else if (c == 'r')
			o->ready_fd = atoi(optarg);
		else if (c != 'a' || inet_pton(AF_INET, optarg, &o->address) != 1)
			return 2;
	}
	return optind == argc ? 0 : 2;
}

int main(int argc, char **argv)
{
	struct options o = { .port = 53, .ready_fd = -1 };

	inet_pton(AF_INET, "192.0.2.53", &o.address);
	if (options_parse(&o, argc, argv)) {
		fputs("usage: dns-responder [--port N] [--ready-fd N] [--address A.B.C.D]\n", stderr);
		return 2;
	}
	return serve(&o);
}
