// SPDX-License-Identifier: GPL-2.0
/*
 * sql_load.c - one recording's facts, functions, devices, packets, ... as rows of the tables of schema/tables.sql.
 *
 * Values are bound, never pasted into SQL.  Text that is empty in the model is NULL in a column that allows it.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "sql.h"
#include "spill.h"
#include "sql_insert.h"

static sqlite3_int64 started_ns(const struct model *m)
{
	return strtoll(model_fact(m, "clock.realtime_ns"), NULL, 10);
}

static int recording_load(sqlite3 *db, const struct model *m, int rec)
{
	struct insert in;
	char id[33];
	size_t i;

	for (i = 0; i < 16; i++)
		snprintf(id + 2 * i, 3, "%02x", m->health.recording[i]);
	insert_open(&in, db, "INSERT INTO recording VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", "ittnnnnnnNNNiiiinn");
	insert_row(&in, I(rec), m->file, id, model_fact(m, "host.name"), model_fact(m, "host.kernel"),
		   model_fact(m, "host.machine"), model_fact(m, "recorder.backend"), model_fact(m, "recorder.profile"),
		   model_fact(m, "recorder.command"), started_ns(m), time_of(m->first_ns),
		   time_of(m->last_ns), I(m->npackets), I(m->nhops - m->nderived), I(m->lost),
		   I(m->missed), m->end.reason, m->trouble);
	return insert_close(&in);
}

static int facts_load(sqlite3 *db, const struct model *m, int rec)
{
	struct insert in;
	size_t i;

	insert_open(&in, db, "INSERT INTO fact VALUES (?,?,?)", "itt");
	for (i = 0; i < m->nfacts; i++)
		insert_row(&in, I(rec), m->facts[i].key, m->facts[i].value);
	return insert_close(&in);
}

static int enums_load(sqlite3 *db, const struct model *m, int rec)
{
	struct insert in;
	size_t i;

	insert_open(&in, db, "INSERT OR IGNORE INTO enum_member VALUES (?,?,?,?)", "itti");
	for (i = 0; i < m->nenums; i++)
		insert_row(&in, I(rec), m->enums[i].type, m->enums[i].name, I(m->enums[i].value));
	return insert_close(&in);
}

static int functions_load(sqlite3 *db, const struct model *m, int rec)
{
	struct insert in;
	const struct func *f;
	size_t i;

	insert_open(&in, db, "INSERT INTO function VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", "iitntnnNNiiiNni");
	for (i = 0; i < m->nfuncs; i++) {
		f = &m->funcs[i];
		insert_row(&in, I(rec), I(i), f->name, f->module, f->layer, f->stage, f->meaning, I(f->offset), I(f->arg),
			   I(!!(f->flags & TRC_FUNC_PROBED)), I(!!(f->flags & TRC_FUNC_ATTACHED)),
			   I(!!(f->flags & TRC_FUNC_RETURN)), I(f->error), f->why, I(f->hits));
	}
	return insert_close(&in);
}

static int netns_load(sqlite3 *db, const struct model *m, int rec)
{
	struct insert in;
	size_t i;

	insert_open(&in, db, "INSERT OR IGNORE INTO netns VALUES (?,?,?)", "iit");
	for (i = 0; i < m->nnetns; i++)
		insert_row(&in, I(rec), I(m->netns[i].netns), model_netns(m, m->netns[i].netns));
	for (i = 0; i < m->nplaces; i++)	/* those that only hops mention */
		if (m->places[i].netns)
			insert_row(&in, I(rec), I(m->places[i].netns), model_netns(m, m->places[i].netns));
	return insert_close(&in);
}

static int interfaces_load(sqlite3 *db, const struct model *m, int rec)
{
	struct insert in;
	const struct link *l;
	size_t i;

	insert_open(&in, db, "INSERT OR IGNORE INTO interface VALUES (?,?,?,?,?,?,?,?,?,?)", "iiitnnNNNi");
	for (i = 0; i < m->nlinks; i++) {
		l = &m->links[i];
		insert_row(&in, I(rec), I(l->netns), I(l->ifindex), model_dev(m, l->netns, l->ifindex), l->kind, l->address,
			   I(l->peer_ifindex), I(l->peer_netns), I(l->mtu), I(l->flags));
	}
	return insert_close(&in);
}

static int processes_load(sqlite3 *db, const struct model *m, int rec)
{
	struct insert in;
	size_t i;

	insert_open(&in, db, "INSERT OR REPLACE INTO process VALUES (?,?,?,?)", "iitn");
	for (i = 0; i < m->nprocs; i++)
		insert_row(&in, I(rec), I(m->procs[i].pid), m->procs[i].name, m->procs[i].command);
	return insert_close(&in);
}

static int losses_load(sqlite3 *db, const struct model *m, int rec)
{
	struct insert in;
	const struct trc_loss *l;
	size_t i;

	insert_open(&in, db, "INSERT INTO loss VALUES (?,?,?,?,?,?,?)", "iiiiiii");
	for (i = 0; i < m->nlosses; i++) {
		l = &m->losses[i];
		insert_row(&in, I(rec), I(l->cpu), I(l->produced), I(l->recorded), I(l->lost), I(l->missed), I(l->others_lost));
	}
	return insert_close(&in);
}

static int reasons_load(sqlite3 *db, const struct model *m)
{
	struct insert in;
	const char *reason;
	size_t i;

	insert_open(&in, db, "INSERT OR IGNORE INTO reason VALUES (?,?,?)", "tnn");
	for (i = 0; i < m->npackets; i++) {
		spill_look(sizeof(*m->packets));
		if (m->packets[i].fate != FATE_DROPPED)
			continue;
		reason = packet_reason(m, &m->packets[i]);
		insert_row(&in, reason, reason_meaning(reason), reason_advice(reason));
	}
	return insert_close(&in);
}

static const char *address_text(const struct tuple *t, const uint8_t *address, char *buf, size_t size)
{
	if (t->have & TRC_HAVE_IP6)
		return inet_ntop(AF_INET6, address, buf, size);
	return t->have & (TRC_HAVE_IP4 | TRC_HAVE_ARP) ? inet_ntop(AF_INET, address, buf, size) : "";
}

/* The first device that a packet was seen on: on output it has none at first. */
static const struct trc_hop *hop_with_device(const struct model *m, const struct packet *p)
{
	uint32_t i;

	for (i = 0; i < p->nhops; i++)
		if (packet_hop(m, p, i)->ifindex)
			return packet_hop(m, p, i);
	return packet_hop(m, p, 0);
}

static const struct trc_hop *hop_with_netns(const struct model *m, const struct packet *p)
{
	uint32_t i;

	for (i = 0; i < p->nhops; i++)
		if (packet_hop(m, p, i)->netns)
			return packet_hop(m, p, i);
	return packet_hop(m, p, 0);
}

/* The most until its first boundary: headers are added until then, and at its end it may have taken others in. */
static uint32_t packet_len(const struct model *m, const struct packet *p)
{
	const struct trc_hop *h;
	const char *stage;
	uint32_t i, most = 0;
	bool built = false;

	for (i = 0; i < p->nhops; i++) {
		h = packet_hop(m, p, i);
		stage = m->funcs[h->func].stage;
		built = built || (*stage && strcmp(stage, "send") && strcmp(stage, "free"));
		if (h->have & TRC_HAVE_SKB && h->len_bytes > most)
			most = h->len_bytes;
		if (built && most)
			break;
	}
	return most;
}

static const char *func_name(const struct model *m, const struct trc_hop *h)
{
	return m->funcs[h->func].name;
}

static void packet_row(struct insert *in, const struct model *m, const struct packet *p, int rec, uint32_t path)
{
	const struct trc_hop *first = packet_hop(m, p, 0), *last = packet_hop(m, p, p->nhops - 1);
	const struct trc_hop *device = hop_with_device(m, p);
	const struct tuple *t = &p->tuple;
	char tuple[160], src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
	bool ip = t->have & (TRC_HAVE_IP4 | TRC_HAVE_IP6), ports = t->have & (TRC_HAVE_L4 | TRC_HAVE_ARP);

	/* N makes 0 NULL: no protocol, port or process that matters has the number 0, but for the ICMP type 0 */
	in->types = ports ? "iiiiiiitNNninNtininnnNnttiiNiNNNnN" : "iiiiiiitNNnNnNtininnnNnttiiNiNNNnN";
	insert_row(in, I(rec), I(p->number), I(p->id), time_of(first->time_ns), time_of(last->time_ns),
		   time_of(last->time_ns - first->time_ns), I(p->nhops), tuple_text(t, tuple, sizeof(tuple)), I(t->ethertype),
		   I(ip ? t->l4proto : 0), address_text(t, t->saddr, src, sizeof(src)), I(t->sport),
		   address_text(t, t->daddr, dst, sizeof(dst)), I(t->dport), fate_name(p->fate), I(p->fate_hop) + 1,
		   p->fate == FATE_DROPPED ? packet_reason(m, p) : "", I(p->lossy), p->gone ?: "",
		   model_netns(m, hop_with_netns(m, p)->netns), model_dev(m, device->netns, device->ifindex), I(p->pid),
		   p->pid ? model_proc(m, p->pid) : "", func_name(m, first), func_name(m, packet_hop(m, p, p->fate_hop)),
		   I(path), I(p->nderived), I(p->like), I(p->journey), I(p->tuple_of), I(p->into), I(p->stack),
		   tuple_protocol(t), I(packet_len(m, p)));
}

static int packets_load(sqlite3 *db, const struct model *m, int rec)
{
	uint32_t *path_of = spill_array(m->npackets, sizeof(*path_of));
	struct insert in;
	size_t i;
	int rc = path_of ? paths_load(db, m, rec, path_of) : SQLITE_NOMEM;

	if (rc == SQLITE_OK) {
		insert_open(&in, db, "INSERT INTO packet VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", "");
		for (i = 0; i < m->npackets && in.rc == SQLITE_OK; i++)
			packet_row(&in, m, &m->packets[i], rec, path_of[i]);
		rc = insert_close(&in);
	}
	spill_free(path_of);
	return rc;
}

int rows_load(sqlite3 *db, const struct model *m, int recording)
{
	int rc = recording_load(db, m, recording);

	rc = rc ?: facts_load(db, m, recording);
	rc = rc ?: enums_load(db, m, recording);
	rc = rc ?: functions_load(db, m, recording);
	rc = rc ?: netns_load(db, m, recording);
	rc = rc ?: interfaces_load(db, m, recording);
	rc = rc ?: processes_load(db, m, recording);
	rc = rc ?: losses_load(db, m, recording);
	rc = rc ?: reasons_load(db, m);
	rc = rc ?: more_load(db, m, recording);
	rc = rc ?: latency_load(db, m, recording);
	return rc ?: packets_load(db, m, recording);
}
