// SPDX-License-Identifier: GPL-2.0
/*
 * record_filter.c - filters in the kernel agree with libpcap.
 *
 * Needs to load BPF programs; runs in the test machines as well.  Expressions and packets come from seeds, a case a
 * seed: TEST_SECONDS (default 8; TEST_LONG: 120) says only how many cases there are.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "filter_support.h"

/* libpcap's; its header cannot be included beside the kernel's */
unsigned bpf_filter(const struct classic_insn *code, const unsigned char *packet, unsigned length, unsigned readable);

#define VARIANTS 4		/* {probe, direct} x {L2, L3} */

/* --- a program that calls the filters ----------------------------------------------------------------------------- */

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

/* --- words ------------------------------------------------------------------------------------------------------------------ */

static void expression_is_refused_with_libpcaps_words(void **state)
{
	static const struct { const char *expression, *words; } wrong[] = {
		{ "udp prot 53", "syntax error" },
		{ "ip and arp", "expression rejects all packets" },
		{ "port 99999", "filter 'port 99999': " },
		{ "ip protochain 6", "protochain" },
		{ "len+(len+(len+(len+(len+(len+(len+(len+(len+(len+len))))))))) > ip[0]", "too many numbers at once" },
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
		cmocka_unit_test(filters_agree_with_libpcap),
	};
	int status = support_begin();

	return status ? status : cmocka_run_group_tests(tests, NULL, NULL);
}
