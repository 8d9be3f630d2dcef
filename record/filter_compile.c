// SPDX-License-Identifier: GPL-2.0
/*
 * filter_compile.c - let libpcap compile an expression, once for Ethernet packets and once for bare IP ones.
 *
 * What cannot be said about a packet without an Ethernet header (ether host, arp, vlan) is false for it.  A VLAN tag that
 * the kernel keeps beside the packet is put in before: bpf/filter.h.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "filter.h"

#define SNAPSHOT_BYTES 262144		/* what an accepting program returns: anything but 0 will do */
#define FILE_MAX_BYTES (1 << 20)
#define SHOWN_MAX 60			/* of an expression, in a message */

_Static_assert(sizeof(struct classic_insn) == sizeof(struct bpf_insn), "libpcap's instruction");
_Static_assert(offsetof(struct classic_insn, k) == offsetof(struct bpf_insn, k), "libpcap's instruction");

/* For a message of one line: as it is, blanks for what is not printable, cut when it is long. */
static const char *shown(char *out, const char *expression)
{
	size_t i;

	for (i = 0; expression[i] && i < SHOWN_MAX; i++)
		out[i] = isprint((unsigned char)expression[i]) ? expression[i] : ' ';
	strcpy(out + i, expression[i] ? "..." : "");
	return out;
}

static int program_copy(struct classic *out, const struct bpf_program *program)
{
	out->v = malloc(program->bf_len * sizeof(*out->v));
	if (!out->v)
		return -ENOMEM;
	memcpy(out->v, program->bf_insns, program->bf_len * sizeof(*out->v));
	out->n = program->bf_len;
	return 0;
}

/* 0, or -1 with libpcap's words. */
static int compile(struct classic *out, int linktype, const char *expression, char *error, size_t size)
{
	pcap_t *pcap = pcap_open_dead(linktype, SNAPSHOT_BYTES);
	struct bpf_program program;
	int err = -1;

	if (!pcap) {
		snprintf(error, size, "%s", strerror(ENOMEM));
		return -1;
	}
	if (pcap_compile(pcap, &program, expression, 1, PCAP_NETMASK_UNKNOWN)) {
		snprintf(error, size, "%s", pcap_geterr(pcap));
		goto out;
	}
	err = program_copy(out, &program);
	if (err)
		snprintf(error, size, "%s", strerror(-err));
	pcap_freecode(&program);
out:
	pcap_close(pcap);
	return err ? -1 : 0;
}

/*
 * What the translator refuses is told here, where the words can be about the expression.  Which way of reading and
 * which stub it will be for is not known yet: it must do for all.
 */
static int translatable(const struct classic *c, char *error, size_t size)
{
	static const struct filter_access ways[] = {
		{ .load = FILTER_LOAD_PROBE, .frame = FILTER_FRAME_INNER },
		{ .load = FILTER_LOAD_DIRECT, .frame = FILTER_FRAME_INNER },
	};
	struct ebpf code = {};
	int err = 0;
	size_t i;

	for (i = 0; i < sizeof(ways) / sizeof(*ways) && !err; i++) {
		err = filter_translate(&code, c, &ways[i]);
		free(code.v);
	}
	if (err == -ELOOP)
		snprintf(error, size, "protochain needs a loop, which is not supported in the kernel");
	else if (err == -E2BIG)
		snprintf(error, size, "it is too long (%zu instructions); make it shorter", c->n);
	else if (err == -ENOSPC)
		snprintf(error, size, "it computes with too many numbers at once; use fewer parentheses");
	else if (err)
		snprintf(error, size, "%s", strerror(-err));
	return err;
}

/* The word alone: in "host vlan-gw" it is part of a name. */
static bool says_vlan(const char *expression)
{
	static const char word[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";
	size_t n;

	for (; *expression; expression += n ? n : 1) {
		n = strspn(expression, word);
		if (n == 4 && !memcmp(expression, "vlan", n))
			return true;
	}
	return false;
}

int filter_compile(struct filter *f, const char *expression, char *error, size_t size)
{
	char said[PCAP_ERRBUF_SIZE], ignored[PCAP_ERRBUF_SIZE], text[SHOWN_MAX + 4];

	memset(f, 0, sizeof(*f));
	if (compile(&f->l2, DLT_EN10MB, expression, said, sizeof(said)))
		goto fail;
	compile(&f->l3, DLT_RAW, expression, ignored, sizeof(ignored));
	if (translatable(&f->l2, said, sizeof(said)) || (f->l3.n && translatable(&f->l3, said, sizeof(said))))
		goto fail;
	f->vlan = says_vlan(expression);
	f->expression = strdup(expression);
	if (f->expression)
		return 0;
	strcpy(said, strerror(ENOMEM));
fail:
	filter_free(f);
	snprintf(error, size, "filter '%s': %s; see man 7 pcap-filter", shown(text, expression), said);
	return -1;
}

/* tcpdump makes "# comment" blank up to the end of the line, and so do we. */
static void comments_blank(char *text)
{
	char *end;

	while ((text = strchr(text, '#'))) {
		end = strchrnul(text, '\n');
		memset(text, ' ', end - text);
		text = end;
	}
}

int filter_read_file(const char *path, char **text, char *error, size_t size)
{
	char *buffer = malloc(FILE_MAX_BYTES + 1);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	ssize_t got = -1;

	if (fd >= 0 && buffer)
		while (n <= FILE_MAX_BYTES && (got = read(fd, buffer + n, FILE_MAX_BYTES + 1 - n)) > 0)
			n += got;
	if (got < 0) {
		snprintf(error, size, "-F %s: %s", path, strerror(errno));
	} else if (n > FILE_MAX_BYTES || memchr(buffer, 0, n)) {
		snprintf(error, size, "-F %s: not a filter expression; give a text file of at most %d bytes", path,
			 FILE_MAX_BYTES);
		got = -1;
	}
	if (fd >= 0)
		close(fd);
	if (got < 0) {
		free(buffer);
		return -1;
	}
	buffer[n] = 0;
	comments_blank(buffer);
	*text = buffer;
	return 0;
}

void filter_free(struct filter *f)
{
	free(f->expression);
	free(f->l2.v);
	free(f->l3.v);
	memset(f, 0, sizeof(*f));
}
