/* SPDX-License-Identifier: GPL-2.0 */
/*
 * verify.h - programs go to the kernel from several threads: its verifier takes most of the time of a start.
 *
 *     verify_begin(&v)            before bpf_object__load()
 *     verify_postpone(...)        when libbpf is about to load a program: one that does nothing is loaded in its place
 *     verify_finish(&v)           loads what was postponed, under the same descriptors; 0 or -errno
 */
#ifndef PKT_VERIFY_H
#define PKT_VERIFY_H

#include <stddef.h>

struct bpf_program;
struct bpf_prog_load_opts;
struct verify_job;

struct verify {
	struct verify_job *v;
	size_t n, next;
	int error;		/* of the first that failed */
};

void verify_begin(struct verify *v);
/* 0 or -errno.  Without a verify_begin() before, nothing happens. */
int verify_postpone(struct bpf_program *prog, struct bpf_prog_load_opts *opts);
int verify_finish(struct verify *v);
/* In any case. */
void verify_end(struct verify *v);

#endif
