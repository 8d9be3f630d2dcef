// SPDX-License-Identifier: GPL-2.0
/*
 * diff_sides.c - can two recordings be compared, and under which common names.
 *
 * Nothing that differs between two boots may enter a comparison: addresses, function ids, inode numbers of
 * namespaces, interface numbers, values of enums.  All become ids of names here; what has no counterpart in the
 * other recording becomes 0 and is not compared.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define uthash_fatal(msg) diff_out_of_memory()
static _Noreturn void diff_out_of_memory(void);
#include <uthash.h>

#include "diff.h"
#include "embedded.h"

struct block {
	struct block *next;
	max_align_t data[];
};

struct name {
	UT_hash_handle hh;
	uint32_t id;
	char text[];
};

struct names {
	struct name *table;
	struct name **by_id;
	size_t n, room;
};

struct cached {
	uint64_t key;
	uint32_t id;
	UT_hash_handle hh;
};

static _Noreturn void diff_out_of_memory(void)
{
	fputs("pktdiff: out of memory; compare shorter recordings\n", stderr);
	exit(2);
}

void *diff_alloc(struct diff *d, size_t count, size_t size)
{
	struct block *b;

	if (size && count > (SIZE_MAX - sizeof(*b)) / size)
		diff_out_of_memory();
	b = calloc(1, sizeof(*b) + count * size);
	if (!b)
		diff_out_of_memory();
	b->next = d->blocks;
	d->blocks = b;
	return b->data;
}

void *diff_grow(void *array, size_t *room, size_t need, size_t size)
{
	size_t n = *room ? *room : 16;

	if (need <= *room)
		return array;
	while (n < need)
		n *= 2;
	array = reallocarray(array, n, size);
	if (!array)
		diff_out_of_memory();
	*room = n;
	return array;
}

const char *diff_text(struct diff *d, const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(diff_alloc(d, size, 1), text, size);
}

uint32_t name_id(struct diff *d, const char *text)
{
	struct names *names = d->names;
	size_t length = strlen(text);
	struct name *n;

	if (!length)
		return 0;
	HASH_FIND(hh, names->table, text, length, n);
	if (n)
		return n->id;
	n = diff_alloc(d, 1, sizeof(*n) + length + 1);
	memcpy(n->text, text, length);
	names->by_id = diff_grow(names->by_id, &names->room, names->n + 1, sizeof(*names->by_id));
	names->by_id[names->n++] = n;
	n->id = names->n;
	HASH_ADD_KEYPTR(hh, names->table, n->text, length, n);
	return n->id;
}

const char *name_text(const struct diff *d, uint32_t id)
{
	return id && id <= d->names->n ? d->names->by_id[id - 1]->text : "";
}

static struct cached *cache_find(struct cached *table, uint64_t key)
{
	struct cached *c;

	HASH_FIND(hh, table, &key, sizeof(key), c);
	return c;
}

static uint32_t cache_put(struct diff *d, struct cached **table, uint64_t key, uint32_t id)
{
	struct cached *c = diff_alloc(d, 1, sizeof(*c));

	c->key = key;
	c->id = id;
	HASH_ADD(hh, *table, key, sizeof(c->key), c);
	return id;
}

const char *func_plain(const char *name, char *buf, size_t size)
{
	size_t n = strcspn(name, ".");

	if (n >= size)
		n = size - 1;
	memcpy(buf, name, n);
	buf[n] = '\0';
	return buf;
}

/* The newer name of a function, of those in schema/aliases.tsv; else its own. */
static void func_rename(char *name, size_t size)
{
	size_t length = strlen(name);

	for (const char *line = embedded_aliases; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		const char *to = line + length + 1;
		size_t n;

		if (*line == '#' || strncmp(line, name, length) || line[length] != '\t')
			continue;
		n = strcspn(to, "\t\n");
		if (n < size) {
			memcpy(name, to, n);
			name[n] = '\0';
		}
		return;
	}
}

/*
 * Two functions are one when their names without compiler suffixes and their modules are equal; a tracepoint is not the
 * function that has its name.
 */
static uint32_t func_name_id(struct diff *d, const struct func *f)
{
	char plain[256], full[512];

	func_plain(f->name, plain, sizeof(plain));
	if (f->flags & TRC_FUNC_TRACEPOINT) {
		snprintf(full, sizeof(full), "%s (tracepoint)", plain);
		return name_id(d, full);
	}
	if (!d->same_kernel)
		func_rename(plain, sizeof(plain));
	if (!*f->module)
		return name_id(d, plain);
	snprintf(full, sizeof(full), "%s [%.200s]", plain, f->module);
	return name_id(d, full);
}

static void share_packet(struct diff *d, int s, const struct model *m, const struct packet *p)
{
	for (uint32_t i = 0; i < p->nhops && p->nderived; i++) {
		const struct trc_hop *h = packet_hop(m, p, i);

		if (h->kind == TRC_DERIVED && !d->side[s].shared[h->func])
			d->side[s].shared[h->func] = func_name_id(d, &m->funcs[h->func]);
	}
}

/* Functions from the stacks of tracepoints help to lay two ways side by side.  That one is missing proves nothing. */
static void share_derived(struct diff *d)
{
	if (!d->side[0].m->nderived || !d->side[1].m->nderived)
		return;
	for (int s = 0; s < 2; s++) {
		const struct model *m = d->side[s].m;

		for (size_t i = 0; i < m->npackets; i++)
			share_packet(d, s, m, &m->packets[i]);
	}
}

static void share_functions(struct diff *d)
{
	uint8_t *attached;
	uint32_t *ids[2];

	for (int s = 0; s < 2; s++) {
		const struct model *m = d->side[s].m;

		ids[s] = diff_alloc(d, m->nfuncs + 1, sizeof(**ids));
		for (size_t i = 0; i < m->nfuncs; i++)
			if (m->funcs[i].flags & TRC_FUNC_ATTACHED)
				ids[s][i] = func_name_id(d, &m->funcs[i]);
	}
	attached = diff_alloc(d, d->names->n + 1, 1);
	for (int s = 0; s < 2; s++)
		for (size_t i = 0; i < d->side[s].m->nfuncs; i++)
			attached[ids[s][i]] |= 1 << s;
	attached[0] = 0;
	for (int s = 0; s < 2; s++) {
		for (size_t i = 0; i < d->side[s].m->nfuncs; i++)
			if (attached[ids[s][i]] != 3)
				ids[s][i] = 0;
		d->side[s].shared = ids[s];
	}
	for (size_t i = 1; i <= d->names->n; i++)
		d->shared += attached[i] == 3;
	share_derived(d);
}

/*
 * A namespace by its name; without one, by the interfaces in it (of a container they are alike in both
 * recordings, its inode number is not).
 */
static void label_netns(struct diff *d, int s, uint32_t **labels)
{
	const struct model *m = d->side[s].m;
	char (*text)[128] = diff_alloc(d, m->nnetns + 1, sizeof(*text));
	struct cached *index = NULL, *c, *tmp;

	*labels = diff_alloc(d, m->nnetns + 1, sizeof(**labels));
	for (size_t i = 0; i < m->nnetns; i++) {
		if (*m->netns[i].name)
			snprintf(text[i], sizeof(*text), "netns %.100s", m->netns[i].name);
		else if (!cache_find(index, m->netns[i].netns))
			cache_put(d, &index, m->netns[i].netns, i);
	}
	for (size_t i = 0; i < m->nlinks; i++) {
		size_t used;

		c = cache_find(index, m->links[i].netns);
		if (!c || !strcmp(m->links[i].name, "lo"))
			continue;
		used = strlen(text[c->id]);
		snprintf(text[c->id] + used, sizeof(*text) - used, "%s%s", used ? "," : "the netns with ", m->links[i].name);
	}
	for (size_t i = 0; i < m->nnetns; i++)
		(*labels)[i] = name_id(d, text[i]);
	HASH_ITER(hh, index, c, tmp)
		HASH_DEL(index, c);
}

static void share_netns(struct diff *d)
{
	uint32_t *labels[2];
	uint8_t *known;

	for (int s = 0; s < 2; s++)
		label_netns(d, s, &labels[s]);
	known = diff_alloc(d, d->names->n + 1, 1);
	for (int s = 0; s < 2; s++)
		for (size_t i = 0; i < d->side[s].m->nnetns; i++)
			known[labels[s][i]] |= 1 << s;
	known[0] = 0;
	for (int s = 0; s < 2; s++) {
		const struct model *m = d->side[s].m;

		for (size_t i = 0; i < m->nnetns; i++)
			if (!cache_find(d->side[s].netns, m->netns[i].netns))
				cache_put(d, &d->side[s].netns, m->netns[i].netns, known[labels[s][i]] == 3 ? labels[s][i] : 0);
	}
}

/* Devices are compared when both machines have one of that name. */
static void share_devices(struct diff *d)
{
	uint8_t *known;
	size_t most = d->names->n + d->side[0].m->nlinks + d->side[1].m->nlinks;

	known = diff_alloc(d, most + 1, 1);
	for (int s = 0; s < 2; s++)
		for (size_t i = 0; i < d->side[s].m->nlinks; i++)
			known[name_id(d, d->side[s].m->links[i].name)] |= 1 << s;
	for (int s = 0; s < 2; s++) {
		for (size_t i = 0; i < d->side[s].m->nlinks; i++) {
			const struct link *l = &d->side[s].m->links[i];
			uint64_t key = (uint64_t)l->netns << 32 | l->ifindex;
			uint32_t id = name_id(d, l->name);

			if (!cache_find(d->side[s].devices, key))
				cache_put(d, &d->side[s].devices, key, known[id] == 3 ? id : 0);
		}
	}
}

static const char *reason_name(const struct trc_enum *e)
{
	static const char prefix[] = "SKB_DROP_REASON_";

	return strncmp(e->name, prefix, sizeof(prefix) - 1) ? e->name : e->name + sizeof(prefix) - 1;
}

/* Drop reasons are compared when both kernels know the name and it says something. */
static void share_reasons(struct diff *d)
{
	size_t most = d->names->n + d->side[0].m->nenums + d->side[1].m->nenums;
	uint8_t *known = diff_alloc(d, most + 1, 1);

	for (int s = 0; s < 2; s++) {
		const struct model *m = d->side[s].m;

		for (size_t i = 0; i < m->nenums; i++)
			if (!strcmp(m->enums[i].type, "skb_drop_reason"))
				known[name_id(d, reason_name(&m->enums[i]))] |= 1 << s;
	}
	for (int s = 0; s < 2; s++) {
		const struct model *m = d->side[s].m;

		for (size_t i = 0; i < m->nenums; i++) {
			uint64_t key = (uint32_t)m->enums[i].value;
			uint32_t id;

			if (strcmp(m->enums[i].type, "skb_drop_reason") || cache_find(d->side[s].reasons, key))
				continue;
			id = name_id(d, reason_name(&m->enums[i]));
			if (known[id] != 3 || !strcmp(name_text(d, id), "NOT_SPECIFIED"))
				id = 0;
			cache_put(d, &d->side[s].reasons, key, id);
		}
	}
}

uint32_t side_netns(struct diff *d, int s, uint32_t netns)
{
	const struct cached *c = cache_find(d->side[s].netns, netns);

	return c ? c->id : 0;
}

uint32_t side_device(struct diff *d, int s, uint32_t netns, uint32_t ifindex)
{
	const struct cached *c = cache_find(d->side[s].devices, (uint64_t)netns << 32 | ifindex);

	return c ? c->id : 0;
}

uint32_t side_reason(struct diff *d, int s, int32_t reason)
{
	const struct cached *c = cache_find(d->side[s].reasons, (uint32_t)reason);

	return c ? c->id : 0;
}

/* "ok.trc" for "/tmp/a/ok.trc", unless both end so. */
static void name_sides(struct diff *d)
{
	const char *base[2];

	for (int s = 0; s < 2; s++) {
		const char *slash = strrchr(d->side[s].m->file, '/');

		base[s] = slash && slash[1] ? slash + 1 : d->side[s].m->file;
		if (!strcmp(base[s], "-"))
			base[s] = "standard input";
	}
	for (int s = 0; s < 2; s++)
		d->side[s].name = strcmp(base[0], base[1]) ? base[s] : d->side[s].m->file;
	if (!strcmp(d->side[0].name, d->side[1].name)) {
		d->side[0].name = "the first";
		d->side[1].name = "the second";
	}
}

/* Nothing can be said to be missing from a recording that lacks something itself. */
bool side_is_whole(const struct side *side)
{
	const struct trc_health *h = &side->m->health;

	return !side->m->lost && !h->damaged && !h->cut_short && !h->out_of_order && h->ended;
}

/* A recording without packets says something when it would have held those of the other. */
static bool emptiness_tells(const struct diff *d, int s)
{
	return d->side[!s].m->npackets && side_is_whole(&d->side[s]) && d->same_filter;
}

/* Options of pktrec that do not choose packets; those with a value first. */
static bool is_no_choice(const char *word, size_t length, bool *value)
{
	static const char *const values[] = { "-o", "-w", "-B", "-C", "-W", "-Z", "-c", "-s", "--duration", "--ready-fd", "--linger", "--backend",
					      "--profile", "--func", "--output" };
	static const char *const flags[] = { "-q", "-v", "--no-payload", "--stack", "--light", "--quiet", "--verbose" };

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		size_t n = strlen(values[i]);

		if (length >= n && !memcmp(word, values[i], n) && (length == n || word[n] == '=' || values[i][1] != '-')) {
			*value = length == n;
			return true;
		}
	}
	*value = false;
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (length == strlen(flags[i]) && !memcmp(word, flags[i], length))
			return true;
	return false;
}

/* Which packets were to be recorded: the filter, and the options that choose, out of the command line. */
static const char *selection_text(struct diff *d, int s)
{
	const char *fact = model_fact(d->side[s].m, "recorder.filter"), *word = model_fact(d->side[s].m, "recorder.command");
	char text[600];
	bool skip = true;	/* the program's name */
	size_t used = 0;

	if (*fact)
		return diff_text(d, fact);
	for (text[0] = '\0'; *word; word += strspn(word, " ")) {
		size_t n = strcspn(word, " ");
		bool value;

		if (n == 2 && !memcmp(word, "--", 2))
			break;
		if (skip)
			skip = false;
		else if (is_no_choice(word, n, &value))
			skip = value;
		else if (used + n + 2 < sizeof(text))
			used += snprintf(text + used, sizeof(text) - used, "%s%.*s", used ? " " : "", (int)n, word);
		word += n;
	}
	return diff_text(d, text);
}

static int check_comparable(struct diff *d, char *error, size_t size)
{
	for (int s = 0; s < 2; s++) {
		const struct model *m = d->side[s].m;
		size_t lossy = 0;

		if (!m->npackets && !emptiness_tells(d, s)) {
			snprintf(error, size, "%s holds no packets, so there is nothing to compare: nothing was sent, or the filter left nothing; see pktshow --info",
				 m->file);
			return -EINVAL;
		}
		for (size_t i = 0; i < m->npackets; i++)
			lossy += m->packets[i].lossy;
		d->side[s].censored = lossy;
		if (lossy && lossy == m->npackets) {
			snprintf(error, size, "every packet of %s may lack hops (%llu were lost), so nothing can be proved; record again with a larger buffer (-B)",
				 m->file, (unsigned long long)m->lost);
			return -EINVAL;
		}
	}
	if (!d->shared) {
		snprintf(error, size, "%s and %s have no probed function in common; record both with the same options",
			 d->side[0].m->file, d->side[1].m->file);
		return -EINVAL;
	}
	return 0;
}

int sides_prepare(struct diff *d, const struct model *a, const struct model *b, char *error, size_t size)
{
	const struct model *models[2] = { a, b };

	memset(d, 0, sizeof(*d));
	d->names = diff_alloc(d, 1, sizeof(*d->names));
	for (int s = 0; s < 2; s++) {
		const struct model *m = models[s];
		uint64_t last = m->last_ns;

		d->side[s].m = m;
		d->side[s].end_ns = m->end.reason && m->end.time_ns > last ? m->end.time_ns : last;
		d->side[s].next = diff_alloc(d, m->npackets + 1, sizeof(uint32_t));
	}
	d->same_kernel = !strcmp(model_fact(a, "host.kernel"), model_fact(b, "host.kernel"));
	for (int s = 0; s < 2; s++)
		d->side[s].filter = selection_text(d, s);
	d->same_filter = !strcmp(d->side[0].filter, d->side[1].filter);
	name_sides(d);
	share_functions(d);
	share_netns(d);
	share_devices(d);
	share_reasons(d);
	return check_comparable(d, error, size);
}

void sides_free(struct diff *d)
{
	for (int s = 0; s < 2; s++) {
		HASH_CLEAR(hh, d->side[s].netns);
		HASH_CLEAR(hh, d->side[s].reasons);
		HASH_CLEAR(hh, d->side[s].devices);
	}
	if (d->names) {
		HASH_CLEAR(hh, d->names->table);
		free(d->names->by_id);
	}
	while (d->blocks) {
		struct block *b = d->blocks;

		d->blocks = b->next;
		free(b);
	}
	memset(d, 0, sizeof(*d));
}
