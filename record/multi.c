// SPDX-License-Identifier: GPL-2.0
/*
 * multi.c - the kprobe-multi backend: one link for each argument position, by address.
 *
 * The kernel refuses a link as a whole when one address is bad, so a refused set is halved until the bad ones stand
 * alone.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

#include "cookie.h"
#include "probes.h"

struct set {
	struct probes *p;
	struct functions *f;
	struct bpf_program *prog;
	bool retprobe;
	size_t *members;	/* indexes into f->v */
	unsigned long *addrs;
	__u64 *cookies;
	size_t n;
};

static void set_mark(struct set *s, size_t from, size_t n, int error)
{
	struct function *fn;
	size_t i;

	for (i = from; i < from + n; i++) {
		fn = &s->f->v[s->members[i]];
		if (error) {
			fn->error = error;
			fn->why = s->retprobe ? "the kernel refused the return probe" : "the kernel refused the probe";
		} else if (s->retprobe) {
			fn->return_attached = true;
		} else {
			fn->attached = true;
		}
	}
}

static int set_attach(struct set *s, size_t from, size_t n)
{
	LIBBPF_OPTS(bpf_kprobe_multi_opts, opts, .addrs = s->addrs + from, .cookies = s->cookies + from, .cnt = n,
		    .retprobe = s->retprobe);
	struct bpf_link *link;
	int err;

	if (!n)
		return 0;
	link = bpf_program__attach_kprobe_multi_opts(s->prog, NULL, &opts);
	if (link) {
		set_mark(s, from, n, 0);
		return probes_keep_link(s->p, link);
	}
	err = -errno;
	if (n == 1 || err == -EPERM || err == -EOPNOTSUPP || err == -ENOMEM) {
		set_mark(s, from, n, -err);
		return 0;
	}
	err = set_attach(s, from, n / 2);
	return err ? err : set_attach(s, from + n / 2, n - n / 2);
}

/* Those whose entry, or return, this program takes. */
static int set_build(struct set *s)
{
	const struct function *fn;
	size_t i;

	s->n = 0;
	for (i = 0; i < s->f->n; i++) {
		fn = &s->f->v[i];
		if (!fn->wanted || fn->error || !fn->addr)
			continue;
		if (s->retprobe ? !(fn->attached && fn->cookie & COOKIE_RETURN) :
				  probes_program(s->p, fn->arg, fn->cookie) != s->prog)
			continue;
		s->members[s->n] = i;
		s->addrs[s->n] = fn->addr;
		s->cookies[s->n++] = fn->cookie;
	}
	return set_attach(s, 0, s->n);
}

int multi_attach(struct probes *p, struct functions *f)
{
	struct set s = { .p = p, .f = f };
	size_t room = f->n ? f->n : 1, attached = 0, i;
	uint32_t arg;
	int err;

	s.members = calloc(room, sizeof(*s.members));
	s.addrs = calloc(room, sizeof(*s.addrs));
	s.cookies = calloc(room, sizeof(*s.cookies));
	if (!s.members || !s.addrs || !s.cookies) {
		err = -ENOMEM;
		goto out;
	}
	s.prog = p->hop_special;
	err = set_build(&s);
	s.prog = p->hop_list;
	if (!err)
		err = set_build(&s);
	for (arg = 1; !err && arg <= HOP_PROGRAMS; arg++) {
		s.prog = p->hop[arg - 1];
		err = set_build(&s);
	}
	s.prog = p->hop_return;
	s.retprobe = true;
	if (!err)
		err = set_build(&s);
	for (i = 0; i < f->n; i++)
		attached += f->v[i].attached;
	if (!err && !attached)
		err = -ENOENT;
out:
	free(s.members);
	free(s.addrs);
	free(s.cookies);
	return err;
}
