/* SPDX-License-Identifier: GPL-2.0 */
/*
 * filter.h - pcap-filter expressions in the kernel: compiled by libpcap, translated to eBPF, put into the programs.
 *
 *     filter_compile(&filters.packet, "udp port 53", ...)       --tunnel: filters.tunnel
 *     filters_install(&filters, NULL)                           before the object is opened
 *     bpf_object__open..., bpf_object__load                     the stubs of bpf/filter.h are replaced
 *     filters_uninstall(&filters); filters_free(&filters)       after it was loaded
 *
 * libpcap's own header is included by filter_compile.c only: its struct bpf_insn is another one than the kernel's.
 */
#ifndef PKT_FILTER_H
#define PKT_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "filter_translate.h"

struct bpf_program;
struct bpf_prog_load_opts;
struct btf;

#define FILTERS_ABSENT 4

/* One expression.  All zero: it was not given, and every packet passes. */
struct filter {
	char *expression;
	struct classic l2;	/* packets that begin with an Ethernet header */
	struct classic l3;	/* with an IP header; empty: the expression cannot hold there, no packet passes */
	bool vlan;		/* it asks for VLAN tags */
};

struct filters {
	struct filter packet;
	struct filter tunnel;	/* on the packet inside a tunnel */
	struct filter_access access;
	/* variables that BTF knows and the kernel finds no address for: their address becomes 0, as that of unknown ones */
	uint32_t absent[FILTERS_ABSENT];
	size_t nabsent;
	void *func_info;	/* of the program that is being loaded */
};

/* 0, or -1 with one line of what is wrong in error. */
int filter_compile(struct filter *f, const char *expression, char *error, size_t size);
/* The expression in a file (-F), comments made blank as tcpdump does: *text is yours.  0 or -1 as above. */
int filter_read_file(const char *path, char **text, char *error, size_t size);
void filter_free(struct filter *f);

/* The best way of reading packets that this kernel accepts; vmlinux may be NULL: then it is loaded for this. */
void filter_access_find(struct filter_access *a, const struct btf *vmlinux);

/*
 * From here on libbpf replaces the stubs in every program of a kind that the recorder uses (kprobe, raw_tp, fentry and
 * their like), in objects opened after it.  f->access is found unless it is set.  0 or -errno.  For one thread, and one
 * struct filters at a time.
 */
int filters_install(struct filters *f, const struct btf *vmlinux);
void filters_uninstall(struct filters *f);
void filters_free(struct filters *f);

/* What is installed: replace the stubs of one program that is about to be loaded.  0 or -errno. */
int filters_splice(struct filters *f, struct bpf_program *prog, struct bpf_prog_load_opts *opts);

#endif
