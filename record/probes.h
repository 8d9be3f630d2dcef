/* SPDX-License-Identifier: GPL-2.0 */
/* probes.h - the BPF programs in the kernel: load, attach to functions by one of the backends, count, detach. */
#ifndef PKT_PROBES_H
#define PKT_PROBES_H

#include <bpf/libbpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "event.h"
#include "filter.h"
#include "functions.h"

enum backend {
	BACKEND_AUTO,
	BACKEND_KPROBE_MULTI,
	BACKEND_KPROBE,
	BACKEND_TRACEPOINT,
};

#define HOP_PROGRAMS 3		/* one for each argument position that is common; the others are special */

struct probes {
	struct bpf_object *object;
	bool direct;				/* its programs read memory by plain loads */
	struct bpf_program *hop[HOP_PROGRAMS];
	struct bpf_program *hop_special;	/* for functions with a cookie */
	struct bpf_program *hop_special1;	/* with the packet as first argument; NULL: there is no filter, or reading is slow */
	struct bpf_program *hop_list;		/* and for those that take lists */
	struct bpf_program *hop_return;
	struct bpf_program *hop_session;	/* entry and return of functions that have both; NULL: this kernel cannot */
	struct bpf_program *hop_session1;	/* as hop_special1 */
	struct bpf_program *hop_drop;
	enum backend backend;
	bool cookies;			/* of tracepoints: they share programs */
	bool frames;			/* of XDP programs are followed */
	uint32_t ncpus;			/* possible ones */
	uint32_t slot_shift;		/* each has a ring of 1 << slot_shift slots */
	/* shared with the programs; NULL before probes_load() */
	struct cpu_control *control;	/* [ncpus] */
	uint8_t *slots;			/* [ncpus << slot_shift][SLOT_BYTES] */
	struct program_state *state;
	struct bpf_link **links;
	size_t nlinks;
	int *fds;			/* links that libbpf does not know */
	size_t nfds;
	struct events *events;		/* kprobe backend; borrowed */
	struct bpf_object **programs;	/* one for each program of XDP or TC, with its number in order */
	size_t nprograms;
};

const char *backend_name(enum backend b);
/* Whether this kernel can: 0 or -errno of what refused. */
int backend_probe(enum backend b);

/* What the programs are loaded for; everything is borrowed until probes_load() returns. */
struct probes_plan {
	enum backend backend;
	struct events *events;			/* of the kprobe backend, to be defined until probes_attach() */
	struct functions *functions;		/* those that this kernel refuses programs for get an error */
	const struct symbols *symbols;
	struct filters *filters;
	struct program_constants constants;	/* those that are not the loader's own */
	uint32_t ring_bytes;			/* of each CPU, at most; 0 = as is usual */
	bool explained;				/* libbpf says why a program is refused; takes longer */
};

int probes_load(struct probes *p, const struct probes_plan *plan);	/* 0 or -errno */
/*
 * Attach to every wanted function that has no error yet; sets attached, return_attached, error and why in each.
 * 0 when anything was attached, else -errno.
 */
int probes_attach(struct probes *p, struct functions *f);
uint64_t probes_ring_bytes(const struct probes *p);	/* of each CPU */
/* Where memory is that a driver gave a packet as pages. */
int probes_pages(const struct probes *p, const struct symbols *symbols);
void probes_enable(struct probes *p, bool on);
/* Probe hits on which the kernel skipped the program (it was running already on that CPU). */
uint64_t probes_missed(const struct probes *p);
/* Slow (RCU): seconds for hundreds of kprobes.  Leaves nothing in the kernel but events. */
void probes_free(struct probes *p);
/* Have it done by a child in the background; false: there is none.  probes_free() is quick then. */
bool kprobe_leave(const struct probes *p);

/* for the backends */
#define ATTACH_KPROBE_SESSION 56	/* BPF_TRACE_KPROBE_SESSION: newer than our headers */
int probes_keep_link(struct probes *p, struct bpf_link *link);
int probes_keep_fd(struct probes *p, int fd);
struct bpf_program *probes_program(const struct probes *p, uint32_t arg, uint32_t cookie);
int multi_attach(struct probes *p, struct functions *f);
int kprobe_attach(struct probes *p, struct functions *f);
int tracepoints_probe(void);
void tracepoints_constants(const struct functions *f, const struct symbols *s, struct program_constants *constants);
void tracepoints_choose(struct probes *p, const struct functions *f);
int tracepoints_attach(struct probes *p, struct functions *f);
struct bpf_map *probes_section(const struct bpf_object *object, const char *name, size_t size);
bool programs_wanted(const struct functions *f, bool xdp);
int programs_load(struct probes *p, struct functions *f, const struct program_constants *constants);
void programs_attach(struct probes *p, struct functions *f);
void programs_free(struct probes *p);

#endif
