// SPDX-License-Identifier: GPL-2.0
/*
 * verify.c - load programs from as many threads as there are processors.
 *
 * libbpf loads one program after the other.  Right before it loads one it lets a handler change it, and there the
 * program is complete: relocated, with the filters in it.  It is put aside, and libbpf gets one that does nothing.
 * Afterwards the true ones are loaded and each takes over the descriptor that libbpf knows.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "verify.h"

#define THREADS_MAX 16

struct verify_job {
	struct bpf_program *prog;
	struct bpf_insn *insns;
	size_t n;
	void *func_info;
	struct bpf_prog_load_opts opts;
};

/* libbpf's handler has no place for anything of the caller's. */
static struct verify *current;

void verify_begin(struct verify *v)
{
	memset(v, 0, sizeof(*v));
	current = v;
}

/* A function of a module is called by a descriptor that libbpf closes. */
static bool calls_module(const struct bpf_insn *insns, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (insns[i].code == (BPF_JMP | BPF_CALL) && insns[i].src_reg == BPF_PSEUDO_KFUNC_CALL && insns[i].off)
			return true;
	return false;
}

static void *copy(const void *from, size_t bytes)
{
	void *to = malloc(bytes ? bytes : 1);

	if (to && bytes)
		memcpy(to, from, bytes);
	return to;
}

static void job_free(struct verify_job *j)
{
	free(j->insns);
	free(j->func_info);
}

int verify_postpone(struct bpf_program *prog, struct bpf_prog_load_opts *opts)
{
	static const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	struct verify_job *grown, j = { .prog = prog, .n = bpf_program__insn_cnt(prog), .opts = *opts };

	if (!current || calls_module(bpf_program__insns(prog), j.n))
		return 0;
	grown = realloc(current->v, (current->n + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	current->v = grown;
	j.insns = copy(bpf_program__insns(prog), j.n * sizeof(*j.insns));
	j.func_info = copy(opts->func_info, (size_t)opts->func_info_cnt * opts->func_info_rec_size);
	if (!j.insns || !j.func_info) {
		job_free(&j);
		return -ENOMEM;
	}
	/* what belongs to libbpf may be gone by then */
	j.opts.func_info = j.func_info;
	j.opts.line_info = NULL;
	j.opts.line_info_cnt = 0;
	j.opts.fd_array = NULL;
	j.opts.log_buf = NULL;
	j.opts.log_size = j.opts.log_level = 0;
	current->v[current->n++] = j;
	opts->func_info_cnt = opts->line_info_cnt = 0;
	return bpf_program__set_insns(prog, (struct bpf_insn *)nothing, 2);
}

static int job_load(struct verify_job *j)
{
	int at = bpf_program__fd(j->prog), err = 0, fd;

	fd = bpf_prog_load(bpf_program__type(j->prog), bpf_program__name(j->prog), "GPL", j->insns, j->n, &j->opts);
	if (fd < 0)
		return -errno;
	if (dup3(fd, at, O_CLOEXEC) < 0)
		err = -errno;
	close(fd);
	return err;
}

static void *jobs_load(void *arg)
{
	struct verify *v = arg;
	size_t i;
	int err;

	while ((i = __atomic_fetch_add(&v->next, 1, __ATOMIC_RELAXED)) < v->n) {
		err = job_load(&v->v[i]);
		if (err)
			__atomic_store_n(&v->error, err, __ATOMIC_RELAXED);
	}
	return NULL;
}

static int compare_jobs(const void *a, const void *b)
{
	const struct verify_job *x = a, *y = b;

	return x->n > y->n ? -1 : x->n < y->n;
}

int verify_finish(struct verify *v)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN), i, n = 0;
	pthread_t threads[THREADS_MAX];

	if (v->n)	/* the longest first, so that none is left alone at the end */
		qsort(v->v, v->n, sizeof(*v->v), compare_jobs);
	for (i = 1; i < cpus && i < (long)v->n && n < THREADS_MAX; i++)
		n += !pthread_create(&threads[n], NULL, jobs_load, v);
	jobs_load(v);
	for (i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	return v->error;
}

void verify_end(struct verify *v)
{
	size_t i;

	for (i = 0; i < v->n; i++)
		job_free(&v->v[i]);
	free(v->v);
	if (current == v)
		current = NULL;
	memset(v, 0, sizeof(*v));
}
