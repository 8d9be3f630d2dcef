// SPDX-License-Identifier: GPL-2.0
/*
 * snapshot.c - facts about the machine and the recorder.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "files.h"
#include "snapshot.h"

static int fact(struct trc_writer *w, const char *key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int fact(struct trc_writer *w, const char *key, const char *format, ...)
{
	struct trc_record rec = { .kind = TRC_FACT, .fact.key = key };
	char *value;
	va_list args;
	int n, err;

	va_start(args, format);
	n = vasprintf(&value, format, args);
	va_end(args);
	if (n < 0)
		return -ENOMEM;
	rec.fact.value = value;
	err = trc_write(w, &rec);
	free(value);
	return err;
}

static int fact_clock(struct trc_writer *w, const char *key, clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return fact(w, key, "%" PRIu64, (uint64_t)t.tv_sec * 1000000000 + t.tv_nsec);
}

static int fact_file(struct trc_writer *w, const char *key, const char *path)
{
	char *text;
	int err;

	if (file_read(path, &text, NULL))
		return 0;
	text[strcspn(text, "\n")] = 0;
	err = fact(w, key, "%s", text);
	free(text);
	return err;
}

/* The command line as one text, as typed but for the quotes. */
static int fact_command(struct trc_writer *w, const struct snapshot_info *info)
{
	size_t length = 1;
	char *text;
	int i, err;

	for (i = 0; i < info->argc; i++)
		length += strlen(info->argv[i]) + 1;
	text = calloc(1, length);
	if (!text)
		return -ENOMEM;
	for (i = 0; i < info->argc; i++) {
		if (i)
			strcat(text, " ");
		strcat(text, info->argv[i]);
	}
	err = fact(w, "recorder.command", "%s", text);
	free(text);
	return err;
}

int snapshot_facts(struct trc_writer *w, const struct snapshot_info *info)
{
	struct utsname u;
	int err;

	uname(&u);
	/* the first three clocks are read at one moment: time of day = time_ns - monotonic + realtime */
	err = fact_clock(w, "clock.monotonic_ns", CLOCK_MONOTONIC);
	err = err ? err : fact_clock(w, "clock.realtime_ns", CLOCK_REALTIME);
	err = err ? err : fact_clock(w, "clock.boottime_ns", CLOCK_BOOTTIME);
	err = err ? err : fact(w, "host.name", "%s", u.nodename);
	err = err ? err : fact(w, "host.kernel", "%s", u.release);
	err = err ? err : fact(w, "host.version", "%s", u.version);
	err = err ? err : fact(w, "host.machine", "%s", u.machine);
	err = err ? err : fact(w, "host.cpus", "%ld", sysconf(_SC_NPROCESSORS_ONLN));
	err = err ? err : fact_file(w, "host.boot_id", "/proc/sys/kernel/random/boot_id");
	err = err ? err : fact_file(w, "host.clocksource",
				    "/sys/devices/system/clocksource/clocksource0/current_clocksource");
	err = err ? err : fact(w, "recorder.version", "%s", info->version);
	err = err ? err : fact_command(w, info);
	err = err ? err : fact(w, "recorder.backend", "%s", info->backend);
	err = err ? err : fact(w, "recorder.profile", "%s", info->profile);
	err = err ? err : fact(w, "recorder.ring_bytes", "%" PRIu64, info->ring_bytes);
	err = err ? err : fact(w, "recorder.attached", "%zu", info->attached);
	err = err ? err : fact(w, "recorder.refused", "%zu", info->refused);
	if (!err && info->piece)
		err = fact(w, "recorder.piece", "%u", info->piece);
	if (!err && info->pieces)
		err = fact(w, "recorder.pieces", "%u", info->pieces);
	return err;
}
