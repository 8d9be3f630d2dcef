// SPDX-License-Identifier: GPL-2.0
/*
 * model_packets.c - hops become packets: order, grouping, tuples, births and fates.
 */
#include "model_support.h"

#define OUTPUT "udp4_hwcsum", "ip_send_skb", "__ip_local_out", "ip_output", "__dev_queue_xmit", "dev_hard_start_xmit"
#define INPUT "__netif_rx", "ip_rcv", "ip_local_deliver", "udp_rcv"
#define RELEASE "skb_release_head_state", "skb_release_data", "kfree_skbmem"

static void hops_are_grouped_by_packet_and_numbered_by_first_hop(void **state)
{
	struct tape t;
	struct model *m;

	tape_open(&t);
	PATH(&t, 900, "ip_send_skb");
	PATH(&t, 5, "arp_xmit");
	PATH(&t, 900, "ip_output", "dev_hard_start_xmit");
	m = tape_load(&t);
	assert_int_equal(m->npackets, 2);
	assert_int_equal(m->packets[0].id, 900);
	assert_int_equal(m->packets[0].number, 1);
	assert_int_equal(m->packets[0].nhops, 3);
	assert_int_equal(m->packets[1].id, 5);
	assert_int_equal(m->packets[1].nhops, 1);
	assert_string_equal(m->funcs[packet_hop(m, &m->packets[0], 2)->func].name, "dev_hard_start_xmit");
	tape_close(&t, m);
}

static void hops_are_in_order_of_time_then_cpu_then_sequence(void **state)
{
	static const struct { uint64_t time_ns; uint16_t cpu; uint64_t seq; } hops[] = {
		{ 50, 1, 4 }, { 10, 1, 0 }, { 30, 1, 3 }, { 30, 1, 2 }, { 30, 0, 9 }, { 20, 0, 8 }, { 60, 0, 10 }, { 40, 2, 0 },
	};
	struct tape t;
	struct model *m;
	struct trc_hop *sorted;
	size_t i;

	tape_open(&t);
	for (i = 0; i < sizeof(hops) / sizeof(hops[0]); i++) {
		struct trc_hop h = tape_hop(&t, 1, "ip_rcv");

		h.time_ns = hops[i].time_ns;
		h.cpu = hops[i].cpu;
		h.seq = hops[i].seq;
		tape_write(&t, &h);
	}
	m = tape_load(&t);
	assert_int_equal(m->nhops, 8);
	sorted = hops_in_time(m);
	for (i = 1; i < m->nhops; i++) {
		const struct trc_hop *a = &sorted[i - 1], *b = &sorted[i];

		assert_true(a->time_ns < b->time_ns || (a->time_ns == b->time_ns &&
			    (a->cpu < b->cpu || (a->cpu == b->cpu && a->seq < b->seq))));
	}
	free(sorted);
	tape_close(&t, m);
}

static void random_order_is_sorted_and_nothing_is_lost(void **state)
{
	struct tape t;
	struct model *m;
	uint64_t x = 88172645463325252, sum = 0;
	struct trc_hop *sorted;
	size_t i;

	tape_open(&t);
	for (i = 0; i < 5000; i++) {
		struct trc_hop h = tape_hop(&t, 1 + i % 7, "ip_rcv");

		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		h.time_ns = x % 100000;
		h.mark = i;
		h.seq = i;
		tape_write(&t, &h);
	}
	m = tape_load(&t);
	assert_int_equal(m->nhops, 5000);
	sorted = hops_in_time(m);
	for (i = 0; i < m->nhops; i++) {
		sum += sorted[i].mark;
		assert_true(!i || sorted[i - 1].time_ns <= sorted[i].time_ns);
	}
	free(sorted);
	assert_int_equal(sum, 5000 * 4999 / 2);
	tape_close(&t, m);
}

/* Every field takes part, returns among entries, more hops than stay unpacked, more packets at once than are remembered. */
static void hops_are_the_same_however_often_they_are_unpacked(void **state)
{
	enum { PACKETS = 5000, HOPS = 60 };
	struct tape t;
	struct model *m;
	struct trc_hop h, *written = calloc(PACKETS * HOPS, sizeof(*written));
	uint64_t x = 88172645463325252;
	size_t i, round, p;

	tape_open(&t);
	for (i = 0; i < PACKETS * HOPS; i++) {
		p = i % PACKETS;
		h = i >= PACKETS ? written[p * HOPS + i / PACKETS - 1] : tape_hop(&t, 1 + p, "ip_rcv");
		h.seq = i;
		h.time_ns = 5 + 3 * i;
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		((uint8_t *)&h)[offsetof(struct trc_hop, pid) + x % 12] = x >> 32;
		((uint8_t *)&h)[offsetof(struct trc_hop, mark) + x % 48] ^= x >> 40;
		((uint8_t *)&h)[offsetof(struct trc_hop, saddr) + x % 32] = x >> 48;
		h.cpu = 0;
		h.kind = x >> 20 & 1 ? TRC_RETURN : TRC_ENTRY;
		h.context = 0;
		tape_write(&t, &h);
		written[p * HOPS + i / PACKETS] = h;
	}
	m = tape_load(&t);
	assert_int_equal(m->npackets, PACKETS);
	for (round = 0; round < 2; round++)
		for (i = 0; i < PACKETS; i++) {
			p = round ? PACKETS - 1 - i : i * 7 % PACKETS;
			assert_memory_equal(packet_hop(m, &m->packets[p], 0), &written[p * HOPS], HOPS * sizeof(*written));
		}
	free(written);
	tape_close(&t, m);
}

static void tuple_comes_from_the_first_hop_that_shows_it_whole(void **state)
{
	struct tape t;
	struct model *m;
	struct trc_hop h;
	char text[96];

	tape_open(&t);
	h = tape_hop(&t, 1, "tcp_skb_entail");		/* no header yet */
	h.have = TRC_HAVE_SKB;
	h.ethertype = 0;
	tape_write(&t, &h);
	h = tape_hop(&t, 1, "__ip_queue_xmit");		/* addresses, no ports */
	h.have = TRC_HAVE_SKB | TRC_HAVE_IP4;
	h.l4proto = 6;
	tape_write(&t, &h);
	h = tape_hop(&t, 1, "ip_output");
	h.l4proto = 6;
	tape_write(&t, &h);
	h = tape_hop(&t, 1, "ip_rcv");			/* translated on the way: comes too late */
	h.l4proto = 6;
	h.sport = 1;
	tape_write(&t, &h);
	m = tape_load(&t);
	assert_string_equal(tuple_text(&m->packets[0].tuple, text, sizeof(text)), "TCP 10.0.0.1:40000 > 10.0.0.2:53");
	tape_close(&t, m);
}

static void tuple_of_a_header_not_filled_in_yet_is_not_taken(void **state)
{
	struct tape t;
	struct model *m;
	struct trc_hop h;
	char text[96];

	tape_open(&t);
	h = tape_hop(&t, 1, "ip_send_skb");
	memset(h.saddr, 0, 16);
	memset(h.daddr, 0, 16);
	h.ethertype = 0;
	tape_write(&t, &h);
	PATH(&t, 1, "ip_output");
	m = tape_load(&t);
	assert_string_equal(tuple_text(&m->packets[0].tuple, text, sizeof(text)), "UDP 10.0.0.1:40000 > 10.0.0.2:53");
	assert_int_equal(m->packets[0].tuple.ethertype, 0x0800);
	tape_close(&t, m);
}

static void tuple_of_old_memory_before_the_first_boundary_is_not_taken(void **state)
{
	struct tape t;
	struct model *m;
	struct trc_hop h;
	char text[96];

	tape_open(&t);
	h = tape_hop(&t, 1, "skb_set_owner_w");		/* the UDP header is not written yet */
	h.sport = h.dport = 0xdead;
	tape_write(&t, &h);
	h = tape_hop(&t, 1, "skb_put");
	h.sport = h.dport = 0;
	tape_write(&t, &h);
	PATH(&t, 1, "ip_send_skb");
	m = tape_load(&t);
	assert_string_equal(tuple_text(&m->packets[0].tuple, text, sizeof(text)), "UDP 10.0.0.1:40000 > 10.0.0.2:53");
	tape_close(&t, m);
}

static void fate_is(const char *const *funcs, enum fate fate, const char *decided)
{
	struct tape t;
	struct model *m;
	const struct packet *p;

	tape_open(&t);
	tape_names(&t);
	tape_path(&t, 1, funcs);
	m = tape_load(&t);
	p = &m->packets[0];
	assert_string_equal(fate_name(p->fate), fate_name(fate));
	assert_string_equal(m->funcs[packet_hop(m, p, p->fate_hop)->func].name, decided);
	tape_close(&t, m);
}
#define FATE(fate, decided, ...) fate_is((const char *const[]){ __VA_ARGS__, NULL }, fate, decided)

static void packet_in_a_socket_is_delivered_even_when_read_and_freed(void **state)
{
	FATE(FATE_DELIVERED, "__udp_enqueue_schedule_skb", INPUT, "__udp_enqueue_schedule_skb");
	FATE(FATE_DELIVERED, "__udp_enqueue_schedule_skb",
	     OUTPUT, INPUT, "__udp_enqueue_schedule_skb", "skb_consume_udp", RELEASE);
	FATE(FATE_DELIVERED, "tcp_queue_rcv", "tcp_v4_rcv", "tcp_queue_rcv", RELEASE);
}

static void packet_handed_to_a_driver_and_only_freed_after_it_is_sent(void **state)
{
	FATE(FATE_SENT, "dev_hard_start_xmit", OUTPUT);
	FATE(FATE_SENT, "dev_hard_start_xmit", OUTPUT, "start_xmit", "sock_wfree", "napi_consume_skb", RELEASE);
}

/* dev_hard_start_xmit is given a list, and only its first packet shows. */
static void packet_of_a_list_handed_to_a_driver_is_sent(void **state)
{
	FATE(FATE_SENT, "start_xmit", "skb_segment", "validate_xmit_xfrm", "start_xmit", "napi_consume_skb", RELEASE);
	FATE(FATE_SENT, "vmxnet3_xmit_frame", "validate_xmit_xfrm", "vmxnet3_xmit_frame", RELEASE);
	FATE(FATE_CONSUMED, "skb_release_head_state", "veth_xmit", INPUT, RELEASE);
}

static void packet_that_comes_back_from_its_driver_is_not_sent(void **state)
{
	FATE(FATE_IN_FLIGHT, "ip_rcv", OUTPUT, "veth_xmit", "__netif_rx", "ip_rcv");
	FATE(FATE_CONSUMED, "skb_release_head_state", OUTPUT, "veth_xmit", INPUT, RELEASE);
	FATE(FATE_SENT, "dev_hard_start_xmit", OUTPUT, "veth_xmit", "__netif_rx", "ip_rcv", "ip_forward", OUTPUT, RELEASE);
}

static void packet_freed_without_more_is_consumed(void **state)
{
	FATE(FATE_CONSUMED, "skb_release_head_state", "arp_rcv", "arp_process", "consume_skb", RELEASE);
	FATE(FATE_CONSUMED, "consume_skb", "arp_rcv", "arp_process", "consume_skb");
}

static void packet_without_an_end_is_in_flight(void **state)
{
	FATE(FATE_IN_FLIGHT, "ip_rcv", "ip_rcv");
	FATE(FATE_IN_FLIGHT, "ip_rcv", "consume_skb", "ip_rcv");	/* a reference was given back, no more */
	FATE(FATE_IN_FLIGHT, "sock_wfree", "ip_rcv", "sock_wfree");	/* orphaned, not freed */
}

static void reported_drop_decides_and_gives_its_reason(void **state)
{
	struct tape t;
	struct model *m;
	const struct packet *p;

	tape_open(&t);
	tape_names(&t);
	PATH(&t, 1, "ip_send_skb", "__ip_local_out", "nf_hook_slow", "kfree_skb_reason");
	tape_drop(&t, 1, "nf_hook_slow", 11);
	PATH(&t, 1, RELEASE);
	m = tape_load(&t);
	p = &m->packets[0];
	assert_int_equal(p->fate, FATE_DROPPED);
	assert_int_equal(p->fate_hop, 4);
	assert_string_equal(model_drop_reason(m, p->reason), "NETFILTER_DROP");
	tape_close(&t, m);
}

static void consumed_is_no_drop(void **state)
{
	struct tape t;
	struct model *m;

	tape_open(&t);
	tape_names(&t);
	PATH(&t, 1, "icmp_rcv");
	tape_drop(&t, 1, "icmp_rcv", 1);
	PATH(&t, 1, RELEASE);
	m = tape_load(&t);
	assert_int_equal(m->packets[0].fate, FATE_CONSUMED);
	tape_close(&t, m);
}

static void drop_without_reason_where_kernels_free_what_they_used_is_none(void **state)
{
	struct tape t;
	struct model *m;

	tape_open(&t);
	tape_names(&t);
	PATH(&t, 1, "icmpv6_rcv", "ndisc_rcv");
	tape_drop(&t, 1, "icmpv6_rcv", 2);
	PATH(&t, 1, RELEASE);
	PATH(&t, 2, "icmpv6_rcv");
	tape_drop(&t, 2, "icmpv6_rcv", 3);		/* with a reason it is one */
	PATH(&t, 3, "udp_rcv");
	tape_drop(&t, 3, "udp_rcv", 2);			/* and elsewhere without */
	m = tape_load(&t);
	assert_int_equal(m->packets[0].fate, FATE_CONSUMED);
	assert_int_equal(m->packets[1].fate, FATE_DROPPED);
	assert_int_equal(m->packets[2].fate, FATE_DROPPED);
	tape_close(&t, m);
}

static void drop_without_reason_of_what_a_driver_gives_back_is_none(void **state)
{
	struct tape t;
	struct model *m;

	tape_open(&t);
	tape_names(&t);
	PATH(&t, 1, OUTPUT, "vmxnet3_xmit_frame");
	tape_drop(&t, 1, "vmxnet3_tq_tx_complete.isra.0", 2);
	PATH(&t, 2, OUTPUT, "vmxnet3_xmit_frame");
	tape_drop(&t, 2, "vmxnet3_xmit_frame", 2);	/* refused */
	PATH(&t, 3, OUTPUT, "vmxnet3_xmit_frame");
	tape_drop(&t, 3, "vmxnet3_tq_tx_complete.isra.0", 3);	/* with a reason it is one */
	PATH(&t, 4, "netif_receive_skb");
	tape_drop(&t, 4, "vmxnet3_rq_rx_complete", 2);	/* and of what was not given to it */
	PATH(&t, 5, OUTPUT);
	tape_drop(&t, 5, "net_tx_action", 2);
	m = tape_load(&t);
	assert_int_equal(m->packets[0].fate, FATE_SENT);
	assert_int_equal(m->packets[1].fate, FATE_DROPPED);
	assert_int_equal(m->packets[2].fate, FATE_DROPPED);
	assert_int_equal(m->packets[3].fate, FATE_DROPPED);
	assert_int_equal(m->packets[4].fate, FATE_SENT);
	tape_close(&t, m);
}

static void process_at_birth_is_named_only_in_process_context(void **state)
{
	struct tape t;
	struct model *m;
	struct trc_hop h;

	tape_open(&t);
	tape_names(&t);
	PATH(&t, 1, "ip_send_skb");
	h = tape_hop(&t, 2, "ip_rcv");
	h.context = TRC_SOFTIRQ;
	tape_write(&t, &h);
	m = tape_load(&t);
	assert_int_equal(m->packets[0].pid, DIG);
	assert_string_equal(model_proc(m, m->packets[0].pid), "dig");
	assert_int_equal(m->packets[1].pid, 0);
	tape_close(&t, m);
}

/* Named at once, and again when the command is known; then it calls execve(), and its new arguments are never read. */
static void last_name_of_a_process_counts_with_its_command(void **state)
{
	const struct trc_record rows[] = {
		{ TRC_PROC, .proc = { 7, "ip", "" } },
		{ TRC_PROC, .proc = { 7, "ip", "ip netns exec cl dig" } },
		{ TRC_PROC, .proc = { 7, "ip", "" } },		/* named again, and too late to be read again */
		{ TRC_PROC, .proc = { 8, "ip", "ip link" } },
		{ TRC_PROC, .proc = { 8, "dig", "" } },
	};
	struct tape t;
	struct model *m;

	tape_open(&t);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		tape_put(&t, &rows[i]);
	m = tape_load(&t);
	assert_string_equal(model_proc(m, 7), "ip");
	assert_string_equal(model_command(m, 7), "ip netns exec cl dig");
	assert_string_equal(model_proc(m, 8), "dig");
	assert_string_equal(model_command(m, 8), "");
	assert_string_equal(model_command(m, 9), "");
	assert_false(model_proc_is_last(m, 0));
	assert_true(model_proc_is_last(m, 2));
	assert_true(model_proc_is_last(m, 3));		/* another program of that process */
	tape_close(&t, m);
}

static void stack_goes_to_its_packet_and_tells_the_process_where_context_is_unknown(void **state)
{
	struct tape t;
	struct model *m;
	struct trc_hop h;
	uint32_t frames[3];
	struct trc_record rec = { TRC_STACK, .stack = { 7, 3, frames } };

	tape_open(&t);
	frames[0] = tape_func(&t, "udp_send_skb");
	frames[1] = tape_func(&t, "__x64_sys_sendto");
	frames[2] = 77777;		/* explained nowhere */
	tape_put(&t, &rec);
	h = tape_hop(&t, 7, "udp_send_skb");
	h.context = TRC_CONTEXT_UNKNOWN;
	tape_write(&t, &h);
	h.packet = 8;
	tape_write(&t, &h);
	m = tape_load(&t);
	assert_int_equal(m->packets[0].nframes, 3);
	assert_string_equal(m->funcs[m->packets[0].frames[1]].name, "__x64_sys_sendto");
	assert_string_equal(m->funcs[m->packets[0].frames[2]].name, "?");
	assert_int_equal(m->packets[0].pid, DIG);
	assert_int_equal(m->packets[1].nframes, 0);
	assert_int_equal(m->packets[1].pid, 0);
	tape_close(&t, m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hops_are_grouped_by_packet_and_numbered_by_first_hop),
		cmocka_unit_test(hops_are_in_order_of_time_then_cpu_then_sequence),
		cmocka_unit_test(random_order_is_sorted_and_nothing_is_lost),
		cmocka_unit_test(hops_are_the_same_however_often_they_are_unpacked),
		cmocka_unit_test(tuple_comes_from_the_first_hop_that_shows_it_whole),
		cmocka_unit_test(tuple_of_a_header_not_filled_in_yet_is_not_taken),
		cmocka_unit_test(tuple_of_old_memory_before_the_first_boundary_is_not_taken),
		cmocka_unit_test(packet_in_a_socket_is_delivered_even_when_read_and_freed),
		cmocka_unit_test(packet_handed_to_a_driver_and_only_freed_after_it_is_sent),
		cmocka_unit_test(packet_of_a_list_handed_to_a_driver_is_sent),
		cmocka_unit_test(packet_that_comes_back_from_its_driver_is_not_sent),
		cmocka_unit_test(packet_freed_without_more_is_consumed),
		cmocka_unit_test(packet_without_an_end_is_in_flight),
		cmocka_unit_test(reported_drop_decides_and_gives_its_reason),
		cmocka_unit_test(consumed_is_no_drop),
		cmocka_unit_test(drop_without_reason_where_kernels_free_what_they_used_is_none),
		cmocka_unit_test(drop_without_reason_of_what_a_driver_gives_back_is_none),
		cmocka_unit_test(process_at_birth_is_named_only_in_process_context),
		cmocka_unit_test(last_name_of_a_process_counts_with_its_command),
		cmocka_unit_test(stack_goes_to_its_packet_and_tells_the_process_where_context_is_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
