// SPDX-License-Identifier: GPL-2.0
/*
 * model_returns.c - what the functions that decide answer, in words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "embedded.h"
#include "model.h"
#include "returns.h"

static const struct model nothing;

static void assert_answer(const char *function, int32_t value, const char *word, enum so so)
{
	struct answer a;

	answer_of(&nothing, function, value, &a);
	assert_string_equal(a.word, word);
	assert_int_equal(a.so, so);
}

static void answers_of_netfilter_are_verdicts(void **state)
{
	assert_answer("ipt_do_table", 1, "ACCEPT", SO_ON);
	assert_answer("ipt_do_table", 0, "DROP", SO_BAD);
	assert_answer("nft_do_chain_inet", 2, "STOLEN", SO_ASIDE);
	assert_answer("ipt_do_table", 7 << 16 | 3, "QUEUE", SO_ASIDE);	/* the number of the queue is above it */
	/* the same numbers mean something else at the hook itself */
	assert_answer("nf_hook_slow", 0, "STOLEN", SO_ASIDE);
	assert_answer("nf_hook_slow", -1, "DROP", SO_BAD);
	assert_answer("nf_hook_slow", 1, "ACCEPT", SO_ON);
}

static void answers_name_errors(void **state)
{
	struct answer a;

	assert_answer("__udp_enqueue_schedule_skb", -12, "-ENOMEM", SO_BAD);
	assert_answer("ip_route_input_noref", -18, "-EXDEV", SO_BAD);
	assert_answer("ip_route_input_noref", -4000, "-4000", SO_BAD);
	assert_answer("ip_route_input_noref", 0, "OK", SO_ON);
	answer_of(&nothing, "ip_route_input_noref", -18, &a);
	assert_non_null(strstr(a.meaning, "reverse path filter"));
	answer_of(&nothing, "ip_route_input_noref", INT32_MIN, &a);
	assert_string_equal(a.word, "-2147483648");
}

static void answers_that_are_bools_are_a_byte(void **state)
{
	assert_answer("tcp_add_backlog", 0x7fff1200, "WAIT", SO_ASIDE);
	assert_answer("tcp_add_backlog", 0x7fff1201, "FULL", SO_BAD);
}

static void answers_have_nothing_to_do_with_suffixes(void **state)
{
	assert_answer("tcf_classify.constprop.0", 2, "SHOT", SO_BAD);
	assert_answer("tcf_classify", -1, "UNSPEC", SO_ON);
	assert_answer("tcf_classify", 0x20000005, "GOTO_CHAIN", SO_ON);
}

static void answers_of_others_are_unknown(void **state)
{
	assert_answer("ip_rcv", 0, "", SO_UNKNOWN);
	assert_answer("ipt_do_table", 99, "", SO_UNKNOWN);
	assert_answer("@verdict", 7, "", SO_UNKNOWN);
	assert_answer("", 0, "", SO_UNKNOWN);
}

/* Rows of a name: function <tab> value <tab> ..., in a file that the compiler does not check. */
static void answers_are_written_as_they_are_read(void **state)
{
	const char *line = embedded_returns, *end;
	size_t tabs, rows = 0;

	for (; *line; line = end + 1) {
		end = strchr(line, '\n');
		assert_non_null(end);
		if (*line == '#' || line == end)
			continue;
		for (tabs = 0; line < end; line++)
			tabs += *line == '\t';
		assert_true(tabs == 4 || (tabs == 1 && memchr(end - 20, '@', 20)));
		rows++;
	}
	assert_true(rows > 80);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_of_netfilter_are_verdicts),
		cmocka_unit_test(answers_name_errors),
		cmocka_unit_test(answers_that_are_bools_are_a_byte),
		cmocka_unit_test(answers_have_nothing_to_do_with_suffixes),
		cmocka_unit_test(answers_of_others_are_unknown),
		cmocka_unit_test(answers_are_written_as_they_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
