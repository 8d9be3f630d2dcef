// SPDX-License-Identifier: GPL-2.0
/*
 * functions.c - find every function that takes a packet: prototypes from BTF (prototypes.c), addresses from kallsyms
 * (symbols.c), whether it can be traced from ftrace's own list (traceable.c), and what schema/ knows beyond that.
 *
 * A name may stand for several functions.  All of them are probed when all are traceable: pahole leaves a name out
 * of BTF when its prototypes differ, so the argument is at the same place in each.  It leaves out the compiler's
 * variants as well: for those schema/hidden.tsv has the argument.
 */
#include <errno.h>
#include <fnmatch.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cookie.h"
#include "functions.h"
#include "pkttrace.h"
#include "probes.h"
#include "prototypes.h"
#include "traceable.h"

#define KALLSYMS "/proc/kallsyms"
#define TRACEABLE "/sys/kernel/tracing/available_filter_functions"
#define NAME_BYTES 512		/* the kernel's own limit, and its NUL */

struct finder {
	struct functions *f;
	struct symbols *s;
	const struct function_choice *choice;
	struct traceable traceable;
	struct prototypes prototypes;
	int symbols_error, traceable_error;
};

/* What schema/lineage.tsv says, as the programs want it. */
static uint32_t cookie_kin(const struct lineage *l)
{
	static const uint32_t whens[] = { [LINEAGE_TRUE] = KIN_TRUE, [LINEAGE_NONZERO] = KIN_NONZERO, [LINEAGE_ZERO] = KIN_ZERO,
		[LINEAGE_ENTRY] = KIN_ENTRY, [LINEAGE_AFTER] = KIN_AFTER, [LINEAGE_CHAINED] = KIN_CHAINED,
		[LINEAGE_INSIDE] = KIN_ENTRY };
	bool joins = l->kind == TRC_EDGE_MERGE || l->kind == TRC_EDGE_COALESCE || l->kind == TRC_EDGE_REASSEMBLE;

	return l->kind << COOKIE_KIN_SHIFT | l->child << COOKIE_CHILD_SHIFT | l->parent << COOKIE_PARENT_SHIFT |
	       whens[l->when] << COOKIE_WHEN_SHIFT | (whens[l->when] ? COOKIE_RETURN : 0) |
	       (joins ? COOKIE_KIN_JOINS : 0) | (l->when == LINEAGE_INSIDE ? COOKIE_KIN_INSIDE : 0);
}

static uint32_t cookie_for(const char *name, const char *flags, const struct function *fn, bool state)
{
	const struct lineage *l = lineage_of(name);
	uint32_t cookie = state ? COOKIE_STATE : 0;

	cookie |= l ? cookie_kin(l) : 0;
	cookie |= strchr(flags, 'd') ? COOKIE_BEGIN : 0;
	cookie |= strchr(flags, 't') ? COOKIE_TAIL : 0;
	cookie |= strchr(flags, 'e') ? COOKIE_END : 0;
	cookie |= strchr(flags, 'r') ? COOKIE_RETURN : 0;
	cookie |= strchr(flags, 'b') ? COOKIE_BORN : 0;
	cookie |= strchr(flags, 'a') ? COOKIE_AROUND : 0;
	cookie |= fn->by == BY_REFERENCE ? COOKIE_REFERENCE : fn->by == BY_LIST ? COOKIE_LIST : 0;
	cookie |= fn->verify ? COOKIE_VERIFY : 0;
	return cookie || fn->arg > HOP_PROGRAMS ? cookie | fn->arg << COOKIE_ARG_SHIFT : 0;
}

/* The functions that end a packet's life or begin one are always wanted: without them identities would merge. */
static bool is_wanted(const struct function_choice *choice, const char *name, const char *flags, uint32_t cookie)
{
	char *const *glob;

	if (cookie & (COOKIE_BEGIN | COOKIE_END | COOKIE_BORN) || COOKIE_KIN(cookie))
		return true;
	if (choice->globs) {
		for (glob = choice->globs; *glob; glob++)
			if (!fnmatch(*glob, name, 0))
				return true;
		return false;
	}
	if (choice->profile == PROFILE_PATH)
		return strchr(flags, 'p') || lineage_of(name);
	if (choice->profile == PROFILE_DROP)
		return cookie & (COOKIE_TAIL | COOKIE_RETURN);
	return true;
}

struct function *functions_add(struct functions *f)
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

/* How many symbols have this name, and how many of them are in this module. */
static size_t symbols_count(const struct symbols *s, const char *name, const char *module, size_t *same)
{
	const struct symbol *sym = NULL;
	size_t count = 0;

	for (*same = 0; (sym = symbols_named(s, name, sym)); count++)
		*same += !strcmp(sym->module, module);
	return count;
}

/* Why a name of which there are so many symbols in its module cannot be probed; NULL: it can. */
static const char *refusal(const struct finder *find, const char *name, const char *module, size_t same)
{
	size_t count;

	if (!same)
		return "no symbol: inlined or not loaded";
	if (!find->traceable.known)
		return NULL;
	count = traceable_count(&find->traceable, name, module);
	if (!count)
		return "not traceable: notrace or inlined everywhere";
	return count < same ? "its name stands for several functions, not all of them traceable" : NULL;
}

/* Without a symbol the names are a copy. */
static int missing_add(struct finder *find, const struct function *like, const char *name, const char *module)
{
	struct function *fn = functions_add(find->f);

	if (!fn)
		return -ENOMEM;
	*fn = *like;
	fn->error = like->error ? like->error : ENOENT;
	fn->name = strdup(name);
	fn->module = strdup(module);
	return fn->name && fn->module ? 0 : -ENOMEM;
}

/* One symbol's name may be several functions, or none. */
static int name_add(struct finder *find, const char *name, const char *module, struct function like, bool state)
{
	const struct symbol *sym = NULL;
	char base[NAME_BYTES];
	const char *flags;
	struct function *fn;
	size_t count, same;

	snprintf(base, sizeof(base), "%.*s", (int)strcspn(name, "."), name);
	flags = knowledge_flags(base);
	if (strchr(flags, 'x'))
		return 0;
	count = symbols_count(find->s, name, module, &same);
	if (!like.why) {
		like.why = refusal(find, name, module, same);
		like.error = !like.why ? 0 : same ? EOPNOTSUPP : ENOENT;
		like.cookie = cookie_for(base, flags, &like, state);
		like.wanted = is_wanted(find->choice, base, flags, like.cookie);
	}
	like.unique = count == 1;
	if (!same)
		return missing_add(find, &like, name, module);
	while ((sym = symbols_named(find->s, name, sym))) {
		if (strcmp(sym->module, module))
			continue;
		fn = functions_add(find->f);
		if (!fn)
			return -ENOMEM;
		*fn = like;
		fn->name = sym->name;
		fn->module = sym->module;
		fn->addr = sym->addr;
	}
	return 0;
}

/*
 * A prototype of which only variants are left, as newer pahole lists them: where its argument is now is not known for
 * sure, so it has to prove itself.  Those in schema/hidden.tsv come from there.
 */
static int prototype_variants_add(struct finder *find, const struct prototype *p)
{
	const struct symbol *sym = NULL;
	bool found = false;
	int err = 0;

	while (!err && (sym = symbols_variant(find->s, p->name, sym))) {
		if (strcmp(sym->module, p->module) || strstr(sym->name, ".cold"))
			continue;
		found = true;
		if (!hidden_of(sym->name))
			err = name_add(find, sym->name, sym->module, (struct function){
				.arg = p->arg, .by = p->by, .verify = true,
			}, p->state);
	}
	return err ? err : found;
}

static int prototypes_add(struct finder *find)
{
	const struct prototype *p;
	size_t same, i;
	int err = 0;

	for (i = 0; i < find->prototypes.n && err >= 0; i++) {
		p = &find->prototypes.v[i];
		symbols_count(find->s, p->name, p->module, &same);
		err = same || p->uncovered ? 0 : prototype_variants_add(find, p);
		if (!err)
			err = name_add(find, p->name, p->module, (struct function){
				.arg = p->arg, .by = p->uncovered ? BY_NOTHING : p->by, .why = p->uncovered,
				.error = p->uncovered ? EOPNOTSUPP : 0,
			}, p->state);
	}
	return err < 0 ? err : 0;
}

/* Every variant that one row of schema/hidden.tsv fits, unless an earlier row does. */
static int variants_add(struct finder *find, const struct hidden *row)
{
	const struct symbol *sym = NULL;
	char base[NAME_BYTES];
	int err = 0;

	snprintf(base, sizeof(base), "%.*s", (int)strcspn(row->name, "."), row->name);
	while (!err && (sym = symbols_variant(find->s, base, sym)))
		if (hidden_of(sym->name) == row)
			err = name_add(find, sym->name, sym->module, (struct function){
				.arg = row->arg, .by = row->by, .verify = row->verify,
			}, false);
	return err;
}

static int hidden_add(struct finder *find)
{
	const struct hidden *rows;
	size_t i, n;
	int err = 0;

	rows = hidden_rows(&n);
	for (i = 0; i < n && !err; i++)
		if (strchr(rows[i].name, '.'))
			err = variants_add(find, &rows[i]);
	return err;
}

/* Variants that are traceable and by their name take packets, but whose arguments nobody knows. */
static int uncovered_add(struct finder *find)
{
	char base[NAME_BYTES];
	const char *dot;
	size_t i;
	int err = 0;

	for (i = 0; i < find->s->n && !err; i++) {
		const struct symbol *sym = &find->s->by_addr[i];

		dot = strchr(sym->name, '.');
		if (!dot || hidden_of(sym->name) || !traceable_count(&find->traceable, sym->name, sym->module))
			continue;
		snprintf(base, sizeof(base), "%.*s", (int)(dot - sym->name), sym->name);
		if ((strstr(base, "skb") || knowledge_names(base)) && !symbols_named(find->s, base, NULL))
			err = name_add(find, sym->name, sym->module, (struct function){
				.by = BY_NOTHING, .why = "the compiler changed its arguments, and BTF does not tell how", .error = EOPNOTSUPP,
			}, false);
	}
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

static void *symbols_thread(void *arg)
{
	struct finder *find = arg;

	find->symbols_error = symbols_load(find->s, KALLSYMS);
	return NULL;
}

static void *traceable_thread(void *arg)
{
	struct finder *find = arg;

	find->traceable_error = traceable_load(&find->traceable, TRACEABLE);
	return NULL;
}

/* Three slow sources at once: the kernel takes most of the time to write its lists. */
static int sources_load(struct finder *find, const char **where)
{
	pthread_t symbols, traceable;
	bool s, t;
	int err;

	s = !pthread_create(&symbols, NULL, symbols_thread, find);
	t = !pthread_create(&traceable, NULL, traceable_thread, find);
	*where = "/sys/kernel/btf";
	err = prototypes_load(&find->prototypes, find->choice->uncovered);
	if (s)
		pthread_join(symbols, NULL);
	else
		symbols_thread(find);
	if (t)
		pthread_join(traceable, NULL);
	else
		traceable_thread(find);
	if (find->symbols_error) {
		*where = KALLSYMS;
		return find->symbols_error;
	}
	return err ? err : find->traceable_error;
}

int functions_find(struct functions *f, struct symbols *s, const struct function_choice *choice, const char **where)
{
	struct finder find = { .f = f, .s = s, .choice = choice };
	int err;

	memset(f, 0, sizeof(*f));
	memset(s, 0, sizeof(*s));
	err = sources_load(&find, where);
	if (!err)
		err = prototypes_add(&find);
	if (!err)
		err = hidden_add(&find);
	if (!err && choice->uncovered)
		err = uncovered_add(&find);
	if (!err) {
		qsort(f->v, f->n, sizeof(*f->v), compare_functions);
		aliases_drop(f);
	}
	traceable_free(&find.traceable);
	prototypes_free(&find.prototypes);
	if (err)
		functions_free(f);
	return err;
}

int functions_join(struct functions *f, struct functions *from)
{
	struct function *fn;
	size_t i;

	for (i = 0; i < from->n; i++) {
		fn = functions_add(f);
		if (!fn)
			return -ENOMEM;
		*fn = from->v[i];
	}
	free(from->v);
	memset(from, 0, sizeof(*from));
	return 0;
}

void functions_free(struct functions *f)
{
	size_t i;

	for (i = 0; i < f->n; i++) {
		if (f->v[i].tracepoint || f->v[i].program)
			free((char *)f->v[i].name);
		if (f->v[i].addr)
			continue;	/* its names belong to the symbols */
		free((char *)f->v[i].name);
		free((char *)f->v[i].module);
	}
	free(f->v);
	memset(f, 0, sizeof(*f));
}
