// SPDX-License-Identifier: GPL-2.0
/*
 * flood.c - many small UDP packets to one IPv4 address, as fast as it goes; and the other end, which reads them.
 *
 *   flood ADDRESS PORT COUNT            prints how many the kernel took
 *   flood --for MS ADDRESS PORT         for so long; prints packets, nanoseconds and the sender's CPU nanoseconds
 *   flood --sink PORT                   reads all that comes until SIGTERM; then prints how many
 *
 * The source port stays the same, so that all packets are one flow.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define CLOCK_EVERY 64		/* packets between two looks at the clock */

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
	ended = 1;
}

static int64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int fail(const char *what)
{
	fprintf(stderr, "flood: %s: %s\n", what, strerror(errno));
	return 2;
}

static bool send_one(int fd, const struct sockaddr_in *to)
{
	static const char payload[18] = "pktrec flood";	/* makes the smallest Ethernet frame */

	return sendto(fd, payload, sizeof(payload), 0, (const struct sockaddr *)to, sizeof(*to)) == sizeof(payload);
}

static int send_count(int fd, const struct sockaddr_in *to, long count)
{
	long sent = 0;

	/* not connected: a refused packet must not stop the next one */
	for (long i = 0; i < count; i++)
		sent += send_one(fd, to);
	printf("%ld\n", sent);
	return sent == count ? 0 : 1;
}

static int send_for(int fd, const struct sockaddr_in *to, int64_t limit_ns)
{
	int64_t begin = clock_ns(CLOCK_MONOTONIC), cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID), took = 0;
	long sent = 0;

	for (long i = 1; took < limit_ns; i++) {
		sent += send_one(fd, to);
		if (!(i % CLOCK_EVERY))
			took = clock_ns(CLOCK_MONOTONIC) - begin;
	}
	printf("%ld %lld %lld\n", sent, (long long)took, (long long)(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu));
	return 0;
}

static int sink(int fd, int port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sigaction end = { .sa_handler = on_signal };	/* no SA_RESTART: it ends the wait */
	char buf[2048];
	long count = 0;

	sigaction(SIGTERM, &end, NULL);
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)))
		return fail("bind");
	while (!ended)
		count += recv(fd, buf, sizeof(buf), 0) >= 0;
	printf("%ld\n", count);
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	bool timed = argc == 5 && !strcmp(argv[1], "--for");
	char **address = argv + (timed ? 3 : 1);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0)
		return fail("socket");
	if (argc == 3 && !strcmp(argv[1], "--sink"))
		return sink(fd, atoi(argv[2]));
	if ((argc != 4 && !timed) || inet_pton(AF_INET, address[0], &to.sin_addr) != 1) {
		fputs("usage: flood ADDRESS PORT COUNT | flood --for MS ADDRESS PORT | flood --sink PORT\n", stderr);
		return 2;
	}
	to.sin_port = htons(atoi(address[1]));
	return timed ? send_for(fd, &to, atol(argv[2]) * 1000000LL) : send_count(fd, &to, atol(argv[3]));
}
