// SPDX-License-Identifier: GPL-2.0
/*
 * snapshot_fuzz.c - firewall rules, routes, settings, ... made of arbitrary text: which rule explains a drop, and what
 * differs between two systems (libFuzzer; make fuzz).
 *
 *     input := { which (1 byte) length (2 bytes, little-endian) text[length] }
 *
 * which: bit 7 the second recording, bit 6 the end, the others an index into names[].  In the first recording a query
 * passes the output hook, in the second it is dropped there.
 */
#include <stdio.h>

#include "diff.h"
#include "explain.h"
#include "make.h"
#include "random.h"

static const char *const names[] = {
	"addresses", "routes", "routes6", "rules", "rules6", "neighbours", "qdiscs", "filters", "fdb", "xfrm-policies", "nftables", "iptables", "ip6tables",
	"iptables-nft", "ip6tables-nft", "sysctls", "snmp", "snmp6", "netstat", "sockstat", "conntrack", "softnet", "taken",
};
static const char *const functions[] = {
	"udp_send_skb", "ip_send_skb", "__ip_local_out", "nf_hook_slow", "ip_output", "dev_hard_start_xmit", "kfree_skbmem",
};
enum { HOOK = 3, OUTPUT = 4, NETNS = 7, TEXT_MAX = 16384 };

static void write_record(struct trc_writer *w, struct trc_record rec)
{
	CHECK(!trc_write(w, &rec));
}

static void write_names(struct trc_writer *w)
{
	uint32_t i;

	write_record(w, (struct trc_record){ TRC_NETNS, .netns = { NETNS, "client" } });
	write_record(w, (struct trc_record){ TRC_LINK, .link = { NETNS, 2, "c0", "veth", "02:00:00:00:00:01", 0, 0, 1500, 1 } });
	write_record(w, (struct trc_record){ TRC_ENUM, .enumeration = { "skb_drop_reason", "SKB_DROP_REASON_NETFILTER_DROP", 11 } });
	for (i = 0; i < sizeof(functions) / sizeof(*functions); i++)
		write_record(w, (struct trc_record){ TRC_FUNC, .func = { .id = i, .name = functions[i], .module = "", .arg = 1,
			.flags = TRC_FUNC_PROBED | TRC_FUNC_ATTACHED, .why = "" } });
}

static void write_hop(struct trc_writer *w, uint32_t n, uint32_t func, uint8_t kind, int32_t value)
{
	const struct trc_hop hop = {
		.time_ns = 1000 + n, .packet = 1, .seq = n, .func = func, .kind = kind, .value = value, .pid = 5, .len_bytes = 60,
		.ifindex = 2, .netns = NETNS, .ethertype = 0x0800, .l4proto = 17, .sport = 40000, .dport = 53, .ttl = 64,
		.saddr = { 10, 0, 0, 1 }, .daddr = { 10, 0, 0, 2 }, .hook = func == HOOK ? 3 : 0, .family = func == HOOK ? 2 : 0,
		.have = TRC_HAVE_SKB | TRC_HAVE_IP4 | TRC_HAVE_L4 | TRC_HAVE_NETNS | (func == HOOK ? TRC_HAVE_HOOK : 0),
	};

	CHECK(!trc_write_hop(w, &hop));
}

static void write_packet(struct trc_writer *w, int second)
{
	uint32_t n = 0, func;

	for (func = 0; func <= HOOK; func++)
		write_hop(w, n++, func, TRC_ENTRY, 0);
	if (second)
		write_hop(w, n++, HOOK, TRC_DROP, 11);
	write_hop(w, n++, HOOK, TRC_RETURN, second ? -1 : 1);
	for (func = OUTPUT; !second && func <= OUTPUT + 1; func++)
		write_hop(w, n++, func, TRC_ENTRY, 0);
}

/* The texts that belong to this recording; a long one in parts. */
static void write_snapshots(struct trc_writer *w, struct cursor in, int second)
{
	const uint8_t *head;

	while ((head = cursor_take(&in, 3))) {
		size_t length = head[1] | head[2] << 8;
		char text[TEXT_MAX + 1] = "";

		if (length > cursor_left(&in))
			length = cursor_left(&in);
		if (length > TEXT_MAX)
			length = TEXT_MAX;
		memcpy(text, cursor_take(&in, length), length);
		if ((head[0] >> 7) != second)
			continue;
		for (size_t from = 0, part = 0, size; from <= length; from += size + 1, part++) {
			size = strnlen(text + from, TRC_STRING_MAX);
			char piece[TRC_STRING_MAX + 1];

			memcpy(piece, text + from, size);
			piece[size] = '\0';
			write_record(w, (struct trc_record){ TRC_SNAPSHOT, .snapshot = { .end = head[0] >> 6 & 1, .netns = NETNS,
				.what = names[(head[0] & 63) % (sizeof(names) / sizeof(*names))], .source = "", .note = "",
				.part = part, .last = from + size >= length, .text = piece } });
		}
	}
}

static struct model *make(struct cursor in, int second)
{
	int fd = memfd_create("snapshot", 0);
	struct trc_writer *w;
	char path[64], error[256];
	struct model *m;

	CHECK(fd >= 0 && !trc_writer_open(&w, fd));
	write_names(w);
	write_snapshots(w, in, second);
	write_packet(w, second);
	CHECK(!trc_writer_finish(w));
	trc_writer_free(w);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK(!model_load(&m, path, error, sizeof(error)));
	close(fd);
	return m;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct cursor in = { (uint8_t *)data, (uint8_t *)data + size };
	struct model *a = make(in, 0), *b = make(in, 1);
	static FILE *nowhere;
	char error[512] = "";
	struct explain_system system;
	struct diff d = {};
	struct explain e;

	if (!nowhere)
		nowhere = fopen("/dev/null", "w");
	CHECK(nowhere && a->npackets == 1 && b->npackets == 1);
	CHECK(!explain_system_open(&system, b));
	CHECK(!explain_packet(&e, b, &b->packets[0], &system));
	explain_free(&e);
	explain_system_close(&system);
	CHECK(diff_run(&d, a, b, error, sizeof(error)) == 1);	/* whatever the systems look like */
	diff_json(&d, nowhere);
	diff_free(&d);
	model_free(a);
	model_free(b);
	return 0;
}
