// SPDX-License-Identifier: GPL-2.0
/*
 * show_latency.c - what pktshow --latency prints: it fits, it folds, JSON has all of it.
 */
#include <locale.h>

#include "show.h"
#include "show_recording.h"

#define MANY 40

/* The query of the main job twice, and one packet through forty functions, if these are not too many. */
static struct model *load_some(unsigned int functions)
{
	static char names[MANY][64];
	struct step many[MANY + 1] = {};
	struct tape t = tape_start();

	put_packet(&t, step_ok, true);
	put_packet(&t, step_ok, true);
	for (unsigned int i = 0; i < functions; i++) {
		snprintf(names[i], sizeof(names[i]), "a_function_with_a_name_that_is_longer_than_most_%u", i);
		many[i] = (struct step){ names[i], CLIENT, .delta_ns = 100 + i };
	}
	if (functions)
		put_packet(&t, many, false);
	put_end(&t);
	return tape_load(&t);
}

static char *print(const struct model *m, unsigned int width, struct show_options o)
{
	char *text = NULL;
	size_t size;
	struct term t = { .width = width, .out = open_memstream(&text, &size) };

	assert_int_equal(show_latency(&t, m, &o), 0);
	fclose(t.out);
	return text;
}

static void has(const char *text, const char *words)
{
	if (!strstr(text, words)) {
		print_message("%s", text);
		fail_msg("missing: %s", words);
	}
}

static void tables_fit_the_terminal_and_lose_no_number(void **state)
{
	static const unsigned int widths[] = { 80, 100, 120, 160, 300 };
	struct model *m = load_some(30);

	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		char *text = print(m, widths[i], (struct show_options){ .every = true }), *rest = text, *line;

		has(text, widths[i] >= 120 ? "2  50.0µs  50.0µs  50.0µs  50.0µs  50.0µs" : "2 50.0µs 50.0µs 50.0µs 50.0µs 50.0µs");
		has(text, "socket");
		while ((line = strsep(&rest, "\n")))
			if (text_width(line) > widths[i])
				fail_msg("%u columns, not %u: %s", text_width(line), widths[i], line);
		free(text);
	}
	model_free(m);
}

static void long_tables_are_folded_and_say_so(void **state)
{
	struct model *m = load_some(30);
	char *text = print(m, 160, (struct show_options){});

	has(text, " more functions with ");
	has(text, "% of the time: --all\n");
	free(text);
	text = print(m, 160, (struct show_options){ .every = true });
	has(text, "a_function_with_a_name_that_is_l");
	assert_null(strstr(text, "more functions"));
	free(text);
	model_free(m);
}

static void the_slowest_packets_come_by_name(void **state)
{
	struct model *m = load_some(0);
	char *text = print(m, 200, (struct show_options){ .slowest = 1 });
	char *slowest = strstr(text, "The slowest of 2 packets");

	assert_non_null(slowest);
	has(slowest, "UDP 10.0.0.1:40000 > 10.0.0.2:53");
	has(slowest, "__udp_enqueue_schedule_skb → skb_consume_udp");
	assert_null(strstr(slowest, "UDP 10.0.0.1:40001 > 10.0.0.2:53"));
	free(text);
	model_free(m);
}

/* Steps of 1 µs, but 12.345 into veth_xmit and 50 until it is read: 23 + 12.345 + 50 = 85.345. */
static void json_has_integers_and_folds_nothing(void **state)
{
	struct model *m = load_some(0);
	char *text = print(m, 80, (struct show_options){ .json = true });

	has(text, "{\"what\":\"latency\",\"packets\":2,\"packets_left_out\":0,\"packets_with_one_entry\":0,\"derived_hops\":0,\"steps\":48,"
	    "\"count\":2,\"min_ns\":85345,\"p50_ns\":85345,\"p90_ns\":85345,\"p99_ns\":85345,\"max_ns\":85345,\"total_ns\":170690}\n");
	has(text, "{\"what\":\"edge\",\"from\":\"__udp_enqueue_schedule_skb\",\"from_drop\":false,\"to\":\"skb_consume_udp\",\"to_drop\":false,"
	    "\"time\":\"socket\",\"count\":2,\"min_ns\":50000,\"p50_ns\":50000,\"p90_ns\":50000,\"p99_ns\":50000,\"max_ns\":50000,"
	    "\"total_ns\":100000,");
	has(text, "\"crossed_cpus\":2,");
	has(text, "\"inside_count\":2,\"inside_min_ns\":2000,");
	has(text, "{\"what\":\"time\",\"time\":\"backlog\",\"queue\":true,");
	has(text, "{\"what\":\"histogram\",\"from_ns\":50000,\"to_ns\":100000,\"packets\":2}\n");
	has(text, "{\"what\":\"slowest\",\"packet\":1,\"tuple\":\"UDP 10.0.0.1:40000 \\u003e 10.0.0.2:53\",\"took_ns\":85345,\"running_ns\":34345,"
	    "\"queued_ns\":51000,\"crossing_ns\":0,\"switching_ns\":0,\"longest_ns\":50000,");
	free(text);
	model_free(m);
}

static void a_recording_of_nothing_says_so(void **state)
{
	struct tape t = tape_start();
	struct model *m;
	char *text;

	put_end(&t);
	m = tape_load(&t);
	text = print(m, 80, (struct show_options){});
	assert_string_equal(text, "0 of 0 packets, 0 steps from one function's entry to the next, 0 ns in all\n\n");
	free(text);
	text = print(m, 80, (struct show_options){ .json = true });
	has(text, "\"packets\":0,");
	free(text);
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_fit_the_terminal_and_lose_no_number),
		cmocka_unit_test(long_tables_are_folded_and_say_so),
		cmocka_unit_test(the_slowest_packets_come_by_name),
		cmocka_unit_test(json_has_integers_and_folds_nothing),
		cmocka_unit_test(a_recording_of_nothing_says_so),
	};

	setlocale(LC_ALL, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
