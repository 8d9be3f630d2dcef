// SPDX-License-Identifier: GPL-2.0
/*
 * sql_functions.c - what SQLite lacks for packets; the list is at the end.
 *
 * Queries of schema/queries may use them; views may not, because files must open without us.
 */
#include <arpa/inet.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "render.h"
#include "sanitize.h"
#include "sql.h"

struct sample {
	double *v;
	size_t n, room;
	double percent;
	bool real;		/* not all are whole numbers */
};

static void percentile_step(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	struct sample *s = sqlite3_aggregate_context(ctx, sizeof(*s));
	double *v;

	if (!s)
		return sqlite3_result_error_nomem(ctx);
	s->percent = sqlite3_value_double(argv[1]);
	if (!(s->percent >= 0 && s->percent <= 100))
		return sqlite3_result_error(ctx, "percentile(X, P): P must be between 0 and 100", -1);
	if (sqlite3_value_type(argv[0]) == SQLITE_NULL)
		return;
	if (s->n == s->room) {
		v = reallocarray(s->v, s->room ? 2 * s->room : 64, sizeof(*v));
		if (!v)
			return sqlite3_result_error_nomem(ctx);
		s->v = v;
		s->room = s->room ? 2 * s->room : 64;
	}
	s->real |= sqlite3_value_numeric_type(argv[0]) != SQLITE_INTEGER;
	s->v[s->n++] = sqlite3_value_double(argv[0]);
}

static int compare_doubles(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Whole numbers stay whole. */
static void sample_result(sqlite3_context *ctx, double v, bool real)
{
	if (real || !(v > -9e18 && v < 9e18))
		sqlite3_result_double(ctx, v);
	else
		sqlite3_result_int64(ctx, v);
}

static void percentile_final(sqlite3_context *ctx)
{
	struct sample *s = sqlite3_aggregate_context(ctx, 0);
	size_t rank;

	if (!s || !s->n) {
		sqlite3_result_null(ctx);
	} else {
		qsort(s->v, s->n, sizeof(*s->v), compare_doubles);
		/* as in the tables of latencies: the least value that P of a hundred are not above */
		rank = ceil(s->percent * s->n / 100 - 1e-9);	/* 99.9 * 10 is a little more than 999 */
		sample_result(ctx, s->v[rank ? rank - 1 : 0], s->real);
	}
	if (s)
		free(s->v);
}

/* 4 or 16 bytes of an address; 0 = it is none */
static int address_parse(const char *text, uint8_t *bytes)
{
	if (inet_pton(AF_INET, text, bytes) == 1)
		return 4;
	return inet_pton(AF_INET6, text, bytes) == 1 ? 16 : 0;
}

static bool same_bits(const uint8_t *a, const uint8_t *b, int bits)
{
	int rest = bits % 8;

	if (memcmp(a, b, bits / 8))
		return false;
	return !rest || !((a[bits / 8] ^ b[bits / 8]) >> (8 - rest));
}

static void ip_in(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	const char *address = (const char *)sqlite3_value_text(argv[0]), *text = (const char *)sqlite3_value_text(argv[1]);
	char net[64], *slash, *end = "";
	uint8_t a[16], b[16];
	int size, bits;

	if (!address || !text)
		return;
	snprintf(net, sizeof(net), "%s", text);
	slash = strchr(net, '/');
	if (slash)
		*slash++ = 0;
	size = address_parse(net, b);
	bits = slash ? strtol(slash, &end, 10) : 8 * size;
	if (!size || *end || bits < 0 || bits > 8 * size)
		return sqlite3_result_error(ctx, "ip_in(ADDRESS, NET): NET must be like 10.0.0.0/8 or fd00::/8", -1);
	sqlite3_result_int(ctx, address_parse(address, a) == size && same_bits(a, b, bits));
}

static void duration(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	sqlite3_int64 ns = sqlite3_value_int64(argv[0]);
	char text[32] = "-";

	if (sqlite3_value_type(argv[0]) == SQLITE_NULL)
		return;
	duration_text(ns < 0 ? -(uint64_t)ns : (uint64_t)ns, text + (ns < 0), sizeof(text) - 1);
	sqlite3_result_text(ctx, text, -1, SQLITE_TRANSIENT);
}

static void ip(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	int size = sqlite3_value_bytes(argv[0]);
	char text[INET6_ADDRSTRLEN];
	const void *bytes;

	if (sqlite3_value_type(argv[0]) != SQLITE_BLOB || (size != 4 && size != 16))
		return;
	bytes = sqlite3_value_blob(argv[0]);
	if (bytes && inet_ntop(size == 4 ? AF_INET : AF_INET6, bytes, text, sizeof(text)))
		sqlite3_result_text(ctx, text, -1, SQLITE_TRANSIENT);
}

static void byte(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	const uint8_t *bytes = sqlite3_value_blob(argv[0]);
	sqlite3_int64 size = sqlite3_value_bytes(argv[0]), at = sqlite3_value_int64(argv[1]), value = 0, i;
	sqlite3_int64 n = argc > 2 ? sqlite3_value_int64(argv[2]) : 1;

	if (n < 1 || n > 7)
		return sqlite3_result_error(ctx, "byte(BLOB, AT, N): N must be between 1 and 7", -1);
	if (sqlite3_value_type(argv[0]) != SQLITE_BLOB || sqlite3_value_type(argv[1]) == SQLITE_NULL || at < 0 || at > size - n)
		return;
	for (i = 0; i < n; i++)
		value = value << 8 | bytes[at + i];
	sqlite3_result_int64(ctx, value);
}

/* Asked from queries only, never from views: the table function of a stranger's file may be a view that asks again. */
static void symbol(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(sqlite3_context_db_handle(ctx), "SELECT name || coalesce(' [' || module || ']', '') FROM function "
				    "WHERE recording = coalesce(?2, 1) AND func = ?1", -1, &stmt, NULL);

	rc = rc ?: sqlite3_bind_value(stmt, 1, argv[0]);
	if (argc > 1)
		rc = rc ?: sqlite3_bind_value(stmt, 2, argv[1]);
	rc = rc ?: sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		sqlite3_result_value(ctx, sqlite3_column_value(stmt, 0));
	else if (rc != SQLITE_DONE)
		sqlite3_result_error(ctx, sqlite3_errmsg(sqlite3_context_db_handle(ctx)), -1);
	sqlite3_finalize(stmt);
}

static void clean(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	const char *raw = (const char *)sqlite3_value_text(argv[0]);
	size_t size;
	char *text;

	if (!raw)
		return;
	size = sanitize(NULL, 0, raw) + 1;
	text = sqlite3_malloc64(size);
	if (!text)
		return sqlite3_result_error_nomem(ctx);
	sanitize(text, size, raw);
	sqlite3_result_text(ctx, text, -1, sqlite3_free);
}

typedef void call(sqlite3_context *, int, sqlite3_value **);

#define SAFE (SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS)

static const struct {
	const char *form;		/* the name ends at the parenthesis */
	int args;
	int flags;
	call *scalar, *step;
	void (*final)(sqlite3_context *);
	const char *meaning;		/* NULL: the same with fewer arguments */
} functions[] = {
	{ "percentile(X, P)", 2, SAFE, NULL, percentile_step, percentile_final,
	  "the P-th percentile (0..100) of X over the rows, of the nearest rank: a value that is there; NULLs are left out" },
	{ "duration(NS)", 1, SAFE, duration, NULL, NULL, "nanoseconds for people: 850 ns, 12.3 µs, 1.52 ms, 2.31 s" },
	{ "ip(BLOB)", 1, SAFE, ip, NULL, NULL, "4 or 16 bytes as an address, such as ip(substr(bytes, 13, 4)); other lengths: NULL" },
	{ "ip_in(ADDRESS, NET)", 2, SAFE, ip_in, NULL, NULL, "1 if an address lies in a network such as 10.0.0.0/8 or fd00::/8" },
	{ "byte(BLOB, AT[, N])", 2, SAFE, byte, NULL, NULL,
	  "the number that N bytes (1..7, 1 if not given) at AT make, most significant first; AT 0 is the first" },
	{ "byte(BLOB, AT, N)", 3, SAFE, byte, NULL, NULL, NULL },
	{ "symbol(FUNC[, RECORDING])", 2, SQLITE_UTF8 | SQLITE_DIRECTONLY, symbol, NULL, NULL,
	  "the name of a function by number, with its module: nft_do_chain [nf_tables]" },
	{ "symbol(FUNC)", 1, SQLITE_UTF8 | SQLITE_DIRECTONLY, symbol, NULL, NULL, NULL },
	{ "clean(TEXT)", 1, SAFE, clean, NULL, NULL, "text with what could fool a terminal or a reader made visible" },
};

int functions_add(sqlite3 *db)
{
	char name[32];
	size_t i;
	int rc = SQLITE_OK;

	for (i = 0; i < sizeof(functions) / sizeof(functions[0]) && rc == SQLITE_OK; i++) {
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(functions[i].form, "("), functions[i].form);
		rc = sqlite3_create_function(db, name, functions[i].args, functions[i].flags, NULL, functions[i].scalar,
					     functions[i].step, functions[i].final);
	}
	return rc;
}

void functions_list(FILE *out)
{
	size_t i;

	for (i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		if (functions[i].meaning)
			fprintf(out, "%-16s %s\n", functions[i].form, functions[i].meaning);
}
