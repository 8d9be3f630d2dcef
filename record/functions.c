// SPDX-License-Identifier: GPL-2.0
/*
 * functions.c - find every function that takes a packet: prototypes from BTF, addresses from kallsyms, and whether
 * it can be traced from ftrace's own list.
 *
 * A name may stand for several functions.  All of them are probed when all are traceable: pahole leaves a name out
 * of BTF when its prototypes differ, so the argument is at the same place in each.
 */
#include <bpf/btf.h>
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cookie.h"
#include "files.h"
#include "functions.h"
#include "pkttrace.h"

#define TRACEABLE "/sys/kernel/tracing/available_filter_functions"

/* The functions that ftrace can trace, as lines "name" or "name [module]", sorted. */
struct traceable {
	char **lines;
	size_t n;
	bool known;	/* false: the list cannot be read, so let the kernel decide */
};

struct finder {
	struct functions *f;
	const struct symbols *s;
	const struct function_choice *choice;
	struct traceable traceable;
};

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int traceable_load(struct traceable *t, char **text)
{
	char *line, *save = NULL;
	size_t size, room, i;

	if (file_read(TRACEABLE, text, &size))
		return 0;
	for (room = 1, i = 0; i < size; i++)
		room += (*text)[i] == '\n';
	t->lines = calloc(room, sizeof(*t->lines));
	if (!t->lines)
		return -ENOMEM;
	for (line = strtok_r(*text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		t->lines[t->n++] = line;
	qsort(t->lines, t->n, sizeof(*t->lines), compare_lines);
	t->known = t->n > 0;
	return 0;
}

/* How many functions of this name and module can be traced. */
static size_t traceable_count(const struct traceable *t, const char *name, const char *module)
{
	char key[256];
	size_t low = 0, high = t->n, count = 0;

	snprintf(key, sizeof(key), *module ? "%s [%s]" : "%s", name, module);
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(t->lines[mid], key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < t->n && !strcmp(t->lines[low], key); low++)
		count++;
	return count;
}

static bool is_pointer_to(const struct btf *btf, __u32 id, const char *name)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	while (t && (btf_is_const(t) || btf_is_volatile(t) || btf_is_restrict(t)))
		t = btf__type_by_id(btf, t->type);
	if (!t || !btf_is_ptr(t))
		return false;
	t = btf__type_by_id(btf, t->type);
	while (t && (btf_is_const(t) || btf_is_volatile(t) || btf_is_typedef(t)))
		t = btf__type_by_id(btf, t->type);
	return t && (btf_is_struct(t) || btf_is_fwd(t)) && !strcmp(btf__name_by_offset(btf, t->name_off), name);
}

/* Position of the sk_buff, 0 = none; *state tells whether a struct nf_hook_state * comes right after it. */
static __u32 prototype_arg(const struct btf *btf, const struct btf_type *func, bool *state)
{
	const struct btf_type *proto = btf__type_by_id(btf, func->type);
	const struct btf_param *p;
	__u32 i, count;

	if (!proto || !btf_is_func_proto(proto))
		return 0;
	p = btf_params(proto);
	count = btf_vlen(proto);
	for (i = 0; i < count && i < 5; i++) {
		if (!is_pointer_to(btf, p[i].type, "sk_buff"))
			continue;
		*state = i + 1 < count && i + 1 < 5 && is_pointer_to(btf, p[i + 1].type, "nf_hook_state");
		return i + 1;
	}
	return 0;
}

/* What schema/lineage.tsv says, as the programs want it. */
static uint32_t cookie_kin(const struct lineage *l)
{
	static const uint32_t whens[] = { [LINEAGE_TRUE] = KIN_TRUE, [LINEAGE_NONZERO] = KIN_NONZERO, [LINEAGE_ZERO] = KIN_ZERO,
		[LINEAGE_ENTRY] = KIN_ENTRY, [LINEAGE_INSIDE] = KIN_ENTRY };
	bool joins = l->kind == TRC_EDGE_MERGE || l->kind == TRC_EDGE_COALESCE || l->kind == TRC_EDGE_REASSEMBLE;

	return l->kind << COOKIE_KIN_SHIFT | l->child << COOKIE_CHILD_SHIFT | l->parent << COOKIE_PARENT_SHIFT |
	       whens[l->when] << COOKIE_WHEN_SHIFT | (whens[l->when] ? COOKIE_RETURN : 0) |
	       (joins ? COOKIE_KIN_JOINS : 0) | (l->when == LINEAGE_INSIDE ? COOKIE_KIN_INSIDE : 0);
}

static uint32_t cookie_for(const char *name, const char *flags, bool state, uint32_t arg)
{
	const struct lineage *l = lineage_of(name);
	uint32_t cookie = state ? COOKIE_STATE : 0;

	cookie |= l ? cookie_kin(l) : 0;
	cookie |= strchr(flags, 'd') ? COOKIE_BEGIN : 0;
	cookie |= strchr(flags, 't') ? COOKIE_TAIL : 0;
	cookie |= strchr(flags, 'e') ? COOKIE_END : 0;
	cookie |= strchr(flags, 'r') ? COOKIE_RETURN : 0;
	cookie |= strchr(flags, 'b') ? COOKIE_BORN : 0;
	return cookie ? cookie | arg << COOKIE_ARG_SHIFT : 0;
}

/* The functions that end a packet's life are always wanted: without them identities would merge. */
static bool is_wanted(const struct function_choice *choice, const char *name, const char *flags, uint32_t cookie)
{
	char *const *glob;

	if (cookie & (COOKIE_BEGIN | COOKIE_END))
		return true;
	if (choice->globs) {
		for (glob = choice->globs; *glob; glob++)
			if (!fnmatch(*glob, name, 0))
				return true;
		return false;
	}
	if (choice->profile == PROFILE_PATH)
		return strchr(flags, 'p');
	if (choice->profile == PROFILE_DROP)
		return cookie & (COOKIE_TAIL | COOKIE_RETURN);
	return true;
}

static struct function *function_add(struct functions *f)
{
	struct function *grown;

	if (!(f->n & (f->n - 1))) {	/* at each power of two */
		grown = realloc(f->v, (f->n ? f->n * 2 : 1) * sizeof(*grown));
		if (!grown)
			return NULL;
		f->v = grown;
	}
	memset(&f->v[f->n], 0, sizeof(*f->v));
	return &f->v[f->n++];
}

static const char *refusal(const struct finder *find, const char *name, const char *module, size_t symbols)
{
	size_t count;

	if (!symbols)
		return symbols_variant(find->s, name) ? "the compiler changed it: only a variant with a suffix exists" :
			"no symbol: inlined or not loaded";
	if (!find->traceable.known)
		return NULL;
	count = traceable_count(&find->traceable, name, module);
	if (!count)
		return "not traceable: notrace or inlined everywhere";
	return count < symbols ? "its name stands for several functions, not all of them traceable" : NULL;
}

/* One name of BTF may be several functions, or none. */
static int name_add(struct finder *find, const char *name, const char *module, uint32_t arg, bool state)
{
	const char *flags = knowledge_flags(name), *why;
	size_t count, i, same = 0;
	struct symbol **named = symbols_named(find->s, name, &count);
	struct function *fn;

	if (strchr(flags, 'x'))
		return 0;
	for (i = 0; i < count; i++)
		same += !strcmp(named[i]->module, module);
	why = refusal(find, name, module, same);
	for (i = 0; i < (count ? count : 1); i++) {
		if (same && strcmp(named[i]->module, module))
			continue;
		fn = function_add(find->f);
		if (!fn)
			return -ENOMEM;
		*fn = (struct function){
			.name = same ? named[i]->name : strdup(name),
			.module = same ? named[i]->module : strdup(module),
			.addr = same ? named[i]->addr : 0,
			.arg = arg,
			.cookie = cookie_for(name, flags, state, arg),
			.unique = count == 1,
			.error = !same ? ENOENT : why ? EOPNOTSUPP : 0,
			.why = why,
		};
		if (!fn->name || !fn->module)
			return -ENOMEM;
		fn->wanted = is_wanted(find->choice, name, flags, fn->cookie);
		if (!same)
			break;
	}
	return 0;
}

static int btf_scan(struct finder *find, const struct btf *btf, __u32 first, const char *module)
{
	const struct btf_type *t;
	__u32 i, arg, count = btf__type_cnt(btf);
	bool state;
	int err;

	for (i = first; i < count; i++) {
		t = btf__type_by_id(btf, i);
		if (!btf_is_func(t))
			continue;
		state = false;
		arg = prototype_arg(btf, t, &state);
		if (!arg)
			continue;
		err = name_add(find, btf__name_by_offset(btf, t->name_off), module, arg, state);
		if (err)
			return err;
	}
	return 0;
}

static int modules_scan(struct finder *find, struct btf *vmlinux)
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
		if (!btf)
			continue;	/* unloaded meanwhile, or built against another vmlinux */
		err = btf_scan(find, btf, btf__type_cnt(vmlinux), entry->d_name);
		btf__free(btf);
	}
	closedir(dir);
	return err;
}

static int compare_functions(const void *a, const void *b)
{
	const struct function *x = a, *y = b;

	if (!x->addr != !y->addr)
		return x->addr ? -1 : 1;
	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* Two names of one address are one function (aliases): the first stays. */
static void aliases_drop(struct functions *f)
{
	size_t i, kept = 0;

	for (i = 0; i < f->n; i++) {
		if (kept && f->v[i].addr && f->v[i].addr == f->v[kept - 1].addr)
			continue;
		f->v[kept++] = f->v[i];
	}
	f->n = kept;
}

int functions_find(struct functions *f, const struct symbols *s, const struct function_choice *choice)
{
	struct finder find = { .f = f, .s = s, .choice = choice };
	char *text = NULL;
	struct btf *btf;
	int err;

	memset(f, 0, sizeof(*f));
	btf = btf__load_vmlinux_btf();
	if (!btf)
		return -errno;
	err = traceable_load(&find.traceable, &text);
	if (!err)
		err = btf_scan(&find, btf, 1, "");
	if (!err)
		err = modules_scan(&find, btf);
	if (!err) {
		qsort(f->v, f->n, sizeof(*f->v), compare_functions);
		aliases_drop(f);
	}
	free(find.traceable.lines);
	free(text);
	btf__free(btf);
	if (err)
		functions_free(f);
	return err;
}

void functions_free(struct functions *f)
{
	size_t i;

	for (i = 0; i < f->n; i++) {
		if (f->v[i].addr)
			continue;	/* its names belong to the symbols */
		free((char *)f->v[i].name);
		free((char *)f->v[i].module);
	}
	free(f->v);
	memset(f, 0, sizeof(*f));
}
