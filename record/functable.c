// SPDX-License-Identifier: GPL-2.0
/*
 * functable.c - ids of functions in the recording, by address.
 *
 * Addresses become offsets from _stext, so that a recording does not tell where the kernel lies.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "functable.h"
#include "spool.h"

#define UNKNOWN_NAME "?"

struct entry {
	uint64_t addr;		/* beginning of the function */
	uint32_t id;
	UT_hash_handle hh;
};

/* What an address inside a function was resolved to; drops and stack frames come again and again. */
struct place {
	uint32_t offset;
	uint32_t id;
	UT_hash_handle hh;
};

struct functable {
	const struct symbols *symbols;
	struct spool *spool;
	struct entry *entries;
	struct place *places;
	uint32_t next_id;
};

static int entry_add(struct functable *t, uint64_t addr, struct trc_func *func)
{
	struct trc_record rec = { .kind = TRC_FUNC };
	struct entry *e = calloc(1, sizeof(*e));
	int err;

	if (!e)
		return -ENOMEM;
	func->id = t->next_id++;
	e->addr = addr;
	e->id = func->id;
	HASH_ADD(hh, t->entries, addr, sizeof(e->addr), e);
	rec.func = *func;
	err = spool_write(t->spool, &rec);
	return err;
}

static int place_add(struct functable *t, uint32_t offset, uint32_t id)
{
	struct place *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->offset = offset;
	p->id = id;
	HASH_ADD(hh, t->places, offset, sizeof(p->offset), p);
	return 0;
}

static int function_write(struct functable *t, const struct function *fn)
{
	struct trc_func func = {
		.name = fn->name,
		.module = fn->module,
		.offset = fn->addr ? (int64_t)(fn->addr - t->symbols->text_base) : 0,
		.arg = fn->arg,
		.flags = (fn->wanted ? TRC_FUNC_PROBED : 0) | (fn->attached ? TRC_FUNC_ATTACHED : 0) |
			 (fn->return_attached ? TRC_FUNC_RETURN : 0) | (fn->tracepoint ? TRC_FUNC_TRACEPOINT : 0) |
			 (!fn->program ? 0 : fn->program_xdp ? TRC_FUNC_XDP : TRC_FUNC_TC),
		.error = fn->error,
		.why = fn->why ? fn->why : "",
	};
	struct trc_record rec = { .kind = TRC_FUNC };
	uint32_t offset;
	int err;

	if (fn->addr) {
		offset = func.offset;
		if (fn->tracepoint || fn->program)
			func.offset = 0;
		err = entry_add(t, fn->addr, &func);
		return err ? err : place_add(t, offset, func.id);
	}
	func.id = t->next_id++;
	rec.func = func;
	return spool_write(t->spool, &rec);
}

int functable_open(struct functable **out, const struct functions *f, const struct symbols *s, struct spool *spool)
{
	struct functable *t = calloc(1, sizeof(*t));
	size_t i;
	int err = 0;

	*out = t;
	if (!t)
		return -ENOMEM;
	t->symbols = s;
	t->spool = spool;
	for (i = 0; i < f->n && !err; i++)
		if (f->v[i].wanted)
			err = function_write(t, &f->v[i]);
	return err;
}

void functable_free(struct functable *t)
{
	struct entry *e, *next_entry;
	struct place *p, *next_place;

	if (!t)
		return;
	HASH_ITER(hh, t->entries, e, next_entry) {
		HASH_DEL(t->entries, e);
		free(e);
	}
	HASH_ITER(hh, t->places, p, next_place) {
		HASH_DEL(t->places, p);
		free(p);
	}
	free(t);
}

/* Text lies within 2 GiB of _stext: kernel and modules share the upper half of their addresses. */
static uint64_t offset_addr(const struct functable *t, uint32_t offset)
{
	return t->symbols->text_base + (int64_t)(int32_t)offset;
}

static int resolve(struct functable *t, uint32_t offset, const struct symbol *sym, uint32_t *id)
{
	struct trc_func func = { .name = UNKNOWN_NAME, .module = "", .why = "" };
	uint64_t addr = sym ? sym->addr : 0;
	struct entry *e;
	int err = 0;

	HASH_FIND(hh, t->entries, &addr, sizeof(addr), e);
	if (e) {
		*id = e->id;
	} else {
		if (sym) {
			func.name = sym->name;
			func.module = sym->module;
			func.offset = addr - t->symbols->text_base;
		}
		err = entry_add(t, addr, &func);
		*id = func.id;
	}
	return err ? err : place_add(t, offset, *id);
}

int functable_at(struct functable *t, uint32_t offset, uint32_t *id)
{
	struct place *p;

	HASH_FIND(hh, t->places, &offset, sizeof(offset), p);
	if (p) {
		*id = p->id;
		return 0;
	}
	return resolve(t, offset, symbols_at(t->symbols, offset_addr(t, offset)), id);
}

static bool starts(const char *name, const char *with)
{
	return !strncmp(name, with, strlen(with));
}

/* The innermost frames may be the tracer's own. */
static bool is_tracer(const struct symbol *sym)
{
	return !sym || !strcmp(sym->module, "bpf") || starts(sym->name, "bpf_") || starts(sym->name, "__bpf_") ||
	       starts(sym->name, "ftrace_") || starts(sym->name, "fprobe_") || starts(sym->name, "kprobe_") ||
	       starts(sym->name, "perf_trace_") || starts(sym->name, "trace_call_bpf") || starts(sym->name, "__traceiter_");
}

/* From here on outwards the stack belongs to what was interrupted, not to the packet. */
static bool is_interrupt(const struct symbol *sym)
{
	return starts(sym->name, "do_softirq") || starts(sym->name, "__do_softirq") ||
	       starts(sym->name, "handle_softirqs") || starts(sym->name, "asm_common_interrupt") ||
	       starts(sym->name, "asm_sysvec_");
}

int functable_stack(struct functable *t, const uint32_t *offsets, uint32_t count, bool process, uint32_t *frames, uint32_t *kept)
{
	const struct symbol *sym;
	uint32_t i, offset;
	int err;

	*kept = 0;
	for (i = 0; i < count; i++) {
		/* a return address may be the first byte of the next function: the call is before it */
		offset = offsets[i] - (i ? 1 : 0);
		sym = symbols_at(t->symbols, offset_addr(t, offset));
		if (!*kept && is_tracer(sym))
			continue;
		err = functable_at(t, offset, &frames[*kept]);
		if (err)
			return err;
		(*kept)++;
		if (sym && !process && is_interrupt(sym))
			break;
	}
	return 0;
}
