// SPDX-License-Identifier: GPL-2.0
/*
 * dump.c - trc-dump: every row of a recording as a line of text, as libpkttrace reads it.
 *
 *   trc-dump [-t] [-c CPU] [-s TIME-NS] FILE      in order of time, hops of this CPU only, from this time on
 *
 * read_trc.py prints the same lines without the library.  Status 2 when the recording is not whole.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "pkttrace.h"

static void text_put(const char *s)
{
	fputs(" \"", stdout);
	for (; *s; s++) {
		unsigned char c = *s;

		printf(c > 0x20 && c < 0x7f && c != '"' && c != '\\' ? "%c" : "\\x%02x", c);
	}
	putchar('"');
}

static void number_put(uint64_t n)
{
	printf(" %" PRIu64, n);
}

static void address_put(const uint8_t a[16])
{
	for (int i = 0; i < 16; i += 4)
		number_put((uint32_t)a[i] << 24 | a[i + 1] << 16 | a[i + 2] << 8 | a[i + 3]);
}

/* CPU first, then by the columns' ids */
static void hop_put(const struct trc_hop *h)
{
	printf("HOPS %u", h->cpu);
	number_put(h->time_ns);
	number_put(h->func);
	number_put(h->packet);
	number_put(h->kind);
	printf(" %" PRId32, h->value);
	number_put(h->have);
	number_put(h->len_bytes);
	number_put(h->context);
	number_put(h->pid);
	number_put(h->ifindex);
	number_put(h->netns);
	number_put(h->hook);
	number_put(h->family);
	number_put(h->seq);
	number_put(h->paged_bytes);
	number_put(h->mark);
	number_put(h->tcp_seq);
	number_put(h->ethertype);
	number_put(h->sport);
	number_put(h->dport);
	number_put(h->ip_id);
	number_put(h->frag);
	number_put(h->gso_size);
	number_put(h->gso_segs);
	number_put(h->l4proto);
	number_put(h->ttl);
	number_put(h->tcp_flags);
	address_put(h->saddr);
	address_put(h->daddr);
	number_put(h->stack);
}

static void func_put(const struct trc_func *f)
{
	printf("FUNC %" PRIu32, f->id);
	text_put(f->name);
	text_put(f->module);
	printf(" %" PRId64 " %" PRIu32 " %" PRIu32 " %" PRIu32, f->offset, f->arg, f->flags, f->error);
	text_put(f->why);
}

static void link_put(const struct trc_link *l)
{
	printf("link %" PRIu32 " %" PRIu32, l->netns, l->ifindex);
	text_put(l->name);
	text_put(l->kind);
	text_put(l->address);
	printf(" %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32, l->peer_ifindex, l->peer_netns, l->mtu, l->flags);
}

static void stack_put(const struct trc_stack *s)
{
	printf("stac %" PRIu64 " %" PRIu32, s->packet, s->count);
	for (uint32_t i = 0; i < s->count; i++)
		number_put(s->frames[i]);
}

static void frames_put(const struct trc_frames *f)
{
	printf("frms %" PRIu32 " %" PRIu32, f->id, f->count);
	for (uint32_t i = 0; i < f->count; i++)
		number_put(f->frames[i]);
}

static void edge_put(const struct trc_edge *e)
{
	printf("edge %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu32 " %" PRIu32, e->time_ns, e->child, e->parent, e->kind, e->func);
}

static void data_put(const struct trc_data *d)
{
	printf("data %" PRIu64 " %" PRIu64 " %" PRIu32 " %" PRIu32 " ", d->packet, d->time_ns, d->layer, d->len_bytes);
	for (uint32_t i = 0; i < d->size; i++)
		printf("%02x", d->bytes[i]);
}

static void snapshot_put(const struct trc_snapshot *s)
{
	printf("snap %" PRIu32 " %" PRIu32, s->end, s->netns);
	text_put(s->what);
	text_put(s->source);
	text_put(s->note);
	printf(" %" PRIu32 " %" PRIu32, s->part, s->last);
	text_put(s->text);
}

static void loss_put(const struct trc_loss *l)
{
	printf("LOSS %" PRIu32, l->cpu);
	number_put(l->produced);
	number_put(l->recorded);
	number_put(l->lost);
	number_put(l->missed);
	number_put(l->others_lost);
}

static void end_put(const struct trc_end *e)
{
	fputs("DONE", stdout);
	text_put(e->reason);
	number_put(e->time_ns);
	number_put(e->realtime_ns);
	number_put(e->packets);
}

static void names_put(const struct trc_record *rec)
{
	switch (rec->kind) {
	case TRC_FACT:
		fputs("fact", stdout);
		text_put(rec->fact.key);
		text_put(rec->fact.value);
		break;
	case TRC_ENUM:
		fputs("enum", stdout);
		text_put(rec->enumeration.type);
		text_put(rec->enumeration.name);
		printf(" %" PRId64, rec->enumeration.value);
		break;
	case TRC_NETNS:
		printf("nets %" PRIu32, rec->netns.netns);
		text_put(rec->netns.name);
		break;
	default:
		printf("proc %" PRIu32, rec->proc.pid);
		text_put(rec->proc.name);
		text_put(rec->proc.command);
		break;
	}
}

static void record_put(const struct trc_record *rec)
{
	switch (rec->kind) {
	case TRC_HOP:
		hop_put(&rec->hop);
		break;
	case TRC_FUNC:
		func_put(&rec->func);
		break;
	case TRC_LINK:
		link_put(&rec->link);
		break;
	case TRC_STACK:
		stack_put(&rec->stack);
		break;
	case TRC_FRAMES:
		frames_put(&rec->frames);
		break;
	case TRC_EDGE:
		edge_put(&rec->edge);
		break;
	case TRC_DATA:
		data_put(&rec->data);
		break;
	case TRC_SNAPSHOT:
		snapshot_put(&rec->snapshot);
		break;
	case TRC_LOSS:
		loss_put(&rec->loss);
		break;
	case TRC_END:
		end_put(&rec->end);
		break;
	default:
		names_put(rec);
		break;
	}
	putchar('\n');
}

static int parse(int argc, char **argv, struct trc_reader *r)
{
	int c, err = 0;

	optind = 1;
	while (!err && (c = getopt(argc, argv, "tc:s:")) != -1) {
		if (c == 't')
			err = trc_reader_order(r, TRC_ORDER_TIME);
		else if (c == 'c')
			err = trc_reader_cpu(r, atoi(optarg));
		else if (c == 's')
			err = trc_reader_seek_time(r, strtoull(optarg, NULL, 10));
		else
			err = -1;
	}
	return err;
}

int main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[argc - 1] : "";
	struct trc_reader *r = NULL;
	struct trc_record rec;
	int err = trc_reader_open(&r, path);

	if (!err)
		err = parse(argc, argv, r);
	while (!err && (err = trc_reader_next(r, &rec)) > 0) {
		record_put(&rec);
		err = 0;
	}
	if (err)
		fprintf(stderr, "trc-dump: %s: %s\n", path, trc_reader_error(r));
	else if (*trc_reader_trouble(r))
		fprintf(stderr, "trc-dump: %s %s\n", path, trc_reader_trouble(r));
	err |= fflush(stdout) || (r && *trc_reader_trouble(r));
	trc_reader_free(r);
	return err ? 2 : 0;
}
