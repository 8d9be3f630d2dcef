// SPDX-License-Identifier: GPL-2.0
/*
 * flood.c - send many small UDP packets to one IPv4 address, as fast as it goes.
 *
 *   flood ADDRESS PORT COUNT
 *
 * Prints how many the kernel took.  The source port stays the same, so that all of them are one flow.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	char payload[18] = "pktrec flood";	/* makes the smallest Ethernet frame */
	long count, sent = 0;
	int fd;

	if (argc != 4 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) {
		fputs("usage: flood ADDRESS PORT COUNT\n", stderr);
		return 2;
	}
	to.sin_port = htons(atoi(argv[2]));
	count = atol(argv[3]);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0) {
		perror("flood: socket");
		return 2;
	}
	/* not connected: a refused packet must not stop the next one */
	for (long i = 0; i < count; i++)
		sent += sendto(fd, payload, sizeof(payload), 0, (struct sockaddr *)&to, sizeof(to)) == sizeof(payload);
	printf("%ld\n", sent);
	return sent == count ? 0 : 1;
}
