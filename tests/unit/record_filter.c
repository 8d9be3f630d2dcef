// SPDX-License-Identifier: GPL-2.0
/*
 * record_filter.c - filters in the kernel agree with libpcap, and get to where the stubs were.
 *
 * Needs to load BPF programs; runs in the test machines as well.  Expressions and packets come from seeds, a case a
 * seed: TEST_SECONDS (default 8; TEST_LONG: 120) says only how many cases there are.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "filter.h"
#include "filter_random.h"

/* libpcap's; its header cannot be included beside the kernel's */
unsigned bpf_filter(const struct classic_insn *code, const unsigned char *packet, unsigned length, unsigned readable);

#define PACKETS 48		/* for each expression */
#define VARIANTS 4		/* {probe, direct} x {L2, L3} */

static struct filter_access probe = { .load = FILTER_LOAD_PROBE }, direct;
static struct packet *shared;	/* memory of the kernel's, mapped */
static uint64_t shared_address;

/* --- a program that calls the filters ----------------------------------------------------------------------------- */

static int run(int prog, uint64_t which, uint64_t base, uint64_t readable, uint64_t length)
{
	uint64_t args[4] = { which, base, readable, length };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = args, .ctx_size_in = sizeof(args));

	if (bpf_prog_test_run_opts(prog, &opts))
		return -errno;
	return opts.retval;
}

/* The kernel's address of the shared packets: a program writes it where this one can read it. */
static bool shared_make(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "packets", 4, PACKETS * sizeof(*shared), 1, &opts), prog;
	struct bpf_insn insns[] = {
		{ .code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = BPF_REG_1, .src_reg = BPF_PSEUDO_MAP_VALUE, .imm = map },
		{},
		{ .code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_1, .src_reg = BPF_REG_1 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	if (map < 0)
		return false;
	shared = mmap(NULL, PACKETS * sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);
	prog = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "address", "GPL", insns, 5, NULL);
	if (shared == MAP_FAILED || prog < 0 || run(prog, 0, 0, 0, 0) != 1)
		return false;
	memcpy(&shared_address, shared, sizeof(shared_address));
	close(prog);
	return true;
}

/* main(which, base, readable, length) calls filter number `which`. */
static int callers(struct bpf_insn *out, const struct ebpf *code, int n)
{
	int i, at = 4 + 3 * n, used = 0;

	out[used++] = (struct bpf_insn){ .code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 0, .src_reg = 1 };
	out[used++] = (struct bpf_insn){ .code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 2, .src_reg = 1, .off = 16 };
	out[used++] = (struct bpf_insn){ .code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 3, .src_reg = 1, .off = 24 };
	out[used++] = (struct bpf_insn){ .code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 1, .src_reg = 1, .off = 8 };
	for (i = 0; i < n; i++) {
		if (i < n - 1)
			out[used++] = (struct bpf_insn){ .code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = 0, .off = 2, .imm = i };
		else
			out[used++] = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 4 };
		out[used] = (struct bpf_insn){ .code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_CALL, .imm = at - used - 1 };
		used++;
		out[used++] = (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT };
		at += code[i].n;
	}
	return used;
}

static int load(enum bpf_prog_type type, const struct ebpf *code, int n)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts);
	static char log[1 << 20];
	size_t total = 4 + 3 * n, used;
	struct bpf_insn *insns;
	int i, fd;

	for (i = 0; i < n; i++)
		total += code[i].n;
	insns = malloc(total * sizeof(*insns));
	assert_non_null(insns);
	used = callers(insns, code, n);
	for (i = 0; i < n; i++) {
		memcpy(insns + used, code[i].v, code[i].n * sizeof(*insns));
		used += code[i].n;
	}
	assert_int_equal(used, total);
	fd = bpf_prog_load(type, "filter", "GPL", insns, used, &opts);
	if (fd < 0) {
		opts.log_buf = log;
		opts.log_size = sizeof(log);
		opts.log_level = 1;
		fd = bpf_prog_load(type, "filter", "GPL", insns, used, &opts);
		if (fd < 0)
			fprintf(stderr, "%.3000s\n... %s\n", log, strlen(log) > 3000 ? log + strlen(log) - 1000 : "");
	}
	free(insns);
	return fd;
}

/* --- as libpcap says ------------------------------------------------------------------------------------------------- */

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static uint64_t seconds(void)
{
	const char *given = getenv("TEST_SECONDS");

	return given ? strtoul(given, NULL, 10) : getenv("TEST_LONG") ? 120 : 8;
}

/* What a case is made of, and what was seen of all. */
struct tally {
	unsigned long cases, refused, questions, passed;
};

static void translate_all(struct ebpf *code, const struct filter *f)
{
	static const struct classic_insn reject[] = { { .code = 6 } };
	const struct classic never = { .v = (struct classic_insn *)reject, .n = 1 };
	const struct classic *l3 = f->l3.n ? &f->l3 : &never;
	int i;

	for (i = 0; i < VARIANTS; i++)
		assert_int_equal(filter_translate(&code[i], i & 1 ? l3 : &f->l2,
						  i < 2 || !direct.load ? &probe : &direct), 0);
}

static void explain(const char *expression, int variant, const struct packet *p, uint32_t at, int got, int expected)
{
	uint32_t i;

	fprintf(stderr, "'%s', %s, L%d, at %u, readable %u, length %u: kernel %d, libpcap %d\n", expression,
		variant < 2 ? "probe" : "direct", 2 + (variant & 1), at, p->readable, p->length, got, expected);
	for (i = 0; i < p->n; i++)
		fprintf(stderr, "%02x%s", p->b[i], i + 1 == p->n ? "\n" : "");
}

static void ask(int prog, const struct filter *f, int i, uint32_t at, struct tally *t)
{
	const struct packet *p = &shared[i];
	uint64_t base = shared_address + i * sizeof(*p);
	const struct classic *c;
	int variant, got, expected;
	uint32_t skip;

	for (variant = 0; variant < (direct.load ? VARIANTS : 2); variant++) {
		c = variant & 1 ? &f->l3 : &f->l2;
		skip = variant & 1 ? at : 0;
		if (skip > p->readable)
			continue;
		expected = c->n && bpf_filter(c->v, p->b + skip, p->length - skip, p->readable - skip);
		got = run(prog, variant, base + skip, p->readable - skip, p->length - skip);
		if (got < 0 || !got != !expected)
			explain(f->expression, variant, p, at, got, expected);
		assert_true(got >= 0);
		assert_int_equal(!got, !expected);
		t->questions++;
		t->passed += expected;
	}
}

static void case_run(uint64_t seed, struct tally *t)
{
	struct dice d = { .state = seed };
	struct text text = {};
	struct ebpf code[VARIANTS];
	struct filter f;
	char error[512];
	uint32_t at;
	int prog, i;

	say_expression(&text, &d, 2);
	t->cases++;
	if (filter_compile(&f, text.s, error, sizeof(error))) {
		t->refused++;
		return;
	}
	translate_all(code, &f);
	prog = load(BPF_PROG_TYPE_RAW_TRACEPOINT, code, VARIANTS);
	if (prog < 0)
		fprintf(stderr, "seed %llu: '%s' is not accepted by the kernel\n", (unsigned long long)seed, text.s);
	assert_true(prog >= 0);
	for (i = 0; i < PACKETS; i++) {
		at = packet_roll(&shared[i], &d);
		ask(prog, &f, i, at, t);
	}
	close(prog);
	for (i = 0; i < VARIANTS; i++)
		free(code[i].v);
	filter_free(&f);
}

static void filters_agree_with_libpcap(void **state)
{
	uint64_t seed = 1, until = now_ns() + seconds() * 1000000000ull;
	struct tally t = {};

	do {
		case_run(seed++, &t);
	} while (now_ns() < until);
	print_message("%lu expressions, %lu of them refused by libpcap; %lu questions, %lu passed; %s\n", t.cases, t.refused,
		      t.questions, t.passed, direct.load ? "both ways" : "probe only");
	/* it must have been about something */
	assert_true(t.refused < t.cases * 3 / 4);
	assert_true(t.passed > t.questions / 50);
}

/* Kprobes, one or many, take the same code; they cannot be run without being hit, but the verifier sees to it. */
static void kprobe_programs_take_filters(void **state)
{
	static const char *const expressions[] = { "udp port 53", "host 10.0.0.1 and tcp[13] & 2 != 0",
		"ip[ip[0] & 15] * len / tcp[12:4] == 3", "vlan and ip6 and not net 2001:db8::/32" };
	struct ebpf code[VARIANTS];
	struct filter f;
	char error[512];
	size_t i;
	int prog, j;

	for (i = 0; i < sizeof(expressions) / sizeof(*expressions); i++) {
		assert_int_equal(filter_compile(&f, expressions[i], error, sizeof(error)), 0);
		translate_all(code, &f);
		prog = load(BPF_PROG_TYPE_KPROBE, code, VARIANTS);
		assert_true(prog >= 0);
		close(prog);
		for (j = 0; j < VARIANTS; j++)
			free(code[j].v);
		filter_free(&f);
	}
}

/* --- stubs replaced -------------------------------------------------------------------------------------------------- */

__asm__(".section .rodata\n"
	".balign 16\n"
	"stubs_object: .incbin \"" BUILD_DIR "/tests/filter.bpf.o\"\n"
	"stubs_object_end: .byte 0\n"
	".previous\n");
extern const char stubs_object[], stubs_object_end[];

/* as in tests/bpf/filter.bpf.c */
enum { ASK_L2, ASK_L3, ASK_TUNNEL };

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

/* --- words ------------------------------------------------------------------------------------------------------------------ */

static void expression_is_refused_with_libpcaps_words(void **state)
{
	static const struct { const char *expression, *words; } wrong[] = {
		{ "udp prot 53", "syntax error" },
		{ "ip and arp", "expression rejects all packets" },
		{ "port 99999", "filter 'port 99999': " },
		{ "ip protochain 6", "protochain" },
		{ "tcp\nprot\x1b[31m 53", "filter 'tcp prot [31m 53': " },
	};
	struct filter f;
	char error[512];
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		assert_int_equal(filter_compile(&f, wrong[i].expression, error, sizeof(error)), -1);
		if (!strstr(error, wrong[i].words) || strpbrk(error, "\n\x1b"))
			fail_msg("it says: %s", error);
		assert_null(f.expression);
	}
}

static void expression_without_words_for_ip_packets_rejects_them(void **state)
{
	struct filter f;
	char error[512];

	assert_int_equal(filter_compile(&f, "arp", error, sizeof(error)), 0);
	assert_true(f.l2.n);
	assert_int_equal(f.l3.n, 0);
	filter_free(&f);
	assert_int_equal(filter_compile(&f, "", error, sizeof(error)), 0);
	assert_true(f.l2.n && f.l3.n);
	filter_free(&f);
}

static void file_is_read_as_tcpdump_does(void **state)
{
	char path[] = "/tmp/record_filter.XXXXXX", error[512], *text;
	static const char content[] = "# servers\nport 53 # name\n or port 80#";
	int fd = mkstemp(path);

	assert_int_equal(write(fd, content, sizeof(content) - 1), sizeof(content) - 1);
	assert_int_equal(filter_read_file(path, &text, error, sizeof(error)), 0);
	assert_string_equal(text, "         \nport 53       \n or port 80 ");
	free(text);
	while (lseek(fd, 0, SEEK_CUR) <= 1 << 20)
		assert_int_equal(write(fd, content, sizeof(content) - 1), sizeof(content) - 1);
	assert_int_equal(filter_read_file(path, &text, error, sizeof(error)), -1);
	assert_non_null(strstr(error, path));
	assert_int_equal(ftruncate(fd, 100), 0);	/* a NUL, then */
	assert_int_equal(pwrite(fd, "", 1, 50), 1);
	assert_int_equal(filter_read_file(path, &text, error, sizeof(error)), -1);
	close(fd);
	unlink(path);
	assert_int_equal(filter_read_file(path, &text, error, sizeof(error)), -1);
	assert_non_null(strstr(error, "No such file"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expression_is_refused_with_libpcaps_words),
		cmocka_unit_test(expression_without_words_for_ip_packets_rejects_them),
		cmocka_unit_test(file_is_read_as_tcpdump_does),
		cmocka_unit_test(kprobe_programs_take_filters),
		cmocka_unit_test(stubs_are_replaced_in_raw_tracepoints),
		cmocka_unit_test(raw_tracepoints_attach_still),
		cmocka_unit_test(stubs_stay_without_filters),
		cmocka_unit_test(inner_packets_are_found),
		cmocka_unit_test(tunnel_header_must_be_readable),
		cmocka_unit_test(kprobe_asks_filter),
		cmocka_unit_test(kprobe_multi_asks_filter),
		cmocka_unit_test(filters_agree_with_libpcap),
	};

	if (!shared_make()) {
		fprintf(stderr, "BPF programs cannot be loaded here (%s); run as root\n", strerror(errno));
		return 77;
	}
	filter_access_find(&direct, NULL);
	if (direct.load != FILTER_LOAD_DIRECT)
		direct = (struct filter_access){};
	libbpf_set_print(NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
