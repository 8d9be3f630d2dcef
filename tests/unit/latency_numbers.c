// SPDX-License-Identifier: GPL-2.0
/*
 * latency_numbers.c - where the time of packets goes, on recordings of which every number is known.
 */
#include <stdlib.h>

#include "embedded.h"
#include "latency.h"
#include "model_events.h"
#include "model_private.h"

static struct latency *latency_of(const struct model *m)
{
	struct latency *l;

	assert_int_equal(latency_build(&l, m), 0);
	return l;
}

static const struct latency_hop *hop_named(const struct latency *l, const struct model *m, const char *name)
{
	for (size_t i = 0; i < l->nhops; i++)
		if (!strcmp(m->funcs[l->hops[i].place.func].name, name) && !l->hops[i].place.drop)
			return &l->hops[i];
	fail_msg("no hop %s", name);
	return NULL;
}

/* The edges as text, each "from>to time count total;", sorted by the order of the packets' first meeting: by function id. */
static const char *edges_text(const struct latency *l, const struct model *m)
{
	static char text[2048];
	size_t used = 0;

	*text = 0;
	for (uint32_t func = 0; func < m->nfuncs; func++)
		for (size_t i = 0; i < l->nedges; i++)
			if (l->edges[i].from.func == func)
				used += snprintf(text + used, sizeof(text) - used, "%s%s>%s%s %s %lu %lu; ", m->funcs[func].name,
						 l->edges[i].from.drop ? "!" : "", m->funcs[l->edges[i].to.func].name,
						 l->edges[i].to.drop ? "!" : "", time_name(l->edges[i].time),
						 (unsigned long)l->edges[i].spread.count, (unsigned long)l->edges[i].spread.total_ns);
	return text;
}

/* Where, and how long after the hop before. */
struct step {
	const char *func;
	uint64_t after_ns;
	uint8_t context, cpu, kind;
	uint32_t pid;		/* 0 = DIG */
};

static void steps_put(struct tape *t, uint64_t packet, const struct step *s)
{
	for (; s->func; s++) {
		struct trc_hop h = tape_hop(t, packet, s->func);

		t->now_ns += s->after_ns - 100;		/* tape_hop() has moved on by itself */
		t->seq[0]--;
		h.time_ns = t->now_ns;
		h.seq = t->seq[s->cpu]++;
		h.cpu = s->cpu;
		h.context = s->context;
		h.kind = s->kind;
		h.value = s->kind == TRC_DROP ? 11 : 0;
		h.pid = s->pid ? s->pid : DIG;
		tape_write(t, &h);
	}
}

static void steps_are(const struct step *steps, const char *edges)
{
	struct tape t;
	struct model *m;
	struct latency *l;

	tape_open(&t);
	tape_names(&t);
	steps_put(&t, 1, steps);
	m = tape_load(&t);
	l = latency_of(m);
	assert_string_equal(edges_text(l, m), edges);
	latency_free(l);
	tape_close(&t, m);
}

static void spread_is(struct spread s, const uint64_t *numbers)
{
	const uint64_t are[] = { s.count, s.min_ns, s.p50_ns, s.p90_ns, s.p99_ns, s.max_ns, s.total_ns };

	for (int i = 0; i < 7; i++)
		assert_int_equal(are[i], numbers[i]);
}
#define SPREAD_IS(s, ...) spread_is(s, (const uint64_t[]){ __VA_ARGS__ })

static void percentiles_are_of_the_nearest_rank(void **state)
{
	uint64_t one[] = { 7 }, two[] = { 9, 4 }, ten[] = { 10, 9, 8, 7, 6, 5, 4, 3, 2, 1 }, eleven[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 };
	uint64_t huge[] = { UINT64_MAX, 1, UINT64_MAX };

	SPREAD_IS(spread_of(NULL, 0), 0, 0, 0, 0, 0, 0, 0);
	SPREAD_IS(spread_of(one, 1), 1, 7, 7, 7, 7, 7, 7);
	SPREAD_IS(spread_of(two, 2), 2, 4, 4, 9, 9, 9, 13);
	SPREAD_IS(spread_of(ten, 10), 10, 1, 5, 9, 10, 10, 55);
	SPREAD_IS(spread_of(eleven, 11), 11, 1, 6, 10, 11, 11, 66);
	SPREAD_IS(spread_of(huge, 3), 3, 1, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX);
}

/* Packet k of 100 takes 10 k ns from ip_rcv to ip_rcv_core, and each 7 ns to one of two functions behind. */
static void each_edge_and_hop_has_its_numbers(void **state)
{
	struct tape t;
	struct model *m;
	struct latency *l;
	const struct latency_hop *h;

	tape_open(&t);
	tape_names(&t);
	for (uint64_t k = 1; k <= 100; k++) {
		const struct step steps[] = { { "ip_rcv", 100 }, { "ip_rcv_core", 10 * k },
					      { k % 4 ? "ip_local_deliver" : "ip_forward", k % 4 ? 7 : 300 }, {} };

		steps_put(&t, (k * 37) % 101, steps);	/* in no order of time */
	}
	m = tape_load(&t);
	l = latency_of(m);
	assert_string_equal(edges_text(l, m), "ip_rcv>ip_rcv_core running 100 50500; "
			    "ip_rcv_core>ip_forward running 25 7500; ip_rcv_core>ip_local_deliver running 75 525; ");
	SPREAD_IS(hop_named(l, m, "ip_rcv")->spread, 100, 10, 500, 900, 990, 1000, 50500);
	assert_int_equal(hop_named(l, m, "ip_rcv")->slowest, 100);
	h = hop_named(l, m, "ip_rcv_core");
	SPREAD_IS(h->spread, 100, 7, 7, 300, 300, 300, 8025);
	assert_int_equal(h->nedges, 2);
	SPREAD_IS(l->edges[h->first_edge].spread, 25, 300, 300, 300, 300, 300, 7500);
	SPREAD_IS(l->took, 100, 17, 580, 980, 1260, 1300, 58525);
	SPREAD_IS(l->times[TIME_RUNNING], 100, 17, 580, 980, 1260, 1300, 58525);
	assert_int_equal(l->total_ns, 58525);
	assert_int_equal(l->legs, 200);
	assert_int_equal(l->packets[0].number, 100);	/* 1000 + 300 */
	assert_int_equal(l->packets[0].took_ns, 1300);
	assert_int_equal(l->packets[99].number, 1);
	latency_free(l);
	tape_close(&t, m);
}

static void another_cpu_is_crossing_another_context_is_switching(void **state)
{
	steps_are((const struct step[]){
		{ "ip_output", 1 }, { "ip_rcv", 20, .cpu = 1 }, { "ip_rcv_core", 30, .cpu = 1, .context = TRC_SOFTIRQ },
		{ "ip_forward", 40, .cpu = 1, .context = TRC_SOFTIRQ, .pid = 9 }, { "ip_local_deliver", 50, .cpu = 1, .pid = 9 },
		{ "udp_rcv", 60, .cpu = 1, .pid = 10 }, {} },
		"ip_output>ip_rcv crossing 1 20; ip_rcv>ip_rcv_core switching 1 30; ip_rcv_core>ip_forward running 1 40; "
		"ip_forward>ip_local_deliver switching 1 50; ip_local_deliver>udp_rcv switching 1 60; ");
}

static void a_packet_waits_from_the_last_put_until_it_is_taken(void **state)
{
	steps_are((const struct step[]){	/* what it met while it was in the queue is part of the wait */
		{ "netif_rx_internal", 1 }, { "enqueue_to_backlog", 20 }, { "skb_push", 30 }, { "skb_pull", 35 },
		{ "__netif_receive_skb", 40, .context = TRC_SOFTIRQ }, { "__netif_receive_skb_core.constprop.0", 50, .context = TRC_SOFTIRQ },
		{ "__udp_enqueue_schedule_skb", 60, .context = TRC_SOFTIRQ }, { "skb_consume_udp", 7000, .cpu = 1 },
		{ "kfree_skbmem", 80, .cpu = 1 }, {} },
		"netif_rx_internal>enqueue_to_backlog running 1 20; enqueue_to_backlog>skb_push backlog 1 30; skb_push>skb_pull backlog 1 35; "
		"skb_pull>__netif_receive_skb backlog 1 40; __netif_receive_skb>__netif_receive_skb_core.constprop.0 running 1 50; "
		"__netif_receive_skb_core.constprop.0>__udp_enqueue_schedule_skb running 1 60; "
		"__udp_enqueue_schedule_skb>skb_consume_udp socket 1 7000; skb_consume_udp>kfree_skbmem running 1 80; ");
}

static void a_queue_that_is_passed_by_in_the_same_context_is_no_wait(void **state)
{
	steps_are((const struct step[]){
		{ "__dev_queue_xmit", 1 }, { "netdev_core_pick_tx", 20 }, { "dev_hard_start_xmit", 30 }, {} },
		"__dev_queue_xmit>netdev_core_pick_tx running 1 20; netdev_core_pick_tx>dev_hard_start_xmit running 1 30; ");
	steps_are((const struct step[]){
		{ "__dev_queue_xmit", 1 }, { "netdev_core_pick_tx", 20 }, { "dev_hard_start_xmit", 30, .context = TRC_SOFTIRQ }, {} },
		"__dev_queue_xmit>netdev_core_pick_tx qdisc 1 20; netdev_core_pick_tx>dev_hard_start_xmit qdisc 1 30; ");
	steps_are((const struct step[]){	/* but in the queue it was */
		{ "__dev_queue_xmit", 1 }, { "fq_codel_enqueue", 20 }, { "dev_hard_start_xmit", 30 }, {} },
		"__dev_queue_xmit>fq_codel_enqueue running 1 20; fq_codel_enqueue>dev_hard_start_xmit qdisc 1 30; ");
}

static void what_a_queue_refuses_does_not_wait_in_it(void **state)
{
	steps_are((const struct step[]){
		{ "__udp_enqueue_schedule_skb", 1 }, { "udp_queue_rcv_one_skb", 20, .kind = TRC_DROP }, { "sock_rfree", 30 },
		{ "kfree_skbmem", 40 }, {} },
		"__udp_enqueue_schedule_skb>udp_queue_rcv_one_skb! running 1 20; udp_queue_rcv_one_skb!>sock_rfree running 1 30; "
		"sock_rfree>kfree_skbmem running 1 40; ");
}

static void a_queue_that_is_never_left_is_no_wait(void **state)
{
	steps_are((const struct step[]){
		{ "enqueue_to_backlog", 1 }, { "skb_push", 20 }, { "skb_pull", 30, .context = TRC_SOFTIRQ }, {} },
		"enqueue_to_backlog>skb_push running 1 20; skb_push>skb_pull switching 1 30; ");
}

static void returns_give_the_time_inside_and_no_edge(void **state)
{
	struct trc_record func = { TRC_FUNC, .func = { .id = 0, .name = "nf_hook_slow", .module = "", .why = "", .arg = 1,
		.flags = TRC_FUNC_PROBED | TRC_FUNC_ATTACHED | TRC_FUNC_RETURN } };
	struct tape t;
	struct model *m;
	struct latency *l;

	tape_open(&t);
	tape_names(&t);
	t.funcs[t.nfuncs++] = "nf_hook_slow";
	tape_put(&t, &func);
	for (uint64_t k = 1; k <= 4; k++)
		steps_put(&t, k, (const struct step[]){ { "nf_hook_slow", 10 }, { "skb_push", 5 },
							{ "nf_hook_slow", 10 * k, .kind = TRC_RETURN }, { "ip_finish_output", 3 }, {} });
	steps_put(&t, 5, (const struct step[]){ { "nf_hook_slow", 10 }, { "nf_hook_slow", 1000, .kind = TRC_RETURN }, {} });
	m = tape_load(&t);
	l = latency_of(m);
	assert_string_equal(edges_text(l, m), "nf_hook_slow>skb_push running 4 20; skb_push>ip_finish_output running 4 112; ");
	SPREAD_IS(hop_named(l, m, "nf_hook_slow")->inside, 5, 15, 35, 1000, 1000, 1000, 1120);
	SPREAD_IS(hop_named(l, m, "skb_push")->inside, 0, 0, 0, 0, 0, 0, 0);
	assert_int_equal(l->npackets, 4);
	assert_int_equal(l->single, 1);
	latency_free(l);
	tape_close(&t, m);
}

static void packets_that_touch_a_gap_are_left_out_and_counted(void **state)
{
	struct tape t;
	struct model *m;
	struct latency *l;

	tape_open(&t);
	tape_names(&t);
	steps_put(&t, 1, (const struct step[]){ { "ip_rcv", 10 }, { "ip_rcv_core", 5 }, { "kfree_skbmem", 5 }, {} });
	steps_put(&t, 2, (const struct step[]){ { "ip_rcv", 10 }, {} });
	t.seq[0] += 3;
	steps_put(&t, 2, (const struct step[]){ { "ip_rcv_core", 500 }, { "kfree_skbmem", 5 }, {} });
	steps_put(&t, 3, (const struct step[]){ { "ip_rcv", 10 }, { "ip_rcv_core", 7 }, { "kfree_skbmem", 7 }, {} });
	m = tape_load(&t);
	l = latency_of(m);
	assert_int_equal(l->lossy, 1);
	assert_int_equal(l->npackets, 2);
	SPREAD_IS(hop_named(l, m, "ip_rcv")->spread, 2, 5, 5, 7, 7, 7, 12);
	assert_int_equal(l->total_ns, 24);
	latency_free(l);
	tape_close(&t, m);
}

static void derived_hops_have_no_time_of_their_own(void **state)
{
	struct event query[sizeof(loopback_query) / sizeof(loopback_query[0])];
	struct events e;
	struct model *m;
	struct latency *l;
	size_t n;

	for (n = 0; n < sizeof(query) / sizeof(query[0]); n++) {
		query[n] = loopback_query[n];
		query[n].cpu = 0;		/* the events' numbers are those of one CPU */
	}
	events_open(&e);
	events_put(&e, 1, query);
	m = tape_load(&e.t);
	assert_true(m->packets[0].nderived > 0);
	l = latency_of(m);
	assert_int_equal(l->legs, 7);		/* eight events, 100 ns apart */
	assert_int_equal(l->total_ns, 700);
	SPREAD_IS(l->times[TIME_RUNNING], 1, 400, 400, 400, 400, 400, 400);
	/* netif_rx > net_dev_xmit > netif_receive_skb; the reader is another process, and who put it there is not seen */
	for (unsigned int time = 0; time < times_count(); time++)
		assert_int_equal(l->times[time].total_ns, time == TIME_RUNNING ? 400 : time == TIME_SWITCHING ? 100 :
				 !strcmp(time_name(time), "backlog") ? 200 : 0);
	latency_free(l);
	tape_close(&e.t, m);
}

static void the_histogram_has_every_packet_in_its_step(void **state)
{
	struct latency_packet packets[] = { { 1, UINT64_MAX }, { 2, 50 }, { 3, 49 }, { 4, 20 }, { 5, 19 }, { 6, 2 }, { 7, 1 }, { 8, 0 } };
	static const uint64_t bounds[] = { 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000 };
	struct latency l = { .packets = packets, .npackets = 8 };
	struct bucket b[BUCKETS_MAX];
	size_t n = histogram_of(&l, b), sum = 0;

	assert_in_range(n, 1, BUCKETS_MAX);
	for (size_t i = 0; i < n; i++) {
		assert_true(b[i].from_ns < b[i].to_ns && (!i || b[i].from_ns == b[i - 1].to_ns));
		if (i < sizeof(bounds) / sizeof(bounds[0]))
			assert_int_equal(b[i].to_ns, bounds[i]);
		sum += b[i].packets;
	}
	assert_int_equal(sum, 8);
	assert_int_equal(b[n - 1].to_ns, UINT64_MAX);
	assert_int_equal(b[n - 1].packets, 1);
	l.packets++;
	l.npackets--;
	n = histogram_of(&l, b);
	assert_int_equal(n, 7);		/* 0-1-2-5-10-20-50-100 */
	for (size_t i = 0; i < n; i++)
		assert_int_equal(b[i].packets, ((const uint64_t[]){ 1, 1, 1, 0, 1, 2, 1 })[i]);
	l.npackets = 2;
	assert_int_equal(histogram_of(&l, b), 2);	/* no empty steps at the ends */
	assert_int_equal(b[0].from_ns, 20);
}

/* schema/waits.tsv: known functions, and queues that can be entered and left. */
static void every_queue_can_be_entered_and_left(void **state)
{
	uint32_t in = 0, out = 0;
	char *copy = strdup(embedded_waits), *at = copy, *line, *name;
	const struct func tracepoint = { .flags = TRC_FUNC_TRACEPOINT };
	struct wait_role role;
	struct func f;

	while ((line = strsep(&at, "\n"))) {
		if (!*line || *line == '#' || *line == '@')
			continue;
		name = strsep(&line, "\t");
		role = wait_role_of(name);
		out |= role.out;
		in |= role.in >= 0 ? 1u << role.in : 0;
		f = tracepoint;
		f.name = name;
		if (!strcmp(knowledge_of(name)->layer, "other") && !strcmp(knowledge_of_func(&f)->layer, "other"))
			fail_msg("%s is not in functions.tsv, nor in tracepoints.tsv", name);
	}
	free(copy);
	assert_int_equal(in, (1u << queues_count()) - 1);
	assert_int_equal(out, in);
	role = wait_role_of("__netif_receive_skb_core.constprop.0");
	assert_true(role.out && role.in < 0);
	role = wait_role_of("ip_output");
	assert_true(!role.out && role.in < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(percentiles_are_of_the_nearest_rank),
		cmocka_unit_test(each_edge_and_hop_has_its_numbers),
		cmocka_unit_test(another_cpu_is_crossing_another_context_is_switching),
		cmocka_unit_test(a_packet_waits_from_the_last_put_until_it_is_taken),
		cmocka_unit_test(a_queue_that_is_passed_by_in_the_same_context_is_no_wait),
		cmocka_unit_test(what_a_queue_refuses_does_not_wait_in_it),
		cmocka_unit_test(a_queue_that_is_never_left_is_no_wait),
		cmocka_unit_test(returns_give_the_time_inside_and_no_edge),
		cmocka_unit_test(packets_that_touch_a_gap_are_left_out_and_counted),
		cmocka_unit_test(derived_hops_have_no_time_of_their_own),
		cmocka_unit_test(the_histogram_has_every_packet_in_its_step),
		cmocka_unit_test(every_queue_can_be_entered_and_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
