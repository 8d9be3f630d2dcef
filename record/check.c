// SPDX-License-Identifier: GPL-2.0
/*
 * check.c - the table of requirements {what, how to find out, how to fix}.
 *
 * A row is looked at only when those before it hold, as each needs them; the order is that of the causes.
 */
#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "files.h"

struct finding {
	enum backend wanted, backend;
	char found[160];	/* what is there, or what is wrong */
	const char *fix;	/* when wrong */
};

struct requirement {
	const char *what;
	bool (*holds)(struct finding *f);
};

static void found(struct finding *f, const char *text)
{
	snprintf(f->found, sizeof(f->found), "%s", text);
}

static bool has_capabilities(struct finding *f)
{
	static const struct { int cap; const char *name; } needed[] = {
		{ CAP_BPF, "CAP_BPF" }, { CAP_PERFMON, "CAP_PERFMON" },
		{ CAP_SYSLOG, "CAP_SYSLOG" }, { CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH" },
	};
	size_t i, used = 0;

	f->fix = "run as root (sudo pktrec ...)";
	capng_get_caps_process();
	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN)) {
		found(f, "CAP_SYS_ADMIN");
		return true;
	}
	for (i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		if (!capng_have_capability(CAPNG_EFFECTIVE, needed[i].cap))
			used += snprintf(f->found + used, sizeof(f->found) - used, "%s%s", used ? ", " : "missing ",
					 needed[i].name);
	if (!used)
		found(f, "CAP_BPF and CAP_PERFMON");
	return !used;
}

static bool has_btf(struct finding *f)
{
	f->fix = "use a kernel built with CONFIG_DEBUG_INFO_BTF=y (every Debian kernel since 11 is)";
	if (access("/sys/kernel/btf/vmlinux", R_OK)) {
		found(f, "this kernel has no BTF (/sys/kernel/btf/vmlinux)");
		return false;
	}
	found(f, "/sys/kernel/btf/vmlinux");
	return true;
}

/* Hidden addresses read as zero on every line; a few lines may be zero anyway (per-CPU offsets on x86). */
static bool has_addresses(struct finding *f)
{
	static char text[65536];
	int fd = open("/proc/kallsyms", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	const char *line;

	if (fd >= 0)
		close(fd);
	f->fix = "run as root, or sysctl kernel.kptr_restrict=1 or 0";
	if (n <= 0) {
		found(f, "/proc/kallsyms cannot be read");
		return false;
	}
	text[n] = 0;
	for (line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strspn(line, "0") < strcspn(line, " ")) {
			found(f, "/proc/kallsyms with addresses");
			return true;
		}
	}
	found(f, "/proc/kallsyms hides its addresses (all zero)");
	return false;
}

static bool is_unlocked(struct finding *f)
{
	char *text;
	bool locked;

	f->fix = "boot without lockdown=confidentiality (or without Secure Boot)";
	if (file_read("/sys/kernel/security/lockdown", &text, NULL)) {
		found(f, "no lockdown");
		return true;
	}
	locked = strstr(text, "[confidentiality]");
	free(text);
	found(f, locked ? "tracing is refused: the kernel is locked down (confidentiality)" : "not locked down");
	return !locked;
}

static bool has_kprobes(struct finding *f)
{
	if (f->wanted == BACKEND_TRACEPOINT)
		return true;
	f->fix = "record on another kernel, or in a virtual machine as `make demo` does";
	if (access("/sys/bus/event_source/devices/kprobe/type", F_OK)) {
		found(f, "this kernel has no kprobes (CONFIG_KPROBES)");
		return false;
	}
	found(f, "CONFIG_KPROBES");
	return true;
}

static bool has_tracefs(struct finding *f)
{
	if (f->wanted == BACKEND_TRACEPOINT)
		return true;
	f->fix = "mount -t tracefs tracefs /sys/kernel/tracing";
	if (!access("/sys/kernel/tracing/trace", F_OK)) {
		found(f, "/sys/kernel/tracing");
		return true;
	}
	if (errno == EACCES || errno == EPERM) {
		found(f, "tracing is refused: no access to /sys/kernel/tracing");
		f->fix = "run as root";
	} else {
		found(f, "tracefs is not mounted on /sys/kernel/tracing");
	}
	return false;
}

static bool has_backend(struct finding *f)
{
	int multi = backend_probe(BACKEND_KPROBE_MULTI), single = backend_probe(BACKEND_KPROBE);
	int wanted = f->wanted == BACKEND_TRACEPOINT ? backend_probe(f->wanted) : f->wanted == BACKEND_KPROBE ? single : multi;

	if (f->wanted == BACKEND_AUTO)
		f->backend = !multi ? BACKEND_KPROBE_MULTI : !single ? BACKEND_KPROBE : BACKEND_AUTO;
	else
		f->backend = !wanted ? f->wanted : BACKEND_AUTO;
	if (f->backend != BACKEND_AUTO) {
		found(f, backend_name(f->backend));
		return true;
	}
	if (!single) {
		found(f, "this kernel has no kprobe-multi (CONFIG_FPROBE)");
		f->fix = "use --backend kprobe";
	} else {
		snprintf(f->found, sizeof(f->found), "tracing is refused by the kernel (%s)", strerror(-wanted));
		f->fix = "run as root; in a container, add CAP_BPF and CAP_PERFMON";
	}
	return false;
}

static const struct requirement requirements[] = {
	{ "capabilities", has_capabilities },
	{ "types of the kernel", has_btf },
	{ "symbols", has_addresses },
	{ "lockdown", is_unlocked },
	{ "kprobes", has_kprobes },
	{ "tracefs", has_tracefs },
	{ "backend", has_backend },
};

#define REQUIREMENTS (sizeof(requirements) / sizeof(*requirements))

int check_requirements(enum backend wanted, enum backend *backend, char *error, size_t size)
{
	struct finding f = { .wanted = wanted };
	size_t i;

	for (i = 0; i < REQUIREMENTS; i++) {
		if (requirements[i].holds(&f))
			continue;
		snprintf(error, size, "%s; %s", f.found, f.fix);
		return -1;
	}
	*backend = f.backend;
	return 0;
}

int check_print(FILE *out, enum backend wanted)
{
	struct finding f = { .wanted = wanted };
	bool good = true, holds;
	size_t i;

	fprintf(out, "%-20s %-9s %s\n", "requirement", "", "found, and how to fix");
	for (i = 0; i < REQUIREMENTS; i++) {
		f.found[0] = 0;
		holds = requirements[i].holds(&f);
		fprintf(out, "%-20s %-9s %s%s%s\n", requirements[i].what, holds ? "ok" : "MISSING", f.found,
			holds ? "" : "; ", holds ? "" : f.fix);
		good = good && holds;
	}
	return good ? 0 : -1;
}
