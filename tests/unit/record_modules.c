// SPDX-License-Identifier: GPL-2.0
/*
 * record_modules.c - modules that came and went while recording are facts of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "modules.h"

/* The value of a fact that modules_compare() writes, "" when it writes none; the caller's to free. */
static char *fact_of(const char *before, const char *after, const struct functions *f, const char *key)
{
	struct trc_writer *w;
	struct trc_reader *r;
	struct trc_record rec;
	char *value = strdup("");
	int fd = memfd_create("facts", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(trc_writer_open(&w, fd), 0);
	assert_int_equal(modules_compare(w, before, after, f), 0);
	assert_int_equal(trc_writer_finish(w), 0);
	trc_writer_free(w);
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(trc_reader_open_fd(&r, fd), 0);
	while (trc_reader_next(r, &rec) == 1) {
		if (rec.kind != TRC_FACT || strcmp(rec.fact.key, key))
			continue;
		free(value);
		value = strdup(rec.fact.value);
	}
	trc_reader_free(r);
	close(fd);
	return value;
}

static void expect(const char *before, const char *after, const char *key, const char *value)
{
	struct function v[] = { { .module = "", .attached = true }, { .module = "veth", .attached = true },
		{ .module = "bridge" } };
	struct functions f = { .v = v, .n = 3 };
	char *is = fact_of(before, after, &f, key);

	assert_string_equal(is, value);
	free(is);
}

static void nothing_changed_is_no_fact(void **state)
{
	expect("veth\nstp\n", "veth\nstp\n", "modules.loaded", "");
	expect("veth\nstp\n", "veth\nstp\n", "modules.unloaded", "");
	expect(NULL, "veth\n", "modules.loaded", "");
	expect("veth\n", NULL, "modules.unloaded", "");
}

static void modules_that_came_are_named(void **state)
{
	expect("veth\n", "ip_tables\nveth\nx_tables\n", "modules.loaded", "ip_tables x_tables");
	expect("", "veth\n", "modules.loaded", "veth");
	/* one name within another is another one */
	expect("ip_tables\n", "tables\nip\nip_tables\n", "modules.loaded", "tables ip");
}

static void modules_that_went_are_named_if_they_were_probed(void **state)
{
	expect("veth\nbridge\nstp\n", "stp\n", "modules.unloaded", "veth");
	expect("bridge\nstp\n", "", "modules.unloaded", "");
}

/* One line a module, as /proc/modules begins each. */
static void names_are_those_of_the_kernel(void **state)
{
	char *names = modules_names(), line[256];
	FILE *f = fopen("/proc/modules", "r");
	const char *at = names;

	if (!f || !names) {
		assert_true(!f == !names);
		skip();
	}
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, " ")] = 0;
		assert_int_equal(strncmp(at, line, strlen(line)), 0);
		at += strlen(line);
		assert_int_equal(*at++, '\n');
	}
	assert_int_equal(*at, 0);
	fclose(f);
	free(names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_changed_is_no_fact),
		cmocka_unit_test(modules_that_came_are_named),
		cmocka_unit_test(modules_that_went_are_named_if_they_were_probed),
		cmocka_unit_test(names_are_those_of_the_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
