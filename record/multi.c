// SPDX-License-Identifier: GPL-2.0
/*
 * multi.c - the kprobe-multi backend: one link for each argument position, by address.
 *
 * The kernel refuses a link as a whole when one address is bad, so a refused set is halved until the bad ones stand
 * alone.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

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

static void set_mark(struct set *s, size_t from, size_t n, int error, bool session)
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
			fn->return_attached = session;
		}
	}
}

/* As the system call has it: libbpf refuses kinds of links that came after it. */
static int link_create(const struct set *s, size_t from, size_t n, bool session)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.link_create.prog_fd = bpf_program__fd(s->prog);
	attr.link_create.attach_type = session ? ATTACH_KPROBE_SESSION : BPF_TRACE_KPROBE_MULTI;
	attr.link_create.kprobe_multi.flags = s->retprobe ? BPF_F_KPROBE_MULTI_RETURN : 0;
	attr.link_create.kprobe_multi.cnt = n;
	attr.link_create.kprobe_multi.addrs = (uintptr_t)(s->addrs + from);
	attr.link_create.kprobe_multi.cookies = (uintptr_t)(s->cookies + from);
	return syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
}

static int set_attach(struct set *s, size_t from, size_t n)
{
	bool session = s->prog == s->p->hop_session || s->prog == s->p->hop_session1;
	int fd, err;

	if (!n)
		return 0;
	fd = link_create(s, from, n, session);
	if (fd >= 0) {
		set_mark(s, from, n, 0, session);
		return probes_keep_fd(s->p, fd);
	}
	err = -errno;
	if (n == 1 || err == -EPERM || err == -EOPNOTSUPP || err == -ENOMEM) {
		set_mark(s, from, n, -err, session);
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

	if (!s->prog)
		return 0;
	s->n = 0;
	for (i = 0; i < s->f->n; i++) {
		fn = &s->f->v[i];
		if (!fn->wanted || fn->error || !fn->addr || fn->program)
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
	struct bpf_program *const programs[] = { p->hop_special, p->hop_special1, p->hop_list, p->hop_session, p->hop_session1,
						 p->hop[0], p->hop[1], p->hop[2] };
	struct set s = { .p = p, .f = f };
	size_t room = f->n ? f->n : 1, attached = 0, i;
	int err = 0;

	s.members = calloc(room, sizeof(*s.members));
	s.addrs = calloc(room, sizeof(*s.addrs));
	s.cookies = calloc(room, sizeof(*s.cookies));
	if (!s.members || !s.addrs || !s.cookies) {
		err = -ENOMEM;
		goto out;
	}
	for (i = 0; !err && i < sizeof(programs) / sizeof(*programs); i++) {
		s.prog = programs[i];
		err = set_build(&s);
	}
	s.prog = p->hop_return;
	s.retprobe = true;
	if (!err && !p->hop_session)
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
