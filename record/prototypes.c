// SPDX-License-Identifier: GPL-2.0
/*
 * prototypes.c - one pass over the types of each BTF: which functions have a packet among their first five arguments.
 *
 * What an argument's type is, is looked up once for each type and kept by its id.  A packet's own pointer is taken
 * where there is one; else schema/hidden.tsv says whether what the function takes leads to one.
 */
#include <bpf/btf.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "prototypes.h"
#include "types.h"

#define ARGS 5		/* that are passed in registers which a kprobe's program can read */

enum kind { KIND_UNKNOWN, KIND_OTHER, KIND_SKB, KIND_SKB_SKB, KIND_LIST, KIND_QUEUE, KIND_STATE, KIND_PKTINFO };

static const struct {
	const char *name;
	enum kind kind;
} structs[] = {
	{ "sk_buff", KIND_SKB }, { "list_head", KIND_LIST }, { "sk_buff_head", KIND_QUEUE },
	{ "nf_hook_state", KIND_STATE }, { "nft_pktinfo", KIND_PKTINFO },
};

static const struct btf_type *plain_type(const struct btf *btf, __u32 id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	while (t && (btf_is_const(t) || btf_is_volatile(t) || btf_is_restrict(t) || btf_is_typedef(t)))
		t = btf__type_by_id(btf, t->type);
	return t;
}

static enum kind kind_find(const struct btf *btf, __u32 id)
{
	const struct btf_type *t = plain_type(btf, id);
	const char *name;
	bool twice = false;
	size_t i;

	if (!t || !btf_is_ptr(t))
		return KIND_OTHER;
	t = plain_type(btf, t->type);
	if (t && btf_is_ptr(t)) {
		twice = true;
		t = plain_type(btf, t->type);
	}
	if (!t || !(btf_is_struct(t) || btf_is_fwd(t)))
		return KIND_OTHER;
	name = btf__name_by_offset(btf, t->name_off);
	for (i = 0; name && i < sizeof(structs) / sizeof(*structs); i++)
		if (!strcmp(name, structs[i].name))
			return !twice ? structs[i].kind : structs[i].kind == KIND_SKB ? KIND_SKB_SKB : KIND_OTHER;
	return KIND_OTHER;
}

static enum kind kind_of(struct prototypes *p, const struct btf *btf, __u32 id)
{
	if (id >= p->nkinds)
		return KIND_OTHER;
	if (!p->kinds[id])
		p->kinds[id] = kind_find(btf, id);
	return p->kinds[id];
}

static int prototype_keep(struct prototypes *p, const struct prototype *found)
{
	struct prototype *grown;

	if (!(p->n & (p->n - 1))) {	/* at each power of two */
		grown = realloc(p->v, (p->n ? p->n * 2 : 1) * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		p->v = grown;
	}
	p->v[p->n++] = *found;
	return 0;
}

static bool leads_to_packet(enum by by, enum kind kind)
{
	return by == BY_LIST ? kind == KIND_LIST : by == BY_REFERENCE && (kind == KIND_SKB_SKB || kind == KIND_PKTINFO);
}

/* No sk_buff among the arguments, but something near it. */
static int hidden_look(struct prototypes *p, struct prototype *found, const enum kind *kinds, __u32 count)
{
	const struct hidden *h = hidden_of(found->name);
	__u32 i;

	if (h && h->arg <= count && leads_to_packet(h->by, kinds[h->arg - 1])) {
		found->arg = h->arg;
		found->by = h->by;
		return prototype_keep(p, found);
	}
	for (i = 0; p->uncovered && i < count; i++) {
		if (kinds[i] == KIND_SKB_SKB)
			found->uncovered = "takes a struct sk_buff **, which may be set only when it returns";
		else if (kinds[i] == KIND_QUEUE)
			found->uncovered = "takes a queue: its packets are seen by themselves, where they come from and go to";
		else if (kinds[i] == KIND_LIST && strstr(found->name, "skb"))
			found->uncovered = "takes a list, of which it is not known that it has packets";
		else
			continue;
		found->arg = i + 1;
		return prototype_keep(p, found);
	}
	return 0;
}

static int function_look(struct prototypes *p, const struct btf *btf, const struct btf_type *func, const char *module)
{
	const struct btf_type *proto = btf__type_by_id(btf, func->type);
	struct prototype found = { .module = module };
	enum kind kinds[ARGS] = {};
	__u32 i, count;
	bool near = false;

	if (!proto || !btf_is_func_proto(proto))
		return 0;
	count = btf_vlen(proto);
	if (count > ARGS)
		count = ARGS;
	for (i = 0; i < count; i++) {
		kinds[i] = kind_of(p, btf, btf_params(proto)[i].type);
		near = near || (kinds[i] != KIND_OTHER && kinds[i] != KIND_STATE);
		if (kinds[i] == KIND_SKB)
			break;
	}
	if (!near)
		return 0;
	found.name = btf__name_by_offset(btf, func->name_off);
	if (i == count)
		return hidden_look(p, &found, kinds, count);
	found.arg = i + 1;
	found.state = i + 1 < count && kind_of(p, btf, btf_params(proto)[i + 1].type) == KIND_STATE;
	return prototype_keep(p, &found);
}

/* Takes over btf, if it is a module's. */
static int btf_look(struct prototypes *p, struct btf *btf, const char *module)
{
	__u32 first = p->nbtfs ? btf__type_cnt(p->btfs[0]) : 1, count = btf__type_cnt(btf), i;
	const struct btf_type *t;
	uint8_t *kinds;
	int err = 0;

	p->btfs[p->nbtfs] = btf;
	p->modules[p->nbtfs] = strdup(module);
	if (!p->modules[p->nbtfs++])
		return -ENOMEM;
	kinds = realloc(p->kinds, count);
	if (!kinds)
		return -ENOMEM;
	p->kinds = kinds;
	p->nkinds = count;
	memset(kinds + (first > 1 ? first : 0), KIND_UNKNOWN, count - (first > 1 ? first : 0));
	for (i = first; i < count && !err; i++) {
		t = btf__type_by_id(btf, i);
		if (btf_is_func(t))
			err = function_look(p, btf, t, p->modules[p->nbtfs - 1]);
	}
	return err;
}

static int room_make(struct prototypes *p)
{
	struct btf **btfs = realloc(p->btfs, (p->nbtfs + 1) * sizeof(*btfs));
	char **modules;

	if (!btfs)
		return -ENOMEM;
	p->btfs = btfs;
	modules = realloc(p->modules, (p->nbtfs + 1) * sizeof(*modules));
	if (!modules)
		return -ENOMEM;
	p->modules = modules;
	return 0;
}

static int modules_look(struct prototypes *p)
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
		err = room_make(p);
		btf = err ? NULL : btf__load_module_btf(entry->d_name, p->btfs[0]);
		if (btf)		/* else unloaded meanwhile, or built against another vmlinux */
			err = btf_look(p, btf, entry->d_name);
	}
	closedir(dir);
	return err;
}

int prototypes_load(struct prototypes *p, bool uncovered)
{
	struct btf *btf;
	int err;

	memset(p, 0, sizeof(*p));
	p->uncovered = uncovered;
	err = room_make(p);
	if (err)
		return err;
	btf = types_kernel();
	if (!btf)
		return -errno;
	err = btf_look(p, btf, "");
	return err ? err : modules_look(p);
}

void prototypes_free(struct prototypes *p)
{
	while (p->nbtfs--) {	/* modules' BTF stands on that of vmlinux, which is everybody's */
		if (p->nbtfs)
			btf__free(p->btfs[p->nbtfs]);
		free(p->modules[p->nbtfs]);
	}
	free(p->btfs);
	free(p->modules);
	free(p->kinds);
	free(p->v);
	memset(p, 0, sizeof(*p));
}
