// SPDX-License-Identifier: GPL-2.0
/*
 * stacks.c - kernel stacks: kept once each, and cut to what they say of a packet.
 *
 * The innermost frames of a stack may be the recorder's own program: they are taken off.  The outermost ones of a softirq
 * that runs on top of a process belong to whatever that process was doing: they stay, but not as part of the call.
 */
#include <errno.h>
#include <string.h>

#include "model_private.h"

#define TRACER_FRAMES 4		/* so many, at most, lie between a tracepoint and the program that took the stack */

int frames_add(struct model *m, const struct trc_frames *f)
{
	struct model_private *v = m->priv;
	uint32_t *frames;

	if (!f->id || !f->count || f->count > TRC_STACK_MAX || map_get(v->stack_ids, f->id) != NONE)
		return 0;
	if (grow((void **)&m->stacks, m->nstacks, &v->stacks_room, sizeof(*m->stacks)))
		return -ENOMEM;
	frames = arena_alloc(&v->arena, f->count * sizeof(*frames));
	if (!frames)
		return -ENOMEM;
	memcpy(frames, f->frames, f->count * sizeof(*frames));
	m->stacks[m->nstacks++] = (struct stack){ .count = f->count, .call = f->count, .frames = frames };
	return map_put(v->stack_ids, f->id, m->nstacks - 1);
}

enum call call_of(const char *name)
{
	if (!strncmp(name, "do_softirq", 10) || strstr(name, "_softirq"))
		return CALL_SOFTIRQ;
	if (strstr(name, "_sys_") || !strcmp(name, "do_syscall_64") || !strcmp(name, "el0_svc"))
		return CALL_SYSCALL;
	if (!strncmp(name, "bpf_trace_run", 13) || !strncmp(name, "__bpf_trace_", 12) || !strncmp(name, "__traceiter_", 12))
		return CALL_TRACER;
	return CALL_NEITHER;
}

bool function_is_softirq(const char *name)
{
	return call_of(name) == CALL_SOFTIRQ;
}

void stacks_trim(struct model *m, size_t from)
{
	const uint8_t *calls = m->priv->calls;
	uint32_t k, own;
	struct stack *s;

	for (; from < m->nstacks; from++) {
		s = &m->stacks[from];
		/* what lies inside the last of the tracer's frames is the tracer's too, whatever symbol it was given */
		for (k = own = 0; k < TRACER_FRAMES && k < s->count; k++)
			if (calls[s->frames[k]] == CALL_TRACER)
				own = k + 1;
		s->frames += own;
		s->count -= own;
		for (s->call = 0; s->call < s->count && calls[s->frames[s->call]] != CALL_SOFTIRQ; )
			s->call++;
	}
}
