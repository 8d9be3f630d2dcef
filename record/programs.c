// SPDX-License-Identifier: GPL-2.0
/*
 * programs.c - loaded BPF programs of XDP and TC are functions of the packet's way: found, and probed at entry and return.
 *
 * The kernel attaches a program to exactly one other when it is loaded, so bpf/progs.bpf.c is loaded once for each.  It
 * works with the maps of the main object.  What is not possible for one program, or in this kernel, is said in the
 * program's row and stops nothing.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fnmatch.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "embedded.h"
#include "functions.h"
#include "probes.h"

#define NO_BTF "the program was loaded without BTF"

/* --- finding ------------------------------------------------------------------------------------------------------ */

static bool is_packets(uint32_t type)
{
	return type == BPF_PROG_TYPE_XDP || type == BPF_PROG_TYPE_SCHED_CLS || type == BPF_PROG_TYPE_SCHED_ACT;
}

/* The type of the program's first function, which is the one that is called; 0 = it has none. */
static uint32_t function_type(int fd, const struct bpf_prog_info *has)
{
	struct bpf_func_info func = {};
	struct bpf_prog_info info = {
		.nr_func_info = 1,
		.func_info_rec_size = sizeof(func),
		.func_info = (uintptr_t)&func,
	};
	__u32 size = sizeof(info);

	if (!has->btf_id || !has->nr_func_info || bpf_obj_get_info_by_fd(fd, &info, &size) || !info.nr_func_info)
		return 0;
	return func.type_id;
}

/* The full name, where BTF has it: the kernel's own is cut after 15 bytes. */
static char *name_of(const struct bpf_prog_info *info, uint32_t type)
{
	struct btf *btf = type ? btf__load_from_kernel_by_id(info->btf_id) : NULL;
	const struct btf_type *t = btf ? btf__type_by_id(btf, type) : NULL;
	const char *name = t && btf_is_func(t) ? btf__name_by_offset(btf, t->name_off) : NULL;
	char *copy = name && *name ? strdup(name) : strndup(*info->name ? info->name : "?", sizeof(info->name));

	btf__free(btf);
	return copy;
}

/* A program that does nothing: only trying tells what the kernel allows. */
static void program_try(struct function *fn, int fd)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_FENTRY, .attach_btf_id = fn->program_btf,
		    .attach_prog_fd = fd);
	const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int prog;

	if (!fn->program_btf) {
		fn->error = EOPNOTSUPP;
		fn->why = NO_BTF;
		return;
	}
	prog = bpf_prog_load(BPF_PROG_TYPE_TRACING, "pktrec_try", "GPL", nothing, 2, &opts);
	if (prog >= 0) {
		close(prog);
		return;
	}
	fn->error = errno;
	fn->why = errno == EPERM ? "this kernel does not let BPF programs be traced" : "the kernel refuses to trace the program";
}

static bool is_wanted(const struct function_choice *choice, const char *name)
{
	char *const *glob;

	if (!choice->globs)
		return true;
	for (glob = choice->globs; *glob; glob++)
		if (!fnmatch(*glob, name, 0))
			return true;
	return false;
}

static int program_add(struct functions *f, const struct symbols *s, const struct function_choice *choice, int fd,
		       uint32_t number)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	struct function *fn;

	if (bpf_obj_get_info_by_fd(fd, &info, &size) || !is_packets(info.type))
		return 0;
	fn = functions_add(f);
	if (!fn)
		return -ENOMEM;
	fn->module = "bpf";
	fn->addr = s->text_base + (int64_t)(int32_t)(PROGRAM_FUNC + number);
	fn->arg = 1;
	fn->program = info.id;
	fn->program_xdp = info.type == BPF_PROG_TYPE_XDP;
	fn->program_btf = function_type(fd, &info);
	fn->unique = true;
	fn->name = name_of(&info, fn->program_btf);
	if (!fn->name)
		return -ENOMEM;
	fn->wanted = is_wanted(choice, fn->name);
	if (number < PROGRAMS) {
		program_try(fn, fd);
	} else {
		fn->error = E2BIG;
		fn->why = "there are more BPF programs than are followed";
	}
	return 1;
}

int programs_find(struct functions *f, const struct symbols *s, const struct function_choice *choice)
{
	uint32_t number = 0;
	__u32 id = 0;
	int fd, added;

	while (!bpf_prog_get_next_id(id, &id)) {
		fd = bpf_prog_get_fd_by_id(id);
		if (fd < 0 && errno == ENOENT)
			continue;	/* it is gone already */
		if (fd < 0)
			return -errno;
		added = program_add(f, s, choice, fd, number);
		close(fd);
		if (added < 0)
			return added;
		number += added;
	}
	return errno == ENOENT ? 0 : -errno;
}

/* --- loading ------------------------------------------------------------------------------------------------------ */

static bool is_used(const struct function *fn)
{
	return fn->program && fn->wanted && !fn->error;
}

/* Is there any of XDP, or of TC, to be followed? */
bool programs_wanted(const struct functions *f, bool xdp)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		if (is_used(&f->v[i]) && f->v[i].program_xdp == xdp)
			return true;
	return false;
}

/* All maps are those of the main object, but the constants. */
static int maps_share(struct bpf_object *object, const struct bpf_object *from, const struct program_constants *constants)
{
	struct bpf_map *map, *shared;
	int err;

	bpf_object__for_each_map(map, object) {
		if (map == probes_section(object, ".rodata", sizeof(*constants))) {
			err = bpf_map__set_initial_value(map, constants, sizeof(*constants));
		} else {
			shared = strstr(bpf_map__name(map), ".bss") ? probes_section(from, ".bss", bpf_map__value_size(map)) :
				 bpf_object__find_map_by_name(from, bpf_map__name(map));
			err = shared ? bpf_map__reuse_fd(map, bpf_map__fd(shared)) : -ENOENT;
		}
		if (err)
			return err;
	}
	return 0;
}

/* The two for its kind. */
static struct bpf_program *program_for(const struct bpf_object *object, const struct function *fn, bool leave)
{
	const char *name = fn->program_xdp ? leave ? "xdp_leave" : "xdp_enter" : leave ? "tc_leave" : "tc_enter";

	return bpf_object__find_program_by_name(object, name);
}

static int object_load(struct bpf_object *object, const struct function *fn)
{
	struct bpf_program *prog;
	int fd = bpf_prog_get_fd_by_id(fn->program), err = 0;

	if (fd < 0)
		return -errno;
	bpf_object__for_each_program(prog, object)
		if (prog != program_for(object, fn, false) && prog != program_for(object, fn, true))
			bpf_program__set_autoload(prog, false);
		else
			err = err ? err : bpf_program__set_attach_target(prog, fd, fn->name);
	err = err ? err : bpf_object__load(object);
	close(fd);
	return err;
}

/* Of one program; what is refused is said in its row. */
static int program_load(struct probes *p, struct function *fn, const struct program_constants *constants)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "progs");
	struct program_constants own = *constants;
	struct bpf_object *object;
	int err;

	if (p->direct)
		object = bpf_object__open_mem(embedded_progs_direct, embedded_progs_direct_end - embedded_progs_direct, &opts);
	else
		object = bpf_object__open_mem(embedded_progs_copied, embedded_progs_copied_end - embedded_progs_copied, &opts);
	if (!object)
		return -errno;
	own.program_func = fn->addr - own.text_base;
	err = maps_share(object, p->object, &own);
	if (err) {
		bpf_object__close(object);
		return err;
	}
	err = object_load(object, fn);
	if (err) {
		fn->error = -err;
		fn->why = err == -ENOENT ? "the program is gone" : "the kernel refuses to trace the program";
		bpf_object__close(object);
		return 0;
	}
	p->programs[p->nprograms++] = object;
	return 0;
}

int programs_load(struct probes *p, struct functions *f, const struct program_constants *constants)
{
	int err = 0;
	size_t i, n = 0;

	for (i = 0; i < f->n; i++)
		n += is_used(&f->v[i]);
	if (!n)
		return 0;
	p->programs = calloc(n, sizeof(*p->programs));
	if (!p->programs)
		return -ENOMEM;
	for (i = 0; i < f->n && !err; i++)
		if (is_used(&f->v[i]))
			err = program_load(p, &f->v[i], constants);
	return err;
}

/* --- attaching ---------------------------------------------------------------------------------------------------- */

static int program_link(struct probes *p, const struct bpf_program *prog)
{
	int fd = bpf_link_create(bpf_program__fd(prog), 0, bpf_program__expected_attach_type(prog), NULL);

	return fd < 0 ? -errno : probes_keep_fd(p, fd);
}

/* The return first: no entry is seen that waits for it in vain. */
static void program_attach(struct probes *p, struct function *fn, const struct bpf_object *object)
{
	int err = program_link(p, program_for(object, fn, true));

	if (!err)
		err = program_link(p, program_for(object, fn, false));
	fn->attached = fn->return_attached = !err;
	if (err) {
		fn->error = -err;
		fn->why = "the kernel refused the probe";
	}
}

void programs_attach(struct probes *p, struct functions *f)
{
	size_t i, n = 0;

	for (i = 0; i < f->n && n < p->nprograms; i++)
		if (is_used(&f->v[i]))
			program_attach(p, &f->v[i], p->programs[n++]);
}

void programs_free(struct probes *p)
{
	while (p->nprograms)
		bpf_object__close(p->programs[--p->nprograms]);
	free(p->programs);
	p->programs = NULL;
}
