// SPDX-License-Identifier: GPL-2.0
/*
 * show_render.c - cells, wrapping, durations and JSON: text keeps its width, and nothing live gets out.
 */
#include <locale.h>

#include "render.h"
#include "show_recording.h"

/* A terminal that writes into memory. */
struct paper {
	struct term t;
	char *text;
	size_t size;
};

static void paper_open(struct paper *p, unsigned int width, bool color)
{
	*p = (struct paper){ .t = { .width = width, .color = color } };
	p->t.out = open_memstream(&p->text, &p->size);
	assert_non_null(p->t.out);
}

static void paper_reads(struct paper *p, const char *expected)
{
	fclose(p->t.out);
	assert_string_equal(p->text, expected);
	free(p->text);
}

static void cell_pads_and_aligns(void **state)
{
	struct paper p;

	paper_open(&p, 0, false);
	term_cell(&p.t, STYLE_PLAIN, 6, "abc");
	term_cell(&p.t, STYLE_PLAIN, -6, "µs");
	term_cell(&p.t, STYLE_PLAIN, 3, "");
	paper_reads(&p, "abc       µs   ");
}

static void cell_cuts_at_a_character_not_inside_it(void **state)
{
	struct paper p;

	paper_open(&p, 0, false);
	term_cell(&p.t, STYLE_PLAIN, 4, "→→→→→");
	term_cell(&p.t, STYLE_PLAIN, 3, "abc");
	paper_reads(&p, "→→→…abc");
}

static void cell_survives_invalid_utf8(void **state)
{
	struct paper p;

	static const char text[] = "ab\xff\xfe";

	paper_open(&p, 0, false);
	term_cell(&p.t, STYLE_PLAIN, 4, text + 2);	/* never looks at what is before */
	paper_reads(&p, "\xff\xfe  ");
}

static void color_is_always_ended(void **state)
{
	struct paper p;

	paper_open(&p, 0, true);
	term_print(&p.t, STYLE_BAD, "%s", "x");
	term_print(&p.t, STYLE_PLAIN, "y");
	paper_reads(&p, "\033[1;31mx\033[0my");
}

static void wrap_breaks_at_words_within_the_width(void **state)
{
	struct paper p;

	paper_open(&p, 20, false);
	term_wrap(&p.t, STYLE_PLAIN, 4, 4, "one two three four µµµµ five");
	paper_reads(&p, "one two three\n    four µµµµ five\n");
}

static void wrap_without_width_keeps_one_line(void **state)
{
	struct paper p;

	paper_open(&p, 0, false);
	term_wrap(&p.t, STYLE_PLAIN, 4, 4, "one two three four five six seven");
	paper_reads(&p, "one two three four five six seven\n");
}

static void wrap_does_not_loop_on_a_word_wider_than_the_terminal(void **state)
{
	struct paper p;

	paper_open(&p, 20, false);
	term_wrap(&p.t, STYLE_PLAIN, 2, 2, "abcdefghijklmnopqrstuvwxyz b");
	paper_reads(&p, "abcdefghijklmnopqrstuvwxyz\n  b\n");
}

static void durations_have_three_digits_and_a_unit(void **state)
{
	static const struct { uint64_t ns; const char *text; } cases[] = {
		{ 0, "0 ns" }, { 999, "999 ns" }, { 1000, "1.00 µs" }, { 9994, "9.99 µs" }, { 9996, "10.0 µs" },
		{ 12345, "12.3 µs" }, { 99960, "100 µs" }, { 999400, "999 µs" }, { 999600, "1.00 ms" },
		{ 1500000, "1.50 ms" }, { 2310000000, "2.31 s" }, { 600000000000, "600 s" },
	};
	char buf[32];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(duration_text(cases[i].ns, buf, sizeof(buf)), cases[i].text);
}

static void json_separates_and_types_values(void **state)
{
	struct paper p;
	struct json j;

	paper_open(&p, 0, false);
	json_begin(&j, p.t.out);
	json_text(&j, "a", "x");
	json_number(&j, "b", -5);
	json_bool(&j, "c", true);
	json_end(&j);
	paper_reads(&p, "{\"a\":\"x\",\"b\":-5,\"c\":true}\n");
}

static void json_escapes_all_that_could_act(void **state)
{
	struct paper p;
	struct json j;

	paper_open(&p, 0, false);
	json_begin(&j, p.t.out);
	json_text(&j, "a", "\"\\\033\n</script>&\x7f\xc2\x9b\u202e\ufeff");
	json_text(&j, "b", "µ→😀");
	json_end(&j);
	paper_reads(&p, "{\"a\":\"\\u0022\\u005c\\u001b\\u000a\\u003c/script\\u003e\\u0026\\u007f\\u009b\\u202e\\ufeff\",\"b\":\"µ→😀\"}\n");
}

static void json_replaces_invalid_utf8(void **state)
{
	struct paper p;
	struct json j;

	paper_open(&p, 0, false);
	json_begin(&j, p.t.out);
	json_text(&j, "a", "\xff" "x\xc3");		/* a byte that is none, a sequence without its end */
	json_text(&j, "b", "\xe0\x80\xaf\xed\xa0\x80");	/* overlong, a surrogate */
	json_end(&j);
	paper_reads(&p, "{\"a\":\"\\ufffdx\\ufffd\",\"b\":\"\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\"}\n");
}

static void color_words_are_three(void **state)
{
	enum color_when when = COLOR_AUTO;

	assert_int_equal(color_parse("never", &when), 0);
	assert_int_equal(when, COLOR_NEVER);
	assert_true(color_parse("sometimes", &when) < 0);
	assert_true(color_parse("", &when) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cell_pads_and_aligns),
		cmocka_unit_test(cell_cuts_at_a_character_not_inside_it),
		cmocka_unit_test(cell_survives_invalid_utf8),
		cmocka_unit_test(color_is_always_ended),
		cmocka_unit_test(wrap_breaks_at_words_within_the_width),
		cmocka_unit_test(wrap_without_width_keeps_one_line),
		cmocka_unit_test(wrap_does_not_loop_on_a_word_wider_than_the_terminal),
		cmocka_unit_test(durations_have_three_digits_and_a_unit),
		cmocka_unit_test(json_separates_and_types_values),
		cmocka_unit_test(json_escapes_all_that_could_act),
		cmocka_unit_test(json_replaces_invalid_utf8),
		cmocka_unit_test(color_words_are_three),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
