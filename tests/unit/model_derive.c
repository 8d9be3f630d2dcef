// SPDX-License-Identifier: GPL-2.0
/*
 * model_derive.c - functions found on the stacks of tracepoints become hops: the right ones, once, in order, in bounds.
 */
#include "model_events.h"
#include "model_private.h"

static struct model *load_one(struct events *e, const struct event *ev)
{
	events_open(e);
	events_put(e, 1, ev);
	return tape_load(&e->t);
}

static void way_is(const struct event *ev, const char *expected)
{
	struct events e;
	struct model *m = load_one(&e, ev);

	assert_string_equal(way(m, 1), expected);
	tape_close(&e.t, m);
}

static void a_query_over_loopback_shows_its_whole_way(void **state)
{
	way_is(loopback_query, QUERY_WAY);
}

static void derived_hops_are_not_in_the_accounts(void **state)
{
	struct events e;
	struct model *m = load_one(&e, loopback_query);
	const struct trc_hop *h;
	size_t i, derived = 0, recorded = sizeof(loopback_query) / sizeof(loopback_query[0]) - 1;

	for (i = 0; i < m->nhops; i++) {
		h = packet_hop(m, &m->packets[0], i);
		derived += h->kind == TRC_DERIVED;
		assert_true(h->kind != TRC_DERIVED || !hop_stack(m, h));
	}
	assert_int_equal(m->nhops - m->nderived, recorded);
	assert_int_equal(m->nderived, derived);
	assert_int_equal(m->packets[0].nderived, derived);
	for (i = 0; i < m->nfuncs; i++)
		assert_true(!m->funcs[i].hits || m->funcs[i].flags & TRC_FUNC_TRACEPOINT);
	tape_close(&e.t, m);
}

static void gaps_are_seen_between_derived_hops_and_only_there(void **state)
{
	static const struct event two[] = { { "net_dev_queue", SENDING }, { "net_dev_start_xmit", "dev_hard_start_xmit " SENDING }, {} };
	struct events e;
	struct model *m = load_one(&e, two);

	assert_int_equal(m->lost, 0);
	assert_false(m->packets[0].lossy);
	tape_close(&e.t, m);
	events_open(&e);
	events_put(&e, 1, two);
	e.t.seq[0]++;
	events_put(&e, 1, two + 1);
	m = tape_load(&e.t);
	assert_int_equal(m->lost, 1);
	assert_true(m->packets[0].lossy);
	tape_close(&e.t, m);
}

static void fate_follows_from_derived_functions(void **state)
{
	static const struct event sent[] = { { "net_dev_start_xmit", "dev_hard_start_xmit " SENDING }, {} };
	static const struct event queued[] = {
		{ "netif_receive_skb", "__netif_receive_skb_core net_rx_action" ON_TOP, TRC_SOFTIRQ },
		{ "sk_data_ready", "sock_def_readable __udp_enqueue_schedule_skb udp_queue_rcv_one_skb __netif_receive_skb_core net_rx_action"
		  ON_TOP, TRC_SOFTIRQ }, {} };
	static const struct event refused[] = {
		{ "net_dev_queue", SENDING },
		{ "nf_hook_slow", "sk_skb_reason_drop nf_hook_slow __ip_local_out ip_send_skb udp_send_skb udp_sendmsg" SYSCALL, .reason = 11 }, {} };
	struct events e;
	struct model *m = load_one(&e, sent);

	assert_int_equal(m->packets[0].fate, FATE_SENT);
	tape_close(&e.t, m);
	m = load_one(&e, queued);
	assert_int_equal(m->packets[0].fate, FATE_DELIVERED);
	assert_string_equal(m->funcs[packet_hop(m, &m->packets[0], m->packets[0].fate_hop)->func].name, "__udp_enqueue_schedule_skb");
	tape_close(&e.t, m);
	m = load_one(&e, loopback_query);
	assert_int_equal(m->packets[0].fate, FATE_DELIVERED);	/* a process read it */
	tape_close(&e.t, m);
	m = load_one(&e, refused);
	assert_int_equal(m->packets[0].fate, FATE_DROPPED);
	assert_string_equal(packet_reason(m, &m->packets[0]), "NETFILTER_DROP");
	assert_string_equal(way(m, 1), "~udp_sendmsg ~udp_send_skb ~ip_send_skb ~ip_output ~ip_finish_output2 ~__dev_queue_xmit net_dev_queue "
			    "~__ip_local_out ~nf_hook_slow ~sk_skb_reason_drop nf_hook_slow");
	tape_close(&e.t, m);
}

static void what_a_softirq_interrupted_is_not_the_packets(void **state)
{
	static const struct event ev[] = { { "netif_receive_skb", "__netif_receive_skb_core net_rx_action" ON_TOP, TRC_SOFTIRQ }, {} };
	static const struct event unknown[] = {
		{ "netif_receive_skb", "__netif_receive_skb_core net_rx_action" ON_TOP, TRC_CONTEXT_UNKNOWN }, {} };

	way_is(ev, "~__netif_receive_skb_core netif_receive_skb");
	way_is(unknown, "~__netif_receive_skb_core netif_receive_skb");
}

static void a_process_goes_on_after_the_softirq_on_top_of_it(void **state)
{
	static const struct event ev[] = {
		{ "net_dev_queue", SENDING },
		{ "netif_receive_skb", "__netif_receive_skb_core net_rx_action" ON_TOP, TRC_SOFTIRQ },
		{ "net_dev_xmit", "dev_hard_start_xmit " SENDING },
		{ "netif_receive_skb", "__netif_receive_skb_core net_rx_action" ON_TOP, TRC_SOFTIRQ }, {} };

	way_is(ev, "~udp_sendmsg ~udp_send_skb ~ip_send_skb ~ip_output ~ip_finish_output2 ~__dev_queue_xmit net_dev_queue "
	       "~__netif_receive_skb_core netif_receive_skb ~dev_hard_start_xmit net_dev_xmit ~__netif_receive_skb_core netif_receive_skb");
}

static void another_cpu_or_process_is_another_call(void **state)
{
	static const struct event ev[] = {
		{ "net_dev_queue", "__dev_queue_xmit tcp_sendmsg" SYSCALL }, { "net_dev_queue", "__dev_queue_xmit tcp_sendmsg" SYSCALL },
		{ "net_dev_queue", "__dev_queue_xmit tcp_sendmsg" SYSCALL, .cpu = 1 },
		{ "net_dev_queue", "__dev_queue_xmit tcp_sendmsg" SYSCALL, .cpu = 1, .pid = 77 }, {} };

	way_is(ev, "~tcp_sendmsg ~__dev_queue_xmit net_dev_queue net_dev_queue ~tcp_sendmsg ~__dev_queue_xmit net_dev_queue "
	       "~tcp_sendmsg ~__dev_queue_xmit net_dev_queue");
}

/* veth in a softirq: the packet is put into the backlog and taken out by the next round of the same loop. */
static void behind_a_queue_the_same_functions_are_entered_again(void **state)
{
	static const struct event ev[] = {
		{ "netif_receive_skb", "__netif_receive_skb_core process_backlog net_rx_action" ON_TOP, TRC_SOFTIRQ },
		{ "netif_rx", "netif_rx_internal veth_xmit ip_forward __netif_receive_skb_core process_backlog net_rx_action" ON_TOP, TRC_SOFTIRQ },
		{ "net_dev_xmit", "ip_forward __netif_receive_skb_core process_backlog net_rx_action" ON_TOP, TRC_SOFTIRQ },
		{ "netif_receive_skb", "__netif_receive_skb_core process_backlog net_rx_action" ON_TOP, TRC_SOFTIRQ }, {} };

	way_is(ev, "~process_backlog ~__netif_receive_skb_core netif_receive_skb ~ip_forward ~veth_xmit ~netif_rx_internal netif_rx net_dev_xmit "
	       "~process_backlog ~__netif_receive_skb_core netif_receive_skb");
}

static void unknown_functions_stay_when_a_known_one_called_them(void **state)
{
	static const struct event ev[] = { { "net_dev_queue", "zz_inner __dev_queue_xmit zz_between ip_output zz_outer do_syscall_64" }, {} };

	way_is(ev, "~ip_output ~zz_between ~__dev_queue_xmit ~zz_inner net_dev_queue");
}

static void stacks_of_probed_functions_derive_nothing(void **state)
{
	struct events e;
	struct model *m;
	struct trc_record rec = { TRC_FUNC, .func = { .id = 200, .name = "ip_rcv", .module = "", .why = "", .arg = 1,
		.flags = TRC_FUNC_PROBED | TRC_FUNC_ATTACHED } };

	events_open(&e);
	tape_put(&e.t, &rec);
	events_put(&e, 1, loopback_query);
	m = tape_load(&e.t);
	assert_int_equal(m->nderived, 0);
	tape_close(&e.t, m);
}

static void a_file_cannot_call_its_hops_derived(void **state)
{
	struct model *m = model_new("test");
	struct trc_record rec = { TRC_HOP, .hop = { .packet = 1, .kind = TRC_DERIVED } };

	assert_int_equal(record_add(m, &rec), 0);	/* the reader refuses it, too */
	assert_int_equal(model_order(m), 0);
	assert_int_not_equal(packet_hop(m, &m->packets[0], 0)->kind, TRC_DERIVED);
	assert_int_equal(m->nderived, 0);
	model_free(m);
}

static void the_birth_stack_is_the_first_that_was_taken(void **state)
{
	static const struct event ev[] = { { "netif_rx_entry", NULL }, { "net_dev_queue", SENDING }, { "consume_skb", "consume_skb" }, {} };
	struct events e;
	struct model *m = load_one(&e, ev);

	assert_true(m->packets[0].nframes > 5);
	assert_string_equal(m->funcs[m->packets[0].frames[0]].name, "__dev_queue_xmit");
	tape_close(&e.t, m);
}

static void a_packet_without_stacks_is_told_whose_functions_to_look_up(void **state)
{
	static const struct event bare[] = { { "net_dev_queue", SENDING }, { "net_dev_start_xmit", NULL }, {} };
	static const struct event full[] = { { "net_dev_queue", SENDING }, { "net_dev_start_xmit", "dev_hard_start_xmit " SENDING }, {} };
	static const struct event other[] = { { "net_dev_queue", SENDING }, { "netif_rx", NULL }, {} };
	struct events e;
	struct model *m;
	struct trc_hop h;

	events_open(&e);
	events_put(&e, 1, bare);
	events_put(&e, 2, full);
	events_put(&e, 3, other);
	events_put(&e, 4, bare);
	h = event_hop(&e, 5, &bare[0]);		/* another flow */
	h.sport++;
	tape_write(&e.t, &h);
	h = event_hop(&e, 5, &bare[1]);
	h.sport++;
	tape_write(&e.t, &h);
	m = tape_load(&e.t);
	assert_int_equal(m->packets[0].like, 2);
	assert_int_equal(m->packets[1].like, 0);
	assert_int_equal(m->packets[2].like, 0);
	assert_int_equal(m->packets[3].like, 2);
	assert_int_equal(m->packets[4].like, 0);
	tape_close(&e.t, m);
}

/* Two deep stacks in turn: each event enters more than a hundred functions.  A small file, and it still loads. */
static void what_would_take_too_much_memory_is_not_derived(void **state)
{
	enum { EVENTS = 40000 };
	uint32_t frames[TRC_STACK_MAX];
	struct trc_record rec = { TRC_FRAMES, .frames = { .count = TRC_STACK_MAX, .frames = frames } };
	struct events e;
	struct model *m;
	struct trc_hop h;
	int i;

	events_open(&e);
	for (rec.frames.id = 1; rec.frames.id <= 2; rec.frames.id++) {
		for (i = 0; i < TRC_STACK_MAX; i++)
			frames[i] = plain_id(&e, rec.frames.id == 1 ? "ip_rcv" : "ip_output");
		tape_put(&e.t, &rec);
	}
	for (i = 0; i < EVENTS; i++) {
		h = event_hop(&e, 1 + i / 1000, &(struct event){ "net_dev_queue", NULL });
		h.stack = 1 + i % 2;
		tape_write(&e.t, &h);
	}
	m = tape_load(&e.t);
	assert_true(m->underived > 1);
	assert_true(m->nderived > 0 && m->nderived < EVENTS * 64);
	assert_int_equal(m->packets[m->underived - 2].nderived, 1000 * TRC_STACK_MAX);
	assert_int_equal(m->packets[m->underived - 1].nderived, 0);
	assert_int_equal(m->packets[m->underived - 1].nhops, 1000);
	assert_int_equal(m->nhops, EVENTS + m->nderived);
	tape_close(&e.t, m);
}

static void stacks_that_are_not_there_or_doubled_do_no_harm(void **state)
{
	uint32_t frames[2] = { 64, 4000000000u };
	struct trc_record rec = { TRC_FRAMES, .frames = { .id = 1, .count = 2, .frames = frames } };
	struct events e;
	struct model *m;
	struct trc_hop h;

	events_open(&e);
	plain_id(&e, "ip_rcv");
	tape_put(&e.t, &rec);
	rec.frames.count = 1;
	frames[0] = 5;
	tape_put(&e.t, &rec);		/* again: the first stays */
	h = event_hop(&e, 1, &(struct event){ "net_dev_queue", NULL });
	h.stack = 1;
	tape_write(&e.t, &h);
	h.seq = e.t.seq[0]++;
	h.stack = 99;
	tape_write(&e.t, &h);
	m = tape_load(&e.t);
	assert_string_equal(way(m, 1), "~ip_rcv net_dev_queue net_dev_queue");
	assert_int_equal(m->nstacks, 1);
	assert_int_equal(m->stacks[0].count, 2);
	assert_int_equal(packet_hop(m, &m->packets[0], m->nhops - 1)->stack, 0);
	tape_close(&e.t, m);
}

/* The hook of the first derived nf_hook_slow: family << 8 | hook, or -1. */
static int hook_of(const char *stack)
{
	const struct event ev[] = { { "nf_hook_slow", stack, .reason = 11 }, {} };
	struct events e;
	struct model *m = load_one(&e, ev);
	const struct trc_hop *h;
	int hook = -2;
	uint32_t i;

	for (i = 0; i < m->packets[0].nhops && hook == -2; i++) {
		h = packet_hop(m, &m->packets[0], i);
		if (h->kind == TRC_DERIVED && !strcmp(m->funcs[h->func].name, "nf_hook_slow"))
			hook = h->have & TRC_HAVE_HOOK ? h->family << 8 | h->hook : -1;
	}
	tape_close(&e.t, m);
	return hook;
}

static void who_asked_netfilter_says_which_hook(void **state)
{
	assert_int_equal(hook_of("sk_skb_reason_drop nf_hook_slow __ip_local_out ip_send_skb udp_send_skb udp_sendmsg" SYSCALL), 2 << 8 | 3);
	assert_int_equal(hook_of("kfree_skb nf_hook_slow ip_output ip_send_skb udp_send_skb udp_sendmsg" SYSCALL), 2 << 8 | 4);
	assert_int_equal(hook_of("nft_do_chain nf_hook_slow ip_forward.isra.0 __netif_receive_skb_core net_rx_action" ON_TOP), 2 << 8 | 2);
	assert_int_equal(hook_of("nf_hook_slow nf_hook_slow_list ip_sublist_rcv ip_list_rcv __netif_receive_skb_core" ON_TOP), 2 << 8 | 0);
	assert_int_equal(hook_of("nf_hook_slow ip6_input __netif_receive_skb_core net_rx_action" ON_TOP), 10 << 8 | 1);
	assert_int_equal(hook_of("nf_hook_slow ip6_xmit tcp_sendmsg" SYSCALL), 10 << 8 | 3);
	/* somebody else, or nobody within this call */
	assert_int_equal(hook_of("nf_hook_slow some_new_function ip_send_skb udp_sendmsg" SYSCALL), -1);
	assert_int_equal(hook_of("nf_hook_slow handle_softirqs ip_output udp_sendmsg" SYSCALL), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_query_over_loopback_shows_its_whole_way),
		cmocka_unit_test(derived_hops_are_not_in_the_accounts),
		cmocka_unit_test(gaps_are_seen_between_derived_hops_and_only_there),
		cmocka_unit_test(fate_follows_from_derived_functions),
		cmocka_unit_test(what_a_softirq_interrupted_is_not_the_packets),
		cmocka_unit_test(a_process_goes_on_after_the_softirq_on_top_of_it),
		cmocka_unit_test(another_cpu_or_process_is_another_call),
		cmocka_unit_test(behind_a_queue_the_same_functions_are_entered_again),
		cmocka_unit_test(unknown_functions_stay_when_a_known_one_called_them),
		cmocka_unit_test(stacks_of_probed_functions_derive_nothing),
		cmocka_unit_test(a_file_cannot_call_its_hops_derived),
		cmocka_unit_test(the_birth_stack_is_the_first_that_was_taken),
		cmocka_unit_test(a_packet_without_stacks_is_told_whose_functions_to_look_up),
		cmocka_unit_test(what_would_take_too_much_memory_is_not_derived),
		cmocka_unit_test(stacks_that_are_not_there_or_doubled_do_no_harm),
		cmocka_unit_test(who_asked_netfilter_says_which_hook),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
