// SPDX-License-Identifier: GPL-2.0
/*
 * show_unselected.c - an analyzer built without libpcap says so, and selects nothing silently.
 */
#undef HAVE_PCAP
#include "select.c"

#include "model_support.h"

static void without_libpcap_every_filter_is_refused_in_words(void **state)
{
	struct selector *s = (struct selector *)-1;
	char error[256] = "";

	assert_int_equal(selector_open(&s, "udp", error, sizeof(error)), -EINVAL);
	assert_null(s);
	assert_string_equal(error, "no filters: this pktshow was built without libpcap; use --packet N");
	selector_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_libpcap_every_filter_is_refused_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
