// SPDX-License-Identifier: GPL-2.0
/*
 * tracepoint.c - the backend for kernels without kprobes: every raw tracepoint, of modules too, that has an sk_buff.
 *
 * BTF has the prototype of each as a type btf_trace_NAME.  A tracepoint's address is a number beyond all functions.  Where
 * the kernel takes a cookie with it (6.10) that number is the cookie, and there is a program for each position of the
 * sk_buff; elsewhere a program cannot ask which tracepoint it is attached to, so each has one of its own.
 * kfree_skb is left to the program that all backends have: it knows where the packet was dropped.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "event.h"
#include "functions.h"
#include "probes.h"
#include "types.h"

#define PREFIX "btf_trace_"

/* What the programs must know; include/trace/events/ of the kernel. */
static const struct { const char *name; uint32_t flags; } special[] = {
	{ "consume_skb", TRACEPOINT_ENDS },
	{ "net_dev_queue", TRACEPOINT_SENDS },
	{ "netif_rx_entry", TRACEPOINT_RECEIVES },
	{ "netif_receive_skb_entry", TRACEPOINT_RECEIVES },
	{ "netif_receive_skb_list_entry", TRACEPOINT_RECEIVES },
	{ "napi_gro_receive_entry", TRACEPOINT_RECEIVES },
	{ "napi_gro_frags_entry", TRACEPOINT_RECEIVES },
	{ "sk_data_ready", TRACEPOINT_READY },
};

static uint32_t flags_of(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(special) / sizeof(*special); i++)
		if (!strcmp(name, special[i].name))
			return special[i].flags;
	return 0;
}

/* A program that does nothing, on a tracepoint that every kernel has. */
int tracepoints_probe(void)
{
	const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int prog, fd;

	prog = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "pktrec_try", "GPL", nothing, 2, NULL);
	if (prog < 0)
		return -errno;
	fd = bpf_raw_tracepoint_open("kfree_skb", prog);
	if (fd < 0)
		fd = -errno;
	else
		close(fd);
	close(prog);
	return fd < 0 ? fd : 0;
}

static bool is_skb(const struct btf *btf, __u32 id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	if (!t || !btf_is_ptr(t))
		return false;
	t = btf__type_by_id(btf, t->type);
	while (t && (btf_is_const(t) || btf_is_volatile(t)))
		t = btf__type_by_id(btf, t->type);
	return t && btf_is_struct(t) && !strcmp(btf__name_by_offset(btf, t->name_off), "sk_buff");
}

/* Position of the sk_buff among the tracepoint's arguments, from 1; 0 = none.  The first parameter is not one of them. */
static uint32_t prototype_arg(const struct btf *btf, const struct btf_type *t)
{
	const struct btf_param *p;
	uint32_t i;

	t = btf__type_by_id(btf, t->type);
	if (t && btf_is_ptr(t))
		t = btf__type_by_id(btf, t->type);
	if (!t || !btf_is_func_proto(t))
		return 0;
	p = btf_params(t);
	for (i = 1; i < btf_vlen(t) && i <= 5; i++)
		if (is_skb(btf, p[i].type))
			return i;
	return 0;
}

static bool is_wanted(const struct function_choice *choice, const char *name, uint32_t flags)
{
	char *const *glob;

	if (flags || !choice->globs)
		return true;
	for (glob = choice->globs; *glob; glob++)
		if (!fnmatch(*glob, name, 0))
			return true;
	return false;
}

static int tracepoint_add(struct functions *f, const struct symbols *s, const struct function_choice *choice, const char *name,
			  uint32_t arg)
{
	uint32_t number = f->n;
	struct function *fn = functions_add(f);

	if (!fn)
		return -ENOMEM;
	*fn = (struct function){
		.name = strdup(name),
		.module = "",
		.addr = s->text_base + (int64_t)(int32_t)(TRACEPOINT_FUNC + number),
		.arg = arg,
		.cookie = flags_of(name),
		.tracepoint = true,
		.unique = true,
		.error = number < TRACEPOINTS ? 0 : E2BIG,
		.why = number < TRACEPOINTS ? NULL : "there are more tracepoints than programs for them",
	};
	if (!fn->name)
		return -ENOMEM;
	fn->wanted = is_wanted(choice, name, fn->cookie);
	return 0;
}

/* Types from `first` on; those before are vmlinux's, on which a module's stand. */
static int btf_look(struct functions *f, const struct symbols *s, const struct function_choice *choice, const struct btf *btf, __u32 first)
{
	__u32 i, arg, count = btf__type_cnt(btf);
	const struct btf_type *t;
	const char *name;
	int err = 0;

	for (i = first; i < count && !err; i++) {
		t = btf__type_by_id(btf, i);
		if (!btf_is_typedef(t))
			continue;
		name = btf__name_by_offset(btf, t->name_off);
		if (strncmp(name, PREFIX, strlen(PREFIX)) || !strcmp(name, PREFIX "kfree_skb"))
			continue;
		arg = prototype_arg(btf, t);
		if (arg || flags_of(name + strlen(PREFIX)))
			err = tracepoint_add(f, s, choice, name + strlen(PREFIX), arg);
	}
	return err;
}

static int modules_look(struct functions *f, const struct symbols *s, const struct function_choice *choice, struct btf *vmlinux)
{
	struct dirent *entry;
	struct btf *btf;
	int err = 0;
	DIR *dir;

	dir = opendir("/sys/kernel/btf");
	if (!dir)
		return -errno;
	while (!err && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || !strcmp(entry->d_name, "vmlinux"))
			continue;
		btf = btf__load_module_btf(entry->d_name, vmlinux);
		if (!btf)	/* unloaded meanwhile, or built against another vmlinux */
			continue;
		err = btf_look(f, s, choice, btf, btf__type_cnt(vmlinux));
		btf__free(btf);
	}
	closedir(dir);
	return err;
}

int tracepoints_find(struct functions *f, struct symbols *s, const struct function_choice *choice, const char **where)
{
	struct btf *btf;
	int err;

	memset(f, 0, sizeof(*f));
	*where = "/proc/kallsyms";
	err = symbols_load(s, *where);
	if (err)
		return err;
	*where = "/sys/kernel/btf/vmlinux";
	btf = types_kernel();
	if (!btf)
		return -errno;
	err = btf_look(f, s, choice, btf, 1);
	if (!err)
		err = modules_look(f, s, choice, btf);
	return err;
}

/* From the function's first byte to the next function's. */
static void range_of(const struct symbols *s, const char *name, __u64 range[2])
{
	const struct symbol *sym = symbols_named(s, name, NULL);

	if (!sym)
		return;
	range[0] = range[1] = sym->addr;
	for (; sym < s->by_addr + s->n && sym->addr == range[0]; sym++)
		range[1] = sym + 1 < s->by_addr + s->n ? sym[1].addr : sym->addr;
}

void tracepoints_constants(const struct functions *f, const struct symbols *s, struct program_constants *constants)
{
	size_t i;

	constants->tracepoints = 1;
	range_of(s, "__netif_receive_skb_one_core", constants->receiving[0]);
	range_of(s, "__netif_receive_skb_list_core", constants->receiving[1]);
	for (i = 0; i < f->n && i < TRACEPOINTS && f->v[i].tracepoint; i++) {
		constants->tracepoint_arg[i] = f->v[i].arg;
		constants->tracepoint_flags[i] = f->v[i].cookie;
	}
}

/* The helper that a program asks for its cookie with, which older kernels do not give to this type. */
static bool cookies_work(void)
{
	const struct bpf_insn asks[] = {
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_get_attach_cookie },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "pktrec_try", "GPL", asks, 3, NULL);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* Programs of their own have octal numbers. */
static struct bpf_program *program_of(const struct probes *p, const struct functions *f, size_t number)
{
	char name[24];

	if (p->cookies)
		snprintf(name, sizeof(name), "tracepoints_at%u", f->v[number].arg);
	else
		snprintf(name, sizeof(name), "tracepoint%03zo", number);
	return bpf_object__find_program_by_name(p->object, name);
}

/* As bpf_raw_tracepoint_open(), with a cookie: newer than our libbpf. */
static int cookie_open(const char *name, const struct bpf_program *prog, uint64_t cookie)
{
	struct {
		__u64 name;
		__u32 prog_fd, pad;
		__u64 cookie;
	} attr = { .name = (uintptr_t)name, .prog_fd = bpf_program__fd(prog), .cookie = cookie };

	return syscall(SYS_bpf, BPF_RAW_TRACEPOINT_OPEN, &attr, sizeof(attr));
}

static int tracepoint_attach(struct probes *p, const struct functions *f, size_t number)
{
	const struct bpf_program *prog = program_of(p, f, number);
	int fd;

	if (p->cookies)
		fd = cookie_open(f->v[number].name, prog, number);
	else
		fd = bpf_raw_tracepoint_open(f->v[number].name, bpf_program__fd(prog));
	return fd < 0 ? -errno : probes_keep_fd(p, fd);
}

static bool is_used(const struct functions *f, size_t i)
{
	return i < TRACEPOINTS && f->v[i].tracepoint && f->v[i].wanted && !f->v[i].error;
}

void tracepoints_choose(struct probes *p, const struct functions *f)
{
	struct bpf_program *prog;
	size_t i;

	p->cookies = cookies_work();
	for (i = 0; i < f->n; i++) {
		prog = is_used(f, i) ? program_of(p, f, i) : NULL;
		if (prog)
			bpf_program__set_autoload(prog, true);
	}
}

int tracepoints_attach(struct probes *p, struct functions *f)
{
	size_t i, attached = 0;
	int err = -ENOENT;

	for (i = 0; i < f->n; i++) {
		if (!is_used(f, i))
			continue;
		err = tracepoint_attach(p, f, i);
		if (err == -ENOMEM)
			return err;
		f->v[i].attached = !err;
		attached += !err;
		if (err) {
			f->v[i].error = -err;
			f->v[i].why = "the kernel refused to attach to the tracepoint";
		}
	}
	return attached ? 0 : err;
}
