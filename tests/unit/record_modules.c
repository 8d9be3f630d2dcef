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
static char *fact_of(const char *before, const struct functions *f, const char *key)
{
	struct trc_writer *w;
	struct trc_reader *r;
	struct trc_record rec;
	char *value = strdup("");
	int fd = memfd_create("facts", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(trc_writer_open(&w, fd), 0);
	assert_int_equal(modules_compare(w, before, f), 0);
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

static void expect(const char *before, const struct functions *f, const char *key, const char *value)
{
	char *is = fact_of(before, f, key);

	assert_string_equal(is, value);
	free(is);
}

static void nothing_changed_is_no_fact(void **state)
{
	struct functions f = {};
	char *now = modules_names();

	if (!now)
		skip();
	expect(now, &f, "modules.loaded", "");
	expect(now, &f, "modules.unloaded", "");
	free(now);
}

static void a_module_that_came_is_named(void **state)
{
	struct functions f = {};
	char *now = modules_names(), *is;
	size_t length;

	if (!now || !*now) {
		free(now);
		skip();
	}
	length = strcspn(now, "\n");
	is = fact_of(now + length + 1, &f, "modules.loaded");
	assert_int_equal(strlen(is), length);
	assert_memory_equal(is, now, length);
	free(is);
	free(now);
}

static void a_module_that_went_is_named_if_it_was_probed(void **state)
{
	struct function v[] = { { .module = "", .attached = true }, { .module = "gone_module", .attached = true },
		{ .module = "refused_module" } };
	struct functions f = { .v = v, .n = 3 };
	char *now = modules_names(), *before;

	if (!now)
		skip();
	assert_true(asprintf(&before, "gone_module\n%srefused_module\nother_module\n", now) > 0);
	expect(before, &f, "modules.unloaded", "gone_module");
	expect(before, &f, "modules.loaded", "");
	free(before);
	free(now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_changed_is_no_fact),
		cmocka_unit_test(a_module_that_came_is_named),
		cmocka_unit_test(a_module_that_went_is_named_if_it_was_probed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
