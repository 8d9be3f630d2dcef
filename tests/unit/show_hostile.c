// SPDX-License-Identifier: GPL-2.0
/*
 * show_hostile.c - recordings that nobody would make: every view ends, and nothing live reaches the screen.
 *
 * Random records with names full of escapes; the seed is the loop's counter, so a failure can be repeated.
 */
#include <locale.h>

#include "show.h"
#include "show_recording.h"

#define SEEDS 60

static const char *const names[] = {
	"nf_hook_slow", "ip_send_skb", "__ip_local_out", "ip_output", "ip_rcv", "ip_rcv_core", "ip_local_deliver", "udp_rcv",
	"ip_protocol_deliver_rcu", "__udp_enqueue_schedule_skb", "skb_consume_udp", "kfree_skbmem", "skb_release_data",
	"sk_skb_reason_drop", "dev_hard_start_xmit", "__netif_rx", "neigh_resolve_output", "__dev_queue_xmit", "__x64_sys_", "kthread",
	"\033[31mred\033]52;c;eA==\a", "a\rb\nc\td", "</script>\xff\xfe", "x\xe2\x80\xaey\xe2\x81\xa6z", ("\xc2\x9b" "31m"), "%s%n", "",
	"a_name_that_is_much_longer_than_any_column_of_any_terminal_that_anybody_would_ever_use_to_look_at_a_packet_s_path",
};

#define NNAMES (sizeof(names) / sizeof(names[0]))

static unsigned int below(unsigned int n)
{
	return rand() % n;
}

static const char *name(void)
{
	return names[below(NNAMES)];
}

static void put_names(struct tape *t)
{
	put_fact(t, "clock.realtime_ns", below(2) ? "99999999999999999999999" : "never");
	put_fact(t, "host.name", name());
	put_fact(t, "recorder.command", name());
	for (unsigned int i = 0; i < NNAMES; i++)
		put(t, (struct trc_record){ TRC_FUNC, .func = { .id = i, .name = names[i], .module = below(2) ? "" : name(),
			.flags = below(8), .error = below(200), .why = name() } });
	for (unsigned int i = 0; i < 5; i++) {
		put(t, (struct trc_record){ TRC_LINK, .link = { below(3), below(4), name(), name(), name(), below(4), below(3) } });
		put(t, (struct trc_record){ TRC_NETNS, .netns = { below(3), name() } });
		put(t, (struct trc_record){ TRC_PROC, .proc = { below(5), name() } });
		put(t, (struct trc_record){ TRC_ENUM, .enumeration = { "skb_drop_reason", name(), below(10) } });
	}
}

static void put_hops(struct tape *t)
{
	unsigned int n = below(300);

	for (unsigned int i = 0; i < n; i++) {
		struct trc_hop h = { .packet = 1 + below(6), .seq = i, .func = below(NNAMES), .pid = below(5), .len_bytes = rand(),
			.ifindex = below(4), .netns = below(3), .value = (int)below(9) - 2, .cpu = below(3) ? 1 : below(65536),
			.ethertype = below(3) ? 0x0800 : rand(), .kind = below(3), .context = below(5), .l4proto = below(256),
			.hook = below(4) ? below(6) : below(256), .family = below(4) ? 2 : below(256), .have = below(256) };

		t->time_ns += below(4) ? below(5000) : below(1000000000);
		h.time_ns = below(9) ? t->time_ns : below(1000);	/* now and then before all others */
		if (!below(20)) {
			uint32_t frames[3] = { below(NNAMES), below(NNAMES), below(100000) };

			put(t, (struct trc_record){ TRC_STACK, .stack = { h.packet, below(4), frames } });
		}
		assert_int_equal(trc_write_hop(t->w, &h), 0);
	}
	if (below(2))
		put(t, (struct trc_record){ TRC_LOSS, .loss = { below(2), n, n, below(2) ? UINT64_MAX : 3, 1 } });
	if (below(2))
		put(t, (struct trc_record){ TRC_END, .end = { name(), 0, 0, 6 } });
}

static void show_all(const struct term *t, const struct model *m)
{
	show_header(t, m);
	show_list(t, m);
	show_list_json(t, m);
	assert_int_equal(show_drops(t, m, false), 0);
	assert_int_equal(show_drops(t, m, true), 0);
	assert_int_equal(show_functions(t, m), 0);
	assert_int_equal(show_info(t, m), 0);
	assert_int_equal(show_explain_main(t, m, false), 0);
	for (size_t i = 0; i < m->npackets; i++) {
		assert_int_equal(show_path(t, m, &m->packets[i], i % 2), 0);
		assert_int_equal(show_path_json(t, m, &m->packets[i], PATH_STACKS), 0);
		assert_int_equal(show_explain(t, m, &m->packets[i], i % 2), 0);
	}
}

/* No control byte but the newline, no C1 control, no change of direction. */
static void assert_dead(const char *text, unsigned int seed)
{
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		bool live = (*c < 0x20 && *c != '\n') || *c == 0x7f || (c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0) ||
			    (c[0] == 0xe2 && c[1] == 0x80 && c[2] >= 0xaa && c[2] <= 0xae) ||
			    (c[0] == 0xe2 && c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9);

		if (live)
			fail_msg("seed %u: live byte %02x in: %.60s", seed, *c, (const char *)c);
	}
}

static void nothing_live_gets_out_of_any_view(void **state)
{
	for (unsigned int seed = 1; seed <= SEEDS; seed++) {
		struct tape t = { .fd = memfd_create("recording", 0), .time_ns = 1000000 };
		struct term term = { .width = seed % 3 ? 20 + seed * 2 : 0 };
		struct model *m;
		char *text = NULL;
		size_t size;

		srand(seed);
		assert_true(t.fd >= 0);
		assert_int_equal(trc_writer_open(&t.w, t.fd), 0);
		put_names(&t);
		put_hops(&t);
		m = tape_load(&t);
		term.out = open_memstream(&text, &size);
		assert_non_null(term.out);
		show_all(&term, m);
		fclose(term.out);
		assert_int_equal(strlen(text), size);
		assert_dead(text, seed);
		free(text);
		model_free(m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_live_gets_out_of_any_view),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
