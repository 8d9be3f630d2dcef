// SPDX-License-Identifier: GPL-2.0
/*
 * record_stubs.c - filters get to where the stubs of bpf/filter.h were, and the packet inside a tunnel is found.
 *
 * With the programs of tests/bpf/filter.bpf.c; needs to load them, and kprobes for some tests: the test machines' do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "filter_support.h"
#include "probes.h"

/* --- stubs replaced -------------------------------------------------------------------------------------------------- */

__asm__(".section .rodata\n"
	".balign 16\n"
	"stubs_object: .incbin \"" BUILD_DIR "/tests/filter.bpf.o\"\n"
	"stubs_object_end: .byte 0\n"
	".previous\n");
extern const char stubs_object[], stubs_object_end[];

/* as in tests/bpf/filter.bpf.c */
enum { ASK_L2, ASK_L3, ASK_TUNNEL, ASK_TAGGED };

struct probed {
	uint64_t ask, base, readable, length, hits, passed;
};

/* The test's programs with these filters (NULL: not given) in place of the stubs. */
static struct bpf_object *stubs_load(const struct filter_access *access, const char *packet, const char *tunnel,
				     const char *without)
{
	struct filters f = { .access = *access };
	struct bpf_object *object;
	char error[512];

	if (packet)
		assert_int_equal(filter_compile(&f.packet, packet, error, sizeof(error)), 0);
	if (tunnel)
		assert_int_equal(filter_compile(&f.tunnel, tunnel, error, sizeof(error)), 0);
	assert_int_equal(filters_install(&f, NULL), 0);
	object = bpf_object__open_mem(stubs_object, stubs_object_end - stubs_object, NULL);
	assert_non_null(object);
	if (without)
		bpf_program__set_autoload(bpf_object__find_program_by_name(object, without), false);
	assert_int_equal(bpf_object__load(object), 0);
	filters_free(&f);
	return object;
}

static int stubs_ask(const struct bpf_object *object, int what, uint32_t at)
{
	int prog = bpf_program__fd(bpf_object__find_program_by_name(object, "run"));

	return run(prog, what, shared_address + at, shared->readable - at, shared->length - at);
}

static void whole(struct packet *p)
{
	p->readable = p->length = p->n;
}

/* Ethernet, IPv4, UDP or TCP, to a port */
static void put_frame(struct packet *p, uint8_t proto, uint16_t port)
{
	put(p, 0x020000000001, 6);
	put(p, 0x020000000002, 6);
	put(p, 0x0800, 2);
	put(p, 0x4500003000000000, 8);
	put(p, 0x4000 | proto, 2);
	put(p, 0, 2);
	put(p, 0x0a000001, 4);
	put(p, 0x0a000002, 4);
	put(p, 40000, 2);
	put(p, port, 2);
	put(p, 0, 8);
	put(p, 0x5002, 2);
	put(p, 0, 6);
}

static void stubs_are_replaced(const struct filter_access *access)
{
	struct bpf_object *object = stubs_load(access, "ether dst 02:00:00:00:00:01 or udp port 53", NULL, "hit");

	*shared = (struct packet){};
	put_frame(shared, 17, 53);
	whole(shared);
	assert_int_equal(stubs_ask(object, ASK_L2, 0), 1);
	assert_int_equal(stubs_ask(object, ASK_L3, 14), 0);	/* cannot be said there */
	bpf_object__close(object);

	object = stubs_load(access, "udp port 53", NULL, "hit");
	assert_int_equal(stubs_ask(object, ASK_L2, 0), 1);
	assert_int_equal(stubs_ask(object, ASK_L3, 14), 1);
	*shared = (struct packet){};
	put_frame(shared, 17, 54);
	whole(shared);
	assert_int_equal(stubs_ask(object, ASK_L2, 0), 0);
	assert_int_equal(stubs_ask(object, ASK_L3, 14), 0);
	bpf_object__close(object);

	object = stubs_load(access, NULL, NULL, "hit");
	assert_int_equal(stubs_ask(object, ASK_L2, 0), 1);
	assert_int_equal(stubs_ask(object, ASK_L3, 14), 1);
	bpf_object__close(object);
}

static void stubs_are_replaced_in_raw_tracepoints(void **state)
{
	stubs_are_replaced(&probe);
	if (direct.load)
		stubs_are_replaced(&direct);
}

/* libbpf's own handler of the section is hidden by ours: what it does has to be done. */
static void raw_tracepoints_attach_still(void **state)
{
	struct bpf_object *object = stubs_load(&probe, "tcp", NULL, "hit");
	struct bpf_link *link;

	link = bpf_program__attach(bpf_object__find_program_by_name(object, "run"));
	assert_non_null(link);
	bpf_link__destroy(link);
	bpf_object__close(object);
}

/* After they were taken away, an object is loaded as it is. */
static void stubs_stay_without_filters(void **state)
{
	struct bpf_object *object = stubs_load(&probe, "tcp", NULL, "hit");

	bpf_object__close(object);
	object = bpf_object__open_mem(stubs_object, stubs_object_end - stubs_object, NULL);
	assert_non_null(object);
	bpf_program__set_autoload(bpf_object__find_program_by_name(object, "hit"), false);
	assert_int_equal(bpf_object__load(object), 0);
	*shared = (struct packet){};
	put_frame(shared, 17, 53);
	whole(shared);
	assert_int_equal(stubs_ask(object, ASK_L2, 0), 1);
	bpf_object__close(object);
}

/* --- inside tunnels ---------------------------------------------------------------------------------------------------- */

enum { INNER_FRAME, INNER_IP };

/* What is around the inner packet, as words of hexadecimal digits behind the Ethernet header. */
static const struct tunnel {
	const char *name, *outer;
	int inner;
	bool found;
} tunnels[] = {
	{ "VXLAN", "45000000000000004011000001010101020202021f9012b500000000" "0800000000000700", INNER_FRAME, true },
	{ "VXLAN on 8472", "45000000000000004011000001010101020202021f90211800000000" "0800000000000700", INNER_FRAME, true },
	{ "VXLAN without its flag", "45000000000000004011000001010101020202021f9012b500000000" "0000000000000700",
	  INNER_FRAME, false },
	{ "UDP on another port", "45000000000000004011000001010101020202021f9012b600000000" "0800000000000700",
	  INNER_FRAME, false },
	{ "VXLAN in a later fragment", "45000000000000104011000001010101020202021f9012b500000000" "0800000000000700",
	  INNER_FRAME, false },
	{ "VXLAN behind IP options", "4600000000000000401100000101010102020202010101011f9012b500000000" "0800000000000700",
	  INNER_FRAME, true },
	{ "VXLAN over IPv6", "6000000000001140" "20010db8000000000000000000000001" "20010db8000000000000000000000002"
	  "1f9012b500000000" "0800000000000700", INNER_FRAME, true },
	{ "VXLAN over IPv6 with extensions", "6000000000000040" "20010db8000000000000000000000001"
	  "20010db8000000000000000000000002" "3c00000000000000" "1101000000000000" "0000000000000000"
	  "1f9012b500000000" "0800000000000700", INNER_FRAME, true },
	{ "GENEVE", "45000000000000004011000001010101020202021f9017c100000000" "0000655800000700", INNER_FRAME, true },
	{ "GENEVE with options", "45000000000000004011000001010101020202021f9017c100000000" "0200655800000700"
	  "1122334455667788", INNER_FRAME, true },
	{ "GENEVE with IP inside", "45000000000000004011000001010101020202021f9017c100000000" "0000080000000700",
	  INNER_IP, true },
	{ "GENEVE of another version", "45000000000000004011000001010101020202021f9017c100000000" "4000655800000700",
	  INNER_FRAME, false },
	{ "IPIP", "4500000000000000400400000101010102020202", INNER_IP, true },
	{ "IP in IPv6", "6000000000000440" "20010db8000000000000000000000001" "20010db8000000000000000000000002",
	  INNER_IP, true },
	{ "GRE", "4500000000000000402f00000101010102020202" "00000800", INNER_IP, true },
	{ "GRE with key", "4500000000000000402f00000101010102020202" "2000080012345678", INNER_IP, true },
	{ "GRE with all", "4500000000000000402f00000101010102020202" "b0000800" "aaaa0000" "12345678" "00000001",
	  INNER_IP, true },
	{ "GRE with Ethernet", "4500000000000000402f00000101010102020202" "20006558" "12345678", INNER_FRAME, true },
	{ "GRE with source routes", "4500000000000000402f00000101010102020202" "40000800" "00000000", INNER_IP, false },
	{ "PPTP's GRE", "4500000000000000402f00000101010102020202" "20010800" "00000000", INNER_IP, false },
	{ "no tunnel", "4500000000000000400600000101010102020202", INNER_IP, false },
	{ "a header too short for IP", "44000000000000004004000001010101", INNER_IP, false },
	{ "no IP", "1500000000000000400400000101010102020202", INNER_IP, false },
};

static void put_hex(struct packet *p, const char *digits)
{
	unsigned byte;

	for (; *digits; digits += 2) {
		assert_int_equal(sscanf(digits, "%2x", &byte), 1);
		put(p, byte, 1);
	}
}

static void tunnel_is_seen(const struct bpf_object *object, const struct tunnel *t, uint16_t port, int expected)
{
	struct packet inner = {};
	uint32_t cut;
	int got;

	*shared = (struct packet){};
	put_frame(&inner, 6, port);
	put(shared, 0, 14);
	put_hex(shared, t->outer);
	if (t->inner == INNER_FRAME)
		put_bytes(shared, inner.b, inner.n);
	else
		put_bytes(shared, inner.b + 14, inner.n - 14);
	whole(shared);
	got = stubs_ask(object, ASK_TUNNEL, 14);
	if (got != expected)
		fprintf(stderr, "%s, port %u: %d, expected %d\n", t->name, port, got, expected);
	assert_int_equal(got, expected);
	/* without its end: the ports are twelve bytes from there */
	for (cut = 14; cut < shared->n; cut++) {
		shared->readable = cut;
		got = stubs_ask(object, ASK_TUNNEL, 14);
		assert_true(got == 0 || (expected && got == 1 && cut >= shared->n - 16));
	}
}

static void inner_packets_are_found(void **state)
{
	struct bpf_object *object = stubs_load(direct.load ? &direct : &probe, NULL, "tcp dst port 80", "hit");
	size_t i;

	for (i = 0; i < sizeof(tunnels) / sizeof(*tunnels); i++) {
		tunnel_is_seen(object, &tunnels[i], 80, tunnels[i].found);
		tunnel_is_seen(object, &tunnels[i], 81, 0);
	}
	bpf_object__close(object);
}

/* Bytes that are there by chance, behind what is readable, are not looked at. */
static void tunnel_header_must_be_readable(void **state)
{
	struct bpf_object *object = stubs_load(&probe, NULL, "greater 1", "hit");

	*shared = (struct packet){};
	put(shared, 0, 14);
	put_hex(shared, "4500000000000000402f00000101010102020202" "00000800" "4500000000000000");
	whole(shared);
	assert_int_equal(stubs_ask(object, ASK_TUNNEL, 14), 1);
	shared->readable = 14 + 20 + 6;
	assert_int_equal(stubs_ask(object, ASK_TUNNEL, 14), 0);
	bpf_object__close(object);
}

/* --- VLAN tags beside the packet ------------------------------------------------------------------------------------ */

/* libpcap's; its header cannot be included beside the kernel's */
unsigned bpf_filter(const struct classic_insn *code, const unsigned char *packet, unsigned length, unsigned readable);

static int stubs_ask_tagged(const struct bpf_object *object, uint16_t type, uint16_t tci)
{
	uint64_t tag = htons(type) | (uint64_t)htons(tci) << 16;

	return run(bpf_program__fd(bpf_object__find_program_by_name(object, "run")), ASK_TAGGED | tag << 32, shared_address,
		   shared->readable, shared->length);
}

/* As libpcap sees the packet with the tag in its place. */
static int pcap_says(const struct filter *f, uint16_t type, uint16_t tci)
{
	struct packet p = {};

	if (shared->readable <= 12)
		return !!bpf_filter(f->l2.v, shared->b, shared->length, shared->readable);
	put_bytes(&p, shared->b, 12);
	put(&p, type, 2);
	put(&p, tci, 2);
	put_bytes(&p, shared->b + 12, shared->readable - 12);
	return !!bpf_filter(f->l2.v, p.b, shared->length + 4, p.n);
}

static void tag_agrees(const struct bpf_object *object, const struct filter *f, uint16_t type, uint16_t tci, unsigned *passed)
{
	int got, expected;

	for (shared->readable = shared->n; shared->readable > 4; shared->readable--) {
		got = stubs_ask_tagged(object, type, tci);
		expected = pcap_says(f, type, tci);
		if (got != expected)
			fprintf(stderr, "'%s', tag %04x %u, readable %u: %d, libpcap %d\n", f->expression, type, tci,
				shared->readable, got, expected);
		assert_int_equal(got, expected);
		*passed += got;
	}
}

/* Frames to port 53 and to others, some with a tag of their own inside. */
static void tags_are_put_in(const struct filter_access *access, const char *expression)
{
	struct bpf_object *object = stubs_load(access, expression, NULL, "hit");
	struct filter f;
	char error[512];
	unsigned passed = 0;
	int i;

	assert_int_equal(filter_compile(&f, expression, error, sizeof(error)), 0);
	assert_true(f.vlan);
	for (i = 0; i < 4; i++) {
		*shared = (struct packet){};
		put_frame(shared, 17, i & 1 ? 53 : 54);
		if (i & 2) {
			memmove(shared->b + 16, shared->b + 12, shared->n - 12);
			memcpy(shared->b + 12, "\x81\x00\x00\x07", 4);
			shared->n += 4;
		}
		shared->length = shared->n;
		tag_agrees(object, &f, 0x8100, 5, &passed);
		tag_agrees(object, &f, 0x8100, 0xe006, &passed);
		tag_agrees(object, &f, 0x88a8, 5, &passed);
	}
	if (!passed)
		fprintf(stderr, "'%s' never holds\n", expression);
	assert_true(passed);
	filter_free(&f);
	bpf_object__close(object);
}

static void tags_beside_the_packet_are_where_expressions_look(void **state)
{
	static const char *const expressions[] = { "vlan", "vlan 5", "vlan 6 and udp port 53", "vlan 5 and not udp port 53",
		"vlan 5 and vlan 7 and udp port 53", "vlan 5 and ether[14:2] = 5 and ether[10:4] = 0x00028100",
		"not vlan 5", "vlan and greater 58 and ip[9] = 17", "ether[12:2] = 0x88a8 or vlan 6" };
	size_t i;

	for (i = 0; i < sizeof(expressions) / sizeof(*expressions); i++) {
		tags_are_put_in(&probe, expressions[i]);
		if (direct.load)
			tags_are_put_in(&direct, expressions[i]);
	}
}

static void tags_are_put_in_only_for_expressions_about_them(void **state)
{
	static const struct {
		const char *expression;
		bool vlan;
	} all[] = {
		{ "udp port 53", false }, { "(vlan 5)", true }, { "!vlan", true }, { "port 33024", false }, { "udp or vlan", true },
		{ "ether proto 0x8100", false },
	};
	char error[512];
	struct filter f;
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(*all); i++) {
		assert_int_equal(filter_compile(&f, all[i].expression, error, sizeof(error)), 0);
		assert_int_equal(f.vlan, all[i].vlan);
		filter_free(&f);
	}
}

/* --- kprobes -------------------------------------------------------------------------------------------------------------- */

#define PROBED_FUNCTION "__x64_sys_getppid"

static struct bpf_link *kprobe_link(struct bpf_program *prog, bool multi)
{
	const char *syms[] = { PROBED_FUNCTION };
	LIBBPF_OPTS(bpf_kprobe_multi_opts, opts, .syms = syms, .cnt = 1);

	return multi ? bpf_program__attach_kprobe_multi_opts(prog, NULL, &opts) :
		       bpf_program__attach_kprobe(prog, false, PROBED_FUNCTION);
}

/* One hit asks a filter about a packet; whether it passed. */
static int kprobe_ask(const struct bpf_object *object, uint16_t port)
{
	int bss = bpf_object__find_map_fd_by_name(object, ".bss");
	struct probed p = { .ask = ASK_L2, .base = shared_address };
	uint32_t zero = 0;

	*shared = (struct packet){};
	put_frame(shared, 17, port);
	whole(shared);
	p.readable = p.length = shared->n;
	assert_int_equal(bpf_map_update_elem(bss, &zero, &p, BPF_ANY), 0);
	getppid();
	assert_int_equal(bpf_map_lookup_elem(bss, &zero, &p), 0);
	assert_true(p.hits >= 1);	/* by others too, perhaps */
	assert_true(p.passed == 0 || p.passed == p.hits);
	return p.passed == p.hits;
}

static void kprobe_asks(bool multi)
{
	struct filters f = { .access = direct.load ? direct : probe };
	struct bpf_object *object;
	struct bpf_program *prog;
	struct bpf_link *link;
	char error[512];

	assert_int_equal(filter_compile(&f.packet, "udp port 53", error, sizeof(error)), 0);
	assert_int_equal(filters_install(&f, NULL), 0);
	object = bpf_object__open_mem(stubs_object, stubs_object_end - stubs_object, NULL);
	prog = bpf_object__find_program_by_name(object, "hit");
	if (multi)
		bpf_program__set_expected_attach_type(prog, BPF_TRACE_KPROBE_MULTI);
	assert_int_equal(bpf_object__load(object), 0);
	filters_free(&f);
	link = kprobe_link(prog, multi);
	if (link) {
		assert_int_equal(kprobe_ask(object, 53), 1);
		assert_int_equal(kprobe_ask(object, 54), 0);
		bpf_link__destroy(link);
	}
	bpf_object__close(object);
	if (!link)
		skip();
}

static void kprobe_asks_filter(void **state)
{
	kprobe_asks(false);
}

static void kprobe_multi_asks_filter(void **state)
{
	kprobe_asks(true);
}

/* --- the recorder's own ----------------------------------------------------------------------------------------------- */

/* The most that an expression may compute at once, with loads of every kind. */
static void hungry(struct filter *f)
{
	char begin[256] = "udp port 53 or tcp[ip[8] + udp[4:2]:4] != ", end[64] = "", text[512], error[512];
	struct filter more;

	assert_int_equal(filter_compile(f, "udp port 53", error, sizeof(error)), 0);
	for (;;) {
		strcat(begin, "(tcp[2] + ");
		strcat(end, ")");
		snprintf(text, sizeof(text), "%slen%s", begin, end);
		if (filter_compile(&more, text, error, sizeof(error)))
			break;
		filter_free(f);
		*f = more;
	}
	assert_non_null(strstr(error, "numbers at once"));
}

/* The call chains' stacks are long enough for filters that use much of theirs, and the verifier gets through. */
static void recorder_takes_filters(const struct filter_access *access, bool tunnel)
{
	struct filters f = { .access = *access };
	struct functions none = {};
	const struct probes_plan plan = {
		.backend = BACKEND_KPROBE,
		.functions = &none,
		.filters = &f,
		.constants = { .filtered = 1, .filter = 1, .tunnel = tunnel, .vlan = 1 },
		.ring_bytes = 1 << 16,
	};
	struct probes p;

	hungry(&f.packet);
	if (tunnel)
		hungry(&f.tunnel);
	assert_int_equal(probes_load(&p, &plan), 0);
	probes_free(&p);
	filters_free(&f);
}

static void programs_of_the_recorder_take_hungry_filters(void **state)
{
	recorder_takes_filters(&probe, false);
	recorder_takes_filters(&probe, true);
	if (!direct.load)
		return;
	recorder_takes_filters(&direct, false);
	recorder_takes_filters(&direct, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stubs_are_replaced_in_raw_tracepoints),
		cmocka_unit_test(raw_tracepoints_attach_still),
		cmocka_unit_test(stubs_stay_without_filters),
		cmocka_unit_test(inner_packets_are_found),
		cmocka_unit_test(tunnel_header_must_be_readable),
		cmocka_unit_test(tags_beside_the_packet_are_where_expressions_look),
		cmocka_unit_test(tags_are_put_in_only_for_expressions_about_them),
		cmocka_unit_test(programs_of_the_recorder_take_hungry_filters),
		cmocka_unit_test(kprobe_asks_filter),
		cmocka_unit_test(kprobe_multi_asks_filter),
	};
	int status = support_begin();

	return status ? status : cmocka_run_group_tests(tests, NULL, NULL);
}
