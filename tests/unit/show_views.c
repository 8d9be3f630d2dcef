// SPDX-License-Identifier: GPL-2.0
/*
 * show_views.c - what pktshow prints of a packet: its fate in words, its path, its line, and what --verify finds.
 */
#include <errno.h>
#include <locale.h>

#include "show_paper.h"
#include "show_recording.h"

static struct model *load_both(void)
{
	struct tape t = tape_start();

	put_packet(&t, step_ok, true);
	put_packet(&t, step_dropped, true);
	put_end(&t);
	return tape_load(&t);
}

static void paper_fits(struct paper *p, unsigned int width)
{
	char *rest, *line;

	fflush(p->t.out);
	rest = p->text;
	while ((line = strsep(&rest, "\n")))
		if (text_width(line) > width)
			fail_msg("%u columns: %s", text_width(line), line);
}

static void fate_names_the_reader(void **state)
{
	struct model *m = load_both();
	char buf[256];

	assert_int_equal(packet_reader(m, &m->packets[0]), PID_SERVER);
	assert_string_equal(packet_fate_text(m, &m->packets[0], buf, sizeof(buf)), "delivered to dnsd (77)");
	model_free(m);
}

static void fate_names_reason_and_hook(void **state)
{
	struct model *m = load_both();
	char buf[256];

	assert_string_equal(packet_fate_text(m, &m->packets[1], buf, sizeof(buf)), "dropped: NETFILTER_DROP at LOCAL_OUT IPv4");
	assert_string_equal(packet_last_function(m, &m->packets[1]), "nf_hook_slow");
	model_free(m);
}

static void a_drop_after_the_hook_returned_is_not_the_hooks(void **state)
{
	static const struct step steps[] = {
		{ "nf_hook_slow", CLIENT, .hook = 3, .family = 2 }, { "nf_hook_slow", CLIENT, .kind = TRC_RETURN, .value = 1 },
		{ "ip_output", CLIENT }, { "ip_output", CLIENT, .kind = TRC_DROP, .value = NETFILTER_DROP }, {},
	};
	struct tape t = tape_start();
	struct model *m;

	put_packet(&t, steps, false);
	put_end(&t);
	m = tape_load(&t);
	assert_int_equal(m->packets[0].fate, FATE_DROPPED);
	assert_int_equal(packet_drop_hook(m, &m->packets[0]), NO_HOP);
	model_free(m);
}

/* One packet with that birth stack, innermost first. */
static const char *syscall_in(const char *const *stack, char *text, size_t size)
{
	static char call[64];
	struct func funcs[8] = {};
	uint32_t frames[8], n = 0;
	struct packet p = { .frames = frames };
	struct model m = { .funcs = funcs };

	for (; stack[n]; n++) {
		funcs[n].name = stack[n];
		frames[n] = n;
	}
	p.nframes = m.nfuncs = n;
	packet_stack_text(&m, &p, text, size);
	return packet_syscall(&m, &p, call, sizeof(call)) ?: "none";
}

static void the_system_call_is_the_one_a_program_calls(void **state)
{
	static const char *const nested[] = { "udp_sendmsg", "____sys_sendmsg", "___sys_sendmsg", "__sys_sendmmsg", "__x64_sys_sendmmsg",
					      "do_syscall_64", NULL };
	static const char *const tail_call[] = { "tcp_sendmsg", "vfs_write", "ksys_write", "do_syscall_64", NULL };
	static const char *const arm[] = { "udp_sendmsg", "__sys_sendto", "__arm64_sys_sendto.isra.0", "el0_svc", NULL };
	static const char *const softirq[] = { "arp_solicit", "neigh_timer_handler", "ret_from_sys_call", NULL };
	char text[256];

	assert_string_equal(syscall_in(nested, text, sizeof(text)), "sendmmsg");
	assert_string_equal(text, "udp_sendmsg");
	assert_string_equal(syscall_in(tail_call, text, sizeof(text)), "write");
	assert_string_equal(text, "vfs_write → tcp_sendmsg");
	assert_string_equal(syscall_in(arm, text, sizeof(text)), "sendto");
	assert_string_equal(syscall_in(softirq, text, sizeof(text)), "none");
	assert_string_equal(text, "ret_from_sys_call → neigh_timer_handler → arp_solicit");
	memset(text, '#', sizeof(text));
	syscall_in(softirq, text, 12);		/* too small: cut, not overrun */
	assert_true(strlen(text) < 12);
	for (size_t i = 12; i < sizeof(text); i++)
		assert_int_equal(text[i], '#');
}

static void path_shows_hook_verdict_reason_and_changes(void **state)
{
	struct model *m = load_both();
	struct paper p;

	paper_open(&p, 0);
	assert_int_equal(show_path(&p.t, m, &m->packets[0], false), 0);
	paper_has(&p, "POST_ROUTING IPv4 → ACCEPT");
	paper_has(&p, "▸ netns cl · dig (123) · CPU 1\n");
	paper_has(&p, "▸ netns cl → sv · device veth-c → veth-s\n");
	paper_has(&p, "▸ softirq\n");
	paper_has(&p, "▸ dnsd (77) · CPU 1 → 0\n");
	paper_has(&p, "freed by __consume_stateless_skb, skb_release_data, kfree_skbmem (hops 24-26)\n");
	paper_has(&p, "sendto(2) → udp_sendmsg → udp_send_skb\n");
	assert_int_equal(show_path(&p.t, m, &m->packets[1], false), 0);
	paper_has(&p, "LOCAL_OUT IPv4 → DROP");
	paper_has(&p, "✗ dropped here: NETFILTER_DROP");
	paper_has_not(&p, "↩ DROP: A function of the hook dropped the packet");
	assert_int_equal(show_path(&p.t, m, &m->packets[1], true), 0);
	paper_has(&p, "↩ DROP: A function of the hook dropped the packet");
	paper_close(&p);
	model_free(m);
}

static void lines_fit_the_terminal(void **state)
{
	struct model *m = load_both();
	struct paper p;

	paper_open(&p, 70);
	assert_int_equal(show_path(&p.t, m, &m->packets[1], false), 0);
	paper_has(&p, "✗ dropped here: NETFILTER_DROP");
	paper_fits(&p, 70);
	paper_close(&p);
	for (unsigned int width = 80; width <= 160; width += 10) {
		paper_open(&p, width);
		assert_int_equal(show_path(&p.t, m, &m->packets[0], false), 0);
		assert_int_equal(show_path(&p.t, m, &m->packets[1], false), 0);
		show_list(&p.t, m);
		show_header(&p.t, m);
		paper_has(&p, "10.0.0.1:40000 > 10.0.0.2:53");
		paper_has(&p, "dropped: NETFILTER_DROP");
		paper_fits(&p, width);
		paper_close(&p);
	}
	model_free(m);
}

static void drops_are_grouped(void **state)
{
	struct tape t = tape_start();
	struct model *m;
	struct paper p;

	for (int i = 0; i < 5; i++)
		put_packet(&t, step_dropped, false);
	put_packet(&t, step_ok, false);
	put_end(&t);
	m = tape_load(&t);
	paper_open(&p, 0);
	assert_int_equal(show_drops(&p.t, m, true), 0);
	paper_has(&p, "{\"count\":5,\"no_loss\":0,\"reason\":\"NETFILTER_DROP\",\"function\":\"nf_hook_slow\",\"hook\":\"LOCAL_OUT IPv4\",\"netns\":\"cl\",\"first_packet\":1,");
	assert_int_equal(show_drops(&p.t, m, false), 0);
	paper_has(&p, "1, 2, 3, …");
	paper_close(&p);
	model_free(m);
}

static void functions_are_counted_by_what_became_of_them(void **state)
{
	struct tape t = tape_start();
	struct model *m;
	struct paper p;

	put_packet(&t, step_ok, false);		/* 25 functions, all attached and hit */
	put(&t, (struct trc_record){ TRC_FUNC, .func = { .id = t.nfuncs++, .name = "never", .module = "", .arg = 1, .why = "",
		.flags = TRC_FUNC_PROBED | TRC_FUNC_ATTACHED } });
	for (int i = 0; i < 2; i++)
		put(&t, (struct trc_record){ TRC_FUNC, .func = { .id = t.nfuncs++, .name = i ? "x" : "y", .module = "", .arg = 1,
			.flags = TRC_FUNC_PROBED, .error = 22, .why = "inlined" } });
	put(&t, (struct trc_record){ TRC_FUNC, .func = { .id = t.nfuncs++, .name = "only_a_name", .module = "", .why = "" } });
	put_end(&t);
	m = tape_load(&t);
	paper_open(&p, 0);
	assert_int_equal(show_functions(&p.t, m), 0);
	paper_has(&p, "28 functions: 26 probed (25 hit, 1 never), 2 refused\n  2 refused: inlined\n");
	paper_has_not(&p, "only_a_name");
	paper_close(&p);
	model_free(m);
}

static void verify_says_whole(void **state)
{
	struct tape t = tape_start();
	struct paper p;
	char trouble[256] = "";

	put_packet(&t, step_ok, true);
	put_end(&t);
	paper_open(&p, 0);
	assert_int_equal(show_verify(&p.t, tape_path(&t), false, trouble, sizeof(trouble)), 0);
	paper_has(&p, "26 hops");
	paper_close(&p);
	close(t.fd);
}

static void verify_finds_a_recorder_that_did_not_end(void **state)
{
	struct tape t = tape_start();
	struct paper p;
	char trouble[256] = "";

	put_packet(&t, step_ok, true);
	paper_open(&p, 0);
	assert_int_equal(show_verify(&p.t, tape_path(&t), false, trouble, sizeof(trouble)), -EBADMSG);
	assert_true(*trouble);
	paper_close(&p);
	close(t.fd);
}

static void verify_finds_counts_that_do_not_add_up(void **state)
{
	struct tape t = tape_start();
	struct paper p;
	char trouble[256] = "";

	put_packet(&t, step_ok, true);
	t.seq[1]++;		/* one more than was written */
	put_end(&t);
	paper_open(&p, 0);
	assert_int_equal(show_verify(&p.t, tape_path(&t), false, trouble, sizeof(trouble)), -EBADMSG);
	assert_non_null(strstr(trouble, "counts of CPU 1 do not add up"));
	paper_close(&p);
	close(t.fd);
}

static void verify_finds_a_flipped_bit(void **state)
{
	struct tape t = tape_start();
	struct paper p;
	char trouble[256] = "", byte;

	put_packet(&t, step_ok, true);
	put_end(&t);
	tape_path(&t);
	assert_int_equal(pread(t.fd, &byte, 1, lseek(t.fd, 0, SEEK_END) / 2), 1);
	byte ^= 1;
	assert_int_equal(pwrite(t.fd, &byte, 1, lseek(t.fd, 0, SEEK_END) / 2), 1);
	paper_open(&p, 0);
	assert_true(show_verify(&p.t, tape_path(&t), false, trouble, sizeof(trouble)) < 0);
	assert_true(*trouble);
	paper_close(&p);
	close(t.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fate_names_the_reader),
		cmocka_unit_test(fate_names_reason_and_hook),
		cmocka_unit_test(a_drop_after_the_hook_returned_is_not_the_hooks),
		cmocka_unit_test(the_system_call_is_the_one_a_program_calls),
		cmocka_unit_test(path_shows_hook_verdict_reason_and_changes),
		cmocka_unit_test(lines_fit_the_terminal),
		cmocka_unit_test(drops_are_grouped),
		cmocka_unit_test(functions_are_counted_by_what_became_of_them),
		cmocka_unit_test(verify_says_whole),
		cmocka_unit_test(verify_finds_a_recorder_that_did_not_end),
		cmocka_unit_test(verify_finds_counts_that_do_not_add_up),
		cmocka_unit_test(verify_finds_a_flipped_bit),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
