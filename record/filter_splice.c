// SPDX-License-Identifier: GPL-2.0
/*
 * filter_splice.c - put the translated filters into the programs, in place of the stubs of bpf/filter.h.
 *
 * libbpf lets a handler look at a program when everything is in it and relocated, right before the kernel gets it.
 * There a stub is a function with a mark in it.  Its body is replaced; jumps stay inside a function and need
 * nothing, calls and the table of functions (BTF) are moved.  Line numbers would only serve the verifier's log, and are left
 * out.
 *
 * A handler of ours hides libbpf's own of the same section.  For the kinds here that one does nothing before loading
 * (libbpf 1.1: SEC_NONE); attaching is done here for raw tracepoints, and the recorder does the others' itself.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "filter.h"
#include "filter_mark.h"
#include "verify.h"

#define KPROBE_SESSION 56	/* enum bpf_attach_type since Linux 6.10 */
#define LOAD_64 (BPF_LD | BPF_IMM | BPF_DW)

/* one program, before and after */
struct splice {
	const struct bpf_insn *old;
	size_t n;
	bool *begins;		/* a function begins at this instruction; one more for the end */
	uint32_t *place;	/* where it is now */
	struct ebpf new;
	bool replaced;
};

/* --- the filters' code ------------------------------------------------------------------------------------------ */

static int code_constant(struct ebpf *out, int value)
{
	out->v = calloc(2, sizeof(*out->v));
	if (!out->v)
		return -ENOMEM;
	out->v[0] = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = value };
	out->v[1] = (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT };
	out->n = 2;
	return 0;
}

/* What belongs in place of a mark; 1 = it is none. */
static int code_for(struct ebpf *out, const struct filters *f, uint64_t mark)
{
	const struct {
		uint64_t mark;
		const struct filter *filter;
		const struct classic *code;
		uint32_t frame;
	} all[] = {
		{ FILTER_MARK_L2, &f->packet, &f->packet.l2, FILTER_FRAME },
		{ FILTER_MARK_L3, &f->packet, &f->packet.l3, FILTER_FRAME },
		{ FILTER_MARK_INNER_L2, &f->tunnel, &f->tunnel.l2, FILTER_FRAME_INNER },
		{ FILTER_MARK_INNER_L3, &f->tunnel, &f->tunnel.l3, FILTER_FRAME_INNER },
	};
	struct filter_access access = f->access;
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(*all); i++) {
		if (all[i].mark != mark)
			continue;
		if (!all[i].filter->expression)
			return code_constant(out, 1);
		if (!all[i].code->n)
			return code_constant(out, 0);
		access.frame = all[i].frame;
		return filter_translate(out, all[i].code, &access);
	}
	return 1;
}

/* --- functions of the program ------------------------------------------------------------------------------------- */

/* Where a call, or a reference to a function, at i leads to; -1 = it is none. */
static long call_target(const struct splice *s, size_t i)
{
	const struct bpf_insn *insn = &s->old[i];

	if ((insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg == BPF_PSEUDO_CALL) ||
	    (insn->code == LOAD_64 && insn->src_reg == BPF_PSEUDO_FUNC))
		return (long)i + 1 + insn->imm;
	return -1;
}

static size_t insn_next(const struct splice *s, size_t i)
{
	return i + (s->old[i].code == LOAD_64 ? 2 : 1);
}

static int functions_find(struct splice *s)
{
	size_t i;
	long to;

	s->begins[0] = s->begins[s->n] = true;
	for (i = 0; i < s->n; i = insn_next(s, i)) {
		to = call_target(s, i);
		if (to == -1)
			continue;
		if (to < 0 || (size_t)to >= s->n)
			return -EINVAL;
		s->begins[to] = true;
	}
	return 0;
}

static int new_append(struct splice *s, const struct bpf_insn *v, size_t n)
{
	struct bpf_insn *grown = realloc(s->new.v, (s->new.n + n) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	s->new.v = grown;
	memcpy(s->new.v + s->new.n, v, n * sizeof(*v));
	s->new.n += n;
	return 0;
}

/* The code to replace a function with, if it has a mark: 0, else 1 or -errno. */
static int function_code(struct ebpf *out, const struct splice *s, const struct filters *f, size_t from, size_t to)
{
	size_t i;
	int ret;

	for (i = from; i + 1 < to; i = insn_next(s, i)) {
		if (s->old[i].code != LOAD_64 || s->old[i].src_reg)
			continue;
		ret = code_for(out, f, (uint32_t)s->old[i].imm | (uint64_t)(uint32_t)s->old[i + 1].imm << 32);
		if (ret <= 0)
			return ret;
	}
	return 1;
}

static int function_move(struct splice *s, const struct filters *f, size_t from, size_t to)
{
	struct ebpf code = {};
	size_t i;
	int ret;

	for (i = from; i < to; i++)
		s->place[i] = s->new.n + i - from;
	ret = function_code(&code, s, f, from, to);
	if (ret < 0)
		return ret;
	if (ret)
		return new_append(s, s->old + from, to - from);
	for (i = from; i < to; i++)
		s->place[i] = s->new.n;
	s->replaced = true;
	ret = new_append(s, code.v, code.n);
	free(code.v);
	return ret;
}

static int functions_move(struct splice *s, const struct filters *f)
{
	size_t from, to;
	int err = 0;

	for (from = 0; from < s->n && !err; from = to) {
		for (to = from + 1; !s->begins[to]; )
			to++;
		err = function_move(s, f, from, to);
	}
	return err;
}

/* A stub calls nothing, so every call that was there is there still. */
static void calls_fix(struct splice *s)
{
	size_t i;
	long to;

	for (i = 0; i < s->n; i = insn_next(s, i)) {
		to = call_target(s, i);
		if (to != -1)
			s->new.v[s->place[i]].imm = (long)s->place[to] - (long)s->place[i] - 1;
	}
}

static bool is_absent(const struct filters *f, const struct bpf_insn *insn)
{
	size_t i;

	for (i = 0; i < f->nabsent; i++)
		if (insn->code == LOAD_64 && insn->src_reg == BPF_PSEUDO_BTF_ID && (uint32_t)insn->imm == f->absent[i])
			return true;
	return false;
}

/* The verifier would refuse such an address even where it is never used. */
static void addresses_fix(struct splice *s, const struct filters *f)
{
	size_t i;

	for (i = 0; i < s->new.n; i += s->new.v[i].code == LOAD_64 ? 2 : 1) {
		if (!is_absent(f, &s->new.v[i]))
			continue;
		s->new.v[i].src_reg = 0;
		s->new.v[i].imm = s->new.v[i + 1].imm = 0;
		s->replaced = true;
	}
}

/* --- what libbpf asks ----------------------------------------------------------------------------------------------- */

/* Records of func_info_rec_size bytes that begin with the place of the function: struct bpf_func_info. */
static int func_info_fix(struct filters *f, const struct splice *s, struct bpf_prog_load_opts *opts)
{
	size_t i, record = opts->func_info_rec_size;
	uint32_t off;
	char *copy;

	opts->line_info = NULL;
	opts->line_info_cnt = 0;
	if (!opts->func_info || record < sizeof(off))
		return 0;
	copy = malloc(opts->func_info_cnt * record);
	if (!copy)
		return -ENOMEM;
	free(f->func_info);
	f->func_info = copy;
	memcpy(copy, opts->func_info, opts->func_info_cnt * record);
	for (i = 0; i < opts->func_info_cnt; i++) {
		memcpy(&off, copy + i * record, sizeof(off));
		if (off >= s->n)
			return -EINVAL;
		memcpy(copy + i * record, &s->place[off], sizeof(off));
	}
	opts->func_info = copy;
	return 0;
}

int filters_splice(struct filters *f, struct bpf_program *prog, struct bpf_prog_load_opts *opts)
{
	struct splice s = { .old = bpf_program__insns(prog), .n = bpf_program__insn_cnt(prog) };
	int err = -ENOMEM;

	s.begins = calloc(s.n + 1, sizeof(*s.begins));
	s.place = calloc(s.n + 1, sizeof(*s.place));
	if (!s.begins || !s.place)
		goto out;
	err = functions_find(&s);
	if (!err)
		err = functions_move(&s, f);
	if (!err)
		addresses_fix(&s, f);
	if (err || !s.replaced)
		goto out;
	calls_fix(&s);
	err = func_info_fix(f, &s, opts);
	if (!err)
		err = bpf_program__set_insns(prog, s.new.v, s.new.n);
out:
	free(s.begins);
	free(s.place);
	free(s.new.v);
	return err;
}

/*
 * Handlers stay once they are registered: libbpf 1.1 frees its table twice when the last one goes and another one
 * comes (fixed in 1.2).  They do what the filters that are installed say; without any, what libbpf would.
 */
static struct filters *installed;

static int on_load(struct bpf_program *prog, struct bpf_prog_load_opts *opts, long cookie)
{
	int err = installed ? filters_splice(installed, prog, opts) : 0;

	return err ? err : verify_postpone(prog, opts);
}

/* "raw_tp/kfree_skb": as libbpf does it. */
static int on_attach_raw(const struct bpf_program *prog, long cookie, struct bpf_link **link)
{
	const char *name = strchr(bpf_program__section_name(prog), '/');

	*link = NULL;
	if (!name)
		return 0;
	*link = bpf_program__attach_raw_tracepoint(prog, name + 1);
	return *link ? 0 : -errno;
}

static const struct {
	const char *section;
	enum bpf_prog_type type;
	int attach;
	libbpf_prog_attach_fn_t on_attach;
} kinds[] = {
	{ "kprobe+", BPF_PROG_TYPE_KPROBE, 0, NULL },
	{ "kretprobe+", BPF_PROG_TYPE_KPROBE, 0, NULL },
	{ "kprobe.multi+", BPF_PROG_TYPE_KPROBE, BPF_TRACE_KPROBE_MULTI, NULL },
	{ "kretprobe.multi+", BPF_PROG_TYPE_KPROBE, BPF_TRACE_KPROBE_MULTI, NULL },
	{ "kprobe.session+", BPF_PROG_TYPE_KPROBE, KPROBE_SESSION, NULL },
	{ "fentry+", BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, NULL },
	{ "fexit+", BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT, NULL },
	{ "raw_tp+", BPF_PROG_TYPE_RAW_TRACEPOINT, 0, on_attach_raw },
	{ "raw_tracepoint+", BPF_PROG_TYPE_RAW_TRACEPOINT, 0, on_attach_raw },
};

static int handlers_register(void)
{
	static size_t registered;
	int id;

	for (; registered < sizeof(kinds) / sizeof(*kinds); registered++) {
		LIBBPF_OPTS(libbpf_prog_handler_opts, opts, .prog_prepare_load_fn = on_load,
			    .prog_attach_fn = kinds[registered].on_attach);

		id = libbpf_register_prog_handler(kinds[registered].section, kinds[registered].type,
						  kinds[registered].attach, &opts);
		if (id < 0)
			return id;
	}
	return 0;
}

int filters_install(struct filters *f, const struct btf *vmlinux)
{
	int err = handlers_register();

	if (err)
		return err;
	if (f->access.load == FILTER_LOAD_UNKNOWN)
		filter_access_find(&f->access, vmlinux);
	installed = f;
	return 0;
}

void filters_uninstall(struct filters *f)
{
	if (installed == f)
		installed = NULL;
	free(f->func_info);
	f->func_info = NULL;
}

void filters_free(struct filters *f)
{
	filters_uninstall(f);
	filter_free(&f->packet);
	filter_free(&f->tunnel);
}
