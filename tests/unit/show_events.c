// SPDX-License-Identifier: GPL-2.0
/*
 * show_events.c - what pktshow prints of tracepoints' recordings, of kin, bytes and snapshots; and the same packets live.
 */
#include <errno.h>
#include <locale.h>

#include "live.h"
#include "model_events.h"
#include "show_paper.h"

static void edge(struct events *e, uint64_t child, uint64_t parent, uint32_t kind)
{
	const struct trc_record rec = { TRC_EDGE, .edge = { e->t.now_ns, child, parent, kind, plain_id(e, "skb_segment") } };

	tape_put(&e->t, &rec);
}

static const struct event sent[] = { { "net_dev_queue", SENDING }, { "net_dev_start_xmit", "dev_hard_start_xmit " SENDING }, {} };

/* A query; a packet that is segmented into 3 to 7; bytes of the query; a snapshot. */
static void scene_put(struct events *e)
{
	static const uint8_t bytes[20] = { 0x45, 0, 0, 20, 0x1b, '[', 'H' };
	const struct trc_record recs[] = {
		{ TRC_DATA, .data = { 1, 5, 3, 1500, sizeof(bytes), bytes } },
		{ TRC_SNAPSHOT, .snapshot = { 0, NS_CLIENT, "routes", "ip -j route", "", 0, 1, "[{}]\n\033[H" } },
		{ TRC_SNAPSHOT, .snapshot = { 0, NS_CLIENT, "nftables", "nft list ruleset", "nft is not installed", 0, 1, "" } },
		{ TRC_SNAPSHOT, .snapshot = { 1, NS_CLIENT, "routes", "ip -j route", "", 0, 1, "[]" } },
		{ TRC_FACT, .fact = { "recorder.piece", "3" } },
	};
	uint64_t i;

	events_open(e);
	events_put(e, 1, loopback_query);
	events_put(e, 2, sent);
	for (i = 3; i < 8; i++)
		edge(e, i, 2, TRC_EDGE_SEGMENT);
	for (i = 3; i < 8; i++)
		events_put(e, i, sent);
	for (i = 0; i < sizeof(recs) / sizeof(recs[0]); i++)
		tape_put(&e->t, &recs[i]);
}

static struct model *scene(struct events *e)
{
	scene_put(e);
	return tape_load(&e->t);
}

static void derived_hops_are_marked_and_explained_once(void **state)
{
	struct events e;
	struct model *m = scene(&e);
	struct paper p;

	paper_open(&p, 0);
	assert_int_equal(show_path(&p.t, m, &m->packets[0], 0), 0);
	paper_has(&p, "  ~ip_output ");
	paper_has(&p, "  net_dev_queue ");
	paper_has(&p, "~ found on the kernel stack");
	paper_has(&p, ", 8 hops, ");
	paper_has(&p, "freed by consume_skb (hops");	/* the tracepoint and the function once */
	show_header(&p.t, m);
	paper_has(&p, "20 hops, ");
	paper_has(&p, " functions more");
	paper_has_not(&p, "bpf_trace_run1");
	assert_int_equal(show_path_json(&p.t, m, &m->packets[0], 0), 0);
	paper_has(&p, "\"kind\":\"derived\",\"derived\":true,\"layer\":\"ip\",\"stage\":\"\",\"function\":\"ip_output\"");
	paper_has(&p, "\"kind\":\"entry\",\"tracepoint\":true,\"layer\":\"device\",\"stage\":\"to_qdisc\",\"function\":\"net_dev_queue\"");
	paper_has_not(&p, "\"stack\"");
	paper_close(&p);
	tape_close(&e.t, m);
}

static void stacks_are_shown_when_asked_for(void **state)
{
	struct events e;
	struct model *m = scene(&e);
	struct paper p;

	paper_open(&p, 0);
	assert_int_equal(show_path(&p.t, m, &m->packets[1], PATH_STACKS), 0);
	paper_has(&p, "  dev_hard_start_xmit ← __dev_queue_xmit ← ip_finish_output2 ");
	paper_has(&p, "← do_syscall_64 ← entry_SYSCALL_64_after_hwframe\n");
	assert_int_equal(show_path_json(&p.t, m, &m->packets[1], PATH_STACKS), 0);
	paper_has(&p, ",\"stack\":[\"dev_hard_start_xmit\",\"__dev_queue_xmit\",");
	paper_close(&p);
	tape_close(&e.t, m);
}

static void a_birth_in_a_softirq_is_not_the_interrupted_process_s(void **state)
{
	static const struct event ev[] = { { "netif_receive_skb", "__netif_receive_skb_core net_rx_action" ON_TOP, TRC_SOFTIRQ }, {} };
	struct events e;
	struct model *m;
	char text[256];

	events_open(&e);
	events_put(&e, 1, ev);
	m = tape_load(&e.t);
	assert_null(packet_syscall(m, &m->packets[0], text, sizeof(text)));
	assert_string_equal(packet_stack_text(m, &m->packets[0], text, sizeof(text)), "net_rx_action → __netif_receive_skb_core");
	tape_close(&e.t, m);
}

static void kin_is_told_where_it_happened(void **state)
{
	struct events e;
	struct model *m = scene(&e);
	struct paper p;
	char text[256];

	assert_string_equal(packet_kin_text(m, &m->packets[1], text, sizeof(text)), "2 > 3,4,5,…");
	assert_string_equal(packet_kin_text(m, &m->packets[2], text, sizeof(text)), "2 > 3");
	assert_string_equal(packet_kin_text(m, &m->packets[0], text, sizeof(text)), "");
	paper_open(&p, 0);
	assert_int_equal(show_path(&p.t, m, &m->packets[1], 0), 0);
	paper_has(&p, "net_dev_start_xmit    veth0\n       ◆ segmented into packets 3-7, in skb_segment\n");
	assert_int_equal(show_path(&p.t, m, &m->packets[2], 0), 0);
	paper_has(&p, "       ◆ segment of packet 2 (hop 9), in skb_segment\n       ▸ netns client");
	show_list(&p.t, m);
	paper_has(&p, "#  kin          ");
	paper_has(&p, "\n3  2 > 3        ");
	show_list_json(&p.t, m);
	paper_has(&p, "\"parents\":[],\"parent_kinds\":[],\"children\":[3,4,5,6,7],\"child_kinds\":[\"segment\",\"segment\"");
	paper_has(&p, "\"parents\":[2],\"parent_kinds\":[\"segment\"],\"children\":[],\"child_kinds\":[],\"journey\":2");
	paper_close(&p);
	paper_open(&p, 80);
	show_list(&p.t, m);
	paper_has(&p, "kin 2 > 3,4,5,…; client");
	paper_close(&p);
	tape_close(&e.t, m);
}

static void a_bpf_program_s_answer_is_shown_by_name(void **state)
{
	const struct trc_record program = { TRC_FUNC, .func = { .id = 300, .name = "my_filter", .module = "bpf", .why = "",
		.flags = TRC_FUNC_PROBED | TRC_FUNC_ATTACHED | TRC_FUNC_RETURN | TRC_FUNC_XDP } };
	struct events e;
	struct trc_hop h;
	struct model *m;
	struct paper p;

	events_open(&e);
	tape_put(&e.t, &program);
	h = tape_hop(&e.t, 1, "");
	h.func = 300;
	tape_write(&e.t, &h);
	h = tape_hop(&e.t, 1, "");
	h.func = 300;
	h.kind = TRC_RETURN;
	h.value = 1;
	h.have = 0;
	tape_write(&e.t, &h);
	m = tape_load(&e.t);
	paper_open(&p, 0);
	assert_int_equal(show_path(&p.t, m, &m->packets[0], 0), 0);
	paper_has(&p, "dropped: XDP_DROP, in my_filter (hop 2)");
	paper_has(&p, "xdp        my_filter  veth0  → XDP_DROP\n");
	paper_has(&p, "An XDP program dropped the packet.");
	assert_int_equal(show_path_json(&p.t, m, &m->packets[0], 0), 0);
	paper_has(&p, "\"verdict\":\"XDP_DROP\",\"return_hop\":2");
	assert_int_equal(show_drops(&p.t, m, false), 0);
	paper_has(&p, "XDP_DROP");
	paper_close(&p);
	tape_close(&e.t, m);
}

static void what_was_merged_names_the_other(void **state)
{
	static const struct event received[] = { { "napi_gro_receive_entry", "napi_gro_receive net_rx_action" ON_TOP, TRC_SOFTIRQ }, {} };
	struct events e;
	struct model *m;
	struct paper p;
	char text[256];

	events_open(&e);
	events_put(&e, 1, received);
	events_put(&e, 2, received);
	edge(&e, 1, 2, TRC_EDGE_MERGE);
	m = tape_load(&e.t);
	assert_string_equal(packet_fate_text(m, &m->packets[1], text, sizeof(text)), "merged into packet 1");
	paper_open(&p, 0);
	assert_int_equal(show_path(&p.t, m, &m->packets[1], 0), 0);
	paper_has(&p, "◆ merged into packet 1, in skb_segment\n");
	assert_int_equal(show_path(&p.t, m, &m->packets[0], 0), 0);
	paper_has(&p, "◆ takes the data of packet 2 (hop 2), in skb_segment\n");
	assert_int_equal(show_explain(&p.t, m, &m->packets[1], false), 0);
	paper_has(&p, "goes on in packet 1");
	paper_close(&p);
	tape_close(&e.t, m);
}

static void bytes_are_dumped_and_harmless(void **state)
{
	struct events e;
	struct model *m = scene(&e);
	struct paper p;

	paper_open(&p, 0);
	show_hex(&p.t, m, &m->packets[0]);
	paper_has(&p, "from the network header on, 20 of 1500 bytes\n");
	paper_has(&p, "  0x0000:  4500 0014 1b5b 4800 0000 0000 0000 0000  E....[H.........\n");
	paper_has(&p, "  0x0010:  0000 0000                                ....\n");
	paper_has_not(&p, "\033");
	show_hex(&p.t, m, &m->packets[1]);
	paper_has(&p, "no bytes of this packet were recorded");
	paper_close(&p);
	tape_close(&e.t, m);
}

static void info_lists_snapshots_and_what_was_missing(void **state)
{
	struct events e;
	struct model *m = scene(&e);
	struct paper p;

	paper_open(&p, 0);
	assert_int_equal(show_info(&p.t, m), 0);
	paper_has(&p, "  client            start  routes, nftables\n    nftables: nft is not installed\n");
	paper_has(&p, "  client            end    routes\n");
	paper_has(&p, "  piece    3 of a recording that was rotated\n");
	assert_int_equal(show_snapshot(&p.t, m, "routes", false), 0);
	paper_has(&p, "client, start: ip -j route\n[{}]\n\\x1b[H\n\nclient, end: ip -j route\n[]\n");
	assert_int_equal(show_snapshot(&p.t, m, "weather", false), -ENOENT);
	paper_close(&p);
	tape_close(&e.t, m);
}

/* Records come as from a pipe, and packets go as they are over. */
static void live_packets_have_their_functions_and_pass_over_the_rest(void **state)
{
	struct events e;
	struct trc_reader *r;
	struct trc_record rec;
	struct live *l;
	const struct model *m;
	int packets = 0;

	scene_put(&e);
	assert_int_equal(trc_writer_finish(e.t.w), 0);
	trc_writer_free(e.t.w);
	e.t.w = NULL;
	assert_int_equal(live_open(&l, "test"), 0);
	assert_int_equal(trc_reader_open(&r, e.t.path), 0);
	while (trc_reader_next(r, &rec) > 0)
		assert_int_equal(live_take(l, &rec, 1), 0);
	while (live_next(l, 1, true, &m) > 0) {
		if (!packets++) {
			assert_string_equal(way(m, 1), QUERY_WAY);
			assert_int_equal(m->packets[0].fate, FATE_DELIVERED);
			assert_int_equal(m->nedges + m->ndatas, 0);
		}
		assert_true(m->packets[0].nderived > 6);
	}
	assert_int_equal(packets, 7);
	assert_int_equal(live_counts(l).hops, 20);
	live_free(l);
	trc_reader_free(r);
	tape_close(&e.t, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(derived_hops_are_marked_and_explained_once),
		cmocka_unit_test(stacks_are_shown_when_asked_for),
		cmocka_unit_test(a_birth_in_a_softirq_is_not_the_interrupted_process_s),
		cmocka_unit_test(kin_is_told_where_it_happened),
		cmocka_unit_test(a_bpf_program_s_answer_is_shown_by_name),
		cmocka_unit_test(what_was_merged_names_the_other),
		cmocka_unit_test(bytes_are_dumped_and_harmless),
		cmocka_unit_test(info_lists_snapshots_and_what_was_missing),
		cmocka_unit_test(live_packets_have_their_functions_and_pass_over_the_rest),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
