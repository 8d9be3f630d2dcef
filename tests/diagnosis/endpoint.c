// SPDX-License-Identifier: GPL-2.0
/*
 * endpoint.c - who sends and who listens on the proving ground, where dig, wget and ping do not serve.
 *
 *   endpoint lazy PORT COUNT [ADDRESS]		takes COUNT datagrams, but begins to read half a second after the first
 *						came; status 1 when they do not all come within a second more.  A group
 *						of multicast is joined
 *   endpoint picky PORT COUNT			the same, with a socket filter that drops every one
 *   endpoint send ADDRESS PORT SIZE COUNT [MS]	sends datagrams at once, or one every MS milliseconds
 *   endpoint segments ADDRESS PORT SIZE COUNT	sends them as one UDP GSO datagram of COUNT segments
 *   endpoint closed PORT			listens for TCP, accepts nobody
 *   endpoint signed PORT ADDRESS		the same, and whoever connects from there has to sign (TCP MD5)
 *   endpoint connect ADDRESS PORT COUNT		COUNT connections at a time; status 1 when one is not made within 1 s
 *
 * Those that wait print "ready" first.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static char block[64 << 10];

static int trouble(const char *what)
{
	fprintf(stderr, "endpoint: %s: %s\n", what, strerror(errno));
	return 2;
}

static struct sockaddr_in address(const char *text, const char *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(atoi(port)) };

	if (text)
		inet_pton(AF_INET, text, &a.sin_addr);
	return a;
}

static int bound(int type, const char *text, const char *port)
{
	struct sockaddr_in at = address(text, port);
	int fd = socket(AF_INET, type, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	return bind(fd, (struct sockaddr *)&at, sizeof(at)) ? -1 : fd;
}

static int connected(int type, char **argv)
{
	struct sockaddr_in to = address(argv[0], argv[1]);
	int fd = socket(AF_INET, type, 0);

	return connect(fd, (struct sockaddr *)&to, sizeof(to)) ? -1 : fd;
}

static void ready(void)
{
	puts("ready");
	fflush(stdout);
}

static int take(int fd, long want)
{
	struct timeval wait = { .tv_sec = 1 };
	struct pollfd first = { .fd = fd, .events = POLLIN };
	long got;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	ready();
	if (poll(&first, 1, 3000) == 1)
		usleep(500000);
	for (got = 0; got < want && read(fd, block, sizeof(block)) >= 0; got++)
		;
	return got == want ? 0 : 1;
}

static int lazy(char **argv)
{
	int fd = bound(SOCK_DGRAM, argv[2], argv[0]);
	struct ip_mreqn group = {};

	if (fd >= 0 && argv[2] && inet_pton(AF_INET, argv[2], &group.imr_multiaddr) && IN_MULTICAST(ntohl(group.imr_multiaddr.s_addr))) {
		group.imr_ifindex = if_nametoindex("s0");
		if (setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)))
			return trouble(argv[2]);
	}
	return fd < 0 ? trouble(argv[0]) : take(fd, atol(argv[1]));
}

static int picky(char **argv)
{
	struct sock_filter nothing = { .code = BPF_RET | BPF_K, .k = 0 };
	struct sock_fprog program = { .len = 1, .filter = &nothing };
	int fd = bound(SOCK_DGRAM, NULL, argv[0]);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)))
		return trouble(argv[0]);
	return take(fd, atol(argv[1]));
}

static int send_some(char **argv)
{
	long size = atol(argv[2]), count = atol(argv[3]), i;
	int fd = connected(SOCK_DGRAM, argv);

	if (fd < 0)
		return trouble(argv[0]);
	for (i = 0; i < count; i++) {
		if (write(fd, block, size) != size && errno != ENOBUFS && errno != ECONNREFUSED)
			return trouble("write");
		if (argv[4])
			usleep(atol(argv[4]) * 1000);
	}
	return 0;
}

static int segments(char **argv)
{
	int size = atoi(argv[2]), fd = connected(SOCK_DGRAM, argv);
	ssize_t all = (ssize_t)size * atol(argv[3]);

	if (fd < 0 || all > (ssize_t)sizeof(block) || setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)))
		return trouble(argv[0]);
	return write(fd, block, all) == all ? 0 : trouble("write");
}

static int listening(int fd, const char *port)
{
	if (fd < 0 || listen(fd, 4096))	/* net.core.somaxconn has the last word */
		return trouble(port);
	ready();
	pause();
	return 0;
}

static int closed(char **argv)
{
	int fd = bound(SOCK_STREAM, NULL, argv[0]);

	return listening(fd, argv[0]);
}

static int signed_only(char **argv)
{
	int fd = bound(SOCK_STREAM, NULL, argv[0]);
	struct sockaddr_in from = address(argv[1], "0");
	struct tcp_md5sig key = { .tcpm_keylen = 3, .tcpm_key = "key" };

	memcpy(&key.tcpm_addr, &from, sizeof(from));
	if (setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, &key, sizeof(key)))
		return trouble("TCP_MD5SIG");
	return listening(fd, argv[0]);
}

static int connect_some(char **argv)
{
	struct sockaddr_in to = address(argv[0], argv[1]);
	long count = atol(argv[2]), i;
	int missing = 0;

	for (i = 0; i < count; i++) {
		struct pollfd p = { .fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), .events = POLLOUT };

		connect(p.fd, (struct sockaddr *)&to, sizeof(to));
		missing |= poll(&p, 1, 1000) != 1 || (p.revents & (POLLERR | POLLHUP));
	}
	return missing;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int least;
		int (*run)(char **argv);
	} commands[] = {
		{ "lazy", 2, lazy }, { "picky", 2, picky }, { "send", 4, send_some }, { "segments", 4, segments },
		{ "closed", 1, closed }, { "signed", 2, signed_only }, { "connect", 3, connect_some },
	};
	size_t i;

	for (i = 0; argc > 1 && i < COUNT(commands); i++)
		if (!strcmp(argv[1], commands[i].name) && argc >= commands[i].least + 2)
			return commands[i].run(argv + 2);
	fputs("usage: see the beginning of tests/diagnosis/endpoint.c\n", stderr);
	return 2;
}
