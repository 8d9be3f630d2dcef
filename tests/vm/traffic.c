// SPDX-License-Identifier: GPL-2.0
/*
 * traffic.c - what tests/vm/topics/kin.sh sends and receives, and what it sets for which no other tool is at hand.
 *
 *   traffic tcp-sink PORT			takes one connection, reads all of it, prints the bytes
 *   traffic tcp-send ADDRESS PORT BYTES	sends so many in large writes
 *   traffic udp-sink PORT COUNT [GROUP]	reads so many datagrams, of a multicast group too, or what comes within 5 s; prints how many
 *   traffic udp-send ADDRESS PORT SIZE COUNT	from port 4000; also to broadcast addresses
 *   traffic sniff DEVICE COUNT			a packet socket; prints how many came
 *   traffic offload DEVICE tso|gso|gro|tx on|off
 *   traffic xdp DEVICE pass|tx|redirect	attaches such a program and stays until it is killed
 *
 * Those that wait print "ready" first.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/ethtool.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static char block[256 << 10];

static void ready(void)
{
	puts("ready");
	fflush(stdout);
}

static int trouble(const char *what)
{
	fprintf(stderr, "traffic: %s: %s\n", what, strerror(errno));
	return 2;
}

static struct sockaddr_in address(const char *text, const char *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(atoi(port)) };

	if (text)
		inet_pton(AF_INET, text, &a.sin_addr);
	return a;
}

static int bound(int type, const struct sockaddr_in *at)
{
	int fd = socket(AF_INET, type, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &one, sizeof(one));
	return bind(fd, (const struct sockaddr *)at, sizeof(*at)) ? -1 : fd;
}

static int tcp_sink(char **argv)
{
	struct sockaddr_in at = address(NULL, argv[0]);
	int fd = bound(SOCK_STREAM, &at), conn;
	long total = 0;
	ssize_t n;

	if (fd < 0 || listen(fd, 1))
		return trouble("listen");
	ready();
	conn = accept(fd, NULL, NULL);
	while ((n = read(conn, block, sizeof(block))) > 0)
		total += n;
	printf("%ld\n", total);
	return n < 0 ? trouble("read") : 0;
}

static int tcp_send(char **argv)
{
	struct sockaddr_in to = address(argv[0], argv[1]);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	long left = atol(argv[2]);
	ssize_t n;

	if (connect(fd, (struct sockaddr *)&to, sizeof(to)))
		return trouble("connect");
	for (; left > 0; left -= n) {
		n = write(fd, block, left < (long)sizeof(block) ? left : (long)sizeof(block));
		if (n <= 0)
			return trouble("write");
	}
	return 0;
}

static int udp_sink(char **argv)
{
	struct sockaddr_in at = address(NULL, argv[0]);
	int fd = bound(SOCK_DGRAM, &at);
	struct timeval wait = { .tv_sec = 5 };
	long want = atol(argv[1]), got;
	struct ip_mreqn group = {};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	if (argv[2]) {
		inet_pton(AF_INET, argv[2], &group.imr_multiaddr);
		if (setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)))
			return trouble(argv[2]);
	}
	ready();
	for (got = 0; got < want && read(fd, block, sizeof(block)) >= 0; got++)
		;
	printf("%ld\n", got);
	return got == want ? 0 : 1;
}

/* Nothing waits for room: more may be in flight than a socket's buffer allows. */
static int udp_send(char **argv)
{
	struct sockaddr_in to = address(argv[0], argv[1]), from = address(NULL, "4000");
	int fd = bound(SOCK_DGRAM, &from), room = 1 << 30, ttl = 4;
	long size = atol(argv[2]), count = atol(argv[3]), i;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &ttl, sizeof(ttl));
	for (i = 0; i < count; i++)
		if (sendto(fd, block, size, 0, (struct sockaddr *)&to, sizeof(to)) != size)
			return trouble("sendto");
	return 0;
}

static int sniff(char **argv)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = if_nametoindex(argv[0]) };
	int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
	struct timeval wait = { .tv_sec = 5 };
	long want = atol(argv[1]), got;

	if (bind(fd, (struct sockaddr *)&at, sizeof(at)))
		return trouble(argv[0]);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	ready();
	for (got = 0; got < want && read(fd, block, sizeof(block)) > 0; got++)
		;
	printf("%ld\n", got);
	return got == want ? 0 : 1;
}

static int offload(char **argv)
{
	static const struct { const char *name; uint32_t set; } what[] = {
		{ "tso", ETHTOOL_STSO }, { "gso", ETHTOOL_SGSO }, { "gro", ETHTOOL_SGRO }, { "tx", ETHTOOL_STXCSUM },
	};
	struct ethtool_value value = { .data = !strcmp(argv[2], "on") };
	struct ifreq r = { .ifr_data = (void *)&value };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	size_t i;

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", argv[0]);
	for (i = 0; i < COUNT(what); i++)
		if (!strcmp(what[i].name, argv[1]))
			value.cmd = what[i].set;
	return ioctl(fd, SIOCETHTOOL, &r) ? trouble(argv[1]) : 0;
}

static int bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

/* return ACTION; or return bpf_redirect(ifindex, 0): back where it came from */
static int xdp_load(const char *mode, int ifindex)
{
	struct bpf_insn answer[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = !strcmp(mode, "tx") ? XDP_TX : XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	struct bpf_insn redirect[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_1, .imm = ifindex },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2, .imm = 0 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_redirect },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	bool redirects = !strcmp(mode, "redirect");
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_XDP, .expected_attach_type = BPF_XDP, .license = (uintptr_t)"GPL",
		.insns = (uintptr_t)(redirects ? redirect : answer), .insn_cnt = redirects ? COUNT(redirect) : COUNT(answer),
	};

	return bpf(BPF_PROG_LOAD, &attr);
}

static int xdp(char **argv)
{
	int ifindex = if_nametoindex(argv[0]);
	union bpf_attr attr = {};

	attr.link_create.prog_fd = xdp_load(argv[1], ifindex);
	attr.link_create.target_ifindex = ifindex;
	attr.link_create.attach_type = BPF_XDP;
	if ((int)attr.link_create.prog_fd < 0 || bpf(BPF_LINK_CREATE, &attr) < 0)
		return trouble(argv[0]);
	ready();
	pause();
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int least;
		int (*run)(char **argv);
	} commands[] = {
		{ "tcp-sink", 1, tcp_sink }, { "tcp-send", 3, tcp_send }, { "udp-sink", 2, udp_sink }, { "udp-send", 4, udp_send },
		{ "sniff", 2, sniff }, { "offload", 3, offload }, { "xdp", 2, xdp },
	};
	size_t i;

	for (i = 0; argc > 1 && i < COUNT(commands); i++)
		if (!strcmp(argv[1], commands[i].name) && argc >= commands[i].least + 2)
			return commands[i].run(argv + 2);
	fputs("usage: see the beginning of tests/vm/traffic.c\n", stderr);
	return 2;
}
