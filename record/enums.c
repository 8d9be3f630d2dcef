// SPDX-License-Identifier: GPL-2.0
/*
 * enums.c - the running kernel's enums, read from its BTF: its numbers differ from version to version.
 *
 * Subsystems (Open vSwitch, mac80211) have drop reasons of their own since 6.4, in enums of their own, mostly in modules:
 * numbers from 65536 on, of which the upper half is the subsystem's.  They are written as what they are to a reader,
 * more values of enum skb_drop_reason.
 */
#include <bpf/btf.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "snapshot.h"
#include "types.h"

#define REASONS "skb_drop_reason"
#define SUBSYSTEM_REASONS 0x10000	/* SKB_DROP_REASON_SUBSYS_SHIFT is 16 */
#define BTF_FOLDER "/sys/kernel/btf"

static const char *const enums[] = { REASONS, "skb_drop_reason_subsys", "nf_inet_hooks", "nf_dev_hooks" };

/* The values from `least` on, under the name of a type. */
static int values_write(struct trc_writer *w, const struct btf *btf, const struct btf_type *t, const char *type, __s64 least)
{
	struct trc_record rec = { .kind = TRC_ENUM, .enumeration.type = type };
	const struct btf_enum *e = btf_enum(t);
	int i, err = 0;

	for (i = 0; i < btf_vlen(t) && !err; i++) {
		if (e[i].val < least)
			continue;
		rec.enumeration.name = btf__name_by_offset(btf, e[i].name_off);
		rec.enumeration.value = e[i].val;
		err = trc_write(w, &rec);
	}
	return err;
}

static bool ends_with(const char *name, const char *end)
{
	size_t length = strlen(name), end_length = strlen(end);

	return length >= end_length && !strcmp(name + length - end_length, end);
}

/* From type `first` on, every enum that by its name has drop reasons, but the kernel's main one. */
static int subsystems_write(struct trc_writer *w, const struct btf *btf, __u32 first)
{
	__u32 i, count = btf__type_cnt(btf);
	const struct btf_type *t;
	const char *name;
	int err = 0;

	for (i = first; i < count && !err; i++) {
		t = btf__type_by_id(btf, i);
		if (!btf_is_enum(t))
			continue;
		name = btf__name_by_offset(btf, t->name_off);
		if (name && strcmp(name, REASONS) && (ends_with(name, "drop_reason") || ends_with(name, "drop_reasons")))
			err = values_write(w, btf, t, REASONS, SUBSYSTEM_REASONS);
	}
	return err;
}

/* Few modules have any, so their BTF is not even parsed. */
static bool may_have_reasons(const char *module)
{
	char path[sizeof(BTF_FOLDER) + NAME_MAX + 2], *data;
	size_t size;
	bool found;

	snprintf(path, sizeof(path), BTF_FOLDER "/%s", module);
	if (file_read(path, &data, &size))
		return false;
	found = memmem(data, size, "drop_reason", strlen("drop_reason"));
	free(data);
	return found;
}

static int modules_write(struct trc_writer *w, struct btf *vmlinux)
{
	struct dirent *entry;
	struct btf *btf;
	int err = 0;
	DIR *dir;

	dir = opendir(BTF_FOLDER);
	if (!dir)
		return 0;
	while (!err && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || !strcmp(entry->d_name, "vmlinux") || !may_have_reasons(entry->d_name))
			continue;
		btf = btf__load_module_btf(entry->d_name, vmlinux);
		if (btf)		/* else unloaded meanwhile */
			err = subsystems_write(w, btf, btf__type_cnt(vmlinux));
		btf__free(btf);
	}
	closedir(dir);
	return err;
}

int snapshot_enums(struct trc_writer *w)
{
	struct btf *btf = types_kernel();
	size_t i;
	int id, err = 0;

	if (!btf)
		return -errno;
	for (i = 0; i < sizeof(enums) / sizeof(*enums) && !err; i++) {
		id = btf__find_by_name_kind(btf, enums[i], BTF_KIND_ENUM);
		if (id >= 0)		/* an older kernel does not have it: the numbers stay numbers */
			err = values_write(w, btf, btf__type_by_id(btf, id), enums[i], INT64_MIN);
	}
	err = err ? err : subsystems_write(w, btf, 1);
	err = err ? err : modules_write(w, btf);
	return err;
}
