// SPDX-License-Identifier: GPL-2.0
/*
 * probes.c - load the object, give it a ring for each CPU, and let a backend attach it.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cookie.h"
#include "embedded.h"
#include "pkttrace.h"
#include "probes.h"
#include "types.h"
#include "verify.h"

#define RING_BYTES (4u << 20)		/* of each CPU, unless there are so many that all take more than this: */
#define RINGS_BYTES (256u << 20)
#define SLOT_SHIFT_MIN 8	/* room for what nested programs may take at once, and some more */

const char *backend_name(enum backend b)
{
	switch (b) {
	case BACKEND_KPROBE_MULTI:
		return "kprobe-multi";
	case BACKEND_KPROBE:
		return "kprobe";
	case BACKEND_TRACEPOINT:
		return "tracepoint";
	default:
		return "auto";
	}
}

/* A program that does nothing: only trying tells what the kernel allows. */
static int nothing_load(enum bpf_prog_type type, const struct bpf_prog_load_opts *opts)
{
	const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(type, "pktrec_try", "GPL", nothing, 2, opts);

	return fd < 0 ? -errno : fd;
}

/* A link on a function that every kernel has (FPROBE). */
static int multi_probe(void)
{
	LIBBPF_OPTS(bpf_prog_load_opts, load, .expected_attach_type = BPF_TRACE_KPROBE_MULTI);
	LIBBPF_OPTS(bpf_link_create_opts, link);
	const char *syms[] = { "kfree_skbmem" };
	int prog, fd;

	prog = nothing_load(BPF_PROG_TYPE_KPROBE, &load);
	if (prog < 0)
		return prog;
	link.kprobe_multi.syms = syms;
	link.kprobe_multi.cnt = 1;
	fd = bpf_link_create(prog, 0, BPF_TRACE_KPROBE_MULTI, &link);
	if (fd < 0)
		fd = -errno;
	else
		close(fd);
	close(prog);
	return fd < 0 ? fd : 0;
}

int backend_probe(enum backend b)
{
	if (b == BACKEND_KPROBE_MULTI)
		return multi_probe();
	if (b == BACKEND_TRACEPOINT)
		return tracepoints_probe();
	return faccessat(AT_FDCWD, "/sys/kernel/tracing/kprobe_events", W_OK, AT_EACCESS) ? -errno : 0;
}

static void program_drop(struct bpf_program **prog)
{
	bpf_program__set_autoload(*prog, false);
	*prog = NULL;
}

static int hop_programs_find(struct probes *p, bool filtered)
{
	struct bpf_program *other;
	char name[24];
	int i;

	for (i = 0; i < HOP_PROGRAMS; i++) {
		snprintf(name, sizeof(name), "hop%s%d", filtered ? "_filtered" : "", i + 1);
		p->hop[i] = bpf_object__find_program_by_name(p->object, name);
		snprintf(name, sizeof(name), "hop%s%d", filtered ? "" : "_filtered", i + 1);
		other = bpf_object__find_program_by_name(p->object, name);
		if (!p->hop[i] || !other)
			return -ENOENT;
		program_drop(&other);
	}
	p->hop_special = bpf_object__find_program_by_name(p->object, "hop_special");
	p->hop_special1 = bpf_object__find_program_by_name(p->object, "hop_special1");
	p->hop_session1 = bpf_object__find_program_by_name(p->object, "hop_session1");
	p->hop_list = bpf_object__find_program_by_name(p->object, "hop_list");
	p->hop_return = bpf_object__find_program_by_name(p->object, "hop_return");
	p->hop_session = bpf_object__find_program_by_name(p->object, "hop_session");
	p->hop_drop = bpf_object__find_program_by_name(p->object, "hop_drop");
	return p->hop_special && p->hop_special1 && p->hop_session1 && p->hop_list && p->hop_return && p->hop_session && p->hop_drop ? 0 : -ENOENT;
}

/* The section of the programs' variables; libbpf shares its memory with the kernel in skeletons only. */
struct bpf_map *probes_section(const struct bpf_object *object, const char *name, size_t size)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object)
		if (strstr(bpf_map__name(map), name) && bpf_map__value_size(map) == size)
			return map;
	return NULL;
}

static int constants_set(struct probes *p, const struct program_constants *constants)
{
	struct bpf_map *map = probes_section(p->object, ".rodata", sizeof(*constants));

	return map ? bpf_map__set_initial_value(map, constants, sizeof(*constants)) : -ENOENT;
}

/* Memory that programs and recorder share: it needs no system call and no privilege to look at. */
static int shared_map(void **out, const struct bpf_map *map, size_t bytes)
{
	size_t page = sysconf(_SC_PAGESIZE);
	void *at;

	if (!map)
		return -ENOENT;
	at = mmap(NULL, (bytes + page - 1) / page * page, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
	if (at == MAP_FAILED)
		return -errno;
	*out = at;
	return 0;
}

static void shared_unmap(void *at, size_t bytes)
{
	if (at)
		munmap(at, bytes);
}

static size_t slots_bytes(const struct probes *p)
{
	return ((size_t)p->ncpus << p->slot_shift) * SLOT_BYTES;
}

static int memory_share(struct probes *p)
{
	int err;

	err = shared_map((void **)&p->state, probes_section(p->object, ".bss", sizeof(struct program_state)), sizeof(*p->state));
	if (!err)
		err = shared_map((void **)&p->control, bpf_object__find_map_by_name(p->object, "cpus"),
				 p->ncpus * sizeof(*p->control));
	if (!err)
		err = shared_map((void **)&p->slots, bpf_object__find_map_by_name(p->object, "slots"), slots_bytes(p));
	return err;
}

/* As large a power of two of slots as fits; the kernel counts all CPUs' slots in 32 bits. */
static int slot_shift(uint32_t *shift, uint32_t ring_bytes, uint32_t ncpus)
{
	if (!ring_bytes)
		ring_bytes = RINGS_BYTES / ncpus < RING_BYTES ? RINGS_BYTES / ncpus : RING_BYTES;
	*shift = SLOT_SHIFT_MIN;
	while ((2ULL << *shift) * SLOT_BYTES <= ring_bytes)
		(*shift)++;
	return (uint64_t)ncpus << *shift > UINT32_MAX ? -E2BIG : 0;
}

uint64_t probes_ring_bytes(const struct probes *p)
{
	return (uint64_t)SLOT_BYTES << p->slot_shift;
}

static bool kernel_has(const struct btf *btf, const char *kfunc)
{
	return btf__find_by_name_kind(btf, kfunc, BTF_KIND_FUNC) > 0;
}

/* The address of a variable in BTF is looked up among the symbols, where a kernel may have only functions. */
static bool variable_is_absent(uint32_t id)
{
	const struct bpf_insn uses[] = {
		{ .code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = BPF_REG_1, .src_reg = BPF_PSEUDO_BTF_ID, .imm = id },
		{},
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "pktrec_try", "GPL", uses, 4, NULL);

	if (fd < 0)
		return true;
	close(fd);
	return false;
}

/* Those of bpf/kernel.h. */
static void variables_try(const struct btf *btf, struct filters *f)
{
	static const char *const names[] = { "__preempt_count", "pcpu_hot" };
	size_t i;
	int id;

	f->nabsent = 0;
	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		id = btf__find_by_name_kind(btf, names[i], BTF_KIND_VAR);
		if (id > 0 && variable_is_absent(id))
			f->absent[f->nabsent++] = id;
	}
}

/* Only the programs of this backend are loaded. */
static void programs_choose(struct probes *p, const struct program_constants *constants, bool session)
{
	struct bpf_program *prog;
	bool kprobe, tracepoint;

	bpf_object__for_each_program(prog, p->object) {
		kprobe = !strcmp(bpf_program__section_name(prog), "kprobe");
		tracepoint = !strcmp(bpf_program__section_name(prog), "raw_tp");
		if (kprobe && p->backend == BACKEND_KPROBE_MULTI)
			bpf_program__set_expected_attach_type(prog, BPF_TRACE_KPROBE_MULTI);
		if ((kprobe && p->backend == BACKEND_TRACEPOINT) || tracepoint)
			bpf_program__set_autoload(prog, false);
	}
	bpf_program__set_expected_attach_type(p->hop_session, ATTACH_KPROBE_SESSION);
	bpf_program__set_expected_attach_type(p->hop_session1, ATTACH_KPROBE_SESSION);
	if (session)
		bpf_program__set_autoload(p->hop_return, false);
	else
		program_drop(&p->hop_session);
	if (!session || !constants->filtered)
		program_drop(&p->hop_session1);
	if (!p->direct || !constants->filtered)
		program_drop(&p->hop_special1);
}

static void maps_size(const struct probes *p)
{
	bpf_map__set_max_entries(bpf_object__find_map_by_name(p->object, "cpus"), p->ncpus);
	bpf_map__set_max_entries(bpf_object__find_map_by_name(p->object, "slots"), p->ncpus << p->slot_shift);
	bpf_map__set_max_entries(bpf_object__find_map_by_name(p->object, "scratches"), p->ncpus * 4);
}

/* What the small programs go on to. */
static int next_put(const struct probes *p, const char *map, const struct bpf_program *from, const struct bpf_program *to)
{
	__u32 index = 0, fd;

	if (!from || !bpf_program__autoload(from))
		return 0;
	fd = bpf_program__fd(to);
	return bpf_map__update_elem(bpf_object__find_map_by_name(p->object, map), &index, sizeof(index), &fd, sizeof(fd), BPF_ANY);
}

static int object_load(struct probes *p, const struct probes_plan *plan, const struct btf *btf, bool lists)
{
	struct program_constants constants = plan->constants;
	struct verify v = {};
	int err;

	err = slot_shift(&p->slot_shift, plan->ring_bytes, p->ncpus);
	if (err)
		return err;
	constants.slot_shift = p->slot_shift;
	p->frames = programs_wanted(plan->functions, true);
	constants.frame_edge = p->frames ? TRC_EDGE_REBUILD : 0;
	if (p->backend == BACKEND_TRACEPOINT)
		tracepoints_constants(plan->functions, plan->symbols, &constants);
	err = hop_programs_find(p, constants.filtered);
	if (!err)
		err = constants_set(p, &constants);
	if (err)
		return err;
	programs_choose(p, &constants, p->backend == BACKEND_KPROBE_MULTI && kernel_has(btf, "bpf_session_is_return"));	/* since 6.10 */
	if (p->backend == BACKEND_TRACEPOINT)
		tracepoints_choose(p, plan->functions);
	if (!lists)
		program_drop(&p->hop_list);
	maps_size(p);
	if (!plan->explained)
		verify_begin(&v);
	err = bpf_object__load(p->object);
	err = err ? err : verify_finish(&v);
	verify_end(&v);
	err = err ? err : next_put(p, "special_next", p->hop_special1, p->hop_special);
	err = err ? err : next_put(p, "session_next", p->hop_session1, p->hop_session);
	err = err ? err : programs_load(p, plan->functions, &constants);
	return err ? err : memory_share(p);
}

static int object_open(struct probes *p, const struct probes_plan *plan, const struct btf *btf, bool lists)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "hop");
	int err;

	if (p->direct)
		p->object = bpf_object__open_mem(embedded_hop_direct, embedded_hop_direct_end - embedded_hop_direct, &opts);
	else
		p->object = bpf_object__open_mem(embedded_hop_copied, embedded_hop_copied_end - embedded_hop_copied, &opts);
	if (!p->object)
		return -errno;
	err = object_load(p, plan, btf, lists);
	if (err) {
		bpf_object__close(p->object);
		p->object = NULL;
	}
	return err;
}

/*
 * The programs' frames together may have 512 bytes.  Where memory is read by copying, those of the list, a tunnel and a
 * large filter can be more: then lists are not followed, which is said of each function that takes one.
 */
int probes_load(struct probes *p, const struct probes_plan *plan)
{
	const struct btf *btf = types_kernel();
	int err;

	memset(p, 0, sizeof(*p));
	if (!btf)
		return -errno;
	p->backend = plan->backend;
	p->events = plan->events;
	p->ncpus = libbpf_num_possible_cpus();
	variables_try(btf, plan->filters);
	err = filters_install(plan->filters, btf);
	p->direct = plan->filters->access.load == FILTER_LOAD_DIRECT;
	if (!err)
		err = object_open(p, plan, btf, true);
	if (err && err != -EPERM && err != -ENOMEM && plan->constants.filtered && p->backend != BACKEND_TRACEPOINT)
		err = object_open(p, plan, btf, false);
	filters_uninstall(plan->filters);
	if (err)
		probes_free(p);
	return err;
}

int probes_keep_link(struct probes *p, struct bpf_link *link)
{
	struct bpf_link **grown = realloc(p->links, (p->nlinks + 1) * sizeof(*grown));

	if (!grown) {
		bpf_link__destroy(link);
		return -ENOMEM;
	}
	p->links = grown;
	p->links[p->nlinks++] = link;
	return 0;
}

int probes_keep_fd(struct probes *p, int fd)
{
	int *grown = realloc(p->fds, (p->nfds + 1) * sizeof(*grown));

	if (!grown) {
		close(fd);
		return -ENOMEM;
	}
	p->fds = grown;
	p->fds[p->nfds++] = fd;
	return 0;
}

/* What there is no program for in this recording is refused, and said. */
static void functions_refuse(const struct probes *p, struct functions *f)
{
	struct function *fn;
	size_t i;

	for (i = 0; i < f->n; i++) {
		fn = &f->v[i];
		if (!fn->wanted || fn->error || fn->tracepoint || fn->program || probes_program(p, fn->arg, fn->cookie))
			continue;
		fn->attached = false;
		fn->error = E2BIG;
		fn->why = "lists of packets are not followed: with this filter the program is too large for this kernel";
	}
}

static int backend_attach(struct probes *p, struct functions *f)
{
	switch (p->backend) {
	case BACKEND_KPROBE_MULTI:
		return multi_attach(p, f);
	case BACKEND_TRACEPOINT:
		return tracepoints_attach(p, f);
	default:
		return kprobe_attach(p, f);
	}
}

int probes_attach(struct probes *p, struct functions *f)
{
	struct bpf_link *link;
	int err;

	functions_refuse(p, f);
	link = bpf_program__attach(p->hop_drop);
	if (!link)
		return -errno;
	err = probes_keep_link(p, link);
	if (err)
		return err;
	err = backend_attach(p, f);
	if (!err)
		programs_attach(p, f);
	return err;
}

int probes_pages(const struct probes *p, const struct symbols *symbols)
{
	struct page_places places = { .page_offset_at = symbols->page_offset_base, .vmemmap_at = symbols->vmemmap_base };
	__u32 index = 0;

	if (!places.page_offset_at || !places.vmemmap_at)
		return 0;
	return bpf_map__update_elem(bpf_object__find_map_by_name(p->object, "pages"), &index, sizeof(index), &places,
				    sizeof(places), BPF_ANY);
}

void probes_enable(struct probes *p, bool on)
{
	__atomic_store_n(&p->state->enabled, on, __ATOMIC_RELEASE);
}

/* The program for a function that takes the sk_buff as argument `arg`. */
struct bpf_program *probes_program(const struct probes *p, uint32_t arg, uint32_t cookie)
{
	bool first = arg == 1 && !(cookie & COOKIE_REFERENCE);

	if (cookie & COOKIE_RETURN && p->hop_session)
		return first && p->hop_session1 ? p->hop_session1 : p->hop_session;
	if (cookie & COOKIE_LIST)
		return p->hop_list;
	/* a call that is not recorded is told to its return; a frame of XDP that is followed, to the sk_buff put around it */
	if (cookie && first && p->hop_special1 && !(cookie & COOKIE_RETURN) && !(cookie & COOKIE_AROUND && p->frames))
		return p->hop_special1;
	return cookie ? p->hop_special : p->hop[arg - 1];
}

static uint64_t program_missed(const struct bpf_program *prog)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	if (bpf_program__fd(prog) < 0 || bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &size))
		return 0;
	return info.recursion_misses;
}

uint64_t probes_missed(const struct probes *p)
{
	struct bpf_program *prog;
	uint64_t missed = 0;
	size_t i;

	bpf_object__for_each_program(prog, p->object)
		missed += program_missed(prog);
	for (i = 0; i < p->nprograms; i++)
		bpf_object__for_each_program(prog, p->programs[i])
			missed += program_missed(prog);
	return missed;
}

static void probes_detach(struct probes *p)
{
	size_t i;

	for (i = 0; i < p->nlinks; i++)
		bpf_link__destroy(p->links[i]);
	free(p->links);
	p->links = NULL;
	p->nlinks = 0;
	for (i = 0; i < p->nfds; i++)
		close(p->fds[i]);
	free(p->fds);
	p->fds = NULL;
	p->nfds = 0;
}

void probes_free(struct probes *p)
{
	probes_detach(p);
	shared_unmap(p->state, sizeof(*p->state));
	shared_unmap(p->control, p->ncpus * sizeof(*p->control));
	shared_unmap(p->slots, slots_bytes(p));
	programs_free(p);
	bpf_object__close(p->object);
	memset(p, 0, sizeof(*p));
}
