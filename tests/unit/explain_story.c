// SPDX-License-Identifier: GPL-2.0
/*
 * explain_story.c - the sentences about a packet: right order, right hops, and silence or "not known" where nothing
 * was recorded.
 */
#include "explain.h"
#include "show.h"
#include "show_recording.h"

static struct model *load_one(const struct step *steps, bool with_stack)
{
	struct tape t = tape_start();

	put_packet(&t, steps, with_stack);
	put_end(&t);
	return tape_load(&t);
}

static struct explain story_of(const struct model *m)
{
	struct explain e;

	assert_int_equal(m->npackets, 1);
	assert_int_equal(explain_packet(&e, m, &m->packets[0], &(struct explain_system){}), 0);
	return e;
}

/* The step with that label whose text has these words; fails when there is none. */
static size_t find(const struct explain *e, const char *label, const char *words)
{
	for (size_t i = 0; i < e->count; i++)
		if (!strcmp(e->steps[i].label, label) && strstr(e->steps[i].text, words))
			return i;
	for (size_t i = 0; i < e->count; i++)
		print_message("%s: %s\n", e->steps[i].label, e->steps[i].text);
	fail_msg("no step %s says: %s", label, words);
	return 0;
}

static bool says(const struct explain *e, const char *words)
{
	for (size_t i = 0; i < e->count; i++)
		if (strstr(e->steps[i].text, words))
			return true;
	return false;
}

static void origin_names_process_and_system_call(void **state)
{
	struct model *m = load_one(step_ok, true);
	struct explain e = story_of(m);

	assert_int_equal(find(&e, "Origin", "Process dig (123) in netns cl calls sendto(2)."), 0);
	find(&e, "Origin", "udp4_hwcsum (hop 1, transport), reached through udp_sendmsg → udp_send_skb.");
	explain_free(&e);
	model_free(m);
}

static void without_a_stack_the_system_call_is_not_known(void **state)
{
	struct model *m = load_one(step_ok, false);
	struct explain e = story_of(m);

	find(&e, "Origin", "which system call is not known");
	assert_false(says(&e, "sendto"));
	explain_free(&e);
	model_free(m);
}

static void sentences_come_in_the_order_of_hops(void **state)
{
	static const struct { const char *label, *words; } order[] = {
		{ "Origin", "dig" }, { "To IP", "From the transport (udp4_hwcsum, hop 1) it is handed to IP: ip_send_skb (hop 2)" }, { "Netfilter", "LOCAL_OUT" }, { "Netfilter", "POST_ROUTING" },
		{ "Queue", "veth-c" }, { "Driver", "dev_hard_start_xmit (hop 11)" }, { "Crossing", "netns cl to netns sv (hop 13" },
		{ "Receive", "__netif_rx (hop 13)" }, { "Context", "softirq" }, { "IP receive", "ip_rcv (hop 15)" },
		{ "Routing", "ip_route_input_noref" }, { "Protocol", "udp_rcv (hop 20)" }, { "Socket", "(hop 22)" },
		{ "Read", "dnsd (77), 50.0 µs after it was queued" }, { "End", "delivered" },
	};
	struct model *m = load_one(step_ok, true);
	struct explain e = story_of(m);
	size_t at = 0;

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		size_t here = find(&e, order[i].label, order[i].words);

		assert_true(here >= at);
		at = here;
	}
	explain_free(&e);
	model_free(m);
}

static void a_hook_says_its_verdict(void **state)
{
	struct model *m = load_one(step_ok, true);
	struct explain e = story_of(m);

	find(&e, "Netfilter", "Hook POST_ROUTING (IPv4) says ACCEPT (hop 5, nf_hook_slow)");
	explain_free(&e);
	model_free(m);
}

static void a_hook_not_visited_has_nothing_registered(void **state)
{
	struct model *m = load_one(step_ok, true);
	struct explain e = story_of(m);

	find(&e, "Netfilter", "Hook LOCAL_OUT (IPv4) is not visited between __ip_local_out (hop 3) and ip_output (hop 4)");
	assert_false(says(&e, "Hook POST_ROUTING (IPv4) is not visited"));
	explain_free(&e);
	model_free(m);
}

/* Without a probe on the function that walks the hooks, nothing may be said about them. */
static void unprobed_netfilter_is_not_known(void **state)
{
	static const struct step steps[] = { { "ip_send_skb", CLIENT }, { "__ip_local_out", CLIENT }, { "ip_output", CLIENT }, {} };
	struct model *m = load_one(steps, true);
	struct explain e = story_of(m);

	assert_false(says(&e, "LOCAL_OUT"));
	find(&e, "Not known", "what netfilter did");
	explain_free(&e);
	model_free(m);
}

static void a_hook_without_its_return_has_no_verdict(void **state)
{
	static const struct step steps[] = { { "ip_send_skb", CLIENT }, { "nf_hook_slow", CLIENT, .hook = 3, .family = 2 }, {} };
	struct model *m = load_one(steps, true);
	struct explain e = story_of(m);

	find(&e, "Netfilter", "its verdict was not recorded");
	assert_false(says(&e, "ACCEPT"));
	explain_free(&e);
	model_free(m);
}

static void a_drop_names_function_hook_and_reason(void **state)
{
	struct model *m = load_one(step_dropped, true);
	struct explain e = story_of(m);

	find(&e, "Netfilter", "Hook LOCAL_OUT (IPv4) says DROP (hop 4, nf_hook_slow); it asked ipt_do_table");
	find(&e, "End", "dropped in nf_hook_slow at hook LOCAL_OUT IPv4 (hop 8)");
	find(&e, "End", "with the reason NETFILTER_DROP.");
	assert_false(says(&e, "delivered"));
	explain_free(&e);
	model_free(m);
}

static void without_an_end_none_is_invented(void **state)
{
	static const struct step steps[] = { { "ip_send_skb", CLIENT }, { "__ip_local_out", CLIENT }, {} };
	struct model *m = load_one(steps, true);
	struct explain e = story_of(m);

	find(&e, "End", "Its end was not seen. The last hop is __ip_local_out (hop 2)");
	explain_free(&e);
	model_free(m);
}

static void a_packet_that_waits_for_its_neighbour_says_so(void **state)
{
	static const struct step steps[] = { { "ip_output", CLIENT }, { "neigh_resolve_output", CLIENT }, { "__neigh_event_send", CLIENT }, {} };
	struct model *m = load_one(steps, true);
	struct explain e = story_of(m);

	find(&e, "Neighbour", "neigh_resolve_output (hop 2); it is not known yet, so the packet waits (hop 3");
	explain_free(&e);
	model_free(m);
}

/* A function called by a hook knows the hook as well; the hook is told once, with what it asked. */
static void a_packet_whose_neighbour_is_known_does_not_wait(void **state)
{
	static const struct step steps[] = {
		{ "ip_output", CLIENT }, { "neigh_resolve_output", CLIENT }, { "__neigh_event_send", CLIENT },
		{ "__dev_queue_xmit", CLIENT }, {},
	};
	struct model *m = load_one(steps, true);
	struct explain e = story_of(m);

	find(&e, "Neighbour", "it is known, if not for certain, and the packet goes on (hop 3");
	assert_false(says(&e, "waits"));
	explain_free(&e);
	model_free(m);
}

static void a_hook_is_told_once(void **state)
{
	static const struct step steps[] = {
		{ "nf_hook_slow", CLIENT, .hook = 3, .family = 2 }, { "apparmor_ip_postroute", CLIENT, .hook = 3, .family = 2 },
		{ "nf_hook_slow", CLIENT, .kind = TRC_RETURN, .value = 1 }, { "ip_output", CLIENT }, {},
	};
	struct model *m = load_one(steps, true);
	struct explain e = story_of(m);
	size_t told = 0;

	for (size_t i = 0; i < e.count; i++)
		told += !strcmp(e.steps[i].label, "Netfilter");
	assert_int_equal(told, 1);
	find(&e, "Netfilter", "says ACCEPT (hop 1, nf_hook_slow); it asked apparmor_ip_postroute (hop 2).");
	explain_free(&e);
	model_free(m);
}

static void interrupts_make_packets_without_a_process(void **state)
{
	static const struct step steps[] = { { "__netif_receive_skb", SERVER, .pid = PID_DIG }, { "ip_rcv", SERVER, .pid = PID_DIG }, {} };
	struct model *m = load_one(steps, false);
	struct explain e = story_of(m);

	find(&e, "Origin", "first seen in softirq on CPU 1 in netns sv");
	assert_false(says(&e, "dig"));
	explain_free(&e);
	model_free(m);
}

static void multicast_reports_and_discovery_are_housekeeping(void **state)
{
	struct packet arp = { .tuple = { .ethertype = 0x0806, .have = TRC_HAVE_ARP } };
	struct packet nd = { .tuple = { .ethertype = 0x86dd, .l4proto = 58, .have = TRC_HAVE_IP6 | TRC_HAVE_L4, .sport = 135 << 8 } };
	struct packet ping = { .tuple = { .ethertype = 0x86dd, .l4proto = 58, .have = TRC_HAVE_IP6 | TRC_HAVE_L4, .sport = 128 << 8 } };
	struct packet udp = { .tuple = { .ethertype = 0x0800, .l4proto = 17, .have = TRC_HAVE_IP4 | TRC_HAVE_L4, .sport = 135 << 8 } };

	assert_true(packet_is_housekeeping(&arp));
	assert_true(packet_is_housekeeping(&nd));
	assert_false(packet_is_housekeeping(&ping));
	assert_false(packet_is_housekeeping(&udp));
}

/* "It is dropped" with that reason, of which a clone took these steps: is that said to be no loss? */
static bool said_to_be_no_loss(const char *name, int32_t reason, const struct step *clone)
{
	const struct step dropped[] = {
		{ "icmp_rcv", SERVER }, { "__skb_clone", SERVER }, { "icmp_rcv", SERVER, .kind = TRC_DROP, .value = reason, .delta_ns = 100000 }, {},
	};
	struct tape t = tape_start();
	struct model *m;
	struct explain e;
	char fate[128];
	bool no_loss;

	put(&t, (struct trc_record){ TRC_ENUM, .enumeration = { "skb_drop_reason", name, reason } });
	put_packet(&t, dropped, false);
	put(&t, (struct trc_record){ TRC_EDGE, .edge = { t.time_ns, 2, 1, TRC_EDGE_CLONE, func_id(&t, "__skb_clone") } });
	put_packet(&t, clone, false);
	put_end(&t);
	m = tape_load(&t);
	assert_int_equal(m->packets[1].fate, FATE_DELIVERED);
	assert_int_equal(explain_packet(&e, m, &m->packets[0], &(struct explain_system){}), 0);
	no_loss = says(&e, "This is no loss");
	packet_fate_text(m, &m->packets[0], fate, sizeof(fate));
	assert_int_equal(strstr(fate, " (no loss: see packet 2)") != NULL, no_loss);	/* the list says so as well */
	explain_free(&e);
	model_free(m);
	return no_loss;
}

static void what_a_capture_program_got_excuses_no_drop(void **state)
{
	static const struct step to_ping[] = { { "__sock_queue_rcv_skb", SERVER }, { "skb_free_datagram", READER }, {} };
	static const struct step to_tcpdump[] = { { "packet_rcv", SERVER }, { "__sock_queue_rcv_skb", SERVER }, { "skb_free_datagram", READER }, {} };

	assert_true(said_to_be_no_loss("NO_SOCKET", 3, to_ping));
	assert_false(said_to_be_no_loss("NO_SOCKET", 3, to_tcpdump));
	assert_false(said_to_be_no_loss("TTL_EXPIRED", 4, to_ping));
}

/* Programs read the hops of a sentence where people read its words. */
static void every_hop_in_the_words_is_among_the_hops(void **state)
{
	const struct step *const packets[] = { step_ok, step_dropped };
	size_t cited = 0;

	for (size_t k = 0; k < 2; k++) {
		struct model *m = load_one(packets[k], true);
		struct explain e = story_of(m);

		for (size_t i = 0; i < e.count; i++) {
			const struct explain_step *step = &e.steps[i];

			for (const char *at = step->text; (at = strstr(at, "hop ")); at += 4) {
				uint32_t number = strtoul(at + 4, NULL, 10);
				bool found = false;

				if (!number)
					continue;	/* "the last hop is" */
				for (size_t h = 0; h < step->nhops; h++)
					found |= step->hops[h] == number;
				if (!found)
					fail_msg("hop %u is not among the hops of: %s", number, step->text);
				cited++;
			}
			for (size_t h = 1; h < step->nhops; h++)
				assert_true(step->hops[h - 1] < step->hops[h]);
		}
		explain_free(&e);
		model_free(m);
	}
	assert_true(cited > 20);
}

static const struct explain_thing *thing(const struct explain *e, const char *label, const char *key)
{
	for (size_t i = 0; i < e->count; i++)
		for (size_t k = 0; k < e->steps[i].nthings; k++)
			if (!strcmp(e->steps[i].label, label) && !strcmp(e->steps[i].things[k].key, key))
				return &e->steps[i].things[k];
	fail_msg("no sentence %s names a %s", label, key);
	return NULL;
}

static void sentences_name_things_for_programs(void **state)
{
	struct model *m = load_one(step_dropped, true);
	struct explain e = story_of(m);

	assert_int_equal(thing(&e, "Origin", "pid")->number, PID_DIG);
	assert_string_equal(thing(&e, "Origin", "system_call")->text, "sendto");
	assert_string_equal(thing(&e, "Netfilter", "hook")->text, "LOCAL_OUT");
	assert_string_equal(thing(&e, "Netfilter", "verdict")->text, "DROP");
	assert_string_equal(thing(&e, "End", "reason")->text, "NETFILTER_DROP");
	explain_free(&e);
	model_free(m);
	m = load_one(step_ok, true);
	e = story_of(m);
	assert_string_equal(thing(&e, "Driver", "peer_device")->text, "veth-s");
	assert_string_equal(thing(&e, "Driver", "device")->text, "veth-c");
	assert_string_equal(thing(&e, "Receive", "netns")->text, "sv");
	assert_string_equal(thing(&e, "End", "fate")->text, "delivered");
	assert_int_equal(thing(&e, "Read", "queued_ns")->number, 50000);
	explain_free(&e);
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(origin_names_process_and_system_call),
		cmocka_unit_test(without_a_stack_the_system_call_is_not_known),
		cmocka_unit_test(sentences_come_in_the_order_of_hops),
		cmocka_unit_test(a_hook_says_its_verdict),
		cmocka_unit_test(a_hook_not_visited_has_nothing_registered),
		cmocka_unit_test(unprobed_netfilter_is_not_known),
		cmocka_unit_test(a_hook_without_its_return_has_no_verdict),
		cmocka_unit_test(a_drop_names_function_hook_and_reason),
		cmocka_unit_test(without_an_end_none_is_invented),
		cmocka_unit_test(a_packet_that_waits_for_its_neighbour_says_so),
		cmocka_unit_test(a_packet_whose_neighbour_is_known_does_not_wait),
		cmocka_unit_test(a_hook_is_told_once),
		cmocka_unit_test(interrupts_make_packets_without_a_process),
		cmocka_unit_test(multicast_reports_and_discovery_are_housekeeping),
		cmocka_unit_test(what_a_capture_program_got_excuses_no_drop),
		cmocka_unit_test(every_hop_in_the_words_is_among_the_hops),
		cmocka_unit_test(sentences_name_things_for_programs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
