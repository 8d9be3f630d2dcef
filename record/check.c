// SPDX-License-Identifier: GPL-2.0
/*
 * check.c - the table of requirements {what, which backends need it, how to find out, how to fix}.
 *
 * A backend works when all of its rows hold.  The order of the rows is that of the causes: the first one that does not
 * hold is what a backend fails for, and those behind it may fail for the same reason.
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

#define FOR(backend) (1u << (backend))
#define FOR_MULTI FOR(BACKEND_KPROBE_MULTI)
#define FOR_KPROBE FOR(BACKEND_KPROBE)
#define FOR_TRACEPOINT FOR(BACKEND_TRACEPOINT)
#define FOR_ALL (FOR_MULTI | FOR_KPROBE | FOR_TRACEPOINT)
#define FOR_NONE 0		/* good to have */

struct finding {
	bool holds;
	char found[160];	/* what is there, or what is wrong */
	const char *fix;	/* when wrong */
};

struct requirement {
	const char *what;
	unsigned int backends;
	bool (*holds)(const struct requirement *r, struct finding *f);
	int capability;
	const char *fix;	/* unless the finding has a better one */
	const char *lacking;	/* for FOR_NONE: what is less without it */
};

/* The best first. */
static const enum backend order[] = { BACKEND_KPROBE_MULTI, BACKEND_KPROBE, BACKEND_TRACEPOINT };

#define BACKENDS (sizeof(order) / sizeof(*order))

static bool found(struct finding *f, bool holds, const char *text)
{
	snprintf(f->found, sizeof(f->found), "%s", text);
	return holds;
}

/* Before 5.8 the first two were part of CAP_SYS_ADMIN, which still stands for them; tracefs belongs to root. */
static bool has_capability(const struct requirement *r, struct finding *f)
{
	bool admin = r->capability == CAP_BPF || r->capability == CAP_PERFMON;
	bool file = r->capability == CAP_DAC_READ_SEARCH || r->capability == CAP_DAC_OVERRIDE;

	capng_get_caps_process();
	if (capng_have_capability(CAPNG_EFFECTIVE, r->capability))
		return found(f, true, "held");
	if (admin && capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN))
		return found(f, true, "held (CAP_SYS_ADMIN)");
	if (file && !geteuid())
		return found(f, true, "not needed by root");
	snprintf(f->found, sizeof(f->found), "%s is missing", r->what);
	return false;
}

static bool has_btf(const struct requirement *r, struct finding *f)
{
	if (!faccessat(AT_FDCWD, "/sys/kernel/btf/vmlinux", R_OK, AT_EACCESS))
		return found(f, true, "/sys/kernel/btf/vmlinux");
	return found(f, false, "this kernel has no BTF (/sys/kernel/btf/vmlinux)");
}

/* Hidden addresses read as zero on every line; a few lines may be zero anyway (per-CPU offsets on x86). */
static bool has_addresses(const struct requirement *r, struct finding *f)
{
	static char text[65536];
	int fd = open("/proc/kallsyms", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	const char *line;

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return found(f, false, "/proc/kallsyms cannot be read");
	text[n] = 0;
	for (line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strspn(line, "0") < strcspn(line, " "))
			return found(f, true, "/proc/kallsyms with addresses");
	}
	return found(f, false, "/proc/kallsyms hides its addresses (all zero)");
}

static bool is_unlocked(const struct requirement *r, struct finding *f)
{
	char *text;
	bool locked;

	if (file_read("/sys/kernel/security/lockdown", &text, NULL))
		return found(f, true, "no lockdown");
	locked = strstr(text, "[confidentiality]");
	free(text);
	return found(f, !locked, locked ? "tracing is refused: the kernel is locked down (confidentiality)" : "not locked down");
}

static bool has_fprobe(const struct requirement *r, struct finding *f)
{
	int err = backend_probe(BACKEND_KPROBE_MULTI);

	if (!err)
		return found(f, true, "a link on many functions works");
	if (err == -EPERM || err == -EACCES) {
		snprintf(f->found, sizeof(f->found), "kprobe-multi is refused by the kernel (%s)", strerror(-err));
		f->fix = "run as root; in a container, add CAP_BPF and CAP_PERFMON";
		return false;
	}
	return found(f, false, "this kernel has no kprobe-multi (CONFIG_FPROBE)");
}

static bool has_kprobes(const struct requirement *r, struct finding *f)
{
	if (!access("/sys/bus/event_source/devices/kprobe/type", F_OK))
		return found(f, true, "CONFIG_KPROBES");
	return found(f, false, "this kernel has no kprobes (CONFIG_KPROBES)");
}

static bool has_tracefs(const struct requirement *r, struct finding *f)
{
	if (!faccessat(AT_FDCWD, "/sys/kernel/tracing/trace", F_OK, AT_EACCESS))
		return found(f, true, "/sys/kernel/tracing");
	if (errno == EACCES || errno == EPERM) {
		f->fix = "run as root";
		return found(f, false, "tracing is refused: no access to /sys/kernel/tracing");
	}
	return found(f, false, "tracefs is not mounted on /sys/kernel/tracing");
}

static bool has_kprobe_events(const struct requirement *r, struct finding *f)
{
	int err = backend_probe(BACKEND_KPROBE);

	if (!err)
		return found(f, true, "kprobe_events can be written");
	snprintf(f->found, sizeof(f->found), "/sys/kernel/tracing/kprobe_events: %s", strerror(-err));
	return false;
}

static bool has_raw_tracepoints(const struct requirement *r, struct finding *f)
{
	int err = backend_probe(BACKEND_TRACEPOINT);

	if (!err)
		return found(f, true, "a program on kfree_skb works");
	snprintf(f->found, sizeof(f->found), "raw tracepoints are refused by the kernel (%s)", strerror(-err));
	return false;
}

/* There once the programs that translate filters are linked with it. */
extern const char *pcap_lib_version(void) __attribute__((weak));

static bool has_libpcap(const struct requirement *r, struct finding *f)
{
	return found(f, pcap_lib_version, pcap_lib_version ? pcap_lib_version() : "built without libpcap");
}

#define ROOT "run as root (sudo pktrec ...)"
#define OTHER_KERNEL "use another backend, or another kernel"

static const struct requirement requirements[] = {
	{ "CAP_BPF", FOR_ALL, has_capability, CAP_BPF, ROOT },
	{ "CAP_PERFMON", FOR_ALL, has_capability, CAP_PERFMON, ROOT },
	{ "CAP_SYSLOG", FOR_NONE, has_capability, CAP_SYSLOG, ROOT, "symbols may be hidden" },
	{ "CAP_DAC_READ_SEARCH", FOR_MULTI | FOR_KPROBE, has_capability, CAP_DAC_READ_SEARCH, ROOT },
	{ "CAP_DAC_OVERRIDE", FOR_KPROBE, has_capability, CAP_DAC_OVERRIDE, ROOT },
	/* libbpf looks for variables that not every kernel has in the types of all modules; and it opens network namespaces */
	{ "CAP_SYS_ADMIN", FOR_ALL, has_capability, CAP_SYS_ADMIN, ROOT },
	{ "types of the kernel", FOR_ALL, has_btf, 0, "use a kernel built with CONFIG_DEBUG_INFO_BTF=y (every Debian kernel since 11 is)" },
	{ "symbols", FOR_ALL, has_addresses, 0, "run as root or with CAP_SYSLOG, and with kernel.kptr_restrict=1 or 0" },
	{ "lockdown", FOR_ALL, is_unlocked, 0, "boot without lockdown=confidentiality (or without Secure Boot)" },
	{ "kprobe-multi", FOR_MULTI, has_fprobe, 0, "use another backend" },
	{ "kprobes", FOR_KPROBE, has_kprobes, 0, OTHER_KERNEL },
	{ "tracefs", FOR_MULTI | FOR_KPROBE, has_tracefs, 0, "mount -t tracefs tracefs /sys/kernel/tracing" },
	{ "kprobe events", FOR_KPROBE, has_kprobe_events, 0, ROOT },
	{ "raw tracepoints", FOR_TRACEPOINT, has_raw_tracepoints, 0, "run as root; in a container, add CAP_BPF and CAP_PERFMON" },
	{ "libpcap", FOR_NONE, has_libpcap, 0, "build with libpcap-dev", "no filter expressions" },
};

#define REQUIREMENTS (sizeof(requirements) / sizeof(*requirements))

static void look(struct finding *all)
{
	size_t i;

	for (i = 0; i < REQUIREMENTS; i++) {
		all[i].fix = requirements[i].fix;
		all[i].holds = requirements[i].holds(&requirements[i], &all[i]);
	}
}

/* The first finding that speaks against a backend, NULL when it works. */
static const struct finding *obstacle(const struct finding *all, enum backend b)
{
	size_t i;

	for (i = 0; i < REQUIREMENTS; i++)
		if (requirements[i].backends & FOR(b) && !all[i].holds)
			return &all[i];
	return NULL;
}

static enum backend best(const struct finding *all, enum backend wanted)
{
	size_t i;

	for (i = 0; i < BACKENDS; i++)
		if ((wanted == BACKEND_AUTO || wanted == order[i]) && !obstacle(all, order[i]))
			return order[i];
	return BACKEND_AUTO;
}

int check_requirements(enum backend wanted, enum backend *backend, char *error, size_t size)
{
	struct finding all[REQUIREMENTS] = {};
	const struct finding *f;

	look(all);
	*backend = best(all, wanted);
	if (*backend != BACKEND_AUTO)
		return 0;
	/* the last backend needs least: what it lacks has to be mended in any case */
	f = obstacle(all, wanted == BACKEND_AUTO ? order[BACKENDS - 1] : wanted);
	snprintf(error, size, "%s; %s", f->found, f->fix);
	return -1;
}

static void row_print(FILE *out, const struct requirement *r, const struct finding *f)
{
	const char *verdict = f->holds ? "ok" : r->backends == FOR_ALL ? "MISSING" : "no";

	fprintf(out, "%-20s %-8s %s", r->what, verdict, f->found);
	if (!f->holds && r->lacking)
		fprintf(out, ": %s", r->lacking);
	fprintf(out, "%s%s\n", f->holds ? "" : "; ", f->holds ? "" : f->fix);
}

int check_print(FILE *out, enum backend wanted)
{
	struct finding all[REQUIREMENTS] = {};
	enum backend chosen;
	const struct finding *f;
	size_t i;

	look(all);
	chosen = best(all, wanted);
	fprintf(out, "%-20s %-8s %s\n", "requirement", "", "found, and how to fix");
	for (i = 0; i < REQUIREMENTS; i++)
		if (wanted == BACKEND_AUTO || !requirements[i].backends || requirements[i].backends & FOR(wanted))
			row_print(out, &requirements[i], &all[i]);
	fprintf(out, "\n%-20s\n", "backend");
	for (i = 0; i < BACKENDS; i++) {
		if (wanted != BACKEND_AUTO && wanted != order[i])
			continue;
		f = obstacle(all, order[i]);
		fprintf(out, "%-20s %-8s %s\n", backend_name(order[i]), f ? "no" : "works",
			f ? f->found : order[i] == chosen ? "would be used" : "");
	}
	return chosen == BACKEND_AUTO ? -1 : 0;
}
